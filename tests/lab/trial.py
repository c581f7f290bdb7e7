# SPDX-License-Identifier: GPL-2.0-or-later
"""What a trial of the accuracy lab is, and the steps and link rules that trials share.

A trial plays many short connections at once, each on a server port of its own, so that
each class of segment comes often in little time.
"""

import contextlib
import ctypes
import errno
import ipaddress
import os
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Callable

from forwarder import DROP, Verdict
from netlab import ADDRESS, MAC, TIMEOUT, Lab, LabError
from packets import ACK, FIN, PROTO_TCP, RST, SYN, checksum

FIRST_PORT = 8000       # of the server; connection number i uses FIRST_PORT + i
PIECE = 1000            # octets of one message: one segment, as Nagle is off
PAUSE = 0.25            # seconds; longer than a round trip with a delayed ACK
APART = 0.003           # seconds between the starts of connections
TCP_REPAIR, TCP_USER_TIMEOUT = 19, 18
LINGER_RESET = struct.pack("ii", 1, 0)
SETTINGS = {"net.ipv4.tcp_no_metrics_save": 1, "net.ipv4.tcp_fastopen_blackhole_timeout_sec": 0}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Trial:
    """One scenario of the corpus.

    play     a function of the TrialLab
    shows    one sentence
    expect   {"c.CAUSE" or "s.CAUSE": at least so many}; otherwise it is played again
    rules    a function of a random.Random that makes the rules of the link
    family   4 or 6;  delay  seconds each way
    sysctl   settings of both hosts
    """

    name: str
    play: Callable
    shows: str
    expect: dict = field(default_factory=dict)
    rules: Callable = lambda _: ()
    family: int = 4
    delay: float = 0.005
    sysctl: dict = field(default_factory=dict)
    congestion: str = "cubic"

    def lab(self, seed):
        """A new TrialLab for one attempt."""
        return TrialLab(self, random.Random(f"{seed}:{self.name}"))


class TrialLab(Lab):
    """A Lab of TAP devices whose sockets have TCP_NODELAY and a chosen congestion control."""

    def __init__(self, trial, chance):
        super().__init__("tap", trial.family, trial.delay, trial.rules(chance))
        self.chance, self._trial = chance, trial

    def _build(self):
        """As in Lab; then the settings."""
        super()._build()
        for name, value in {**SETTINGS, **self._trial.sysctl}.items():
            self.sysctl(name, value)

    def _start_forwarder(self):
        super()._start_forwarder()
        self.forwarder.journal = []

    def socket(self, host, port=0):
        """As in Lab, with TCP_NODELAY and the trial's congestion control."""
        new = super().socket(host, port)
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, self._trial.congestion.encode())
        return new

    def pair(self, number, port=0):
        """(client, server): connection `number`, from the client's `port` unless 0."""
        listener = self.listen(FIRST_PORT + number)
        client = self.socket("client", port)
        client.connect(self.address("server", FIRST_PORT + number))
        server = self.accept(listener)
        listener.close()
        return client, server

    def many(self, count, body, apart=APART):
        """Run body(lab, number) for `count` numbers at once; raises the first failure."""
        failures = []

        def guarded(number):
            try:
                body(self, number)
            except Exception as error:          # handed to the caller below
                failures.append(error)

        threads = [threading.Thread(target=guarded, args=(n,), daemon=True) for n in range(count)]
        for thread in threads:
            thread.start()
            time.sleep(apart)
        for thread in threads:
            thread.join(6 * TIMEOUT)
        if failures:
            raise failures[0]
        if any(thread.is_alive() for thread in threads):
            raise LabError("a connection did not end")

    def forge(self, sender, receiver, frame):
        """Deliver a frame that pretends to come from `sender`, who does not know of it."""
        self.forwarder.inject(receiver, ethernet(self.family, sender, frame))

    def raw(self, host, segment):
        """Send TCP octets by a raw socket of a host to the other one (IPv4)."""
        peer = "server" if host == "client" else "client"
        with self.namespaces[host].entered():
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        with raw:
            raw.sendto(segment, (ADDRESS[4][peer], 0))


def many(count, body, apart=APART):
    """A play: `count` times body(lab, number) at once."""
    return lambda lab: lab.many(count, body, apart)


def tcp_octets(family, sender, numbers, flags, window=64240, payload=b"", options=b""):
    """A TCP segment with its checksum; numbers = (source port, destination port, seq, ack)."""
    receiver = "server" if sender == "client" else "client"
    sport, dport, seq, ack = numbers
    offset = (20 + len(options)) // 4 << 4
    data = struct.pack("!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, offset, flags,
                       window, 0, 0) + options + payload
    pseudo = b"".join(ipaddress.ip_address(ADDRESS[family][host]).packed
                      for host in (sender, receiver))
    pseudo += struct.pack("!IHH", len(data), 0, PROTO_TCP)
    return data[:16] + struct.pack("!H", checksum(pseudo + data)) + data[18:]


def ethernet(family, sender, segment, ttl=57):
    """The Ethernet frame of a TCP segment that seems to come from `sender`."""
    receiver = "server" if sender == "client" else "client"
    source, target = (ipaddress.ip_address(ADDRESS[family][h]).packed for h in (sender, receiver))
    if family == 4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0x1234, 0, ttl, PROTO_TCP, 0)
        header += source + target
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        kind = b"\x08\x00"
    else:
        header = struct.pack("!IHBB", 6 << 28, len(segment), PROTO_TCP, ttl) + source + target
        kind = b"\x86\xdd"
    macs = [bytes.fromhex(MAC[host].replace(":", "")) for host in (receiver, sender)]
    return b"".join(macs) + kind + header + segment


# --- steps of a connection ------------------------------------------------------------------

def send_pieces(sender, count, size=PIECE):
    """Send `count` messages, each in a segment of its own (as far as the window lets them)."""
    for _ in range(count):
        sender.sendall(b"x" * size)


def read(receiver, octets):
    """Read exactly so many octets."""
    while octets:
        got = len(receiver.recv(min(octets, 65536)))
        if not got:
            raise LabError("the connection ended too soon")
        octets -= got


def read_to_end(receiver):
    """Read until the other end has closed."""
    while receiver.recv(65536):
        pass


def message(sender, receiver, octets=200):
    """One message, read by the other end."""
    sender.sendall(b"m" * octets)
    read(receiver, octets)


def close(first, second):
    """`first` closes, `second` when it has seen that."""
    first.close()
    read_to_end(second)
    second.close()


def reset(opened):
    """Close by SO_LINGER 0."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    opened.close()


def vanish(opened):
    """Close without a word, as a host does that loses its memory."""
    opened.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    opened.close()


def disconnect(opened):
    """connect(AF_UNSPEC): the kernel breaks the connection and the socket stays."""
    unspecified = ctypes.create_string_buffer(16)
    if _libc.connect(opened.fileno(), unspecified, 16) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def fails(action, *arguments):
    """Call something that must raise an OSError other than a timeout of ours."""
    try:
        action(*arguments)
    except OSError as error:
        if isinstance(error, TimeoutError) and error.errno != errno.ETIMEDOUT:
            raise LabError("nothing happened, but an error was expected") from error
        return
    raise LabError("expected an error")


def keepalive(opened, idle, interval, count):
    """Switch keep-alive on; seconds, seconds, probes."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, idle), (socket.TCP_KEEPINTVL, interval),
                          (socket.TCP_KEEPCNT, count)):
        opened.setsockopt(socket.IPPROTO_TCP, option, value)


def bulk(octets, towards="server"):
    """A play: one connection carries so many octets, then closes."""
    def play(lab):
        client, server = lab.pair(0)
        transfer(*((client, server) if towards == "server" else (server, client)), octets)
        close(client, server)
        time.sleep(PAUSE)
    return play


def transfer(sender, receiver, octets):
    """Send and read at the same time."""
    for end in (sender, receiver):
        end.settimeout(6 * TIMEOUT)
    reader = threading.Thread(target=read, args=(receiver, octets), daemon=True)
    reader.start()
    sender.sendall(b"x" * octets)
    reader.join(6 * TIMEOUT)
    if reader.is_alive():
        raise LabError("the transfer did not end")


# --- rules of the link ----------------------------------------------------------------------

class Streams:
    """Where each segment lies in the stream of its connection, from its first SYN on."""

    def __init__(self):
        self._isn = {}

    def place(self, sender, segment):
        """(connection, offset of the first octet, end); a FIN counts as one octet."""
        name = (sender, segment.sport, segment.dport)
        if segment.flags & SYN:
            self._isn[name] = segment.seq
        start = (segment.seq - self._isn.get(name, segment.seq) - 1) % 2**32
        return name, start, start + len(segment.payload) + bool(segment.flags & FIN)


def port_number(segment):
    """The number of the connection, by the server's port."""
    return min((port - FIRST_PORT for port in (segment.sport, segment.dport)
                if port >= FIRST_PORT), default=-1)


def treat(sender, offsets, verdict=DROP, times=1):
    """The segments with these octets of a stream get a verdict, the first `times` times.

    `times` may be a function of the number of the connection.
    """
    streams, done = Streams(), {}

    def rule(who, segment):
        name, start, end = streams.place(who, segment)
        if who != sender:
            return None
        limit = times(port_number(segment)) if callable(times) else times
        for offset in offsets:
            if start <= offset < end and done.get((name, offset), 0) < limit:
                done[name, offset] = done.get((name, offset), 0) + 1
                return verdict
        return None

    return rule


def treat_flags(sender, test, verdict=DROP, times=1, skip=0):
    """The segments for which test(segment) holds get a verdict, in each connection `times` times
    after the first `skip`."""
    done = {}

    def rule(who, segment):
        if who != sender or not test(segment):
            return None
        name = segment.sport, segment.dport
        limit = times(port_number(segment)) if callable(times) else times
        done[name] = done.get(name, 0) + 1
        return verdict if skip < done[name] <= skip + limit else None

    return rule


def is_syn(segment):
    """The first segment of a handshake."""
    return segment.flags & (SYN | ACK) == SYN


def is_synack(segment):
    """The second segment of a handshake."""
    return segment.has(SYN | ACK)


def is_fin(segment):
    """Any segment that closes."""
    return segment.has(FIN)


def has_data(segment):
    """A segment with payload and no SYN."""
    return bool(segment.payload) and not segment.has(SYN)


def by_chance(chance, senders, rate, verdict=DROP, test=lambda segment: True):
    """A random share of the segments of some senders gets a verdict."""
    def rule(who, segment):
        if who in senders and test(segment) and chance.random() < rate:
            return verdict
        return None

    return rule


def bursts(chance, sender, enter, leave):
    """Loss in bursts: two states, with the chances to enter and to leave the bad one."""
    bad = [False]

    def rule(who, segment):
        if who != sender or not has_data(segment):
            return None
        bad[0] = chance.random() < (1 - leave if bad[0] else enter)
        return DROP if bad[0] else None

    return rule


def jitter(chance, sender, most):
    """Each segment takes up to `most` seconds longer, so that some overtake others."""
    return lambda who, _: Verdict(delay=chance.random() * most) if who == sender else None


def bottleneck(sender, rate, longest):
    """A link of `rate` octets a second; what would queue for longer than `longest` is lost."""
    free = [0.0]

    def rule(who, segment):
        if who != sender:
            return None
        now = time.monotonic()
        wait = max(0.0, free[0] - now)
        if wait > longest:
            return DROP
        takes = (len(segment.payload) + 66) / rate
        free[0] = now + wait + takes
        return Verdict(at=free[0])

    return rule


class Gate:
    """A rule that can be switched while a trial plays: pass, lose or hold up."""

    def __init__(self, senders=("client", "server"), test=lambda segment: True):
        self._senders, self._test = senders, test
        self.losing, self.until = False, 0.0

    def __call__(self, who, segment):
        if who not in self._senders or not self._test(segment):
            return None
        if self.losing:
            return DROP
        return Verdict(at=self.until) if self.until > time.monotonic() else None

    def stall(self, seconds):
        """Everything that comes within the next seconds is delivered after them, in order."""
        self.until = time.monotonic() + seconds


class Spy:
    """A rule that does nothing but remember where each connection is."""

    def __init__(self):
        self._last = {}

    def __call__(self, who, segment):
        if not segment.flags & RST:
            self._last[who, segment.sport, segment.dport] = segment

    def numbers(self, sender, sport, dport):
        """(sport, dport, next sequence number, acknowledgment number) of `sender`."""
        last = self._last[sender, sport, dport]
        return sport, dport, last.end, last.ack


def quietly(action, *arguments):
    """Call something whose failure does not matter."""
    with contextlib.suppress(OSError, LabError):
        action(*arguments)
