# SPDX-License-Identifier: GPL-2.0-or-later
"""The shipped captures: what MANIFEST.tsv says of them, and what each of their frames is.

MANIFEST.tsv says what the applications did, as the lab that made the captures saw it. The lives below were written by reading
the packets (flags, sequence and acknowledgment numbers, times) with RFC 9293 at hand; nothing is copied from the plugin."""

import csv
import re
from functools import cache
from pathlib import Path

import pytest

from handmade import ACK, FIN, SYN, read_pcap, tcp_header

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
MANIFEST = list(csv.DictReader((CAPTURES / "MANIFEST.tsv").read_text().splitlines(), delimiter="\t"))
SEVERAL = "several"  # begins a cell with a value for each connection
# The MANIFEST's word for an end that is neither client nor server. Its note names 192.168.1.116, the lower address, which the
# client fields show.
SIDES = {"peer": "client"}

NAMES = (
    "tcplife.conn", "tcplife.incarnation", "tcplife.sender", "tcplife.phase", "tcplife.reuse", "tcplife.reuse.elapsed",
    "tcplife.client.state", "tcplife.client.state.confidence", "tcplife.client.state.withdrawn",
    "tcplife.server.state", "tcplife.server.state.confidence", "tcplife.server.state.withdrawn",
    "tcplife.handshake.step", "tcplife.handshake.attempt", "tcplife.handshake.outcome", "tcplife.handshake.missing",
    "tcplife.handshake.tfo", "tcplife.handshake.error", "tcplife.handshake.synack_why", "tcplife.handshake.server_time",
    "tcplife.handshake.client_time", "tcplife.handshake.irtt", "tcplife.handshake.setup_time",
    "tcplife.handshake.delay_by_loss", "tcplife.handshake.syn_in", "tcplife.handshake.synack_in", "tcplife.handshake.ack_in",
    "tcplife.handshake.icmp_in", "tcplife.handshake.icmp_type", "tcplife.handshake.icmp_code",
    "tcplife.teardown.step", "tcplife.teardown.attempt", "tcplife.teardown.kind", "tcplife.teardown.initiator",
    "tcplife.teardown.time_wait", "tcplife.teardown.duration", "tcplife.teardown.fin_wait", "tcplife.teardown.close_wait",
    "tcplife.teardown.fin1_in", "tcplife.teardown.fin2_in",
    "tcplife.rst.cause", "tcplife.rst.cause.confidence", "tcplife.rst.form", "tcplife.rst.effect", "tcplife.rst.trigger_in",
    "tcplife.keepalive.kind", "tcplife.keepalive.confidence", "tcplife.keepalive.n", "tcplife.keepalive.idle",
    "tcplife.keepalive.interval", "tcplife.keepalive.unanswered", "tcplife.keepalive.run_in", "tcplife.keepalive.answers_in",
    "tcplife.window_probe.kind", "tcplife.ack", "tcplife.ack.answers_in", "tcplife.midstream", "tcplife.explanation",
)  # fmt: skip

# ---- lives: sender, phase, step (handshake+teardown, - for none), client's state / server's state after the frame ----

OPEN = """
client handshake syn    SYN-SENT/LISTEN
server handshake synack ESTABLISHED/SYN-RECEIVED
client handshake ack    ESTABLISHED/ESTABLISHED
"""
CLIENT, SERVER = (f"{sender} established - ESTABLISHED/ESTABLISHED\n" for sender in ("client", "server"))
TALK = CLIENT + SERVER + SERVER + CLIENT  # a line each way, each acknowledged
CLOSE_3 = """
client teardown fin1      FIN-WAIT-1/CLOSE-WAIT
server teardown fin2_ack1 TIME-WAIT/LAST-ACK
client teardown fin2_ack  TIME-WAIT/CLOSED
"""
CLOSE_4 = """
client teardown fin1     FIN-WAIT-1/CLOSE-WAIT
server teardown fin1_ack FIN-WAIT-2/CLOSE-WAIT
server teardown fin2     TIME-WAIT/LAST-ACK
client teardown fin2_ack TIME-WAIT/CLOSED
"""
ABORT = "{} teardown rst CLOSED/CLOSED\n"  # RST+ACK with the current numbers (RFC 9293 3.10.5)
PROBE, ANSWER = CLIENT, SERVER

LIVES = {
    "nc-three-segment-close": OPEN + TALK + CLOSE_3,
    "nc-four-segment-close": OPEN + TALK + CLOSE_4,
    "ipv6-close": OPEN + TALK + CLOSE_4,
    "close-at-once": OPEN + CLOSE_3,
    "syn-unanswered": """
        client handshake syn                SYN-SENT/LISTEN
        client handshake syn_retransmission SYN-SENT/LISTEN
        client handshake syn_retransmission SYN-SENT/LISTEN
        client handshake syn_retransmission SYN-SENT/LISTEN
    """ + OPEN + CLOSE_3,
    # A closed port: the host has no connection (RFC 9293 3.10.7.1).
    "refused": """
        client handshake syn     SYN-SENT/LISTEN
        server handshake rst_syn CLOSED/CLOSED
    """,
    # Repeating its SYN shows that the client has not got the first SYN-ACK.
    "synack-lost": """
        client handshake syn                   SYN-SENT/LISTEN
        server handshake synack                ESTABLISHED/SYN-RECEIVED
        client handshake syn_retransmission    SYN-SENT/SYN-RECEIVED
        server handshake synack_retransmission ESTABLISHED/SYN-RECEIVED
        client handshake ack                   ESTABLISHED/ESTABLISHED
    """ + TALK + CLOSE_3,
    "synack-lost-client": """
        client handshake syn                SYN-SENT/LISTEN
        client handshake syn_retransmission SYN-SENT/LISTEN
        server handshake synack             ESTABLISHED/SYN-RECEIVED
        client handshake ack                ESTABLISHED/ESTABLISHED
    """ + TALK + CLOSE_3,
    # Repeating its SYN-ACK shows that the server has not got the ACK. The client is open and answers as to any stray SYN
    # (RFC 9293 3.10.7.4).
    "handshake-ack-lost": OPEN + """
        server handshake   synack_retransmission ESTABLISHED/SYN-RECEIVED
        client established ack_dup               ESTABLISHED/ESTABLISHED
    """ + TALK + CLOSE_3,
    "handshake-ack-lost-server": """
        client handshake syn                   SYN-SENT/LISTEN
        server handshake synack                ESTABLISHED/SYN-RECEIVED
        server handshake synack_retransmission ESTABLISHED/SYN-RECEIVED
        client handshake ack                   ESTABLISHED/ESTABLISHED
    """ + TALK + CLOSE_3,
    "handshake-ack-lost-data": """
        client handshake syn      SYN-SENT/LISTEN
        server handshake synack   ESTABLISHED/SYN-RECEIVED
        client handshake ack_data ESTABLISHED/ESTABLISHED
    """ + SERVER + SERVER + CLIENT + CLOSE_3,
    # RFC 9293 figure 8. The first SYN is a client's as far as anyone knows; after the second both are peers. Frame 3 answers
    # the other's SYN, and the other is open when it arrives; so is the sender when frame 4 arrives.
    "simultaneous-open": """
        client handshake   syn          SYN-SENT/LISTEN
        peer   handshake   syn_cross    SYN-RECEIVED/SYN-RECEIVED
        peer   handshake   synack_cross SYN-RECEIVED/ESTABLISHED
        peer   handshake   synack_cross ESTABLISHED/ESTABLISHED
    """ + 6 * "peer established - ESTABLISHED/ESTABLISHED\n" + """
        peer   teardown    fin1         FIN-WAIT-1/CLOSE-WAIT
        peer   teardown    fin2_ack1    TIME-WAIT/LAST-ACK
        peer   teardown    fin2_ack     TIME-WAIT/CLOSED
    """,
    "tcp-fast-open": """
        client handshake syn_tfo_request SYN-SENT/LISTEN
        server handshake synack          ESTABLISHED/SYN-RECEIVED
        client handshake ack_data        ESTABLISHED/ESTABLISHED
    """ + SERVER + SERVER + CLIENT + CLOSE_3 + """
        client handshake syn_tfo_data    SYN-SENT/LISTEN
        server handshake synack          ESTABLISHED/SYN-RECEIVED
        client handshake ack             ESTABLISHED/ESTABLISHED
    """ + SERVER + CLIENT + CLOSE_3,
    # The second frame is no TCP segment: it quotes one.
    "icmp-unreachable": """
        client handshake syn SYN-SENT/LISTEN
        -
    """,
    # Frame 4 is the first FIN, the server's. Frame 5 closes without covering it, so the FINs cross (figure 13). Frame 6 covers
    # the client's FIN: the client, which then has the server's FIN, is in TIME-WAIT. Frame 7 does the same for the server.
    "close-both-ack-first": OPEN + """
        server teardown fin1          CLOSE-WAIT/FIN-WAIT-1
        client teardown fin2_cross    CLOSING/CLOSING
        server teardown fin2_ack      TIME-WAIT/CLOSING
        client teardown fin1_ack_late TIME-WAIT/TIME-WAIT
    """,
    # Frame 3 is at once the third segment of the handshake and the first of the close. Frame 5 was sent before frame 3 (its
    # number is below) and frame 6 answers it; neither changes anything.
    "close-both-fin-first": """
        client handshake syn       SYN-SENT/LISTEN
        server handshake synack    ESTABLISHED/SYN-RECEIVED
        client handshake ack+fin1  FIN-WAIT-1/CLOSE-WAIT
        server teardown  fin2_ack1 TIME-WAIT/LAST-ACK
        client teardown  -         TIME-WAIT/LAST-ACK
        server teardown  -         TIME-WAIT/LAST-ACK
        client teardown  fin2_ack  TIME-WAIT/CLOSED
    """,
    "simultaneous-close": OPEN + TALK + """
        client teardown fin1          FIN-WAIT-1/CLOSE-WAIT
        server teardown fin2_cross    CLOSING/CLOSING
        client teardown fin2_ack      CLOSING/TIME-WAIT
        server teardown fin1_ack_late TIME-WAIT/TIME-WAIT
    """,
    # Frame 7 is data, and the first segment that acknowledges the FIN.
    "half-close": OPEN + CLIENT + SERVER + """
        client teardown    fin1            FIN-WAIT-1/CLOSE-WAIT
        server half_closed fin1_ack        FIN-WAIT-2/CLOSE-WAIT
        client half_closed -               FIN-WAIT-2/CLOSE-WAIT
        server half_closed half_close_data FIN-WAIT-2/CLOSE-WAIT
        client half_closed -               FIN-WAIT-2/CLOSE-WAIT
        server half_closed half_close_data FIN-WAIT-2/CLOSE-WAIT
        client half_closed -               FIN-WAIT-2/CLOSE-WAIT
        server teardown    fin2            TIME-WAIT/LAST-ACK
        client teardown    fin2_ack        TIME-WAIT/CLOSED
    """,
    "peer-killed-fin": OPEN + CLIENT + SERVER + """
        server teardown fin1     CLOSE-WAIT/FIN-WAIT-1
        client teardown fin1_ack CLOSE-WAIT/FIN-WAIT-2
        client teardown fin2     LAST-ACK/TIME-WAIT
        server teardown fin2_ack CLOSED/TIME-WAIT
    """,
    "peer-killed-rst": OPEN + 2 * (CLIENT + SERVER) + ABORT.format("server"),
    # The RST's number is the acknowledgment of frame 8: a host without connection answers so. Whether it sent that itself, or
    # a device did in its name, the capture does not say.
    "peer-restarted": OPEN + TALK + CLIENT + """
        server teardown rst CLOSED/unknown
    """,
    "data-after-close": OPEN + TALK + """
        server teardown    fin1            CLOSE-WAIT/FIN-WAIT-1
        client teardown    fin1_ack        CLOSE-WAIT/FIN-WAIT-2
        client half_closed half_close_data CLOSE-WAIT/FIN-WAIT-2
        server teardown    rst_after_fin   CLOSED/CLOSED
    """,
    "linger-reset": OPEN + TALK + ABORT.format("client"),
    "abort-unread": OPEN + TALK + ABORT.format("client"),
    "time-wait-reuse-client": 2 * (OPEN + TALK + CLOSE_3),
    # The server closes first. The SYN of the second connection meets its TIME-WAIT, which only its SYN-ACK ends.
    "time-wait-reuse-server": OPEN + TALK + """
        server teardown  fin1      CLOSE-WAIT/FIN-WAIT-1
        client teardown  fin2_ack1 LAST-ACK/TIME-WAIT
        server teardown  fin2_ack  CLOSED/TIME-WAIT
        client handshake syn       SYN-SENT/TIME-WAIT
        server handshake synack    ESTABLISHED/SYN-RECEIVED
        client handshake ack       ESTABLISHED/ESTABLISHED
    """ + TALK + CLOSE_3,
    "keepalive-answered": OPEN + TALK + 3 * (PROBE + ANSWER) + CLOSE_3,
    # Nobody has heard of the server since the first probe, so nobody knows whether the reset finds it.
    "keepalive-unanswered": OPEN + TALK + 4 * PROBE + """
        client teardown rst CLOSED/unknown
    """,
}  # fmt: skip

# Where each capture's connections begin: frames of the first SYN. One connection beginning with frame 1 if not named.
BEGINNINGS = {
    "syn-unanswered": [1, 5], "tcp-fast-open": [1, 10], "time-wait-reuse-client": [1, 11], "time-wait-reuse-server": [1, 11],
}  # fmt: skip

# ---- single facts: (capture, frame) -> field without "tcplife." -> value; "" = no such field -------------------------

FACTS = {
    ("nc-three-segment-close", 1): {"handshake.attempt": "0", "incarnation": "1", "reuse": "", "handshake.tfo": ""},
    ("nc-three-segment-close", 2): {"handshake.attempt": "0", "handshake.synack_why": "", "handshake.syn_in": "1"},
    ("nc-three-segment-close", 3): {"handshake.synack_in": "2", "handshake.error": "", "rst.cause": ""},
    ("nc-three-segment-close", 9): {"teardown.fin1_in": "8", "teardown.attempt": "0"},
    ("nc-three-segment-close", 10): {"teardown.fin1_in": "8", "teardown.fin2_in": "9"},
    # Repetitions of the same SYN and SYN-ACK.
    ("syn-unanswered", 2): {"handshake.attempt": "1"},
    ("syn-unanswered", 3): {"handshake.attempt": "2"},
    ("syn-unanswered", 4): {"handshake.attempt": "3"},
    ("synack-lost", 3): {"handshake.attempt": "1", "client.state.withdrawn": "ESTABLISHED"},
    ("synack-lost", 4): {"handshake.attempt": "1", "handshake.synack_why": "syn_retransmission"},
    ("synack-lost-client", 2): {"handshake.attempt": "1"},
    ("synack-lost-client", 3): {"handshake.attempt": "0", "handshake.synack_why": ""},
    # A second without any SYN of the client: the server's timer. At the client the ACK had passed long before.
    ("handshake-ack-lost", 4): {
        "handshake.attempt": "1", "handshake.synack_why": "ack_not_taken", "server.state.withdrawn": "ESTABLISHED"},
    ("handshake-ack-lost", 5): {"ack": "challenge", "ack.answers_in": "4"},
    ("handshake-ack-lost-server", 3): {
        "handshake.attempt": "1", "handshake.synack_why": "timer", "server.state.withdrawn": ""},
    # A closed port: RST+ACK, sequence number 0, acknowledges the SYN (RFC 9293 3.5.2, group 1).
    ("refused", 2): {
        "rst.cause": "refused", "rst.cause.confidence": "likely", "rst.form": "reply_noack", "rst.effect": "accepted",
        "rst.trigger_in": "1", "handshake.syn_in": "1"},
    # No ACK flag, number taken from the acknowledgment of frame 8 (3.5.2, group 3). A device may have said so.
    ("peer-restarted", 9): {
        "rst.cause": "half_open", "rst.cause.confidence": "likely", "rst.form": "reply_ack", "rst.trigger_in": "8"},
    ("data-after-close", 11): {
        "rst.cause": "data_after_close", "rst.cause.confidence": "likely", "rst.form": "reply_ack", "rst.trigger_in": "10"},
    ("keepalive-unanswered", 12): {
        "rst.cause": "keepalive_timeout", "rst.cause.confidence": "likely", "rst.form": "active", "rst.trigger_in": ""},
    # RST+ACK with the sender's current numbers: from a live connection (3.10.5).
    ("linger-reset", 8): {
        "rst.cause": "abort", "rst.cause.confidence": "likely", "rst.form": "active", "rst.effect": "accepted",
        "rst.trigger_in": ""},
    ("abort-unread", 8): {"rst.cause": "abort", "rst.cause.confidence": "likely", "rst.form": "active"},
    ("peer-killed-rst", 8): {"rst.cause": "abort", "rst.cause.confidence": "likely", "rst.form": "active"},
    # The ICMP error is a destination unreachable (3), port unreachable (3).
    ("icmp-unreachable", 1): {"handshake.icmp_in": "2", "handshake.icmp_type": "3", "handshake.icmp_code": "3"},
    # The SYN-ACK gives a cookie; the one of the second connection acknowledges 1080618186 = ISN + 1 + 10 bytes.
    ("tcp-fast-open", 2): {"handshake.tfo": "cookie_given", "handshake.error": ""},
    ("tcp-fast-open", 11): {"handshake.tfo": "data_acked", "handshake.error": ""},
    ("tcp-fast-open", 12): {"handshake.error": ""},
    # Both SYN-ACKs repeat the ISN of the SYN of the same end; nobody answers by a wrong number.
    ("simultaneous-open", 3): {"handshake.error": ""},
    ("simultaneous-open", 4): {"handshake.error": "", "handshake.missing": ""},
    # Each closes before it has the other's FIN: it was never in CLOSE-WAIT.
    ("simultaneous-close", 9): {"server.state.withdrawn": "CLOSE-WAIT"},
    ("close-both-ack-first", 5): {"client.state.withdrawn": "CLOSE-WAIT"},
    # Port pair used again while one end holds TIME-WAIT (RFC 9293 3.6.1).
    ("time-wait-reuse-client", 11): {"reuse": "time_wait", "incarnation": "2"},
    ("time-wait-reuse-client", 12): {"reuse": "", "incarnation": "2"},
    ("time-wait-reuse-client", 13): {"reuse": "", "reuse.elapsed": ""},  # the field is about SYNs
    ("time-wait-reuse-server", 11): {"reuse": "time_wait", "incarnation": "2"},
    # Probes are one below the next number. Answered ones: each the first since the other end was heard.
    ("keepalive-answered", 8): {
        "keepalive.kind": "probe", "keepalive.n": "1", "keepalive.unanswered": "1", "keepalive.interval": "",
        "keepalive.confidence": "certain", "window_probe.kind": ""},
    ("keepalive-answered", 9): {"keepalive.kind": "answer", "keepalive.answers_in": "8", "keepalive.n": ""},
    ("keepalive-answered", 10): {
        "keepalive.kind": "probe", "keepalive.n": "2", "keepalive.unanswered": "1", "keepalive.run_in": "8",
        "keepalive.idle": ""},
    ("keepalive-answered", 11): {"keepalive.kind": "answer", "keepalive.answers_in": "10"},
    ("keepalive-answered", 12): {
        "keepalive.kind": "probe", "keepalive.n": "3", "keepalive.unanswered": "1", "keepalive.run_in": "8"},
    ("keepalive-answered", 13): {"keepalive.kind": "answer", "keepalive.answers_in": "12"},
    ("keepalive-answered", 14): {"keepalive.kind": ""},
    ("keepalive-unanswered", 8): {"keepalive.n": "1", "keepalive.unanswered": "1", "keepalive.confidence": "certain"},
    ("keepalive-unanswered", 9): {"keepalive.n": "2", "keepalive.unanswered": "2", "keepalive.run_in": "8"},
    ("keepalive-unanswered", 10): {"keepalive.n": "3", "keepalive.unanswered": "3", "keepalive.run_in": "8"},
    ("keepalive-unanswered", 11): {"keepalive.n": "4", "keepalive.unanswered": "4", "keepalive.run_in": "8"},
}  # fmt: skip

# Durations: (capture, frame, field, from frame, to frame), by what tl_fields.def says that each measures.
DURATIONS = [
    ("nc-three-segment-close", 2, "handshake.server_time", 1, 2),
    ("nc-three-segment-close", 3, "handshake.client_time", 2, 3),
    ("nc-three-segment-close", 3, "handshake.irtt", 1, 3),
    ("nc-three-segment-close", 3, "handshake.setup_time", 1, 3),
    ("nc-three-segment-close", 10, "teardown.duration", 8, 10),
    ("nc-four-segment-close", 9, "teardown.fin_wait", 8, 9),
    ("nc-four-segment-close", 10, "teardown.close_wait", 9, 10),
    ("nc-four-segment-close", 11, "teardown.duration", 8, 11),
    # The SYN-ACK echoes the timestamp of the first SYN (2935605414), so by all that the client can see it answers that one.
    ("synack-lost-client", 3, "handshake.server_time", 1, 3),
    ("synack-lost-client", 4, "handshake.irtt", 1, 4),
    ("synack-lost-client", 4, "handshake.setup_time", 1, 4),
    ("half-close", 7, "teardown.fin_wait", 6, 7),
    ("half-close", 13, "teardown.close_wait", 7, 13),
    ("half-close", 14, "teardown.duration", 6, 14),
    ("time-wait-reuse-client", 11, "reuse.elapsed", 10, 11),
    ("time-wait-reuse-server", 11, "reuse.elapsed", 10, 11),
    ("keepalive-answered", 8, "keepalive.idle", 7, 8),
    ("keepalive-answered", 10, "keepalive.interval", 8, 10),
    ("keepalive-unanswered", 8, "keepalive.idle", 7, 8),
    ("keepalive-unanswered", 11, "keepalive.interval", 10, 11),
]

# How sure each end's state is: certain by what it sent, likely while a segment is under way to it, and of the listening end not
# yet heard a guess. Frames of nc-four-segment-close, client/server.
CONFIDENCE = """
certain/guess  likely/certain  certain/likely
certain/likely certain/certain certain/certain certain/certain
certain/likely likely/certain  likely/certain  certain/likely
""".split()

# Outcomes and kinds that are the absence of a segment, or told by a frame that is no TCP segment: in one pass nothing proves
# them.
UNPROVED = {"unanswered", "unreachable", "open"}


@pytest.fixture(scope="module")
def rows_of(fields_together):
    """rows_of(name, two_pass=True): the frames of a shipped capture."""
    names = names_of_captures()

    @cache
    def every(two_pass):
        paths = [CAPTURES / f"{name}.pcap" for name in names]
        return dict(zip(names, fields_together(paths, *NAMES, two_pass=two_pass), strict=True))

    return lambda name, two_pass=True: every(two_pass)[name]


def value(row, name):
    return row["tcplife." + name]


def names_of_captures():
    return [Path(row["file"]).stem for row in MANIFEST]


def test_every_capture_has_a_life_and_a_row():
    files = {path.stem for path in CAPTURES.glob("*.pcap*")}
    assert files == set(names_of_captures())
    assert files == set(LIVES)


# ---- connections -----------------------------------------------------------------------------------------------------


def per_connection(cell):
    """The values of a cell of MANIFEST.tsv, one for each connection."""
    words = cell.split(";")
    words = words[1:] if words[0] == SEVERAL else words
    return [SIDES.get(word, word) for word in words]


def shown(rows, connection, name):
    """Every value that a field has on the frames of a connection."""
    return {value(row, name) for row in rows if value(row, "conn") == str(connection)} - {""}


COLUMNS = {
    "handshake.outcome": "handshake.outcome",
    "teardown.kind": "teardown.kind",
    "teardown.initiator": "teardown.initiator",
    "teardown.time_wait": "time_wait",
}


@pytest.mark.parametrize("manifest", MANIFEST, ids=names_of_captures())
def test_manifest(manifest, rows_of):
    rows = rows_of(Path(manifest["file"]).stem)
    assert len(rows) == int(manifest["frames"])
    kinds = per_connection(manifest["teardown.kind"])
    for name, column in COLUMNS.items():
        for connection, expected in enumerate(per_connection(manifest[column])):
            got = shown(rows, connection, name)
            if name.startswith("teardown.") and kinds[connection] == "open":
                assert got <= {expected}, f"connection {connection}: {name}"  # no frame belongs to a teardown
            else:
                assert got == {expected}, f"connection {connection}: {name}"


@pytest.mark.parametrize("name", names_of_captures())
def test_one_pass_loses_nothing(name, rows_of):
    """Each late fact of a connection stands, in one pass, on a frame that proves it."""
    once, twice = rows_of(name, two_pass=False), rows_of(name)
    for connection in range(len(BEGINNINGS.get(name, [1]))):
        for field in (*COLUMNS, "handshake.tfo"):
            late = shown(twice, connection, field)
            if shown(twice, connection, "handshake.outcome") & UNPROVED:
                continue
            assert shown(once, connection, field) == late, f"connection {connection}: {field}"


@pytest.mark.parametrize("name", names_of_captures())
def test_connection_numbers(name, rows_of):
    begins = BEGINNINGS.get(name, [1])
    for number, row in enumerate(rows_of(name), 1):
        if value(row, "phase"):
            expected = max(i for i, first in enumerate(begins) if first <= number)
            assert value(row, "conn") == str(expected), f"frame {number}"
            assert value(row, "midstream") == "", f"frame {number}: every capture starts with a SYN"


# ---- frames ----------------------------------------------------------------------------------------------------------


def life_of(row):
    steps = [value(row, "handshake.step"), value(row, "teardown.step")]
    step = "+".join(filter(None, steps)) or "-"
    states = f"{value(row, 'client.state')}/{value(row, 'server.state')}"
    return f"{value(row, 'sender')} {value(row, 'phase')} {step} {states}" if value(row, "phase") else "-"


@pytest.mark.parametrize("two_pass", [False, True], ids=["one-pass", "two-pass"])
@pytest.mark.parametrize("name", names_of_captures())
def test_life(name, two_pass, rows_of):
    expected = [" ".join(line.split()) for line in LIVES[name].splitlines() if line.strip()]
    assert [life_of(row) for row in rows_of(name, two_pass)] == expected


@pytest.mark.parametrize("name, frame", FACTS, ids=lambda part: str(part))
def test_facts(name, frame, rows_of):
    row = rows_of(name)[frame - 1]
    expected = FACTS[name, frame]
    assert {field: value(row, field) for field in expected} == expected


def test_confidence_of_states(rows_of):
    rows = rows_of("nc-four-segment-close")
    got = [f"{value(row, 'client.state.confidence')}/{value(row, 'server.state.confidence')}" for row in rows]
    assert got == CONFIDENCE


@pytest.mark.parametrize("name, frame, field, start, end", DURATIONS)
def test_durations(name, frame, field, start, end, rows_of):
    times = read_pcap(CAPTURES / f"{name}.pcap").times
    expected = (times[end - 1] - times[start - 1]) / 1e9
    assert float(value(rows_of(name)[frame - 1], field)) == pytest.approx(expected, abs=1e-9)


def test_rst_fields_only_on_resets(rows_of):
    for name in names_of_captures():
        capture = read_pcap(CAPTURES / f"{name}.pcap")
        for row, frame in zip(rows_of(name), capture.frames, strict=True):
            header = tcp_header(frame)
            is_reset = bool(header and header.flags & 4)
            assert bool(value(row, "rst.cause")) == is_reset, name


# ---- explanations ----------------------------------------------------------------------------------------------------


def arithmetic(header, peer, tells_next):
    """The numbers that the explanation of a SYN, FIN or of the segment that acknowledges one has to spell out (RFC 9293 3.4).
    `peer` tells the number that the other end's SYN or FIN occupies, if this segment acknowledges it. `tells_next`: with each
    number of a SYN the one that acknowledges it."""
    numbers = set()
    if header.flags & SYN:
        numbers |= {header.seq, header.seq + 1} if header.len == 0 and tells_next else {header.seq}
    if header.flags & FIN:
        numbers |= {header.seq + header.len, header.seq + header.len + 1}
    if header.flags & ACK and peer is not None:
        numbers |= {peer, header.ack}
    return numbers


STEPS_THAT_ACKNOWLEDGE = {
    "synack": SYN, "synack_cross": SYN, "ack": SYN, "ack_data": SYN,
    "fin1_ack": FIN, "fin2_ack1": FIN, "fin2_ack": FIN, "fin1_ack_late": FIN,
}  # fmt: skip
# Repetitions, whose first transmission says it all; and the crossing SYN, whose first acknowledgment does.
STEPS_IN_SHORT = {"syn_retransmission", "synack_retransmission", "synack_cross", "syn_cross"}


@pytest.mark.parametrize("name", names_of_captures())
def test_explanation_spells_out_the_arithmetic(name, rows_of):
    occupied = {}  # (source, SYN or FIN) -> its raw number, as captured so far
    checked = 0
    for frame, row in zip(read_pcap(CAPTURES / f"{name}.pcap").frames, rows_of(name), strict=True):
        header = tcp_header(frame)
        if header is None:
            assert value(row, "explanation") == ""
            continue
        steps = {value(row, "handshake.step"), value(row, "teardown.step")} - {""}
        which = next((STEPS_THAT_ACKNOWLEDGE[step] for step in steps if step in STEPS_THAT_ACKNOWLEDGE), None)
        others = [number for (source, kind), number in occupied.items() if source != header.source and kind == which]
        if steps and not header.flags & 4:
            text = value(row, "explanation")
            numbers = arithmetic(header, others[-1] if others else None, not steps & STEPS_IN_SHORT)
            missing = [number for number in numbers if str(number % 2**32) not in text]
            assert not missing, f"{missing} not in: {text}"
            checked += 1
        for kind, number in ((SYN, header.seq), (FIN, header.seq + header.len)):
            if header.flags & kind:
                occupied[header.source, kind] = number
    assert checked


@pytest.mark.parametrize("name", names_of_captures())
def test_explanation_has_raw_numbers_only(name, rows_of):
    """Every long number is one of the capture's own sequence numbers or next to one: no relative and no invented numbers."""
    headers = [tcp_header(frame) for frame in read_pcap(CAPTURES / f"{name}.pcap").frames]
    known = {0}
    for header in filter(None, headers):
        known |= {header.seq, header.seq + header.len, header.ack}
    allowed = {str((number + by) % 2**32) for number in known for by in (-1, 0, 1)}
    for header, row in zip(headers, rows_of(name), strict=True):
        text = value(row, "explanation")
        assert set(re.findall(r"\b\d{6,}\b", re.sub(r"\d+\.\d+ s\b", "", text))) <= allowed, text
        assert (header is None and not text) or re.fullmatch(r"[A-Z].*[.]", text), text


def test_explanation_says_what_consumes_a_number(rows_of):
    text = " ".join(value(row, "explanation") for row in rows_of("nc-four-segment-close"))
    assert "SYN consumes one sequence number" in text
    assert "FIN consumes one sequence number" in text


# ---- filters ---------------------------------------------------------------------------------------------------------

FILTERS = [
    ("nc-three-segment-close", 'tcplife.phase == "handshake"', [1, 2, 3]),
    ("nc-three-segment-close", "tcplife.rst", []),
    ("nc-three-segment-close", "tcplife.expert.syn", [1]),
    ("nc-three-segment-close", "tcplife.expert.fin2_ack1", [9]),
    ("nc-four-segment-close", 'tcplife.server.state == "CLOSE-WAIT"', [8, 9]),
    ("half-close", 'tcplife.server.state == "CLOSE-WAIT"', [6, 7, 8, 9, 10, 11, 12]),
    ("half-close", 'tcplife.phase == "half_closed"', [7, 8, 9, 10, 11, 12]),
    ("refused", 'tcplife.handshake.outcome == "refused"', [2]),
    ("refused", "tcplife.expert.rst_refused", [2]),
    ("data-after-close", "tcplife.rst", [11]),
    ("data-after-close", 'tcplife.rst.cause == "data_after_close"', [11]),
    # Frame 5 is the handshake's ACK, overtaken by the FIN: one below the next number, and yet no keep-alive.
    ("close-both-fin-first", "tcplife.keepalive", []),
    ("data-after-close", "tcplife.expert.rst_data_after_close", [11]),
    ("peer-restarted", "tcplife.rst.trigger_in == 8", [9]),
    ("keepalive-unanswered", "tcplife.keepalive.unanswered >= 3", [10, 11]),
    ("keepalive-unanswered", "tcplife.expert.rst_keepalive_timeout", [12]),
    ("keepalive-answered", 'tcplife.keepalive.kind == "answer"', [9, 11, 13]),
    ("keepalive-answered", "tcplife.expert.keepalive_probe", [8, 10, 12]),
    ("syn-unanswered", "tcplife.handshake.attempt > 0", [2, 3, 4]),
    ("syn-unanswered", "tcplife.expert.syn_retransmission", [2, 3, 4]),
    ("synack-lost", "tcplife.expert.synack_retransmission", [4]),
    ("time-wait-reuse-client", "tcplife.incarnation == 2", list(range(11, 21))),
    ("icmp-unreachable", "tcplife", [1]),
]
FILTERS_TWO_PASS = [
    ("refused", 'tcplife.handshake.outcome == "refused"', [1, 2]),
    ("syn-unanswered", 'tcplife.handshake.outcome == "unanswered"', [1, 2, 3, 4]),
    ("syn-unanswered", "tcplife.expert.unanswered", [1]),
    ("icmp-unreachable", "tcplife.expert.unreachable", [1]),
    ("simultaneous-close", 'tcplife.teardown.kind == "simultaneous"', [8, 9, 10, 11]),
    ("time-wait-reuse-server", 'tcplife.teardown.time_wait == "server"', [8, 9, 10]),
    # The SYN, and the SYN-ACK by which the server, which holds TIME-WAIT, accepts it.
    ("time-wait-reuse-server", 'tcplife.reuse == "time_wait"', [11, 12]),
]


@pytest.mark.parametrize("name, text, expected", FILTERS)
def test_filter(name, text, expected, fields):
    rows = fields(CAPTURES / f"{name}.pcap", "frame.number", display_filter=text)
    assert [int(row["frame.number"]) for row in rows] == expected


@pytest.mark.parametrize("name, text, expected", FILTERS_TWO_PASS)
def test_filter_in_two_passes(name, text, expected, fields):
    rows = fields(CAPTURES / f"{name}.pcap", "frame.number", display_filter=text, two_pass=True)
    assert [int(row["frame.number"]) for row in rows] == expected
