# SPDX-License-Identifier: GPL-2.0-or-later
"""Trials about retransmission, reordering, duplicates and closed windows."""

import socket
import time

from forwarder import Verdict
from trial import (FIRST_PORT, PIECE, Gate, Trial, bottleneck, bulk, bursts, by_chance,
                   close, has_data, is_fin, is_syn, jitter, many, message, read, send_pieces,
                   transfer, treat)
from trials_close import armed

NO_TLP = {"net.ipv4.tcp_early_retrans": 0}
NO_SACK = {"net.ipv4.tcp_sack": 0}
NO_TS = {"net.ipv4.tcp_timestamps": 0}
WARM = 10               # messages that open the congestion window before a loss


def rounds(*sizes, settle=0.45, towards="server"):
    """A body: bursts of messages, each read by the other end, with a pause after each."""
    def body(lab, number):
        client, server = lab.pair(number)
        sender, receiver = (client, server) if towards == "server" else (server, client)
        for size in sizes:
            send_pieces(sender, size)
            read(receiver, size * PIECE)
            time.sleep(settle)
        close(client, server)
    return body


def at(*pieces):
    """Offsets in the stream of the last octets of the messages with these numbers (from 0)."""
    return [piece * PIECE + PIECE - 1 for piece in pieces]


def lose(*pieces, times=1, sender="client"):
    """Rules that lose messages, the first `times` times each."""
    return lambda _: (treat(sender, at(*pieces), times=times),)


def delay(seconds, *pieces, sender="client"):
    """Rules that hold single messages up."""
    return lambda _: (treat(sender, at(*pieces), Verdict(delay=seconds)),)


def stalled(seconds, size, count=8):
    """A play: a burst of messages meets a link that stands still for a while."""
    def play(lab):
        def body(_, number):
            if not number:
                time.sleep(0.6)
                lab.gate.stall(seconds)
                return
            client, server = lab.pair(number)
            send_pieces(client, WARM)
            read(server, WARM * PIECE)
            time.sleep(max(0.0, 0.62 - number * 0.003))
            send_pieces(client, size)
            read(server, size * PIECE)
            time.sleep(0.4)
            close(client, server)

        lab.many(count, body)
    return play


def slow_reader(octets, wait):
    """A body: the server does not read until its window has been closed for a while."""
    def body(lab, number):
        listener = lab.socket("server", FIRST_PORT + number)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        listener.listen(1)
        client = lab.socket("client")
        client.connect(lab.address("server", FIRST_PORT + number))
        server = lab.accept(listener)
        listener.close()
        client.setblocking(False)
        sent = 0
        end = time.monotonic() + 0.1
        while sent < octets and time.monotonic() < end:
            try:
                sent += client.send(b"z" * min(PIECE, octets - sent))
            except BlockingIOError:
                time.sleep(0.01)
        client.settimeout(30)
        server.settimeout(30)
        time.sleep(wait)
        read(server, sent)
        message(client, server)
        close(client, server)
    return body


def window_updates_lost():
    """Loses the first segment of the server that reopens a closed window."""
    closed, done = set(), set()

    def rule(who, segment):
        if who != "server" or not segment.is_pure_ack:
            return None
        if segment.window == 0:
            closed.add(segment.dport)
        elif segment.dport in closed - done:
            done.add(segment.dport)
            return Verdict(drop=True)
        return None

    return rule


def pages(lab, number):
    """A request, an answer of some segments, sometimes a second one."""
    client, server = lab.pair(number)
    for turn in range(1 + number % 2):
        message(client, server, 300)
        octets = 3000 + 2777 * ((number * 7 + turn) % 12)
        transfer(server, client, octets)
    close(*((client, server) if number % 3 else (server, client)))


def thin(lab, number):
    """Single small messages at intervals of some round trips."""
    client, server = lab.pair(number)
    for turn in range(60):
        client.sendall(b"t" * 120)
        if turn % 4 == 3:
            read(server, 480)
            server.sendall(b"a" * 40)
            read(client, 40)
        time.sleep(0.012)
    close(client, server)


def random_loss(rate, *senders):
    """Rules that lose a share of all segments."""
    return lambda chance: (by_chance(chance, senders or ("client",), rate),)


def duplicates(rate, apart):
    """Rules that deliver a share of all segments of both ends twice."""
    return lambda chance: (by_chance(chance, ("client", "server"), rate,
                                     Verdict(copies=2, apart=apart)),)


def every_kind_twice(segment):
    """SYN, FIN and data."""
    return is_syn(segment) or is_fin(segment) or has_data(segment)


def timers():
    """Tail loss probes and timeouts."""
    tail = lose(14, 19, 24)
    body = rounds(WARM, 5, 5, 5, settle=0.55)
    yield Trial("tail", many(12, body), "The last of five is lost: probe.", {"c.rtx_tlp": 30}, tail)
    yield Trial("tail_v6", many(4, body), "The last of five is lost, IPv6.", {"c.rtx_tlp": 10},
                tail, 6)
    yield Trial("tail_no_ts", many(5, body), "The last of five is lost, no timestamps.",
                {"c.rtx_tlp": 12}, tail, sysctl=NO_TS)
    yield Trial("tail_far", many(6, body), "The last of five is lost, 80 ms.", {"c.rtx_tlp": 15},
                tail, delay=0.04)
    yield Trial("tail_two", many(8, rounds(WARM, 6, 6, settle=0.6)),
                "The last two of six are lost.", {"c.rtx_tlp": 12}, lose(14, 15, 20, 21))
    yield Trial("tail_single", many(10, rounds(WARM, 1, 1, 1, settle=0.6)),
                "The only segment is lost.", {"c.rtx": 25}, lose(10, 11, 12))
    yield Trial("tail_no_tlp", many(12, body), "The last of five is lost, no probes: timeout.",
                {"c.rtx_rto": 30}, tail, sysctl=NO_TLP)
    yield Trial("tail_no_tlp_v6", many(4, body), "The same with IPv6.", {"c.rtx_rto": 10}, tail, 6,
                sysctl=NO_TLP)
    yield Trial("tail_no_sack", many(6, body), "The last of five is lost, no SACK: timeout.",
                {"c.rtx": 15}, tail, sysctl=NO_SACK)
    yield Trial("tail_far_no_tlp", many(6, body), "Timeout at 160 ms.", {"c.rtx_rto": 15}, tail,
                sysctl=NO_TLP, delay=0.08)
    yield Trial("backoff", many(8, rounds(WARM, 1, settle=0.2)), "One segment is lost four times.",
                {"c.rtx_rto": 20}, lose(10, times=4))
    yield Trial("backoff_no_tlp", many(6, rounds(WARM, 3, settle=0.2)),
                "The last of three is lost three times, no probes.", {"c.rtx_rto": 15},
                lose(12, times=3), sysctl=NO_TLP)
    yield Trial("flight", many(10, rounds(WARM, 8, settle=0.4)),
                "A whole flight is lost, no probes: timeout and recovery in state Loss.",
                {"c.rtx_rto": 10, "c.rtx_loss": 50}, lose(*range(10, 18)), sysctl=NO_TLP)
    yield Trial("flight_probe", many(8, rounds(WARM, 8, settle=0.4)),
                "A whole flight and its probe are lost.", {"c.rtx_rto": 8, "c.rtx_loss": 30},
                lose(*range(10, 17), 17, 17, times=2))
    yield Trial("flight_no_ts", many(5, rounds(WARM, 8, settle=0.4)),
                "A whole flight is lost, no timestamps, no probes.", {"c.rtx_loss": 25},
                lose(*range(10, 18)), sysctl={**NO_TS, **NO_TLP})
    yield Trial("flight_no_sack", many(5, rounds(WARM, 8, settle=0.4)),
                "A whole flight is lost, no SACK.", {"c.rtx_loss": 20}, lose(*range(10, 18)),
                sysctl=NO_SACK)
    yield Trial("flight_from_server_v6", many(5, rounds(WARM, 8, settle=0.4, towards="client")),
                "A whole flight of the server is lost, IPv6, no probes.", {"s.rtx_loss": 25},
                lose(*range(10, 18), sender="server"), 6, sysctl=NO_TLP)


def fast():
    """Losses that feedback reveals."""
    body = rounds(WARM, 20, 20, settle=0.2)
    one, three = lose(15, 35), lose(14, 17, 20, 36, 37, 42)
    for tail, settings in (("", {}), ("_no_sack", NO_SACK), ("_no_ts", NO_TS),
                           ("_plain", {**NO_SACK, **NO_TS})):
        yield Trial("fast" + tail, many(6, body), "One segment of twenty is lost.", {"c.rtx": 10},
                    one, sysctl=settings)
        yield Trial("holes" + tail, many(5, body), "Three segments of twenty are lost.",
                    {"c.rtx": 25}, three, sysctl=settings)
    yield Trial("fast_v6", many(5, body), "One segment of twenty is lost, IPv6.", {"c.rtx": 8}, one,
                6)
    yield Trial("fast_far", many(5, body), "One segment of twenty is lost, 100 ms.", {"c.rtx": 8},
                one, delay=0.05)
    yield Trial("lost_again", many(8, body), "A segment and its retransmission are lost.",
                {"c.rtx": 24}, lose(15, 35, times=2))


def spurious():
    """Nothing was lost, but the sender could not know."""
    late = ({}, "spurious_rto", 8, "The link stands still for longer than the timer."), \
        (NO_TS, "spurious_rto_no_ts", 4, "The same without timestamps."), \
        ({**NO_TS, **NO_SACK}, "spurious_rto_plain", 3, "The same, no timestamps, no SACK."), \
        ({"net.ipv4.tcp_frto": 0}, "spurious_rto_no_frto", 8, "The same without F-RTO.")
    for settings, name, count, shows in late:
        yield Trial(name, armed(stalled(0.5, 6, count), gate=lambda: Gate(("client",))), shows,
                    {"c.rtx": count - 1}, sysctl=settings)
    yield Trial("spurious_rto_acks", armed(stalled(0.5, 6), gate=lambda: Gate(("server",))),
                "Only the ACKs are held up.", {"c.rtx": 7})
    yield Trial("spurious_tlp", armed(stalled(0.16, 5), gate=lambda: Gate(("client",))),
                "The link stands still for longer than a probe waits.", {"c.rtx_tlp": 5})
    yield Trial("reorder_deep", many(8, rounds(WARM, 20, 20, settle=0.2)),
                "Single segments are late by more than a round trip.", {"c.rtx": 8},
                delay(0.03, 15, 35))
    yield Trial("acks_lost", many(6, rounds(WARM, 5, 5, 5, settle=0.5)),
                "All ACKs of some bursts are lost.", {"c.rtx": 6},
                lambda _: (acks_of_bursts(),))


def acks_of_bursts():
    """Loses the server's first ACKs of the messages 10 to 14 and 20 to 24."""
    starts, counts = {}, {}

    def rule(who, segment):
        if who != "server" or not segment.flags & 0x10:
            return None
        name = segment.dport
        if segment.flags & 0x02:
            starts[name] = segment.ack
            return None
        reached = (segment.ack - starts.get(name, segment.ack)) // PIECE
        if reached in range(WARM + 1, WARM + 6) or reached in range(WARM + 11, WARM + 16):
            counts[name, reached] = counts.get((name, reached), 0) + 1
            return Verdict(drop=counts[name, reached] == 1)
        return None

    return rule


def order():
    """Segments that arrive in another order, or twice."""
    yield Trial("reorder", many(8, rounds(WARM, 20, 20, settle=0.1)),
                "Single segments are overtaken by a few others.", {},
                delay(0.002, 15, 22, 30, 31, 44))
    yield Trial("reorder_no_ts", many(4, rounds(WARM, 20, 20, settle=0.1)),
                "The same without timestamps.", {}, delay(0.002, 15, 22, 30, 31, 44), sysctl=NO_TS)
    yield Trial("reorder_v6", many(4, rounds(WARM, 20, 20, settle=0.1)),
                "The same with IPv6.", {}, delay(0.002, 15, 22, 30, 31, 44), 6)
    yield Trial("jitter", bulk(250_000), "Every segment takes up to 3 ms longer.", {},
                lambda chance: (jitter(chance, "client", 0.003),), delay=0.01)
    yield Trial("jitter_v6_no_ts", bulk(150_000, "client"), "The same from the server, IPv6.", {},
                lambda chance: (jitter(chance, "server", 0.003),), 6, 0.01, NO_TS)
    yield Trial("twice", many(10, rounds(WARM, 10, settle=0.1)), "Segments arrive twice at once.",
                {}, duplicates(0.2, 0.0))
    yield Trial("twice_v6", many(5, rounds(WARM, 10, settle=0.1)), "The same with IPv6.", {},
                duplicates(0.2, 0.0), 6)
    yield Trial("twice_late", many(8, rounds(WARM, 10, settle=0.1)),
                "The second copy comes 3 ms later.", {}, duplicates(0.2, 0.003), delay=0.01)
    yield Trial("twice_all", many(6, rounds(WARM, 5, settle=0.1)),
                "SYN, FIN and data of the client arrive twice.", {},
                lambda chance: (by_chance(chance, ("client",), 1.0, Verdict(copies=2, apart=0.001),
                                          every_kind_twice),))


def windows():
    """Zero window and its probes."""
    body = slow_reader(60_000, 2.6)
    yield Trial("zero_window", many(8, body), "The window closes for seconds.", {"c.zwp": 24})
    yield Trial("zero_window_v6", many(3, body), "The window closes for seconds, IPv6.",
                {"c.zwp": 9}, family=6)
    yield Trial("zero_window_short", many(5, slow_reader(40_000, 0.5)),
                "The window closes briefly.", {"c.zwp": 3})
    yield Trial("window_update_lost", many(6, body), "The segment that reopens the window is lost.",
                {"c.zwp": 18}, lambda _: (window_updates_lost(),))
    yield Trial("zero_window_lossy", many(6, body), "A quarter of the probes and answers are lost.",
                {"c.zwp": 12},
                lambda chance: (by_chance(chance, ("client", "server"), 0.25,
                                          test=lambda s: s.is_pure_ack),))


def bulks():
    """Longer transfers over a bad link."""
    ways, far = ("client", "server"), 0.01
    yield Trial("bulk_loss1", bulk(2_500_000), "1 % of the data is lost, 20 ms.", {"c.rtx": 10},
                random_loss(0.01), delay=far)
    yield Trial("bulk_loss5", bulk(1_200_000), "5 % of the data is lost, 20 ms.", {"c.rtx": 30},
                random_loss(0.05), delay=far)
    yield Trial("bulk_loss5_v6", bulk(500_000, "client"), "5 % is lost, IPv6, from the server.",
                {"s.rtx": 10}, random_loss(0.05, "server"), 6, far)
    yield Trial("bulk_loss3_no_sack", bulk(600_000), "3 % is lost, no SACK.", {"c.rtx": 8},
                random_loss(0.03), delay=far, sysctl=NO_SACK)
    yield Trial("bulk_loss3_no_ts", bulk(600_000), "3 % is lost, no timestamps.", {"c.rtx": 8},
                random_loss(0.03), delay=far, sysctl=NO_TS)
    yield Trial("bulk_loss3_plain", bulk(400_000), "3 % is lost, neither SACK nor timestamps.",
                {"c.rtx": 5}, random_loss(0.03), delay=far, sysctl={**NO_SACK, **NO_TS})
    yield Trial("bulk_both_ways", bulk(700_000), "4 % is lost in both directions.", {"c.rtx": 12},
                random_loss(0.04, *ways), delay=far)
    yield Trial("bulk_acks_lost", bulk(500_000), "40 % of the ACKs are lost.", {},
                random_loss(0.4, "server"), delay=far)
    yield Trial("bulk_bursts", bulk(700_000), "Losses come in bursts.", {"c.rtx": 12},
                lambda chance: (bursts(chance, "client", 0.01, 0.3),), delay=far)
    yield Trial("bulk_bottleneck", bulk(1_200_000), "A slow link with a short queue.",
                {"c.rtx": 5}, lambda _: (bottleneck("client", 1_000_000, 0.006),), delay=far)
    yield Trial("bulk_bbr", bulk(800_000), "BBR, 2 % is lost.", {"c.rtx": 5}, random_loss(0.02),
                delay=far, congestion="bbr")
    yield Trial("bulk_loss_jitter", bulk(500_000), "2 % is lost, and others are late.",
                {"c.rtx": 4}, lambda chance: (by_chance(chance, ("client",), 0.02),
                                              jitter(chance, "client", 0.003)), delay=far)
    yield Trial("pages", many(40, pages, 0.03), "Short connections, 5 % is lost both ways.",
                {"s.rtx": 10}, random_loss(0.05, *ways), delay=far)
    yield Trial("pages_no_tlp", many(40, pages, 0.03), "The same without probes.", {"s.rtx": 10},
                random_loss(0.05, *ways), delay=far, sysctl=NO_TLP)
    yield Trial("pages_v6", many(25, pages, 0.03), "The same with IPv6.", {"s.rtx": 5},
                random_loss(0.05, *ways), 6, far)
    yield Trial("thin", many(8, thin, 0.03), "Thin streams, 6 % is lost both ways.", {"c.rtx": 8},
                random_loss(0.06, *ways), delay=far)


TRIALS = (*timers(), *fast(), *spurious(), *order(), *windows(), *bulks())
