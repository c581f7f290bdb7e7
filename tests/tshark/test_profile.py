# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration profile in tshark: every filter in it compiles and means what it says, every colouring rule fires, can be
read, and comes with a word in a column."""

import itertools
import os
import re
import subprocess
from pathlib import Path

import profile_files
import pytest

from together import Together, read_part

REPO = Path(__file__).resolve().parents[2]
OURS = profile_files.SOURCE
CONTRAST_MIN = 7  # WCAG 2.1, success criterion 1.4.6, level AAA

RULES = profile_files.rules(OURS)
BUTTONS = profile_files.buttons(OURS)
GRAPHS = profile_files.graphs(OURS)
DISPLAY_FILTERS = dict(profile_files.named_filters(OURS, "dfilters"))
MACROS = dict(profile_files.named_filters(OURS, "dmacros"))
COLUMNS = [title for title, _ in profile_files.columns(OURS)]

# Which group of tl_names.def the values of a field come from.
GROUP_OF = {
    "tcplife.phase": "PHASE",
    "tcplife.wait.for": "WAIT_FOR",
    "tcplife.client.state": "STATE",
    "tcplife.server.state": "STATE",
    "tcplife.handshake.outcome": "OUTCOME",
    "tcplife.teardown.kind": "KIND",
    "tcplife.teardown.kind.confidence": "CONFIDENCE",
    "tcplife.rst.cause": "RST_CAUSE",
    "tcplife.rst.cause.confidence": "CONFIDENCE",
    "tcplife.rst.origin": "ORIGIN",
    "tcplife.retransmission.cause": "RETRANSMISSION",
    "tcplife.retransmission.cause.confidence": "CONFIDENCE",
    "tcplife.retransmission.spurious": "SPURIOUS",
}
COMPARISON = re.compile(r'([\w.]+) (?:==|(not )?in) ("[^"]*"|\{[^}]*\})')


@pytest.fixture(scope="module")
def profile(build, sandbox):
    """The built profile as a personal profile of the user that runs tshark."""
    return profile_files.install(build, sandbox.home)


@pytest.fixture(scope="module")
def with_profile(tshark, profile):
    """with_profile(args, capture, **how) -> standard output of tshark with the profile; anything on standard error fails."""

    def run(args, capture, **how):
        result = tshark(["-C", profile.name, *args], capture, **how)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    return run


@pytest.fixture(scope="module")
def packet_list(with_profile):
    """packet_list(capture, *args) -> one dictionary for each frame, as the packet list shows it in two passes."""

    def read(capture, *args):
        lines = with_profile(["-2", "-T", "tabs", *args], capture).splitlines()
        rows = ([cell.strip() for cell in line.split("\t") if cell != "→"] for line in lines)
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    return read


@pytest.fixture(scope="module")
def coloured(with_profile):
    """coloured(capture, two_pass) -> {frame number: name of our rule that colours it}."""

    def read(capture, two_pass=True):
        fields = ["--color", "-T", "fields", "-e", "frame.number", "-e", "frame.coloring_rule.name"]
        output = with_profile([*["-2"] * two_pass, *fields], capture)
        rows = (line.split("\t") for line in output.splitlines())
        return {int(frame): rule for frame, rule in rows if rule.startswith(profile_files.NAME)}

    return read


def values_of(group):
    definitions = (REPO / "plugin" / "engine" / "tl_names.def").read_text(encoding="utf-8")
    return set(re.findall(rf'TL_VALUE\({group}, \w+, "([^"]+)"', definitions))


def comparisons(expression):
    """(field, values, whether they are left out) of each comparison of a field with words."""
    for field, negated, values in COMPARISON.findall(expression):
        yield field, set(re.findall('"([^"]*)"', values)), bool(negated)


def all_filters():
    """Every filter of the profile; macros with the argument 1, which is right for a number and for a word."""
    filters = [rule.filter for rule in RULES] + [button.filter for button in BUTTONS] + [graph.filter for graph in GRAPHS]
    return [*filters, *DISPLAY_FILTERS.values(), *(text.replace("$1", "1") for text in MACROS.values())]


# ---- filters -----------------------------------------------------------------------------------------------------------


def test_every_filter_compiles(sharkd, captures):
    checks = [("check", {"filter": expression}) for expression in all_filters()]
    assert len(checks) > 30
    sharkd(captures / "refused.pcap", *checks)  # fails on the first that does not compile


def test_filter_that_does_not_compile_is_noticed(sharkd, captures):
    with pytest.raises(AssertionError, match="tcplife.nonsense"):
        sharkd(captures / "refused.pcap", ("check", {"filter": "tcplife.nonsense"}))


def test_every_value_exists():
    """A misspelt value compiles and never fits."""
    found = [
        f"{field}: {value}"
        for expression in all_filters()
        for field, values, _ in comparisons(expression)
        for value in values - values_of(GROUP_OF[field]) - {"1"}
    ]
    assert not found, found


def test_buttons():
    """One button for each group, with the filter of its rule; Resets shows those that have another rule's colour, too."""
    labels = ["Resets", "Refused", "Unanswered", "Half-open", "Retransmissions", "Keep-alive", "Spurious"]
    assert [button.label for button in BUTTONS] == labels
    assert {button.filter for button in BUTTONS} == {rule.filter for rule in RULES}
    assert all(button.shown == "TRUE" and button.comment for button in BUTTONS)
    filters = {rule.name: rule.filter for rule in RULES}
    for button in BUTTONS:
        (rule,) = [name for name, expression in filters.items() if expression == button.filter]
        assert button.label.removesuffix("s").lower() in rule.lower()


@pytest.mark.parametrize(
    ("field", "group"), [("tcplife.rst.cause", "RST_CAUSE"), ("tcplife.retransmission.cause", "RETRANSMISSION")]
)
def test_each_cause_is_in_one_graph(field, group):
    shown = {graph.name: list(comparisons(graph.filter)) for graph in GRAPHS if graph.filter.startswith(field)}
    named = [values for ((_, values, negated),) in shown.values() if not negated]
    ((_, left_out, _),) = [comparison for (comparison,) in shown.values() if comparison[2]]
    assert sum(map(len, named)) == len(set().union(*named)), "a cause is in two graphs"
    assert left_out == set().union(*named), "the graph of the other causes is not the rest"
    assert set().union(*named) < values_of(group)


def test_graphs_can_be_told_apart():
    assert len({graph.colour for graph in GRAPHS}) == len({graph.name for graph in GRAPHS}) == len(GRAPHS)


def test_documentation():
    """docs/profile.md says something about everything in the profile."""
    text = (REPO / "docs" / "profile.md").read_text(encoding="utf-8")
    names = [*COLUMNS, *(rule.name for rule in RULES), *(button.label for button in BUTTONS), *MACROS]
    names += [name.removeprefix("tcplife: ") for name in DISPLAY_FILTERS]
    names += [graph.name.split(" (")[0].lower().replace("sack", "SACK") for graph in GRAPHS]
    missing = [name for name in names if name not in text]
    assert not missing, missing


# ---- macros ------------------------------------------------------------------------------------------------------------

# data-after-close.pcap: the server closes in frame 8, the client sends in frame 10, which frame 11 answers by a reset.
MACRO_USES = {
    "${tcplife_state:CLOSE-WAIT}": [8, 9, 10],
    "${tcplife_cause:data_after_close}": [11],
    "${tcplife_about:10}": [10, 11],
    "${tcplife_trouble}": [11],
}


def test_macros_are_the_same_for_all_versions():
    """Wireshark 4.0 reads dfilter_macros, 4.4 and later dmacros: two formats."""
    assert MACROS == {name: text for name, text in profile_files.table(OURS, "dfilter_macros")}
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in MACROS)  # no other name is taken
    assert all(re.search(rf"\${{{name}\b", " ".join(MACRO_USES)) for name in MACROS)


@pytest.mark.parametrize(("use", "frames"), MACRO_USES.items())
def test_macro(with_profile, captures, use, frames):
    output = with_profile(["-2", "-Y", use, "-T", "fields", "-e", "frame.number"], captures / "data-after-close.pcap")
    assert list(map(int, output.split())) == frames


@pytest.mark.parametrize(("use", "frames"), MACRO_USES.items())
def test_macro_written_out(fields, captures, use, frames):
    """What later versions make of dmacros: the text with the argument in place of $1."""
    name, _, argument = use.strip("${}").partition(":")
    expression = MACROS[name].replace("$1", argument)
    rows = fields(captures / "data-after-close.pcap", "frame.number", display_filter=expression, two_pass=True)
    assert [int(row["frame.number"]) for row in rows] == frames


# ---- columns -----------------------------------------------------------------------------------------------------------

# By RFC 9293 (figures 5 and 12) and MANIFEST.tsv: the handshake, a line each way, the server closes in frame 8; it has closed
# entirely, so that it answers the client's data in frame 10 by a reset. Frame 8 is the only FIN, hence a FIN and then a reset
# by the same end.
DATA_AFTER_CLOSE = """
SYN 1/3                   | SYN-SENT    | LISTEN
SYN-ACK 2/3               | ESTABLISHED | SYN-RECEIVED
ACK 3/3                   | ESTABLISHED | ESTABLISHED
data                      | ESTABLISHED | ESTABLISHED
ACK                       | ESTABLISHED | ESTABLISHED
data                      | ESTABLISHED | ESTABLISHED
ACK                       | ESTABLISHED | ESTABLISHED
FIN 1                     | CLOSE-WAIT  | FIN-WAIT-1
ACK of FIN 1              | CLOSE-WAIT  | FIN-WAIT-2
data after the other FIN  | CLOSE-WAIT  | FIN-WAIT-2
RST: data after the close | CLOSED      | CLOSED
"""


def test_columns(packet_list, captures):
    rows = packet_list(captures / "data-after-close.pcap")
    expected = [[cell.strip() for cell in line.split("|")] for line in DATA_AFTER_CLOSE.strip().splitlines()]
    assert [[row[title] for title in ("What", "Client state", "Server state")] for row in rows] == expected
    assert [row["No."] for row in rows] == [str(number) for number in range(1, 12)]
    assert {row["Source"] for row in rows} == {row["Destination"] for row in rows} == {"192.168.1.116", "192.168.1.123"}
    assert rows[0]["Time"] == "0.000000"
    assert rows[10]["Info"].endswith("[RST: data after the close]")


# What a late fact adds: the refusal to the SYN, the silence to the probes, the number to what came again. Read off the packets.
WHAT = {
    "refused": {1: "SYN 1/3, refused", 2: "RST: refused"},
    "syn-unanswered": {1: "SYN 1/3, unanswered", 2: "SYN again, unanswered", 3: "SYN again ×2, unanswered"},
    "keepalive-unanswered": {8: "keep-alive 1, not answered", 11: "keep-alive 4, not answered", 12: "RST: keep-alive timed out"},
    "keepalive-answered": {8: "keep-alive 1", 9: "keep-alive answer"},
}


@pytest.mark.parametrize("name", WHAT)
def test_what_is_late(packet_list, captures, name):
    rows = packet_list(captures / f"{name}.pcap")
    assert {frame: rows[frame - 1]["What"] for frame in WHAT[name]} == WHAT[name]


def test_expert_information_is_short(with_profile, captures):
    """A healthy connection takes steps, which need nobody's attention; a reset does."""
    healthy = with_profile(["-q", "-z", "expert"], captures / "nc-four-segment-close.pcap")
    assert "TCP Lifecycle" not in healthy
    assert "TCP Lifecycle" in with_profile(["-q", "-z", "expert"], captures / "refused.pcap")


def test_column_widths_are_those_of_the_columns():
    widths = re.findall(r'^\t"?(.+?)"?, (-?\d+)', (OURS / "recent").read_text(encoding="utf-8"), re.MULTILINE)
    columns = [re.sub(r":0:R$", "", form) for _, form in profile_files.columns(OURS)]
    assert [form for form, _ in widths] == columns


# ---- in Chinese --------------------------------------------------------------------------------------------------------

NAMES = dict(line.split("\t") for line in profile_files.lines(profile_files.SOURCE.parent / "zh-CN.tsv"))


def english(text):
    """The text of a Chinese file with the English names."""
    for name, chinese in NAMES.items():
        text = text.replace(f'"{chinese}"', f'"{name}"').replace(f"\n@{chinese}@", f"\n@{name}@")
    return text.replace("tcplife.explanation_language: zh-CN\n", "")


def test_the_chinese_profile_has_other_names_and_nothing_else(build):
    folder = profile_files.built(build)
    chinese = folder.with_name("tcplife-zh-CN")
    assert {path.name for path in chinese.iterdir()} == {path.name for path in folder.iterdir()}
    for path in folder.iterdir():
        assert english((chinese / path.name).read_text()) == path.read_text(), path.name


def test_every_name_is_translated():
    named = {*COLUMNS, *(rule.name for rule in RULES), *DISPLAY_FILTERS, *(graph.name for graph in GRAPHS)}
    named |= {text for button in BUTTONS for text in (button.label, button.comment)}
    assert named == set(NAMES)
    assert all(re.search("[\u4e00-\u9fff]", chinese) and ";" not in chinese for chinese in NAMES.values())


def test_the_chinese_profile_in_tshark(build, sandbox, tshark, captures):
    """Columns in Chinese over answers in Chinese, and not a word on standard error."""
    folder = profile_files.install(build, sandbox.home, "tcplife-zh-CN")
    result = tshark(["-C", folder.name, "-2", "-T", "tabs"], captures / "refused.pcap")
    assert (result.returncode, result.stderr) == (0, "")
    assert [line.split("\t")[-5] for line in result.stdout.splitlines()] == ["SYN 1/3，被拒绝", "RST：被拒绝"]


# ---- colours -----------------------------------------------------------------------------------------------------------

# rule: (capture, frames in two passes, frames in one pass), read off the packets; in one pass an answer stands only where it
# is known by then.
FIRES = {
    "Refused": ("refused.pcap", {1, 2}, {2}),  # the SYN is refused by frame 2
    "Half-open": ("peer-restarted.pcap", {9}, {9}),  # the reset of a host that lost the connection
    "Unanswered": ("keepalive-unanswered.pcap", {12}, {12}),  # the reset after four probes
    "Reset": ("abort-unread.pcap", {8}, {8}),
    "Spurious retransmission": ("handshake-ack-lost.pcap", {4}, {4}),  # the SYN-ACK was acknowledged in frame 3
    "Retransmission": ("synack-lost.pcap", {4}, {4}),  # the SYN-ACK that was lost on its way
    "Keep-alive or window probe": ("keepalive-answered.pcap", {8, 9, 10, 11, 12, 13}, {8, 9, 10, 11, 12, 13}),
}
MORE_FIRES = {
    "icmp-unreachable.pcap": {1: "Refused"},
    "syn-unanswered.pcap": dict.fromkeys(range(1, 5), "Unanswered"),
    "keepalive-unanswered.pcap": {**dict.fromkeys(range(8, 12), "Keep-alive or window probe"), 12: "Unanswered"},
    "linger-reset.pcap": {8: "Reset"},
    "nc-four-segment-close.pcap": {},
    "tcp-fast-open.pcap": {},
}


def test_every_rule_is_tried():
    assert {f"tcplife: {name}" for name in FIRES} == {rule.name for rule in RULES}


@pytest.mark.parametrize("name", FIRES)
def test_rule_fires(coloured, captures, name):
    capture, two_pass, one_pass = FIRES[name]
    for passes, frames in ((True, two_pass), (False, one_pass)):
        found = coloured(captures / capture, passes)
        assert {frame for frame, rule in found.items() if rule == f"tcplife: {name}"} == frames


@pytest.mark.parametrize("capture", MORE_FIRES)
def test_rules_together(coloured, captures, capture):
    expected = {frame: f"tcplife: {name}" for frame, name in MORE_FIRES[capture].items()}
    assert coloured(captures / capture) == expected


def test_colour_is_never_alone(coloured, packet_list, captures, sandbox):
    """Wherever a rule of ours colours a frame, a column says the reason in words: in all shipped captures, behind one another."""
    parts = [read_part(path) for path in sorted(captures.glob("*.pcap"))]
    capture = Together(parts, sandbox.new_path(".pcap")).path
    rows, frames = packet_list(capture), coloured(capture)
    for frame, rule in frames.items():
        assert rows[frame - 1]["What"] not in ("", "data", "ACK"), f"frame {frame} of all is coloured by {rule} without a word"
    assert len(frames) > 20


def luminance(colour):
    """Relative luminance as WCAG 2.1 defines it, of a colour whose parts go from 0 to 65535."""
    parts = (part / 65535 for part in colour)
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_formula():
    """Black on white is 21:1 by definition; #767676 is known as the lightest grey with 4.5:1 on white."""
    white, grey, lighter_grey = (255 * 257,) * 3, (0x76 * 257,) * 3, (0x77 * 257,) * 3
    assert contrast((0, 0, 0), white) == pytest.approx(21)
    assert contrast(white, grey) == contrast(grey, white) >= 4.5 > contrast(white, lighter_grey)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_contrast(rule):
    assert contrast(rule.background, rule.text) >= CONTRAST_MIN


def test_backgrounds_differ():
    for one, other in itertools.combinations(RULES, 2):
        assert one.background != other.background, (one.name, other.name)


# ---- Wireshark's own -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def global_configuration(sandbox):
    """Wireshark's global configuration folder."""
    folders = sandbox.run(["tshark", "-G", "folders"]).stdout
    return Path(re.search(r"^Global configuration:\s+(.*)$", folders, re.MULTILINE)[1])


@pytest.mark.parametrize("name", sorted(path.name for path in OURS.iterdir()))
def test_wireshark_s_own_lines_follow(build, global_configuration, name):
    """Wireshark reads a profile's file instead of its own: its rules, filters and macros have to be in ours."""
    own = global_configuration / name
    theirs = profile_files.lines(own) if own.exists() else []
    assert profile_files.lines(profile_files.built(build) / name) == profile_files.lines(OURS / name) + theirs


def test_our_rules_stand_before_bad_tcp(build):
    names = [rule.name for rule in profile_files.rules(profile_files.built(build))]
    assert names[: len(RULES)] == [rule.name for rule in RULES]
    assert names[len(RULES)] == "Bad TCP"


def test_install(build, sandbox, tshark, captures, global_configuration):
    """`cmake --install` puts the profile where Wireshark looks; there -C finds it without anything in the user's folder."""
    destination, home = sandbox.new_path(".install"), sandbox.new_path(".home")
    environment = {**os.environ, "DESTDIR": str(destination)}
    subprocess.run(["cmake", "--install", build], env=environment, check=True, capture_output=True)
    data = destination / global_configuration.relative_to("/")
    assert {path.name for path in (data / "profiles" / "tcplife").iterdir()} == {path.name for path in OURS.iterdir()}

    for own in global_configuration.iterdir():  # the folder of an installed Wireshark
        if own.name != "profiles":
            (data / own.name).symlink_to(own)
    home.mkdir()
    home.chmod(0o777)
    where = {"WIRESHARK_DATA_DIR": str(data), "WIRESHARK_CONFIG_DIR": str(home)}
    result = tshark(["-C", "tcplife", "-T", "tabs"], captures / "refused.pcap", env=where)
    assert result.returncode == 0, result.stderr
    assert "\tRST: refused\t" in result.stdout.splitlines()[1]
