# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments that no correct TCP sends, and files that are damaged: no crash, no wrong certainty, a clear value."""

import random
import re
import struct
from pathlib import Path

import pytest

from handmade import (
    ACK, CONVERSATION, CWR, ECE, ETHERNET_BYTES, FIN, LIFE_FIELDS, PSH, RST, SYN, URG,
    Talk, ethernet, ipv4, life, read_pcap, tcp, write_pcap,
)  # fmt: skip

REPO = Path(__file__).resolve().parents[2]
ALL_FLAGS = 0xFF
SIZE_OF_FILE_HEADER = 24
PCAP_TIME_MAX_S = 2**32 - 1
SEED = 2  # of the mutations; another one gives other files, and the tests must pass with each
MUTATIONS, FILES = 200, 4
HEADERS_END = ETHERNET_BYTES + 20 + 60  # bytes of a frame in which IPv4 and TCP headers lie

CERTAIN = ("tcplife.sender.confidence", "tcplife.client.state.confidence", "tcplife.server.state.confidence")


def talks(count, **how):
    """Connections that differ in the client's port only."""
    return [Talk(ports=(40000 + i, 80), **how) for i in range(count)]


@pytest.fixture
def read(fields, sandbox):
    """read(frames, *names, ...): writes the frames and reads them; `times`, `start` as for write_pcap."""

    def run(frames, *names, times=None, start_s=None, two_pass=False):
        how = {} if start_s is None else {"start_s": start_s}
        return fields(write_pcap(sandbox.new_path(".pcap"), frames, times, **how), *names, two_pass=two_pass)

    return run


def shown(rows):
    return {value for row in rows for value in row.values()} - {""}


# ---- header length ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("two_pass", [False, True], ids=["one-pass", "two-pass"])
def test_impossible_header_length(two_pass, read):
    """Less than 5 words (RFC 9293 3.1), or more than the segment has: not a TCP header."""
    frames = []
    for talk, offset in zip(talks(16), range(16), strict=True):
        segment = tcp(talk.port, SYN, 1000, offset=offset)
        frames.append(ethernet(ipv4(*talk.address, segment)))
    rows = read(frames, "tcplife", "tcplife.conn", "tcplife.phase", two_pass=two_pass)
    assert [index for index, row in enumerate(rows) if shown([row])] == [5]
    assert rows[5]["tcplife.phase"] == "handshake"


def test_damaged_header_between_good_ones(read):
    """The connection goes on as if the damaged segment were not there."""
    talk = Talk()
    frames = talk.conversation()
    for at in (7, 5, 3, 1):
        offset = at % 5  # 2, 0, 3, 1
        frames.insert(at, talk.frame(at % 2, FIN | ACK, 1, 1, offset=offset))
    rows = read(frames, *LIFE_FIELDS, "tcplife.phase")
    assert [life(row) for row in rows if row["tcplife.phase"]] == CONVERSATION


# ---- flags -----------------------------------------------------------------------------------------------------------


def test_every_combination_of_flags_first(read):
    """256 connections of one segment. Only a SYN tells who the client is, and no handshake is complete."""
    names = (*CERTAIN, "tcplife.phase", "tcplife.sender", "tcplife.midstream", "tcplife.handshake.error",
             "tcplife.handshake.outcome", "tcplife.handshake.step", "tcplife.rst.cause")  # fmt: skip
    frames = [talk.frame(0, flags, 0, 7) for flags, talk in enumerate(talks(256))]
    for flags, row in enumerate(read(frames, *names, two_pass=True)):
        why = f"flags {flags:#04x}: {row}"
        assert row["tcplife.phase"] and row["tcplife.sender"], why
        assert bool(row["tcplife.rst.cause"]) == bool(flags & RST), why
        assert row["tcplife.handshake.outcome"] not in ("complete", "complete_inferred", "simultaneous"), why
        if flags & SYN and flags & (FIN | RST) or flags == 0:
            assert "flags" in row["tcplife.handshake.error"].split(","), why
            assert row["tcplife.handshake.step"] == "" or flags & RST == 0, why
        if flags & (SYN | FIN | RST) == SYN and not flags & ACK:
            assert row["tcplife.handshake.step"] == "syn", why
        if not flags & SYN:
            assert row["tcplife.sender.confidence"] != "certain", why
            assert row["tcplife.server.state.confidence"] != "certain" or flags & RST, why
            assert row["tcplife.handshake.step"] == "", why
        if flags & (SYN | FIN | RST) == 0 and flags & ACK:
            assert (row["tcplife.phase"], row["tcplife.midstream"]) == ("established", "1"), why


def test_segments_without_ack_in_an_open_connection(read):
    """RFC 9293 3.10.7.4, fifth: a segment without ACK flag is dropped. Neither end nor phase changes."""
    odd = [0, PSH, URG, FIN, FIN | PSH | URG, ECE | CWR]
    frames, where = [], []
    for talk, flags in zip(talks(len(odd)), odd, strict=True):
        some = talk.conversation()
        some.insert(5, talk.frame(0, flags, 11))
        where.append(len(frames) + 5)
        frames += some
    rows = read(frames, *LIFE_FIELDS, "tcplife.phase", "tcplife.teardown.kind", two_pass=True)
    assert [life(row) for i, row in enumerate(rows) if i not in where] == CONVERSATION * len(odd)
    for i, flags in zip(where, odd, strict=True):
        assert life(rows[i]) == ("", "ESTABLISHED", "ESTABLISHED"), f"flags {flags:#04x}"
        assert rows[i]["tcplife.phase"] == "established", f"flags {flags:#04x}"


def test_syn_fin_and_syn_rst_in_an_open_connection(read):
    """In the window, with a number that is not the next: RFC 5961 3 and 4 answer such a SYN or RST by a challenge ACK. The
    connection goes on."""
    odd = [SYN | FIN, SYN | RST, SYN | FIN | RST | PSH | URG, ALL_FLAGS & ~ACK]
    frames, where = [], []
    for talk, flags in zip(talks(len(odd)), odd, strict=True):
        some = talk.conversation()
        some[5:5] = [talk.frame(0, flags, 5000), talk.frame(1, ACK, 1, 11)]
        where += [len(frames) + 5, len(frames) + 6]
        frames += some
    rows = read(frames, *LIFE_FIELDS, "tcplife.handshake.error", two_pass=True)
    assert [life(row) for i, row in enumerate(rows) if i not in where] == CONVERSATION * len(odd)
    assert all("flags" in rows[i]["tcplife.handshake.error"].split(",") for i in where[::2])


# ---- ports and addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ports", [(0, 80), (40000, 0), (0, 0), (65535, 65535), (80, 80)], ids=str)
def test_ports(ports, read):
    rows = read(Talk(ports=ports).conversation(), *LIFE_FIELDS, "tcplife.sender")
    assert [life(row) for row in rows] == CONVERSATION
    senders = ["client", "server", "client", "client", "server", "client", "server", "client"]
    assert [row["tcplife.sender"] for row in rows] == senders


def test_both_ends_are_the_same(read):
    """Equal addresses and equal ports ("land"): the two ends cannot be told apart, so nothing is complete."""
    talk = Talk(client="10.0.0.1", server="10.0.0.1", ports=(80, 80))
    rows = read(talk.conversation(), "tcplife.phase", "tcplife.handshake.outcome", two_pass=True)
    assert all(row["tcplife.phase"] for row in rows)


# ---- numbers ---------------------------------------------------------------------------------------------------------

# The SYN, the data or the FIN takes the last number before 0; and the middle, where a signed comparison would turn.
NUMBERS = [2**32 - 1, 2**32 - 2, 2**32 - 6, 2**32 - 11, 2**32 - 12, 2**31 - 1, 2**31 - 5, 2**31, 0]


def test_sequence_numbers_wrap(read):
    """RFC 9293 3.4: arithmetic is modulo 2^32."""
    every = [Talk(ports=(40000 + i, 80), isn=(isn, NUMBERS[-1 - i])) for i, isn in enumerate(NUMBERS)]
    frames = [frame for talk in every for frame in talk.conversation()]
    rows = read(frames, *LIFE_FIELDS, "tcplife.explanation", "tcplife.handshake.error", two_pass=True)
    assert [life(row) for row in rows] == CONVERSATION * len(every)
    assert {row["tcplife.handshake.error"] for row in rows} == {""}
    for i, talk in enumerate(every):
        text = rows[8 * i]["tcplife.explanation"]
        for number in (talk.isn[0], (talk.isn[0] + 1) % 2**32):
            assert re.search(rf"\b{number}\b", text), text
        fin = (talk.isn[0] + 11) % 2**32
        assert re.search(rf"\b{fin}\b", rows[8 * i + 5]["tcplife.explanation"])


def test_payload_lengths_do_not_run_over(read):
    """Gigabytes of one direction, in segments whose captured part is missing: the numbers pass 0 more than once."""
    talk = Talk(isn=(2**32 - 1, 5))
    frames = talk.conversation()[:3]
    sent, size = 1, 60000
    for _ in range(3):
        for _ in range(4):
            sent += 2**29  # a hole: what was not captured
            frames.append(talk.frame(0, ACK, sent % 2**32, 1, payload=bytes(size)))
            sent += size
            frames.append(talk.frame(1, ACK, 1, sent % 2**32))
    rows = read(frames, "tcplife.phase", *CERTAIN, two_pass=True)
    assert all(row["tcplife.phase"] for row in rows)


# ---- time ------------------------------------------------------------------------------------------------------------

TIMES = (
    "tcplife.handshake.server_time", "tcplife.handshake.client_time", "tcplife.handshake.irtt", "tcplife.handshake.setup_time",
    "tcplife.handshake.delay_by_loss", "tcplife.teardown.duration", "tcplife.teardown.fin_wait", "tcplife.teardown.close_wait",
)  # fmt: skip


def test_time_runs_backwards(read):
    """The order is that of the file; durations are never negative, and each such frame says so."""
    rows = read(Talk().conversation(), *LIFE_FIELDS, *TIMES, "tcplife.capture.time_backwards", times=range(8, 0, -1))
    assert [life(row) for row in rows] == CONVERSATION
    assert [row["tcplife.capture.time_backwards"] for row in rows] == [""] + ["1"] * 7
    assert all(float(row[name]) == 0 for row in rows for name in TIMES if row[name])


@pytest.mark.parametrize("start_s", [0, 2**31 - 1, PCAP_TIME_MAX_S - 1])
def test_time_of_the_capture(start_s, read):
    """1970, 2038 and 2106."""
    rows = read(Talk().conversation(), *LIFE_FIELDS, *TIMES, start_s=start_s)
    assert [life(row) for row in rows] == CONVERSATION
    assert float(rows[2]["tcplife.handshake.irtt"]) == pytest.approx(0.002)


def test_all_frames_at_the_same_time(read):
    rows = read(Talk().conversation(), *LIFE_FIELDS, times=[0] * 8)
    assert [life(row) for row in rows] == CONVERSATION


# ---- options ---------------------------------------------------------------------------------------------------------

LENGTHS = (0, 1, 2, 3, 4, 9, 10, 11, 18, 19, 40, 255)
FAST_OPEN = {34, 253, 254}  # kinds that may make another kind of SYN of it
NAMED_KINDS = (0, 1, 2, 3, 4, 5, 8, 19, 29, 30, 34, 69, 128, 253, 254, 255)


def padded(options):
    return options.ljust((len(options) + 3) // 4 * 4, b"\0")[:40]


def broken_options():
    """(kind, option list): every kind with lengths that are too small, too large, wrong for it, or run over the end."""
    yield from ((kind, padded(bytes([kind, length]))) for kind in NAMED_KINDS for length in LENGTHS)
    yield from ((kind, padded(bytes([1, 1, 1, kind]))) for kind in NAMED_KINDS)  # no room for a length
    yield from ((kind, padded(bytes([kind, length]) + b"\xff" * 38)) for kind in NAMED_KINDS for length in LENGTHS)
    yield from ((0, b"\0" * size) for size in range(4, 44, 4))
    yield from ((1, b"\1" * size) for size in range(4, 44, 4))
    yield 2, bytes.fromhex("020405B4" * 10)  # the same option ten times


def test_broken_options(read):
    """Nothing in the options of a SYN makes it something else than the first SYN, nor of an ACK than the third segment."""
    frames, kinds = [], []
    for i, (kind, options) in enumerate(broken_options()):
        talk = Talk(ports=(1024 + i, 80))
        opening = talk.conversation()[:3]
        frames += [talk.frame(0, SYN, 0, options=options), opening[1], talk.frame(0, ACK, 1, 1, options=options)]
        kinds.append(kind)
    rows = read(frames, *LIFE_FIELDS, two_pass=True)
    for kind, first in zip(kinds, range(0, len(rows), 3), strict=True):
        step, *states = life(rows[first])
        assert step == "syn" or kind in FAST_OPEN and step.startswith("syn_tfo_"), (kind, first)
        assert states == ["SYN-SENT", "LISTEN"], (kind, first)
        assert life(rows[first + 2])[0] == "ack", (kind, first)


def test_window_scale_out_of_range(read):
    """RFC 7323 2.3: above 14 is an error to be told, and the connection opens all the same."""
    frames = []
    for talk, shift in zip(talks(3), (14, 15, 255), strict=True):
        some = talk.conversation()
        some[0] = talk.frame(0, SYN, 0, options=bytes([3, 3, shift, 1]))
        frames += some
    rows = read(frames, *LIFE_FIELDS, "tcplife.handshake.error")
    assert [life(row) for row in rows] == CONVERSATION * 3
    assert [rows[i]["tcplife.handshake.error"] for i in (0, 8, 16)] == ["", "wscale_range", "wscale_range"]


# ---- files -----------------------------------------------------------------------------------------------------------


def test_empty_capture(tshark, read):
    assert read([], "tcplife.phase") == []
    assert read([], "tcplife.phase", two_pass=True) == []


def test_file_of_no_bytes(tshark, sandbox):
    path = sandbox.new_path(".pcap")
    path.write_bytes(b"")
    path.chmod(0o644)
    for args in ([], ["-V"], ["-2"]):
        result = tshark(args, path)
        assert result.returncode >= 0, "a signal ended tshark"
        assert result.stdout == ""


def test_capture_cut_in_the_middle_of_a_packet(tshark, sandbox, captures):
    """What is whole is shown; that the file is cut short is Wireshark's to say."""
    whole = captures / "nc-three-segment-close.pcap"
    content = whole.read_bytes()
    args = ["-T", "fields", "-e", "tcplife.phase"]
    expected = tshark(args, whole).stdout.splitlines()
    for size in (len(content) - 1, len(content) - 40, SIZE_OF_FILE_HEADER + 16 + 5):
        path = sandbox.new_path(".pcap")
        path.write_bytes(content[:size])
        path.chmod(0o644)
        for more in ([], ["-2"]):
            result = tshark([*more, *args], path)
            assert "cut short" in result.stderr
            assert result.returncode >= 0
            got = result.stdout.splitlines()
            assert got == expected[: len(got)]


# ---- mutations -------------------------------------------------------------------------------------------------------


def mutated(frame, generator):
    """The frame with one to four bytes of its IP and TCP headers changed."""
    changed = bytearray(frame)
    for _ in range(generator.randint(1, 4)):
        changed[generator.randrange(ETHERNET_BYTES, min(len(changed), HEADERS_END))] = generator.randrange(256)
    return bytes(changed)


def mutations(captures, number):
    """The frames of 50 shipped captures, each with a third of its frames mutated."""
    generator = random.Random(SEED * 1000 + number)
    names = sorted(captures.glob("*.pcap"))
    frames = []
    for _ in range(MUTATIONS // FILES):
        for frame in read_pcap(generator.choice(names)).frames:
            frames.append(mutated(frame, generator) if generator.random() < 1 / 3 else frame)
    return frames


VALUES = set(re.findall(r'^TL_VALUE\(\w+, \w+, "([^"]+)"', (REPO / "plugin/engine/tl_names.def").read_text(), re.M))
WORDS = (
    "tcplife.phase", "tcplife.sender", "tcplife.client.state", "tcplife.server.state", "tcplife.handshake.step",
    "tcplife.handshake.outcome", "tcplife.teardown.step", "tcplife.teardown.kind", "tcplife.teardown.initiator",
    "tcplife.teardown.time_wait", "tcplife.rst.cause", "tcplife.rst.form", "tcplife.rst.effect", "tcplife.ack",
    "tcplife.segment",
)  # fmt: skip


@pytest.fixture(scope="module", params=range(FILES))
def mutant(request, captures, sandbox):
    return write_pcap(sandbox.new_path(".pcap"), mutations(captures, request.param))


def test_mutations_do_no_harm(mutant, tshark):
    for args in (["-V"], ["-2", "-V"]):
        result = tshark(args, mutant)
        assert result.returncode == 0, result.stderr
        assert "Dissector bug" not in result.stdout
        assert not re.search(r"CRITICAL|ERROR|assert|runtime error|Sanitizer", result.stderr), result.stderr
        assert "TCP Lifecycle" in result.stdout


def test_mutations_get_known_words(mutant, fields):
    """Whatever comes in, the answers are words of tl_names.def, and every frame with a verdict has phase, sender and states."""
    for two_pass in (False, True):
        rows = fields(mutant, *WORDS, two_pass=two_pass)
        found = {word for row in rows for value in row.values() for word in value.split("|") if word}
        assert found <= VALUES
        for row in rows:
            counts = {row[name].count("|") for name in WORDS[:4]}
            assert len(counts) == 1 and len({bool(row[name]) for name in WORDS[:4]}) == 1, row


def test_random_bytes_as_tcp(read, tshark):
    """1000 segments of nothing but noise on few addresses and ports, so that they meet each other."""
    generator = random.Random(SEED)
    frames = []
    for _ in range(1000):
        ports = struct.pack("!HH", 40000 + generator.randrange(4), 80)
        offset = bytes([generator.choice((5, 6, 8, 15)) << 4])
        noise = generator.randbytes(8) + offset + generator.randbytes(generator.randrange(8, 60))
        client = generator.random() < 0.5
        ends = ("10.0.0.1", "10.0.0.2") if client else ("10.0.0.2", "10.0.0.1")
        frames.append(ethernet(ipv4(*ends, (ports if client else ports[2:] + ports[:2]) + noise)))
    rows = read(frames, *WORDS, two_pass=True)
    assert {word for row in rows for value in row.values() for word in value.split("|") if word} <= VALUES


def test_few_numbers_many_flags(read):
    """2000 segments of one connection with numbers close to each other and all flags: every branch of every rule meets every
    other. The answers stay words, and both passes agree on the states."""
    generator = random.Random(SEED + 1)
    talk = Talk()
    frames = [
        talk.frame(
            generator.randrange(2), generator.randrange(64), generator.randrange(-2, 20), generator.randrange(-2, 20),
            payload=bytes(generator.choice((0, 0, 1, 5))), window=generator.choice((0, 10, 64240)),
        )
        for _ in range(2000)
    ]  # fmt: skip
    once, twice = read(frames, *WORDS), read(frames, *WORDS, two_pass=True)
    assert {word for row in twice for value in row.values() for word in value.split("|") if word} <= VALUES
    for name in WORDS[:5]:
        assert [row[name] for row in once] == [row[name] for row in twice], name
