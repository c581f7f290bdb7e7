# SPDX-License-Identifier: GPL-2.0-or-later
"""What users and scripts see: fields in every output format, types and blurbs, expert items, the Info tag, preferences."""

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter, namedtuple
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
FIELD_ROW = re.compile(r'^TL_FIELD\(\w+, "([^"]+)", "([^"]*)", (\w+), "([^"]*)", \w+, \w+, \w+, .+\)$', re.M)
FIELD_ROWS = FIELD_ROW.findall((REPO / "plugin/epan/tl_fields.def").read_text())
TYPES = {
    "NONE": "FT_NONE", "STRING": "FT_STRING", "COUNT": "FT_UINT32", "INT": "FT_INT32", "FRAME": "FT_FRAMENUM",
    "TIME": "FT_RELATIVE_TIME", "YES": "FT_BOOLEAN",
}  # fmt: skip
VALUE_ROW = re.compile(r'^TL_VALUE\((\w+), \w+, "([^"]+)", "([^"]+)", (\w+), (\w+), "[^"]*", "([^"]*)"\)$', re.M)
VALUES = VALUE_ROW.findall((REPO / "plugin/engine/tl_names.def").read_text())
ERROR_ROW = re.compile(r'^TL_ERROR_ROW\(\w+, "([^"]+)", "[^"]+", \w+, \w+, "[^"]+", "([^"]*)"\)$', re.M)
ERRORS = ERROR_ROW.findall((REPO / "plugin/epan/show/tl_errors.def").read_text())

# The part of an expert item's name before the value of tl_names.def.
EXPERT_PREFIX = {
    "HANDSHAKE_STEP": "", "OUTCOME": "", "TEARDOWN_STEP": "", "RST_CAUSE": "rst_", "REUSE": "reuse_", "TFO": "tfo_",
    "ACK": "acknowledgment_",
}  # fmt: skip
SEVERITIES = {"CHAT": 0x200000, "NOTE": 0x400000, "WARN": 0x600000}  # PI_CHAT ... of Wireshark

Field = namedtuple("Field", "label type blurb")


@pytest.fixture(scope="module")
def registered(sandbox):
    """Field name -> Field, of all of ours that `tshark -G fields` lists."""
    listed = sandbox.run(["tshark", "-G", "fields"])
    assert listed.returncode == 0, listed.stderr
    rows = (line.split("\t") for line in listed.stdout.splitlines())
    return {row[2]: Field(row[1], row[3], row[7]) for row in rows if row[0] == "F" and row[2].startswith("tcplife.")}


def flat(layer):
    """Every key and value of a JSON object, whatever the depth; values of equal keys in a list."""
    for key, value in layer.items():
        yield key, value
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                yield from flat(child)


# ---- registration ----------------------------------------------------------------------------------------------------


def test_every_field_is_registered(registered):
    assert FIELD_ROWS
    for name, label, kind, blurb in FIELD_ROWS:
        assert registered["tcplife." + name] == Field(label, TYPES[kind], blurb)


def test_nothing_else_is_registered(registered):
    known = {"tcplife." + name for name, *_ in FIELD_ROWS}
    others = [name for name in registered if name not in known and not name.startswith("tcplife.expert.")]
    assert others == []


def test_names_are_well_formed(registered):
    for name in registered:
        # Lower case, words joined by "_" or ".".
        assert re.fullmatch(r"tcplife(\.[a-z][a-z0-9]*(_[a-z0-9]+)*)+", name), name


def test_blurbs_are_sentences():
    """The unit of a duration or a count is part of it."""
    for name, _, kind, blurb in FIELD_ROWS:
        assert re.fullmatch(r"[A-Z0-9].*[^ ]\.", blurb), f"{name}: {blurb}"
        assert len(blurb.split()) >= 4, f"{name}: {blurb}"
        if kind == "TIME":
            assert re.search(r"\bseconds\b", blurb, re.I), f"{name}: {blurb}"


def test_meanings_are_sentences():
    assert VALUES and ERRORS
    for text in [row[5] for row in VALUES] + [row[1] for row in ERRORS]:
        assert re.fullmatch(r"[A-Z].*\.", text), text


def test_values_are_well_formed():
    """Lower case, joined by "_"; states are named as RFC 9293 names them, and as Zeek does."""
    patterns = {"STATE": r"[A-Z]+(-[A-Z0-9]+)*|unknown", "ZEEK_STATE": r"[A-Z0-9]+"}
    for group, value, *_ in VALUES:
        assert re.fullmatch(patterns.get(group, r"[a-z0-9]+(_[a-z0-9]+)*"), value), value
    assert Counter((group, value) for group, value, *_ in VALUES).most_common(1)[0][1] == 1


def test_protocol_and_plugin_are_listed(sandbox):
    protocols = sandbox.run(["tshark", "-G", "protocols"]).stdout.splitlines()
    assert sum(line.split("\t")[2:3] == ["tcplife"] for line in protocols) == 1
    assert "tcplife.so" in sandbox.run(["tshark", "-G", "plugins"]).stdout


# ---- expert items ----------------------------------------------------------------------------------------------------


def test_every_expert_filter_compiles(registered, tshark, captures):
    items = [name for name in registered if name.startswith("tcplife.expert.")]
    assert len(items) > 40
    result = tshark(["-Y", " || ".join(items)], captures / "refused.pcap")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 2


def test_values_with_a_severity_have_an_expert_item(registered):
    rows = [(f"tcplife.expert.{EXPERT_PREFIX[row[0]]}{row[1]}", row[3]) for row in VALUES if row[0] in EXPERT_PREFIX]
    worth_one = {name for name, severity in rows if severity != "NONE"}
    worth_none = {name for name, _ in rows} - worth_one
    assert worth_one <= set(registered)
    assert not worth_none & set(registered)
    assert {f"tcplife.expert.error_{word}" for word, _ in ERRORS} <= set(registered)


# (capture, frame, expert item, severity): ordinary steps are chats; repetitions, probes and resets after a close are notes;
# refusals, silence, aborts and timeouts are warnings.
EXPERT = [
    ("nc-three-segment-close", 1, "syn", "CHAT"),
    ("nc-three-segment-close", 2, "synack", "CHAT"),
    ("nc-three-segment-close", 3, "ack", "CHAT"),
    ("nc-three-segment-close", 8, "fin1", "CHAT"),
    ("nc-three-segment-close", 9, "fin2_ack1", "CHAT"),
    ("nc-three-segment-close", 10, "fin2_ack", "CHAT"),
    ("synack-lost", 3, "syn_retransmission", "NOTE"),
    ("synack-lost", 4, "synack_retransmission", "NOTE"),
    ("refused", 2, "rst_refused", "WARN"),
    ("linger-reset", 8, "rst_abort", "WARN"),
    ("peer-restarted", 9, "rst_half_open", "WARN"),
    ("data-after-close", 11, "rst_data_after_close", "NOTE"),
    ("keepalive-unanswered", 9, "keepalive_probe", "NOTE"),
    ("keepalive-unanswered", 12, "rst_keepalive_timeout", "WARN"),
]


@pytest.fixture(scope="module")
def as_json(tshark, captures):
    """as_json(name, *args): the layers of each frame of a shipped capture; each run once."""
    known = {}

    def run(name, *args):
        if (name, args) not in known:
            result = tshark([*args, "-T", "json"], captures / f"{name}.pcap")
            assert result.returncode == 0, result.stderr
            known[name, args] = [frame["_source"]["layers"] for frame in json.loads(result.stdout)]
        return known[name, args]

    return run


def experts(layers):
    """(name, severity) of each expert item below tcplife in a frame."""
    items = layers.get("tcplife", {}).get("_ws.expert", [])
    for item in items if isinstance(items, list) else [items]:
        name = next(key for key in item if key.startswith("tcplife.expert."))
        yield name.removeprefix("tcplife.expert."), int(item["_ws.expert.severity"])


@pytest.mark.parametrize("name, frame, item, severity", EXPERT)
def test_expert_item(name, frame, item, severity, as_json):
    assert list(experts(as_json(name)[frame - 1])) == [(item, SEVERITIES[severity])]


def test_one_expert_item_at_most(as_json):
    for name in {row[0] for row in EXPERT}:
        assert all(len(list(experts(layers))) <= 1 for layers in as_json(name)), name


def test_plain_segments_have_no_expert_item(as_json):
    """Data and ACKs of an open connection."""
    assert [list(experts(layers)) for layers in as_json("nc-three-segment-close")[3:7]] == [[]] * 4


def test_expert_statistics_in_one_pass(tshark, captures):
    """`-z expert` builds no tree; our items count all the same. Four SYNs, three of them repeated, then a whole connection."""
    result = tshark(["-q", "-z", "expert"], captures / "syn-unanswered.pcap")
    rows = re.findall(r"^ *(\d+) +(\w+) +TCP Lifecycle  (.*)$", result.stdout, re.M)
    counts = {summary.split(".")[0]: (int(number), group) for number, group, summary in rows}
    assert counts["SYN 1/3"] == (2, "Sequence")
    assert counts["SYN again"] == (3, "Sequence")
    assert counts["SYN-ACK 2/3"] == counts["ACK 3/3"] == counts["FIN 1"] == (1, "Sequence")
    assert sum(number for number, _ in counts.values()) == 10, "one for each of the ten segments"


def test_expert_statistics_in_two_passes(tshark, captures):
    result = tshark(["-2", "-q", "-z", "expert"], captures / "syn-unanswered.pcap")
    warnings = result.stdout.split("Warns (")[1].split("Notes (")[0]
    assert re.search(r"^ *1 +Sequence +TCP Lifecycle  .*unanswered", warnings, re.M)


def test_nothing_is_an_expert_error(registered):
    """A passive opinion is not a malformed packet. What stands in the list is a constant text, so that rows group."""
    assert {row[3] for row in VALUES} <= {"NONE", "CHAT", "NOTE", "WARN"}
    texts = [field.label for name, field in registered.items() if name.startswith("tcplife.expert.")]
    assert all(re.fullmatch(r"[A-Z].*\.", text) for text in texts)
    assert len(set(texts)) == len(texts)


# ---- formats ---------------------------------------------------------------------------------------------------------

# Read from the packets of refused.pcap: the reset of frame 2 answers the SYN of frame 1.
REFUSAL = {
    "tcplife.phase": "handshake", "tcplife.sender": "server", "tcplife.conn": "0", "tcplife.incarnation": "1",
    "tcplife.client.state": "CLOSED", "tcplife.server.state": "CLOSED", "tcplife.handshake.step": "rst_syn",
    "tcplife.handshake.outcome": "refused", "tcplife.handshake.syn_in": "1", "tcplife.rst.cause": "refused",
    "tcplife.rst.cause.confidence": "likely", "tcplife.rst.trigger_in": "1",
}  # fmt: skip


def test_fields_output(fields, captures):
    rows = fields(captures / "refused.pcap", *REFUSAL)
    assert rows[1] == REFUSAL


def test_json_output(as_json):
    found = dict(flat(as_json("refused")[1]["tcplife"]))
    assert {name: found.get(name) for name in REFUSAL} == REFUSAL
    assert all(isinstance(found[name], str) for name in REFUSAL)


def test_ek_output(tshark, captures):
    """One JSON object in a line; names with "_" for ".", behind the name of the protocol."""
    lines = tshark(["-T", "ek"], captures / "refused.pcap").stdout.splitlines()
    frames = [json.loads(line) for line in lines]
    found = dict(flat([frame["layers"] for frame in frames if "layers" in frame][1]["tcplife"]))
    got = {name: found.get("tcplife_" + name.replace(".", "_")) for name in REFUSAL}
    assert got == REFUSAL


def test_pdml_output(tshark, captures):
    document = ET.fromstring(tshark(["-T", "pdml"], captures / "refused.pcap").stdout)
    protocol = document.findall("packet")[1].find("proto[@name='tcplife']")
    found = {field.get("name"): field.get("show") for field in protocol.iter("field")}
    assert {name: found.get(name) for name in REFUSAL} == REFUSAL
    assert all(field.get("size") == "0" for field in protocol.iter("field")), "generated, not bytes of the packet"


def test_details_output(tshark, captures):
    """`-O tcplife`: every line of the tree in brackets, as Wireshark shows what it generated."""
    lines = tshark(["-O", "tcplife"], captures / "refused.pcap").stdout.split("\n\n")[1].splitlines()
    start = next(i for i, line in enumerate(lines) if "TCP Lifecycle" in line)
    assert len(lines) - start > 10
    assert all(line.strip().startswith("[") and line.strip().endswith("]") for line in lines[start:])


def test_csv_with_a_field_that_is_absent(fields, captures):
    """A fact that does not hold has no field."""
    rows = fields(captures / "nc-three-segment-close.pcap", "tcplife.rst", "tcplife.rst.cause", "tcplife.keepalive.kind")
    assert {value for row in rows for value in row.values()} == {""}


# Filters of each type, on frames known from reading the capture.
TYPED_FILTERS = [
    ("syn-unanswered", "tcplife.handshake.attempt >= 2", [3, 4]),
    ("syn-unanswered", "tcplife.conn == 1 && tcplife.handshake", [5, 6, 7]),
    ("nc-four-segment-close", "tcplife.teardown.close_wait > 0.5", [10]),
    ("nc-four-segment-close", "tcplife.handshake.syn_in == 1", [2, 3]),
    ("nc-four-segment-close", 'tcplife.client.state in {"FIN-WAIT-1", "FIN-WAIT-2"}', [8, 9]),
    ("nc-four-segment-close", 'tcplife.explanation contains "3593224263"', [8, 9]),
    ("nc-four-segment-close", 'tcplife.client.state matches "^fin"', [8, 9]),
    ("nc-four-segment-close", 'tcplife.teardown.step == "fin1" && tcplife.sender == "client"', [8]),
]


@pytest.mark.parametrize("name, text, expected", TYPED_FILTERS)
def test_typed_filter(name, text, expected, fields, captures):
    rows = fields(captures / f"{name}.pcap", "frame.number", display_filter=text)
    assert [int(row["frame.number"]) for row in rows] == expected


# ---- Info column -----------------------------------------------------------------------------------------------------

LABELS = {(group, value): label for group, value, label, *_ in VALUES}
STEPS = ["syn", "synack", "ack", "", "", "", "", "fin1", "fin2_ack1", "fin2_ack"]  # of nc-three-segment-close


@pytest.fixture
def infos(tshark):
    """infos(capture, *arguments): the Info column of each frame. Not -e _ws.col.Info: since 4.4 Wireshark fills that field
    before post-dissectors run, so that it lacks what they append to the column."""

    def run(capture, *arguments):
        result = tshark(["-o", 'gui.column.format:"Info","%i"', *arguments], capture)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    return run


def test_info_tag(infos, captures):
    texts = infos(captures / "nc-three-segment-close.pcap")
    for text, step in zip(texts, STEPS, strict=True):
        label = LABELS.get(("HANDSHAKE_STEP", step)) or LABELS.get(("TEARDOWN_STEP", step))
        tag = re.search(r" \[([^][]+)\]$", text.split("TSecr")[-1])
        assert (tag[1] if tag else None) == label
    assert "[SYN 1/3]" in texts[0]


def test_info_tag_of_a_reset(infos, captures):
    assert infos(captures / "refused.pcap")[1].endswith(" [RST: refused]")


def test_info_tag_off(infos, fields, captures):
    off = ("-o", "tcplife.info_tag:FALSE")
    for name, tag in (("nc-three-segment-close", "[SYN 1/3]"), ("refused", "[RST: refused]")):
        capture = captures / f"{name}.pcap"
        assert any(tag in text for text in infos(capture))
        assert not any(tag in text for text in infos(capture, *off))
        assert all(row["tcplife.phase"] for row in fields(capture, "tcplife.phase", extra=off)), "the fields stay"


# ---- preferences -----------------------------------------------------------------------------------------------------


def test_preferences_are_registered(sandbox):
    listed = sandbox.run(["tshark", "-G", "currentprefs"]).stdout
    ours = re.findall(r"^#?(tcplife\.\w+): (.*)$", listed, re.M)
    assert ("tcplife.info_tag", "TRUE") in ours


def test_unknown_preference_is_refused(tshark, captures):
    result = tshark(["-o", "tcplife.no_such_thing:1"], captures / "refused.pcap")
    assert result.returncode != 0


def test_preference_in_the_users_file(sandbox, captures):
    """A preferences file with our line is read without a complaint."""
    folder = sandbox.new_path("-config")
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "preferences").write_text("tcplife.info_tag: FALSE\n")
    command = ["tshark", "-n", "-r", sandbox.readable(captures / "refused.pcap")]
    result = sandbox.run(command, env={"WIRESHARK_CONFIG_DIR": str(folder)})
    assert result.returncode == 0
    assert "tcplife" not in result.stderr
    assert "[RST: refused]" not in result.stdout
