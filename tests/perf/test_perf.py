# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench's tools: captures hold what they claim, and figures are computed right. Nothing is measured here.

What a capture claims is counted again from its bytes, by a reader that shares nothing with the generator."""

import hashlib
import struct
import subprocess
from collections import Counter, namedtuple
from pathlib import Path

import pytest

from figures import Table, against_goal, marks, pair_order, per_frame, ratio_of_pairs, replaced, table_text
from measuring import numbers_by_name
from sections import MIXES, SECTIONS

HERE = Path(__file__).resolve().parent
FRAMES = 16_000
ETHERNET, UDP, TCP = 14, 17, 6
SYN, FIN = 0x02, 0x01
SACK_OPTION, NOP = 5, 1

Packet = namedtuple("Packet", "ipv6 protocol ip_id source destination seq len flags has_sack")


# ---- reading ----


def option_kinds(options):
    while options:
        yield options[0]
        options = options[1:] if options[0] == NOP else options[options[1] :]


def read_packet(frame):
    ipv6 = frame[ETHERNET] >> 4 == 6
    ip, size = frame[ETHERNET:], 40 if ipv6 else 20
    protocol, addresses = (ip[6], ip[8:40]) if ipv6 else (ip[9], ip[12:20])
    payload = struct.unpack_from("!H", ip, 4)[0] if ipv6 else struct.unpack_from("!H", ip, 2)[0] - size
    ports = struct.unpack_from("!HH", ip, size)
    half = len(addresses) // 2
    ends = (addresses[:half], ports[0]), (addresses[half:], ports[1])
    ip_id = 0 if ipv6 else struct.unpack_from("!H", ip, 4)[0]
    if protocol != TCP:
        return Packet(ipv6, protocol, ip_id, *ends, 0, 0, 0, False)
    seq, offset, flags = struct.unpack_from("!4xI4xBB", ip, size)
    header = (offset >> 4) * 4
    has_sack = SACK_OPTION in option_kinds(ip[size + 20 : size + header])
    return Packet(ipv6, protocol, ip_id, *ends, seq, payload - header, flags, has_sack)


def read_capture(path):
    data, at, packets = path.read_bytes(), 24, []
    while at < len(data):
        (size,) = struct.unpack_from("<8xI", data, at)
        packets.append(read_packet(data[at + 16 : at + 16 + size]))
        at += 16 + size
    return packets


def counted(packets):
    """What make_capture claims. A segment behind later ones, not captured before, was overtaken if its IP ID is an old one, and
    was sent again, its first transmission lost, if the ID is new."""
    counts = Counter(frames=len(packets), tcp=0, udp=0, connections=0, retransmissions=0, filled=0, reordered=0, sacks=0)
    pairs, seen, newest = set(), set(), {}
    for packet in packets:
        counts["tcp" if packet.protocol == TCP else "udp"] += 1
        counts["sacks"] += packet.has_sack
        if packet.protocol == TCP:
            pairs.add(frozenset([packet.source, packet.destination]))
        if not packet.len:
            continue
        way, key = (packet.source, packet.destination), (packet.source, packet.destination, packet.seq)
        seq, ip_id = newest.get(way, (packet.seq, packet.ip_id - 1))
        if key in seen:
            counts["retransmissions"] += 1
        elif (packet.seq - seq) % 2**32 >= 2**31:
            counts["filled" if (packet.ip_id - ip_id) % 2**16 < 2**15 else "reordered"] += 1
        else:
            newest[way] = (packet.seq, packet.ip_id)
        seen.add(key)
    counts["connections"] = len(pairs)
    return counts


# ---- captures ----


@pytest.fixture(scope="module")
def programs(build):
    """Folder of make_capture and engine_bench."""
    folder = build / "tests/perf"
    if not (folder / "engine_bench").exists():
        pytest.fail(f"{folder} has no engine_bench: build everything first, or use tests/run", pytrace=False)
    return folder


@pytest.fixture(scope="module")
def make(programs, sandbox):
    """make(mix, frames) -> (path, what the generator claims), made anew each time."""

    def run(mix, frames=FRAMES):
        path = sandbox.new_path(f"-{mix}.pcap")
        with path.open("wb") as out:
            done = subprocess.run([programs / "make_capture", mix, str(frames)], stdout=out, stderr=subprocess.PIPE, check=True)
        path.chmod(0o644)
        return path, numbers_by_name(done.stderr.decode())

    return run


@pytest.fixture(scope="module", params=MIXES)
def mix(request, make):
    """(name, path, claims) of each mix."""
    return request.param, *make(request.param)


def test_same_arguments_same_bytes(mix, make):
    name, path, claims = mix
    again, claims_again = make(name)
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again.read_bytes()).digest()
    assert claims == claims_again


def test_a_smaller_capture_is_the_beginning_of_a_larger_one(mix, make):
    """The difference of two slices is then what the frames between them cost."""
    name, path, _ = mix
    small, _ = make(name, FRAMES // 4)
    assert path.read_bytes().startswith(small.read_bytes())


def test_claims(mix):
    _, path, claims = mix
    assert claims == dict(counted(read_capture(path)))
    assert claims["frames"] == FRAMES


def test_no_packet_is_malformed_or_cut_short(mix, fields):
    """Wireshark's opinion of the bytes; the snap length cuts payload only, never a header or a DNS message."""
    _, path, claims = mix
    rows = fields(path, "tcp.stream", "_ws.malformed", "_ws.short")
    assert [row for row in rows if row["_ws.malformed"] or row["_ws.short"]] == []
    streams = [row["tcp.stream"] for row in rows if row["tcp.stream"]]
    assert (len(rows), len(streams), len(set(streams))) == (FRAMES, claims["tcp"], claims["connections"])


def test_shapes_of_mixes(mix):
    """As README.md describes them."""
    name, path, claims = mix
    packets = read_capture(path)
    losses = [claims[kind] for kind in ("retransmissions", "filled", "reordered", "sacks")]
    assert all(losses) if name == "lossy" else not any(losses)
    flags = Counter(packet.flags for packet in packets)
    if name == "bulk":
        assert claims["connections"] == 4 and flags[0x10] == FRAMES - 8
    elif name == "web":
        assert claims["connections"] == FRAMES / 16 == flags[SYN] and flags[FIN | 0x10] == FRAMES / 8
    elif name == "scan":
        assert claims["connections"] == FRAMES / 2 == flags[SYN] == flags[SYN | 0x10]
    elif name == "lossy":
        data = sum(packet.len > 0 for packet in packets)
        assert 0.01 < claims["retransmissions"] / data < 0.05, "most segments are ordinary ones"
    elif name == "mixed":
        assert 0.25 < claims["udp"] / FRAMES < 0.4
        assert 0.2 < sum(packet.ipv6 for packet in packets) / FRAMES < 0.4


def test_lua_counts_handshakes(make, sandbox, tshark):
    """The script that the plugin is compared with: 1,000 connections of 16 segments, each with a handshake."""
    script = sandbox.readable(HERE / "handshakes.lua")
    path, _ = make("web")
    assert "handshakes: 1000" in tshark(["-q", "-X", f"lua_script:{script}"], path).stdout


# ---- the engine alone ----


def test_engine_is_fed_every_segment(mix, programs):
    _, path, claims = mix
    done = subprocess.run([programs / "engine_bench", path, "1"], capture_output=True, encoding="utf-8", check=True)
    printed = numbers_by_name(done.stdout)
    assert (printed["segments"], printed["pairs"]) == (claims["tcp"], claims["connections"])
    assert printed["ns"] > 0 and printed["bytes"] > 0 and printed["blocks"] >= claims["connections"]


def test_engine_bench_cuts_connections_short(make, programs):
    path, _ = make("web", 1600)
    done = subprocess.run([programs / "engine_bench", path, "1", "6"], capture_output=True, encoding="utf-8", check=True)
    printed = numbers_by_name(done.stdout)
    assert (printed["segments"], printed["pairs"]) == (600, 100)


# ---- figures ----


def test_ratio_is_the_median_of_the_pairs_ratios():
    """By hand: 1.1/1 = 1.1, 3/2 = 1.5, 4.8/4 = 1.2; the ratio of the medians would be 3/2."""
    ratio = ratio_of_pairs([1.1, 3.0, 4.8], [1.0, 2.0, 4.0])
    assert ratio == pytest.approx((1.2, 1.1, 1.5))
    assert ratio_of_pairs([2, 4], [1, 1]) == (3, 2, 4), "of an even number: between the middle ones"


@pytest.mark.parametrize("samples", [([], []), ([1.0], []), ([1.0], [1.0, 2.0])])
def test_no_ratio_without_pairs(samples):
    with pytest.raises(ValueError):
        ratio_of_pairs(*samples)


def test_order_changes_from_pair_to_pair():
    assert [pair_order(pair) for pair in range(3)] == [(True, False), (False, True), (True, False)]


def test_what_is_needed_once_drops_out():
    """1,000,000 to start and 70 for each frame."""
    assert per_frame(1_000_000 + 70 * 5_000, 1_000_000 + 70 * 25_000, 5_000, 25_000) == 70
    with pytest.raises(ValueError):
        per_frame(1, 2, 5_000, 5_000)


@pytest.mark.parametrize(
    "value, goal, text",
    [(1.05, 1.05, "met"), (1.0504, 1.05, "met"), (1.0506, 1.05, "missed by 0.1 %"), (300, 150, "missed by 100 %"), (9, None, "")],
)
def test_goals(value, goal, text):
    assert against_goal(value, goal) == text


def test_table():
    """Numbers to the right, but an option is no number."""
    table = Table("Title", "Note.", ["tshark", "ns"], [["-2 -q", "7"], ["-q", "1,000"]])
    assert table_text(table) == (
        "### Title\n\nNote.\n\n| tshark |    ns |\n|--------|------:|\n| -2 -q  |     7 |\n| -q     | 1,000 |\n"
    )  # fmt: skip


def test_tables_go_between_the_marks():
    begin, end = marks("cpu")
    assert replaced(f"a\n{begin}\nold\n{end}\nb\n", "cpu", "new\n") == f"a\n{begin}\n\nnew\n\n{end}\nb\n"
    assert replaced(f"a\n{begin}\n", "cpu", "new") is None
    assert replaced(f"{begin}\n{end}\n{begin}\n{end}\n", "cpu", "new") is None


def test_page_has_the_marks_of_each_section():
    page = (HERE.parents[1] / "docs/performance.md").read_text(encoding="utf-8")
    assert all(replaced(page, section, "") is not None for section in SECTIONS)


# ---- bad arguments ----


@pytest.mark.parametrize("words", [[], ["web"], ["wen", "10"], ["web", "0"], ["web", "-1"], ["web", "10x"]])
def test_generator_refuses(words, programs):
    done = subprocess.run([programs / "make_capture", *words], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("usage: ")


@pytest.mark.parametrize("words, status", [([], 2), (["/nowhere"], 1), (["CAPTURE", "x"], 1), (["CAPTURE", "1", "0"], 1)])
def test_engine_bench_refuses(words, status, make, programs):
    path, _ = make("scan", 10)
    words = [str(path) if word == "CAPTURE" else word for word in words]
    done = subprocess.run([programs / "engine_bench", *words], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (status, "") and done.stderr


@pytest.mark.parametrize(
    "words", [["speed"], ["cpu", "--mix", "wen"], ["--command", "x"], ["--pairs", "0"], ["--slices", "9,5"], ["--growth", "5"]]
)
def test_runner_refuses(words):
    done = subprocess.run([HERE / "run", *words], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2 and "usage: " in done.stderr


def test_runner_names_what_is_missing(tmp_path):
    done = subprocess.run([HERE / "run", "cpu", "--build", tmp_path], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1 and "no plugin in" in done.stderr
