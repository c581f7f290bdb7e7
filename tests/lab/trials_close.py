# SPDX-License-Identifier: GPL-2.0-or-later
"""Trials about how connections end: closes, losses in them, and every kind of reset."""

import socket
import time

from forwarder import Verdict
from packets import ACK, RST, SYN
from trial import (FIRST_PORT, PAUSE, TCP_USER_TIMEOUT, Gate, Spy, Trial, close, disconnect, fails,
                   has_data, is_fin, keepalive, many, message, quietly, read_to_end, reset,
                   send_pieces, tcp_octets, treat, treat_flags, vanish)

OWN_PORT = 41000        # of the client, where it must be known or used twice


def three_segments(lab, number):
    """The second closer answers the FIN by its own."""
    client, server = lab.pair(number)
    message(client, server)
    close(*((client, server) if number % 2 else (server, client)))


def four_segments(lab, number):
    """The second closer takes its time."""
    client, server = lab.pair(number)
    message(client, server)
    first, second = (client, server) if number % 2 else (server, client)
    first.close()
    read_to_end(second)
    time.sleep(0.1)
    second.close()


def half_close(lab, number):
    """One end has no more to send, the other goes on."""
    client, server = lab.pair(number)
    first, second = (client, server) if number % 2 else (server, client)
    message(first, second)
    first.shutdown(socket.SHUT_WR)
    read_to_end(second)
    for _ in range(3):
        message(second, first)
        time.sleep(0.02)
    second.close()
    read_to_end(first)
    first.close()


def together(lab, number):
    """Both ends close at the same moment."""
    client, server = lab.pair(number)
    message(client, server)
    message(server, client)
    time.sleep(0.15)
    client.close()
    server.close()
    time.sleep(PAUSE)


def all_closes(lab):
    """Four of each kind."""
    for offset, body in ((0, three_segments), (10, four_segments), (20, half_close)):
        lab.many(4, lambda lab, number, o=offset, b=body: b(lab, number + o))
    time.sleep(PAUSE)


def message_and_close(lab, number):
    """One message, and the client closes; the FIN may travel with data."""
    client, server = lab.pair(number)
    message(client, server)
    message(server, client)
    time.sleep(0.06)
    if number % 3 == 2:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        client.sendall(b"l" * 300)
    close(client, server)
    time.sleep(PAUSE)


def unread(lab, number):
    """One end closes with data unread."""
    client, server = lab.pair(number)
    first, second = (client, server) if number % 2 else (server, client)
    message(first, second)
    second.sendall(b"u" * 500)
    time.sleep(0.1)
    first.close()
    fails(second.recv, 1)


def linger(lab, number):
    """SO_LINGER 0 after an exchange."""
    client, server = lab.pair(number)
    first, second = (client, server) if number % 2 else (server, client)
    message(first, second)
    message(second, first)
    reset(first)
    fails(second.recv, 1)


def linger_in_flight(lab, number):
    """SO_LINGER 0 while data is under way, some of which is lost."""
    client, server = lab.pair(number)
    message(client, server)
    send_pieces(client, 4 + number % 3)
    reset(client)
    time.sleep(0.3)


def broken(lab, number):
    """connect(AF_UNSPEC), with or without unsent data."""
    client, server = lab.pair(number)
    message(client, server)
    if number % 2:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        client.sendall(b"d" * 300)
    disconnect(client)
    fails(server.recv, 1)


def abort_after_fin(lab, number):
    """FIN by shutdown(), then SO_LINGER 0."""
    client, server = lab.pair(number)
    message(client, server)
    client.shutdown(socket.SHUT_WR)
    read_to_end(server)
    time.sleep(0.05)
    reset(client)
    time.sleep(0.1)


def data_to_closed(lab, number):
    """One end has closed; the other, which has not, sends on."""
    client, server = lab.pair(number)
    first, second = (client, server) if number % 2 else (server, client)
    message(second, first)
    first.close()
    read_to_end(second)
    time.sleep(0.05)
    send_pieces(second, 1 + number % 3, 300)
    time.sleep(0.1)


def linger2(lab, number):
    """Negative TCP_LINGER2: no FIN-WAIT-2."""
    client, server = lab.pair(number)
    message(client, server)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, -1)
    client.close()
    read_to_end(server)
    time.sleep(0.1)


def straggler(lab, number):
    """A copy of the client's data arrives when the server has closed entirely."""
    client, server = lab.pair(number)
    message(client, server)
    close(client, server)
    time.sleep(0.7)


def state_lost(lab, number):
    """One end no longer knows the connection when the other sends data."""
    client, server = lab.pair(number)
    first, second = (client, server) if number % 2 else (server, client)
    message(first, second)
    message(second, first)
    time.sleep(0.1)
    vanish(first)
    send_pieces(second, 1 + number % 2)
    fails(second.recv, 1)


def state_lost_probed(lab, number):
    """One end no longer knows the connection when the other probes it."""
    client, server = lab.pair(number)
    first, second = (client, server) if number % 2 else (server, client)
    message(first, second)
    keepalive(second, 1, 1, 3)
    time.sleep(0.1)
    vanish(first)
    fails(second.recv, 1)


def comes_again(lab, number):
    """The client has lost its state and opens from the same port again."""
    client, server = lab.pair(number, OWN_PORT + number)
    message(client, server)
    message(server, client)
    time.sleep(0.05)
    vanish(client)
    client, again = lab.pair(number, OWN_PORT + number)
    message(client, again)
    close(client, again)
    fails(server.recv, 1)


def old_syn(lab, number):
    """A bare SYN with an old number reaches a server in TIME-WAIT."""
    port = OWN_PORT + number
    client, server = lab.pair(number, port)
    message(client, server)
    close(server, client)
    time.sleep(0.1)
    start = lab.spy.numbers("client", port, FIRST_PORT + number)[2] - 100_000
    lab.raw("client", tcp_octets(4, "client", (port, FIRST_PORT + number, start, 0), SYN))
    time.sleep(0.1)


def time_wait_reuse(lab, number):
    """A new connection from the same port; the server holds TIME-WAIT."""
    for _ in range(2):
        client, server = lab.pair(number, OWN_PORT + number)
        message(client, server)
        close(server, client)
        time.sleep(1.1)


def idle(cut):
    """A play: keep-alive, answered or not; `cut` says of a number whether it is cut off."""
    def body(lab, number):
        client, server = lab.pair(number)
        prober, other = (client, server) if number % 2 else (server, client)
        message(client, server)
        keepalive(prober, 1, 1, 1 + number % 3 if cut else 5)
        if cut:
            fails(prober.recv, 1)
        else:
            time.sleep(4.3)
            message(prober, other)
            close(prober, other)
    return body


def cut_off(lab):
    """Connections whose other end is cut off after the first message."""
    gate = lab.gate

    def switch(_, number):
        if number:
            idle(True)(lab, number)
        else:
            time.sleep(0.6)
            gate.losing = True

    lab.many(13, switch)
    time.sleep(0.1)


def user_timeout(lab):
    """TCP_USER_TIMEOUT: the sender gives up in silence; the other end learns later."""
    def body(_, number):
        if not number:
            time.sleep(0.5)
            lab.gate.losing = True
            time.sleep(3.2)
            lab.gate.losing = False
            return
        client, server = lab.pair(number)
        message(client, server)
        client.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 1500)
        time.sleep(0.7)
        client.sendall(b"t" * 400)
        fails(client.recv, 1)
        time.sleep(1.6)
        server.sendall(b"late")
        fails(server.recv, 1)

    lab.many(9, body)


def forged(kind):
    """A play: a segment that neither end has sent. `kind` makes (victim, numbers, flags)."""
    def body(lab, number):
        client, server = lab.pair(number)
        for _ in range(3):
            message(client, server)
            message(server, client)
        time.sleep(0.1)
        victim, numbers, flags = kind(lab, number, client.getsockname()[1])
        sender = "client" if victim == "server" else "server"
        lab.forge(sender, victim, tcp_octets(lab.family, sender, numbers, flags))
        time.sleep(0.1)
        quietly(message, client, server)
        quietly(message, server, client)
        time.sleep(0.1)
        quietly(close, client, server)
    return body


def at_number(flags, distance):
    """A forged segment whose sequence number is `distance` beyond the next one expected."""
    def kind(lab, number, port):
        victim = "server" if number % 2 else "client"
        ports = (port, FIRST_PORT + number) if victim == "server" else (FIRST_PORT + number, port)
        sender = "client" if victim == "server" else "server"
        *ports, following, ack = lab.spy.numbers(sender, *ports)
        return victim, (*ports, following + distance, ack), flags
    return kind


def armed(play, **rules):
    """A play whose lab has the given rules as attributes, made afresh and put in front."""
    def run(lab):
        for name, make in rules.items():
            rule = make()
            setattr(lab, name, rule)
            lab.forwarder.set_rules(rule, *lab.forwarder.rules)
        play(lab)
    return run


def fins_twice(number):
    """Every third connection loses its FIN three times."""
    return 3 if number % 3 == 1 else 1


def closes():
    """Ends without a reset."""
    yield Trial("closes", all_closes, "All orders of closing.")
    yield Trial("closes_v6", all_closes, "All orders of closing, IPv6.", family=6)
    yield Trial("simultaneous_close", many(8, together), "Both ends close at once.", delay=0.05)
    for family, count in ((4, 15), (6, 6)):
        tail = "" if family == 4 else "_v6"
        yield Trial("fin_lost" + tail, many(count, message_and_close), "The client's FIN is lost.",
                    {"c.rtx": count}, lambda _: (treat_flags("client", is_fin, times=fins_twice),),
                    family)
        yield Trial("last_ack_lost" + tail, many(count - 3, message_and_close),
                    "The ACK of the second FIN is lost.", {"s.rtx": count - 3},
                    lambda _: (last_ack_lost(),), family)


def last_ack_lost():
    """Loses the client's first pure ACK after its FIN."""
    closing, done = set(), set()

    def rule(who, segment):
        if who != "client":
            return None
        if is_fin(segment):
            closing.add(segment.sport)
        elif segment.is_pure_ack and segment.sport in closing - done:
            done.add(segment.sport)
            return Verdict(drop=True)
        return None

    return rule


def resets():
    """Resets by a socket call or in answer to a segment."""
    yield Trial("abort_unread", many(12, unread), "Close with data unread.", {"c.rst": 6})
    yield Trial("abort_unread_v6", many(4, unread), "Close with data unread, IPv6.", family=6)
    yield Trial("linger", many(12, linger), "SO_LINGER 0.", {"c.rst": 6})
    yield Trial("linger_in_flight", many(14, linger_in_flight),
                "SO_LINGER 0; the last data under way is lost.",
                {"c.rst": 22, "s.challenge_ack": 12},
                lambda _: (treat("client", (3300, 4300, 5300)),))
    yield Trial("linger_hole", many(8, linger_in_flight),
                "SO_LINGER 0; data in the middle is lost.", {"c.rst": 16},
                lambda _: (treat("client", (1300, )),))
    yield Trial("disconnect", many(12, broken), "connect(AF_UNSPEC).", {"c.rst": 6})
    yield Trial("abort_after_fin", many(12, abort_after_fin), "shutdown(), then SO_LINGER 0.",
                {"c.rst": 12})
    yield Trial("data_after_close", many(14, data_to_closed), "Data to a closed socket.",
                {"c.rst": 6, "s.rst": 6})
    yield Trial("linger2", many(12, linger2), "Negative TCP_LINGER2.", {"c.rst": 12})
    yield Trial("straggler", many(12, straggler), "A copy of data arrives after the close.",
                {"s.rst": 12}, lambda _: (treat_flags("client", has_data,
                                                      Verdict(copies=2, apart=0.3)),))
    yield Trial("half_open", many(14, state_lost), "One end has lost its state; data.",
                {"c.rst": 6, "s.rst": 6})
    yield Trial("half_open_v6", many(4, state_lost), "One end has lost its state; IPv6.", family=6)
    yield Trial("half_open_probe", many(12, state_lost_probed),
                "One end has lost its state; keep-alive.", {"c.rst": 6, "s.rst": 6})
    yield Trial("half_open_syn", many(12, comes_again), "The client has lost its state; SYN.",
                {"c.rst": 12, "s.challenge_ack": 12})


TRIALS = (
    *closes(),
    *resets(),
    Trial("time_wait_old_syn", armed(many(12, old_syn), spy=Spy),
          "An old SYN meets TIME-WAIT.", {"c.rst": 12, "s.timewait_ack": 12}),
    Trial("time_wait_reuse", many(6, time_wait_reuse), "A new SYN meets TIME-WAIT."),
    Trial("keepalive_answered", many(6, idle(False)), "Keep-alive, answered.",
          {"c.keepalive": 6, "s.keepalive": 6, "c.keepalive_ack": 6}),
    Trial("keepalive_answered_v6", many(4, idle(False)), "Keep-alive, answered; IPv6.",
          {"c.keepalive": 4}, family=6),
    Trial("keepalive_lost", many(6, idle(False)), "Keep-alive; some probes and answers are lost.",
          {"c.keepalive": 6},
          lambda _: (treat_flags("client", lambda s: s.is_pure_ack, times=1, skip=3),
                     treat_flags("server", lambda s: s.is_pure_ack, times=1, skip=2))),
    Trial("keepalive_timeout", armed(cut_off, gate=Gate), "Keep-alive, cut off.",
          {"c.rst": 5, "s.rst": 5}),
    Trial("keepalive_timeout_answers", armed(cut_off, gate=lambda: Gate(("server",))),
          "Keep-alive; only what the server sends is lost.", {"c.rst": 5}),
    Trial("user_timeout", armed(user_timeout, gate=Gate), "TCP_USER_TIMEOUT.", {"c.rst": 8}),
    Trial("forged_rst_in_window", armed(many(14, forged(at_number(RST, 400))), spy=Spy),
          "A forged RST inside the window is challenged.",
          {"c.challenge_ack": 7, "s.challenge_ack": 7}),
    Trial("forged_rst_outside", armed(many(8, forged(at_number(RST, -400))), spy=Spy),
          "A forged RST below the window is ignored."),
    Trial("forged_rst_exact", armed(many(12, forged(at_number(RST, 0))), spy=Spy),
          "A forged RST with the exact number is believed by one end.", {"c.rst": 6, "s.rst": 6}),
    Trial("forged_syn", armed(many(14, forged(at_number(SYN, 5000))), spy=Spy),
          "A forged SYN for a living connection is challenged.",
          {"c.challenge_ack": 7, "s.challenge_ack": 7}),
    Trial("forged_syn_v6", armed(many(4, forged(at_number(SYN, -5000))), spy=Spy),
          "A forged SYN for a living connection, IPv6.", {"c.challenge_ack": 2}, family=6),
    Trial("forged_ack", armed(many(6, forged(at_number(ACK, 700_000_000))), spy=Spy),
          "A forged ACK far outside the window."),
)
