# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife-batch --shards: the shards of a capture give the rows of the whole, whatever its packets are wrapped in.

The rows that a table must hold are those of tshark on the whole capture, but for the columns that count within one file."""

import json
import shutil
import subprocess
from collections import Counter

import pytest

from batching import FAILED, FINE, batch, complaints, header_lines, place, table  # noqa: F401 (two are fixtures)
from connection_rows import without_hosts
from handmade import (
    ACK, ETHERNET, PCAP_FILE_HEADER, PCAP_RECORD_HEADER, PSH, RAW_IP, SYN,
    Talk, ethernet, join_captures, write_pcap,
)  # fmt: skip
from test_links import (
    ICMP_ERRORS, LINKS, PAYLOAD,
    by_udp, icmp_error, icmpv6_error, in_ipv6, ipv4_fragments, ipv6_fragments, rpcap,
)  # fmt: skip

PORT_SUMS_MAX = 100  # of what no filter can read: claims_max of tcplife-batch-part
FRAMES = {name: wrap for name, (link, wrap) in LINKS.items() if link == ETHERNET and name != "ah"}
KEEP_ADDRESSES = [name for name in FRAMES if not name.startswith(("ipv6", "6in4"))]
IPV6_FRAMES = ["ipv6", "ipv6-hop-by-hop", "ipv6-two-extensions", "6in4"]


def counts_within_a_file(name):
    return name in ("conn", "stream") or name.endswith("_frame")


def rows(text):
    """The rows of a CSV table. What counts within a file is empty, and the file is not looked at."""
    empty = ("file", *filter(counts_within_a_file, table(text)[0])) if table(text) else ()
    return [{**row, **dict.fromkeys(empty, "")} for row in table(text)]


class Traffic:
    """Frames with times, and client ports that nobody else has. The ports are even, as Linux gives them to clients."""

    def __init__(self):
        self.events, self.now, self.port = [], 0.0, 20000

    def talk(self, port=80):
        self.port += 2
        return Talk(ports=(self.port, port))

    def add(self, *frames, gap_s=0.01):
        for frame in frames:
            self.now += gap_s
            self.events.append((self.now, frame))

    def write(self, path, **how):
        self.events.sort(key=lambda event: event[0])
        times, frames = [event[0] for event in self.events], [event[1] for event in self.events]
        return write_pcap(path, frames, times, **how)


def wrapped_alike(traffic):
    """Two conversations in each kind of frame: below VLAN tags, in tunnels, behind extension headers."""
    for wrap in FRAMES.values():
        for _ in range(2):
            talk = traffic.talk()
            traffic.add(*map(wrap, talk.conversation(talk.ip)))


def wrapped_by_turns(traffic):
    """Conversations whose segments come now so and now so, as where a tunnel begins: one connection all the same."""
    for names, count in ((KEEP_ADDRESSES, 10), (IPV6_FRAMES, 4)):
        for start in range(count):
            talk = traffic.talk()
            kinds = [FRAMES[names[(i * (start + 1) + start) % len(names)]] for i in range(8)]
            traffic.add(*(wrap(packet) for wrap, packet in zip(kinds, talk.conversation(talk.ip), strict=True)))


def in_fragments(traffic):
    """A segment of 1280 bytes in three fragments, in and out of order; the other segments whole."""
    for version in (4, 6):
        for order in ((0, 1, 2), (2, 1, 0)):
            talk = traffic.talk()
            packets = [*talk.conversation(talk.ip)[:3], talk.ip(1, ACK, 1, 1 + len(PAYLOAD))]
            data = talk.ip(0, PSH | ACK, 1, 1, payload=PAYLOAD)
            ident = traffic.port
            pieces = ipv4_fragments(data, ident) if version == 4 else ipv6_fragments(in_ipv6(data), ident)
            whole = [ethernet(packet) if version == 4 else ethernet(in_ipv6(packet), 0x86DD) for packet in packets]
            traffic.add(*whole[:3], *(pieces[i] for i in order), whole[3])


def unreachable(traffic):
    """SYNs that an ICMP error answers: it is the whole difference between `unreachable` and `no_answer`."""
    for kind, code, quoted in ICMP_ERRORS:
        for wrap in (ethernet, FRAMES["vlan"], FRAMES["gre"]):
            syn = traffic.talk(port=443).ip(0, SYN, 0)
            traffic.add(wrap(syn), wrap(icmp_error(kind, code, syn[: 20 + quoted])[14:]))
    for headers, quoted in (((), 48), ((0,), 56)):
        syn = in_ipv6(traffic.talk(port=443).ip(0, SYN, 0), *headers)
        traffic.add(ethernet(syn, 0x86DD), icmpv6_error(1, 4, syn[:quoted]))


def waiting_at_the_end(traffic):
    """SYNs without an answer up to the end: for the last ones an answer may still come. The last packet is no TCP."""
    for _ in range(12):
        traffic.add(traffic.talk(port=81).frame(0, SYN, 0), gap_s=0.7)
    traffic.add(by_udp(9999, b"the end"), gap_s=1)


@pytest.fixture(scope="module")
def awkward(captures, sandbox):
    """A capture of everything that could come apart: all shipped captures and packets in all kinds of wrapping."""
    traffic = Traffic()
    frames, times = join_captures(sorted(captures.glob("*.pcap")), gap_s=1)
    traffic.events = list(zip(times, frames, strict=True))
    for part in (wrapped_alike, wrapped_by_turns, in_fragments, unreachable):
        part(traffic)
    syn = Talk(ports=(19000, 80)).frame(0, SYN, 0)
    traffic.add(*(syn[:length] for length in range(0, len(syn), 3)))  # too short for what the filters read
    traffic.now = max(times[-1], traffic.now)
    waiting_at_the_end(traffic)
    return traffic.write(sandbox.new_path(".pcap"))


@pytest.fixture(scope="module")
def whole(awkward, batch):
    """The table of the whole capture. It holds what the shards must get right."""
    done = batch(awkward)
    assert (done.returncode, complaints(done)) == (FINE, "")
    expected = rows(done.stdout)
    failures = Counter(row["open_failure"] for row in expected)
    assert failures["unreachable"] >= 17 and failures["no_answer"] >= 5
    assert sum(row["handshake"] == "pending" for row in expected) >= 1
    return expected


# ---- the same rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [2, 3, 16])
def test_shards_equal_the_whole(shards, awkward, whole, batch):
    done = batch("--shards", shards, awkward)
    assert (done.returncode, complaints(done)) == (FINE, "")
    assert without_hosts_of(whole, rows(done.stdout)) == rows(done.stdout)


def without_hosts_of(together, apart):
    """Rows of a whole capture without what only a whole capture can tell of hosts (docs/batch.md)."""
    return [without_hosts(row, shard) for row, shard in zip(together, apart, strict=True)]


@pytest.mark.parametrize("kind", ["tsv", "json"])
def test_other_formats(kind, awkward, batch):
    """What counts within a file is empty in the way of the format; the rest is as in the table of the whole."""

    def blank(line):
        if kind == "json":
            return {name: None if counts_within_a_file(name) else value for name, value in json.loads(line).items()}
        return {name: "-" if counts_within_a_file(name) else cell for name, cell in zip(names, line.split("\t"), strict=True)}

    expected, done = (batch("--format", kind, *more, awkward).stdout.splitlines() for more in ([], ["--shards", "2"]))
    names = expected[5].split("\t")[1:] if kind == "tsv" else None
    start = header_lines(kind)
    assert done[:start] == expected[:start]
    shards = [json.loads(line) if kind == "json" else dict(zip(names, line.split("\t"), strict=True)) for line in done[start:]]
    assert without_hosts_of(map(blank, expected[start:]), shards) == shards


@pytest.mark.parametrize("link", ["cooked", "cooked-2", "loopback-null", "loopback-bsd", "raw-ip", "ppp"])
def test_other_link_types(link, batch, sandbox):
    """Those without VLAN tags, too."""
    number, wrap = LINKS[link]
    traffic = Traffic()
    for _ in range(8):
        talk = traffic.talk()
        traffic.add(*map(wrap, talk.conversation(talk.ip)))
    path = traffic.write(sandbox.new_path(".pcap"), link=number)
    done = batch("--shards", "2", path)
    assert (done.returncode, complaints(done)) == (FINE, "")
    assert rows(done.stdout) == rows(batch(path).stdout)


def test_nanoseconds_and_pcapng(awkward, whole, batch, sandbox):
    """Times in nanoseconds are not cut."""
    finer, newer = sandbox.new_path(".pcap"), sandbox.new_path(".pcapng")
    subprocess.run(["editcap", "-F", "nsecpcap", awkward, finer], check=True)
    content = bytearray(finer.read_bytes())
    at = PCAP_FILE_HEADER.size
    while at < len(content):
        seconds, nanoseconds, captured, length = PCAP_RECORD_HEADER.unpack_from(content, at)
        PCAP_RECORD_HEADER.pack_into(content, at, seconds, nanoseconds + 7, captured, length)
        at += PCAP_RECORD_HEADER.size + captured
    finer.write_bytes(content)
    subprocess.run(["editcap", "-F", "pcapng", finer, newer], check=True)
    for path in (finer, newer):
        path.chmod(0o644)
        done = batch("--shards", "3", path)
        assert (done.returncode, complaints(done)) == (FINE, "")
        assert {row["start"][-3:] for row in rows(done.stdout)} == {"007"}
        assert rows(done.stdout) == [{**row, "start": row["start"][:-1] + "7"} for row in whole]


def test_shards_share_the_work(batch, place, sandbox):
    """Client ports of one parity, as Linux gives them, and one server: each shard gets some of the connections."""
    traffic = Traffic()
    for _ in range(64):
        talk = traffic.talk()
        traffic.add(*talk.conversation())
    path = traffic.write(sandbox.new_path(".pcap"))
    (place / "bad.pcap").write_bytes(b"")  # so that the work is kept
    assert batch("--shards", "4", "-o", place / "t.csv", path, place / "bad.pcap").returncode == FAILED
    sizes = [len((place / f"t.csv.parts/shard/000000001.{shard:03}.rows").read_text().splitlines()) for shard in range(5)]
    assert sum(sizes) == 64 and sizes[4] == 0
    assert min(sizes[:4]) >= 8, sizes  # half of an equal share


# ---- what cannot be cut ----------------------------------------------------------------------------------------------


def tunnelled(connections, sandbox):
    traffic = Traffic()
    for _ in range(connections):
        talk = traffic.talk()
        traffic.add(*map(FRAMES["gre"], talk.conversation(talk.ip)))
        talk = traffic.talk()
        traffic.add(*talk.conversation())
    return traffic.write(sandbox.new_path(".pcap"))


@pytest.mark.parametrize("more", [0, 1])
def test_many_tunnelled_connections(more, batch, sandbox):
    """One more than a filter can name: the capture is read whole, and that is said."""
    path = tunnelled(PORT_SUMS_MAX + more, sandbox)
    done = batch("--shards", "2", path)
    assert done.returncode == FINE
    assert done.stderr.count("is read whole, not in shards: more than 100 port sums") == more
    assert rows(done.stdout) == rows(batch(path).stdout)


def test_captures_that_tcpdump_cannot_read(batch, place, sandbox):
    """Compressed, or with two link types: read whole."""
    talk = Talk()
    plain = write_pcap(sandbox.new_path(".pcap"), talk.conversation())
    raw = write_pcap(sandbox.new_path(".pcap"), talk.conversation(talk.ip), link=RAW_IP)
    compressed, mixed = sandbox.new_path(".pcap.gz"), sandbox.new_path(".pcapng")
    compressed.write_bytes(subprocess.run(["gzip", "-c", plain], check=True, capture_output=True).stdout)
    subprocess.run(["mergecap", "-w", mixed, plain, raw], check=True)
    for path in (compressed, mixed):
        path.chmod(0o644)
        done = batch("--shards", "2", path)
        assert done.returncode == FINE
        assert "is read whole, not in shards: tcpdump: " in done.stderr and done.stderr.count("\n") == 3
        assert len(rows(done.stdout)) == 1
        assert rows(done.stdout) == rows(batch(path).stdout)


def test_tcp_inside_tcp_is_told(batch, place, sandbox):
    """Connections that a TCP connection carries and no filter can see: an error, not rows of torn connections."""
    outer, inner = Talk("192.0.2.1", "192.0.2.2", ports=(50000, 2002)), Talk()
    frames, sent = outer.conversation()[:3], 1
    for number, frame in enumerate(inner.conversation(), 1):
        message = rpcap(frame, number)
        frames.append(outer.frame(1, PSH | ACK, sent, 1, payload=message))
        sent += len(message)
    path = write_pcap(sandbox.new_path(".pcap"), frames)
    (place / "preferences").write_text(f"rpcap.linktype: {ETHERNET}\n")
    environment = {"WIRESHARK_CONFIG_DIR": str(place)}
    assert len(rows(batch(path, env=environment).stdout)) == 2
    done = batch("--shards", "16", path, env=environment)
    assert done.returncode == FAILED
    assert f"{path}: it holds TCP connections inside others: read it without --shards" in done.stderr


# ---- bad captures, and runs that were cut short ----------------------------------------------------------------------


def test_bad_captures(awkward, batch, place):
    """One line for each, not one for each shard; rows up to the cut, as without shards."""
    cut = place / "cut.pcap"
    cut.write_bytes(awkward.read_bytes()[:20011])
    (place / "text.pcap").write_text("This is not a capture.\n")
    names = [cut, place / "text.pcap", place / "missing.pcap", awkward]
    done = batch("--shards", "2", *names)
    expected = batch(*names)
    errors = [line for line in complaints(done).splitlines() if "is read whole" not in line]
    assert done.returncode == FAILED
    assert errors == complaints(expected).splitlines() and len(errors) == 4
    assert without_hosts_of(rows(expected.stdout), rows(done.stdout)) == rows(done.stdout)


@pytest.mark.parametrize("task, jobs", [("scan", 0), ("scan", 1), ("shard", 0), ("shard", 2), ("shard", 8), ("merge", 1)])
def test_run_is_resumed(task, jobs, awkward, whole, batch, place):
    """From what a kill leaves after some jobs of a task; the work of later tasks is not there yet."""
    output, work = place / "t.csv", place / "t.csv.parts"
    (place / "bad.pcap").write_bytes(b"")  # so that the work is kept
    command = ["-j1", "--shards", "3", "-o", output, awkward, place / "bad.pcap"]
    assert batch(*command).returncode == FAILED
    expected = output.read_text()
    tasks = ["scan", "shard", "merge"]
    log = work / f"{task}.log"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[: jobs + 1]))
    for later in tasks[tasks.index(task) + 1 :]:
        (work / f"{later}.log").unlink()
    made = [sorted(work.glob("plan/*")), sorted(work.glob("shard/*.rows")), sorted(work.glob("part/*.rows"))]
    for number, parts in enumerate(made[tasks.index(task) :]):
        for part in parts[0 if number else jobs :]:
            part.unlink()
    for done in (work / "finished", output):
        done.unlink()
    assert batch(*command, "--resume").returncode == FAILED
    assert output.read_text() == expected
    assert rows(expected) == whole


def test_tcpdump_is_needed(batch, awkward, place):
    folder = place / "few"
    folder.mkdir()
    for program in ("bash", "env", "readlink", "dirname", "tshark", "capinfos", "sed", "iconv"):
        (folder / program).symlink_to(shutil.which(program))
    done = batch("--shards", "2", awkward, env={"PATH": str(folder)})
    assert done.returncode == 2 and done.stderr == "tcplife-batch: tcpdump is not installed\n"
