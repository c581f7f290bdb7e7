# SPDX-License-Identifier: GPL-2.0-or-later
"""The two kinds of ends of the stacks lab: Linux, and programs that hold another TCP.

Both have listen(), connect() and accept(), which give Peers: one end's side of a connection.
"""

import errno
import os
import select
import socket
import struct
import threading
import time
from collections import defaultdict, deque

from netlab import LabError, Process

LINGER_RESET = struct.pack("ii", 1, 0)
SMALL_BUFFER = 8000     # octets; of a Linux end that does not read
FILLER = b"x" * 65536
TICK = 0.002            # seconds between two looks of somebody who waits


class Peer:
    """What an application sees of its side of a connection; subclasses say how it acts."""

    def __init__(self):
        self.connected, self.got, self.ended, self.error = False, 0, False, None

    def wait(self, condition, seconds):
        """True as soon as condition() holds, False after so many seconds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(TICK)
        return True

    def wait_got(self, octets, seconds=20.0):
        """Wait until so many octets in all have been read; LabError when they do not come."""
        if not self.wait(lambda: self.got >= octets or self.error, seconds) or self.error:
            raise LabError(f"{self.got} of {octets} octets, error {self.error}")

    def wait_end(self, seconds=5.0):
        """Wait for the other's FIN (or a reset); says whether it came."""
        return self.wait(lambda: self.ended or self.error, seconds)


# --- ends that are programs -------------------------------------------------------------------

class StackPeer(Peer):
    """A connection of a StackEnd."""

    def __init__(self, end, name):
        super().__init__()
        self._end, self._name = end, name

    def _tell(self, word, *arguments):
        self._end.command(word, self._name, *arguments)

    def send(self, octets):
        """Send so many octets, as the window lets them."""
        self._tell("send", octets)

    def read(self, reading):
        """Read from now on, or no more."""
        self._tell("read", int(reading))

    def close(self):
        """As close()."""
        self._tell("close")

    def shut(self):
        """As shutdown(SHUT_WR)."""
        self._tell("shut")

    def abort(self):
        """End the connection by a reset."""
        self._tell("abort")

    def keepalive(self, idle, interval, count):
        """Seconds, seconds, probes."""
        self._tell("keepalive", int(idle * 1000), int(interval * 1000), count)


class StackEnd:
    """A program that holds a TCP; its packets go through a socket that keeps messages apart."""

    def __init__(self, kind, argv, namespace, addresses, seed):
        """addresses: (own, other's).  argv: the program and what follows the fixed arguments."""
        self.kind = kind
        self.link, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [argv[0], *addresses, str(seed), str(far.fileno()), *argv[1:]]
        self._process = Process(namespace, words, (far.fileno(),))
        far.close()
        self._peers, self._accepted = {}, defaultdict(deque)
        self._done = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._number, self.counters = 0, {}     # counters: what "counters" was answered
        threading.Thread(target=self._listen_to_it, daemon=True).start()
        if not self._done.acquire(timeout=10):
            raise LabError(f"{argv[0]} does not start")

    def _listen_to_it(self):
        """A thread: what the program says."""
        with os.fdopen(os.dup(self._process.stdout.fileno()), encoding="ascii") as lines:
            for line in lines:
                words = line.split()
                if words[0] in ("ready", "ok"):
                    self._done.release()
                elif words[0] == "counters":
                    self.counters = dict(zip(words[1::2], map(int, words[2::2])))
                elif words[0] == "ev":
                    self._event(*words[1:])

    def _event(self, what, name, *rest):
        peer = self._peers.setdefault(name, StackPeer(self, name))
        if what == "accepted":
            peer.connected = True
            self._accepted[int(rest[0])].append(peer)
        elif what == "connected":
            peer.connected = True
        elif what == "got":
            peer.got += int(rest[0])
        elif what == "end":
            peer.ended = True
        elif what == "error":
            peer.error = " ".join(rest)

    def command(self, *words):
        """Tell the program something, and wait until it has done it."""
        with self._lock:
            self._process.stdin.write((" ".join(map(str, words)) + "\n").encode())
            if not self._done.acquire(timeout=10):
                raise LabError(f"{self.kind} does not answer to {words}")

    def count(self):
        """{name: number} of the stack's own counters; empty where it has none."""
        self.command("counters")
        return self.counters

    def listen(self, port, reading=True):
        """Take connections to a port."""
        self.command("listen", port, int(reading))

    def connect(self, address, port, own_port=0, reading=True):
        """A new Peer that begins to connect."""
        with self._lock:
            self._number += 1
            name = f"c{self._number}"
            peer = self._peers[name] = StackPeer(self, name)
        self.command("connect", name, address, port, own_port, int(reading))
        return peer

    def accept(self, port):
        """The next Peer that came to a port, or None."""
        return self._accepted[port].popleft() if self._accepted[port] else None

    def last_words(self):
        """Why the program ended by itself: its status and what it wrote to standard error."""
        status, text = self._process.wait(), b""
        while more := os.read(self._process.stderr.fileno(), 4096):
            text += more
        return f"status {status}: {text.decode(errors='replace').strip()[-300:]}"

    def close(self):
        """End the program."""
        self._process.close()
        self.link.close()


# --- Linux ------------------------------------------------------------------------------------

class LinuxPeer(Peer):
    """A connection of a LinuxEnd."""

    def __init__(self, end, opened, reading):
        super().__init__()
        self._end, self._socket, self._reading, self._to_send = end, opened, reading, 0
        self._lock = threading.Lock()       # of _to_send, and of what the poller waits for

    def send(self, octets):
        """Send so many octets, as the window lets them."""
        with self._lock:
            self._to_send += octets
        self.renew()

    def read(self, reading):
        """Read from now on, or no more."""
        self._reading = reading
        self.renew()

    def close(self):
        """As close(); what is still to be sent by the application is forgotten."""
        self._end.forget(self._socket)
        self._socket.close()

    def shut(self):
        """As shutdown(SHUT_WR)."""
        self._socket.shutdown(socket.SHUT_WR)

    def abort(self):
        """Close by SO_LINGER 0."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self.close()

    def keepalive(self, idle, interval, count):
        """Whole seconds, whole seconds, probes."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, idle), (socket.TCP_KEEPINTVL, interval),
                              (socket.TCP_KEEPCNT, count)):
            self._socket.setsockopt(socket.IPPROTO_TCP, option, int(value))

    def renew(self):
        """Tell the poller what this connection waits for."""
        with self._lock:
            reading = self.connected and self._reading and not (self.ended or self.error)
            writing = not self.error and (self._to_send or not self.connected)
            self._end.watch(self._socket, (select.EPOLLIN if reading else 0)
                            | (select.EPOLLOUT if writing else 0))

    def ready(self, events):
        """The poller's thread: something can be done."""
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.error = errno.errorcode.get(error, error)
            self._end.forget(self._socket)
            return
        self.connected = self.connected or bool(events & select.EPOLLOUT)
        try:
            if events & (select.EPOLLIN | select.EPOLLHUP):
                data = self._socket.recv(65536)
                self.got += len(data)
                self.ended = not data
            with self._lock:
                if events & select.EPOLLOUT and self._to_send:
                    self._to_send -= self._socket.send(FILLER[:self._to_send])
        except BlockingIOError:
            pass
        if events & select.EPOLLHUP and self.ended:
            self._end.forget(self._socket)
        else:
            self.renew()


class LinuxEnd:
    """Sockets of this process in a namespace, served by one thread."""

    kind = "linux"

    def __init__(self, namespace, address):
        self._namespace, self._address = namespace, address
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._poller, self._peers, self._listeners = select.epoll(), {}, {}
        self._accepted = defaultdict(deque)
        self._sockets, self._stopping = [], False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def watch(self, opened, events):
        """What to wait for at a socket of a Peer."""
        if opened.fileno() >= 0 and opened.fileno() in self._peers:
            self._poller.modify(opened.fileno(), events)

    def forget(self, opened):
        """Serve a socket no more."""
        if self._peers.pop(opened.fileno(), None):
            self._poller.unregister(opened.fileno())

    def _serve(self):
        """The thread."""
        while not self._stopping:
            for number, events in self._poller.poll(0.05):
                try:
                    if number in self._listeners:
                        self._take(number)
                    elif number in self._peers:
                        self._peers[number].ready(events)
                except OSError as error:
                    peer = self._peers.get(number)
                    if peer:
                        peer.error = str(error)
                        self._poller.modify(number, 0)

    def _take(self, number):
        """A listener has a connection."""
        opened, port, reading = self._listeners[number]
        accepted, _ = opened.accept()
        peer = self._enrol(accepted, reading, True)
        peer.renew()
        self._accepted[port].append(peer)

    def _enrol(self, opened, reading, connected):
        """A new Peer for a socket."""
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(opened)
        peer = LinuxPeer(self, opened, reading)
        peer.connected = connected
        self._peers[opened.fileno()] = peer
        self._poller.register(opened.fileno(), 0)
        return peer

    def _new(self, port, reading):
        with self._namespace.entered():
            opened = socket.socket(self._family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not reading:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        if port:
            opened.bind((self._address, port))
        return opened

    def listen(self, port, reading=True):
        """Take connections to a port."""
        opened = self._new(port, reading)
        opened.listen(16)
        opened.setblocking(False)
        self._sockets.append(opened)
        self._listeners[opened.fileno()] = opened, port, reading
        self._poller.register(opened.fileno(), select.EPOLLIN)

    def connect(self, address, port, own_port=0, reading=True):
        """A new Peer that begins to connect."""
        opened = self._new(own_port, reading)
        opened.setblocking(False)
        try:
            opened.connect((address, port))
        except BlockingIOError:
            pass
        peer = self._enrol(opened, reading, False)
        peer.renew()
        return peer

    def accept(self, port):
        """The next Peer that came to a port, or None."""
        return self._accepted[port].popleft() if self._accepted[port] else None

    def close(self):
        """Reset what is open."""
        self._stopping = True
        self._thread.join(2)
        for opened in self._sockets:
            if opened.fileno() >= 0:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                opened.close()
        self._poller.close()
