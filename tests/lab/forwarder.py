# SPDX-License-Identifier: GPL-2.0-or-later
"""A link between two hosts which this process itself forwards, frame by frame.

Each host has a TAP device; a Forwarder holds the file descriptors of both and
carries every frame from one to the other, after a fixed delay.  Rules may treat
a single TCP segment otherwise.  A rule is any callable

    rule(sender, segment) -> Verdict or None

where `sender` is "client" or "server" (the host the frame comes from) and
`segment` is a packets.Segment.  The first rule that returns a Verdict decides;
when all return None the frame is just forwarded.  A rule that needs memory (a
count, a random.Random(seed) for random loss) is a closure or an object.
"""

import heapq
import itertools
import os
import queue
import select
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

from packets import Segment, parse_frame

MAX_FRAME = 65536       # octets; more than any frame of the lab
MAX_SLEEP = 0.05        # seconds; how late close() may be noticed


@dataclass(frozen=True)
class Verdict:
    """What happens to one frame.

    drop    it goes no further;
    delay   seconds to wait, on top of the delay of the link;
    at      time of time.monotonic() before which it does not go on its way; segments
            with equal times keep their order;
    copies  how many times it is delivered, `apart` seconds apart;
    until   hold it until a frame for which until(sender, segment) is true goes
            by: the held frame is delivered right after that one.  What is still
            held when the forwarder closes is lost;
    answer  a function of the frame's octets that makes a frame to send back to
            the sender, without delay.
    """

    drop: bool = False
    delay: float = 0.0
    at: float = 0.0
    copies: int = 1
    apart: float = 0.0
    until: Optional[Callable] = None
    answer: Optional[Callable] = None


DROP = Verdict(drop=True)


@dataclass
class Passage:
    """What the link did with one TCP segment; times are nanoseconds of CLOCK_MONOTONIC.

    came       when the link took it from its sender
    sender     "client", "server", or "link" when the link itself made the segment
    receiver   whom it was for
    delivered  when the link handed over each copy of it; empty when it was lost
    """

    came: int
    sender: str
    receiver: str
    segment: Segment
    ip_id: int
    delivered: list = field(default_factory=list)


def ip_id_of(frame):
    """The identification of an IPv4 packet in an Ethernet frame; 0 for IPv6."""
    return int.from_bytes(frame[18:20], "big") if frame[12:14] == b"\x08\x00" else 0


def sent_by(host, test):
    """A predicate on (sender, segment): from this host, and test(segment) holds."""
    return lambda sender, segment: sender == host and bool(test(segment))


def every(matches, verdict):
    """A rule: every segment for which matches(sender, segment) gets the verdict."""
    return lambda sender, segment: verdict if matches(sender, segment) else None


def nth(number, matches, verdict):
    """A rule: only the nth segment (from 1) for which matches(sender, segment) holds."""
    seen = itertools.count(1)

    def rule(sender, segment):
        if matches(sender, segment) and next(seen) == number:
            return verdict
        return None

    return rule


class Forwarder(threading.Thread):
    """Carries frames between two TAP descriptors until close().

    taps   {"client": fd, "server": fd}, both non-blocking; they stay the caller's
    delay  seconds that every frame takes, in both directions
    rules  see the module's text

    `up` may be set to False at any time: then everything is lost, as with a
    pulled cable.  A rule that raises stops the forwarder; close() then raises
    that exception in the caller's thread.

    `journal` is None, or a list to which a Passage is added for each TCP segment.
    """

    def __init__(self, taps, delay=0.0, rules=()):
        super().__init__(name="forwarder", daemon=True)
        self._fds = dict(taps)
        self._delay = delay
        self._rules = tuple(rules)
        self._due = []              # heap of (time, order, receiver, frame)
        self._order = itertools.count()
        self._held = []             # (until, receiver, frame)
        self._stopping = False
        self._error = None
        self._injected = queue.SimpleQueue()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.up = True
        self.journal = None

    @property
    def rules(self):
        """The rules in force."""
        return self._rules

    def set_rules(self, *rules):
        """Replace all rules; the next frame is judged by the new ones."""
        self._rules = rules

    def inject(self, receiver, frame):
        """Deliver a frame that no host has sent, at once, from any thread."""
        self._injected.put((receiver, frame))
        os.eventfd_write(self._bell, 1)

    def close(self):
        """Stop forwarding; raises whatever a rule raised.  May be called twice."""
        self._stopping = True
        if self.is_alive():
            self.join(timeout=5)
        if self._bell is not None and not self.is_alive():
            os.close(self._bell)
            self._bell = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def run(self):
        """The thread: read, judge, deliver what is due, until close()."""
        try:
            while not self._stopping:
                self._read_once()
                self._deliver_due()
        except Exception as error:              # handed to the caller by close()
            self._error = error

    def _read_once(self):
        """Wait for frames, at most until the next delivery is due, and queue them."""
        wait = MAX_SLEEP
        if self._due:
            wait = min(wait, max(0.0, self._due[0][0] - time.monotonic()))
        ready, _, _ = select.select([*self._fds.values(), self._bell], [], [], wait)
        if self._bell in ready:
            os.eventfd_read(self._bell)
            self._accept_injected()
        for sender, fd in self._fds.items():
            frame = self._read(sender) if fd in ready else b""
            if frame:
                self._accept(sender, frame)

    def _read(self, sender):
        """The next frame of a sender whose descriptor is ready; may be empty."""
        return os.read(self._fds[sender], MAX_FRAME)

    def _write(self, receiver, frame, passage):
        """Hand a frame to its receiver; `passage` is None unless it is a TCP segment."""
        os.write(self._fds[receiver], frame)

    def _accept_injected(self):
        """Queue what inject() was called with, for delivery at once."""
        while not self._injected.empty():
            receiver, frame = self._injected.get()
            self._queue(0.0, receiver, frame, self._note_made(receiver, frame))

    def _note(self, sender, receiver, segment, frame):
        """A new Passage in the journal, or None when none is kept."""
        if self.journal is None:
            return None
        passage = Passage(time.monotonic_ns(), sender, receiver, segment, ip_id_of(frame))
        self.journal.append(passage)
        return passage

    def _accept(self, sender, frame):
        """Judge one frame that `sender` has sent, and queue, hold or lose it."""
        receiver = "server" if sender == "client" else "client"
        segment = parse_frame(frame)
        if not isinstance(segment, Segment):
            if self.up:
                self._queue(self._delay, receiver, frame)
            return
        passage = self._note(sender, receiver, segment, frame)
        if not self.up:
            return
        verdict = self._judge(sender, segment)
        if verdict.answer is not None:
            made = verdict.answer(frame)
            self._queue(0.0, sender, made, self._note_made(sender, made))
        if verdict.drop:
            return
        if verdict.until is not None:
            self._held.append((verdict.until, receiver, frame, passage))
            return
        for copy in range(verdict.copies):
            self._queue(self._delay + verdict.delay + copy * verdict.apart, receiver, frame,
                        passage, verdict.at)
        self._release(sender, segment, self._delay + verdict.delay)

    def _note_made(self, receiver, frame):
        """A Passage for a segment that the link itself makes, if it is one."""
        segment = parse_frame(frame)
        if isinstance(segment, Segment):
            return self._note("link", receiver, segment, frame)
        return None

    def _judge(self, sender, segment):
        """The verdict of the first rule that has one."""
        for rule in self._rules:
            verdict = rule(sender, segment)
            if verdict is not None:
                return verdict
        return Verdict()

    def _release(self, sender, segment, delay):
        """Queue what was held for this segment, to be delivered right behind it."""
        waiting, self._held = self._held, []
        for until, receiver, frame, passage in waiting:
            if until(sender, segment):
                self._queue(delay, receiver, frame, passage)
            else:
                self._held.append((until, receiver, frame, passage))

    def _queue(self, delay, receiver, frame, passage=None, start=0.0):
        """Deliver this frame `delay` seconds from now, or from `start` if that is later.

        Equal times keep their order.
        """
        due = max(time.monotonic(), start) + delay
        entry = (due, next(self._order), receiver, frame, passage)
        heapq.heappush(self._due, entry)

    def _deliver_due(self):
        """Write every frame whose time has come."""
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, receiver, frame, passage = heapq.heappop(self._due)
            if not self.up:
                continue
            if passage is not None:
                passage.delivered.append(time.monotonic_ns())
            try:
                self._write(receiver, frame, passage)
            except OSError:         # the receiver's device is down: the frame is lost
                if passage is not None:
                    passage.delivered.pop()
