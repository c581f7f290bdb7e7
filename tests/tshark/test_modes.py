# SPDX-License-Identifier: GPL-2.0-or-later
"""However a capture is read, the answers are the same; and whatever tcplife does not own looks as without it.

Most tests use one file: all shipped captures behind one another. What the answers are is the matter of test_captures.py; here
only their equality counts."""

import json
import re
import struct
from functools import cache
from itertools import zip_longest
from pathlib import Path

import pytest

from handmade import ACK, PSH, SYN, Talk, ethernet, ipv4, join_captures, udp, write_pcap
from test_cases import Parser

REPO = Path(__file__).resolve().parents[2]
FIELD_ROW = re.compile(r'^TL_FIELD\(\w+, "([^"]+)", "[^"]*", (\w+), "([^"]*)", \w+, \w+, \w+, .+\)$', re.M)
FIELD_ROWS = FIELD_ROW.findall((REPO / "plugin/epan/tl_fields.def").read_text())
# The lines of an explanation are several fields of one name, and say what the explanation says (test_labels.py).
NAMES = ["tcplife." + name for name, _, _ in FIELD_ROWS if name != "explanation.line"]
LATE = {"tcplife." + name for name, _, blurb in FIELD_ROWS if re.search(r"\(late\b", blurb)}
FRAMES = {"tcplife." + name for name, kind, _ in FIELD_ROWS if kind == "FRAME"}
HEADINGS = {"tcplife." + name for name, kind, _ in FIELD_ROWS if kind == "NONE"}
STRINGS = {"tcplife." + name for name, kind, _ in FIELD_ROWS if kind == "STRING"}
# "tentative" is the answer of one pass to what two passes can decide, and goes into the explanation's words; those of "what" get more.
DECIDED_LATER = {"tcplife.reuse", "tcplife.explanation", "tcplife.what"}
# No segment proves these: they say that one did not come. (A segment that is still to come can be nowhere in one pass.)
ABSENCES = {
    "tcplife.handshake.outcome": {"unanswered", "pending", "half_open", "unreachable", "unknown", "not_captured"},
    "tcplife.teardown.kind": {"open", "one_sided", "unfinished", "superseded"},
}


@pytest.fixture(scope="module")
def all_captures(captures, sandbox):
    """All shipped captures in one file, five minutes apart."""
    frames, times = join_captures(sorted(captures.glob("*.pcap")))
    return write_pcap(sandbox.new_path(".pcap"), frames, times)


@pytest.fixture(scope="module")
def read(fields, all_captures):
    """read(two_pass=False, extra=()): all fields of all frames of that file; each run once."""

    @cache
    def run(two_pass=False, extra=()):
        return fields(all_captures, "frame.number", "tcp.stream", *NAMES, two_pass=two_pass, extra=extra)

    return run


def without(rows, *names):
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def without_clause(rows):
    """The rows, explanations without the clause about Wireshark's own flag: where there is no flag there is no clause."""
    name = "tcplife.explanation"
    return [{**row, name: re.sub(r" Wireshark calls it [^.|]*\.", "", row[name])} for row in rows]


def differences(got, expected):
    """The frames and fields that differ, as readable lines."""
    assert len(got) == len(expected)
    return [
        f"frame {number}: {name}: {row.get(name)!r}, expected {wanted!r}"
        for number, (row, other) in enumerate(zip(got, expected, strict=True), 1)
        for name, wanted in other.items()
        if row.get(name) != wanted
    ]


# ---- one pass and two ------------------------------------------------------------------------------------------------


def test_two_passes_change_only_late_facts(read):
    wrong = []
    for once, twice in zip(read(), read(two_pass=True), strict=True):
        number = int(once["frame.number"])
        for name in NAMES:
            same = once[name] == twice[name]
            to_come = name in FRAMES and not once[name] and int(twice[name] or 0) > number
            gained = name in LATE and not once[name]
            if not (same or to_come or gained or name in DECIDED_LATER):
                wrong.append(f"frame {number}: {name}: {once[name]!r} in one pass, {twice[name]!r} in two")
    assert not wrong, "\n".join(wrong)


def test_late_facts_stand_on_the_proving_frame(read):
    """In one pass each late answer of a connection is on at least one of its frames, unless it is the absence of a segment."""
    once, twice = read(), read(two_pass=True)
    for name in ("tcplife.handshake.outcome", "tcplife.teardown.kind", "tcplife.teardown.initiator", "tcplife.handshake.tfo"):
        late = {(row["tcplife.conn"], row[name]) for row in twice if row[name]}
        early = {(row["tcplife.conn"], row[name]) for row in once if row[name]}
        absent = {
            (row["tcplife.conn"], row[name])
            for row in twice
            if any(row[other] in values for other, values in ABSENCES.items())
        }
        assert early <= late, name
        assert late - absent <= early, name
        assert late, name


def test_late_facts_show_on_earlier_frames_in_two_passes(read):
    once, twice = read(), read(two_pass=True)
    for name in ("tcplife.handshake.outcome", "tcplife.teardown.kind"):
        assert sum(1 for row in twice if row[name]) > sum(1 for row in once if row[name]) > 0


CASES = REPO / "tests" / "cases"


def test_superseded_shows_on_the_last_frame(fields, scapy_pcap):
    """Another connection ends this one: no segment of its own can prove it. In one pass the other one refers back."""
    case = Parser().read(CASES / "reuse-supersede.case")
    capture = scapy_pcap(case.packets, case.times)
    names = ("frame.number", "tcplife.teardown.kind", "tcplife.proves.superseded_in")
    once, twice = (fields(capture, *names, two_pass=two_pass) for two_pass in (False, True))
    assert [row["frame.number"] for row in twice if row["tcplife.teardown.kind"] == "superseded"] == ["5"]
    assert not any(row["tcplife.teardown.kind"] for row in once)
    for rows in (once, twice):
        referring = {row["frame.number"]: row["tcplife.proves.superseded_in"] for row in rows}
        assert referring == {**dict.fromkeys(map(str, range(1, 10)), ""), "7": "5"}


def test_a_run_of_probes_is_renamed_everywhere(tshark, scapy_pcap):
    """Field, filter, expert item, tag and explanation of a probe follow what its run turned out to be."""
    case = Parser().read(CASES / "probe-keepalive-closed-window.case")
    capture = scapy_pcap(case.packets, case.times)
    seen = {}
    for two_pass in (False, True):
        fields = ["-T", "fields", "-e", "tcplife.expert.keepalive_probe", "-e", "tcplife.explanation"]
        # Not the field _ws.col.Info: since 4.4 it is filled before post-dissectors run.
        column = ["-o", 'gui.column.format:"Info","%i"']
        selection = ["-Y", "frame.number == 6", *["-2"] * two_pass]
        expert, explanation = tshark([*fields, *selection], capture).stdout.rstrip("\n").split("\t")
        seen[two_pass] = {"expert": expert, "explanation": explanation}
        seen[two_pass]["info"] = tshark([*column, *selection], capture).stdout.rstrip("\n")
    assert seen[False]["info"].endswith("[window probe: probe]")
    assert seen[True]["info"].endswith("[keep-alive probe]")
    assert not seen[False]["expert"]
    assert seen[True]["expert"]
    assert "perhaps asks whether the window of" in seen[False]["explanation"]
    assert "probably asks whether the server is still there" in seen[True]["explanation"]


# ---- preferences of TCP that the answers do not depend on ------------------------------------------------------------

PREFERENCES = [
    "tcp.relative_sequence_numbers:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
    "tcp.calculate_timestamps:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.reassemble_out_of_order:TRUE",
    "tcp.check_checksum:TRUE",
    "tcp.track_bytes_in_flight:FALSE",
    "tcp.try_heuristic_first:TRUE",
]


@pytest.mark.parametrize("preference", PREFERENCES)
def test_preference(preference, read):
    got = without(read(two_pass=True, extra=("-o", preference)), "tcp.stream")
    expected = without(read(two_pass=True), "tcp.stream")
    if preference == "tcp.analyze_sequence_numbers:FALSE":
        assert "Wireshark" not in "".join(row["tcplife.explanation"] for row in got)
        expected = without_clause(expected)
    assert differences(got, expected) == []


def test_all_preferences_in_one_pass(read):
    extra = tuple(word for preference in PREFERENCES for word in ("-o", preference))
    expected = without_clause(without(read(), "tcp.stream"))
    assert differences(without(read(extra=extra), "tcp.stream"), expected) == []


EVIDENCE_OF_IP = {"ttl_same", "ttl_host", "id_next"}  # of the shipped captures
EVIDENCE_OF_HOST = {"in_time"}  # how soon a host answers is learnt from all its connections, if the IP header tells which they are


def without_evidence(row, words):
    left = [word for word in row["tcplife.rst.evidence"].split(",") if word not in words]
    return {**row, "tcplife.rst.evidence": ",".join(left)}


def told_without_ip(row):
    """What a frame says where TCP's header is all that can be read: without TTL and IP ID it is not known that a reset is its end's
    own; and without the hook there is no clause about Wireshark's flags."""
    row = without_evidence(row, EVIDENCE_OF_IP | EVIDENCE_OF_HOST)
    if row["tcplife.rst.origin"] == "end":
        row |= {"tcplife.rst.origin": "unknown", "tcplife.rst.origin.confidence": ""}
    return row


def test_decode_as_tcp(fields, captures, sandbox, registered_fields):
    """`-d ip.proto==6,tcp` puts TCP where tcplife stands; then the items of the tree serve. They lack the IP header, so here no
    connection is captured at two places: copies could not be told from repetitions."""
    twins = {"synack-lost-client", "handshake-ack-lost-server"}
    frames, times = join_captures(path for path in sorted(captures.glob("*.pcap")) if path.stem not in twins)
    path = write_pcap(sandbox.new_path(".pcap"), frames, times)
    by_hand = ("-d", "ip.proto==6,tcp")
    # Since 4.4 a tree that nobody looks at holds only the items that somebody asked for: tcp.len is one that the plugin reads.
    names = (*NAMES, *sorted(name for name in registered_fields if name.startswith("tcplife.expert.")), "tcp", "tcp.len")
    told, expected = fields(path, *names, extra=by_hand), fields(path, *names)
    told = [without_evidence(row, EVIDENCE_OF_HOST) for row in told]
    assert differences(told, [told_without_ip(row) for row in without_clause(expected)]) == []
    assert sum(row["tcplife.rst.origin"] == "end" for row in expected) >= 4
    # With -2 there is no tree on the first pass to read from: silence, or the right answers, but never wrong ones.
    twice = fields(path, *names, two_pass=True, extra=by_hand)
    if any(row[name] for row in twice for name in NAMES):
        expected = fields(path, *names, two_pass=True)
        assert differences(twice, [told_without_ip(row) for row in without_clause(expected)]) == []


# ---- display filter and read filter ----------------------------------------------------------------------------------


@pytest.mark.parametrize("two_pass", [False, True], ids=["one-pass", "two-pass"])
def test_display_filter(two_pass, read, fields, all_captures):
    text = "tcp.len > 0 || tcp.flags.fin == 1"
    names = ("frame.number", *NAMES)
    rows = fields(all_captures, *names, display_filter=text, two_pass=two_pass)
    by_number = {row["frame.number"]: row for row in read(two_pass=two_pass)}
    assert 0 < len(rows) < len(by_number)
    assert differences(rows, without([by_number[row["frame.number"]] for row in rows], "tcp.stream")) == []


def test_display_filter_on_a_late_field(read, fields, all_captures):
    rows = fields(all_captures, "frame.number", display_filter='tcplife.teardown.kind == "three_segment"', two_pass=True)
    expected = [row["frame.number"] for row in read(two_pass=True) if row["tcplife.teardown.kind"] == "three_segment"]
    assert [row["frame.number"] for row in rows] == expected != []


def test_read_filter_renumbers_frames(read, fields, captures, sandbox):
    """Foreign frames before, between and after, which -2 -R rejects: the frames kept get the numbers that they have without
    them, and the answers are those of the file without them."""
    frames, times = join_captures(sorted(captures.glob("*.pcap")))
    foreign = ethernet(ipv4("192.0.2.1", "192.0.2.2", udp((9, 9), b"discard"), protocol=17))
    mixed, mixed_times = [foreign, foreign], [0.0, 0.0]
    for i, (frame, time) in enumerate(zip(frames, times, strict=True)):
        count = i % 3
        mixed += [foreign] * count + [frame]
        mixed_times += [time] * (count + 1)
    path = write_pcap(sandbox.new_path(".pcap"), mixed, mixed_times)
    rows = fields(path, "frame.number", *NAMES, two_pass=True, extra=("-R", "tcp || icmp"))
    assert differences(rows, without(read(two_pass=True), "tcp.stream")) == []


def test_read_filter_that_rejects_segments(tshark, all_captures):
    """Segments that -R rejects were still seen; nothing refers to a frame that is not there, and nothing breaks."""
    result = tshark(["-2", "-R", "tcp.len > 0", "-T", "json"], all_captures)
    assert result.returncode == 0
    frames = json.loads(result.stdout)
    assert frames
    assert all("tcplife" in frame["_source"]["layers"] for frame in frames)


# ---- sharkd ----------------------------------------------------------------------------------------------------------


def flat(nodes):
    for node in nodes:
        yield node
        yield from flat(node.get("n", ()))


COMPARISON = re.compile(r'^(tcplife\.[\w.]+) == "?(.*?)"?$')


def answers_of(frame):
    """Field -> value, for the tcplife fields of sharkd's tree."""
    found = {}
    for node in flat(frame["tree"]):
        match = COMPARISON.match(node.get("f", ""))
        if match:
            found[match[1]] = match[2].replace('\\"', '"')
    return found


def test_sharkd_frame(sharkd, read, all_captures):
    rows = read(two_pass=True)
    requests = [("frame", {"frame": number, "proto": True}) for number in range(1, len(rows) + 1)]
    wrong = []
    for row, frame in zip(rows, sharkd(all_captures, *requests), strict=True):
        answers = answers_of(frame)
        for name in (STRINGS | FRAMES) & set(NAMES):
            if answers.get(name, "") != row[name]:
                wrong.append(f"frame {row['frame.number']}: {name}: {answers.get(name, '')!r}, tshark says {row[name]!r}")
    assert not wrong, "\n".join(wrong)


def test_sharkd_frames(sharkd, read, all_captures):
    columns = {f"column{i}": f"{name}:1" for i, name in enumerate(("tcplife.phase", "tcplife.client.state"))}
    everything, some = sharkd(all_captures, ("frames", columns), ("frames", {"filter": 'tcplife.phase == "teardown"'}))
    rows = read(two_pass=True)
    expected = [[row["tcplife.phase"], row["tcplife.client.state"]] for row in rows]
    assert [frame["c"] for frame in everything] == expected
    numbers = [int(row["frame.number"]) for row in rows if row["tcplife.phase"] == "teardown"]
    assert [frame["num"] for frame in some] == numbers != []


def test_sharkd_loads_again(sharkd, sandbox, captures):
    """One capture, another, the first again: nothing stays from the one before."""
    first, other = (sandbox.readable(captures / f"{name}.pcap") for name in ("time-wait-reuse-server", "refused"))
    look = [("frame", {"frame": number, "proto": True}) for number in range(1, 21)]
    again = [("load", {"file": str(other)}), ("frame", {"frame": 2, "proto": True}), ("load", {"file": str(first)})]
    results = sharkd(first, *look, *again, *look)
    assert [answers_of(frame) for frame in results[-20:]] == [answers_of(frame) for frame in results[:20]]
    assert answers_of(results[21])["tcplife.rst.cause"] == "refused"
    assert answers_of(results[21])["tcplife.conn"] == "0"


def test_sharkd_filters_late_facts(sharkd, captures):
    (frames,) = sharkd(captures / "refused.pcap", ("frames", {"filter": 'tcplife.handshake.outcome == "refused"'}))
    assert [frame["num"] for frame in frames] == [1, 2]


# ---- with and without ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def no_plugin(sandbox):
    """Environment of a tshark without the plugin."""
    folder = sandbox.new_path("-no-plugins")
    folder.mkdir()
    return {"WIRESHARK_PLUGIN_DIR": str(folder)}


PROTOCOLS = ("-T", "fields", "-e", "frame.protocols", "-e", "tcp.stream", "-e", "_ws.col.Info")
VIEWS = {"summary": (), "details": ("-V",), "protocols": PROTOCOLS, "two-pass": ("-2", "-V")}


def identical(got, expected):
    """[], or the first lines that differ."""
    if got == expected:
        return []
    pairs = zip_longest(got.splitlines(), expected.splitlines())
    different = (f"line {i}: {a!r}, expected {b!r}" for i, (a, b) in enumerate(pairs, 1) if a != b)
    return [next(different, "line ends")]


@pytest.mark.parametrize("view", VIEWS)
def test_disabled_is_as_without(view, tshark, no_plugin, all_captures):
    plain = tshark(VIEWS[view], all_captures, env=no_plugin)
    disabled = tshark(["--disable-protocol", "tcplife", *VIEWS[view]], all_captures)
    assert plain.returncode == disabled.returncode == 0
    assert plain.stdout and "tcplife" not in plain.stdout.lower()
    assert identical(disabled.stdout, plain.stdout) == []


def without_our_tree(details):
    """`tshark -V` without the top-level trees of tcplife and what is indented below them."""
    kept, ours = [], False
    for line in details.splitlines(keepends=True):
        if not line.startswith((" ", "\n")):
            ours = line.startswith("[TCP Lifecycle")
        ours = ours and line != "\n"
        if not ours:
            kept.append(line)
    return "".join(kept)


@pytest.mark.parametrize("view", ["details", "two-pass"])
def test_enabled_changes_nothing_else_in_the_tree(view, tshark, no_plugin, all_captures):
    plain = tshark(VIEWS[view], all_captures, env=no_plugin)
    ours = tshark(VIEWS[view], all_captures)
    assert "TCP Lifecycle" in ours.stdout
    assert identical(without_our_tree(ours.stdout), plain.stdout) == []


def test_enabled_leaves_summary_and_protocols(tshark, no_plugin, all_captures):
    off = ["-o", "tcplife.info_tag:FALSE"]
    for view in ("summary", "protocols"):
        plain = tshark(VIEWS[view], all_captures, env=no_plugin)
        ours = tshark([*off, *VIEWS[view]], all_captures)
        assert identical(ours.stdout, plain.stdout) == [], view


def test_tag_is_appended_to_info(tshark, no_plugin, all_captures):
    plain = tshark([], all_captures, env=no_plugin).stdout.splitlines()
    tagged = tshark([], all_captures).stdout.splitlines()
    assert len(plain) == len(tagged)
    for line, other in zip(tagged, plain, strict=True):
        assert line == other or re.fullmatch(re.escape(other) + r" \[[^][]+\]", line)
    assert plain != tagged


def test_tcp_disabled(tshark, captures):
    """Without TCP there is nothing to say, and nothing breaks."""
    result = tshark(["--disable-protocol", "tcp", "-V"], captures / "nc-three-segment-close.pcap")
    assert result.returncode == 0
    assert "Dissector bug" not in result.stdout


# ---- payloads --------------------------------------------------------------------------------------------------------


def test_payload_that_breaks_its_dissector(fields, sandbox):
    """An exception in a payload dissector (BGP with an impossible length, TLS cut short) takes nothing from tcplife."""
    talk = Talk(ports=(40000, 179))
    frames = talk.conversation()
    frames[3] = talk.frame(0, PSH | ACK, 1, 1, payload=b"\xff" * 10)
    bgp = b"\xff" * 16 + struct.pack("!HB", 19 + 4, 1) + b"\x04\xff\xff\x00"  # OPEN, too short for its fixed fields
    frames.insert(4, talk.frame(0, PSH | ACK, 11, 1, payload=bgp))
    path = write_pcap(sandbox.new_path(".pcap"), frames)
    rows = fields(path, "tcplife.phase", "tcplife.client.state")
    assert all(row["tcplife.phase"] and row["tcplife.client.state"] for row in rows)


def test_heuristics_and_streams_are_left_alone(fields, sandbox):
    """A SYN injected into an open connection moves tcp.stream on, but the connection of tcplife stays."""
    talk = Talk()
    frames = talk.conversation()
    frames[4:4] = [talk.frame(0, SYN, 70000), talk.frame(1, ACK, 1, 11)]  # RFC 9293 3.10.7.4: a challenge ACK answers it
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), "tcp.stream", "tcplife.conn", two_pass=True)
    assert rows[-1]["tcplife.conn"] == "0"
    assert rows[-1]["tcp.stream"] == "1"
