# SPDX-License-Identifier: GPL-2.0-or-later
"""What the two programs do. Each says when it slept, so that nobody has to guess what the connection waited for.

A scenario is (client program, server program, settings). A program gets (log, socket); it reads all that comes before it ends."""

import functools
import socket
import time

import waits.link as link

SCENARIOS = {}


class Log:
    """(class, from, to) by the clock of the captures."""

    def __init__(self):
        self.rows = []

    def sleep(self, what, seconds):
        begin = link.now()
        time.sleep(seconds)
        self.rows.append((what, begin, link.now()))


def need(peer, octets):
    """Read exactly so many."""
    while octets > 0:
        octets -= len(peer.recv(min(octets, 65536)) or b"-" * octets)


def drain(peer):
    """Read until the other end has closed."""
    while peer.recv(65536):
        pass


def scenario(legs, **settings):
    """Adds what the function returns, (client, server). legs: seconds (client, server); settings: see record."""

    def add(function):
        SCENARIOS[function.__name__] = (*function(), dict(settings, legs=dict(zip(("client", "server"), legs))))
        return function

    return add


def rounds(times, think_client, think_server, request=300, answer=3000):
    """Requests and answers, with time to think for both."""

    def client(log, peer):
        for i in range(times):
            peer.sendall(b"q" * request)
            need(peer, answer)
            if i < times - 1 and think_client:
                log.sleep("client", think_client * (0.6 + 0.1 * (i % 7)))

    def server(log, peer):
        for i in range(times):
            need(peer, request)
            if think_server:
                log.sleep("server", think_server * (0.5 + 0.15 * (i % 6)))
            peer.sendall(b"a" * answer)
        drain(peer)

    return client, server


def download(total, chunk=65536, pause=0.0, reader=None):
    """The server sends; `pause` after each chunk; the reader reads as it likes."""

    def client(log, peer):
        peer.sendall(b"GET /")
        (reader or (lambda _log, other: drain(other)))(log, peer)

    def server(log, peer):
        need(peer, 5)
        for at in range(0, total, chunk):
            peer.sendall(b"d" * min(chunk, total - at))
            if pause and at + chunk < total:
                log.sleep("server", pause)
        peer.shutdown(socket.SHUT_WR)
        drain(peer)

    return client, server


def pausing_reader(octets, pause, log, peer):
    """Reads so many octets, does something else, reads on; what counts is whether that closes the window, by TCP_INFO."""
    try:
        while True:
            need(peer, octets) if octets > 65536 else None
            if not peer.recv(octets):
                return
            time.sleep(pause)
    except OSError:
        return


@scenario((0.002, 0.044))
def server_thinks():
    return rounds(8, 0, 0.27)


@scenario((0.031, 0.003))
def client_thinks():
    return rounds(8, 0.4, 0)


@scenario((0.018, 0.018))
def both_think():
    return rounds(7, 0.35, 0.22)


@scenario((0.0, 0.0))
def local_thinks():
    return rounds(15, 0.03, 0.04)


@scenario((0.009, 0.026), receive_buffer=4096)
def small_buffer():
    return download(150_000)


@scenario((0.014, 0.021))
def slow_reader():
    return download(500_000, reader=functools.partial(pausing_reader, 16384, 0.06))


@scenario((0.021, 0.006), nagle=True)
def nagle_holds():
    def client(log, peer):
        for _ in range(20):
            peer.sendall(b"h" * 90)
            begin = link.now()
            peer.sendall(b"b" * 160)
            log.rows.append(("second_write", begin, begin))
            need(peer, 250)

    def server(_log, peer):
        for _ in range(20):
            need(peer, 250)
            peer.sendall(b"r" * 250)
        drain(peer)

    return client, server


@scenario((0.011, 0.029), plan=lambda: link.random_loss(31, {"server": 0.012}, "client"))
def loss_after():
    return download(500_000)


@scenario((0.026, 0.012), plan=lambda: link.random_loss(37, {"server": 0.02}, "server"))
def loss_before():
    return download(400_000)


@scenario((0.017, 0.008), plan=lambda: link.random_loss(41, {"server": 0.04, "client": 0.04}, "client"))
def loss_in_turns():
    return rounds(30, 0, 0.03, 300, 5000)


@scenario((0.024, 0.004), plan=lambda: link.numbered_loss({("client", "syn"): {1}, ("server", "syn"): {1}}, "server"))
def syn_lost():
    return rounds(3, 0.1, 0.12)


@scenario((0.013, 0.037))
def slow_writer():
    return download(200_000, chunk=9000, pause=0.09)


@scenario((0.019, 0.011), keepalive=1)
def long_poll():
    def client(log, peer):
        peer.sendall(b"poll")
        need(peer, 400)
        log.sleep("idle", 3.2)

    def server(log, peer):
        need(peer, 4)
        log.sleep("server", 4.1)
        peer.sendall(b"n" * 400)
        drain(peer)

    return client, server


@scenario((0.007, 0.022))
def half_close():
    def client(_log, peer):
        peer.sendall(b"q" * 400)
        peer.shutdown(socket.SHUT_WR)
        drain(peer)

    def server(log, peer):
        drain(peer)
        log.sleep("server", 0.55)
        peer.sendall(b"r" * 90_000)

    return client, server


@scenario((0.016, 0.023))
def upload():
    def client(_log, peer):
        peer.sendall(b"u" * 700_000)
        need(peer, 12)

    def server(log, peer):
        need(peer, 700_000)
        log.sleep("server", 0.6)
        peer.sendall(b"o" * 12)
        drain(peer)

    return client, server


@scenario((0.012, 0.004), plan=lambda: link.bottleneck(400_000))
def queue():
    return download(500_000)


@scenario((0.028, 0.009))
def greeting():
    def client(log, peer):
        need(peer, 50)
        peer.sendall(b"HELO x\r\n")
        need(peer, 90)
        log.sleep("client", 0.45)
        peer.sendall(b"QUIT\r\n")
        drain(peer)

    def server(log, peer):
        log.sleep("server", 0.7)
        peer.sendall(b"2" * 50)
        need(peer, 8)
        log.sleep("server", 0.16)
        peer.sendall(b"2" * 90)
        need(peer, 6)

    return client, server


@scenario((0.015, 0.015))
def gives_up():
    def client(_log, peer):
        peer.sendall(b"q" * 200)
        peer.settimeout(2.5)
        try:
            need(peer, 10)
        except OSError:
            pass

    def server(log, peer):
        need(peer, 200)
        log.sleep("server", 3.3)

    return client, server


@scenario((0.010, 0.020))
def pool():
    def client(_log, peer):
        peer.sendall(b"q" * 150)
        need(peer, 800)
        drain(peer)

    def server(log, peer):
        need(peer, 150)
        log.sleep("server", 0.3)
        peer.sendall(b"r" * 800)
        log.sleep("idle", 2.4)

    return client, server


@scenario((0.033, 0.002))
def pushes():
    def client(log, peer):
        peer.sendall(b"subscribe")
        drain(peer)

    def server(log, peer):
        need(peer, 9)
        for _ in range(12):
            log.sleep("server", 0.21)
            peer.sendall(b"e" * 700)

    return client, server


@scenario((0.022, 0.013))
def stops_reading():
    def client(_log, peer):
        peer.sendall(b"GET /")
        need(peer, 20_000)
        time.sleep(1.8)
        drain(peer)

    def server(_log, peer):
        need(peer, 5)
        for _ in range(20):
            peer.sendall(b"d" * 50_000)
        peer.shutdown(socket.SHUT_WR)
        drain(peer)

    return client, server
