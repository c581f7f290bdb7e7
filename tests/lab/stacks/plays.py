# SPDX-License-Identifier: GPL-2.0-or-later
"""What the applications do, and what the link loses: one Play for each kind of connection.

A play is a function of a Talk.  In most, one end acts: `talk.one` is its Peer, `talk.other` the
other's; the lab plays them once with each end acting.
"""

import random
import time
from dataclasses import dataclass
from typing import Callable

from forwarder import DROP, Verdict
from netlab import ADDRESS, HOSTS, LabError
from packets import FIN, RST, SYN
from trial import FIRST_PORT, by_chance, has_data

# Octets that no end's buffers hold while its application does not read.
OVERFLOW = {"linux": 24_000, "lwip": 42_000, "lwipfull": 42_000, "gvisor": 48_000,
            "gvisorplain": 48_000, "slirp": 190_000}
OWN_PORT = 45000        # of clients that use the same port again, plus the number of the talk


class Talk:
    """One connection (or several from the same port) between the two ends, with a link rule."""

    def __init__(self, lab, number, actor, seed):
        self.lab, self.number, self.port = lab, number, FIRST_PORT + number
        self.actor, self.reactor = actor, HOSTS[1 - HOSTS.index(actor)]
        self.chance = random.Random(f"{seed}:{number}")
        self.rule, self.play_name = None, ""
        self.client = self.server = None
        self._listening = False

    @property
    def one(self):
        """The Peer of the end that acts."""
        return self.client if self.actor == "client" else self.server

    @property
    def other(self):
        """The Peer of the end that does not."""
        return self.server if self.actor == "client" else self.client

    def kind(self, host):
        """The stack of a host."""
        return self.lab.ends[host].kind

    def begin(self, own_port=0, reads=HOSTS):
        """The client begins to connect; returns at once.  reads: the hosts that read."""
        if not self._listening:
            self.lab.ends["server"].listen(self.port, "server" in reads)
            self._listening = True
        self.client = self.lab.ends["client"].connect(
            ADDRESS[self.lab.family]["server"], self.port, own_port, "client" in reads)

    def accepted(self, seconds=35.0):
        """Wait for both ends; LabError when there is no connection."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.server = self.lab.ends["server"].accept(self.port)
            if self.server and self.client.wait(lambda: self.client.connected,
                                                end - time.monotonic()):
                return
            time.sleep(0.002)
        raise LabError(f"no connection, client's error {self.client.error}")

    def open(self, own_port=0, reads=HOSTS):
        """A whole handshake, without a rule of the link."""
        self.begin(own_port, reads)
        self.accepted()

    def say(self, peer, hearer, octets=400):
        """Send and wait until it is read."""
        before = hearer.got
        peer.send(octets)
        hearer.wait_got(before + octets)

    def lose(self, host, test, numbers):
        """From now on the link loses the segments of a host for which test() holds, by number."""
        seen = [0]

        def rule(sender, segment):
            if sender != host or not test(segment):
                return None
            seen[0] += 1
            return DROP if seen[0] in numbers else None

        self.rule = rule

    def close_both(self, pause=0.1):
        """The end that acts closes, then the other."""
        self.one.close()
        self.other.wait_end()
        time.sleep(pause)
        self.other.close()
        time.sleep(0.3)


@dataclass(frozen=True)
class Play:
    """play(talk), with each of `actors` acting, `times` times each."""

    name: str
    play: Callable
    shows: str
    actors: tuple = HOSTS
    times: int = 1


# --- handshakes -------------------------------------------------------------------------------

def is_syn(segment):
    """SYN or SYN-ACK."""
    return bool(segment.flags & SYN)


def is_rst(segment):
    """A reset."""
    return bool(segment.flags & RST)


def is_fin(segment):
    """A FIN."""
    return bool(segment.flags & FIN)


def refused(talk):
    """Nobody listens."""
    talk.client = talk.lab.ends["client"].connect(ADDRESS[talk.lab.family]["server"], talk.port)
    time.sleep(1)


def handshake_lost(host, test, numbers):
    """A play: some segments of the handshake are lost."""
    def play(talk):
        talk.lose(host, test, numbers)
        talk.open()
        time.sleep(0.5)
        talk.rule = None
        talk.say(talk.client, talk.server)
        talk.close_both()
    return play


def last_ack_lost(talk):
    """The ACK of the SYN-ACK is lost, and nothing follows it for long."""
    talk.lose("client", lambda s: s.is_pure_ack, {1})
    talk.begin()
    time.sleep(2)
    talk.rule = None
    talk.accepted()
    talk.say(talk.server, talk.client)
    talk.close_both()


def unanswered(talk):
    """All is lost."""
    talk.rule = lambda *_: DROP
    talk.begin()
    time.sleep(16)


def reuse(talk):
    """The same port again after a close."""
    for _ in range(3):
        try:
            talk.begin(OWN_PORT + talk.number)
            talk.accepted(4)
        except (LabError, OSError):     # an end may keep its port for as long as TIME-WAIT lasts
            time.sleep(1)
            continue
        talk.say(talk.client, talk.server, 100)
        talk.close_both()
        time.sleep(1)


def lost_reuse(talk):
    """The client aborts, its reset is lost, and it comes again from the same port."""
    talk.open(OWN_PORT + talk.number)
    talk.say(talk.client, talk.server)
    talk.lose("client", is_rst, {1})
    talk.client.abort()
    time.sleep(0.3)
    talk.rule = None
    talk.begin(OWN_PORT + talk.number)
    time.sleep(5)
    if talk.client.connected:
        talk.client.send(100)
        time.sleep(0.3)
        talk.client.close()
    time.sleep(0.5)


# --- closes and resets ------------------------------------------------------------------------

def close_first(pause):
    """A play: request, answer, close."""
    def play(talk):
        talk.open()
        talk.say(talk.client, talk.server)
        talk.say(talk.server, talk.client, 900)
        talk.close_both(pause)
    return play


def close_with_data(talk):
    """Data and FIN together."""
    talk.open()
    talk.say(talk.other, talk.one)
    talk.one.send(700)
    talk.one.shut()
    talk.other.wait_end()
    talk.other.close()
    time.sleep(0.2)
    talk.one.close()
    time.sleep(0.2)


def close_together(talk):
    """Both close before they know of the other's FIN."""
    talk.open()
    talk.say(talk.one, talk.other)
    time.sleep(0.3)
    talk.one.close()
    talk.other.close()
    time.sleep(0.5)


def half_close(talk):
    """One shuts its side, the other goes on sending."""
    talk.open()
    talk.say(talk.one, talk.other)
    talk.one.shut()
    talk.other.wait_end()
    talk.say(talk.other, talk.one, 6_000)
    talk.other.close()
    talk.one.wait_end()
    talk.one.close()
    time.sleep(0.3)


def abort(talk):
    """A reset after data were sent by the one that resets."""
    talk.open()
    talk.say(talk.one, talk.other)
    time.sleep(0.3)
    talk.one.abort()
    time.sleep(0.3)


def abort_after_answer(talk):
    """A reset after data were sent by the other."""
    talk.open()
    talk.say(talk.other, talk.one)
    time.sleep(0.3)
    talk.one.abort()
    time.sleep(0.3)


def abort_flying(talk):
    """A reset while the other sends: its data meet an end that has forgotten."""
    talk.open()
    talk.other.send(12_000)
    talk.one.wait_got(1)
    talk.one.abort()
    time.sleep(0.5)


def abort_after_fin(talk):
    """A reset after the own FIN."""
    talk.open()
    talk.say(talk.one, talk.other)
    talk.one.shut()
    time.sleep(0.3)
    talk.one.abort()
    time.sleep(0.3)


def abort_after_peers_fin(talk):
    """A reset after the other's FIN."""
    talk.open()
    talk.say(talk.one, talk.other)
    talk.other.shut()
    time.sleep(0.3)
    talk.one.abort()
    time.sleep(0.3)


def abort_unread(talk):
    """An end closes without having read."""
    talk.open(reads=(talk.reactor,))
    talk.other.send(400)
    time.sleep(0.3)
    talk.one.close()
    time.sleep(0.4)


def data_after_close(talk):
    """An end closes, the other sends for as long as nothing stops it."""
    talk.open()
    talk.say(talk.other, talk.one)
    talk.one.close()
    talk.other.wait_end()
    time.sleep(0.1)
    talk.other.send(100)
    time.sleep(0.2)
    talk.other.send(100)
    time.sleep(0.2)
    talk.other.close()
    time.sleep(0.3)


def state_lost(how):
    """A play: an end aborts, its reset is lost, and the other learns it by how(talk)."""
    def play(talk):
        talk.open()
        talk.say(talk.one, talk.other)
        time.sleep(0.3)
        talk.lose(talk.actor, is_rst, {1})
        talk.one.abort()
        time.sleep(0.2)
        talk.rule = None
        how(talk)
    return play


def learn_by_data(talk):
    """The other sends."""
    talk.other.send(50)
    time.sleep(1)


def learn_by_fin(talk):
    """The other closes."""
    talk.other.close()
    time.sleep(1)


def learn_by_probe(talk):
    """The other probes."""
    talk.other.keepalive(1, 1, 3)
    time.sleep(3)


# --- losses -----------------------------------------------------------------------------------

def timeout(losses):
    """A play: a lone segment is lost so many times."""
    def play(talk):
        talk.open()
        talk.say(talk.one, talk.other, 100)
        time.sleep(0.3)
        talk.lose(talk.actor, has_data, set(range(1, losses + 1)))
        talk.one.send(300)
        talk.other.wait_got(400, 25)
        time.sleep(0.3)
        talk.close_both()
    return play


def flight_lost(numbers, repeat=2):
    """A play: of a flight of eight segments these are lost, after the window has grown."""
    def play(talk):
        talk.open()
        talk.say(talk.one, talk.other, 14_000)
        for _ in range(repeat):
            time.sleep(0.5)
            before = talk.other.got
            talk.lose(talk.actor, has_data, numbers)
            talk.one.send(8 * 1400)
            talk.other.wait_got(before + 8 * 1400, 60)
        talk.close_both()
    return play


def bulk(octets, make_rule):
    """A play: many octets under the rule make_rule(talk)."""
    def play(talk):
        talk.open()
        talk.rule = make_rule(talk)
        talk.one.send(octets)
        talk.other.wait_got(octets, 60)
        time.sleep(0.4)
        talk.rule = None
        talk.close_both()
    return play


def every_nth(period, which):
    """A rule for bulk(): of so many data segments these are lost."""
    def make(talk):
        seen = [0]

        def rule(sender, segment):
            if sender != talk.actor or not has_data(segment):
                return None
            seen[0] += 1
            return DROP if seen[0] % period in which else None
        return rule
    return make


def twice_lost(period):
    """A rule for bulk(): one of so many data segments is lost, and lost again when it is resent."""
    def make(talk):
        seen, lost = [0], {}

        def rule(sender, segment):
            if sender != talk.actor or not has_data(segment):
                return None
            seen[0] += 1
            if segment.seq in lost:
                lost[segment.seq] += 1
                return DROP if lost[segment.seq] == 2 else None
            if seen[0] % period == period // 2:
                lost[segment.seq] = 1
                return DROP
            return None
        return rule
    return make


def random_loss(rate):
    """A rule for bulk(): both directions lose by chance."""
    return lambda talk: by_chance(talk.chance, HOSTS, rate)


def acks_lost(talk):
    """A rule for bulk(): four of ten ACKs are lost."""
    return by_chance(talk.chance, (talk.reactor,), 0.4)


def reordering(talk):
    """A rule for bulk(): some segments are overtaken, some come twice."""
    def rule(sender, segment):
        luck = talk.chance.random()
        if sender != talk.actor or not has_data(segment) or luck > 0.05:
            return None
        return Verdict(delay=0.006) if luck < 0.04 else Verdict(copies=2, apart=0.004)
    return rule


def fin_lost(losses):
    """A play: the FIN is lost so many times."""
    def play(talk):
        talk.open()
        talk.say(talk.one, talk.other)
        time.sleep(0.3)
        talk.lose(talk.actor, is_fin, set(range(1, losses + 1)))
        talk.one.close()
        talk.other.wait_end(20)
        talk.rule = None
        time.sleep(0.2)
        talk.other.close()
        time.sleep(0.5)
    return play


def second_fin_lost(talk):
    """The FIN of the end that closes second is lost."""
    talk.open()
    talk.say(talk.one, talk.other)
    talk.other.close()
    talk.one.wait_end()
    time.sleep(0.2)
    talk.lose(talk.actor, is_fin, {1})
    talk.one.close()
    time.sleep(5)


def retransmissions_unanswered(talk):
    """The other end is gone."""
    talk.open()
    talk.say(talk.one, talk.other)
    time.sleep(0.3)
    talk.rule = lambda sender, _: DROP if sender == talk.reactor else None
    talk.one.send(300)
    time.sleep(30)


# --- windows and probes -----------------------------------------------------------------------

def zero_window(*pauses):
    """A play: an end does not read for so many seconds each."""
    def play(talk):
        talk.open(reads=(talk.actor,))
        octets = OVERFLOW[talk.kind(talk.reactor)]
        for pause in pauses[-1:] if octets > 100_000 else pauses:
            talk.one.send(octets)
            time.sleep(pause)
            before = talk.other.got
            talk.other.read(True)
            talk.other.wait(lambda b=before: talk.other.got > b, 5)
            time.sleep(3)
            talk.other.read(False)
            time.sleep(0.1)
        talk.other.read(True)
        time.sleep(2)
        talk.close_both()
    return play


def update_lost(talk):
    """The window opens, and what says so is lost."""
    talk.open(reads=(talk.actor,))
    talk.one.send(OVERFLOW[talk.kind(talk.reactor)])
    time.sleep(4)
    talk.rule = lambda sender, _: DROP if sender == talk.reactor else None
    talk.other.read(True)
    time.sleep(3)
    talk.rule = None
    time.sleep(8)
    talk.close_both()


def keepalive(octets):
    """A play: answered keep-alive probes, after so many octets."""
    def play(talk):
        talk.open()
        if octets:
            talk.say(talk.one, talk.other, octets)
        talk.one.keepalive(2, 1, 3)
        time.sleep(7)
        talk.say(talk.one, talk.other, 100)
        time.sleep(3)
        talk.close_both()
    return play


def keepalive_dead(talk):
    """Keep-alive probes that nobody answers."""
    talk.open()
    talk.say(talk.one, talk.other, 100)
    time.sleep(0.3)
    talk.rule = lambda sender, _: DROP if sender == talk.reactor else None
    talk.one.keepalive(2, 1, 3)
    time.sleep(12)


PLAYS = (
    Play("refused", refused, "nobody listens", ("client",), 3),
    Play("syn_lost", handshake_lost("client", is_syn, {1}), "the SYN is lost", ("client",)),
    Play("syn_lost_twice", handshake_lost("client", is_syn, {1, 2}), "and again", ("client",)),
    Play("synack_lost", handshake_lost("server", is_syn, {1}), "the SYN-ACK is lost", ("client",)),
    Play("synack_lost_twice", handshake_lost("server", is_syn, {1, 2}), "and again", ("client",)),
    Play("last_ack_lost", last_ack_lost, "the handshake's last ACK is lost", ("client",)),
    Play("unanswered", unanswered, "no answer to the SYN", ("client",)),
    Play("reuse", reuse, "the same port again and again"),
    Play("lost_reuse", lost_reuse, "a silent abort, then the same port again", ("client",)),
    Play("close_at_once", close_first(0), "an end closes, the other at once", times=2),
    Play("close_later", close_first(0.3), "an end closes, the other later"),
    Play("close_with_data", close_with_data, "data and FIN together"),
    Play("close_together", close_together, "both close at the same time", ("client",), 2),
    Play("half_close", half_close, "one side closed, the other goes on"),
    Play("abort", abort, "a reset by the application", times=2),
    Play("abort_after_answer", abort_after_answer, "the same, after the other's data"),
    Play("abort_flying", abort_flying, "a reset while data are on their way"),
    Play("abort_after_fin", abort_after_fin, "a reset after the own FIN"),
    Play("abort_after_peers_fin", abort_after_peers_fin, "a reset after the other's FIN"),
    Play("abort_unread", abort_unread, "closed with unread data", times=2),
    Play("data_after_close", data_after_close, "data meet an end that has closed", times=2),
    Play("lost_data", state_lost(learn_by_data), "a silent abort, then data", times=2),
    Play("lost_fin", state_lost(learn_by_fin), "a silent abort, then a FIN"),
    Play("lost_probe", state_lost(learn_by_probe), "a silent abort, then a keep-alive probe"),
    Play("timeout_1", timeout(1), "a lone segment is lost", times=2),
    Play("timeout_2", timeout(2), "a lone segment is lost twice"),
    Play("timeout_3", timeout(3), "a lone segment is lost three times"),
    Play("flight_lost", flight_lost(range(1, 9)), "a whole flight is lost"),
    Play("tail_lost", flight_lost((7, 8)), "the end of a flight is lost"),
    Play("one_hole", bulk(45_000, every_nth(23, (15,))), "every 23rd segment is lost"),
    Play("two_holes", bulk(45_000, every_nth(31, (15, 18))), "two of 31 segments are lost"),
    Play("twice_lost", bulk(58_000, twice_lost(40)), "what is resent is lost, too"),
    Play("loss_1", bulk(60_000, random_loss(0.01)), "1 % loss"),
    Play("loss_5", bulk(45_000, random_loss(0.05)), "5 % loss"),
    Play("acks_lost", bulk(30_000, acks_lost), "four of ten ACKs are lost"),
    Play("reordering", bulk(40_000, reordering), "segments out of order and twice"),
    Play("fin_lost", fin_lost(1), "the FIN is lost"),
    Play("fin_lost_twice", fin_lost(2), "the FIN is lost twice"),
    Play("second_fin_lost", second_fin_lost, "the second FIN is lost"),
    Play("dead", retransmissions_unanswered, "retransmissions stay unanswered"),
    Play("zero_window", zero_window(4, 9), "the window stays closed"),
    Play("update_lost", update_lost, "the window opens unheard"),
    Play("keepalive", keepalive(100), "keep-alive probes after data"),
    Play("keepalive_bare", keepalive(0), "keep-alive probes before any data"),
    Play("keepalive_dead", keepalive_dead, "keep-alive probes stay unanswered"),
)
