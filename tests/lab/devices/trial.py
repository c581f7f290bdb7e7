# SPDX-License-Identifier: GPL-2.0-or-later
"""What a trial with devices is, and the steps that trials share."""

import contextlib
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Callable

from netlab import TIMEOUT, LabError, abort
from devices.path import NODES, Path, Shape
from trial import LINGER_RESET

FIRST_PORT = 20000      # of the sockets that connect, one after the other: a port is a connection
SETTLE_S = 0.4          # after a play: what is under way arrives
HTTP, TLS = 80, 443


@dataclass(frozen=True)
class Trial:
    """One scenario.

    name       begins with the family: "end_" (no device resets) or "dev_"
    play       a function of the Play
    shows      one sentence
    tools      programs it needs, beside those that all need: {program: Debian package}
    least      connections with a situation that some capture must show; otherwise played again
    family     4 or 6, the IP version
    """

    name: str
    play: Callable
    shows: str
    tools: dict = field(default_factory=dict)
    least: int = 0
    family: int = 4


class Play:
    """A path and its sockets, all with a timeout; what is open at the end is aborted."""

    def __init__(self, trial, number, seed):
        self.chance = random.Random(f"{seed}:{trial.name}")
        self.shape = Shape.drawn(self.chance)
        self.path = Path(number, trial.family, self.shape, self.chance)
        self.trial, self.situations, self.owners = trial, {}, {}
        self._sockets, self._threads = [], []
        self._port = FIRST_PORT + self.chance.randrange(5000)
        self.address = {"client": self.path.address["c0"], "r1": self.path.address["b0"],
                        "r2": self.path.address["b1"], "server": self.path.address["s0"]}

    def __enter__(self):
        self.path.__enter__()
        return self

    def __exit__(self, *_):
        for opened in self._sockets:
            abort(opened)
        for thread in self._threads:
            thread.join(TIMEOUT)
        for box in list(self.path.boxes.values()):
            getattr(box, "stop", lambda: None)()
        self.path.close()

    # --- sockets ---------------------------------------------------------------------------

    def socket(self, node, port=0):
        """A TCP socket of a node."""
        with self.path.namespaces[node].entered():
            new = socket.socket(socket.AF_INET6 if self.trial.family == 6 else socket.AF_INET,
                                socket.SOCK_STREAM)
        self._sockets.append(new)
        new.settimeout(TIMEOUT)
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if port:
            new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            new.bind(("", port))
        return new

    def listen(self, port=HTTP, node="server", backlog=16):
        """A listening socket."""
        listener = self.socket(node, port)
        listener.listen(backlog)
        return listener

    def caller(self, situation=None, node="client"):
        """A socket with a port of its own, ready to connect; its connection's situation."""
        self._port += 1
        if situation is not None:
            self.situations[self._port] = situation
        return self.socket(node, self._port)

    def say(self, opened, situation):
        """What happened to the connection of a socket that has connected."""
        self.situations[opened.getsockname()[1]] = situation

    def pair(self, listener, to=None, situation=None, node="client"):
        """(client socket, server socket)."""
        client = self.caller(situation, node)
        client.connect((to or self.address["server"], listener.getsockname()[1]))
        return client, self.accept(listener)

    def accept(self, listener):
        """The next connection of a listener."""
        accepted, _ = listener.accept()
        self._sockets.append(accepted)
        accepted.settimeout(TIMEOUT)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return accepted

    def try_connect(self, port, to=None, situation=None, wait=1.5):
        """Connect and expect to fail."""
        caller = self.caller(situation)
        caller.settimeout(wait)
        quietly(caller.connect, (to or self.address["server"], port))
        caller.close()
        time.sleep(0.05)

    # --- talk ------------------------------------------------------------------------------

    def talk(self, client, server, times=2, most=4000):
        """Requests and answers of random sizes, answers of `most` octets."""
        for _ in range(times):
            ask, answer = self.chance.randrange(50, 900), self.chance.randrange(100, most)
            client.sendall(b"q" * ask)
            receive(server, ask)
            server.sendall(b"r" * answer)
            receive(client, answer)
            time.sleep(0.02 * self.chance.random())

    def some(self):
        """How often a connection has talked: some never did."""
        return self.chance.choice((0, 1, 2, 3, 5))

    def finish(self, client, server):
        """An orderly close."""
        client.close()
        quietly(server.recv, 10)
        server.close()

    def background(self, action, *arguments):
        """Call something in a thread; its failure does not matter."""
        thread = threading.Thread(target=quietly, args=(action, *arguments), daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def sysctl(self, node, name, value):
        """Set net.* in one node or, for "ends", in both."""
        for one in ("client", "server") if node == "ends" else (node,):
            self.path.namespaces[one].sysctl(name, value)

    @property
    def ip(self):
        """How nftables calls the IP version."""
        return "ip6" if self.trial.family == 6 else "ip"

    @property
    def nodes(self):
        """{address: node} of all devices, for who owns an address."""
        return {self.path.address[device]: node for node, devices in NODES.items()
                for device in devices}


def quietly(action, *arguments):
    """Call something that may fail."""
    with contextlib.suppress(OSError, LabError):
        return action(*arguments)
    return None


def receive(opened, number):
    """Read so many octets, or fewer when the end comes."""
    got = 0
    while got < number:
        more = opened.recv(min(65536, number - got))
        if not more:
            break
        got += len(more)
    return got


def reset(opened):
    """Close with a reset."""
    quietly(opened.setsockopt, socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    opened.close()
