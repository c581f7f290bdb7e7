# SPDX-License-Identifier: GPL-2.0-or-later
"""From what a program said of a segment to the cause of it.

What it said is its call stack at IP output, and facts of its own connection at that moment.  Which
bytes had been sent before, and what of them had been acknowledged to the sender, is counted here
from the segments themselves; nothing else is.
"""

import bisect
import subprocess
from collections import defaultdict
from dataclasses import dataclass

from packets import ACK, FIN, RST, SYN
from truth import Numbers

FAMILY = {"lwip": "lwip", "lwipfull": "lwip", "slirp": "slirp", "gvisor": "gvisor",
          "gvisorplain": "gvisor"}
SLIRP_LAST_SHIFT = 12   # TCP_MAXRXTSHIFT: a connection dropped there was given up by that timer
DUPLICATE_ACKS = 3      # tcprexmtthresh
HAS_SENT_FIN = ("FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK")


class Symbols:
    """Names of the functions of a program, by address."""

    def __init__(self, path):
        listing = subprocess.run(["nm", "-n", path], capture_output=True, text=True,
                                 check=True).stdout
        rows = [line.split() for line in listing.splitlines()]
        rows = [(int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tT"]
        self._addresses, self._names = [row[0] for row in rows], [row[1] for row in rows]
        self._end = rows[-1][0] + 65536

    def name(self, text):
        """The function that a return address, in hexadecimal, lies in; "" outside the program."""
        address = int(text, 16)
        place = bisect.bisect_right(self._addresses, address - 1) - 1
        return self._names[place] if place >= 0 and address < self._end else ""


@dataclass
class Said:
    """What a program said of a segment: functions, the innermost first, and facts."""

    stack: list
    facts: dict
    queued: list            # the stack of who had put the segment into the queue again


def parse(why, symbols):
    """A Said; symbols is None for a program that names its functions itself."""
    stack, _, facts = why.partition(";")
    words = facts.split()
    queued = words[1:] if words[:1] == ["queued"] else []
    pairs = dict(word.split("=") for word in words if "=" in word)
    if symbols:
        return Said([symbols.name(a) for a in stack.split()],
                    {key: int(value) for key, value in pairs.items()},
                    [symbols.name(a) for a in queued])
    return Said(stack.split(), pairs, [])


class Stream:
    """One direction of a connection, as its sender's own segments and what reached it tell."""

    def __init__(self):
        self.high = 0           # end of what was sent, window probes left out
        self.probed = 0         # end of what window probes sent
        self.timeout_high = 0   # where `high` was at the last timeout
        self.una = 0
        self.fin = False
        self.fin_end = None


class Causes:
    """Fills cause and facts of all trips whose sender is a program.

    kinds    {"client": kind, "server": kind}
    symbols  {kind: Symbols or None}
    states   [time in ns of CLOCK_REALTIME, host, text]; clock: ns to add to CLOCK_MONOTONIC for it
    """

    def __init__(self, trips, kinds, symbols, states, clock):
        self._trips, self._kinds, self._symbols = trips, kinds, symbols
        self._numbers, self._streams = Numbers(), defaultdict(Stream)
        self._opened = defaultdict(bool)        # (host, pair): has sent a SYN
        self._heard = {}                        # (host, pair): the segment that reached it last
        self._states, self._clock = defaultdict(list), clock
        for when, host, text in states:
            own, peer, state = text.split()
            self._states[host, int(own), int(peer)].append((when, state))

    def run(self):
        """In the order of time: what was sent, and what reached the sender before."""
        events = [(trip.passage.came, 1, trip.order, trip) for trip in self._trips]
        events += [(when, 0, trip.order, trip) for trip in self._trips
                   for when in trip.passage.delivered]
        places = {}
        for _, sending, order, trip in sorted(events, key=lambda event: event[:3]):
            if sending:
                places[order] = self._numbers.place(
                    (trip.passage.sender, trip.pair), trip.passage.segment, trip.length)
                self._sent(trip, *places[order])
            else:
                self._arrived(trip)

    def _arrived(self, trip):
        """A segment has reached the other end."""
        self._heard[trip.passage.receiver, trip.pair] = trip.passage.segment
        if not trip.passage.segment.flags & ACK:
            return
        where, number = self._numbers.acknowledged(
            (trip.passage.receiver, trip.pair), trip.passage.segment)
        stream = self._streams[where]
        if stream.una < number <= max(stream.high, stream.probed):
            stream.una = number

    def _sent(self, trip, where, start, end):
        """A segment was sent."""
        kind, stream = self._kinds.get(trip.passage.sender, "linux"), self._streams[where]
        flags = trip.passage.segment.flags
        if kind == "linux":
            trip.cause = "linux"
        else:
            said = parse(trip.why, self._symbols[kind])
            trip.cause = self._cause(trip, FAMILY[kind], said, stream, (start, end))
        if trip.cause == "zwp":
            stream.probed = max(stream.probed, end)
        elif trip.cause != "keepalive" and not flags & RST:
            stream.high = max(stream.high, end)
        if flags & FIN:
            stream.fin, stream.fin_end = True, end
        if flags & SYN:
            self._opened[trip.passage.sender, trip.pair] = True

    def _cause(self, trip, family, said, stream, place):
        """The word for the reason."""
        segment, stack = trip.passage.segment, set(said.stack)
        start, end = place
        if segment.flags & RST:
            trip.facts["reason"], trip.facts["active"] = self._reset(
                trip, family, said, stack, stream)
            trip.facts["stack"] = " ".join(name for name in said.stack if name)
            heard = self._heard.get((trip.passage.sender, trip.pair))
            if heard and heard.flags & (SYN | ACK) == SYN and heard.end == segment.ack:
                trip.facts["trigger"] = "syn"
            return "rst" if trip.facts["reason"] else "unknown"
        if is_window_probe(family, said, stack):
            cut = family == "slirp" and len(segment.payload) > 1
            return "zwp" if not cut else "data"
        if is_keepalive(family, stack):
            return "keepalive"
        if end == start:
            return "ack"
        if segment.flags & SYN:
            word = "synack" if segment.flags & ACK else "syn"
            return "rtx_" + word if stream.high else word
        if start >= max(stream.high, stream.probed):
            if "probeTimerExpired" in stack:
                return "tlp_new"
            return "data" if not segment.flags & FIN else \
                "data+fin" if segment.payload else "fin"
        if stream.high <= start:
            return "resume"
        return self._again(trip, family, said, stream, place)

    def _again(self, trip, family, said, stream, place):
        """Which mechanism sent these bytes again."""
        stack, (start, end) = set(said.stack), place
        lone = start <= stream.una and end >= stream.high
        if stack & TIMERS[family] or "probeTimerExpired" in stack:
            if lone:
                trip.facts["single"] = True
            if "probeTimerExpired" in stack:
                return "rtx_tlp"
            stream.timeout_high = stream.high
            return "rtx_rto" if start <= stream.una else "rtx_loss"
        if is_fast(family, said, stack, trip):
            if start < stream.timeout_high:
                trip.facts["after_timeout"] = True
            return "rtx_fast"
        if family == "slirp" and start >= stream.una and end == stream.fin_end \
                and not trip.passage.segment.payload and not stream.timeout_high > start:
            return "fin_again"
        if start < stream.timeout_high:
            return "rtx_loss"
        return "unknown"

    def _reset(self, trip, family, said, stack, stream):
        """(reason, whether a call or timer sent it); reason "" where the stack has none here."""
        after_fin = "abort_after_fin" if stream.fin else "abort"
        for name, reason, active in RESETS[family]:
            if name not in stack:
                continue
            reason = after_fin if reason == "abort" else reason
            if reason == "dropped":
                return self._dropped(trip, said, stack, after_fin)
            if reason == "reply" and self._state(trip) in HAS_SENT_FIN:
                reason = "reply_after_close"
            return reason, active
        return "", False

    def _dropped(self, trip, said, stack, after_fin):
        """libslirp's tcp_drop(): by a timer, by the application, or for a SYN that it cannot serve."""
        if "tcp_timers" in stack:
            last = said.facts.get("shift") == SLIRP_LAST_SHIFT
            return ("retransmission_timeout" if last else "keepalive_timeout"), True
        if not self._opened[trip.passage.sender, trip.pair]:
            return "reply", False
        return after_fin, True

    def _state(self, trip):
        """The state of the sender's connection that its program told last."""
        segment = trip.passage.segment
        told = self._states[trip.passage.sender, segment.sport, segment.dport]
        place = bisect.bisect(told, (trip.passage.came + self._clock, ""))
        return told[place - 1][1] if place else "CLOSED"


TIMERS = {"lwip": {"tcp_slowtmr"}, "slirp": {"tcp_timers"}, "gvisor": {"retransmitTimerExpired"}}

# Function on the stack of a reset -> reason, sent by a call or timer.  The first that is there wins.
# "abort" becomes abort_after_fin behind the own FIN; "dropped" is decided by _dropped(); a "reply" of
# a connection that has closed is reply_after_close.
RESETS = {
    "lwip": (("let_go", "abort", True), ("tcp_close_shutdown", "abort", True),
             ("tcp_slowtmr", "keepalive_timeout", True), ("tcp_listen_input", "reply", False),
             ("tcp_timewait_input", "syn_in_time_wait", False), ("tcp_process", "bad_number", False),
             ("tcp_abandon", "data_after_close", False), ("tcp_input", "reply", False)),
    "slirp": (("tcp_drop", "dropped", False), ("tcp_respond", "reply", False)),
    "gvisor": (("letGo", "abort", True), ("command", "abort", True),
               ("keepaliveTimerExpired", "keepalive_timeout", True),
               ("replyWithReset", "reply", False), ("synSentState", "bad_number", False),
               ("synRcvdState", "bad_number", False),
               ("handleConnected", "data_after_close", False)),
}


def is_window_probe(family, said, stack):
    """Sent by the persist timer."""
    return {"lwip": "tcp_zero_window_probe" in stack, "gvisor": "sendZeroWindowProbe" in stack,
            "slirp": said.facts.get("force") == 1}[family]


def is_keepalive(family, stack):
    """Sent by the keep-alive timer."""
    return {"lwip": "tcp_keepalive" in stack, "gvisor": "keepaliveTimerExpired" in stack,
            "slirp": {"tcp_respond", "tcp_timers"} <= stack}[family]


def is_fast(family, said, stack, trip):
    """Sent by fast retransmit or the recovery that follows it."""
    if family == "lwip":
        return "tcp_rexmit_fast" in said.queued
    if family == "gvisor":
        return bool(stack & {"resendSegment", "DoRecovery", "handleSACKRecovery"})
    return "tcp_input" in stack and said.facts.get("dup") == DUPLICATE_ACKS \
        and trip.passage.segment.seq == said.facts["una"]
