# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices in user space that stand on a wire: what no kernel filter does, or not so exactly."""

import threading

from devices.packet import without_sack
from packets import ACK, RST, SYN
from devices.path import Box

WORD = b"BAD"           # an injector resets a connection whose payload holds it
REACTION_S = (0.0002, 0.0008)
RST_ACK = RST | ACK


class Injector(Box):
    """Resets what it does not like, in the name of the ends.  `mode` is one of MODES.

    A mode is a function of (injector, segment, other), where `other` is the last segment of the
    other direction; it yields (segment, right).
    """

    def __init__(self, chance, mode, inline=False):
        self.chance, self.mode, self.inline = chance, MODES[mode], inline
        self.on_syn, self.count = mode.startswith("syn"), chance.randrange(65536)
        self._last, self._dead = {}, set()

    def passes(self, segment, right):
        if segment.flow in self._dead:
            return None if self.inline and not segment.is_syn else segment
        self._last[segment.flow] = segment
        wanted = segment.is_syn if self.on_syn else WORD in segment.payload
        if not right or not wanted:
            return segment
        if not self.on_syn:
            self._dead |= {segment.flow, segment.back}
        for forged, to_server in self.mode(self, segment, self._last.get(segment.back)):
            self.send(forged, to_server, self.chance.uniform(*REACTION_S))
        return None if self.inline else segment


def reply(segment, flags, **values):
    """A reset in the name of the end that `segment` is for, and where it goes."""
    plain = {"seq": segment.ack, "ack": segment.end if flags & ACK else 0, "flags": flags,
             "window": 0, "ttl": 64, "ip_id": 0, "options": b"", "payload": b""}
    src, sport, dst, dport = segment.back
    return segment.changed(src=src, sport=sport, dst=dst, dport=dport,
                           **{**plain, **values}), False


def onward(segment, flags, **values):
    """A reset in the name of the end that sent `segment`, right behind it."""
    plain = {"seq": segment.end, "ack": segment.ack if flags & ACK else 0, "flags": flags,
             "window": 0, "ttl": 64, "ip_id": 0, "options": b"", "payload": b""}
    return segment.changed(**{**plain, **values}), True


def perfect(box, segment, other):
    """As the end itself would send it: its TTL, its next IP ID, its window.  But no timestamps."""
    yield reply(segment, RST_ACK, ttl=other.ttl, ip_id=(other.ip_id + 1) % 65536,
                window=other.window)


def both_numbered(box, segment, other):
    """Both ends reset, from one device with a start value of its own."""
    for make in (reply, onward):
        yield make(segment, RST_ACK, ttl=128, window=229, ip_id=box.chance.randrange(65536))


def three_acks(box, segment, other):
    """Guesses where the other end will be, with random header fields, and one bare RST."""
    for ahead in (0, 1460, 4380):
        yield reply(segment, RST_ACK, ack=(segment.end + ahead) % 2**32, df=False,
                    ttl=box.chance.randrange(60, 250), ip_id=box.chance.randrange(65536),
                    window=box.chance.randrange(20, 5000))
    yield reply(segment, RST, ttl=80, ip_id=box.chance.randrange(65536), df=False)


def three_numbers(box, segment, other):
    """Three bare RSTs at numbers that the answer would pass."""
    for number, ahead in enumerate((0, 1460, 4380)):
        yield reply(segment, RST, seq=(segment.ack + ahead) % 2**32, ttl=100, df=False,
                    ip_id=(box.count + number) % 65536)


def counted(box, segment, other):
    """Three equal RSTs; the device counts its IP IDs over all connections."""
    for _ in range(3):
        box.count = (box.count + 1) % 65536
        yield reply(segment, RST_ACK, ttl=128, window=8192, ip_id=box.count)


def syn_three(box, segment, other):
    """Refuses a SYN three times."""
    for number in range(3):
        yield reply(segment, RST_ACK, seq=0, window=4229 + number, df=False,
                    ttl=60 + box.chance.randrange(5), ip_id=box.chance.randrange(65536))


MODES = {
    "one255": lambda box, seg, other: [reply(seg, RST_ACK, ttl=255)],
    "bare64": lambda box, seg, other: [reply(seg, RST)],
    "both64": lambda box, seg, other: [reply(seg, RST_ACK), onward(seg, RST_ACK)],
    "both128": both_numbered,
    "three_acks": three_acks,
    "three_numbers": three_numbers,
    "counted": counted,
    "echo": lambda box, seg, other: [reply(seg, RST_ACK, ttl=seg.ttl, ip_id=seg.ip_id,
                                           window=seg.window)],
    "echo_bare": lambda box, seg, other: [reply(seg, RST, ip_id=seg.ip_id, window=seg.window,
                                                df=False)],
    "echo_data": lambda box, seg, other: [reply(seg, RST_ACK, ttl=120, ip_id=seg.ip_id,
                                                window=8332, payload=seg.payload[:44])],
    "perfect": perfect,
    "syn": lambda box, seg, other: [reply(seg, RST_ACK, seq=0, ttl=box.chance.randrange(40, 250),
                                          ip_id=box.chance.randrange(65536))],
    "syn_three": syn_three,
}


class IdleTable(Box):
    """A load balancer or firewall with a table: what was silent for `timeout` seconds is forgotten.

    how  "push": both ends are reset when the time is over;
         "reply": the next segment is answered by a reset; "drop": it is lost
    """

    def __init__(self, timeout, how, ttl=255, flags=RST_ACK):
        self.timeout, self.how, self.ttl, self.flags = timeout, how, ttl, flags
        self._last, self._timers, self._gone = {}, {}, set()

    def passes(self, segment, right):
        name = frozenset((segment.flow[:2], segment.flow[2:]))
        if segment.is_syn:
            self._gone.discard(name)
        if name in self._gone:
            if self.how == "reply" and not segment.is_reset and segment.flags & ACK:
                self.send(reply(segment, self.flags, ttl=self.ttl)[0], not right)
            return None
        self._last[segment.flow] = segment
        self._restart(name, segment.flow)
        return segment

    def _restart(self, name, flow):
        """The connection has been used: its time begins anew."""
        old = self._timers.pop(name, None)
        if old is not None:
            old.cancel()
        timer = self._timers[name] = threading.Timer(self.timeout, self._forget, (name, flow))
        timer.daemon = True
        timer.start()

    def _forget(self, name, flow):
        """The time is over."""
        self._gone.add(name)
        one, other = self._last.get(flow), self._last.get(flow[2:] + flow[:2])
        if self.how != "push" or one is None or other is None or one.is_reset or other.is_reset:
            return
        to_server = one.src < one.dst       # the client's network is 10.1., the server's 10.2.
        for sent, got, right in ((one, other, to_server), (other, one, not to_server)):
            self.send(sent.changed(seq=sent.end, ack=got.end, flags=self.flags, window=0,
                                   ttl=self.ttl, ip_id=0, options=b"", payload=b""), right)

    def stop(self):
        """Let no timer fire any more."""
        for timer in self._timers.values():
            timer.cancel()


class Balancer(IdleTable):
    """A load balancer that opens the connection itself: its SYN-ACKs have the TTL of its resets."""

    def passes(self, segment, right):
        passed = super().passes(segment, right)
        if passed is not None and not right and passed.flags & (SYN | ACK) == SYN | ACK:
            return passed.changed(ttl=self.ttl, ip_id=0)
        return passed


class SackBlanked(Box):
    """Writes NOPs over the SACK blocks that go to the client (or to the server)."""

    def __init__(self, to_server):
        self._right = to_server

    def passes(self, segment, right):
        return without_sack(segment) if right == self._right else segment


class Renumbered(Box):
    """A firewall that randomises the client's numbers and forgets those in SACK blocks."""

    def __init__(self, chance):
        self._offset = chance.randrange(1 << 30, 1 << 31)

    def passes(self, segment, right):
        if right:
            return segment.changed(seq=(segment.seq + self._offset) % 2**32)
        return segment.changed(ack=(segment.ack - self._offset) % 2**32) \
            if segment.flags & ACK else segment


class SmallPipe(Box):
    """A tunnel through which no larger packet fits, and which does not say so."""

    def __init__(self, largest, to_server):
        self._largest, self._right = largest, to_server

    def passes(self, segment, right):
        size = 40 + len(segment.options) + len(segment.payload)
        return None if right == self._right and size > self._largest else segment


class Straggler(Box):
    """Sends one of the segments to the client once more, much later: a stuck queue."""

    def __init__(self, number, later):
        self._number, self._later, self._seen = number, later, {}

    def passes(self, segment, right):
        if not right and segment.payload:
            count = self._seen[segment.flow] = self._seen.get(segment.flow, 0) + 1
            if count == self._number:
                self.send(segment, right, self._later)
        return segment



class StrictWindow(Box):
    """A firewall for which a segment more than a window behind is invalid: it sends a reset."""

    def __init__(self, window):
        self._window, self._ends = window, {}

    def passes(self, segment, right):
        if segment.is_syn or segment.is_reset or not segment.payload:
            return segment
        most = self._ends.get(segment.flow, segment.end)
        behind = (most - segment.end) % 2**32
        if behind < 2**31 and behind > self._window:
            self.send(reply(segment, RST)[0], not right)
            return None
        if behind >= 2**31 or behind == 0:
            self._ends[segment.flow] = segment.end
        return segment
