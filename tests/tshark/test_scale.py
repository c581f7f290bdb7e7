# SPDX-License-Identifier: GPL-2.0-or-later
"""A short test of bounds: many connections that never close, and one that carries much. tests/perf measures in earnest."""

import re

import pytest

from handmade import ACK, PSH, SYN
from large import Writer, metered, template

HALF_OPEN = 50_000  # connections of SYN and SYN-ACK: 100,000 segments
BULK = 50_000  # segments with data, each followed by an ACK, on one connection: 100,000 more
MSS = 1400
BYTES_PER_CONNECTION = 3 * 1024  # of what tcplife may need beyond tshark itself
BYTES_PER_SEGMENT = 64  # the same for each segment of a connection that goes well
SLACK_KIB = 8 * 1024  # of the allocator, which grows by megabytes
TIME_FACTOR, TIME_SLACK_S = 2.0, 2.0  # loose: the machine that runs this is busy with other things
RUNS_MAX = 6


def write_half_open(writer, count):
    """Each from another address and port."""
    syn, synack = template(SYN), template(SYN | ACK)
    server = 0xC0000201  # 192.0.2.1
    for i in range(count):
        client, port, isn = 0x0A000000 + i, 1024 + i % 60000, i * 7919
        writer.add(syn, (client, server), (port, 443), isn, 0)
        writer.add(synack, (server, client), (443, port), isn + 1, isn + 1)


def write_bulk(writer, count):
    syn, synack, ack, data = template(SYN), template(SYN | ACK), template(ACK), template(PSH | ACK, MSS)
    there, back, ports = (0xC6336401, 0xC6336402), (0xC6336402, 0xC6336401), (40000, 5001)
    writer.add(syn, there, ports, 0, 0)
    writer.add(synack, back, ports[::-1], 0, 1)
    writer.add(ack, there, ports, 1, 1)
    for i in range(count):
        seq = 1 + i * MSS
        writer.add(data, there, ports, seq, 1, MSS)
        writer.add(ack, back, ports[::-1], 1, seq + MSS)


@pytest.fixture(scope="module")
def large_capture(sandbox):
    path = sandbox.new_path(".pcap")
    writer = Writer(path)
    write_half_open(writer, HALF_OPEN)
    write_bulk(writer, BULK)
    writer.out.close()
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def measure(sandbox, large_capture):
    """measure(*args) -> (KiB, CPU seconds, output) of tshark on the large capture."""

    def run(*args):
        return metered(sandbox, "-r", large_capture, *args)

    return run


def test_memory_and_time_are_bounded(measure):
    """Statistics of conversations: TCP is dissected, no tree is built. The least time of several runs counts, as many as it takes:
    other work on the machine makes a run longer, never shorter."""
    statistics = ("-q", "-z", "conv,tcp")
    plain_kib, plain_s, expected = measure("--disable-protocol", "tcplife", *statistics)
    kib, seconds, output = measure(*statistics)
    assert output == expected
    allowed = (HALF_OPEN * BYTES_PER_CONNECTION + 2 * BULK * BYTES_PER_SEGMENT) // 1024 + SLACK_KIB
    assert kib - plain_kib <= allowed
    for _ in range(RUNS_MAX - 1):
        if seconds > plain_s * TIME_FACTOR + TIME_SLACK_S:
            _, seconds, _ = measure(*statistics)
    assert seconds <= plain_s * TIME_FACTOR + TIME_SLACK_S


def test_every_segment_has_its_verdict(measure):
    """Counted by expert items, in one pass: a SYN and a SYN-ACK for each connection, and the ACK of the bulk one."""
    _, _, output = measure("-q", "-z", "expert")
    rows = re.findall(r"^ *(\d+) +\w+ +TCP Lifecycle  ([^.]*)\.", output, re.M)
    counts = {name: int(number) for number, name in rows}
    assert counts["SYN 1/3"] == counts["SYN-ACK 2/3"] == HALF_OPEN + 1
    assert counts["ACK 3/3"] == 1
    assert set(counts) == {"SYN 1/3", "SYN-ACK 2/3", "ACK 3/3"}, "and nothing else is worth a remark"


def test_sessions_start_anew(measure):
    """With -M, which is how a live capture of days is bounded, what was before is given back: tcplife adds to a session what its own
    connections need, not what all had."""
    # 5,000 half-open connections. With -q tshark 4.0 itself fails at the first new session.
    session = ("-M", "10000", "-Y", "frame.number == 1", "-T", "fields", "-e", "frame.number")
    plain_kib, _, _ = measure("--disable-protocol", "tcplife", *session)
    kib, _, _ = measure(*session)
    assert kib - plain_kib <= (5_000 * BYTES_PER_CONNECTION + 10_000 * BYTES_PER_SEGMENT) // 1024 + SLACK_KIB
