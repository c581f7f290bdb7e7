# SPDX-License-Identifier: GPL-2.0-or-later
"""What must not matter: where addresses, sequence numbers and times begin, how the file is written, what else is in it.

hypothesis makes up conversations that two TCPs may well have, and shrinks one that breaks a rule. tests/run --long makes many
more of them."""

import os
import struct
import subprocess
from collections import namedtuple
from itertools import groupby
from operator import itemgetter

import pytest

from handmade import ACK, FIN, PSH, RST, START_S, SYN, Talk, ethernet, write_pcap

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed (python3-hypothesis)")
from hypothesis import strategies as st  # noqa: E402

LONG = bool(os.environ.get("TCPLIFE_LONG"))
EXAMPLES = 300 if LONG else 8
TALKS_MAX, STEPS_MAX = 6, 25
PORT = 40000
PCAP_TIME_MAX_S = 2**32 - 1
# What tells of frames, connections and raw numbers by their count is different by nature.
NOT_COMPARED = {"tcplife.explanation", "tcplife.explanation.line", "tcplife.conn"}
COMPARED_TYPES = {"FT_STRING", "FT_BOOLEAN", "FT_UINT32", "FT_INT32", "FT_RELATIVE_TIME"}

# One segment of a conversation: `seq` and `ack` count from the initial numbers, None = raw 0; `ident` is the IP ID.
Segment = namedtuple("Segment", "time_s sender flags seq ack size window ident tsval tsecr")
# What a conversation looks like in a file.
Look = namedtuple("Look", "addresses isn shift_s vlan", defaults=[("10.0.0.1", "10.0.0.2"), (1000, 5000), 0, False])


# ---- conversations ---------------------------------------------------------------------------------------------------


class Dialogue:
    """Two ends that talk legally (RFC 9293); each method is something that one of them may do now."""

    def __init__(self, stamps):
        self.segments, self.now_s, self.stamps = [], 0.0, stamps
        self.next, self.heard = [0, 0], [0, 0]  # octets sent; octets received of the peer
        self.open, self.fin, self.dead = [True, True], [False, False], False
        self.last = [None, None]  # newest data segment of each end
        self.newest_stamp = [0, 0]

    def send(self, sender, flags, *, seq=None, size=0, window=64240, captured=True):
        acks = flags & ACK
        at = self.next[sender] if seq is None else seq
        tsval = int(self.now_s * 1000) + 1 if self.stamps else 0
        echo = self.newest_stamp[1 - sender] if acks else 0
        segment = Segment(self.now_s, sender, flags, at, self.heard[sender] if acks else None, size, window, 0, tsval, echo)
        if not flags & RST:
            self.newest_stamp[sender] = tsval
            self.next[sender] = max(self.next[sender], at + size + bool(flags & SYN) + bool(flags & FIN))
        if captured:
            self.segments.append(segment._replace(ident=len(self.segments) + 1))
        return segment

    def hear(self, end):
        self.heard[end] = self.next[1 - end]

    def begin(self, how):
        if how == "midstream":
            self.next, self.heard = [1, 1], [1, 1]
            return
        self.send(0, SYN)
        if how == "syn again":
            self.now_s += 1
            self.send(0, SYN, seq=0)
        self.now_s += 0.01
        self.hear(1)
        if how in ("refused", "unanswered"):
            self.dead = True
            if how == "refused":
                self.refuse()
            return
        self.send(1, SYN | ACK)
        self.hear(0)
        self.now_s += 0.01
        self.send(0, ACK)

    def refuse(self):
        """The RST of an end without connection has the raw sequence number 0 (RFC 9293 3.10.7.1)."""
        self.segments.append(Segment(self.now_s, 1, RST | ACK, None, 1, 0, 0, 0, 0, 0))

    def step(self, what, end, size, wait_s):
        self.now_s += wait_s
        getattr(self, what)(end, size)

    def data(self, end, size, captured=True):
        if self.open[end]:
            self.last[end] = self.send(end, PSH | ACK, size=size, captured=captured)

    def lost(self, end, size):
        """Sent, but not captured."""
        self.data(end, size, captured=False)

    def ack(self, end, _):
        self.hear(end)
        self.send(end, ACK)

    def late_ack(self, end, _):
        """Repeats what was acknowledged before: a duplicate ACK, or an update of the window."""
        self.send(end, ACK)

    def again(self, end, _):
        if self.last[end]:
            self.send(end, PSH | ACK, seq=self.last[end].seq, size=self.last[end].size)

    def probe(self, end, _):
        if self.open[end] and self.next[end] > 1:
            self.send(end, ACK, seq=self.next[end] - 1)

    def close_window(self, end, _):
        self.hear(end)
        self.send(end, ACK, window=0)

    def close(self, end, size):
        if self.open[end]:
            self.open[end] = False
            self.send(end, FIN | ACK, size=size if size < 10 else 0)

    def abort(self, end, size):
        self.dead = True
        self.send(end, RST | (ACK if size % 2 else 0), window=0)


STEPS = ["data"] * 6 + ["ack"] * 6 + ["late_ack", "again", "again", "lost", "probe", "close_window", "close", "close", "abort"]


@st.composite
def conversations(draw):
    """A list of conversations, each a list of Segment."""
    talks = []
    for _ in range(draw(st.integers(1, TALKS_MAX))):
        dialogue = Dialogue(draw(st.booleans()))
        dialogue.begin(draw(st.sampled_from(["usual", "usual", "usual", "midstream", "syn again", "refused", "unanswered"])))
        for _ in range(draw(st.integers(0, STEPS_MAX))):
            if not dialogue.dead:
                wait_s = draw(st.sampled_from([0.0001, 0.001, 0.01, 0.05, 0.25, 1.0, 3.0, 75.0]))
                dialogue.step(draw(st.sampled_from(STEPS)), draw(st.integers(0, 1)), draw(st.integers(1, 1460)), wait_s)
        talks.append(dialogue.segments)
    hypothesis.assume(any(talks))
    return talks


# ---- files -----------------------------------------------------------------------------------------------------------


def stamps(segment):
    return struct.pack("!BBBBII", 1, 1, 8, 10, segment.tsval, segment.tsecr) if segment.tsval else b""


def frames_of(talks, look):
    """(time, frame) of each segment, in order of time."""
    told = []
    for number, segments in enumerate(talks):
        talk = Talk(*look.addresses, ports=(PORT + number, 80), isn=look.isn)
        for segment in segments:
            seq = -look.isn[segment.sender] if segment.seq is None else segment.seq
            talk.ident = segment.ident - 1
            packet = talk.ip(
                segment.sender, segment.flags, seq, segment.ack,
                payload=bytes(segment.size), window=segment.window, options=stamps(segment),
            )  # fmt: skip
            frame = ethernet(b"\0\7\x08\0" + packet, 0x8100) if look.vlan else ethernet(packet)
            told.append((segment.time_s + number / 10**5 + look.shift_s, frame))
    return sorted(told, key=itemgetter(0))


class Files:
    """Writes captures in the folder of the tests."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def write(self, told):
        times, frames = [time for time, _ in told], [frame for _, frame in told]
        return write_pcap(self.sandbox.new_path(".pcap"), frames, times)

    def convert(self, tool, *arguments):
        """What a tool of Wireshark makes of files; its last argument is the new one."""
        made = self.sandbox.new_path(".capture")
        subprocess.run([tool, *map(str, arguments), str(made)], check=True, capture_output=True)
        made.chmod(0o644)
        return made


def big_endian(path):
    """The same file as a machine with the other byte order writes it."""
    content = path.read_bytes()
    swapped = [struct.pack(">IHHiIII", *struct.unpack_from("<IHHiIII", content))]
    at = 24
    while at < len(content):
        record = struct.unpack_from("<IIII", content, at)
        swapped += [struct.pack(">IIII", *record), content[at + 16 : at + 16 + record[2]]]
        at += 16 + record[2]
    path.write_bytes(b"".join(swapped))
    return path


def split_and_joined(files, told):
    """Two captures that overlap by some frames, joined, what is in both left out."""
    middle, overlap = len(told) // 2, 4
    first, second = told[: middle + overlap], told[middle:]
    parts = [files.write(part) for part in (first, second) if part]
    joined = files.sandbox.new_path(".pcapng")
    subprocess.run(["mergecap", "-w", str(joined), *map(str, parts)], check=True, capture_output=True)
    return files.convert("editcap", "-D", "100", joined)


def with_strangers(told):
    """Other connections, the same to any reader, between the segments: other addresses, the same ports."""
    talk = Talk("10.0.0.3", "10.0.0.2", ports=(PORT, 80))
    strangers = talk.conversation()
    last = told[-1][0]
    return sorted([*told, *((last * at / 8, frame) for at, frame in enumerate(strangers))], key=itemgetter(0))


# Name -> (files, talks) -> capture. Each must get the verdicts of the plain one.
def plain(files, talks):
    return files.write(frames_of(talks, Look()))


SAME = {
    "split and joined": lambda files, talks: split_and_joined(files, frames_of(talks, Look())),
    "other addresses": lambda files, talks: files.write(frames_of(talks, Look(addresses=("192.0.2.9", "198.51.100.77")))),
    "addresses the other way": lambda files, talks: files.write(frames_of(talks, Look(addresses=("10.0.0.2", "10.0.0.1")))),
    "big-endian file": lambda files, talks: big_endian(plain(files, talks)),
    "pcapng": lambda files, talks: files.convert("editcap", "-F", "pcapng", plain(files, talks)),
    "nanosecond pcap": lambda files, talks: files.convert("editcap", "-F", "nsecpcap", plain(files, talks)),
    "VLAN tags": lambda files, talks: files.write(frames_of(talks, Look(vlan=True))),
    "other connections between": lambda files, talks: files.write(with_strangers(frames_of(talks, Look()))),
    "numbers about to wrap": lambda files, talks: files.write(frames_of(talks, Look(isn=(2**32 - 1000, 2**32 - 2)))),
    "numbers in the upper half": lambda files, talks: files.write(frames_of(talks, Look(isn=(2**31 - 700, 3 * 10**9)))),
    "a year later": lambda files, talks: files.write(frames_of(talks, Look(shift_s=365 * 86400))),
    "in 1970": lambda files, talks: files.write(frames_of(talks, Look(shift_s=-START_S + 1))),
    "in 2106": lambda files, talks: files.write(frames_of(talks, Look(shift_s=PCAP_TIME_MAX_S - START_S - 10000))),
}


# ---- verdicts --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared(registered_fields):
    """The fields to compare: all that do not name a frame, a connection or a raw number."""
    return [name for name, (_, kind, _) in registered_fields.items() if kind in COMPARED_TYPES and name not in NOT_COMPARED]


@pytest.fixture(scope="module")
def verdicts(fields, compared):
    """verdicts(path) -> for each client port the rows of its connection's frames, without those of strangers."""

    def read(path):
        rows = fields(path, "tcp.port", *compared, two_pass=True, display_filter="ip.addr != 10.0.0.3 && tcplife.conn")
        port = {id(row): row.pop("tcp.port").replace("|80", "").replace("80|", "") for row in rows}
        rows.sort(key=lambda row: port[id(row)])
        return {key: list(group) for key, group in groupby(rows, key=lambda row: port[id(row)])}

    return read


def first_difference(expected, got):
    for port, rows in expected.items():
        for number, (one, other) in enumerate(zip(rows, got.get(port, []))):
            for name in one:
                if one[name] != other[name]:
                    return f"port {port}, segment {number + 1}: {name} is {other[name]!r} instead of {one[name]!r}"
    return None if expected == got else "another number of segments"


def test_what_must_not_matter(sandbox, verdicts):
    files = Files(sandbox)

    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, derandomize=not LONG, database=None, print_blob=False,
        suppress_health_check=list(hypothesis.HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @hypothesis.given(conversations())
    def check(talks):
        expected = verdicts(plain(files, talks))
        assert sum(map(len, expected.values())) == sum(map(len, talks)), "every segment has a verdict"
        for name, make in SAME.items():
            difference = first_difference(expected, verdicts(make(files, talks)))
            assert not difference, f"{name}: {difference}"

    check()
