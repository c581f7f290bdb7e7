# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts and one link between them, made of network namespaces of this process.

The namespaces have no name: they belong to file descriptors of this process and
of its children, so the kernel removes them, their devices and their settings
when the process ends - whatever ends it.  Nothing outside of them is changed.

A socket belongs to the namespace in which it was made, so one Python process can
hold the sockets of both hosts and decide exactly what happens in which order.

Needs root, iproute2, util-linux (setpriv), tcpdump and /dev/net/tun.
"""

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import time

from forwarder import Forwarder

HOSTS = ("client", "server")
ADDRESS = {
    4: {"client": "192.168.1.116", "server": "192.168.1.123"},
    6: {"client": "fd00:7c::116", "server": "fd00:7c::123"},
}
PREFIX = {4: 24, 6: 64}
MAC = {"client": "02:00:00:00:01:16", "server": "02:00:00:00:01:23"}
PORT = 7788
DEVICE = "lab0"         # the one device of each host; no such device exists outside
TIMEOUT = 10.0          # seconds; no step of a scenario may take longer

CAPTURE_FILTER = "tcp or icmp or (icmp6 and ip6[40] < 128)"     # ICMPv6: errors only

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SIOCETHTOOL = 0x8946
# ethtool's "set" commands for checksums in hardware and for everything that would
# make a captured frame differ from one on a wire: scatter-gather, TSO, GSO, GRO.
ETHTOOL_OFFLOADS = {"tx-checksum": 0x17, "sg": 0x19, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something the lab cannot do; `remedy` is what the reader can do about it."""

    def __init__(self, message, remedy=""):
        super().__init__(message)
        self.remedy = remedy


def require(tools):
    """Raise LabError unless this process is root and has all tools and the TUN driver.

    `tools` maps the name of a program to the Debian package that holds it.
    """
    if os.geteuid() != 0:
        raise LabError("network namespaces need root", "run it again with sudo")
    for tool, package in tools.items():
        if shutil.which(tool) is None:
            raise LabError(f"{tool} is not installed", f"apt-get install {package}")
    if not os.path.exists("/dev/net/tun"):
        raise LabError("/dev/net/tun does not exist", "modprobe tun")


def _check(result, what):
    """Turn the -1 of a libc call into an OSError."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _this_namespace():
    """A new descriptor of the network namespace this thread is in."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """One network namespace without a name; it goes with the last that uses it."""

    def __init__(self):
        """Make the namespace.  Raises LabError when the kernel refuses."""
        home = _this_namespace()
        try:
            _check(_libc.unshare(CLONE_NEWNET), "unshare")
            self.fd = _this_namespace()
        except OSError as error:
            raise LabError(f"cannot make a network namespace ({error})",
                           "run as root, on a kernel with CONFIG_NET_NS, "
                           "in a container only with CAP_SYS_ADMIN") from error
        finally:
            _check(_libc.setns(home, CLONE_NEWNET), "setns")
            os.close(home)

    def close(self):
        """Let go of the namespace.  May be called twice."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    @property
    def path(self):
        """A path by which another program can find the namespace while this one runs."""
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this namespace for the length of a `with` block."""
        home = _this_namespace()
        try:
            _check(_libc.setns(self.fd, CLONE_NEWNET), "setns")
            yield
        finally:
            _check(_libc.setns(home, CLONE_NEWNET), "setns")
            os.close(home)

    def ip(self, commands):
        """Run lines of `ip` commands inside.  Raises LabError with what ip said."""
        with self.entered():
            done = subprocess.run(["ip", "-batch", "-"], input=commands, text=True, timeout=TIMEOUT,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise LabError(f"ip failed: {done.stdout.strip()}", "is iproute2 complete?")

    def sysctl(self, name, value, optional=False):
        """Set net.* inside.  LabError when there is no such setting (unless optional)."""
        path = "/proc/sys/" + name.replace(".", "/")
        try:
            with self.entered(), open(path, "w", encoding="ascii") as file:
                file.write(str(value))
        except FileNotFoundError as error:
            if not optional:
                raise LabError(f"this kernel has no setting {name}") from error

    def listens_on(self, port):
        """True when a TCP socket of either family listens on the port."""
        with self.entered():
            for table in ("tcp", "tcp6"):
                with contextlib.suppress(FileNotFoundError), \
                        open(f"/proc/thread-self/net/{table}", encoding="ascii") as file:
                    rows = [line.split() for line in file.readlines()[1:]]
                    if any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows):
                        return True
        return False

    def make_tap(self):
        """A TAP device DEVICE inside; returns its non-blocking descriptor (yours to close)."""
        with self.entered():
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                name = DEVICE.encode()
                fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name, IFF_TAP | IFF_NO_PI))
            except OSError as error:
                os.close(fd)
                raise LabError(f"cannot make a TAP device ({error})", "modprobe tun") from error
        return fd

    def offloads_off(self):
        """What `ethtool -K` does: frames are captured as they would be on a wire."""
        with self.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            for command in ETHTOOL_OFFLOADS.values():
                value = ctypes.create_string_buffer(struct.pack("II", command, 0))
                request = struct.pack("16sP16x", DEVICE.encode(), ctypes.addressof(value))
                with contextlib.suppress(OSError):      # not settable: then not there
                    fcntl.ioctl(any_socket, SIOCETHTOOL, request)


def make_veth(one, other):
    """Join two namespaces by a veth pair; both ends are called DEVICE, offloads are off."""
    one.ip(f"link add {DEVICE} type veth peer name {DEVICE} netns {other.path}\n")
    one.offloads_off()
    other.offloads_off()


def configure(namespace, host, family):
    """Give the DEVICE of a host its addresses and its neighbour, and put it up.

    The neighbour is permanent, so that neither ARP nor neighbour discovery runs.
    """
    peer = HOSTS[1 - HOSTS.index(host)]
    namespace.sysctl("net.ipv6.conf.all.disable_ipv6", int(family == 4), optional=True)
    namespace.sysctl("net.ipv6.conf.default.disable_ipv6", int(family == 4), optional=True)
    namespace.sysctl("net.ipv4.tcp_congestion_control", "reno")
    nodad = " nodad" if family == 6 else ""
    namespace.ip(
        f"link set lo up\n"
        f"link set {DEVICE} address {MAC[host]}\n"
        f"link set {DEVICE} up\n"
        f"addr add {ADDRESS[family][host]}/{PREFIX[family]} dev {DEVICE}{nodad}\n"
        f"neigh replace {ADDRESS[family][peer]} lladdr {MAC[peer]} dev {DEVICE} nud permanent\n")


class Process:
    """A child process in a namespace, with pipes; killed when this one ends or closes it."""

    def __init__(self, namespace, argv, descriptors=()):
        """Start argv.  stdin, stdout and stderr are pipes of octets; it inherits `descriptors`."""
        with namespace.entered():
            self._popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *argv], bufsize=0,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                pass_fds=descriptors)
        self.name = argv[0]
        self.stdin, self.stdout = self._popen.stdin, self._popen.stdout
        self.stderr = self._popen.stderr

    def signal(self, number):
        """Send a signal to this very process, unless it has ended."""
        self._popen.send_signal(number)

    def wait_stopped(self):
        """Return when a SIGSTOP has taken effect.  LabError after TIMEOUT seconds."""
        stat = f"/proc/{self._popen.pid}/stat"

        def stopped():
            with open(stat, encoding="ascii", errors="replace") as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "T"

        wait_for(stopped, f"{self.name} to stop")

    def expect(self, wanted, stream="stdout"):
        """Read stdout or stderr until `wanted` (octets) has come.  LabError otherwise."""
        pipe, got, end = getattr(self._popen, stream), b"", time.monotonic() + TIMEOUT
        while wanted not in got:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            more = os.read(pipe.fileno(), 4096) if ready else b""
            if not more:
                raise LabError(f"{self.name}: expected {wanted!r}, got {got!r}")
            got += more

    def wait(self):
        """Wait for the end and return the exit status.  LabError after TIMEOUT seconds."""
        try:
            return self._popen.wait(TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{self.name} did not end by itself") from error

    def close(self):
        """Kill the process if it still runs, and reap it.  May be called twice."""
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait(TIMEOUT)
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            with contextlib.suppress(OSError):
                pipe.close()


def wait_for(condition, what):
    """Return once condition() is true, looking every 5 ms.  LabError after TIMEOUT."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise LabError(f"waited {TIMEOUT:.0f} s in vain for {what}")
        time.sleep(0.005)


class Lab:
    """Two hosts, "client" and "server", on one link; use it in a `with` statement.

    link    "veth": a veth pair, fast and faithful;
            "tap": two TAP devices and a Forwarder, found as `forwarder`
    family  4 or 6: the IP version of the addresses
    delay   seconds, rules: see forwarder.Forwarder (only with "tap")

    Every socket has a timeout of TIMEOUT seconds.  At the end all that is still
    open is reset, all processes are killed, and the namespaces are let go.
    """

    def __init__(self, link="veth", family=4, delay=0.0, rules=()):
        self.link, self.family = link, family
        self._delay, self._rules = delay, tuple(rules)
        self.forwarder = None
        self.namespaces, self._taps = {}, {}
        self._sockets, self._processes = [], []

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _build(self):
        """Make namespaces, link and addresses."""
        for host in HOSTS:
            self.namespaces[host] = Namespace()
        if self.link == "veth":
            make_veth(*self.namespaces.values())
        else:
            for host in HOSTS:
                self._taps[host] = self.namespaces[host].make_tap()
        for host in HOSTS:
            configure(self.namespaces[host], host, self.family)
        if self.link == "tap":
            self._start_forwarder()

    def _start_forwarder(self):
        """Begin to carry frames between the two TAP devices."""
        self.forwarder = Forwarder(self._taps, self._delay, self._rules)
        self.forwarder.start()

    def close(self):
        """Undo everything, in an order in which nothing is left.  May be called twice."""
        for opened in self._sockets:
            abort(opened)
        for process in self._processes:
            process.close()
        try:
            if self.forwarder is not None:
                self.forwarder.close()
        finally:
            for fd in self._taps.values():
                os.close(fd)
            for namespace in self.namespaces.values():
                namespace.close()
            self._sockets, self._processes = [], []
            self._taps, self.namespaces, self.forwarder = {}, {}, None

    def address(self, host, port=PORT):
        """What a socket of this lab's family takes as the address of a host's port."""
        return (ADDRESS[self.family][host], port)

    def sysctl(self, name, value, optional=False):
        """Set net.* on both hosts; see Namespace.sysctl()."""
        for namespace in self.namespaces.values():
            namespace.sysctl(name, value, optional)

    def socket(self, host, port=0):
        """A TCP socket on a host, bound to its address (and to a port unless 0)."""
        family = socket.AF_INET if self.family == 4 else socket.AF_INET6
        with self.namespaces[host].entered():
            new = socket.socket(family, socket.SOCK_STREAM)
        self._sockets.append(new)
        new.settimeout(TIMEOUT)
        if port:
            new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            new.bind(self.address(host, port))
        return new

    def listen(self, port=PORT):
        """A listening socket on the server."""
        listener = self.socket("server", port)
        listener.listen(8)
        return listener

    def accept(self, listener):
        """The next connection of a listener."""
        accepted, _ = listener.accept()
        self._sockets.append(accepted)
        accepted.settimeout(TIMEOUT)
        return accepted

    def connect(self, port=0):
        """A client socket connected to the server's PORT (from `port` unless 0)."""
        client = self.socket("client", port)
        client.connect(self.address("server"))
        return client

    def connected(self, port=0):
        """(client socket, server socket, listener): one connection, ready for use."""
        listener = self.listen()
        client = self.connect(port)
        return client, self.accept(listener), listener

    def spawn(self, host, *argv):
        """A Process on a host."""
        process = Process(self.namespaces[host], argv)
        self._processes.append(process)
        return process

    def capture(self, host, path):
        """Start tcpdump on a host's DEVICE; returns its Process once it captures."""
        tcpdump = self.spawn(host, "tcpdump", "-i", DEVICE, "-U", "--immediate-mode", "-n",
                             "-s", "0", "-Z", "root", "-w", path, CAPTURE_FILTER)
        tcpdump.expect(b"listening on", "stderr")
        return tcpdump

    def stop_capture(self, tcpdump):
        """End a capture properly, so that its file is whole."""
        tcpdump.signal(signal.SIGINT)
        tcpdump.wait()

    def restart_server(self):
        """The server loses power and comes back: same addresses, no memory, no sound.

        Only with link "tap".  The cable counts as pulled meanwhile, so that not
        one frame of the old server gets out; its sockets are gone afterwards.
        """
        self.forwarder.up = False
        old = self.namespaces["server"]
        old.ip(f"link set {DEVICE} down\n")
        for opened in self._sockets:
            if opened.fileno() >= 0 and _is_local(opened, ADDRESS[self.family]["server"]):
                abort(opened)
        self.forwarder.close()
        os.close(self._taps.pop("server"))
        old.close()
        new = self.namespaces["server"] = Namespace()
        self._taps["server"] = new.make_tap()
        configure(new, "server", self.family)
        self._start_forwarder()


def _is_local(opened, address):
    """True when a socket is bound to this address."""
    return opened.getsockname()[0] == address


def abort(opened):
    """Close a socket with a reset, so that the kernel keeps nothing of it.

    Without this the kernel would go on repeating a FIN in a namespace that is
    to disappear.  Does nothing to a socket that is closed already.
    """
    if opened.fileno() >= 0:
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        opened.close()
