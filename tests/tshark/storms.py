# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures made to use up time or memory. Each storm writes about as many segments as it is asked for."""

import random
import struct

from handmade import ACK, PSH, RST, SYN
from large import Writer, template

MSS = 1400
THERE, BACK, PORTS = (0xC6336401, 0xC6336402), (0xC6336402, 0xC6336401), (40000, 5001)
SEED = 11


class Storm(Writer):
    """A capture of one connection, or of one pair of ports."""

    def __init__(self, path):
        super().__init__(path)
        self.ident = 1
        self.data, self.bare = template(PSH | ACK, MSS), template(ACK)
        self.syn, self.synack = template(SYN), template(SYN | ACK)

    def add(self, kind, *numbers):
        struct.pack_into("!H", kind, 14 + 4, self.ident)
        super().add(kind, *numbers)

    def client(self, kind, seq, ack=1, payload=0):
        self.add(kind, THERE, PORTS, seq, ack, payload)

    def server(self, kind, seq, ack, payload=0):
        self.add(kind, BACK, PORTS[::-1], seq, ack, payload)

    def open(self, isn=0):
        self.client(self.syn, isn, 0)
        self.server(self.synack, 0, isn + 1)
        self.client(self.bare, isn + 1)


def half_open(storm, many):
    """Each connection from another address: a SYN scan that is answered."""
    for i in range(many):
        client, port = 0x0A000000 + i, 1024 + i % 60000
        storm.add(storm.syn, (client, BACK[0]), (port, 443), i * 7919, 0)
        storm.add(storm.synack, (BACK[0], client), (443, port), i, i * 7919 + 1)


def wraps(storm, many):
    """The numbers wrap with every eighth segment: most of what is acknowledged was not captured."""
    storm.open()
    for i in range(1, many):
        seq = 1 + i * 2**29
        storm.client(storm.data, seq - MSS, 1, MSS)
        storm.server(storm.bare, 1, seq)


def holes(storm, many):
    """Up to ten thousand holes, filled from the top down, acknowledged, and again."""
    storm.open()
    count, at = min(10_000, many // 2), 1
    for _ in range(many // (2 * count)):
        for i in range(1, 2 * count, 2):
            storm.client(storm.data, at + i * MSS, 1, MSS)
        for i in range(2 * count - 2, -1, -2):
            storm.client(storm.data, at + i * MSS, 1, MSS)
        at += 2 * count * MSS
        storm.server(storm.bare, 1, at)


def sack_storm(storm, many):
    """Up to 4,000 segments outstanding, and ACKs with three SACK blocks and a D-SACK anywhere among them."""
    storm.open()
    generator = random.Random(SEED)
    outstanding, at = min(4_000, many // 3), 1
    sack = template(ACK, options=bytes([5, 34]) + bytes(34))
    for _ in range(max(1, many // (3 * outstanding))):
        for i in range(outstanding):
            storm.client(storm.data, at + i * MSS, 1, MSS)
        for _ in range(2 * outstanding):
            edges = [at + generator.randrange(outstanding) * MSS for _ in range(4)]
            blocks = [edge % 2**32 for low in edges for edge in (low, low + MSS)]
            struct.pack_into("!8I", sack, 14 + 40 + 2, *blocks)
            storm.server(sack, 1, at)
        at += outstanding * MSS
        storm.server(storm.bare, 1, at)


def incarnations(storm, many):
    """One pair of ports, opened and refused over and over, each time with another number."""
    refusal = template(RST | ACK)
    for i in range(many):
        storm.client(storm.syn, i * 104729, 0)
        storm.server(refusal, 0, i * 104729 + 1)


def keepalives(storm, many):
    """Probes every 75 s, each answered; after half of them nobody answers any more."""
    storm.open()
    for i in range(many):
        storm.micros += 75 * 10**6
        storm.client(storm.bare, 0)
        if i < many // 2:
            storm.server(storm.bare, 1, 1)


def large_segments(storm, many):
    """As large as IPv4 allows."""
    storm.open()
    size = 65535 - 40
    data = template(PSH | ACK, size)
    for i in range(many):
        storm.client(data, 1 + i * size, 1, size)
        storm.server(storm.bare, 1, 1 + (i + 1) * size)


def aliases(storm, many):
    """Numbers at which comparisons modulo 2^32 turn: half the range away from each other, and next to that."""
    storm.open()
    generator = random.Random(SEED)
    far = [0, 1, -1, 2**31, 2**31 - 1, 2**31 + 1, 2**30, -(2**30), 2**30 + 1, MSS, -MSS]
    seq = ack = 1
    for _ in range(many // 2):
        seq, ack = seq + generator.choice(far), ack + generator.choice(far)
        storm.client(storm.data, seq, ack, MSS)
        storm.server(generator.choice((storm.data, storm.bare)), ack, seq)


def overlaps(storm, many):
    """Nothing is acknowledged, and everything is sent again in pieces that overlap."""
    storm.open()
    generator = random.Random(SEED)
    pieces = [(template(PSH | ACK, size), size) for size in (1, 7, 500, MSS)]
    for _ in range(many):
        data, size = generator.choice(pieces)
        storm.client(data, 1 + generator.randrange(2**20), 1, size)


def octets_covered(storm, many):
    """As many entries of one octet as fit into the record, and then segments that each cover all of them."""
    storm.open()
    octets = 2_040
    octet, all_of_them = template(PSH | ACK, 1), template(PSH | ACK, octets)
    for i in range(octets):
        storm.client(octet, 1 + i, 1, 1)
    for i in range(many - octets):
        storm.ident = 2 + i % 60_000  # another packet each time, no copy
        storm.client(all_of_them, 1, 1, octets)


def octets_and_holes(storm, many):
    """The same, with every second octet missing, and then segments that cover one octet less each, over and over."""
    storm.open()
    octets = 2_040
    octet = template(PSH | ACK, 1)
    for i in range(0, octets, 2):
        storm.client(octet, 1 + i, 1, 1)
    for i in range(many - octets // 2):
        length = octets - i % 1_000
        storm.ident = 2 + i % 60_000
        storm.client(template(PSH | ACK, length), 1, 1, length)


def between(storm, many):
    """Octets in the middle of a full record, each of which moves half of it."""
    storm.open()
    octet, reach = template(PSH | ACK, 1), 30_000
    for i in range(1_000):
        storm.client(octet, 1 + 2 * i, 1, 1)
    for i in range(1_000):
        storm.client(octet, 1 + reach + 2 * i, 1, 1)
    for i in range(many - 2_000):
        storm.client(octet, 1 + reach - 4 - 2 * (i % 13_000), 1, 1)


def sack_again(storm, many):
    """ACKs with a SACK block over 2,000 segments and others above it, more than are kept, so that the large one is forgotten."""
    storm.open()
    outstanding = 2_040
    for i in range(outstanding):
        storm.client(storm.data, 1 + i * MSS, 1, MSS)
    sack = template(ACK, options=bytes([5, 34]) + bytes(34))
    small = [(outstanding - 2 * i, outstanding - 2 * i - 1) for i in range(1, 12)]
    large = (2_000, 1)
    for i in range(many - outstanding):
        blocks = [large, small[2 * i % 11], large, small[(2 * i + 1) % 11]]
        edges = [(1 + MSS * edge) % 2**32 for high, low in blocks for edge in (low, high)]
        struct.pack_into("!8I", sack, 14 + 40 + 2, *edges)
        storm.server(sack, 1, 1)


def equal_acks(storm, many):
    """Equal pure ACKs from a host with one IP ID for all it sends, so that each is compared with each."""
    storm.open()
    for _ in range(many):
        storm.server(storm.bare, 1, 1)


def syn_again(storm, many):
    """One SYN and the SYN-ACK that answers it, over and over."""
    for _ in range(many // 2):
        storm.client(storm.syn, 7, 0)
        storm.server(storm.synack, 0, 8)


STORMS = (
    half_open, wraps, holes, sack_storm, incarnations, keepalives, large_segments, aliases, overlaps, octets_covered,
    octets_and_holes, between, sack_again, equal_acks, syn_again,
)  # fmt: skip
# To tshark itself.
COSTLY_STORMS = (holes, sack_storm, aliases, overlaps, octets_covered, octets_and_holes, between, sack_again, equal_acks, syn_again)
# Two segments for each that is asked for.
TWO_FOR_EACH = (half_open, wraps, incarnations, keepalives, large_segments)
