# SPDX-License-Identifier: GPL-2.0-or-later
"""A link with two legs and a capture point between them: a Forwarder that writes down what passes at three places.

    client  --- leg of the client ---  middle  --- leg of the server ---  server

What the link loses is lost on one of the legs, and is written down: the truth of what a connection waited for."""

import random
import struct
import time

from forwarder import DROP, Forwarder, Verdict
from packets import SYN, Segment, parse_frame

SNAP = 96               # octets of a frame that are kept: all headers
PLACES = ("client", "middle", "server")
CLOCK_OFFSET_NS = time.time_ns() - time.monotonic_ns()


def now():
    """Seconds since 1970 by the clock of the captures: it never jumps."""
    return (time.monotonic_ns() + CLOCK_OFFSET_NS) / 1e9


class Link(Forwarder):
    """A Forwarder that keeps (ns since 1970, frame) for each place, and (ns, sender, segment, leg) of what it lost."""

    def __init__(self, taps, legs, plan):
        self.legs, self.plan = legs, plan
        self.captures = {place: [] for place in PLACES}
        self.lost = []
        super().__init__(taps, sum(legs.values()), (self._rule,))

    def _keep(self, place, ns, frame):
        self.captures[place].append((ns, frame))

    def _rule(self, sender, segment):
        """What becomes of a segment; the plan says which leg loses it, or how long the bottleneck holds it."""
        ns = time.monotonic_ns() + CLOCK_OFFSET_NS
        leg, delay = self.plan(sender, segment, self.legs)
        own = ns + int(self.legs[sender] * 1e9)
        if leg != sender:
            self._keep("middle", own + int(delay * 1e9), self._frame)
        if leg is None:
            return Verdict(delay=delay)
        self.lost.append((own if leg == sender else own, sender, segment))
        return DROP

    def _accept(self, sender, frame):
        self._frame = frame
        self._keep(sender, time.monotonic_ns() + CLOCK_OFFSET_NS, frame)
        super()._accept(sender, frame)

    def _write(self, receiver, frame, passage):
        super()._write(receiver, frame, passage)
        self._keep(receiver, time.monotonic_ns() + CLOCK_OFFSET_NS, frame)

    def frames(self, place):
        """(ns, frame) in the order of time."""
        return sorted(self.captures[place], key=lambda row: row[0])

    def segments(self, place):
        """(seconds since 1970, segment) of what is TCP."""
        parsed = ((ns / 1e9, parse_frame(frame)) for ns, frame in self.frames(place))
        return [row for row in parsed if isinstance(row[1], Segment)]

    def write(self, place, path):
        """A pcap of one place, times in ns."""
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, SNAP, 1))
            for ns, frame in self.frames(place):
                kept = frame[:SNAP]
                file.write(struct.pack("<IIII", ns // 10**9, ns % 10**9, len(kept), len(frame)) + kept)


# ---- plans: (sender, segment, legs) -> (leg on which it is lost or None, seconds that it is held on the sender's leg) -------


def clean(_sender, _segment, _legs):
    """Nothing is lost."""
    return None, 0.0


def random_loss(seed, rates, leg):
    """Loses what carries payload: rates is {sender: share}, leg the host on whose leg it happens."""
    dice = random.Random(seed)

    def plan(sender, segment, _legs):
        share = rates.get(sender, 0.0)
        lost = segment.payload and not segment.has(SYN) and dice.random() < share
        return (leg, 0.0) if lost else (None, 0.0)

    return plan


def numbered_loss(numbers, leg):
    """Loses the n-th segment of a kind: numbers is {(sender, "syn" or "data"): {n, ...}}."""
    counts = {}

    def plan(sender, segment, _legs):
        kind = "syn" if segment.has(SYN) else "data" if segment.payload else None
        counts[sender, kind] = counts.get((sender, kind), 0) + 1
        return (leg, 0.0) if counts[sender, kind] in numbers.get((sender, kind), ()) else (None, 0.0)

    return plan


def bottleneck(octets_a_second):
    """A queue without end on the server's leg."""
    free = [0.0]

    def plan(sender, segment, _legs):
        if sender != "server" or not segment.payload:
            return None, 0.0
        start = max(time.monotonic(), free[0])
        free[0] = start + (len(segment.payload) + 66) / octets_a_second
        return None, free[0] - time.monotonic()

    return plan
