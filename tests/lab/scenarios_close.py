# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios about how a connection lasts and ends."""

import signal
import socket
import struct
import time

from checks import (crossing_fins, fin_before_handshake_ack, keepalive_probes, reset_answers_data,
                    same_ports)
from forwarder import Verdict, nth, sent_by
from packets import FIN
from scenario import (HELLO, PAUSE, Capture, Scenario, close_in_three, exchange, expect_error,
                      nc_client, nc_exchange, nc_server, once, receive, receive_end)

FIXED_PORT = 40002      # the client's port where it is used twice
HANDSHAKE = "c:S s:SA c:A "
EXCHANGE = "c:PA+ s:A s:PA+ c:A "


def nc_three(lab):
    """`nc` to `nc`; a listening nc closes at once when its peer does."""
    server = nc_server(lab)
    client = nc_client(lab)
    nc_exchange(client, server)
    time.sleep(PAUSE)
    client.stdin.close()
    client.wait()
    server.wait()


def nc_four(lab):
    """The same with `nc -i 1` as the server: it looks at its socket once a second only."""
    server = nc_server(lab, "-i", "1")
    client = nc_client(lab)
    nc_exchange(client, server)
    time.sleep(PAUSE)
    client.stdin.close()
    client.wait()
    server.wait()


def peer_killed_fin(lab):
    """SIGKILL for a server process that has read all."""
    server = nc_server(lab)
    client = lab.connect()
    client.sendall(HELLO)
    server.expect(HELLO)
    time.sleep(PAUSE)
    server.signal(signal.SIGKILL)
    receive_end(client)
    time.sleep(PAUSE)
    client.close()


def peer_killed_rst(lab):
    """SIGKILL for a server process that has something still to read."""
    server = nc_server(lab)
    client = lab.connect()
    client.sendall(HELLO)
    server.expect(HELLO)
    server.signal(signal.SIGSTOP)
    server.wait_stopped()
    client.sendall(HELLO)
    time.sleep(PAUSE)
    server.signal(signal.SIGKILL)
    expect_error(ConnectionResetError, client.recv, 1)


def peer_restarted(lab):
    """The server's host loses power between two messages of the client."""
    client, server, _ = lab.connected()
    exchange(client, server)
    time.sleep(PAUSE)
    lab.restart_server()
    client.sendall(HELLO)
    expect_error(ConnectionResetError, client.recv, 1)


def close_at_once(lab):
    """The client connects and closes; the server closes when it reads the end."""
    listener = lab.listen()
    lab.connect().close()
    server = lab.accept(listener)
    receive_end(server)
    server.close()


def close_both(lab):
    """Both ends close as soon as they have the connection; the link has rules."""
    listener = lab.listen()
    lab.connect().close()
    lab.accept(listener).close()


def simultaneous_close(lab):
    """Both ends close at the same moment; the link takes 50 ms."""
    client, server, _ = lab.connected()
    exchange(client, server)
    time.sleep(PAUSE)
    client.close()
    server.close()


def half_close(lab):
    """The client says that it will send no more, the server goes on sending."""
    client, server, _ = lab.connected()
    client.sendall(HELLO)
    receive(server, HELLO)
    client.shutdown(socket.SHUT_WR)
    receive_end(server)
    for number in range(1, 4):
        line = b"line %d\n" % number
        server.sendall(line)
        receive(client, line)
        time.sleep(PAUSE)
    server.close()
    receive_end(client)
    client.close()


def time_wait_reuse_client(lab):
    """Two connections from one port; the client closes first and holds TIME-WAIT."""
    lab.sysctl("net.ipv4.tcp_tw_reuse", 1)
    listener = lab.listen()
    for _ in range(2):
        client = lab.connect(FIXED_PORT)
        server = lab.accept(listener)
        exchange(client, server)
        close_in_three(client, server)
        time.sleep(1.5)         # tcp_tw_reuse wants a second between the two


def time_wait_reuse_server(lab):
    """Two connections from one port; the server closes the first and holds TIME-WAIT."""
    listener = lab.listen()
    client = lab.connect(FIXED_PORT)
    server = lab.accept(listener)
    exchange(client, server)
    close_in_three(server, client)
    time.sleep(PAUSE / 4)
    client = lab.connect(FIXED_PORT)
    server = lab.accept(listener)
    exchange(client, server)
    close_in_three(client, server)


def with_keepalive(lab):
    """A connection that has exchanged data; the client probes each second."""
    client, server, _ = lab.connected()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    exchange(client, server)
    return client, server


def keepalive_answered(lab):
    """Idle long enough for three probes, then a normal close."""
    client, server = with_keepalive(lab)
    time.sleep(3.6)
    close_in_three(client, server)


def keepalive_unanswered(lab):
    """The cable is pulled; the client gives up after four probes."""
    client, _ = with_keepalive(lab)
    time.sleep(PAUSE)
    lab.forwarder.up = False
    expect_error(TimeoutError, client.recv, 1)


def linger_reset(lab):
    """The client asks for a reset in place of a FIN."""
    client, server, _ = lab.connected()
    exchange(client, server)
    time.sleep(PAUSE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    expect_error(ConnectionResetError, server.recv, 1)


def abort_unread(lab):
    """The client closes although it has not read the server's answer."""
    client, server, _ = lab.connected()
    client.sendall(HELLO)
    receive(server, HELLO)
    server.sendall(HELLO)
    time.sleep(PAUSE)
    client.close()
    expect_error(ConnectionResetError, server.recv, 1)


def data_after_close(lab):
    """The server has closed for good, and the client sends once more."""
    client, server, _ = lab.connected()
    exchange(client, server)
    time.sleep(PAUSE)
    server.close()
    receive_end(client)
    time.sleep(PAUSE)
    client.sendall(HELLO)
    time.sleep(PAUSE)
    client.close()


def client_fin_waits_for_server_fin():
    """The rule: the client's FIN is held until the server's has been sent."""
    return nth(1, sent_by("client", lambda s: s.has(FIN)),
               Verdict(until=sent_by("server", lambda s: s.has(FIN))))


def client_ack_waits_for_its_fin():
    """The rule: the client's first pure ACK is held until its FIN has passed."""
    return nth(1, sent_by("client", lambda s: s.is_pure_ack),
               Verdict(until=sent_by("client", lambda s: s.has(FIN))))


THREE = once("complete", "three_segment", "client", "client")
FOUR = once("complete", "four_segment", "client", "client")

NC = (
    Scenario(
        nc_three, "nc -N and nc -l over a veth pair; the listening nc closes on the FIN.",
        (Capture(
            "nc-three-segment-close", flow=HANDSHAKE + EXCHANGE + "c:FA s:FA c:A",
            shows="A netcat conversation: handshake, one line each way, and a close of three "
                  "segments.", expected=THREE),)),
    Scenario(
        nc_four,
        "nc -N and nc -l -i 1 over a veth pair; with -i 1 the listening nc notices the FIN up to "
        "a second later.",
        (Capture(
            "nc-four-segment-close", flow=HANDSHAKE + EXCHANGE + "c:FA s:A s:FA c:A",
            shows="A netcat conversation: handshake, one line each way, and a close of four "
                  "segments.", expected=FOUR,
            notes="The server's kernel acknowledges the FIN 40 ms later, its application closes "
                  "after that."),)),
    Scenario(
        nc_four, "nc -6 -N and nc -6 -l -i 1 over a veth pair; the listening nc closes late.",
        (Capture(
            "ipv6-close", flow=HANDSHAKE + EXCHANGE + "c:FA s:A s:FA c:A",
            shows="The same conversation and close of four segments over IPv6.", expected=FOUR),),
        {"family": 6}),
)

PEER_GONE = (
    Scenario(
        peer_killed_fin,
        "A client socket and nc -l over a veth pair; nc is killed by SIGKILL when it has read "
        "all, and the client closes 0.2 s after it has read the end.",
        (Capture(
            "peer-killed-fin", flow=HANDSHAKE + "c:PA+ s:A s:FA c:A c:FA s:A",
            shows="The server process is killed with nothing unread: its kernel closes with a FIN, "
                  "as if the application had closed.",
            expected=once("complete", "four_segment", "server", "server"),
            notes="The packets cannot tell a killed process from one that closes."),)),
    Scenario(
        peer_killed_rst,
        "A client socket and nc -l over a veth pair; nc is stopped by SIGSTOP, the client sends "
        "again, and nc is killed by SIGKILL.",
        (Capture(
            "peer-killed-rst", flow=HANDSHAKE + "c:PA+ s:A c:PA+ s:A s:RA",
            shows="The server process is killed with data unread: its kernel resets the "
                  "connection.",
            expected=once("complete", "rst", "server", "none")),)),
    Scenario(
        peer_restarted,
        "Sockets over the TAP forwarder; the server's namespace is destroyed and made again with "
        "the same address while nothing is forwarded; then the client sends.",
        (Capture(
            "peer-restarted", flow=HANDSHAKE + EXCHANGE + "c:PA+ s:R",
            shows="The server's host goes away without a sound and comes back without memory: "
                  "it answers the client's next data with a reset.",
            expected=once("complete", "rst", "server", "none"), checks=(reset_answers_data, )),),
        {"link": "tap"}),
    Scenario(
        data_after_close,
        "Sockets over a veth pair; the server closes with close(), 0.2 s later the client sends.",
        (Capture(
            "data-after-close", flow=HANDSHAKE + EXCHANGE + "s:FA c:A c:PA+ s:R",
            shows="The server has closed entirely, not only its sending half: data that comes "
                  "afterwards is answered by a reset.",
            expected=once("complete", "fin_rst", "server", "none"),
            checks=(reset_answers_data, )),)),
    Scenario(
        linger_reset, "Sockets over a veth pair; the client closes with SO_LINGER on and 0 s.",
        (Capture(
            "linger-reset", flow=HANDSHAKE + EXCHANGE + "c:RA",
            shows="The client ends the connection by a reset after an exchange of data.",
            expected=once("complete", "rst", "client", "none")),)),
    Scenario(
        abort_unread,
        "Sockets over a veth pair; the client closes while the server's answer is still unread.",
        (Capture(
            "abort-unread", flow=HANDSHAKE + EXCHANGE + "c:RA",
            shows="The client closes with data unread, so its kernel resets the connection.",
            expected=once("complete", "rst", "client", "none")),)),
)

CLOSING = (
    Scenario(
        close_at_once,
        "Sockets over a veth pair; the client closes as soon as connect() returns, the server when "
        "it reads the end.",
        (Capture(
            "close-at-once", flow=HANDSHAKE + "c:FA s:FA c:A",
            shows="A connection without any data: handshake and close.", expected=THREE),)),
    Scenario(
        close_both,
        "Sockets over the TAP forwarder with 50 ms of delay in each direction; both ends close "
        "at once, and the client's FIN is held until the server's FIN has been sent.",
        (Capture(
            "close-both-ack-first", point="server",
            flow=HANDSHAKE + "s:FA c:FA s:A c:A",
            shows="Both ends close as soon as they are connected; the handshake's last ACK arrives "
                  "before the client's FIN, and the two FINs cross.",
            expected=once("complete", "simultaneous", "both", "both"), checks=(crossing_fins, )),),
        {"link": "tap", "delay": 0.05}, lambda: (client_fin_waits_for_server_fin(), )),
    Scenario(
        close_both,
        "Sockets over the TAP forwarder, which holds the client's pure ACK until its FIN has "
        "passed; both ends close at once.",
        (Capture(
            "close-both-fin-first", point="server",
            flow="c:S s:SA c:FA c:A? s:FA c:A? s:A? c:A",
            shows="Both ends close as soon as they are connected; the client's FIN overtakes the "
                  "handshake's last ACK and completes the handshake itself.",
            expected=THREE, checks=(fin_before_handshake_ack, ),
            notes="The FINs cannot cross: the server has no connection to close before the "
                  "client's FIN has arrived."),),
        {"link": "tap"}, lambda: (client_ack_waits_for_its_fin(), )),
    Scenario(
        simultaneous_close,
        "Sockets over the TAP forwarder with 50 ms of delay in each direction; both ends close at "
        "the same moment.",
        (Capture(
            "simultaneous-close", flow=HANDSHAKE + EXCHANGE + "c:FA s:FA c:A s:A",
            shows="After an exchange of data both ends close at the same time; the two FINs cross.",
            expected=once("complete", "simultaneous", "both", "both"), checks=(crossing_fins, )),),
        {"link": "tap", "delay": 0.05}),
    Scenario(
        half_close,
        "Sockets over a veth pair; the client calls shutdown(SHUT_WR), the server sends three "
        "lines 0.2 s apart and closes.",
        (Capture(
            "half-close",
            flow=HANDSHAKE + "c:PA+ s:A c:FA s:A? s:PA+ c:A s:PA+ c:A s:PA+ c:A s:FA c:A",
            shows="The client closes its half; the server goes on sending and closes later.",
            expected=once("complete", "half_close", "client", "client")),)),
)

LASTING = (
    Scenario(
        time_wait_reuse_client,
        "Sockets over a veth pair, tcp_tw_reuse=1; two connections from the same client port 1.5 s "
        "apart, the client closes first.",
        (Capture(
            "time-wait-reuse-client", flow=2 * (HANDSHAKE + EXCHANGE + "c:FA s:FA c:A "),
            shows="The client, which holds TIME-WAIT, uses the same port for a second connection.",
            expected=THREE + THREE, checks=(same_ports, )),)),
    Scenario(
        time_wait_reuse_server,
        "Sockets over a veth pair; the server closes the first connection, the client at once "
        "connects again from the same port and closes the second.",
        (Capture(
            "time-wait-reuse-server",
            flow=HANDSHAKE + EXCHANGE + "s:FA c:FA s:A " + HANDSHAKE + EXCHANGE + "c:FA s:FA c:A",
            shows="The server, which holds TIME-WAIT, accepts a new SYN from the same port.",
            expected=once("complete", "three_segment", "server", "server") + THREE,
            checks=(same_ports, )),)),
    Scenario(
        keepalive_answered,
        "Sockets over a veth pair; SO_KEEPALIVE with TCP_KEEPIDLE=1 and TCP_KEEPINTVL=1 at the "
        "client, 3.6 s of idleness, then a close.",
        (Capture(
            "keepalive-answered",
            flow=HANDSHAKE + EXCHANGE + "c:A s:A c:A s:A c:A s:A c:FA s:FA c:A",
            shows="Three keepalive probes of an idle client are answered; then a normal close.",
            expected=THREE, checks=(keepalive_probes(3, True), )),)),
    Scenario(
        keepalive_unanswered,
        "Sockets over the TAP forwarder, which from then on loses everything; SO_KEEPALIVE with "
        "TCP_KEEPIDLE=1, TCP_KEEPINTVL=1 and TCP_KEEPCNT=4 at the client.",
        (Capture(
            "keepalive-unanswered", flow=HANDSHAKE + EXCHANGE + "c:A c:A c:A c:A c:RA",
            shows="Four keepalive probes stay unanswered, and the client resets the connection.",
            expected=once("complete", "rst", "client", "none"),
            checks=(keepalive_probes(4, False), ),
            notes="The reset, too, never reaches the server."),),
        {"link": "tap"}),
)

SCENARIOS = CLOSING + PEER_GONE + LASTING
