# SPDX-License-Identifier: GPL-2.0-or-later
"""How the rows of connections are written: table, CSV, TSV and JSON say the same whatever is in a name; errors are told.

What the rows say is the matter of test_connections.py."""

import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from connection_rows import COLUMNS, NAMES, NUMBERS, READERS, TITLES, read_csv, read_json, read_tsv, unescape
from handmade import SYN, Talk, join_captures, write_pcap

REPO = Path(__file__).resolve().parents[2]
PAGE = REPO / "docs/connections.md"
MACHINE_FORMATS = ("csv", "tsv", "json")
MANY = 2000  # connections: their rows are more than a pipe holds (64 KiB on Linux)


def statistics(tshark, form, capture, *args, **how):
    """The output of -z tcplife,FORM."""
    result = tshark(["-q", *args, "-z", f"tcplife,{form}"], capture, **how)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.fixture(scope="module")
def all_captures(sandbox, captures):
    return write_pcap(sandbox.new_path(".pcap"), *join_captures(sorted(captures.glob("*.pcap"))))


@pytest.fixture(scope="module")
def many_connections(sandbox):
    frames = [Talk(ports=(10000 + i, 80)).frame(0, SYN, 0) for i in range(MANY)]
    return write_pcap(sandbox.new_path(".pcap"), frames)


# ---- the same in every format ----------------------------------------------------------------------------------------


def test_machine_formats_are_equal_cell_for_cell(tshark, all_captures):
    first, *others = (READERS[form](statistics(tshark, form, all_captures)) for form in MACHINE_FORMATS)
    assert len(first) > 25
    for other in others:
        assert other == first
    used = {name for row in first for name in NAMES if row[name] is not None}
    # No shipped capture holds a scan, one SYN under two addresses, a segment too large for its path, a window too small or closed at the
    # end, a silence of 5 s, or a damaged capture.
    unused = {"capture_limits", "scan", "linked_conn", "path_mtu", "path_mtu_confidence", "small_window_of", "window_still_closed", "idle_survived",
              "idle_failed", "stuck_size", "stuck_count", "passed_size", "icmp_mtu", "capture_late", "capture_late_by", "sack_fault"}  # fmt: skip
    assert used == set(NAMES) - unused, "every other column has a value somewhere in the shipped captures"


def table_cell(text, kind):
    """What the table makes of a value: a bar for what is absent, microseconds."""
    if text is None:
        return "-"
    return text[:-3] if kind == "SECONDS" else text


def test_table_is_equal_cell_for_cell(tshark, all_captures):
    rows = read_csv(statistics(tshark, "csv", all_captures))
    origin = min(int(row["start"].replace(".", "")) for row in rows)
    expected = []
    for row in rows:
        line = {}
        for name, title, kind, *_ in COLUMNS:
            if title and name:
                line[title] = table_cell(row[name], kind)
        since = int(row["start"].replace(".", "")) - origin
        line["Start"] = f"{since // 10**9}.{since % 10**9 // 1000:06}"
        for role in ("client", "server"):
            host = f"[{row[role]}]" if ":" in row[role] else row[role]
            line[role.capitalize()] = f"{host}:{row[role + '_port']}"
        expected.append(line)
    assert READERS["conn"](statistics(tshark, "conn", all_captures)) == expected


def test_table_is_aligned(tshark, all_captures):
    """Each column begins, or a number ends, at one place; lines have no blanks at their end."""
    lines = statistics(tshark, "conn", all_captures).splitlines()
    assert not [line for line in lines if line != line.rstrip()]
    start_of_last = lines[0].index(TITLES[-1])
    assert {line[start_of_last - 2 : start_of_last] for line in lines} == {"  "}
    assert all(line[start_of_last] != " " for line in lines)


def test_json_has_numbers_and_null(tshark, all_captures):
    for line in statistics(tshark, "json", all_captures).splitlines():
        for name, value in json.loads(line).items():
            assert value is None or isinstance(value, (int, float) if name in NUMBERS else str), name


def test_tsv_header_is_zeeks(tshark, captures):
    lines = statistics(tshark, "tsv", captures / "refused.pcap").splitlines()
    assert lines[:5] == ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", "#path\ttcplife"]
    types = dict(zip(lines[5].split("\t")[1:], lines[6].split("\t")[1:], strict=True))
    assert (lines[5].split("\t")[0], lines[6].split("\t")[0]) == ("#fields", "#types")
    assert types["start"] == "time" and types["duration"] == "interval" and types["client_bytes"] == "count"
    assert {types[name] for name in set(NAMES) - NUMBERS} == {"string"}


# ---- names -----------------------------------------------------------------------------------------------------------

# Whatever stands between blanks in a hosts file is a name for Wireshark. Address -> name as it is written, and as it is read
# back; half a character is none. Of a name Wireshark keeps 63 bytes, 4.6 all.
HOSTS = {
    "10.0.0.1": (b"a,b", "a,b"),
    "10.0.0.2": (b'say"so"', 'say"so"'),
    "10.0.0.3": (b"back\\slash", "back\\slash"),
    "10.0.0.4": ("größe.例え".encode(), "größe.例え"),
    "10.0.0.5": (b"-", "-"),
    "10.0.0.6": (b"(empty)", "(empty)"),
    "10.0.0.7": (b"\x1b[31mred\x07\x7f", "\x1b[31mred\x07\x7f"),
    "10.0.0.8": (b"half\xc3", "half\N{REPLACEMENT CHARACTER}"),
    "10.0.0.9": ("ü".encode() * 40, "ü" * 40),
    "10.0.0.10": (b"\\x09", "\\x09"),
    "10.0.0.11": (b"</script>", "</script>"),
    "10.0.0.12": (b"=1+1", "=1+1"),
    "10.0.0.13": (b"+1", "+1"),
    "10.0.0.14": (b"@SUM(1)", "@SUM(1)"),
    "10.0.0.15": ("c1\N{CONTROL SEQUENCE INTRODUCER}31m".encode(), "c1\x9b31m"),
}
# What CSV writes otherwise than it is: what a spreadsheet would take for a formula, and what a terminal would obey.
DISARMED = {
    "-": r"\x2d", "=1+1": r"\x3d1+1", "+1": r"\x2b1", "@SUM(1)": r"\x40SUM(1)",
    "\x1b[31mred\x07\x7f": r"\x1b[31mred\x07\x7f", "c1\x9b31m": r"c1\xc2\x9b31m",
}  # fmt: skip
CUT = {"ü" * 40: "ü" * 31 + "\N{REPLACEMENT CHARACTER}"}
NOTHING_MOVES = {"\x1b[31mred\x07\x7f": "\\033[31mred\\a\\177", "c1\x9b31m": "c1\\u009B31m"}  # control characters in the table, as Wireshark writes them


@pytest.fixture(scope="module")
def profile(sandbox):
    """profile(hosts) -> environment with a personal hosts file of these bytes."""

    def make(hosts):
        folder = sandbox.new_path("-profile")
        folder.mkdir()
        (folder / "hosts").write_bytes(hosts)
        folder.chmod(0o755)
        (folder / "hosts").chmod(0o644)
        return {"WIRESHARK_CONFIG_DIR": str(folder)}

    return make


@pytest.fixture(scope="module")
def named(sandbox, profile):
    """A capture with a connection of each of HOSTS, and the environment in which these have their names."""
    hosts = b"".join(address.encode() + b" " + name + b"\n" for address, (name, _) in HOSTS.items())
    frames = [frame for address in HOSTS for frame in Talk(client=address, server="192.0.2.1").conversation()[:3]]
    return write_pcap(sandbox.new_path(".pcap"), frames), profile(hosts)


@pytest.fixture(scope="module")
def names(tshark):
    """The names as this Wireshark keeps them."""
    keeps_all = "(Wireshark) 4.6." in tshark(["--version"]).stdout
    return [name if keeps_all else CUT.get(name, name) for _, name in HOSTS.values()]


@pytest.mark.parametrize("form", MACHINE_FORMATS)
def test_names_survive(form, tshark, named, names):
    capture, env = named
    text = statistics(tshark, form, capture, "-N", "n", env=env)
    assert form == "json" or not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    rows = READERS[form](text)
    assert [row["client"] for row in rows] == [DISARMED.get(name, name) if form == "csv" else name for name in names]
    assert {row["server"] for row in rows} == {"192.0.2.1"}
    plain = READERS[form](statistics(tshark, form, capture, env=env))
    assert [row["client"] for row in plain] == list(HOSTS), "-n"


def test_names_in_the_table(tshark, named, names):
    """Aligned by characters, and nothing that a terminal would obey."""
    capture, env = named
    text = statistics(tshark, "conn", capture, "-N", "n", env=env)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    rows = READERS["conn"](text)
    assert [row["Client"] for row in rows] == [NOTHING_MOVES.get(name, name) + ":40000" for name in names]
    assert {row["Server"] for row in rows} == {"192.0.2.1:80"}


def test_names_in_the_capture(tshark, sandbox):
    """A name resolution block can hold any byte but NUL: line ends, tabs, and what is no UTF-8."""
    names = [b"two\nlines", b"tab\there", b"line\rfeed", b"bad\xff\xfe"]
    talks = [Talk(client=f"10.0.0.{i}") for i in range(1, 5)]
    path = sandbox.new_path(".pcapng")
    addresses = [talk.address[0] for talk in talks]
    path.write_bytes(pcapng([talk.frame(0, SYN, 0) for talk in talks], dict(zip(addresses, names, strict=True))))
    path.chmod(0o644)
    expected = ["two\nlines", "tab\there", "line\rfeed", "bad\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"]
    for form in MACHINE_FORMATS:
        rows = READERS[form](statistics(tshark, form, path, "-N", "n"))
        got = [row["client"] for row in rows]
        # Only CSV has the carriage return itself, which the fixture, reading text, takes for a line end.
        assert got == [name.replace("\r", "\n") if form == "csv" else name for name in expected], form
    table = statistics(tshark, "conn", path, "-N", "n")
    assert len(table.splitlines()) == 1 + len(names)
    assert "two\\nlines:40000" in table


def pcapng(frames, names):
    """A pcapng file (draft-ietf-opsawg-pcapng) with a name resolution block for IPv4 addresses."""

    def block(kind, body):
        body += bytes(-len(body) % 4)
        size = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + size + body + size

    def record(address, name):
        value = bytes(int(part) for part in address.split(".")) + name + b"\0"
        return struct.pack("<HH", 1, len(value)) + value + bytes(-len(value) % 4)

    parts = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("<HHI", 1, 0, 65535))]
    parts.append(block(4, b"".join(record(*pair) for pair in names.items()) + struct.pack("<HH", 0, 0)))
    parts += [block(6, struct.pack("<IIIII", 0, 0, i, len(f), len(f)) + f) for i, f in enumerate(frames)]
    return b"".join(parts)


def test_ports_are_numbers(tshark, captures):
    """Port names, if asked for, are for people: in the table only."""
    path = captures / "refused.pcap"
    (row,) = read_csv(statistics(tshark, "csv", path, "-N", "t"))
    assert row["client_port"].isdigit() and row["server_port"].isdigit()
    (plain,) = READERS["conn"](statistics(tshark, "conn", path))
    assert plain["Server"].endswith(":" + row["server_port"])


def test_port_names_in_the_table(tshark, sandbox):
    path = write_pcap(sandbox.new_path(".pcap"), Talk(ports=(50001, 443)).conversation())
    (row,) = READERS["conn"](statistics(tshark, "conn", path, "-N", "t"))
    assert row["Server"] == "10.0.0.2:https"


# ---- several at once, and nothing ------------------------------------------------------------------------------------


def test_several_in_one_run(tshark, captures):
    """Each as it would be alone; in which order is tshark's business."""
    path = captures / "tcp-fast-open.pcap"
    wanted = ["tcplife,csv", "tcplife,json", "tcplife,conn", "tcplife,csv,tcp.stream == 1", "conv,tcp"]
    alone = [tshark(["-q", "-z", one], path).stdout for one in wanted]
    assert len(set(alone)) == len(wanted)
    together = tshark(["-q", *(word for one in wanted for word in ("-z", one))], path)
    assert (together.returncode, together.stderr) == (0, "")
    assert len(together.stdout) == sum(map(len, alone))
    assert all(text in together.stdout for text in alone)


def test_capture_without_tcp(tshark, sandbox):
    path = write_pcap(sandbox.new_path(".pcap"), [])
    assert statistics(tshark, "csv", path) == ",".join(NAMES) + "\n"
    assert read_tsv(statistics(tshark, "tsv", path)) == []
    assert statistics(tshark, "json", path) == ""
    assert statistics(tshark, "conn", path) == "  ".join(TITLES) + "\n"


def test_disabled(tshark, captures):
    """The header alone, as from a capture without TCP."""
    assert read_csv(statistics(tshark, "csv", captures / "refused.pcap", "--disable-protocol", "tcplife")) == []


def test_capture_cut_in_the_middle_of_a_packet(tshark, sandbox, captures):
    """Rows of what is whole; the message and the exit status are tshark's own."""
    content = (captures / "half-close.pcap").read_bytes()
    whole, cut = sandbox.new_path(".pcap"), sandbox.new_path(".pcap")
    frames = 5
    size = 24
    for _ in range(frames):
        size += 16 + struct.unpack_from("<I", content, size + 8)[0]
    whole.write_bytes(content[:size])
    cut.write_bytes(content[: size + 20])
    for path in (whole, cut):
        path.chmod(0o644)
    plain = tshark(["-q"], cut)
    result = tshark(["-q", "-z", "tcplife,csv"], cut)
    assert "cut short" in plain.stderr and plain.returncode != 0
    assert (result.returncode, result.stderr) == (plain.returncode, plain.stderr)
    assert result.stdout == statistics(tshark, "csv", whole)


# ---- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["tcplife,connx", "tcplife,csvfoo,tcp", "tcplife,jsonl"])
def test_unknown_format(argument, tshark, captures):
    result = tshark(["-q", "-z", argument], captures / "refused.pcap")
    assert result.returncode == 1
    assert result.stdout == ""
    assert f'there is no "-z {argument}"' in result.stderr and result.stderr.count("\n") == 1


def test_bad_filter(tshark, captures):
    result = tshark(["-q", "-z", "tcplife,csv,tcp.nonsense == 1"], captures / "refused.pcap")
    assert result.returncode == 1
    assert result.stdout == ""
    assert 'cannot use the filter "tcp.nonsense == 1"' in result.stderr and result.stderr.count("\n") == 1


def test_comma_without_a_filter(tshark, captures):
    path = captures / "refused.pcap"
    assert tshark(["-q", "-z", "tcplife,csv,"], path).stdout == statistics(tshark, "csv", path)


def test_comma_inside_a_filter(tshark, captures):
    path = captures / "refused.pcap"
    text = tshark(["-q", "-z", "tcplife,csv,tcp.flags.syn in {0, 1}"], path).stdout
    assert text == statistics(tshark, "csv", path)


def in_a_shell(sandbox, line, capture):
    return sandbox.run(["sh", "-c", line, "sh", sandbox.readable(capture)])


@pytest.mark.parametrize("form", READERS)
def test_disk_full(form, sandbox, many_connections):
    result = in_a_shell(sandbox, f'tshark -n -q -r "$1" -z tcplife,{form} > /dev/full', many_connections)
    assert result.returncode == 1
    assert "cannot write its table" in result.stderr and "No space left" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("signal", ["trap - PIPE", "trap '' PIPE"], ids=["signal", "ignored"])
def test_reader_that_has_seen_enough(signal, sandbox, many_connections):
    """head(1) closes the pipe: no message, whether the signal or the failed write ends tshark."""
    line = f'({signal}; tshark -n -q -r "$1" -z tcplife,csv; echo "$?" >&2) | head -n 1'
    result = in_a_shell(sandbox, line, many_connections)
    assert result.stdout == ",".join(NAMES) + "\n"
    assert re.fullmatch(r"[1-9]\d*\n", result.stderr), "an exit status, and nothing else"


# ---- definitions -----------------------------------------------------------------------------------------------------


def test_columns_are_well_formed():
    definition = (REPO / "plugin/epan/tables/tl_columns.def").read_text()
    assert len(COLUMNS) == len(re.findall(r"^TL_COLUMN\(", definition, re.M)), "connection_rows.py does not see all of them"
    assert len(set(NAMES)) == len(NAMES) and len(set(TITLES)) == len(TITLES)
    assert all(name or title for name, title, *_ in COLUMNS)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) for name in NAMES)
    assert all(re.fullmatch(r"[A-Z][^\"]*\.", what) for *_, what in COLUMNS), "what a column says is a sentence"


def test_reference_is_up_to_date():
    """What scripts/columns_table.py would write stands in the page already."""
    command = [sys.executable, "-I", REPO / "scripts/columns_table.py"]
    text = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    marks = "<!-- begin: scripts/columns_table.py writes this -->\n\n{}\n<!-- end -->\n"
    assert marks.format(text) in PAGE.read_text(), "run scripts/columns_table.py docs/connections.md"
    assert all(f"| `{name}` |" in text for name in NAMES)


def test_script_puts_the_reference_into_a_page(tmp_path):
    page = tmp_path / "page.md"
    command = [sys.executable, "-I", REPO / "scripts/columns_table.py", page]
    page.write_text(re.sub(r"(?s)(writes this -->\n).*(<!-- end -->)", r"\1\2", PAGE.read_text()))
    assert subprocess.run(command, check=False).returncode == 0
    assert page.read_text() == PAGE.read_text()
    page.write_text("no marks")
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1 and "has not one" in done.stderr and page.read_text() == "no marks"
    done = subprocess.run([*command[:-1], tmp_path / "nowhere"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1 and "No such file" in done.stderr and "Traceback" not in done.stderr


def test_example_of_the_page(tshark):
    example = re.compile(r"<!-- begin example: tshark (.*?) -->\n```\n(.*?)```\n<!-- end example -->", re.S)
    command, output = example.search(PAGE.read_text()).groups()
    words = [REPO / word if word.startswith("captures/") else word for word in command.split()]
    capture = words.pop(words.index("-r") + 1)
    words.remove("-r")
    assert tshark(words, capture).stdout == output


def test_unescape_is_zeeks():
    """Of the tests' own reader: a name that looks like an escape has its backslash escaped."""
    assert unescape("\\x5cx09") == "\\x09"
    assert read_json("") == []
