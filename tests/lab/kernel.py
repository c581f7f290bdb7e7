# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel itself says about the TCP segments that it sends, by bpftrace.

One bpftrace runs for all scenarios.  At the tracepoint net:net_dev_queue it prints,
for each TCP segment handed to a device called netlab.DEVICE, the numbers of the
segment, the state of its socket, and the call stack that led there: the stack says
why the segment was sent.  Further tracepoints add the reason of each reset, the
states of sockets, and the congestion state.  Only tracepoints are used; no function
is instrumented.

Events carry the inode number of their network namespace, by which they are told
apart; times are nanoseconds of CLOCK_MONOTONIC.
"""

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass

from netlab import DEVICE, LabError

TRACEPOINTS = ("net/net_dev_queue", "tcp/tcp_send_reset", "tcp/tcp_retransmit_synack",
               "tcp/tcp_cong_state_set", "sock/inet_sock_set_state")
TRACING = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
MARKER_PORT = 9         # a socket that listens on it marks a place in the stream of events
STARTUP = 30.0          # seconds that bpftrace may take to attach
STACK_DEPTH = 18        # frames; the sending paths of IPv6 need up to 14
BUFFER_PAGES = 2048     # of the perf buffer of each CPU
# Where one activity of the kernel interrupts another: callers above say nothing about the segment.
STACK_ENDS = ("handle_softirqs", "__do_softirq", "__irq_exit_rcu", "run_ksoftirqd")
STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2",
          6: "TIME_WAIT", 7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN",
          11: "CLOSING", 12: "NEW_SYN_RECV"}
CONGESTION = {0: "Open", 1: "Disorder", 2: "CWR", 3: "Recovery", 4: "Loss"}
FULL_SOCKETS = {"ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "CLOSE",
                "CLOSE_WAIT", "LAST_ACK", "CLOSING"}

PROGRAM = r"""
tracepoint:net:net_dev_queue
/str(args->name) == "@DEVICE@"/
{
  $skb = (struct sk_buff *)args->skbaddr;
  $head = (uint64)$skb->head;
  $ip = $head + $skb->network_header;
  $six = $skb->protocol == 0xdd86;
  $proto = $six ? *(uint8 *)($ip + 6) : *(uint8 *)($ip + 9);
  if ($proto == 6) {
    $th = $head + $skb->transport_header;
    $info = (struct skb_shared_info *)($head + $skb->end);
    $sk = (struct tcp_sock *)$skb->sk;
    $icsk = (struct inet_connection_sock *)$skb->sk;
    printf("T %llu %d %d %u %d %u %u %u %u %u %u %u %u %lld %d %d %u %u %u %u %d %d %s\n",
      nsecs, cpu, tid, $skb->dev->nd_net.net->ns.inum, $six,
      *(uint16 *)($ip + 4), *(uint16 *)$th, *(uint16 *)($th + 2), *(uint32 *)($th + 4),
      *(uint32 *)($th + 8), *(uint8 *)($th + 12), *(uint8 *)($th + 13), $info->gso_size,
      (int64)$skb->len - (int64)($th - (uint64)$skb->data),
      $skb->sk != 0 ? $icsk->icsk_inet.sk.__sk_common.skc_state : 0,
      $skb->sk != 0 ? $icsk->icsk_ca_state : 0,
      $sk->snd_una, $sk->snd_nxt, $sk->packets_out, $sk->snd_wnd,
      $icsk->icsk_retransmits, $icsk->icsk_probes_out, kstack(@DEPTH@));
  }
}
tracepoint:tcp:tcp_send_reset
{
  printf("R %llu %d %d %d %d\n", nsecs, cpu, tid, args->reason, args->state);
}
tracepoint:tcp:tcp_retransmit_synack
{
  printf("Y %llu %u\n", nsecs, ((struct sock *)args->skaddr)->__sk_common.skc_net.net->ns.inum);
}
tracepoint:tcp:tcp_cong_state_set
{
  printf("C %llu %u %d %d %d\n", nsecs,
    ((struct sock *)args->skaddr)->__sk_common.skc_net.net->ns.inum,
    args->sport, args->dport, args->cong_state);
}
tracepoint:sock:inet_sock_set_state
/args->protocol == 6/
{
  printf("S %llu %u %d %d %d %d %llu\n", nsecs,
    ((struct sock *)args->skaddr)->__sk_common.skc_net.net->ns.inum,
    args->sport, args->dport, args->oldstate, args->newstate, (uint64)args->skaddr);
}
"""


class Unavailable(LabError):
    """This machine cannot tell the kernel's truth."""


@dataclass
class Sent:
    """One TCP segment that a kernel handed to its device."""

    time: int
    cpu: int
    thread: int
    netns: int
    ip_id: int          # 0 with IPv6
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    length: int
    state: str          # of its socket; "" when it has none
    congestion: str     # of its socket; "" when that has none
    una: int
    nxt: int
    packets_out: int
    window: int
    retransmits: int
    probes_out: int
    stack: tuple = ()
    reset_reason: str = ""

    @property
    def key(self):
        """What identifies a frame on the link, up to its repetitions."""
        return (self.sport, self.dport, self.seq, self.ack, self.flags, self.length, self.ip_id)


@dataclass(frozen=True)
class Change:
    """A socket went from one state to another."""

    time: int
    netns: int
    sport: int
    dport: int
    old: str
    new: str
    sock: int           # which socket: its address in the kernel


@dataclass
class Record:
    """All events of some namespaces, in the order of time."""

    sent: list
    changes: list
    congestion: list        # (time, netns, sport, dport, state)
    retransmit_synack: list  # netns, for each event of that tracepoint
    lost: int               # events that bpftrace says it has lost


def check_tracing():
    """Unavailable when there is no bpftrace here, or the kernel lacks something it needs."""
    if shutil.which("bpftrace") is None:
        raise Unavailable("bpftrace is not installed", "apt-get install bpftrace")
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        raise Unavailable("the kernel has no type information (CONFIG_DEBUG_INFO_BTF)")
    folder = next((f for f in TRACING if os.path.exists(os.path.join(f, "events"))), None)
    if folder is None:
        raise Unavailable("tracefs cannot be mounted here (CONFIG_FTRACE, CAP_SYS_ADMIN)")
    missing = [t for t in TRACEPOINTS if not os.path.exists(os.path.join(folder, "events", t))]
    if missing:
        raise Unavailable("the kernel lacks the tracepoint " + ", ".join(missing))


def reset_reasons():
    """{number: word} of sk_rst_reason, from the format of the tracepoint."""
    for folder in TRACING:
        path = os.path.join(folder, "events/tcp/tcp_send_reset/format")
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                text = file.read().rpartition("REC->reason")[2]
            pairs = [part.split("}")[0].split(",") for part in text.split("{")[1:]]
            return {int(number): word.strip().strip('"') for number, word in pairs}
    return {}


def mounted_tracefs():
    """Mount tracefs, as the kernel does by itself for debugfs, unless it is; True if done here."""
    if any(os.path.exists(os.path.join(folder, "events")) for folder in TRACING):
        return False
    done = subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACING[0]], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


class Tracer:
    """bpftrace with PROGRAM, writing to a file; use it in a `with` statement."""

    def __init__(self, path):
        self._path, self._process, self._offset = path, None, 0
        self._unmount, self.reasons, self._lost = False, {}, 0

    def __enter__(self):
        self._unmount = mounted_tracefs()
        try:
            check_tracing()
            self.reasons = reset_reasons()
            if "NO_SOCKET" not in self.reasons.values():
                raise Unavailable("the tracepoint tcp:tcp_send_reset does not tell the reason")
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _start(self):
        """Run bpftrace and wait until it is attached."""
        program = PROGRAM.replace("@DEVICE@", DEVICE).replace("@DEPTH@", str(STACK_DEPTH))
        environment = dict(os.environ, BPFTRACE_PERF_RB_PAGES=str(BUFFER_PAGES))
        with open(self._path, "wb") as events, open(self._path + ".err", "wb") as errors:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", "bpftrace", "-B", "line", "-e", program],
                env=environment, stdin=subprocess.DEVNULL, stdout=events, stderr=errors)
        end = time.monotonic() + STARTUP
        while not self._marked(0, b"S "):
            if self._process.poll() is not None or time.monotonic() > end:
                with open(self._path + ".err", encoding="utf-8", errors="replace") as file:
                    raise LabError("bpftrace does not start: " + file.read().strip())
            with socket.socket() as one:        # makes an event as soon as bpftrace listens
                one.bind(("127.0.0.1", 0))
                one.listen(1)
            time.sleep(0.2)

    def _marked(self, offset, wanted):
        """True when the file holds `wanted` behind an offset."""
        if not os.path.exists(self._path):
            return False
        with open(self._path, "rb") as file:
            file.seek(offset)
            return wanted in file.read()

    def collect(self, namespace, reasons_of):
        """All events since the last call, of the namespaces whose inodes are in `reasons_of`.

        `namespace` is one of them: a marker is set there, so that nothing is still under way.
        """
        inode = os.fstat(namespace.fd).st_ino
        with namespace.entered(), socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("0.0.0.0", MARKER_PORT))
            one.listen(1)
        marker = f" {inode} {MARKER_PORT} 0 10 7 ".encode()
        end = time.monotonic() + STARTUP
        while not self._marked(self._offset, marker):
            if time.monotonic() > end:
                raise LabError("bpftrace has stopped to answer")
            time.sleep(0.05)
        time.sleep(0.2)         # the buffers of other CPUs
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        with open(self._path + ".err", "rb") as file:
            lost = sum(int(line.split()[1]) for line in file.read().splitlines()
                       if line.startswith(b"Lost "))
        fresh, self._lost = lost - self._lost, lost
        return parse(data.decode("ascii", "replace"), set(reasons_of), self.reasons, fresh)

    def close(self):
        """End bpftrace.  May be called twice."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STARTUP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._unmount:
            subprocess.run(["umount", TRACING[0]], check=False)
            self._unmount = False


def swap16(number):
    """A 16 bit number read with the wrong byte order."""
    return (number & 0xFF) << 8 | number >> 8


def swap32(number):
    """A 32 bit number read with the wrong byte order."""
    return int.from_bytes(number.to_bytes(4, "little"), "big")


def read_sent(words):
    """The Sent of a line of type T, and its GSO size."""
    (nanoseconds, cpu, thread, netns, six, ip_id, sport, dport, seq, ack, offset, flags, gso,
     length, state, congestion, una, nxt, out, window, retransmits, probes) = map(int, words)
    name = STATES.get(state, "")
    full = name in FULL_SOCKETS
    return Sent(nanoseconds, cpu, thread, netns, 0 if six else swap16(ip_id), swap16(sport),
                swap16(dport), swap32(seq), swap32(ack), flags & 0x3F,
                length - (offset >> 4) * 4, name,
                CONGESTION.get(congestion & 0x1F, "") if full else "",
                una, nxt, out if full else 0, window, retransmits, probes), gso


def cut_stack(names):
    """The frames that led to the segment, without those of what was interrupted."""
    for place, name in enumerate(names):
        if name in STACK_ENDS:
            return tuple(names[:place])
    return tuple(names)


def segments_of(sent, gso):
    """The frames on the link of one packet of the kernel, which may be cut on its way."""
    if not gso or sent.length <= gso:
        return [sent]
    parts = []
    for number, start in enumerate(range(0, sent.length, gso)):
        length = min(gso, sent.length - start)
        last = start + length == sent.length
        flags = sent.flags if last else sent.flags & ~0x09          # FIN, PSH: the last only
        parts.append(Sent(**{**vars(sent), "length": length, "flags": flags,
                             "seq": (sent.seq + start) % 2**32,
                             "ip_id": (sent.ip_id + number) & 0xFFFF if sent.ip_id else 0}))
    return parts


def parse(text, netns, reasons, lost):
    """A Record of the events of some namespaces from bpftrace's output."""
    packets, resets = [], []
    record = Record([], [], [], [], lost)
    packet = None
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "T":
            packet = (*read_sent(rest.split()[:22]), [])
            packets.append(packet)
        elif line[:1] in (" ", "\t") and packet:
            packet[2].append(line.strip().split("+")[0])
        elif kind in tuple("RYCS"):
            packet = None
            read_other(kind, [int(word) for word in rest.split()], netns, record, resets)
    packets.sort(key=lambda item: item[0].time)
    attach_resets(packets, sorted(resets), reasons)
    for sent, gso, stack in packets:
        if sent.netns in netns:
            sent.stack = cut_stack(stack)
            record.sent += segments_of(sent, gso)
    record.changes.sort(key=lambda change: change.time)
    record.congestion.sort()
    return record


def read_other(kind, words, netns, record, resets):
    """Put an event that is no segment into its list."""
    if kind == "R":
        resets.append(tuple(words))
    elif words[1] not in netns:
        return
    elif kind == "S" and MARKER_PORT not in words[2:4]:
        record.changes.append(Change(*words[:4], STATES[words[4]], STATES[words[5]],
                                     words[6]))
    elif kind == "C":
        record.congestion.append((*words[:4], CONGESTION.get(words[4], "")))
    elif kind == "Y":
        record.retransmit_synack.append(words[1])


def attach_resets(packets, resets, reasons):
    """Give each RST the reason of the event nearest to it in the same thread.

    The kernel reports a reset in answer to a segment before it sends it, and one from a
    socket call or a timer after it.
    """
    for sent, _, stack in packets:
        if not sent.flags & 0x04:
            continue
        active = "tcp_send_active_reset" in stack
        near = [event for event in resets if event[1:3] == (sent.cpu, sent.thread)
                and (event[0] >= sent.time if active else event[0] <= sent.time)
                and abs(event[0] - sent.time) < 2_000_000]
        if near:
            event = min(near, key=lambda item: abs(item[0] - sent.time))
            sent.reset_reason = reasons.get(event[3], str(event[3]))
