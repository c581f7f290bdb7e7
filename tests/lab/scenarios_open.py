# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios about how a connection begins - or does not."""

import contextlib
import select
import socket
import time

from checks import (crossing_syns, data_completes_handshake, fast_open, icmp_quotes_syn, repeated,
                    silence_after_syns)
from forwarder import DROP, Verdict, every, nth, sent_by
from netlab import PORT, TIMEOUT, LabError
from packets import SYN, port_unreachable
from scenario import (HELLO, PAUSE, WORLD, Capture, Scenario, close_in_three, exchange,
                      expect_error, once, receive)

PEER_PORT = 40001       # the fixed port of 192.168.1.116 in the simultaneous open
HANDSHAKE = "c:S s:SA c:A "
EXCHANGE = "c:PA+ s:A s:PA+ c:A "
CLOSE_THREE = "c:FA s:FA c:A"


def is_syn_ack(segment):
    """True for the second segment of a handshake."""
    return segment.letters == "SA"


def syn_unanswered(lab):
    """All SYNs are lost until connect() gives up; later the host is back."""
    lab.sysctl("net.ipv4.tcp_syn_retries", 3)
    lab.sysctl("net.ipv4.tcp_syn_linear_timeouts", 0, optional=True)    # Linux >= 6.5
    listener = lab.listen()
    client = lab.socket("client")
    client.settimeout(30)
    lab.forwarder.up = False
    began = time.monotonic()
    expect_error(TimeoutError, client.connect, lab.address("server"))
    client.close()
    # SYNs at 0, 1, 3 and 7 s: silence until 22 s is well over 3 x the last gap of 4 s.
    time.sleep(max(0.0, began + 22 - time.monotonic()))
    lab.forwarder.up = True
    again = lab.connect()
    close_in_three(again, lab.accept(listener))


def refused(lab):
    """connect() to a port where nobody listens."""
    client = lab.socket("client")
    expect_error(ConnectionRefusedError, client.connect, lab.address("server"))


def synack_lost(lab):
    """The rules of the link lose the first SYN-ACK; the connection then goes on normally."""
    client, server, _ = lab.connected()
    exchange(client, server)
    close_in_three(client, server)


def handshake_ack_lost(lab):
    """The client is silent until the server has repeated its SYN-ACK."""
    listener = lab.listen()
    client = lab.connect()
    server = lab.accept(listener)       # returns only when the repeated ACK has come
    time.sleep(PAUSE)
    exchange(client, server)
    close_in_three(client, server)


def handshake_ack_lost_data(lab):
    """The client sends at once, so that its data completes the handshake."""
    listener = lab.listen()
    client = lab.connect()
    client.sendall(HELLO)
    server = lab.accept(listener)
    receive(server, HELLO)
    server.sendall(WORLD)
    receive(client, WORLD)
    close_in_three(client, server)


def simultaneous_open(lab):
    """Both sides connect() at the same moment; the link takes 50 ms."""
    one, two = lab.socket("client", PEER_PORT), lab.socket("server", PORT)
    for peer, target in ((one, lab.address("server")), (two, lab.address("client", PEER_PORT))):
        peer.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            peer.connect(target)
    waiting = {one, two}
    while waiting:
        _, ready, _ = select.select([], list(waiting), [], TIMEOUT)
        if not ready:
            raise LabError("the simultaneous open did not complete")
        waiting -= set(ready)
    for peer in (one, two):
        number = peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise LabError(f"the simultaneous open failed, error {number}")
        peer.settimeout(TIMEOUT)
    time.sleep(PAUSE)
    exchange(one, two)
    time.sleep(PAUSE)
    close_in_three(one, two)


def tcp_fast_open(lab):
    """Two connections by sendto(MSG_FASTOPEN); the second has a cookie."""
    lab.sysctl("net.ipv4.tcp_fastopen", 3)
    listener = lab.socket("server", PORT)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 8)
    listener.listen(8)
    for _ in range(2):
        client = lab.socket("client")
        client.setblocking(True)        # with a timeout, sendto() would not wait for the SYN-ACK
        client.sendto(HELLO, socket.MSG_FASTOPEN, lab.address("server"))
        client.settimeout(TIMEOUT)
        server = lab.accept(listener)
        receive(server, HELLO)
        server.sendall(WORLD)
        receive(client, WORLD)
        time.sleep(PAUSE)
        close_in_three(client, server)
        time.sleep(PAUSE)


def icmp_unreachable(lab):
    """The link answers the SYN in the name of a firewall on the server."""
    client = lab.socket("client")
    expect_error(ConnectionRefusedError, client.connect, lab.address("server"))


def first_ack_lost():
    """The rule that loses the first pure ACK of the client."""
    return nth(1, sent_by("client", lambda s: s.is_pure_ack), DROP)


COMPLETE = once("complete", "three_segment", "client", "client")

SCENARIOS = (
    Scenario(
        syn_unanswered,
        "connect() with tcp_syn_retries=3 over the TAP forwarder, which loses everything for "
        "22 s; then a second, short connection over the same link in good order.",
        (Capture(
            "syn-unanswered", flow="c:S c:S c:S c:S " + HANDSHAKE + CLOSE_THREE,
            shows="A SYN and its three repetitions stay without any answer; a later connection "
                  "to the same port proves that the silence lasted.",
            expected=(("unanswered", "open", "none", "none"), *COMPLETE),
            checks=(silence_after_syns, ),
            notes="SYNs 1, 2 and 4 s apart, then almost 15 s of silence; the first connection "
                  "never was established, so there is nothing to tear down."),),
        {"link": "tap"}),
    Scenario(
        refused, "connect() over a veth pair to a port on which nobody listens.",
        (Capture(
            "refused", flow="c:S s:RA",
            shows="A SYN is answered by a reset: nobody listens.",
            expected=once("refused", "rst", "server", "none"),
            notes="The reset belongs to the handshake; no connection was established."),)),
    Scenario(
        synack_lost,
        "Sockets over the TAP forwarder, which loses the first SYN-ACK (and brings the first SYN "
        "30 ms late, so that the client's SYN is repeated before the server's SYN-ACK).",
        tuple(Capture(
            name, point=point, flow=flow + EXCHANGE + CLOSE_THREE, expected=COMPLETE,
            shows=shows, checks=(repeated("S", 2), repeated("SA", copies)), notes=notes)
            for name, point, copies, flow, shows, notes in (
                ("synack-lost", "server", 2, "c:S s:SA c:S s:SA c:A ",
                 "The first SYN-ACK is lost on its way: the client repeats its SYN, the server "
                 "answers again, and the connection completes.",
                 "The lost SYN-ACK is in the capture, since it was lost behind the capture point."),
                ("synack-lost-client", "client", 1, "c:S c:S s:SA c:A ",
                 "The same loss seen by the client: its SYN seems to be unanswered once.", ""))),
        {"link": "tap"}, lambda: (
            nth(1, sent_by("client", lambda s: s.has(SYN)), Verdict(delay=0.03)),
            nth(1, sent_by("server", is_syn_ack), DROP))),
    Scenario(
        handshake_ack_lost,
        "Sockets over the TAP forwarder, which loses the client's first pure ACK; the client "
        "sends nothing until the server has repeated its SYN-ACK.",
        tuple(Capture(
            name, point=point, flow=flow + EXCHANGE + CLOSE_THREE, expected=COMPLETE,
            shows=shows, checks=(repeated("SA", 2), ), notes=notes)
            for name, point, flow, shows, notes in (
                ("handshake-ack-lost", "client", "c:S s:SA c:A s:SA c:A ",
                 "The last ACK of the handshake is lost on its way: the server repeats its "
                 "SYN-ACK after a second and the client acknowledges it again.",
                 "For the client the connection is established by its first ACK, for the server "
                 "only by the second."),
                ("handshake-ack-lost-server", "server", "c:S s:SA s:SA c:A ",
                 "The same loss seen by the server: its SYN-ACK is acknowledged only when "
                 "repeated.", ""))),
        {"link": "tap"}, lambda: (first_ack_lost(), )),
    Scenario(
        handshake_ack_lost_data,
        "Sockets over the TAP forwarder, which loses the client's first pure ACK; the client "
        "sends its data at once.",
        (Capture(
            "handshake-ack-lost-data", point="server",
            flow="c:S s:SA c:PA+ s:A s:PA+ c:A " + CLOSE_THREE,
            shows="The last ACK of the handshake is lost, and the client's first data completes "
                  "the handshake in its place.",
            expected=COMPLETE, checks=(data_completes_handshake, ),
            notes="Any segment that acknowledges the SYN-ACK completes the handshake "
                  "(RFC 9293, 3.10.7.4)."),),
        {"link": "tap"}, lambda: (first_ack_lost(), )),
    Scenario(
        simultaneous_open,
        "Both sides bind a fixed port and connect() to each other at the same moment over the TAP "
        "forwarder with 50 ms of delay in each direction.",
        (Capture(
            "simultaneous-open",
            flow="c:S s:S c:SA s:SA c:A? s:A? " + EXCHANGE + "c:FA s:FA c:A",
            shows="Two SYNs cross, each side answers the other's, and one connection comes of it.",
            expected=once("simultaneous", "three_segment", "peer", "peer"),
            checks=(crossing_syns, ),
            notes=f"There is no client and no server; 192.168.1.116 port {PEER_PORT} closes first "
                  "and holds TIME-WAIT."),),
        {"link": "tap", "delay": 0.05}),
    Scenario(
        tcp_fast_open,
        "Two connections by sendto(MSG_FASTOPEN) over a veth pair, tcp_fastopen=3 on both hosts.",
        (Capture(
            "tcp-fast-open",
            flow="c:S s:SA c:A? c:PA+ s:A s:PA+ c:A c:FA s:FA c:A "
                 "c:S+ s:SA s:PA+? c:A s:PA+? c:A? c:FA s:FA c:A",
            shows="The first connection asks for a Fast Open cookie and gets it; the SYN of the "
                  "second carries the cookie and data, which is accepted at once.",
            expected=COMPLETE + COMPLETE, checks=(fast_open, ),
            notes="Data in the second SYN counts: the SYN-ACK acknowledges it."),)),
    Scenario(
        icmp_unreachable,
        "connect() over the TAP forwarder, which loses the SYN and answers with ICMP type 3 code "
        "3 from the server's address, as a firewall that rejects does.",
        (Capture(
            "icmp-unreachable", flow="c:S s:icmp3/3",
            shows="A SYN is answered by an ICMP port unreachable that quotes it.",
            expected=once("unreachable", "open", "none", "none"), checks=(icmp_quotes_syn, ),
            notes="The ICMP error quotes the IP header and 8 octets of TCP; no connection was "
                  "established, so there is nothing to tear down."),),
        {"link": "tap"}, lambda: (
            every(sent_by("client", lambda s: s.has(SYN)),
                  Verdict(drop=True, answer=port_unreachable)), )),
)
