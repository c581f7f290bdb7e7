# SPDX-License-Identifier: GPL-2.0-or-later
"""Zeek's words in tshark: what they are on the shipped captures, and where they stand.

Expected words were worked out by reading the packets' flags, numbers, lengths and windows with docs/zeek.md,
at hand: a letter for the first packet of each kind and sender, upper case for the originator; then the state of each side."""

import pytest

from handmade import ACK, Talk, write_pcap

NAMES = ("frame.number", "tcplife.conn", "tcplife.zeek.conn_state", "tcplife.zeek.history")

# S h A, a line each way (D a d), F f. The originator's A to the d and to the f are no first ones.
TALK_AND_CLOSE = ("SF", "ShADadFf")

# Capture -> the last frame of each connection, and what Zeek says there.
WORDS = {
    "nc-three-segment-close": {10: TALK_AND_CLOSE},
    "nc-four-segment-close": {11: TALK_AND_CLOSE},  # the a between F and f is not the first
    "ipv6-close": {11: TALK_AND_CLOSE},
    "simultaneous-close": {11: TALK_AND_CLOSE},
    # The RST that refuses has window 0: no w.
    "refused": {2: ("REJ", "Sr")},
    # Frames 1 to 4 are one SYN and its repetitions: one S. The connection after it carries no payload.
    "syn-unanswered": {4: ("S0", "S"), 10: ("SF", "ShAFf")},
    # The second frame is ICMP and quotes the SYN: no packet of the connection.
    "icmp-unreachable": {1: ("S0", "S")},
    # Frame 4 is the SYN-ACK again, with the same number: no second h.
    "handshake-ack-lost": {12: TALK_AND_CLOSE},
    # Data completes the handshake: the first pure ACK is frame 6.
    "tcp-fast-open": {
        9: ("SF", "ShDadAFf"),
        # The SYN has payload: T. The server's first pure ACK never comes.
        17: ("SF", "SThAdFf"),
    },
    # The server's payload after the client's FIN has its first d there.
    "half-close": {14: ("SF", "ShADaFdf")},
    "linger-reset": {8: ("RSTO", "ShADadR")},
    "peer-killed-rst": {8: ("RSTR", "ShADar")},
    # The server's FIN, then its RST (window 0): closed turns to reset, because the client never closed.
    "data-after-close": {11: ("RSTR", "ShADadfr")},
    # Probes without payload are no retransmission to Zeek.
    "keepalive-answered": {16: TALK_AND_CLOSE},
    "keepalive-unanswered": {12: ("RSTO", "ShADadR")},
    # Two connections on the same ports.
    "time-wait-reuse-client": {10: TALK_AND_CLOSE, 20: TALK_AND_CLOSE},
    # One connection, one answer, although Zeek starts anew with the crossing SYN. The SYN-ACKs repeat the SYNs' numbers.
    "simultaneous-open": {13: ("SF", "SsAaDdFf")},
}


def words(rows):
    shown = [row for row in rows if row["tcplife.zeek.conn_state"] or row["tcplife.zeek.history"]]
    return {int(row["frame.number"]): (row["tcplife.zeek.conn_state"], row["tcplife.zeek.history"]) for row in shown}


@pytest.mark.parametrize("name", WORDS)
def test_words_stand_on_the_last_frame(fields, captures, name):
    assert words(fields(captures / f"{name}.pcap", *NAMES, two_pass=True)) == WORDS[name]


def test_words_need_the_whole_capture(fields, captures):
    assert words(fields(captures / "nc-three-segment-close.pcap", *NAMES)) == {}


def test_heading_stands_with_the_words(fields, captures):
    rows = fields(captures / "tcp-fast-open.pcap", "frame.number", display_filter="tcplife.zeek", two_pass=True)
    assert [row["frame.number"] for row in rows] == ["9", "17"]


def test_words_are_filters(tshark, captures):
    wanted = 'tcplife.zeek.conn_state == "RSTO" && tcplife.zeek.history contains "dR"'
    result = tshark(["-2", "-Y", wanted, "-T", "fields", "-e", "frame.number"], captures / "linger-reset.pcap")
    assert (result.returncode, result.stdout.split()) == (0, ["8"])


def test_capture_with_a_hole(fields, sandbox):
    """Frame 4 of the conversation, the only payload, was not captured; the server's ACK shows that: G, of the client's side."""
    frames = Talk().conversation()
    path = write_pcap(sandbox.new_path(".pcap"), frames[:3] + frames[4:])
    assert words(fields(path, *NAMES, two_pass=True)) == {7: ("SF", "ShAaGFf")}


@pytest.mark.parametrize("port, history", [(80, "^dA"), (8081, "Da")])
def test_capture_begins_midstream(fields, sandbox, port, history):
    """The sender of the first packet is the originator, unless Zeek has an analyzer for its port (80, not 8081)."""
    talk = Talk(ports=(40000, port))
    frames = [talk.frame(1, ACK, 100, 50, payload=b"0123456789"), talk.frame(0, ACK, 50, 110)]
    path = write_pcap(sandbox.new_path(".pcap"), frames)
    assert words(fields(path, *NAMES, two_pass=True)) == {2: ("OTH", history)}
