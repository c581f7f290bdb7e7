# SPDX-License-Identifier: GPL-2.0-or-later
"""client - r1 - r2 - server: four network namespaces, three wires, and what may stand on a wire.

The nodes are joined by TUN devices.  One thread of this process carries every packet, so it needs
no netem: it adds delay, a little jitter in order, and hops.  r1 and r2 route with the kernel; what
stands on a wire is a Box, a device in user space.

Who made a packet is never guessed: it travels with the packet.  Behind an end's device everything
is the end's.  Into a router a packet goes with its maker's number in the DSCP field, which routing,
filters and address translation leave alone; what a router makes itself passes its output hook,
where nftables writes the router's own number.  The number is taken out before a packet is captured
or reaches an end.
"""

import fcntl
import heapq
import itertools
import os
import select
import struct
import subprocess
import threading
import time
from dataclasses import dataclass

from devices.packet import after_hops, is_kept, mark_of, parse, with_mark
from netlab import IFF_NO_PI, TIMEOUT, TUNSETIFF, LabError, Namespace, Process

IFF_TUN = 1
NODES = {"client": ("c0",), "r1": ("a0", "b0"), "r2": ("a1", "b1"), "server": ("s0",)}
NODE_OF = {device: node for node, devices in NODES.items() for device in devices}
WIRES = (("c0", "a0"), ("b0", "a1"), ("b1", "s0"))
POINTS = {"client": "c0", "router": "b0", "server": "s0"}       # where captures are taken
MAKERS = {"client": 1, "r1": 2, "r2": 3, "server": 4, "device": 5}
MAKER_OF = {number: maker for maker, number in MAKERS.items()}
ROUTERS = ("r1", "r2")
JITTER_S, LONG_JITTER_S, LONG_JITTER_SHARE = 0.00008, 0.002, 0.02
MAX_PACKET = 65536
MAX_SLEEP_S = 0.05


@dataclass
class Shape:
    """Delays (s) and further hops of the three wires; `split` is where a box stands on each."""

    delays: tuple
    hops: tuple
    split: float = 0.5

    @classmethod
    def drawn(cls, chance):
        """A path of 25 to 125 ms both ways; half of them have the client far from r1."""
        near = chance.random() < 0.5
        first = chance.uniform(0.0005, 0.003) if near else chance.uniform(0.004, 0.012)
        delays = (first, chance.uniform(0.010, 0.040), chance.uniform(0.0003, 0.006))
        return cls(delays, (chance.randrange(3), chance.randrange(2, 9), chance.randrange(3)),
                   chance.choice((0.25, 0.5)))


@dataclass
class Seen:
    """One packet at one place where packets are captured."""

    time_ns: int
    octets: bytes
    maker: str


class Box:
    """A device in user space on a wire; a plain one lets everything pass."""

    path, wire = None, None

    def passes(self, segment, right):
        """What goes on of a segment: itself, a changed one, or None.  `right`: to the server."""
        return segment

    def send(self, segment, right, after=0.0003):
        """Send a segment of the device's own."""
        self.path.emit(self.wire, segment, right, after)


def addresses(number, family):
    """{device: address} of path `number`, so that no two paths have an address in common."""
    if family == 6:
        return {"c0": f"fd00:1:{number:x}::10", "a0": f"fd00:1:{number:x}::1",
                "b0": f"fd00:12:{number:x}::1", "a1": f"fd00:12:{number:x}::2",
                "b1": f"fd00:2:{number:x}::1", "s0": f"fd00:2:{number:x}::20"}
    return {"c0": f"10.1.{number}.10", "a0": f"10.1.{number}.1", "b0": f"10.12.{number}.1",
            "a1": f"10.12.{number}.2", "b1": f"10.2.{number}.1", "s0": f"10.2.{number}.20"}


class Path(threading.Thread):
    """The network; use it in a `with` statement.  `boxes` and `losses` may change at any time.

    boxes   {wire: Box}, see attach()
    losses  functions of (wire, segment, right); true loses the segment in mid-wire
    seen    {point: [Seen]}
    made    (octets, maker, time.monotonic()) of every reset, where it was made
    """

    def __init__(self, number, family, shape, chance):
        super().__init__(name="path", daemon=True)
        self.shape, self.family = shape, family
        self.address = addresses(number, family)
        self.namespaces, self._fds, self._processes = {}, {}, []
        self.boxes, self.losses = {}, []
        self.seen, self.made = {point: [] for point in POINTS}, []
        self.unmarked, self._error = 0, None
        self._point_of = {device: point for point, device in POINTS.items()}
        self._due, self._order, self._latest = [], itertools.count(), {}
        self._chance, self._stopping, self._lock = chance, False, threading.RLock()
        self._captured = False      # captures have ended
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __enter__(self):
        try:
            for node in NODES:
                self._build(node, number=MAKERS[node])
        except BaseException:
            self.close()
            raise
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def _build(self, node, number):
        """A namespace with its devices, addresses and routes."""
        space = self.namespaces[node] = Namespace()
        for device in NODES[node]:
            with space.entered():
                fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
                fcntl.ioctl(fd, TUNSETIFF,
                            struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
            self._fds[device] = fd
        six = self.family == 6
        space.sysctl("net.ipv6.conf.all.disable_ipv6", int(not six), optional=not six)
        space.sysctl("net.ipv4.conf.all.rp_filter", 0)
        space.sysctl("net.ipv4.tcp_no_metrics_save", 1)
        lines = ["link set lo up"]
        for device in NODES[node]:
            lines += [f"link set {device} mtu 1500 addrgenmode none", f"link set {device} up",
                      f"addr add {self.address[device]}/{'128' if six else '32'} dev {device}"
                      + " nodad" * six]
        beside = {"r1": ("c0", "a0"), "r2": ("s0", "b1")}
        if node in ROUTERS:
            space.sysctl("net.ipv6.conf.all.forwarding" if six else "net.ipv4.ip_forward", 1)
            lines.append(f"route add {self.address[beside[node][0]]} dev {beside[node][1]}")
        away = {"client": "c0", "r1": "b0", "r2": "a1", "server": "s0"}
        lines.append(f"route add {'::/0' if six else 'default'} dev {away[node]}")
        space.ip("\n".join(lines) + "\n")
        if node in ROUTERS:
            ip = "ip6" if six else "ip"
            self.nft(node, f"table {ip} maker {{ chain out {{ type filter hook output "
                           f"priority 300; {ip} dscp set {number}; }} }}")

    # --- what a play uses ------------------------------------------------------------------

    def attach(self, wire, box):
        """Put a box on a wire, or take it away (None)."""
        if box is not None:
            box.path, box.wire = self, wire
            self.boxes[wire] = box
        else:
            self.boxes.pop(wire, None)

    def emit(self, wire, segment, right, after=0.0003):
        """Send a device's segment from the middle of a wire."""
        with self._lock:
            self._note(segment.octets(), "device")
            self._push(after, self._leave_box, wire, right, segment.octets(), "device")
        os.eventfd_write(self._bell, 1)

    def stop_captures(self):
        """End the captures; what comes later is not seen."""
        with self._lock:
            self._captured = True

    def command(self, node, *argv, text=None):
        """Run a program in a node; LabError when it fails."""
        with self.namespaces[node].entered():
            done = subprocess.run(argv, input=text, text=True, capture_output=True,
                                  timeout=TIMEOUT, check=False)
        if done.returncode:
            raise LabError(f"{argv[0]} failed: {done.stderr.strip()[:300]}")
        return done.stdout

    def nft(self, node, rules):
        """Load nftables rules in a node."""
        self.command(node, "nft", "-f", "-", text=rules.replace("}", "\n}\n"))

    def spawn(self, node, *argv):
        """A Process in a node; killed at the end."""
        process = Process(self.namespaces[node], argv)
        self._processes.append(process)
        return process

    def close(self):
        """Undo everything.  May be called twice."""
        for process in self._processes:
            process.close()
        self._stopping = True
        if self.is_alive():
            self.join(5)
        for fd in self._fds.values():
            os.close(fd)
        if self._bell is not None:
            os.close(self._bell)
        for space in self.namespaces.values():
            space.close()
        self._processes, self._fds, self.namespaces, self._bell = [], {}, {}, None
        error, self._error = self._error, None
        if error is not None:
            raise error

    # --- the thread -------------------------------------------------------------------------

    def run(self):
        """Read what nodes send, move what is due, until close()."""
        devices = {fd: device for device, fd in self._fds.items()}
        try:
            while not self._stopping:
                wait = MAX_SLEEP_S if not self._due else \
                    min(MAX_SLEEP_S, max(0.0, self._due[0][0] - time.monotonic()))
                ready, _, _ = select.select([*devices, self._bell], [], [], wait)
                for fd in ready:
                    if fd == self._bell:        # emit() has something for us
                        os.eventfd_read(fd)
                    else:
                        self._from_node(devices[fd], os.read(fd, MAX_PACKET))
                self._move()
        except Exception as error:              # handed to the caller by close()
            self._error = error

    def _push(self, delay, step, wire, right, octets, maker):
        """Do a step later; what did not come from a device keeps its order."""
        due, lane = time.monotonic() + delay, (step.__name__, wire, right)
        if maker != "device":
            due = self._latest[lane] = max(due, self._latest.get(lane, 0.0))
        heapq.heappush(self._due, (due, next(self._order), step, wire, right, octets, maker))

    def _move(self):
        """Do every step that is due."""
        with self._lock:
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, step, wire, right, octets, maker = heapq.heappop(self._due)
                step(wire, right, octets, maker)

    def _capture(self, device, octets, maker):
        """Keep a packet if this is a place where packets are captured."""
        point = self._point_of.get(device)
        if point is not None and not self._captured:
            self.seen[point].append(Seen(time.time_ns(), octets, maker))

    def _note(self, octets, maker):
        """Keep a reset that its maker has just sent."""
        segment = parse(octets)
        if segment is not None and segment.is_reset and not self._captured:
            self.made.append((octets, maker, time.monotonic()))

    def _from_node(self, device, octets):
        """A node has sent a packet: who made it?  Then on its way to the box."""
        if not is_kept(octets):
            return
        node = maker = NODE_OF[device]
        if node in ROUTERS:
            maker = MAKER_OF.get(mark_of(octets), "")
            self.unmarked += not maker
            octets = with_mark(octets, 0)
        if maker == node:
            self._note(octets, maker)
        self._capture(device, octets, maker)
        wire = next(i for i, pair in enumerate(WIRES) if device in pair)
        right = WIRES[wire][0] == device
        share = self.shape.split if right else 1 - self.shape.split
        jitter = self._chance.expovariate(1 / JITTER_S)
        if self._chance.random() < LONG_JITTER_SHARE:
            jitter += LONG_JITTER_S * self._chance.random()
        with self._lock:
            self._push(self.shape.delays[wire] * share + jitter, self._at_box, wire, right, octets,
                       maker)

    def _hops(self, wire, right, first):
        """Routers on one of the two parts of a wire: before the box, or behind it."""
        left = int(self.shape.hops[wire] * self.shape.split)
        return left if right == first else self.shape.hops[wire] - left

    def _at_box(self, wire, right, octets, maker):
        """In mid-wire: losses, then the box."""
        octets = after_hops(octets, self._hops(wire, right, True))
        if octets is None:
            return
        segment = parse(octets)
        if segment is not None and any(lost(wire, segment, right) for lost in self.losses):
            return
        box = self.boxes.get(wire)
        if box is not None and segment is not None:
            passed = box.passes(segment, right)
            if passed is None:
                return
            if passed is not segment:
                octets = passed.octets()
        self._leave_box(wire, right, octets, maker)

    def _leave_box(self, wire, right, octets, maker):
        """From mid-wire to the node at the end of the wire."""
        octets = after_hops(octets, self._hops(wire, right, False))
        if octets is not None:
            share = 1 - self.shape.split if right else self.shape.split
            self._push(self.shape.delays[wire] * share, self._deliver, wire, right, octets, maker)

    def _deliver(self, wire, right, octets, maker):
        """Hand a packet to its node, marked when that is a router."""
        device = WIRES[wire][1 if right else 0]
        self._capture(device, octets, maker)
        if NODE_OF[device] in ROUTERS:
            octets = with_mark(octets, MAKERS[maker] if maker else 0)
        try:
            os.write(self._fds[device], octets)
        except OSError:         # the device is down, or the packet is larger than its MTU
            pass
