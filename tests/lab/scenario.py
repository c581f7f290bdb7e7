# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario is, and the few steps that many of them have in common."""

from dataclasses import dataclass, field
from typing import Callable

from netlab import PORT, Lab, LabError, wait_for

HELLO, WORLD = b"hello2020\n", b"world\n"
PAUSE = 0.2         # seconds; longer than any delayed ACK, shorter than any SYN's repetition


@dataclass(frozen=True)
class Capture:
    """One file that a scenario makes.

    name       of the file, without .pcap
    shows      one plain sentence for the manifest
    flow       the packets it must hold, in the notation of checks.check_flow()
    expected   for each connection (outcome, kind, initiator, time_wait), see README.md
    point      the host at which tcpdump runs
    checks     further functions of all packets, which raise checks.CheckFailed
    notes      one sentence for the manifest, or nothing
    """

    name: str
    shows: str
    flow: str
    expected: tuple
    point: str = "client"
    checks: tuple = ()
    notes: str = ""


@dataclass(frozen=True)
class Scenario:
    """One play and the captures it makes.

    play      a function of the Lab
    made      one sentence for the manifest: sockets, link, what was lost or late
    captures  a Capture for each file
    link      arguments of netlab.Lab: link, family, delay
    rules     a function that makes the forwarder's rules, afresh for each attempt
    """

    play: Callable[[Lab], None]
    made: str
    captures: tuple
    link: dict = field(default_factory=dict)
    rules: Callable[[], tuple] = tuple

    def lab(self):
        """A new Lab for one attempt."""
        return Lab(**self.link, rules=self.rules())


def once(outcome, kind, initiator, time_wait):
    """The expected facts of a capture with one connection."""
    return ((outcome, kind, initiator, time_wait),)


def receive(connection, wanted):
    """Read exactly these octets.  LabError when others, or an end, come instead."""
    got = b""
    while len(got) < len(wanted):
        more = connection.recv(len(wanted) - len(got))
        if not more:
            break
        got += more
    if got != wanted:
        raise LabError(f"expected {wanted!r} from the peer, got {got!r}")


def receive_end(connection):
    """Read the peer's end of data.  LabError when data comes instead."""
    got = connection.recv(4096)
    if got:
        raise LabError(f"expected the peer's FIN, got {got!r}")


def exchange(client, server):
    """HELLO from the client, WORLD from the server, both read."""
    client.sendall(HELLO)
    receive(server, HELLO)
    server.sendall(WORLD)
    receive(client, WORLD)


def close_in_three(first, second):
    """`first` closes, `second` closes at once when it reads the end."""
    first.close()
    receive_end(second)
    second.close()


def expect_error(error, action, *arguments):
    """Call action(*arguments), which must raise this OSError.  LabError otherwise."""
    try:
        action(*arguments)
    except error:
        return
    raise LabError(f"expected {error.__name__}, but nothing happened")


def nc_server(lab, *options):
    """A listening `nc` on the server, ready."""
    family = f"-{lab.family}"
    server = lab.spawn("server", "nc", family, "-n", *options, "-l", lab.address("server")[0],
                       str(PORT))
    wait_for(lambda: lab.namespaces["server"].listens_on(PORT), "nc to listen")
    return server


def nc_client(lab):
    """An `nc` that connects, and sends a FIN (-N) when its input ends."""
    return lab.spawn("client", "nc", f"-{lab.family}", "-n", "-N", lab.address("server")[0],
                     str(PORT))


def nc_exchange(client, server):
    """What exchange() does, typed into two `nc`."""
    client.stdin.write(HELLO)
    server.expect(HELLO)
    server.stdin.write(WORLD)
    client.expect(WORLD)
