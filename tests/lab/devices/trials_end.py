# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets that the ends themselves send, on a path with routers, and healthy connections.

Every reset here is the end's: false friends of all that devices do.
"""

import os
import socket
import tempfile
import time

from devices.boxes import IdleTable
from devices.path import Shape
from devices.trial import HTTP, TLS, Trial, quietly, receive, reset

CALM_S = 0.12           # longer than a round trip
SERVER_PROGRAM = ("import socket,time;l=socket.socket();l.setsockopt(1,2,1);l.bind(('',{port}));"
                  "l.listen();print('up',flush=True);s,_=l.accept();s.recv(10);s.send(b'r'*100);"
                  "time.sleep(60)")


def closed_port(play):
    """Some ports are open, some are not."""
    listener = play.listen()
    play.finish(*play.pair(listener))
    for port in (81, 82, 8080):
        play.try_connect(port)


def abort(play, by_server, quiet):
    """Zero linger, at rest or with data in flight; then the other end goes on."""
    listener = play.listen()
    for number in range(5):
        client, server = play.pair(listener)
        play.talk(client, server, play.some())
        time.sleep(quiet)
        one, other = (server, client) if by_server else (client, server)
        if number % 2:
            quietly(other.sendall, b"x" * 300)
            quietly(one.sendall, b"y" * 20000)
        reset(one)
        time.sleep(CALM_S)
        quietly(other.sendall, b"z")
        time.sleep(CALM_S)
        other.close()


def unread(play):
    """A close that leaves octets unread."""
    listener = play.listen()
    for _ in range(5):
        client, server = play.pair(listener)
        play.talk(client, server, play.some())
        client.sendall(b"q" * play.chance.randrange(100, 20000))
        time.sleep(CALM_S)
        server.close()
        time.sleep(CALM_S)
        quietly(client.sendall, b"y")
        client.close()


def data_after_close(play):
    """The server closes, the client sends on."""
    listener = play.listen()
    for _ in range(5):
        client, server = play.pair(listener)
        play.talk(client, server, play.some())
        server.close()
        time.sleep(CALM_S)
        quietly(client.sendall, b"q" * 100)
        time.sleep(CALM_S)
        quietly(client.sendall, b"z")
        time.sleep(CALM_S)
        client.close()


def download(play, kind):
    """The client closes, or the server aborts, in the middle of a transfer."""
    listener = play.listen()
    for number in range(4):
        client, server = play.pair(listener)
        play.talk(client, server, 1)
        play.background(server.sendall, b"r" * 100000)
        receive(client, 5000 + 5000 * number)
        if kind == "abort":
            reset(server)
        client.close()
        time.sleep(2 * CALM_S)
        server.close()


def killed(play):
    """A program dies with octets unread; its system resets, and again what comes later."""
    for port in (90, 91, 92):
        program = play.path.spawn("server", "/usr/bin/python3", "-c",
                                  SERVER_PROGRAM.format(port=port))
        program.expect(b"up")
        client = play.caller()
        client.connect((play.address["server"], port))
        client.sendall(b"q" * 10)
        receive(client, 100)
        client.sendall(b"q" * 500)
        time.sleep(CALM_S)
        program.close()
        time.sleep(CALM_S)
        quietly(client.sendall, b"x")
        time.sleep(CALM_S)
        client.close()


def half_open(play):
    """The server has lost the connection, nobody told the client: its data draws a reset."""
    listener = play.listen()
    for _ in range(4):
        client, server = play.pair(listener)
        play.talk(client, server, play.some())
        play.path.losses.append(lambda wire, _, right: wire == 2 and not right)
        reset(server)
        time.sleep(CALM_S)
        play.path.losses.clear()
        quietly(client.sendall, b"q" * 200)
        time.sleep(CALM_S)
        client.close()


def keep_alive(opened, idle, interval, count):
    """Keep-alive probes of a socket, seconds."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, idle), (socket.TCP_KEEPINTVL, interval),
                          (socket.TCP_KEEPCNT, count)):
        opened.setsockopt(socket.IPPROTO_TCP, option, value)


def keepalive_dead(play):
    """The server falls silent; the client's keep-alive gives up."""
    listener = play.listen()
    pairs = [play.pair(listener) for _ in range(3)]
    for client, server in pairs:
        play.talk(client, server, 1)
        keep_alive(client, 1, 1, 2)
    play.path.losses.append(lambda wire, _, right: wire == 1 and right)
    time.sleep(4.5)


def cancel(play):
    """A client that gives up: its SYN-ACK meets a closed socket."""
    play.listen()
    for _ in range(4):
        caller = play.caller()
        caller.setblocking(False)
        caller.connect_ex((play.address["server"], HTTP))
        time.sleep(0.005)
        caller.close()
        time.sleep(2 * CALM_S)


def crossing(play):
    """Both ends abort at once: resets both ways that no device sent."""
    listener = play.listen()
    for number in range(4):
        client, server = play.pair(listener)
        play.talk(client, server, play.some())
        if number % 2:
            quietly(client.sendall, b"q" * 3000)
            quietly(server.sendall, b"r" * 3000)
        reset(client)
        reset(server)
        time.sleep(2 * CALM_S)


def delayed(play):
    """Requests are acknowledged by delayed ACKs only; the last one is answered by an abort."""
    listener = play.listen()
    for _ in range(4):
        client, server = play.pair(listener)
        for _ in range(6):
            client.sendall(b"q" * 20)
            receive(server, 20)
            time.sleep(0.09)
        client.sendall(b"q" * 20)
        receive(server, 20)
        reset(server)
        time.sleep(CALM_S)
        client.close()


def own_ttl(play, ttl):
    """A program sets its own TTL: what the system answers for it has another (a trap)."""
    listener = play.listen()
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    for number in range(4):
        client, server = play.pair(listener)
        play.talk(client, server, play.some())
        if number % 2:
            reset(server)
        server.close()
        time.sleep(CALM_S)
        quietly(client.sendall, b"q" * 100)
        time.sleep(CALM_S)
        client.close()


def route_change(play, more):
    """The route changes just before the reset: so many hops more."""
    listener, shape = play.listen(), play.shape
    for number in range(4):
        play.path.shape = shape
        client, server = play.pair(listener)
        play.talk(client, server, play.some())
        time.sleep(CALM_S)
        hops = (shape.hops[0], shape.hops[1] + more, shape.hops[2])
        play.path.shape = Shape(shape.delays, hops, shape.split)
        if number % 2:
            reset(server)
        server.close()
        time.sleep(CALM_S)
        quietly(client.sendall, b"q" * 100)
        time.sleep(CALM_S)
        client.close()


def own_firewall(play):
    """The server's own packet filter rejects: the host itself."""
    listener = play.listen()
    client, server = play.pair(listener)
    play.talk(client, server, 2)
    play.path.nft("server", "table inet f { chain c { type filter hook input priority 0; "
                            "tcp dport 80 reject with tcp reset; } }")
    quietly(client.sendall, b"q" * 100)
    time.sleep(CALM_S)
    for _ in range(3):
        play.try_connect(HTTP)


def translated(play):
    """r2 publishes the server under its own address; its other ports refuse in its own name."""
    outside = play.path.address["a1"]
    play.path.nft("r2", f"table ip n {{ chain p {{ type nat hook prerouting priority -100; "
                        f"ip daddr {outside} tcp dport 80-81 dnat to "
                        f"{play.address['server']}; }} }}")
    for port in (80, 81):
        play.owners[outside, port] = "server"
    listener = play.listen()
    for _ in range(4):
        client, server = play.pair(listener, to=outside)
        play.talk(client, server, play.some())
        reset(server)
        time.sleep(CALM_S)
        client.close()
    for port in (81, 99):
        play.try_connect(port, to=outside)


HAPROXY = """global
 maxconn 50
defaults
 timeout connect 2s
 timeout client {ms}ms
 timeout server {ms}ms
frontend web
 mode http
 bind {address}:8080
 http-request reject if {{ path_beg /bad }}
 default_backend web
backend web
 mode http
 server s {server}:80
listen raw
 mode tcp
 bind {address}:8081
 option nolinger
 server s {server}:80
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n" + b"r" * 300


def web_server(play, listener, number):
    """Answers so many connections, slowly or by a reset where the path says so."""
    def serve(opened):
        while True:
            asked = opened.recv(4096)
            if not asked:
                break
            if b"/slow" in asked:
                time.sleep(1.4)
            if b"/rst" in asked:
                reset(opened)
                return
            opened.sendall(ANSWER)
        opened.close()

    listener.settimeout(4)
    for _ in range(number):
        play.background(serve, play.accept(listener))


def haproxy(play):
    """HAProxy on r2: timeouts, rejects and resets of its own.  The proxy is the end."""
    listener = play.listen()
    with tempfile.NamedTemporaryFile("w", suffix=".cfg", encoding="ascii") as config:
        config.write(HAPROXY.format(ms=play.chance.randrange(600, 900),
                                    address=play.address["r2"], server=play.address["server"]))
        config.flush()
        os.chmod(config.name, 0o644)
        proxy = play.path.spawn("r2", "haproxy", "-f", config.name, "-db")
        deadline = time.monotonic() + 5
        while not play.path.namespaces["r2"].listens_on(8081) and time.monotonic() < deadline:
            time.sleep(0.02)
        play.background(web_server, play, listener, 40)
        for path in ("/a", "/slow", "/bad", "/rst", "/idle"):
            for port in (8080, 8081):
                quietly(ask_proxy, play, path, port)
        time.sleep(0.5)
        proxy.close()


def ask_proxy(play, path, port):
    """One connection to the proxy."""
    client = play.caller()
    client.settimeout(3)
    client.connect((play.address["r2"], port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    client.recv(2000)
    if path == "/idle":
        time.sleep(1.2)
    if path == "/a":
        client.sendall(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n"
                       + b"x" * 60000)
    time.sleep(CALM_S)
    client.sendall(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
    client.recv(2000)
    client.close()


def survives(play):
    """Silent for half a minute, and all is well; some are then closed, some aborted by an end."""
    listener = play.listen(TLS)
    pairs = [play.pair(listener) for _ in range(6)]
    for client, server in pairs:
        play.talk(client, server, 1 + play.some())
    time.sleep(play.chance.uniform(27, 33))
    for number, (client, server) in enumerate(pairs):
        if number < 4:
            play.talk(client, server, 1)
        if number % 2:
            reset(server)
            time.sleep(CALM_S)
            client.close()
        else:
            play.finish(client, server)
    time.sleep(CALM_S)


def kept_alive(play):
    """A device that forgets after 20 s, and keep-alives that come sooner."""
    play.path.attach(1, IdleTable(20, "reply"))
    listener = play.listen(TLS)
    pairs = [play.pair(listener) for _ in range(4)]
    for client, server in pairs:
        play.talk(client, server, 1 + play.some())
        keep_alive(client, 8, 8, 3)
    time.sleep(play.chance.uniform(27, 33))
    for client, server in pairs:
        play.talk(client, server, 1)
        play.finish(client, server)
    time.sleep(CALM_S)


def keepalive_race(play):
    """The server ends idle connections; a request crosses its FIN and is answered by a reset."""
    listener = play.listen()
    pairs = [play.pair(listener) for _ in range(4)]
    for client, server in pairs:
        play.talk(client, server, 1 + play.some())
    time.sleep(play.chance.uniform(26, 31))
    for client, server in pairs:
        server.close()
        time.sleep(play.shape.delays[1] / 2)
        quietly(client.sendall, b"q" * 300)
        time.sleep(2 * CALM_S)
        client.close()


def poller(play):
    """A client that asks the same every other second: no health check, it gets an answer."""
    listener = play.listen(8080)
    for _ in range(8):
        client, server = play.pair(listener)
        play.talk(client, server, 1)
        play.finish(client, server)
        time.sleep(1.3)


def clamped(play):
    """A router lowers the MSS of all SYNs; nothing is wrong."""
    play.path.nft("r1", "table inet f { chain c { type filter hook forward priority 0; "
                        "tcp flags syn tcp option maxseg size set 1300; } }")
    transfers(play)


def too_big(play):
    """A smaller MTU in the middle, and ICMP says so: path MTU discovery works."""
    play.path.namespaces["r2"].ip("link set a1 mtu 1400\n")
    transfers(play)


def masqueraded(play):
    """Behind address translation, and with the SACK option taken from the SYNs: all is well."""
    play.path.nft("r1", "table ip n { chain p { type nat hook postrouting priority 100; "
                        "oifname \"b0\" masquerade; } chain s { type filter hook forward "
                        "priority 0; tcp flags syn reset tcp option sack-perm; } }")
    play.owners[play.path.address["b0"]] = "client"
    transfers(play)


def transfers(play, size=60000):
    """Downloads of a healthy connection."""
    listener = play.listen()
    for number in range(4):
        client, server = play.pair(listener)
        play.talk(client, server, 1)
        play.background(server.sendall, b"r" * size)
        receive(client, size)
        if number == 3:
            reset(server)
            time.sleep(CALM_S)
        play.finish(client, server)
        time.sleep(CALM_S)


def by_proxy(play):
    """A SYN proxy before the server: the server's own resets come through it."""
    syn_proxy(play)
    listener = play.listen()
    for _ in range(4):
        client, server = play.pair(listener)
        play.talk(client, server, play.some())
        reset(server)
        time.sleep(CALM_S)
        client.close()


def syn_proxy(play):
    """Rules of a SYN proxy on r2 for the server's web ports."""
    play.path.nft("r2", "table ip x { chain p { type filter hook prerouting priority -300; "
                        "iifname \"a1\" tcp dport 80-81 tcp flags syn notrack; } "
                        "chain f { type filter hook forward priority 0; tcp dport 80-81 ct state "
                        "invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm; "
                        "ct state invalid drop; } }")
    play.sysctl("r2", "net.netfilter.nf_conntrack_tcp_loose", 0)


TRIALS = (
    Trial("end_closed_port", closed_port, "closed ports refuse"),
    Trial("end_abort_server", lambda p: abort(p, True, 0.05), "the server aborts"),
    Trial("end_abort_client", lambda p: abort(p, False, 0.05), "the client aborts"),
    Trial("end_abort_later", lambda p: abort(p, True, 1.2), "the server aborts after a silence"),
    Trial("end_unread", unread, "a close with octets unread"),
    Trial("end_data_after_close", data_after_close, "data after the other end's close"),
    Trial("end_download_closed", lambda p: download(p, "close"), "the client closes a download"),
    Trial("end_download_aborted", lambda p: download(p, "abort"), "the server aborts a download"),
    Trial("end_killed", killed, "a program dies"),
    Trial("end_half_open", half_open, "the server has lost the connection"),
    Trial("end_keepalive_dead", keepalive_dead, "keep-alive gives up"),
    Trial("end_cancel", cancel, "the client gives up before the SYN-ACK"),
    Trial("end_crossing", crossing, "both ends abort at once"),
    Trial("end_delayed", delayed, "only delayed ACKs, then an abort at once"),
    Trial("end_own_ttl255", lambda p: own_ttl(p, 255), "the program sets TTL 255 (trap)"),
    Trial("end_own_ttl40", lambda p: own_ttl(p, 40), "the program sets TTL 40 (trap)"),
    Trial("end_route_change1", lambda p: route_change(p, 1), "one hop more before the reset"),
    Trial("end_route_change3", lambda p: route_change(p, 3), "three hops more before the reset"),
    Trial("end_own_firewall", own_firewall, "the server's own packet filter rejects"),
    Trial("end_translated", translated, "a published server behind address translation"),
    Trial("end_haproxy", haproxy, "HAProxy is the end: timeouts, rejects, resets",
          tools={"haproxy": "haproxy"}),
    Trial("end_survives", survives, "half a minute of silence that nobody minds"),
    Trial("end_kept_alive", kept_alive, "keep-alives that come before the device's timeout"),
    Trial("end_keepalive_race", keepalive_race, "a request crosses the FIN after a silence"),
    Trial("end_poller", poller, "requests at equal intervals"),
    Trial("end_clamped", clamped, "MSS clamping"),
    Trial("end_too_big", too_big, "a smaller MTU that ICMP tells of"),
    Trial("end_masqueraded", masqueraded, "address translation; no SACK option"),
    Trial("end_syn_proxy", by_proxy, "the server aborts behind a SYN proxy"),
    *(Trial(f"end_v6_{name}", play, f"IPv6: {shows}", family=6) for name, play, shows in (
        ("closed_port", closed_port, "closed ports refuse"),
        ("abort_server", lambda p: abort(p, True, 0.05), "the server aborts"),
        ("abort_client", lambda p: abort(p, False, 0.05), "the client aborts"),
        ("data_after_close", data_after_close, "data after the other end's close"),
        ("half_open", half_open, "the server has lost the connection"),
        ("route_change3", lambda p: route_change(p, 3), "three hops more before the reset"),
        ("too_big", too_big, "a smaller MTU that ICMPv6 tells of"))),
)
