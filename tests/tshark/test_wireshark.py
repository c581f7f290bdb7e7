# SPDX-License-Identifier: GPL-2.0-or-later
"""Where Wireshark's own flag says something else, the explanation ends with a clause that says so and why (tl_wireshark.def).

What each frame really is was read by hand from the headers before it; the reason stands beside the row. Where the frame comes
from the lab, the kernel's own account (`cls` of its truth file) has to agree."""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from handmade import PPP, write_pcap
from test_cases import Parser
from test_links import ppp_mux

REPO = Path(__file__).resolve().parents[2]
LAB = REPO / "tests" / "lab" / "corpus"
FLAGS_OF = "4.0"  # the Wireshark whose flags the tables have: others set some of them by other rules
DEF = (REPO / "plugin/epan/input/tl_wireshark.def").read_text()
WORDS = dict(re.findall(r'^TL_WIRESHARK_FLAG\(\w+, "(\w+)", "([^"]*)",$', DEF, re.M))  # name of the flag -> what it is called
TEXTS = dict(re.findall(r'^TL_DIFFERENCE\((\w+), \w+, [\w| ]+, "([^"]*)",$', DEF, re.M))


class Row(NamedTuple):
    """One frame that Wireshark flags: the row of tl_wireshark.def, where the frame is, Wireshark's flag, the kernel's class of a
    frame of the lab (None: a plain segment), and the blanks of the clause that are known."""

    name: str
    capture: str
    frame: int
    flag: str
    truth: str | None = None
    blanks: dict = {}


ROWS = [
    # 60 and 61 have the same IP ID 0xe528, 538 and 540 the same 0x2991.
    Row("COPY", "twice.client", 61, "duplicate_ack", "net_dup_ack", {"first": 60}),
    Row("COPY", "twice.client", 540, "retransmission", "net_dup", {"first": 538}),
    # 203 has window 0; nothing is outstanding; 207 stands one below the next number, 0.23 s later.
    Row("WINDOW_PROBE", "window_update_lost.client", 207, "keep_alive", "zwp", {"receiver": "the server", "closed": 203}),
    # 240 reopened the window and was lost behind the capture: the client goes on probing, its gaps double (0.48, 0.92, 1.82 s).
    Row("WINDOW_PROBE", "window_update_lost.server", 243, "keep_alive", "zwp", {"receiver": "the server", "closed": 203}),
    Row("WINDOW_ANSWER", "window_update_lost.server", 244, "keep_alive_ack", "zwp_ack", {"trigger": 243}),
    # The SYN-ACK of 3 comes again in 25, 1 s after it was acknowledged in 4.
    Row("SPECIAL_ACK", "data_completes.client", 26, "duplicate_ack", "challenge_ack", {"trigger": 25}),
    # The FIN of 89 comes again in 121; 90 had acknowledged it.
    Row("FIN_AGAIN", "last_ack_lost.client", 122, "duplicate_ack", "timewait_ack"),
    # ack 15001 and a SACK block 14001 to 15001, below it: D-SACK (RFC 2883).
    Row("TWICE", "acks_lost.server", 200, "duplicate_ack"),
    # 73 is a forged segment 700 million bytes away. 601 bytes of the server were acknowledged in 67, and it has sent no more.
    Row("IDLE", "forged_ack.client", 74, "duplicate_ack", "ack_of_forged", {"receiver": "the server"}),
    # ack as in the ACK before it, and a SACK block that ends higher than all before: 363449.
    Row("SACKED", "bulk_bbr.client", 383, "window_update", None, {"ack": 3996357172}),
    # IP ID 0xd694, one below that of the FIN in 3: the ACK of the handshake, overtaken.
    Row("NO_KEEPALIVE", "close-both-fin-first", 5, "keep_alive", None, {"sender": "the client"}),
    Row("NO_ANSWER", "close-both-fin-first", 6, "keep_alive_ack"),
    # IP ID 0xd955 and TSval ..430 come before 0xd956 to 0xd958 and ..431 of 24, 26 and 28, which were captured first.
    Row("LATE", "bulk_loss_jitter.server", 30, "fast_retransmission", "late", {"sender": "the client"}),
    # IP ID 0x758c after 0x7589: two segments are missing, 1,000 bytes wide, and the sender owed no ACK. Silence of 42 ms.
    Row("HIDDEN", "tail_two.server", 249, "lost_segment", "rtx_tlp"),
    # The last of five segments again after 24 ms, with a round trip of 10 ms: no timer is so short.
    Row("TAIL_PROBE", "acks_lost.client", 169, "retransmission", "rtx_tlp"),
    # 197 had the same bytes; SACK blocks of 308 show what lies above them.
    Row("SOON", "bulk_bbr.client", 309, "out_of_order", "rtx_recovery", {"original": 197}),
    # The same segment at the other end, where the first copy never came: IP ID 0x37bc after that of all others.
    Row("SOON", "bulk_bbr.server", 316, "out_of_order", "rtx_recovery"),
    # Frame 1 is a SYN without ACK; the SYN of the other end crossed it.
    Row("CROSSING", "simultaneous-open", 3, "retransmission", None, {"sender": "this peer"}),
    # The forged segment of 73 made Wireshark take 700 million bytes for sent. These are the next 200 of the server.
    Row("NEW", "forged_ack.client", 86, "retransmission"),
    # 88 is the ACK of an older connection. 108 is the first segment of the new one, 109 acknowledges nothing but it.
    Row("NO_HOLE", "half_open_syn.client", 108, "lost_segment"),
    Row("SEEN", "half_open_syn.client", 109, "ack_lost_segment", None, {"ack": 2958429308}),
    # The case says it: the octet that stood there, before a second has passed.
    Row("OCTET", "probe-keepalive-garbage.case", 6, "keep_alive", None, {"original": 4}),
]

# Frames that Wireshark flags as tcplife sees them, and the kernel too: nothing to add.
AGREED = [
    Row("", "keepalive-answered", 8, "keep_alive"),
    Row("", "keepalive-answered", 9, "keep_alive_ack"),
    Row("", "synack-lost-client", 2, "retransmission"),  # a SYN again after a second
    Row("", "bulk_bbr.client", 263, "fast_retransmission", "rtx_fast"),
    Row("", "bulk_bbr.client", 260, "duplicate_ack"),  # ack 131769 while bytes above it are outstanding, one SACK block
    Row("", "bulk_bbr.server", 174, "lost_segment"),  # 1,448 bytes are skipped
]


def key(row):
    return f"{row.name or 'agreed'}-{row.capture}-{row.frame}"


@pytest.fixture(scope="module")
def path_of(captures, scapy_pcap):
    @cache
    def path(name):
        if name.endswith(".case"):
            case = Parser().read(REPO / "tests" / "cases" / name)
            return scapy_pcap(case.packets, case.times)
        shipped = captures / f"{name}.pcap"
        return shipped if shipped.exists() else LAB / f"{name}.pcap.gz"

    return path


@pytest.fixture(scope="module")
def explained(fields, path_of):
    """explained(capture): the explanation of each frame. Nothing else is asked for, so that nothing else is in the tree."""

    @cache
    def run(capture, two_pass=False, extra=()):
        rows = fields(path_of(capture), "tcplife.explanation", two_pass=two_pass, extra=extra)
        return [row["tcplife.explanation"] for row in rows]

    return run


@pytest.fixture(scope="module")
def flagged(fields, path_of):
    """flagged(capture): the names of Wireshark's flags of each frame."""

    @cache
    def run(capture):
        names = ["tcp.analysis." + flag for flag in WORDS]
        return [{flag for flag in WORDS if row["tcp.analysis." + flag]} for row in fields(path_of(capture), *names)]

    return run


@cache
def truth_of(name):
    scenario, _, side = name.rpartition(".")
    with gzip.open(LAB / f"{scenario}.truth.json.gz", "rt") as file:
        return json.load(file)["frames"][side]


def clause_of(row):
    """The clause that the row of the table makes of the blanks given."""
    blanks = {"flag": WORDS[row.flag], **row.blanks}

    def known(piece):
        return piece[1] if set(re.findall(r"{(\w+)}", piece[1])) <= set(blanks) else ""

    return re.sub(r"\[([^]]*)\]", known, TEXTS[row.name]).format(**blanks)


def test_each_row_is_tested():
    assert {row.name for row in ROWS} == set(TEXTS)
    assert set(WORDS) >= {row.flag for row in ROWS + AGREED}


@pytest.mark.parametrize("row", ROWS, ids=key)
def test_difference(row, explained, flagged, tshark):
    if row.flag not in flagged(row.capture)[row.frame - 1] and f"(Wireshark) {FLAGS_OF}." not in tshark(["--version"]).stdout:
        pytest.skip(f"this Wireshark calls the frame something else than {FLAGS_OF} does")
    assert row.flag in flagged(row.capture)[row.frame - 1]
    assert explained(row.capture)[row.frame - 1].endswith(" " + clause_of(row))


@pytest.mark.parametrize("row", AGREED, ids=key)
def test_agreement(row, explained, flagged):
    assert row.flag in flagged(row.capture)[row.frame - 1]
    assert "Wireshark" not in explained(row.capture)[row.frame - 1]


@pytest.mark.parametrize("row", [row for row in ROWS + AGREED if (LAB / f"{row.capture}.pcap.gz").exists()], ids=key)
def test_the_kernel_agrees(row):
    label = truth_of(row.capture).get(str(row.frame), {})
    assert label.get("cls") == row.truth


def test_it_is_the_last_sentence_and_the_only_one(explained):
    texts = [text for capture in {row.capture for row in ROWS} for text in explained(capture)]
    told = [text for text in texts if "Wireshark" in text]
    assert len(told) > 100
    assert all(re.search(r"\. Wireshark calls it [^.]*\.$", text) for text in told)


def test_without_analysis_there_is_nothing_to_differ_from(explained):
    texts = explained("window_update_lost.client", extra=("-o", "tcp.analyze_sequence_numbers:FALSE"))
    assert not any("Wireshark" in text for text in texts)


def test_it_is_the_same_on_each_pass_and_in_each_format(explained, path_of, tshark):
    name = "window_update_lost.client"
    assert explained(name, two_pass=True) == explained(name)
    details = tshark(["-V", "-Y", "frame.number == 207"], path_of(name)).stdout
    # A sentence a line, and brackets around each.
    assert "".join(explained(name)[206].split()) in re.sub(r"[\s\[\]]", "", details)
    as_json = tshark(["-T", "json", "-Y", "frame.number == 207"], path_of(name)).stdout
    assert json.dumps(explained(name)[206]) in as_json


@pytest.mark.parametrize("headers", [1, 2])
def test_two_headers_in_a_frame_have_no_clause(headers, fields, sandbox):
    """Wireshark's flags do not say which of the headers of a frame they mean."""
    from scapy.layers.inet import IP

    case = Parser().read(REPO / "tests" / "cases" / "probe-window.case")
    frames = []
    for packet in case.packets:
        twin = IP(bytes(packet))
        twin.src, twin.dst = (address.replace("10.0.0.1", "10.0.0.3") for address in (packet.src, packet.dst))
        frames.append(ppp_mux([bytes(packet), bytes(twin)][:headers]))
    path = write_pcap(sandbox.new_path(".pcap"), frames, [float(time) for time in case.times], link=PPP)
    names = ("tcplife.explanation", "tcp.analysis.keep_alive")
    (row,) = fields(path, *names, display_filter="frame.number == 6")
    assert row["tcp.analysis.keep_alive"].count("|") == headers - 1
    assert row["tcplife.explanation"].count("window probe 1") == headers
    assert ("Wireshark" in row["tcplife.explanation"]) == (headers == 1)
