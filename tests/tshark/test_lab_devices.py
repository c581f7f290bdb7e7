# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife on a path with devices: the corpus of tests/lab/devices, scored as tests/lab/score does; and the lab's own arithmetic."""

import os
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from conftest import REPO

sys.path.insert(0, str(REPO / "tests" / "lab"))

from devices import goals, packet, scoring, truth  # noqa: E402
from devices.boxes import MODES, Injector, StrictWindow  # noqa: E402
from devices.reasons import Event  # noqa: E402
from devices.situations import SITUATIONS  # noqa: E402
from packets import ACK, RST, SYN, checksum  # noqa: E402
from reader import FINDING, every_frame  # noqa: E402

CORPUS = REPO / "tests" / "lab" / "devices" / "corpus"
CORPUS_BYTES_MAX = 2_000_000
# Makers of resets that have to be there: both ends, both routers, what stands on a wire.
MAKERS = {"client", "server", "r1", "r2", "device"}
ENDS = {4: ("10.1.7.10", "10.2.7.20"), 6: ("fd00:1:7::10", "fd00:2:7::20")}
SACK_BLOCK = b"\x01\x01\x05\x0a" + struct.pack("!II", 500, 900)


@pytest.fixture(scope="module")
def captures():
    """The captures of the corpus with their truth."""
    return scoring.load_corpus(str(CORPUS))


@pytest.fixture(scope="module")
def tally(captures, fields, sandbox):
    """What tcplife got right, in two passes."""
    names = scoring.known(sandbox.run(["tshark", "-G", "fields"]).stdout)
    tally = scoring.Tally()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = pool.map(lambda capture: fields(capture.path, *names, two_pass=True, display_filter=every_frame(FINDING)), captures)
        for capture, frames in zip(captures, rows, strict=True):
            scoring.score_capture(tally, capture, frames)
    return tally


def test_corpus_is_whole(captures):
    assert len(captures) >= len(scoring.POINTS)
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < CORPUS_BYTES_MAX
    assert not [f"{name}: {trial['problems']}" for c in captures for name, trial in c.truth["trials"].items() if trial["problems"]]


def test_every_maker_and_every_situation_is_there(captures):
    makers = {label["by"] for capture in captures for label in capture.labels.values()}
    assert makers == MAKERS
    words = {one["situation"] for capture in captures for one in capture.connections.values()}
    assert words == set(SITUATIONS) - {"none"}


def test_every_reset_has_a_label(captures, fields):
    for capture in captures:
        rows = fields(capture.path, "frame.number", display_filter="tcp.flags.reset == 1 && !icmp && !icmpv6")
        assert {row["frame.number"] for row in rows} == set(capture.labels)


@pytest.mark.parametrize("text", sorted({text for text, in goals.TODAY} - {goals.LINUX}))
def test_floor(tally, text):
    line = {one.text: one for one in goals.check(tally)}[text]
    assert line.met, line


def test_every_line_has_a_floor(tally):
    assert {one.text for one in goals.check(tally)} == {text for text, in goals.TODAY} - {goals.LINUX}


def segment(version, **values):
    """A segment of the client with some octets."""
    src, dst = ENDS[version]
    plain = {"src": src, "dst": dst, "sport": 40000, "dport": 80, "payload": b"x" * 20}
    return packet.Tcp(**{**plain, "seq": 100, "ack": 200, "flags": ACK, "window": 500, **values})


@pytest.mark.parametrize("version", [4, 6])
def test_a_mark_comes_and_goes_without_a_trace(version):
    octets = segment(version, ttl=57, label=0x12345 if version == 6 else 0, options=SACK_BLOCK).octets()
    marked = packet.with_mark(octets, 5)
    assert packet.mark_of(octets) == 0 and packet.mark_of(marked) == 5
    assert packet.with_mark(marked, 0) == octets
    assert packet.parse(marked) == packet.parse(octets)
    assert packet.parse(octets).octets() == octets
    assert packet.parse(packet.after_hops(octets, 3)).ttl == 54
    assert packet.after_hops(octets, 57) is None


def test_the_quotation_in_an_icmp_error_loses_its_mark():
    quoted = packet.with_mark(segment(4).octets(), 1)[:28]
    body = struct.pack("!BBHI", 3, 4, 0, 1400) + quoted
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    head = segment(4).octets()[:9] + bytes([1]) + segment(4).octets()[10:20]
    cleaned = packet.with_mark(head + body, 0)[20:]
    assert checksum(cleaned) == 0
    assert cleaned[8:] == segment(4).octets()[:28]


def test_sack_blocks_are_blanked_in_place():
    blanked = packet.without_sack(segment(4, options=SACK_BLOCK))
    assert blanked.options == b"\x01" * 12
    assert truth.sack_blocks(segment(4, options=SACK_BLOCK)) == [500] and not truth.sack_blocks(blanked)


def test_an_event_is_that_of_the_first_reset_it_fits():
    """A listening socket's event has only its port; an event never comes after its reset."""
    answer = segment(4, flags=RST)
    event = Event(1.0, "10.1.7.10:40000", "10.2.7.20:80", "NO_SOCKET", False)
    assert event.fits(answer, 1.0) and not event.fits(answer, 0.9)
    assert not event.fits(answer.changed(dport=81), 1.0)
    assert Event(1.0, "0.0.0.0:40000", "0.0.0.0:0", "TCP_FLAGS", False).fits(answer, 1.0)
    assert Event(1.0, "[fd00:1:7::10]:40000", "[fd00:2:7::20]:80", "NO_SOCKET", False).fits(segment(6, flags=RST), 1.0)


class Wire:
    """What a box sends."""

    def __init__(self, box):
        self.sent = []
        box.path, box.wire = self, 1

    def emit(self, _, forged, right, __):
        self.sent.append((forged, right))


@pytest.mark.parametrize("mode", sorted(MODES))
def test_an_injector_forges_resets_of_the_right_end(mode):
    box = Injector(SimpleNamespace(randrange=lambda *a: a[0], uniform=lambda a, b: a), mode)
    wire = Wire(box)
    box.passes(segment(4, src="10.2.7.20", dst="10.1.7.10", sport=80, dport=40000), False)
    asked = segment(4, flags=SYN, payload=b"") if box.on_syn else segment(4, payload=b"a BAD word")
    assert box.passes(asked, True) is asked
    assert wire.sent and all(forged.flags & RST and right == (forged.src == asked.src) for forged, right in wire.sent)


def test_a_strict_window_resets_what_is_late():
    box = StrictWindow(1000)
    wire = Wire(box)
    for seq in (0, 1000, 2000):
        assert box.passes(segment(4, seq=seq), True)
    assert box.passes(segment(4, seq=1500), True)
    assert box.passes(segment(4, seq=0), True) is None
    assert [(forged.seq, right) for forged, right in wire.sent] == [(200, False)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"tcplife.rst.origin": "path", "tcplife.rst.origin.confidence": "certain"}, ("path", "certain")),
        ({"tcplife.rst.origin": "unknown", "tcplife.rst.injected": "likely"}, ("unknown", "")),
        ({"tcplife.rst.injected": "likely"}, ("path", "likely")),
        ({"tcplife.rst.injected": "none"}, ("end", "guess")),
        ({}, ("unknown", "")),
    ],
)
def test_both_fields_of_the_origin_are_read(row, said):
    assert scoring.origin_said(row) == said


@pytest.mark.parametrize(
    ("word", "shown", "said", "verdict"),
    [
        ("idle_timeout", True, {"tcplife.finding=idle_cut"}, "found"),
        ("idle_timeout", True, {"tcplife.verdict=injected"}, "missed"),
        ("idle_timeout", True, {"tcplife.finding=queue_full"}, "wrong"),
        ("idle_timeout", False, set(), "quiet"),
        ("none", False, {"tcplife.verdict=refused", "tcplife.verdict=state_lost"}, "quiet"),
        ("none", False, {"tcplife.finding=health_check"}, "false"),
        ("defer_accept", False, {"tcplife.finding=queue_full"}, "false"),
        ("overflow_abort", False, {"tcplife.finding=queue_full"}, "quiet"),
    ],
)
def test_what_becomes_of_a_connection(word, shown, said, verdict):
    assert scoring.judge(SITUATIONS[word], word, said, shown)[0] == verdict
