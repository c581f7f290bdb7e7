# SPDX-License-Identifier: GPL-2.0-or-later
"""How a capture was made: twice, by two clocks, by a network card that helps, live, through a pipe. docs/odd-captures.md has
the table; what lies in a frame around TCP is in test_links.py, damaged headers and files in test_odd_input.py."""

import gzip
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter

import pytest

from conftest import NOBODY
from handmade import ACK, CONVERSATION, LIFE_FIELDS, PSH, SYN, Talk, life, write_pcap

COPY = "tcplife.capture.copy"
LIFE_ARGS = ["-T", "fields", *(word for name in LIFE_FIELDS for word in ("-e", name))]


def lives(output):
    """life() of each line of tshark with LIFE_ARGS."""
    return [life(dict(zip(LIFE_FIELDS, line.split("\t"), strict=True))) for line in output.splitlines()]


@pytest.fixture(scope="module")
def conversation(sandbox):
    return write_pcap(sandbox.new_path(".pcap"), Talk().conversation())


# ---- the same frames more than once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("delay_s", [0, 0.00001, 0.0004])
def test_span_duplicates(delay_s, fields, sandbox):
    """A mirror port that copies a frame on its way in and on its way out: the second one changes nothing and says so."""
    frames = [frame for frame in Talk().conversation() for _ in range(2)]
    times = [at / 100 + second * delay_s for at in range(8) for second in range(2)]
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames, times), *LIFE_FIELDS, COPY)
    assert [life(row) for row in rows[::2]] == CONVERSATION
    assert [row[COPY] for row in rows] == ["", "1"] * 8
    assert [life(row)[1:] for row in rows[1::2]] == [states[1:] for states in CONVERSATION]


@pytest.mark.parametrize("skew_s", [0.0002, -0.0002, 0.004, -0.004])
def test_two_interfaces_with_clocks_apart(skew_s, fields, sandbox):
    """The same connection captured at both ends of a link, files joined by time: however the clocks differ, the second sight of
    each segment is a copy, and the connection ends as it did."""
    talk = Talk()
    frames = talk.conversation()
    here, there = (write_pcap(sandbox.new_path(".pcap"), frames, [1 + at / 100 + by for at in range(8)]) for by in (0, skew_s))
    joined = sandbox.home / f"skew{skew_s}.pcapng"
    done = sandbox.run(["mergecap", "-F", "pcapng", "-w", joined, here, there])
    assert done.returncode == 0, done.stderr
    rows = fields(joined, *LIFE_FIELDS, COPY, "tcplife.conn", "tcplife.verdict", two_pass=True)
    assert {row["tcplife.conn"] for row in rows} == {"0"}
    assert [row[COPY] for row in rows].count("1") == 8
    assert life(rows[-1])[1:] == ("TIME-WAIT", "CLOSED")
    assert [life(row) for row in rows if row[COPY] != "1"] == CONVERSATION


def test_clock_far_apart(fields, sandbox):
    """Seconds apart: the second sight comes when the connection is over. The first one's life stays, and no other connection
    begins."""
    times = [start + at / 100 for start in (0, 5) for at in range(8)]
    path = write_pcap(sandbox.new_path(".pcap"), Talk().conversation() * 2, times)
    rows = fields(path, *LIFE_FIELDS, "tcplife.conn", two_pass=True)
    assert [life(row) for row in rows[:8]] == CONVERSATION
    assert {row["tcplife.conn"] for row in rows} == {"0"}


# ---- what was not captured, and what the network card does -----------------------------------------------------------


@pytest.mark.parametrize("end", [0, 1], ids=["client", "server"])
def test_one_direction(end, fields, sandbox):
    """Only what one end sends: its own state follows from it, and of the other end nothing is certain (RFC 9293 3.10.7.4)."""
    senders = [0, 1, 0, 0, 1, 0, 1, 0]
    frames = [frame for frame, sender in zip(Talk().conversation(), senders, strict=True) if sender == end]
    names = ("tcplife.sender", f"tcplife.{('server', 'client')[end]}.state.confidence", "tcplife.handshake.outcome")
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *LIFE_FIELDS, *names, two_pass=True)
    assert [row["tcplife.sender"] for row in rows] == [("client", "server")[end]] * len(frames)
    assert all(row[names[1]] != "certain" for row in rows)
    assert rows[0]["tcplife.handshake.outcome"] in ("complete_inferred", "pending", "unanswered")


def test_checksum_offload(fields, conversation):
    """The checksums of handmade frames are 0, as those of frames captured before the card fills them in. With Wireshark's own
    check on, too, lives are the same."""
    for check in ("FALSE", "TRUE"):
        extra = ("-o", f"tcp.check_checksum:{check}", "-o", f"ip.check_checksum:{check}")
        rows = fields(conversation, *LIFE_FIELDS, extra=extra)
        assert [life(row) for row in rows] == CONVERSATION


def test_segments_larger_than_the_path_carries(fields, sandbox):
    """Segmentation offload: one segment of 64,000 bytes where the MSS is 1460, acknowledged in parts."""
    talk = Talk()
    mss = bytes.fromhex("020405B4")
    frames = [talk.frame(0, SYN, 0, options=mss), talk.frame(1, SYN | ACK, 0, 1, options=mss), talk.frame(0, ACK, 1, 1)]
    frames += [talk.frame(0, PSH | ACK, 1, 1, payload=bytes(64000))]
    frames += [talk.frame(1, ACK, 1, 1 + 1460 * part) for part in (10, 30)] + [talk.frame(1, ACK, 1, 64001)]
    names = ("tcplife.segment", "tcplife.ack", "tcplife.client.state", "tcplife.capture.offload", "tcplife.handshake.error")
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *names, two_pass=True)
    assert [row["tcplife.segment"] for row in rows[3:]] in (["new", "", "", ""], [""] * 4)
    assert rows[-1]["tcplife.client.state"] == "ESTABLISHED"
    assert rows[-1]["tcplife.capture.offload"] == "1"
    assert {row["tcplife.handshake.error"] for row in rows} == {""}


MPTCP = {0: "1E0C0081" + "00" * 8, 1: "1E0C0081" + "11" * 8}  # MP_CAPABLE with a key (RFC 8684 3.1)


def test_mptcp(fields, sandbox):
    """A subflow of Multipath TCP is a TCP connection with an option more."""
    talk = Talk()
    frames = talk.conversation()
    frames[0] = talk.frame(0, SYN, 0, options=bytes.fromhex(MPTCP[0]))
    frames[1] = talk.frame(1, SYN | ACK, 0, 1, options=bytes.fromhex(MPTCP[1]))
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *LIFE_FIELDS, "tcplife.handshake.error", "tcp.option_kind")
    assert rows[0]["tcp.option_kind"] == "30"
    assert [life(row) for row in rows] == CONVERSATION
    assert {row["tcplife.handshake.error"] for row in rows} == {""}


# ---- ways into tshark ------------------------------------------------------------------------------------------------


def test_gzip(tshark, conversation, sandbox):
    path = sandbox.new_path(".pcap.gz")
    path.write_bytes(gzip.compress(conversation.read_bytes()))
    path.chmod(0o644)
    assert lives(tshark(LIFE_ARGS, path).stdout) == CONVERSATION


@pytest.mark.parametrize("how", ["cat {} | tshark -n -r - {}", "tshark -n -r - {1} < {0}", "gzip -c {} | tshark -n -r - {}"])
def test_standard_input(how, conversation, sandbox):
    done = sandbox.run(["sh", "-c", how.format(conversation, " ".join(LIFE_ARGS))])
    assert lives(done.stdout) == CONVERSATION, done.stderr


def test_capture_from_a_pipe(conversation, sandbox):
    """-i - reads packets as they come."""
    done = sandbox.run(["sh", "-c", f"cat {conversation} | tshark -n -l -i - {' '.join(LIFE_ARGS)}"])
    assert lives(done.stdout) == CONVERSATION, done.stderr


def test_capture_from_a_named_pipe(conversation, sandbox):
    fifo = sandbox.home / "fifo"
    write, read = f"mkfifo {fifo} && cat {conversation} > {fifo}", f"tshark -n -i {fifo} {' '.join(LIFE_ARGS)}"
    done = sandbox.run(["sh", "-c", f"{write} & while ! [ -p {fifo} ]; do sleep 0.02; done; {read}"])
    assert lives(done.stdout) == CONVERSATION, done.stderr


@pytest.mark.parametrize("packets", [3, 8, 1000])
def test_session_reset(packets, tshark, sandbox):
    """-M starts a new session after so many packets and forgets all that was: a connection cut in two begins anew, in the
    middle."""
    frames = [frame for port in range(40000, 40004) for frame in Talk(ports=(port, 80)).conversation()]
    path = write_pcap(sandbox.new_path(".pcap"), frames)
    done = tshark(["-M", str(packets), *LIFE_ARGS], path)
    assert done.returncode == 0 and "Dissector bug" not in done.stdout, done.stderr
    found = lives(done.stdout)
    assert len(found) == 32
    if packets != 3:
        assert found == CONVERSATION * 4
    else:
        assert found[:3] == CONVERSATION[:3]
        assert all(client != "" and server != "" for _, client, server in found)


# ---- live --------------------------------------------------------------------------------------------------------------

PATIENCE_S = 120

# A connection for each line that it reads, and a line when it is over.
TALKER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 8080))
for _ in sys.stdin:
    client = socket.create_connection(("127.0.0.1", 8080))
    server, _ = listener.accept()
    client.sendall(b"hello"); server.recv(5); client.close(); server.recv(1); server.close()
    print(flush=True)
"""


@pytest.fixture(scope="module")
def namespace():
    """Words before a command that runs it in a network namespace with a loopback interface. The namespace has no name: it ends
    with its processes, and `ip netns exec` is not possible in a chroot."""
    if os.geteuid() != 0 or not shutil.which("dumpcap"):
        pytest.skip("needs root and dumpcap")
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep infinity"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with holder:
        if holder.stdout.readline() != "ready\n":
            pytest.skip(f"network namespaces are not possible here: {holder.stderr.read()}")
        yield ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        holder.kill()


def wait_until(condition):
    """Whether it came true in time."""
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def is_capturing(namespace):
    """Whether a packet socket there is bound to an interface and runs: tshark says "Capturing" before that."""
    listed = subprocess.run([*namespace, "cat", "/proc/net/packet"], check=True, capture_output=True, text=True).stdout
    return any(interface != "0" and runs == "1" for _, _, _, _, interface, runs, *_ in map(str.split, listed.splitlines()[1:]))


def frames_on_loopback(namespace):
    counters = subprocess.run([*namespace, "cat", "/proc/net/dev"], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"lo: *\d+ +(\d+)", counters)[1])


def talk(namespace, connections, shown):
    """Makes one connection after the other, each when all frames of the one before are shown: tshark leaves out what dumpcap writes
    while it changes files."""
    before = frames_on_loopback(namespace)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen([*namespace, "/usr/bin/python3", "-c", TALKER], **pipes) as talker:
        for _ in range(connections):
            print(file=talker.stdin, flush=True)
            assert talker.stdout.readline() == "\n"
            assert wait_until(lambda: len(shown) >= frames_on_loopback(namespace) - before), "a frame is not shown"
        talker.stdin.close()


def capture_live(sandbox, namespace, arguments, connections):
    """Standard output of tshark on lo while `connections` connections are made."""
    caps = "+net_raw,+net_admin"
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    user += [f"--inh-caps={caps}", f"--ambient-caps={caps}"]
    command = [*namespace, *user, "tshark", "-n", "-l", "-i", "lo", "-f", "tcp", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    shown = []
    with subprocess.Popen(command, env=sandbox.environment({}), cwd=sandbox.home, **pipes) as process:
        reader = threading.Thread(target=lambda: [shown.append(line) for line in process.stdout])
        reader.start()
        try:
            if wait_until(lambda: process.poll() is not None or is_capturing(namespace)) and process.poll() is None:
                talk(namespace, connections, shown)
        finally:
            process.terminate()
        errors = process.stderr.read()
        reader.join()
    if "permission" in errors.lower():
        pytest.skip("capturing is not permitted here")
    return "".join(shown)


STEPS = ["-T", "fields", "-e", "tcplife.conn", "-e", "tcplife.handshake.step", "-e", "tcplife.teardown.step"]
STEPS += ["-e", "tcplife.midstream"]


def count_steps(output):
    """Of each step how often it came in a connection whose opening was captured in the same session. Every segment has one."""
    rows = [line.split("\t") for line in output.splitlines()]
    assert all(row[0] for row in rows)
    return Counter(step for _, *steps, midstream in rows for step in steps if not midstream)


def test_live_capture(sandbox, namespace):
    steps = count_steps(capture_live(sandbox, namespace, STEPS, 5))
    assert steps["syn"] == steps["synack"] == steps["ack"] == steps["fin1"] == 5


def test_live_capture_into_a_ring_of_files(sandbox, namespace):
    """Each file is a session of its own: a connection that goes on in the next one begins there, in the middle."""
    ring = ["-w", str(sandbox.home / "ring.pcapng"), "-P", "-b", "packets:10", "-b", "files:2"]
    steps = count_steps(capture_live(sandbox, namespace, [*ring, *STEPS], 5))
    assert steps["syn"] == 5 and 0 < steps["fin1"] <= 5


def test_live_capture_with_session_resets(sandbox, namespace):
    output = capture_live(sandbox, namespace, ["-M", "10", *STEPS], 10)
    assert count_steps(output)["syn"] == 10
