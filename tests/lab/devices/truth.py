# SPDX-License-Identifier: GPL-2.0-or-later
"""From what the path saw to the truth: who made each reset and why, what befell a connection.

Nothing is joined by guessing.  Who made a packet came with it (path.py); the kernel's reasons come
in the order in which its node sent the resets; the situation is what the play did to a connection.
Which situations a capture can show is counted from its own packets.
"""

import collections
import struct
from dataclasses import dataclass, field

from devices.packet import SACK, options_of, parse
from packets import ACK, SYN

KERNELS = ("client", "r1", "r2", "server")
# How many segments with the same octets a capture must hold that the other end never got.
SWALLOWED_LEAST = 2
FAR = 2**24         # octets; more than any window here


@dataclass
class View:
    """A connection as one capture shows it; `port` is that of the socket that connected."""

    resets: list = field(default_factory=list)      # truth of each reset
    syns: int = 0
    frames: int = 0
    swallowed: int = 0          # segments of which SWALLOWED_LEAST copies went nowhere
    ignored_acks: int = 0       # SYN-ACKs after an ACK that completes the handshake
    blanked: int = 0            # segments that had SACK blocks when they were sent, and have none
    alien: int = 0              # segments with SACK blocks far from all that they acknowledge
    last: int = 0               # time of the last segment, ns
    silence: float = 0.0        # longest time between two segments, s


def owner(play, segment):
    """The node for which the source address of a segment stands."""
    return play.owners.get((segment.src, segment.sport)) or play.owners.get(segment.src) \
        or play.nodes.get(segment.src, "")


def reset_key(segment, maker):
    """What a reset keeps on its way, with who made it."""
    return maker, segment.sport, segment.dport, *segment.key


def origin_of(play, segment, maker):
    """Did the node make it for which its source address stands?"""
    return {"by": maker, "origin": "end" if maker == owner(play, segment) else "path"}


def resets_of(play, events):
    """({reset_key(): truth} of every reset that was made, problems).

    A node sends its resets in order, so each has the first event that fits and is not later.
    """
    found, events = {}, list(events)
    for octets, maker, when in play.path.made:
        segment = parse(octets)
        entry = origin_of(play, segment, maker)
        event = next((e for e in events if e.fits(segment, when)), None) \
            if maker in KERNELS else None
        if event is not None:
            events.remove(event)
            entry |= {"reason": event.reason, "active": event.active}
        found.setdefault(reset_key(segment, maker), entry)
    return found, [f"reasons of {len(events)} resets that were not seen"] if events else []


def reset_truth(play, resets, segment, maker):
    """The truth of a reset where it was captured.

    A device that changes numbers hides which of its node's resets it was: then its reason is left
    out, not its maker.
    """
    return resets.get(reset_key(segment, maker)) or origin_of(play, segment, maker)


def labelled(play, point, resets):
    """A capture as (time, octets, truth of a reset or None)."""
    result = []
    for seen in play.path.seen[point]:
        segment = parse(seen.octets)
        reset = reset_truth(play, resets, segment, seen.maker) \
            if segment is not None and segment.is_reset else None
        result.append((seen.time_ns, seen.octets, reset))
    return result


def port_of(play, segment):
    """The port that names a connection: that of the end which connected."""
    for port in (segment.sport, segment.dport):
        if port in play.situations:
            return port
    return None


def sack_blocks(segment):
    """The left edges of the SACK blocks of a segment."""
    return [struct.unpack_from("!I", value, at)[0] for kind, value in options_of(segment.options)
            if kind == SACK for at in range(2, len(value) - 7, 8)]


def swallowed(play, point, arrived):
    """{port: segments of which copies passed here and never arrived at the end they are for}"""
    copies = collections.Counter()
    for seen in play.path.seen[point]:
        segment = parse(seen.octets)
        port = segment and port_of(play, segment)
        if port and not segment.is_reset:
            at = "client" if play.nodes.get(segment.dst) in ("client", "r1") else "server"
            if segment.key not in arrived[at]:
                copies[port, segment.flow, segment.seq] += 1
    result = collections.Counter()
    for (port, _, _), number in copies.items():
        result[port] += number >= SWALLOWED_LEAST
    return result


class Reader:
    """Builds the Views of one capture, segment by segment."""

    def __init__(self, play, resets, with_sack):
        self._play, self._resets, self._with_sack = play, resets, with_sack
        self._answered, self._acked = set(), set()
        self.views = collections.defaultdict(View)

    def take(self, packet):
        """One packet of the capture."""
        segment = parse(packet.octets)
        port = segment and port_of(self._play, segment)
        if not port:
            return
        view = self.views[port]
        view.frames += 1
        view.silence = max(view.silence, (packet.time_ns - (view.last or packet.time_ns)) / 1e9)
        view.last = packet.time_ns
        view.syns += segment.is_syn
        blocks = sack_blocks(segment)
        view.blanked += segment.key in self._with_sack and not blocks
        view.alien += any(FAR < (left - segment.ack) % 2**32 < 2**32 - FAR for left in blocks)
        if segment.is_reset:
            view.resets.append(reset_truth(self._play, self._resets, segment, packet.maker))
        elif segment.flags & (SYN | ACK) == SYN | ACK:
            view.ignored_acks += segment.flow in self._acked
            self._answered.add(segment.flow)
        elif segment.flags & ACK and segment.back in self._answered:
            self._acked.add(segment.back)


def views(play, resets):
    """{point: {port: View}}"""
    ends = {end: [segment for segment in map(parse, (s.octets for s in play.path.seen[end]))
                  if segment] for end in ("client", "server")}
    arrived = {end: {segment.key for segment in segments} for end, segments in ends.items()}
    with_sack = {segment.key for end, segments in ends.items() for segment in segments
                 if play.nodes.get(segment.src) == end and sack_blocks(segment)}
    result = {}
    for point, seen in play.path.seen.items():
        reader = Reader(play, resets, with_sack)
        for packet in seen:
            reader.take(packet)
        for port, number in swallowed(play, point, arrived).items():
            reader.views[port].swallowed = number
        result[point] = reader.views
    return result
