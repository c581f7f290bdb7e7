# SPDX-License-Identifier: GPL-2.0-or-later
"""Join what the kernels sent, what the link did, and what was captured into one truth.

The kernel's event of a segment, the link's note of it, and the frames at both ends
carry the same numbers; those that agree are joined in the order of time.  README.md
describes the file that comes of it.
"""

import bisect
import struct
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Optional

from forwarder import Passage
from frames import ACK, FIN, RST, SYN
from kernel import Sent
from netlab import HOSTS

SHORT = {"client": "c", "server": "s"}
RECEIVING = ("tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv")
RETRANSMISSIONS = {"rtx_tlp", "rtx_rto", "rtx_loss", "rtx_fast", "rtx_recovery", "rtx_syn",
                   "rtx_synack", "rtx_syn_data", "rtx_pmtu"}
TIMESTAMPS = 8          # kind of the option, RFC 7323 3.2
NEAR = 5_000_000        # ns; an effect follows its cause on the same host within this


@dataclass
class Trip:
    """One segment from its sender's kernel to the captures."""

    passage: Passage
    order: int
    sent: Optional[Sent] = None
    out_frame: Optional[int] = None
    in_frames: list = field(default_factory=list)
    cause: str = ""
    facts: dict = field(default_factory=dict)
    trigger: Optional["Trip"] = None        # what a challenge ACK answers

    @property
    def pair(self):
        """(port of the client's host, port of the server's host)."""
        ports = self.passage.segment.sport, self.passage.segment.dport
        return ports if self.passage.receiver == "server" else ports[::-1]

    @property
    def length(self):
        """Sequence numbers that the segment takes."""
        segment = self.passage.segment
        return len(segment.payload) + segment.has(SYN) + segment.has(FIN)


class Ranges:
    """A set of sequence numbers, as disjoint half-open ranges."""

    def __init__(self):
        self.ranges = []

    def add(self, start, end):
        """Put start <= x < end into the set."""
        kept = []
        for low, high in self.ranges:
            if high < start or low > end:
                kept.append((low, high))
            else:
                start, end = min(start, low), max(end, high)
        bisect.insort(kept, (start, end))
        self.ranges = kept

    def covered(self, start, end):
        """How many of start <= x < end are in the set."""
        return sum(max(0, min(end, high) - max(start, low)) for low, high in self.ranges)

    @property
    def top(self):
        """The end of the highest range, 0 when empty."""
        return self.ranges[-1][1] if self.ranges else 0


class Numbers:
    """Sequence numbers of each direction, counted from its last SYN (or first segment)."""

    def __init__(self):
        self._start = {}

    def place(self, direction, segment, length):
        """((direction, incarnation), first number, end) of a segment."""
        start, incarnation = self._start.get(direction, (None, 0))
        if start is None or segment.flags & SYN and segment.seq != start:
            start, incarnation = segment.seq, incarnation + 1
            self._start[direction] = start, incarnation
        first = (segment.seq - start) % 2**32
        if first >= 2**31:
            first -= 2**32
        return (direction, incarnation), first, first + length

    def acknowledged(self, direction, segment):
        """((direction, incarnation), number up to which a segment acknowledges the direction)."""
        start, incarnation = self._start.get(direction, (segment.ack, 0))
        offset = (segment.ack - start) % 2**32
        return (direction, incarnation), offset - 2**32 if offset >= 2**31 else offset


def passage_key(passage):
    """The same as kernel.Sent.key."""
    segment = passage.segment
    return (segment.sport, segment.dport, segment.seq, segment.ack, segment.flags & 0x3F,
            len(segment.payload), passage.ip_id)


def queues(items, key):
    """{key: items with that key, in their order}."""
    result = defaultdict(deque)
    for item in items:
        result[key(item)].append(item)
    return result


def take(waiting, key):
    """The first that still waits under a key, or None."""
    return waiting[key].popleft() if waiting.get(key) else None


class Matcher:
    """Makes the Trips of one scenario."""

    def __init__(self, journal, sent, captures, addresses):
        """`sent` and `captures`: for each host its kernel's Sent and its capture's Frames."""
        self.trips = [Trip(passage, order) for order, passage in enumerate(journal)]
        self.not_traced = []        # (host, frame number): no event of the kernel fits
        self.not_captured = []      # trips of a host that its own capture lacks
        self._captures, self._addresses = captures, addresses
        for host in HOSTS:
            self._join_sender(host, sent[host])
        for host in HOSTS:
            self._join_receiver(host)

    def _frames(self, host, outgoing):
        return [frame for frame in self._captures[host]
                if (frame.source == self._addresses[host]) == outgoing]

    def _join_sender(self, host, sent):
        """Kernel event, frame at the sender, link."""
        events = queues(sent, lambda item: item.key)
        frames = queues(self._frames(host, True), lambda item: item.key)
        for trip in self.trips:
            if trip.passage.sender != host:
                continue
            key = passage_key(trip.passage)
            frame = take(frames, key)
            trip.sent = take(events, key)
            trip.out_frame = frame.number if frame else None
            if frame is None:
                self.not_captured.append(trip)
            elif trip.sent is None:
                self.not_traced.append((host, frame.number))
        left = [frame for waiting in frames.values() for frame in waiting]
        self.not_traced += [(host, frame.number) for frame in left]

    def _join_receiver(self, host):
        """Link, frame at the receiver."""
        frames = queues(self._frames(host, False), lambda item: item.key)
        arrivals = sorted((when, copy, trip.order) for trip in self.trips
                          if trip.passage.receiver == host
                          for copy, when in enumerate(trip.passage.delivered))
        for when, copy, order in arrivals:
            trip = self.trips[order]
            frame = take(frames, passage_key(trip.passage))
            if frame:
                trip.in_frames.append((frame.number, copy, when))


class Causes:
    """Says of each Trip why its sender sent it, in the order in which they were sent."""

    def __init__(self, trips, record):
        self._trips = sorted(trips, key=lambda t: t.sent.time if t.sent else t.passage.came)
        self._arrived = defaultdict(list)       # (host, pair): [(time, order)]
        self._by_order = {trip.order: trip for trip in trips}
        for trip in trips:
            for _, copy, when in trip.in_frames:
                self._arrived[trip.passage.receiver, trip.pair].append((when, trip.order, copy))
        for arrivals in self._arrived.values():
            arrivals.sort()
        self._recoveries = defaultdict(list)
        for when, netns, sport, dport, state in record.congestion:
            if state == "Recovery":
                self._recoveries[netns, sport, dport].append(when)
        self._begun = set()         # recoveries whose first retransmission was seen
        self._answered = set()      # arrivals that an ACK has answered
        self._acked = set()         # ends that have sent an ACK without SYN

    def run(self):
        """Fill cause and facts of all trips."""
        for trip in self._trips:
            if trip.passage.sender == "link":
                trip.cause = "forged"
            elif trip.sent is None:
                trip.cause = "unknown"
            else:
                trip.cause = self._cause(trip, trip.sent)
            flags = trip.passage.segment.flags
            if flags & SYN:
                self._acked.discard((trip.passage.sender, trip.pair))
            elif flags & ACK:
                self._acked.add((trip.passage.sender, trip.pair))

    def _trigger(self, trip):
        """(trip, arrival) of the last segment that had reached the sender of this one."""
        arrivals = self._arrived[trip.passage.sender, trip.pair]
        place = bisect.bisect(arrivals, (trip.sent.time, 10**9, 0))
        if place == 0:
            return None, None
        return self._by_order[arrivals[place - 1][1]], arrivals[place - 1]

    def _cause(self, trip, sent):
        """The word for the reason, from the stack and the socket."""
        stack = sent.stack
        if any("raw" in name and "sendmsg" in name for name in stack):
            return "raw_socket"
        if sent.flags & RST:
            return self._reset(trip, sent)
        if sent.flags & SYN:
            again = "__tcp_retransmit_skb" in stack or "tcp_rtx_synack" in stack \
                or "tcp_fastopen_synack_timer" in stack
            word = "synack" if sent.flags & ACK else "syn"
            if again and "tcp_check_req" in stack:
                trip.facts["trigger"] = "dup_syn"
            return "rtx_" + word if again else word
        if "__tcp_retransmit_skb" in stack:
            return self._retransmission(trip, sent)
        if "tcp_send_loss_probe" in stack:
            return "tlp_new"
        if "tcp_keepalive_timer" in stack and not sent.length:
            return "keepalive"
        if {"tcp_probe_timer", "tcp_send_probe0"} & set(stack):
            return "zwp" if not sent.length else "zwp_data"
        if sent.length or sent.flags & FIN:
            return "data+fin" if sent.length and sent.flags & FIN else \
                "fin" if sent.flags & FIN else "data"
        return self._pure_ack(trip, sent)

    def _reset(self, trip, sent):
        """A RST: note whether a socket sent it by itself or in answer to a segment."""
        active = "tcp_send_active_reset" in sent.stack
        trip.facts.update(reason=sent.reset_reason or "unknown", state=sent.state, active=active)
        trigger, _ = self._trigger(trip)
        if not active and trigger and trigger.passage.segment.has(SYN) \
                and not trigger.passage.segment.has(ACK):
            trip.facts["trigger"] = "syn"
        return "rst" if sent.reset_reason else "unknown"

    def _retransmission(self, trip, sent):
        """Which mechanism sent these bytes again."""
        stack = sent.stack
        if "tcp_send_loss_probe" in stack or "tcp_retransmit_timer" in stack:
            if sent.packets_out == 1:
                trip.facts["single"] = True
            return "rtx_tlp" if "tcp_send_loss_probe" in stack else "rtx_rto"
        if "tcp_simple_retransmit" in stack:
            return "rtx_pmtu"
        if "tcp_rcv_fastopen_synack" in stack or \
                ("tcp_rcv_state_process" in stack and sent.state in ("SYN_SENT", "ESTABLISHED")
                 and not {"tcp_ack", "tcp_fastretrans_alert"} & set(stack)):
            return "rtx_syn_data"
        if sent.congestion == "Loss":
            return "rtx_loss"
        begun = self._recoveries[sent.netns, sent.sport, sent.dport]
        episode = (sent.netns, sent.sport, sent.dport, bisect.bisect(begun, sent.time))
        first = episode not in self._begun
        self._begun.add(episode)
        return "rtx_fast" if first else "rtx_recovery"

    def _pure_ack(self, trip, sent):
        """An ACK without payload, by what it answers."""
        if sent.state == "TIME_WAIT":
            return "timewait_ack"
        if sent.state == "NEW_SYN_RECV":
            return "reqsk_ack"
        trigger, arrival = self._trigger(trip)
        trip.trigger = trigger
        if "tcp_send_challenge_ack" in sent.stack:
            return "challenge_ack"
        if not set(RECEIVING) & set(sent.stack):
            return "ack"
        if trigger is None or arrival in self._answered \
                or sent.time - arrival[0] > NEAR:
            return "ack"
        self._answered.add(arrival)
        if trigger.cause in ("keepalive", "zwp"):
            trip.facts["trigger"] = trigger.cause
            return trigger.cause + "_ack"
        if trigger.passage.segment.flags & (SYN | RST) \
                and (trip.passage.sender, trip.pair) in self._acked:
            trip.facts["trigger"] = "rst" if trigger.passage.segment.flags & RST else "syn"
            return "challenge_ack"
        return "ack_of_forged" if trigger.cause == "forged" else "ack"


def judge_need(trips, full):
    """Retransmissions: had all their bytes arrived in earlier copies?

    Nothing is said where that is not certain: bytes that the receiving host never acknowledged, a
    SYN that it did not take, and hosts in `full`, which have thrown data away for lack of room.
    What the host refused as too old has not arrived.
    """
    numbers, through = Numbers(), defaultdict(Ranges)
    acked, places = defaultdict(list), {}
    for trip in trips:
        if trip.passage.sender == "link":
            continue
        segment, host = trip.passage.segment, trip.passage.sender
        places[trip.order] = numbers.place((host, trip.pair), segment, trip.length)
        if segment.has(ACK) and trip.sent:
            where, offset = numbers.acknowledged((trip.passage.receiver, trip.pair), segment)
            acked[where].append((trip.sent.time, offset))
    refused = refused_as_old(trips, places)
    for trip in trips:
        if trip.passage.sender == "link" or not trip.length:
            continue
        where, start, end = places[trip.order]
        if trip.cause in RETRANSMISSIONS:
            covered = through[where].covered(start, end)
            if covered < end - start:
                trip.facts["needed"] = True
                if covered:
                    trip.facts["part"] = True
            elif was_taken(trip, acked[where], end, full):
                trip.facts["needed"] = False
        if trip.passage.delivered and trip.order not in refused:
            through[where].add(start, end)


def refused_as_old(trips, places):
    """Orders of the trips that PAWS (RFC 7323 5.3) threw away although the host lacked their bytes.

    places  {order of a trip: (direction, first number, end)}
    A host refuses a TSval below its TS.Recent, which is what it echoed last.
    """
    told, arrivals = defaultdict(list), []
    for trip in trips:
        stamps = trip.passage.segment.option(TIMESTAMPS)
        if trip.passage.sender == "link" or not stamps:
            continue
        tsval, tsecr = struct.unpack("!II", stamps)
        if trip.sent and trip.passage.segment.has(ACK):
            told[trip.passage.sender, trip.pair].append((trip.sent.time, tsecr))
        if trip.length:
            arrivals += [(when, trip.order, trip, tsval) for when in trip.passage.delivered]
    for echoes in told.values():
        echoes.sort()
    taken, refused = defaultdict(Ranges), set()
    for when, order, trip, tsval in sorted(arrivals, key=lambda arrival: arrival[:2]):
        where, start, end = places[order]
        echoes = told[trip.passage.receiver, trip.pair]
        before = bisect.bisect(echoes, (when, 0))
        old = before and 0 < (echoes[before - 1][1] - tsval) % 2**32 < 2**31
        if not old:
            taken[where].add(start, end)
            refused.discard(order)
        elif taken[where].covered(start, end) < end - start:
            refused.add(order)
    return refused


def was_taken(trip, acked, end, full):
    """Did the receiving host take an earlier copy of bytes up to `end`?  acked: (time, number)."""
    times = [time for time, offset in acked if offset >= end]
    arrival = trip.passage.delivered[0] if trip.passage.delivered else None
    before = bool(times) and (arrival is None or min(times) < arrival)
    doubtful = trip.cause in ("rtx_syn", "rtx_synack", "rtx_syn_data") \
        or trip.passage.receiver in full
    return before if doubtful else bool(times)


class View:
    """The labels of one capture."""

    def __init__(self, host, trips):
        self._host = host
        self._numbers = Numbers()
        self._passed = defaultdict(Ranges)
        self._acked = {}            # direction: highest number that its receiver acknowledged
        self._newest = defaultdict(lambda: -1)
        self._spoken = set()        # (host, pair, SYN or 0): such a segment has passed
        self._captured = {id(t) for t in trips if t.passage.sender == host and t.out_frame
                          or t.passage.receiver == host and t.in_frames}
        self._frames = {}
        for trip in trips:
            if trip.passage.sender == host and trip.out_frame:
                self._frames[trip.out_frame] = (trip, 0)
            if trip.passage.receiver == host:
                for number, copy, _ in trip.in_frames:
                    self._frames[number] = (trip, copy)

    def labels(self):
        """{frame number: label} of the frames about which there is something to say."""
        result = {}
        for number in sorted(self._frames):
            label = self._label(*self._frames[number])
            if label:
                result[str(number)] = label
        return result

    def _label(self, trip, copy):
        """The label of one frame, or None when it is plain."""
        passage = trip.passage
        out = passage.sender == self._host
        label = {"dir": "out" if out else "in", "cause": trip.cause}
        label.update(trip.facts)
        trace = self._trace(trip, label)
        late = self._order(trip, copy, out)
        if copy:
            label["net"] = "dup"
        elif late:
            label["net"] = "late"
        label["cls"] = class_of(trip, copy, late)
        if trip.cause in RETRANSMISSIONS:
            label.update(trace)
            if not passage.delivered:
                label["fate"] = "drop"
        if trip.cause in ("challenge_ack", "ack_of_forged"):
            label.update(self._hidden(trip))
        self._spoken.add((passage.sender, trip.pair, passage.segment.flags & SYN))
        plain = label["cls"] in ("syn", "synack", "data", "fin", "data+fin", "ack")
        return None if plain and "net" not in label else label

    def _hidden(self, trip):
        """Why a challenge ACK cannot be told from another ACK here, or another from it, if so."""
        if (trip.passage.sender, trip.pair, 0) not in self._spoken:
            return {"hidden": "handshake"}      # looks like the handshake's last ACK
        if id(trip.trigger) not in self._captured:
            return {"hidden": "trigger"}
        return {}

    def _trace(self, trip, label):
        """What this capture had seen of a segment's bytes before; remembers them."""
        passage = trip.passage
        segment, host = passage.segment, passage.sender
        if host == "link":
            return {}
        direction = (host, trip.pair)
        where, start, end = self._numbers.place(direction, segment, trip.length)
        back = (("server" if host == "client" else "client"), trip.pair)
        if segment.has(ACK):
            self._acked[back] = segment.ack
        if not trip.length:
            return {}
        known, facts = self._passed[where], {}
        covered = known.covered(start, end)
        facts["seen"] = "yes" if covered == end - start else "part" if covered else "no"
        if label["dir"] == "out":
            acked = self._acked.get(direction)
            last = (segment.seq + trip.length) % 2**32
            facts["acked"] = acked is not None and (acked - last) % 2**32 < 2**31
        elif known.ranges:
            if covered == end - start:
                facts["arrival"] = "old"
            elif start > known.top:
                facts["arrival"] = "gap"
            elif start < known.top:
                facts["arrival"] = "fill"
        known.add(start, end)
        return facts

    def _order(self, trip, copy, out):
        """True for the first arrival of a segment after one that was sent later."""
        if out or trip.passage.sender == "link":
            return False
        direction = (trip.passage.sender, trip.pair)
        late = copy == 0 and trip.order < self._newest[direction]
        self._newest[direction] = max(self._newest[direction], trip.order)
        return late


def class_of(trip, copy, late):
    """The class to be scored, from the point of view of one capture."""
    if copy:
        return "net_dup" if trip.length else "net_dup_ack"
    if trip.cause == "rst":
        return "rst." + trip.facts["reason"]
    if late and trip.length and trip.cause in (
            "data", "fin", "data+fin", "tlp_new", "zwp_data", "syn", "synack"):
        return "late"
    return trip.cause


def connections(record, netns, trips, wall):
    """The state changes of both hosts' sockets, one entry for each pair of ports.

    netns  {host: inode};  wall  nanoseconds to add to the kernel's clock.
    A change that no segment shows has the fourth element "silent".
    """
    heard = heard_times(trips)
    closed = {host: {t.pair for t in trips if t.passage.receiver == host and t.passage.delivered
                     and t.passage.segment.flags & (FIN | RST)} for host in HOSTS}
    sockets = defaultdict(list)
    for change in record.changes:
        if change.old in ("CLOSE", "LISTEN") and change.new in ("SYN_SENT", "SYN_RECV"):
            sockets[change.netns, change.sock].append([])
        if sockets[change.netns, change.sock]:
            sockets[change.netns, change.sock][-1].append(change)
    result = {}
    for (inode, _), lives in sockets.items():
        host = next(name for name, number in netns.items() if number == inode)
        for life in lives:
            ports = {(c.sport, c.dport) for c in life if c.sport and c.dport}
            if len(ports) != 1:
                continue
            pair = ports.pop() if host == "client" else ports.pop()[::-1]
            entry = result.setdefault(pair, {"cport": pair[0], "sport": pair[1], "c": [], "s": []})
            for change in life:
                silent = change.new == "CLOSE" and not (
                    pair in closed[host] if change.old == "FIN_WAIT2"
                    else is_near(heard[host, pair], change.time))
                row = [round((change.time + wall) / 1e9, 6), change.old, change.new]
                entry[SHORT[host]].append(row + ["silent"] * silent)
    for entry in result.values():
        for side in "cs":
            entry[side].sort(key=lambda row: row[0])
    return sorted(result.values(), key=lambda e: min(row[0] for row in e["c"] + e["s"]))


def heard_times(trips):
    """{(host, pair): times at which a segment reached the host, or a RST left it}."""
    times = defaultdict(list)
    for trip in trips:
        for when in trip.passage.delivered:
            times[trip.passage.receiver, trip.pair].append(when)
        if trip.sent and trip.passage.segment.flags & RST:
            times[trip.passage.sender, trip.pair].append(trip.sent.time)
    for when in times.values():
        when.sort()
    return times


def is_near(times, when):
    """True when one of the sorted times lies within NEAR of `when`."""
    place = bisect.bisect_left(times, when - NEAR)
    return place < len(times) and times[place] <= when + NEAR


# What the kernel counts: (counter names whose sum, causes whose number) must be equal.
COUNTERS = (
    (("TcpRetransSegs",), tuple(sorted(RETRANSMISSIONS))),
    (("TcpExtTCPLossProbes",), ("rtx_tlp", "tlp_new")),
    (("TcpExtTCPSlowStartRetrans", "TcpExtTCPFastRetrans"),
     ("rtx_loss", "rtx_fast", "rtx_recovery", "rtx_syn_data")),
    (("TcpExtTCPSynRetrans",), ("rtx_syn", "rtx_synack")),
    (("TcpExtTCPKeepAlive",), ("keepalive",)),
    (("TcpExtTCPWinProbe",), ("zwp",)),
    (("TcpExtTCPChallengeACK",), ("challenge_ack",)),
    (("TcpOutRsts",), ("rst",)),
)


def check_counters(counters, trips, record, netns):
    """Sentences about counters of the kernel that disagree with the causes; none is good."""
    found = []
    for host in HOSTS:
        causes = defaultdict(int)
        for trip in trips:
            if trip.passage.sender == host:
                causes[trip.cause] += 1
        for names, words in COUNTERS:
            kernel = sum(counters[host].get(name, 0) for name in names)
            ours = sum(causes[word] for word in words)
            if kernel != ours:
                found.append(f"{host}: {'+'.join(names)} {kernel}, labels {ours}")
        traced = record.retransmit_synack.count(netns[host])
        if traced != causes["rtx_synack"] and not causes["rtx_syn"]:
            found.append(f"{host}: tcp_retransmit_synack {traced}, "
                         f"labels {causes['rtx_synack']}")
    return found
