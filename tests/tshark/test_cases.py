# SPDX-License-Identifier: GPL-2.0-or-later
"""Every tests/cases/*.case as a capture, read by tshark with the plugin: all by one run for each of one pass and two.
tests/cases/README.md describes the format."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from handmade import RAW_IP, START_S
from together import SECOND_NS, Part, Record, Together

CASES = sorted((Path(__file__).parent.parent / "cases").glob("*.case"))
# Whether an answer may still come depends on when the capture ends: another capture behind it would decide that.
CASES_ALONE = [path for path in CASES if "=pending" in path.read_text()]
CASES_TOGETHER = [path for path in CASES if path not in CASES_ALONE]
FLAGS = {"FIN": "F", "SYN": "S", "RST": "R", "PSH": "P", "ACK": "A", "URG": "U", "ECE": "E", "CWR": "C"}
ROUTER = "192.0.2.1"  # RFC 5737: an address of nobody
ROUTER6 = "2001:db8::1"  # RFC 3849: the same
MPTCP_RST = 0x80  # RFC 8684 3.6: subtype 8 in the high half of the first octet
MPTCP_CAPABLE = 0x01  # subtype 0, version 1
HEADINGS = ("handshake", "teardown", "rst")  # fields below one of these show only on frames that have the heading
GROWING = ("retransmission.spurious", "rst.origin", "rst.origin.confidence", "rst.evidence", "rst.cause", "rst.cause.confidence", "rst.effect")  # later segments may add to these
ESCAPES = {"\\n": "\n", "\\0": "\0", "\\s": " "}


@dataclass
class Check:
    """One name=value, or name!=value; `frame` is an index, or None where it is about connection `conn`; `late`: at the end."""

    line: int
    frame: int | None
    conn: int
    late: bool
    name: str
    expected: str
    differs: bool


@dataclass
class Case:
    """What a file says: packets, their times in seconds, and what is expected."""

    packets: list = field(default_factory=list)
    times: list = field(default_factory=list)
    checks: list = field(default_factory=list)


@dataclass
class End:
    address: str
    port: int
    isn: int
    ip_id: int
    has_id: bool = True


# The handshake that `begin established` stands for. What follows these words goes into both SYNs.
ESTABLISHED = ("0.000 A>B SYN seq 0 mss 1460", "0.020 B>A SYN,ACK seq 0 ack 1 mss 1460", "0.021 A>B ACK seq 1 ack 1")


class Parser:
    """Reads one file, line by line."""

    def __init__(self):
        self.ends = {"A": End("10.0.0.1", 40000, 100000, 1000), "B": End("10.0.0.2", 80, 500000, 5000)}
        self.case = Case()

    def read(self, path):
        target = None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("#"):
                continue
            head, _, expectations = line.partition("|")
            if head.split():
                target = self.read_head(head.split())
            for word in expectations.split():
                name, expected = word.split("=", 1)
                self.case.checks.append(Check(number, *target, name.rstrip("!"), expected, name.endswith("!")))
        return self.case

    def read_head(self, words):
        """Returns what expectations behind these words are about: (frame, connection, late)."""
        if words[0] == "host":
            address, port = re.fullmatch(r"\[?([^\]]+?)\]?:(\d+)", words[2]).groups()
            self.ends[words[1]].address, self.ends[words[1]].port = address, int(port)
            return None
        if words[0] == "isn":
            self.ends[words[1]].isn = int(words[2])
            return None
        if words[0] == "noid":
            for end in self.ends.values():
                end.has_id = False
            return None
        if words[0] == "begin":
            assert words[1] == "established"
            *syns, ack = (line.split() for line in ESTABLISHED)
            for syn in syns:
                self.read_head(syn + words[2:])
            return self.read_head(ack)
        if words[0] == "end":
            return None, int(words[1]) if len(words) > 1 else 0, True
        if words[0] == "late":
            return int(words[1]) - 1, 0, True
        self.case.times.append(Decimal(words[0]))
        self.case.packets.append(self.packet(words[1:]))
        return len(self.case.packets) - 1, 0, False

    def packet(self, words):
        from scapy.layers.inet import ICMP, IP, TCP, UDP
        from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6

        if words[0] == "other":
            return IP(src=ROUTER, dst=ROUTER) / UDP(sport=9, dport=9)
        if words[0] == "icmp":
            sender, receiver = (self.ends[letter] for letter in words[1].split(">"))
            pairs = dict(zip(words[2::2], words[3::2], strict=True))
            kind, code, mtu = (int(pairs.get(name, 0)) for name in ("type", "code", "mtu"))
            is_too_big = kind == 2 or (kind, code) == (3, 4)
            quoted = TCP(sport=sender.port, dport=receiver.port, flags="A" if is_too_big else "S", seq=number(pairs["seq"], sender.isn))
            if ":" in sender.address:
                quoted = IPv6(src=sender.address, dst=receiver.address) / quoted
                return IPv6(src=ROUTER6, dst=sender.address) / ICMPv6PacketTooBig(code=code, mtu=mtu) / quoted
            quoted = IP(src=sender.address, dst=receiver.address) / quoted
            return IP(src=ROUTER, dst=sender.address) / ICMP(type=kind, code=code, nexthopmtu=mtu) / quoted
        sender, receiver = (self.ends[letter] for letter in words[0].split(">"))
        return segment(sender, receiver, words[1], list(zip(words[2::2], words[3::2], strict=True)))


def number(text, isn):
    """A sequence number: relative to an initial sequence number, or with = in front as it stands."""
    return (int(text[1:]) if text.startswith("=") else isn + int(text)) % 2**32


def options(pairs, receiver):
    """The options that the pairs ask for, as scapy takes them."""
    result = []
    sack = []
    for name, value in pairs:
        if name == "mss":
            result.append(("MSS", int(value)))
        elif name == "sackok":
            result.append(("SAckOK", b""))
        elif name == "ts":
            result.append(("Timestamp", tuple(int(part) for part in value.split("/"))))
        elif name == "wscale":
            result.append(("WScale", int(value)))
        elif name == "tfo":
            result.append((34, b"c" * int(value)))
        elif name == "mptcp":
            result.append((30, bytes([MPTCP_CAPABLE, 0x81]) + bytes(8)))
        elif name == "mptcprst":
            result.append((30, bytes([MPTCP_RST, int(value)])))
        elif name == "sack":
            sack += [number(edge, receiver.isn) for edge in re.fullmatch(r"(=?-?\d+)-(=?-?\d+)", value).groups()]
    return result + ([("SAck", tuple(sack))] if sack else [])


def segment(sender, receiver, flags, pairs):
    """One TCP segment as a scapy packet; takes the next IP ID of the sender."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6

    values = dict(pairs)
    ip_id = int(values.get("id", sender.ip_id + 1 if sender.has_id else 0))
    sender.ip_id = ip_id or sender.ip_id
    ttl = int(values.get("ttl", 64))
    if ":" in sender.address:
        packet = IPv6(src=sender.address, dst=receiver.address, hlim=ttl)
    else:
        packet = IP(src=sender.address, dst=receiver.address, id=ip_id, ttl=ttl, flags="DF")
    packet /= TCP(
        sport=sender.port,
        dport=receiver.port,
        flags="".join(FLAGS[name] for name in flags.split(",") if name != "-"),
        seq=number(values.get("seq", "=0"), sender.isn),
        ack=number(values.get("ack", "=0"), receiver.isn),
        window=int(values.get("win", 64240)),
        options=options(pairs, receiver),
    )
    payload = re.sub(r"\\[n0s]", lambda escape: ESCAPES[escape.group()], values.get("data", "x" * int(values.get("len", 0))))
    return packet / payload.encode() if payload else packet


def same(expected, got):
    """Compares two values; numbers as numbers."""
    try:
        return Decimal(expected) == Decimal(got)
    except ArithmeticError:
        return expected == got


def answer(check, rows):
    """What tshark says where the check looks: a value, several joined by a bar; "-" for none; None where nothing could say."""
    name = "tcplife." + check.name
    if check.frame is not None:
        rows = [rows[check.frame]]
    else:
        rows = [row for row in rows if row["tcplife.conn"] == str(check.conn)]
        heading = check.name.split(".")[0]
        if heading in HEADINGS and check.expected != "-":
            rows = [row for row in rows if row["tcplife." + heading]]
            if not rows:
                return None  # a connection without a frame of its own for this, for instance one that is still open
    return "|".join(sorted({row[name].replace(" ", "") for row in rows if row[name]})) or "-"


def names_of(words):
    return {"tcplife." + word for word in words}


def mismatches(case, rows, two_pass):
    """Yields each check that does not hold."""
    later = {(check.frame, check.name) for check in case.checks if check.late and check.frame is not None}
    for check in case.checks:
        if check.late and not two_pass:
            continue  # what comes to light late shows on the earlier frames from the second pass on
        grows = check.expected == "tentative" or check.name in GROWING or (check.frame, check.name) in later
        if two_pass and not check.late and grows:
            continue  # decided by then
        got = answer(check, rows)
        if got is not None and same(check.expected, got) == check.differs:
            passes = "two passes" if two_pass else "one pass"
            yield f"{check.line}: {check.name}: expected {'not ' * check.differs}{check.expected}, got {got} ({passes})"


RULE_ROW = re.compile(r"^\| ([\w.]+) \| `([^`]+)` \| ([\w, -]+) \|$", re.M)
RULE = re.compile(r"^\| ([CKOM]\d+[a-z]?(?:, [CKOM]\d+[a-z]?)*) \|", re.M)  # "O1, O2" is one row


def test_the_table_of_rules():
    """tests/cases/README.md: each case expects the value that the rule gives, and each rule with a name has a case."""
    rows = RULE_ROW.findall((CASES[0].parent / "README.md").read_text())
    expectations = {path.stem: path.read_text().split() for path in CASES}
    wrong = [f"{rule}: {case}" for rule, value, cases in rows for case in cases.split(", ") if value not in expectations[case]]
    assert not wrong, wrong
    pages = "".join((CASES[0].parents[2] / "docs" / page).read_text() for page in ("design.md", "causes.md"))
    named = {rule for names in RULE.findall(pages) for rule in names.split(", ")}
    assert len(named) > 50
    assert {rule for rule, _, _ in rows} >= named, named - {rule for rule, _, _ in rows}


def part_of(case):
    records = []
    for packet, time_s in zip(case.packets, case.times, strict=True):
        frame = bytes(packet)
        records.append(Record(START_S * SECOND_NS + int(time_s * SECOND_NS), len(frame), frame))
    return Part(RAW_IP, records)


@pytest.fixture(scope="module")
def told(fields, frame_numbers, sandbox):
    """told[path] -> (case, rows in one pass, rows in two)."""
    cases = {path: Parser().read(path) for path in CASES}
    names = sorted(names_of([*HEADINGS, "conn", *(check.name for case in cases.values() for check in case.checks)]))
    told = {}
    for some in (CASES_TOGETHER, *([path] for path in CASES_ALONE)):
        together = Together([part_of(cases[path]) for path in some], sandbox.new_path(".pcap"))
        one, two = (together.rows(fields, frame_numbers, *names, two_pass=two_pass) for two_pass in (False, True))
        told |= {path: (cases[path], *rows) for path, *rows in zip(some, one, two, strict=True)}
    return told


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_case(path, told):
    case, *passes = told[path]
    assert case.checks, "nothing is expected"
    wrong = [f"{path}:{what}" for two_pass, rows in enumerate(passes) for what in mismatches(case, rows, two_pass)]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
