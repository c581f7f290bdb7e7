# SPDX-License-Identifier: GPL-2.0-or-later
"""Trials about the handshake: lost, refused, scanned, forged, with data."""

import select
import socket
import time

from forwarder import Verdict
from netlab import TIMEOUT, LabError
from packets import ACK, FIN, PSH, SYN
from trial import (FIRST_PORT, PAUSE, Trial, close, ethernet, fails, is_syn, is_synack,
                   many, message, quietly, read, reset, tcp_octets, treat_flags)

CLOSED_PORT = 7000      # nobody listens there, nor on the ports above it
RAW_PORT = 45000        # source ports of segments that no socket knows


def short(lab, number):
    """Open, one message each way, close."""
    client, server = lab.pair(number)
    message(client, server)
    message(server, client)
    close(client, server)


def refused(lab, number):
    """connect() to a closed port."""
    fails(lab.socket("client").connect, lab.address("server", CLOSED_PORT + number))


def silent_client(lab, number):
    """The client says nothing after the handshake until the server's timer has fired."""
    client, server = lab.pair(number)
    time.sleep(PAUSE)
    message(client, server)
    close(client, server)


def gives_up(lab, number):
    """The client gives up before the SYN-ACK, which the link holds up, arrives."""
    lab.listen(FIRST_PORT + number)
    client = lab.socket("client")
    client.setblocking(False)
    quietly(client.connect, lab.address("server", FIRST_PORT + number))
    time.sleep(0.2)
    client.close()
    time.sleep(0.7)


def listener_closes(lab, number):
    """The listener is gone when the handshake's last ACK, which the link holds up, arrives."""
    listener = lab.listen(FIRST_PORT + number)
    client = lab.socket("client")
    client.connect(lab.address("server", FIRST_PORT + number))
    time.sleep(0.1)
    listener.close()
    fails(client.recv, 1)


def overflow(lab, number):
    """A queue for one connection, and a server that says so by RST."""
    listener = lab.socket("server", FIRST_PORT + number)
    listener.listen(1)
    lab.socket("client").connect(lab.address("server", FIRST_PORT + number))
    clients = [lab.socket("client") for _ in range(2)]
    for client in clients:
        client.setblocking(False)
        quietly(client.connect, lab.address("server", FIRST_PORT + number))
    time.sleep(PAUSE)


def fast_open(lab, count, octets, settle=None):
    """Connections whose SYN carries data; the first two get and prove the cookie."""
    listener = lab.socket("server", FIRST_PORT)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 8)
    listener.listen(8)
    for number in range(count):
        client = lab.socket("client")
        client.setblocking(True)
        client.sendto(b"f" * octets, socket.MSG_FASTOPEN, lab.address("server", FIRST_PORT))
        client.settimeout(TIMEOUT)
        server = lab.accept(listener)
        read(server, octets)
        message(server, client)
        close(client, server)
        if number == 1 and settle:
            settle()


def fast_open_refused(lab):
    """After two connections the server no longer takes data in a SYN."""
    def switch_off():
        lab.namespaces["server"].sysctl("net.ipv4.tcp_fastopen", 0)

    lab.sysctl("net.ipv4.tcp_fastopen", 3)
    fast_open(lab, 26, 500, switch_off)


def fast_open_lost(lab):
    """The SYN with data is lost; it is repeated without."""
    lab.sysctl("net.ipv4.tcp_fastopen", 3)
    fast_open(lab, 9, 700)


def fast_open_syn_lost():
    """Loses each SYN that carries data, from the second such connection on."""
    seen = set()

    def rule(who, segment):
        if who != "client" or not segment.has(SYN) or not segment.payload:
            return None
        seen.add(segment.sport)
        return Verdict(drop=len(seen) > 1)

    return rule


def simultaneous_open(lab, number):
    """Both ends connect to each other at the same moment."""
    ports = {"client": 40000 + number, "server": FIRST_PORT + number}
    ends = {host: lab.socket(host, port) for host, port in ports.items()}
    for host, peer in (("client", "server"), ("server", "client")):
        ends[host].setblocking(False)
        quietly(ends[host].connect, lab.address(peer, ports[peer]))
    for end in ends.values():
        if not select.select([], [end], [], TIMEOUT)[1]:
            raise LabError("the simultaneous open did not complete")
        end.settimeout(TIMEOUT)
    time.sleep(PAUSE)
    message(ends["client"], ends["server"])
    message(ends["server"], ends["client"])
    close(*(ends.values() if number % 2 else reversed(ends.values())))


def syn_scan(lab):
    """Bare SYNs of a raw socket: 14 open ports, 20 closed ones."""
    for number in range(14):
        lab.listen(FIRST_PORT + number)
    ports = [FIRST_PORT + n for n in range(14)] + [CLOSED_PORT + n for n in range(20)]
    lab.chance.shuffle(ports)
    for number, port in enumerate(ports):
        start = lab.chance.getrandbits(32)
        lab.raw("client", tcp_octets(4, "client", (RAW_PORT + number % 3, port, start, 0), SYN,
                                     1024, options=b"\x02\x04\x05\xb4"))
        time.sleep(0.005)
    time.sleep(PAUSE)


def connect_scan(lab):
    """connect() to open and closed ports, then away at once, by RST or by FIN."""
    for number in range(16):
        lab.listen(FIRST_PORT + number)
    for number in range(40):
        client = lab.socket("client")
        if number % 5 < 2:
            client.connect(lab.address("server", FIRST_PORT + number // 5 * 2 + number % 5))
            if number % 5:
                client.close()
            else:
                reset(client)
        else:
            fails(client.connect, lab.address("server", CLOSED_PORT + number))
    time.sleep(PAUSE)


def stray(lab):
    """Segments that belong to no connection, to closed and to listening ports."""
    lab.listen(FIRST_PORT)
    for number in range(3):
        for flags in (0, FIN, ACK, FIN | ACK, PSH | ACK, FIN | PSH | 0x20, SYN | FIN):
            for port in (CLOSED_PORT + number, FIRST_PORT):
                numbers = (RAW_PORT + flags * 4 + number, port, lab.chance.getrandbits(32),
                           lab.chance.getrandbits(32) if flags & ACK else 0)
                payload = b"stray" if flags & PSH else b""
                lab.raw("client", tcp_octets(4, "client", numbers, flags, 2048, payload))
                time.sleep(0.004)
    time.sleep(PAUSE)


def unasked_synack(lab):
    """SYN-ACKs to which nobody sent a SYN."""
    for number in range(12):
        lab.raw("server", tcp_octets(4, "server", (443, RAW_PORT + number,
                                                   lab.chance.getrandbits(32),
                                                   lab.chance.getrandbits(32)), SYN | ACK))
        time.sleep(0.01)
    time.sleep(PAUSE)


def wrong_synack(chance):
    """The link answers each first SYN by a SYN-ACK with a wrong number, then lets it pass."""
    seen = set()

    def rule(who, segment):
        if who != "client" or not is_syn(segment) or segment.sport in seen:
            return None
        seen.add(segment.sport)
        numbers = (segment.dport, segment.sport, chance.getrandbits(32),
                   segment.seq - chance.randrange(10_000, 1_000_000))
        forged = ethernet(4, "server", tcp_octets(4, "server", numbers, SYN | ACK))
        return Verdict(answer=lambda frame: forged)

    return (rule,)


def lost(sender, test, times=1):
    """Rules that lose the first segments of a kind."""
    return lambda _: (treat_flags(sender, test, times=times),)


def first_acks(segment):
    """The client's segments that acknowledge and carry nothing."""
    return segment.is_pure_ack


def once_or_twice(number):
    """Every other connection suffers twice."""
    return 1 + number % 2


def handshakes():
    """Lost segments of the handshake, for both versions of IP."""
    for family, count in ((4, 14), (6, 6)):
        tail = "" if family == 4 else "_v6"
        yield Trial("syn_lost" + tail, many(count, short), "The first one or two SYNs are lost.",
                    {"c.rtx_syn": count}, lost("client", is_syn, once_or_twice), family)
        yield Trial("synack_lost" + tail, many(count, short),
                    "The first one or two SYN-ACKs are lost.", {"s.rtx_synack": count},
                    lost("server", is_synack, once_or_twice), family)
        yield Trial("handshake_ack_lost" + tail, many(count - 2, silent_client),
                    "The handshake's last ACK is lost and the client is silent.",
                    {"s.rtx_synack": count - 2, "c.challenge_ack": count - 2},
                    lost("client", first_acks), family)
        yield Trial("refused" + tail, many(count, refused), "SYNs to closed ports.",
                    {"s.rst": count}, family=family)


TRIALS = (
    *handshakes(),
    Trial("synack_late", many(14, gives_up), "The client has given up when the SYN-ACK comes.",
          {"c.rst": 12}, lambda _: (treat_flags("server", is_synack, Verdict(delay=0.5), 9),)),
    Trial("listener_closed", many(14, listener_closes),
          "The listener is closed before the handshake's last ACK arrives.", {"s.rst": 12},
          lambda _: (treat_flags("client", first_acks, Verdict(delay=0.3)),)),
    Trial("queue_overflow", many(14, overflow),
          "A full queue answers the handshake's last ACK by RST.", {"s.rst": 10}, sysctl={"net.ipv4.tcp_abort_on_overflow": 1}),
    Trial("fast_open_refused", fast_open_refused,
          "The server takes the SYN but not the data in it.", {"c.rtx_syn_data": 22}),
    Trial("fast_open_lost", fast_open_lost, "The SYN with data is lost and repeated without.",
          {"c.rtx_syn_data": 6}, lambda _: (fast_open_syn_lost(),)),
    Trial("simultaneous_open", many(6, simultaneous_open, 0.02), "Both ends open at once.",
          delay=0.05),
    Trial("syn_scan", syn_scan, "A scan by bare SYNs; the kernel resets what answers.",
          {"c.rst": 12, "s.rst": 18}),
    Trial("connect_scan", connect_scan, "A scan by connect(), ended by RST or FIN.",
          {"c.rst": 7, "s.rst": 20}),
    Trial("stray_segments", stray, "Segments without a connection.", {"s.rst": 24}),
    Trial("synack_unasked", unasked_synack, "SYN-ACKs that answer nothing.", {"c.rst": 12}),
    Trial("synack_wrong", many(12, short), "A SYN-ACK with a wrong number comes first.",
          {"c.rst": 12}, wrong_synack),
    Trial("data_completes", many(8, short),
          "The handshake's last ACK is lost and data completes the handshake.", {},
          lost("client", first_acks)),
    Trial("synack_lost_data", many(8, short), "A SYN-ACK is late, its repetition is not needed.",
          {"c.rtx_syn": 6}, lambda _: (treat_flags("server", is_synack, Verdict(delay=1.2)),)),
)
