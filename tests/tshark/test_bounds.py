# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures made to use up time or memory: what tshark takes with tcplife, as a ratio to what it takes without.

The captures are short here; tests/run --long writes a million connections, incarnations, probes or segments, and a tenth of that
of what takes tshark itself long; `-s` prints the figures."""

import os
import random
import struct

import pytest

from handmade import ACK, PSH, RST, SYN
from large import Writer, metered, template

LONG = bool(os.environ.get("TCPLIFE_LONG"))
MANY = 1_000_000 if LONG else 15_000
COSTLY = 100_000 if LONG else 30_000  # segments of what takes tshark itself long
RUNS_MAX = 1 if LONG else 6
# The most that tshark may take with tcplife, as a multiple of what it takes without. What a short run takes is mostly tshark's
# start, which differs by as much as the slack from run to run. Half-open connections are the dearest in memory: docs/design.md
# has the bytes.
TIME_RATIO_MAX, TIME_SLACK_S = 2.0, 0.5
MEMORY_RATIO_MAX, MEMORY_SLACK_KIB = 2.0, 8 * 1024
TIMEOUT_S = 1800 if LONG else 120

MSS = 1400
THERE, BACK, PORTS = (0xC6336401, 0xC6336402), (0xC6336402, 0xC6336401), (40000, 5001)
SEED = 11


class Storm(Writer):
    """A capture of one connection, or of one pair of ports."""

    def __init__(self, path):
        super().__init__(path)
        self.data, self.bare = template(PSH | ACK, MSS), template(ACK)
        self.syn, self.synack = template(SYN), template(SYN | ACK)

    def client(self, kind, seq, ack=1, payload=0):
        self.add(kind, THERE, PORTS, seq, ack, payload)

    def server(self, kind, seq, ack, payload=0):
        self.add(kind, BACK, PORTS[::-1], seq, ack, payload)

    def open(self, isn=0):
        self.client(self.syn, isn, 0)
        self.server(self.synack, 0, isn + 1)
        self.client(self.bare, isn + 1)


def half_open(storm):
    """Each connection from another address: a SYN scan that is answered."""
    for i in range(MANY):
        client, port = 0x0A000000 + i, 1024 + i % 60000
        storm.add(storm.syn, (client, BACK[0]), (port, 443), i * 7919, 0)
        storm.add(storm.synack, (BACK[0], client), (443, port), i, i * 7919 + 1)


def wraps(storm):
    """The numbers wrap with every eighth segment: most of what is acknowledged was not captured."""
    storm.open()
    for i in range(1, MANY):
        seq = 1 + i * 2**29
        storm.client(storm.data, seq - MSS, 1, MSS)
        storm.server(storm.bare, 1, seq)


def holes(storm):
    """Ten thousand holes, filled from the top down, acknowledged, and again."""
    storm.open()
    count, at = 10_000, 1
    for _ in range(COSTLY // (2 * count)):
        for i in range(1, 2 * count, 2):
            storm.client(storm.data, at + i * MSS, 1, MSS)
        for i in range(2 * count - 2, -1, -2):
            storm.client(storm.data, at + i * MSS, 1, MSS)
        at += 2 * count * MSS
        storm.server(storm.bare, 1, at)


def sack_storm(storm):
    """4,000 segments outstanding, and ACKs with three SACK blocks and a D-SACK anywhere among them."""
    storm.open()
    generator = random.Random(SEED)
    outstanding, at = 4_000, 1
    sack = template(ACK, options=bytes([5, 34]) + bytes(34))
    for _ in range(max(1, COSTLY // (3 * outstanding))):
        for i in range(outstanding):
            storm.client(storm.data, at + i * MSS, 1, MSS)
        for _ in range(2 * outstanding):
            edges = [at + generator.randrange(outstanding) * MSS for _ in range(4)]
            blocks = [edge % 2**32 for low in edges for edge in (low, low + MSS)]
            struct.pack_into("!8I", sack, 14 + 40 + 2, *blocks)
            storm.server(sack, 1, at)
        at += outstanding * MSS
        storm.server(storm.bare, 1, at)


def incarnations(storm):
    """One pair of ports, opened and refused over and over, each time with another number."""
    refusal = template(RST | ACK)
    for i in range(MANY):
        storm.client(storm.syn, i * 104729, 0)
        storm.server(refusal, 0, i * 104729 + 1)


def keepalives(storm):
    """Probes every 75 s, each answered; after half of them nobody answers any more."""
    storm.open()
    for i in range(MANY):
        storm.micros += 75 * 10**6
        storm.client(storm.bare, 0)
        if i < MANY // 2:
            storm.server(storm.bare, 1, 1)


def large_segments(storm):
    """As large as IPv4 allows."""
    storm.open()
    size = 65535 - 40
    data = template(PSH | ACK, size)
    for i in range(MANY):
        storm.client(data, 1 + i * size, 1, size)
        storm.server(storm.bare, 1, 1 + (i + 1) * size)


def aliases(storm):
    """Numbers at which comparisons modulo 2^32 turn: half the range away from each other, and next to that."""
    storm.open()
    generator = random.Random(SEED)
    far = [0, 1, -1, 2**31, 2**31 - 1, 2**31 + 1, 2**30, -(2**30), 2**30 + 1, MSS, -MSS]
    seq = ack = 1
    for _ in range(COSTLY // 2):
        seq, ack = seq + generator.choice(far), ack + generator.choice(far)
        storm.client(storm.data, seq, ack, MSS)
        storm.server(generator.choice((storm.data, storm.bare)), ack, seq)


def overlaps(storm):
    """Nothing is acknowledged, and everything is sent again in pieces that overlap."""
    storm.open()
    generator = random.Random(SEED)
    pieces = [(template(PSH | ACK, size), size) for size in (1, 7, 500, MSS)]
    for _ in range(COSTLY):
        data, size = generator.choice(pieces)
        storm.client(data, 1 + generator.randrange(2**20), 1, size)


STORMS = (half_open, wraps, holes, sack_storm, incarnations, keepalives, large_segments, aliases, overlaps)


@pytest.fixture(params=STORMS, ids=lambda storm: storm.__name__)
def storm_file(request, sandbox):
    path = sandbox.new_path(".pcap")
    storm = Storm(path)
    request.param(storm)
    storm.out.close()
    path.chmod(0o644)
    yield path
    path.unlink()


def test_time_and_memory_are_bounded(storm_file, sandbox, request):
    """TCP is dissected and no tree is built, so that what tshark itself does is least. The least of several short runs counts, as
    many as it takes: other work on the machine makes a run longer, never shorter."""

    def run(*args):
        return metered(sandbox, "-r", storm_file, "-q", "-z", "conv,tcp", *args, timeout=TIMEOUT_S)[:2]

    def fits():
        return seconds <= plain_s * TIME_RATIO_MAX + TIME_SLACK_S and kib <= plain_kib * MEMORY_RATIO_MAX + MEMORY_SLACK_KIB

    plain_kib, plain_s = run("--disable-protocol", "tcplife")
    kib, seconds = run()
    for _ in range(RUNS_MAX - 1):
        if not fits():
            kib, seconds = map(min, (kib, seconds), run())
    name = request.node.callspec.id
    ratios = f"{seconds / plain_s:.2f}, memory {kib / plain_kib:.2f}"
    print(f"\n{name}: time {seconds:.1f} s / {plain_s:.1f} s = {ratios}, {kib // 1024} MiB")
    assert fits()
