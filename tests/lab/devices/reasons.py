# SPDX-License-Identifier: GPL-2.0-or-later
"""Why the kernels of the nodes sent their resets: the tracepoint tcp:tcp_send_reset, by tracefs.

Each recording has a trace instance of its own, which is removed at its end.  Events of all network
namespaces come in; paths have different addresses, by which they are told apart.
"""

import contextlib
import os
import re
from dataclasses import dataclass

from kernel import TRACING, Unavailable, mounted_tracefs

EVENT = "events/tcp/tcp_send_reset"
BUFFER_KIB = 1024
PREFIX = "tcplife-"     # of the instances' names; the number of the process follows
LINE = re.compile(r"-(\d+) +\[\d+\] \S+ +(\d+\.\d+): tcp_send_reset: skbaddr=(\S+) .*"
                  r"src=(\S+) dest=(\S+) state=(\S+) reason=(\S+)")
CLOCK_STEP_S = 2e-6     # the trace's times are rounded to microseconds
NOWHERE = ("0.0.0.0:0", "[::]:0")     # the destination that a listening socket has


@dataclass
class Event:
    """What a kernel said of one reset; `active`: from a call or a timer, no answer."""

    time: float         # s, CLOCK_MONOTONIC
    source: str         # "address:port"; of a listening socket its own
    target: str
    reason: str
    active: bool

    def fits(self, segment, when):
        """Can it be that of a reset which left its node at `when`?"""
        if self.time > when + CLOCK_STEP_S:
            return False
        if self.target in NOWHERE:
            return self.source.endswith(f":{segment.sport}")
        return (self.source, self.target) == (place(segment.src, segment.sport),
                                              place(segment.dst, segment.dport))


def place(address, port):
    """An address and a port as the kernel prints them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Reasons:
    """A trace instance; use it in a `with` statement.  Raises kernel.Unavailable."""

    def __init__(self):
        self._folder, self.lost = None, 0

    def __enter__(self):
        mounted_tracefs()
        root = next((f for f in TRACING if os.path.exists(os.path.join(f, EVENT))), None)
        if root is None:
            raise Unavailable("the kernel lacks the tracepoint tcp:tcp_send_reset, or tracefs",
                              "CONFIG_FTRACE; mount -t tracefs tracefs /sys/kernel/tracing")
        instances = os.path.join(root, "instances")
        for name in os.listdir(instances):      # of recordings that were killed
            if name.startswith(PREFIX) and not os.path.exists("/proc/" + name[len(PREFIX):]):
                with contextlib.suppress(OSError):
                    os.rmdir(os.path.join(instances, name))
        self._folder = os.path.join(instances, f"{PREFIX}{os.getpid()}")
        os.mkdir(self._folder)
        self._write("buffer_size_kb", str(BUFFER_KIB))
        self._write("trace_clock", "mono")
        self._write(EVENT + "/enable", "1")
        return self

    def _write(self, name, text):
        """Write a setting of the instance."""
        with open(os.path.join(self._folder, name), "w", encoding="ascii") as file:
            file.write(text)

    def __exit__(self, *_):
        if self._folder:
            with contextlib.suppress(OSError):
                os.rmdir(self._folder)
            self._folder = None

    def collect(self, thread, addresses):
        """The Events of the nodes with these addresses, in the order of time.

        A listening socket has no address here; what it resets it does in the thread that hands it
        the segment, which is that of the path: `thread` is its number.
        """
        self._write("tracing_on", "0")
        with open(os.path.join(self._folder, "trace"), encoding="ascii", errors="replace") as file:
            text = file.read()
        self.lost += text.count("LOST")
        found = []
        for task, when, skb, source, target, _, reason in LINE.findall(text):
            ours = int(task) == thread if target in NOWHERE \
                else source.rpartition(":")[0].strip("[]") in addresses
            if ours:
                found.append(Event(float(when), source, target, reason, not skb.strip("(nul)0x")))
        return sorted(found, key=lambda event: event.time)
