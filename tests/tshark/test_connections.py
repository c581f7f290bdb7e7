# SPDX-License-Identifier: GPL-2.0-or-later
"""One row for each connection (-z tcplife,csv): what the rows say, and that they say it however the capture is read.

Expected values: counts, times and frames from the bytes of the captures, by connection_rows.account(); handshake and teardown
from MANIFEST.tsv, which says what the applications did; verdicts, causes and probes read off the packets by hand; tcp.stream
and the sums from tshark without the plugin. How the formats are written is the matter of test_connection_formats.py."""

import csv
import gzip
import re
import struct
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from connection_rows import NAMES, PLACES, account, read_csv, seconds, without_hosts
from handmade import (
    ACK, PCAP_FILE_HEADER, PCAP_RECORD_HEADER, PPP, RST, SYN,
    Talk, ethernet, ipv4, join_captures, read_pcap, tcp, udp, write_pcap,
)  # fmt: skip

REPO = Path(__file__).resolve().parents[2]
CAPTURES = sorted((REPO / "captures").glob("*.pcap"))
MANIFEST = {row["file"]: row for row in csv.DictReader((REPO / "captures/MANIFEST.tsv").open(), delimiter="\t")}
SEEN_AT_BOTH_ENDS = {"synack-lost-client.pcap", "handshake-ack-lost-server.pcap"}  # connections that another file has, too
EACH_ONCE = [path for path in CAPTURES if path.name not in SEEN_AT_BOTH_ENDS]
CORPUS = REPO / "tests/lab/corpus"
RETRANSMISSIONS = [name for name in NAMES if name.startswith("retransmissions_")]


@pytest.fixture(scope="module")
def rows(tshark):
    """rows(capture, *args, filter=None, ...) -> the rows of -z tcplife,csv as dictionaries; None = absent."""

    def run(capture, *args, filter=None, **how):
        statistics = "tcplife,csv" + (f",{filter}" if filter else "")
        result = tshark(["-q", *args, "-z", statistics], capture, **how)
        assert (result.returncode, result.stderr) == (0, "")
        return read_csv(result.stdout)

    return run


@pytest.fixture(scope="module")
def shipped(rows):
    """shipped(path) -> the rows of a shipped capture; each run once."""
    return cache(rows)


@pytest.fixture(scope="module")
def no_plugin(sandbox):
    """Environment of a tshark without the plugin."""
    folder = sandbox.new_path("-no-plugins")
    folder.mkdir()
    return {"WIRESHARK_PLUGIN_DIR": str(folder)}


@pytest.fixture(scope="module")
def all_captures(sandbox):
    """All shipped captures in one file, five minutes apart; of each connection one."""
    return write_pcap(sandbox.new_path(".pcap"), *join_captures(EACH_ONCE))


def corpus(sandbox, *names):
    """Captures of the lab's corpus behind one another in one file. All have the same header."""
    contents = [gzip.decompress((CORPUS / f"{name}.pcap.gz").read_bytes()) for name in names]
    size = PCAP_FILE_HEADER.size
    assert len({content[:size] for content in contents}) == 1
    path = sandbox.new_path(".pcap")
    path.write_bytes(contents[0][:size] + b"".join(content[size:] for content in contents))
    path.chmod(0o644)
    return path


def without_places(row):
    return {name: value for name, value in row.items() if name not in PLACES}


def picked(row, names):
    return {name: row[name] for name in names}


# ---- what the rows say ---------------------------------------------------------------------------------------------------

OK = {"verdict": "ok", "open_failure": None, "rst_cause": None, "rst_sender": None}
ABORTED = {"verdict": "aborted", "open_failure": None, "rst_cause": "abort"}
# What a reader of the packets says of each connection; the others closed in an orderly way.
JUDGED = {
    "syn-unanswered": [
        {"verdict": "unanswered", "open_failure": "no_answer", "retransmissions_syn": "3", "retransmissions": "3"}, OK,
    ],
    "refused": [
        {"verdict": "refused", "open_failure": "reset", "rst_cause": "refused", "rst_sender": "server", "rst_frame": "2"},
    ],
    "icmp-unreachable": [{"verdict": "unreachable", "open_failure": "unreachable", "teardown": None, "initiator": None}],
    # Both ends closed at the same moment: neither of them refused to serve.
    "close-both-ack-first": [OK],
    # The server's process is gone 0.2 s and 0.5 s after the handshake, and has said nothing.
    "peer-killed-fin": [{**OK, "open_failure": "closed_at_once"}],
    "peer-killed-rst": [{**ABORTED, "open_failure": "closed_at_once", "rst_sender": "server", "rst_frame": "8"}],
    # It had talked before it was gone; 0.27 s of silence came before the data that found out.
    "peer-restarted": [
        {
            "verdict": "state_lost", "open_failure": None, "rst_cause": "half_open", "rst_sender": "server",
            "final_idle": "0.269345000",
        },
    ],
    "data-after-close": [{"verdict": "closed_with_rst", "rst_cause": "data_after_close", "rst_sender": "server"}],
    "linger-reset": [{**ABORTED, "rst_sender": "client"}],
    "abort-unread": [{**ABORTED, "rst_sender": "client"}],
    # The first probe came after 1.018 s of silence, the others 1.024 s after one another.
    "keepalive-answered": [{**OK, "keepalive_probes": "3", "keepalive_runs": "1"}],
    "keepalive-unanswered": [
        {
            "verdict": "timed_out", "rst_cause": "keepalive_timeout", "rst_sender": "client", "rst_confidence": "likely",
            "keepalive_probes": "4", "keepalive_runs": "1", "final_idle": "1.018027000",
        }
    ],
    # SYN and SYN-ACK, each sent twice; the second SYN-ACK answers the second SYN.
    "synack-lost": [{**OK, "retransmissions_syn": "1", "retransmissions_synack": "1", "retransmissions": "2"}],
    "synack-lost-client": [{**OK, "retransmissions_syn": "1", "retransmissions_synack": "0", "retransmissions": "1"}],
    "handshake-ack-lost": [{**OK, "retransmissions_synack": "1", "retransmissions": "1"}],
    "handshake-ack-lost-server": [{**OK, "retransmissions_synack": "1", "retransmissions": "1"}],
    "time-wait-reuse-client": [{**OK, "incarnation": "1"}, {**OK, "incarnation": "2"}],
    "time-wait-reuse-server": [{**OK, "incarnation": "1"}, {**OK, "incarnation": "2"}],
}  # fmt: skip


@pytest.mark.parametrize("path", CAPTURES, ids=[path.stem for path in CAPTURES])
def test_counted_by_hand(path, shipped):
    expected = [connection.row() for connection in account(path)]
    assert [picked(row, expected[0]) for row in shipped(path)] == expected


TOLD = {
    "handshake": "handshake.outcome",
    "teardown": "teardown.kind",
    "initiator": "teardown.initiator",
    "time_wait": "time_wait",
}


def manifest_words(path, name):
    words = MANIFEST[path.name][name].split(";")
    return words[1:] if words[0] == "several" else words


@pytest.mark.parametrize("path", CAPTURES, ids=[path.stem for path in CAPTURES])
def test_told_by_the_applications(path, shipped):
    """The MANIFEST's word for one of two equal ends is "peer": the client columns show the lower address, which closed first.
    An attempt that came to nothing is "open" there; its row tells of no teardown."""
    got = shipped(path)
    failed = [word == "open" for word in manifest_words(path, "teardown.kind")]
    for column, name in TOLD.items():
        expected = ["client" if word == "peer" else word for word in manifest_words(path, name)]
        if column != "handshake":
            expected = [None if never else word for word, never in zip(expected, failed, strict=True)]
        assert [row[column] for row in got] == expected
    judged = JUDGED.get(path.stem, [OK] * len(got))
    assert [picked(row, words) for row, words in zip(got, judged, strict=True)] == judged
    if path.stem not in JUDGED:
        assert {row["retransmissions"] for row in got} == {"0"}


def test_times_of_a_handshake(rows, sandbox):
    """SYN at 0, again at 1 s, SYN-ACK 80 ms later, ACK 20 ms after it: the times are those of the answered SYN, the setup is
    the whole wait. Without timestamps nobody knows which SYN was answered; the last one is taken."""
    talk = Talk()
    syn, synack, ack, *_ = talk.conversation()
    path = write_pcap(sandbox.new_path(".pcap"), [syn, talk.frame(0, SYN, 0), synack, ack], [0, 1, 1.08, 1.1])
    (row,) = rows(path)
    expected = {
        "syn_attempts": "2", "setup_time": "1.100000000", "server_time": "0.080000000", "client_time": "0.020000000",
        "duration": "1.100000000", "retransmissions_syn": "1", "capture_position": "unknown",
    }  # fmt: skip
    assert picked(row, expected) == expected


def test_midstream(rows, sandbox):
    """Roles are a guess by the port, and the handshake was not captured: what it would tell is absent, not 0."""
    talk = Talk()
    path = write_pcap(sandbox.new_path(".pcap"), talk.conversation()[3:5])
    (row,) = rows(path)
    expected = {
        "role_confidence": "guess", "handshake": "not_captured", "setup_time": None, "server_time": None, "client_time": None,
        "syn_attempts": "0", "teardown": "open", "verdict": "open", "client_port": "40000", "rst_cause": None,
        "rst_origin": None,
    }  # fmt: skip
    assert picked(row, expected) == expected


def test_capture_limits(rows, sandbox):
    """Everything captured twice at once, the second time one hop further: doubled, routed, and nothing else is counted twice."""
    plain = Talk().conversation()
    packets = [packet for frame in plain for packet in (frame, frame[:22] + bytes([frame[22] - 1]) + frame[23:])]
    times = [i // 2 * 0.01 + i % 2 * 0.0001 for i in range(len(packets))]
    (row,) = rows(write_pcap(sandbox.new_path(".pcap"), packets, times))
    expected = {
        "capture_limits": "doubled,routed", "copies": "8", "client_segments": "5", "server_segments": "3", "client_bytes": "10",
        "duplicates": "0", "retransmissions": "0", "verdict": "ok",
    }  # fmt: skip
    assert picked(row, expected) == expected


def test_bytes_without_repetitions_are_the_stream(rows, fields, sandbox):
    """bytes - bytes_again = FIN - SYN - 1 for each end whose SYN and FIN were captured, whatever was lost, repeated, doubled or
    overtaken in between. Numbers as Wireshark reads them."""
    names = ("bulk_loss3_plain.client", "reorder_deep.server", "fast_open_refused.client", "twice.server", "fast_far.client")
    ends = 0
    for name in names:
        path = corpus(sandbox, name)
        first, last = {}, {}
        flags = fields(
            path, "tcplife.conn", "tcplife.sender", "tcp.flags.syn", "tcp.flags.fin", "tcp.seq_raw", "tcp.len",
            display_filter="tcp.flags.syn == 1 || tcp.flags.fin == 1",
        )  # fmt: skip
        for row in flags:
            end = row["tcplife.conn"], row["tcplife.sender"]
            if row["tcp.flags.syn"] == "1":
                first[end] = int(row["tcp.seq_raw"])
            if row["tcp.flags.fin"] == "1":
                last[end] = int(row["tcp.seq_raw"]) + int(row["tcp.len"])
        by_number = {row["conn"]: row for row in rows(path)}
        for conn, sender in first.keys() & last.keys():
            row = by_number[conn]
            stream = (last[conn, sender] - first[conn, sender] - 1) % 2**32
            assert int(row[f"{sender}_bytes"]) - int(row[f"{sender}_bytes_again"]) == stream, (name, conn, sender)
            ends += 1
    assert ends > 60


FIELDS = (
    "tcplife.conn", "tcplife.sender", "tcplife.retransmission.cause", "tcplife.retransmission.spurious", "tcplife.segment",
    "tcplife.duplicate.kind", "tcplife.ack", "tcplife.keepalive.kind", "tcplife.keepalive.n", "tcplife.window_probe.kind",
    "tcplife.window_probe.n", "tcplife.verdict", "tcplife.open_failure", "tcp.flags.reset", "tcp.len",
)  # fmt: skip
SUMMED = (
    "client_segments", "server_segments", "client_bytes", "server_bytes", "client_rsts", "server_rsts", "copies", "spurious",
    "out_of_order", "duplicates", "duplicate_acks", "keepalive_probes", "keepalive_runs", "window_probes", "window_probe_runs",
    *RETRANSMISSIONS,
)  # fmt: skip
RICH = (
    "bulk_loss5.client", "spurious_tlp.server", "zero_window_lossy.client", "keepalive_lost.server", "twice_all.client",
    "jitter.server", "straggler.client",
)  # fmt: skip


def counted_from_fields(frames):
    """The counts of each connection, by adding up what two passes show on each of its frames."""
    counts = {}
    for frame in frames:
        count = counts.setdefault(frame["tcplife.conn"], Counter())
        if frame["tcplife.duplicate.kind"] == "capture":
            count["copies"] += 1
            continue
        cause = frame["tcplife.retransmission.cause"]
        count[frame["tcplife.sender"] + "_segments"] += 1
        count[frame["tcplife.sender"] + "_bytes"] += int(frame["tcp.len"])
        count[frame["tcplife.sender"] + "_rsts"] += frame["tcp.flags.reset"] == "1"
        count["retransmissions_" + cause] += bool(cause)
        count["spurious"] += frame["tcplife.retransmission.spurious"] not in ("", "no", "unknown")
        count["out_of_order"] += frame["tcplife.segment"] == "out_of_order"
        count["duplicates"] += frame["tcplife.duplicate.kind"] == "network"
        count["duplicate_acks"] += frame["tcplife.ack"] == "dup"
        for probe in ("keepalive", "window_probe"):
            is_probe = frame[f"tcplife.{probe}.kind"] == "probe"
            count[probe + "_probes" if probe == "keepalive" else "window_probes"] += is_probe
            count[probe + "_runs"] += is_probe and frame[f"tcplife.{probe}.n"] == "1"
    return counts


@pytest.mark.parametrize("name", RICH)
def test_counts_are_the_sums_of_the_fields(name, rows, fields, sandbox):
    """Also what later segments prove: the fields show it in two passes, the row knows it in one."""
    path = corpus(sandbox, name)
    frames = fields(path, *FIELDS, two_pass=True)
    counts = counted_from_fields(frames)
    words = {frame["tcplife.conn"]: (frame["tcplife.verdict"], frame["tcplife.open_failure"]) for frame in frames}
    got = rows(path)
    assert len(got) == len(counts)
    for row in got:
        assert picked(row, SUMMED) == {column: str(counts[row["conn"]][column]) for column in SUMMED}
        assert (row["verdict"], row["open_failure"] or "") == words[row["conn"]]
        of_both = int(row["client_retransmissions"]) + int(row["server_retransmissions"])
        assert of_both == int(row["retransmissions"]) == sum(int(row[cause]) for cause in RETRANSMISSIONS)


# ---- sums and streams, without the plugin --------------------------------------------------------------------------------


def test_sums_are_those_of_wireshark(rows, tshark, no_plugin, all_captures):
    """Segments of each direction of each pair of ends, as -z conv,tcp counts them; payload, as TCP does."""
    text = tshark(["-q", "-z", "conv,tcp"], all_captures, env=no_plugin).stdout
    expected, got = Counter(), Counter()
    for a, b, back, there in re.findall(r"^(\S+) +<-> (\S+) +(\d+) \d+ \w+ +(\d+) \d+ \w+", text, re.M):
        expected[a, b] += int(there)
        expected[b, a] += int(back)
    ours = rows(all_captures)
    for row in ours:
        client, server = (f"{row[end]}:{row[end + '_port']}" for end in ("client", "server"))
        got[client, server] += int(row["client_segments"])
        got[server, client] += int(row["server_segments"])
    assert got == expected
    assert len(got) > 40
    lengths = tshark(["-T", "fields", "-e", "tcp.len"], all_captures, env=no_plugin).stdout.split()
    assert sum(int(row["client_bytes"]) + int(row["server_bytes"]) for row in ours) == sum(map(int, lengths)) > 0


def test_stream_is_wiresharks_own(rows, fields, tshark, no_plugin, all_captures):
    numbers = tshark(["-T", "fields", "-e", "tcp.stream"], all_captures, env=no_plugin).stdout.split("\n")
    conns = [row["tcplife.conn"] for row in fields(all_captures, "tcplife.conn")]
    first = {}
    for conn, stream in zip(conns, numbers):
        if conn:
            first.setdefault(conn, stream)
    got = rows(all_captures)
    assert {row["conn"]: row["stream"] for row in got} == first
    # A connection that takes over the ports of another one has a stream of its own here, and one name for both in conv,tcp.
    assert len(set(first.values())) == len(first) == len(got)


def test_one_stream_for_two_connections(rows, sandbox):
    """RFC 9293 3.5.1, half-open: Wireshark starts a stream with each SYN of another number, also with one that the server turns
    down. The old connection goes on under its own number here, and its row names the stream in which it began."""
    talk = Talk()
    old = talk.conversation()
    forged = ethernet(ipv4(*talk.address, tcp(talk.port, SYN, 777777)))
    challenge = talk.frame(1, ACK, 1, 11)
    path = write_pcap(sandbox.new_path(".pcap"), [*old[:5], forged, challenge, *old[5:]], [i / 50 for i in range(10)])
    got = rows(path)
    assert [picked(row, ("stream", "first_frame", "last_frame", "verdict")) for row in got] == [
        {"stream": "0", "first_frame": "1", "last_frame": "10", "verdict": "ok"},
        {"stream": "1", "first_frame": "6", "last_frame": "6", "verdict": "challenged"},
    ]


# ---- however the capture is read -----------------------------------------------------------------------------------------


def text_of(tshark, capture, *args):
    result = tshark(["-q", *args, "-z", "tcplife,csv"], capture)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_one_pass_or_two(tshark, all_captures):
    """Also behind a read filter, and with a tree for each frame."""
    expected = text_of(tshark, all_captures)
    assert expected.count("\n") == 1 + 30  # 26 captures, four of them with two connections
    assert text_of(tshark, all_captures, "-2") == expected
    assert text_of(tshark, all_captures, "-2", "-R", "tcp") == expected
    shown = tshark(["-V", "-z", "tcplife,csv"], all_captures).stdout
    assert shown.endswith("\n" + expected) and len(shown) > 2 * len(expected)
    listed = tshark(["-Y", "frame.number == 1", "-z", "tcplife,csv"], all_captures).stdout
    assert listed.endswith("\n" + expected), "a display filter is for what is listed"


@pytest.mark.parametrize("point", ["client", "server"])
def test_whole_corpus_in_one_pass_or_two(point, tshark, rows, fields, sandbox):
    """Every capture of the lab, behind one another: the same text, and the sums are those of the frames."""
    path = corpus(sandbox, *(file.name.removesuffix(".pcap.gz") for file in sorted(CORPUS.glob(f"*.{point}.pcap.gz"))))
    text = text_of(tshark, path)
    assert text_of(tshark, path, "-2") == text
    got = read_csv(text)
    segments, payload = Counter(), Counter()
    for frame in fields(path, "tcp.len", "tcplife.conn", display_filter="tcplife"):
        segments[frame["tcplife.conn"]] += 1
        payload[frame["tcplife.conn"]] += int(frame["tcp.len"])
    assert len(got) == len(segments) > 1000
    for row in got:
        copies = int(row["copies"])
        assert int(row["client_segments"]) + int(row["server_segments"]) + copies == segments[row["conn"]]
        if copies == 0:
            assert int(row["client_bytes"]) + int(row["server_bytes"]) == payload[row["conn"]]


def test_read_filter_that_rejects_segments(rows, all_captures):
    """Rejected segments were seen and judged on the first pass; they are not counted, and a connection of which only rejected
    ones exist has no row."""
    everything = {row["conn"]: row for row in rows(all_captures)}
    kept = rows(all_captures, "-2", "-R", "tcp.len > 0")
    assert 0 < len(kept) < len(everything)
    same = ("client_bytes", "server_bytes", "handshake", "teardown", "verdict")
    for row in kept:
        whole = everything[row["conn"]]
        assert picked(row, same) == picked(whole, same)
        assert int(row["client_segments"]) < int(whole["client_segments"])


def test_captures_one_after_the_other(rows, shipped, all_captures):
    """The same rows as from each capture alone, but for places (numbers, frames and dates), and for what other connections of a host
    tell of its resets."""
    alone = [without_places(row) for path in EACH_ONCE for row in shipped(path)]
    together = [without_places(row) for row in rows(all_captures)]
    assert list(map(without_hosts, together, alone)) == alone


def test_captures_into_one_another(rows, sandbox, captures):
    """Two captures, merged by time: their connections stand between each other."""
    paths = [captures / "half-close.pcap", captures / "keepalive-answered.pcap"]
    frames, times = [], []
    for path in paths:
        capture = read_pcap(path)
        frames += capture.frames
        times += [(time - capture.times[0]) / 1e9 for time in capture.times]
    order = sorted(range(len(frames)), key=lambda i: times[i])
    merged = write_pcap(sandbox.new_path(".pcap"), [frames[i] for i in order], [times[i] for i in order])
    got = rows(merged)
    assert [without_places(row) for row in got] == [without_places(row) for path in paths for row in rows(path)]
    assert int(got[1]["first_frame"]) < int(got[0]["last_frame"])


def test_capture_that_runs_backwards(rows, tshark, sandbox):
    """The second connection is older than the first: no time is negative, and the table counts from the earlier one."""
    early, late = Talk(ports=(40000, 80)), Talk(ports=(40001, 80))
    frames = late.conversation() + early.conversation()
    path = write_pcap(sandbox.new_path(".pcap"), frames, [100 + i for i in range(8)] + [i for i in range(8)])
    assert [(row["duration"], row["longest_idle"]) for row in rows(path)] == [("7.000000000", "1.000000000")] * 2
    table = tshark(["-q", "-z", "tcplife,conn"], path).stdout.splitlines()
    assert [line.split()[1] for line in table[1:]] == ["100.000000", "0.000000"]


# ---- filters -------------------------------------------------------------------------------------------------------------


def test_filter_selects_connections_and_rows_are_whole(rows, fields, all_captures):
    everything = rows(all_captures)
    for text in ("tcp.flags.reset == 1", "tcp.len > 0 && tcp.srcport in {7788, 80}", "ipv6", 'tcplife.rst.cause == "refused"'):
        frames = fields(all_captures, "tcplife.conn", display_filter=text)
        chosen = {frame["tcplife.conn"] for frame in frames}
        assert 0 < len(chosen) < len(everything)
        assert rows(all_captures, filter=text) == [row for row in everything if row["conn"] in chosen]
    assert rows(all_captures, filter="udp") == []


def test_filter_on_a_late_field_needs_two_passes(rows, all_captures):
    """The filter is asked at each segment: on the first pass the verdict is not known there."""
    text = 'tcplife.verdict == "aborted"'
    aborted = [row for row in rows(all_captures) if row["verdict"] == "aborted"]
    assert len(aborted) == 3  # linger-reset, abort-unread, peer-killed-rst
    assert rows(all_captures, filter=text) == []
    assert rows(all_captures, "-2", filter=text) == aborted


# ---- what connections are made of ----------------------------------------------------------------------------------------


def test_ipv6(rows, tshark, scapy_pcap):
    from scapy.layers.inet import TCP
    from scapy.layers.inet6 import IPv6

    ends = ("2001:db8::1", 40000), ("2001:db8::2", 443)

    def packet(sender, flags, seq, ack, payload=b""):
        (src, sport), (dst, dport) = ends[sender], ends[1 - sender]
        return IPv6(src=src, dst=dst) / TCP(sport=sport, dport=dport, flags=flags, seq=seq, ack=ack) / payload

    handshake = [packet(0, "S", 10, 0), packet(1, "SA", 20, 11), packet(0, "A", 11, 21)]
    path = scapy_pcap([*handshake, packet(0, "PA", 11, 21, b"hello"), packet(1, "R", 21, 0)])
    (row,) = rows(path)
    expected = {
        "client": "2001:db8::1", "client_port": "40000", "server": "2001:db8::2", "server_port": "443", "client_bytes": "5",
        "client_segments": "3", "server_rsts": "1", "verdict": "rejected", "rst_cause": "ack_rejected",
    }  # fmt: skip
    assert picked(row, expected) == expected
    assert "[2001:db8::1]:40000  [2001:db8::2]:443" in tshark(["-q", "-z", "tcplife,conn"], path).stdout


def ppp_mux(packets):
    """A PPP frame that carries several packets (RFC 3153)."""
    parts = (struct.pack("!HH", 0xC000 | len(packet) + 2, 0x0021) + packet for packet in packets)
    return bytes.fromhex("FF030059") + b"".join(parts)


def test_several_headers_in_a_frame(rows, sandbox):
    """Three connections share each frame, with equal ports."""
    talks = [Talk(), Talk(client="10.0.0.3", isn=(70000, 90000)), Talk(server="10.0.0.4", isn=(300000, 900000))]
    frames = [ppp_mux(packets) for packets in zip(*(talk.conversation(talk.ip) for talk in talks), strict=True)]
    path = write_pcap(sandbox.new_path(".pcap"), frames, link=PPP)
    got = rows(path)
    assert got == rows(path, "-2")
    equal = {
        "client_segments": "5", "server_segments": "3", "client_bytes": "10", "first_frame": "1", "last_frame": "8",
        "verdict": "ok",
    }  # fmt: skip
    assert [picked(row, equal) for row in got] == [equal] * 3
    ends = [("10.0.0.1", "10.0.0.2"), ("10.0.0.3", "10.0.0.2"), ("10.0.0.1", "10.0.0.4")]
    assert [(row["client"], row["server"]) for row in got] == ends
    assert [(row["conn"], row["stream"]) for row in got] == [("0", "0"), ("1", "1"), ("2", "2")]


def test_more_headers_in_a_frame_than_streams_are_kept_for(rows, sandbox):
    """TCP's numbers are kept for 16 headers of a frame; a connection behind them has none from that frame, and gets it from the
    next one in which it stands further in front."""
    talks = [Talk(ports=(40000 + i, 80)) for i in range(20)]
    opening = [talk.conversation(talk.ip)[0] for talk in talks]
    answers = [talk.conversation(talk.ip)[1] for talk in talks[::-1]]
    path = write_pcap(sandbox.new_path(".pcap"), [ppp_mux(opening), ppp_mux(answers)], link=PPP)
    assert [row["stream"] for row in rows(path)] == [str(i) for i in range(20)]


def test_segments_without_connection_state(rows, sandbox):
    """A flood of SYNs from one end, and a port that answers nonsense by RST: a row each, and no claim beyond what the flags show."""
    talks = [Talk(ports=(40000 + i, 80)) for i in range(3)]
    frames = [
        talks[0].frame(0, SYN, 0), talks[0].frame(1, SYN | ACK, 0, 1),
        talks[1].frame(0, 0, 0),
        ethernet(ipv4("10.0.0.2", "10.0.0.1", tcp((80, 40001), RST | ACK, 0, 1000, window=0))),
        talks[2].frame(1, RST, 5),
        ethernet(ipv4("192.0.2.1", "192.0.2.2", udp((9, 9), b"time passes"), protocol=17)),
    ]  # fmt: skip
    path = write_pcap(sandbox.new_path(".pcap"), frames, [0, 0.01, 1, 1.01, 2, 60])
    expected = [
        {"verdict": "half_open", "open_failure": "synack_only", "rst_cause": None},
        {"verdict": "scan", "open_failure": None, "rst_cause": "no_connection"},  # no flag at all: no TCP sends that
        {"verdict": "unknown", "open_failure": None, "role_confidence": "guess"},
    ]
    assert [picked(row, words) for row, words in zip(rows(path), expected, strict=True)] == expected


def test_payload_that_was_not_captured_counts(rows, sandbox):
    """As the headers say, not as the snapshot length left it."""
    path = write_pcap(sandbox.new_path(".pcap"), Talk().conversation(), snaplen=54)
    assert rows(path)[0]["client_bytes"] == "10"


def test_header_cut_short(rows, sandbox):
    """18 bytes of the header are enough for a row, though TCP's own dissector gives up; some versions number the stream all the same."""
    path = write_pcap(sandbox.new_path(".pcap"), Talk().conversation(), snaplen=14 + 20 + 18)
    (row,) = rows(path)
    expected = {"client_segments": "5", "client_bytes": "10", "verdict": "ok"}
    assert picked(row, expected) == expected
    assert row["stream"] in (None, "0")


def test_duration_in_nanoseconds(rows, sandbox):
    """A capture with nanoseconds: every digit is kept, in times since 1970 too, where a double would lose some."""
    path = sandbox.new_path(".pcap")
    with path.open("wb") as out:
        out.write(PCAP_FILE_HEADER.pack(0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
        for nanos, frame in zip((123456789, 123456790), Talk().conversation()):
            out.write(PCAP_RECORD_HEADER.pack(1_700_000_000, nanos, len(frame), len(frame)) + frame)
    path.chmod(0o644)
    (row,) = rows(path)
    assert row["start"] == "1700000000.123456789"
    assert row["duration"] == row["server_time"] == seconds(1)
