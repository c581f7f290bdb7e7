# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what a program says about each frame with the kernels' truth.

Nothing here runs a program: score_corpus() is given a function that reads fields of a
capture.  A "reading" is one way to name frames from those fields: that of tcplife, or
that of Wireshark's own flags.  README.md says what each number means.
"""

import collections
import datetime
import glob
import gzip
import json
import os
from dataclasses import dataclass, field

import states
from frames import (ACK, FIN, OPTION_SACK_PERMITTED, OPTION_TIMESTAMPS, RST, SYN, option_kinds,
                    read_frames)

HOSTS = ("client", "server")
POSITIONS = ("sender", "receiver")
# What two packets have in common when no reader can tell them apart; IPv6 has no identification.
CONTENT = ("ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw",
           "tcp.checksum", "tcp.options.timestamp.tsval")
BASIC = tuple(dict.fromkeys(("frame.number", "frame.time_epoch", "ip.src", "tcp.len") + CONTENT))

# Class of the truth -> (family, class as the tables show it).
FAMILY = {
    "rtx_rto": ("rtx", "rto"), "rtx_loss": ("rtx", "rto_recovery"), "rtx_tlp": ("rtx", "tlp"),
    "rtx_fast": ("rtx", "fast/sack"), "rtx_recovery": ("rtx", "fast/sack"),
    "rtx_syn": ("rtx", "syn"), "rtx_synack": ("rtx", "synack"),
    "rtx_syn_data": ("rtx", "syn_data"), "rtx_pmtu": ("rtx", "pmtu"),
    "late": ("late", "late"), "net_dup": ("duplicate", "duplicate"),
    "keepalive": ("keepalive", "keepalive"), "keepalive_ack": ("keepalive_answer",) * 2,
    "zwp": ("window_probe", "window_probe"), "zwp_ack": ("window_probe_answer",) * 2,
    "challenge_ack": ("challenge", "challenge"),
}
FAMILIES = ("rtx", "late", "duplicate", "keepalive", "keepalive_answer", "window_probe",
            "window_probe_answer", "challenge")
CAUSES = ("rto", "rto_recovery", "tlp", "fast/sack", "syn", "synack", "syn_data")
GATED = 30              # frames from which on a class has a goal of its own
RARE = 10               # frames that a rare cause of a reset needs

# rst.cause -> what the kernel may say: "active" (from a socket call or a timer) or "reply", and the
# reasons (sk_rst_reason of Linux 6.18).  README.md gives the grounds.
RST_ALLOWED = {
    "mptcp": (None, "MPTCP_RST_EUNSPEC MPTCP_RST_EMPTCP MPTCP_RST_ERESOURCE MPTCP_RST_EPROHIBIT "
                    "MPTCP_RST_EWQ2BIG MPTCP_RST_EBADPERF MPTCP_RST_EMIDDLEBOX"),
    "refused": ("reply", "NO_SOCKET NETFILTER_REJECT"),
    "refused_bad": ("reply", "NO_SOCKET"),
    "synack_bad_ack": ("reply", "TCP_INVALID_ACK_SEQUENCE TCP_TOO_OLD_ACK TCP_ACK_UNSENT_DATA "
                                "NO_SOCKET"),
    "synack_unsolicited": ("reply", "NO_SOCKET"),
    "synack_rejected": (None, "NO_SOCKET TCP_STATE"),
    "ack_rejected": ("reply", "NO_SOCKET NOT_SPECIFIED TCP_FLAGS INVALID_SYN"),
    "half_open_syn": ("reply", "NO_SOCKET TCP_INVALID_ACK_SEQUENCE"),
    "tw_old_syn": ("reply", "NO_SOCKET TCP_INVALID_ACK_SEQUENCE"),
    "abort_repeat": ("reply", "NO_SOCKET TCP_FLAGS"),
    "syn_in_window": ("reply", "INVALID_SYN TCP_TIMEWAIT_SOCKET"),
    "keepalive_timeout": ("active", "TCP_KEEPALIVE_TIMEOUT"),
    "probe_timeout": ("active", "TCP_ABORT_ON_MEMORY TCP_STATE"),
    "retransmission_timeout": ("active", ""),
    "data_after_close": ("reply", "TCP_ABORT_ON_DATA TCP_TIMEWAIT_SOCKET NO_SOCKET"),
    "after_close": ("reply", "NO_SOCKET TCP_FLAGS TCP_TIMEWAIT_SOCKET"),
    "linger2": ("reply", "TCP_ABORT_ON_DATA TCP_ABORT_ON_LINGER"),
    "half_open_probe": ("reply", "NO_SOCKET TCP_FLAGS NETFILTER_REJECT"),
    "half_open": ("reply", "NO_SOCKET TCP_FLAGS NETFILTER_REJECT"),
    "no_connection": ("reply", "NO_SOCKET TCP_FLAGS NETFILTER_REJECT"),
    "abort_after_fin": ("active", "TCP_ABORT_ON_LINGER TCP_STATE TCP_ABORT_ON_MEMORY"),
    "abort": ("active", "TCP_ABORT_ON_CLOSE TCP_STATE TCP_DISCONNECT_WITH_DATA "
                        "TCP_ABORT_ON_MEMORY"),
}


# Values that say where a reset lies but not why it was sent.
NO_CAUSE = ("", "unknown", "out_of_window", "ahead")


@dataclass
class Said:
    """What a reading says about one frame."""

    family: str = "plain"
    word: str = ""              # the cause it names, "" when it names none
    certain: bool = False
    spurious: bool = False
    rst: str = ""               # cause of a reset


def tcplife(row):
    """The reading of tcplife's fields."""
    said = Said(rst=row.get("tcplife.rst.cause", ""))
    cause = row.get("tcplife.retransmission.cause", "")
    segment = row.get("tcplife.segment", "")
    said.spurious = row.get("tcplife.retransmission.spurious", "") not in ("", "no", "unknown")
    if said.rst:
        said.family, said.word = "rst", said.rst
        said.certain = row.get("tcplife.rst.cause.confidence") == "certain"
    elif cause or segment in ("retransmission", "partial"):
        said.family, said.word = "rtx", cause if cause != "unknown" else ""
        said.certain = row.get("tcplife.retransmission.cause.confidence") == "certain"
    elif segment in ("out_of_order", "duplicate"):
        said.family = {"out_of_order": "late"}.get(segment, segment)
    else:
        for name, answers in (("keepalive", ("answer",)), ("window_probe", ("answer", "open"))):
            kind = row.get(f"tcplife.{name}.kind", "")
            if kind:
                said.family = name + "_answer" if kind in answers else name
                said.certain = row.get(f"tcplife.{name}.confidence") == "certain"
                return said
        if row.get("tcplife.ack") == "challenge":
            said.family = "challenge"
    return said


def wireshark(row):
    """The reading of Wireshark's own flags."""
    def flag(name):
        return bool(row.get("tcp.analysis." + name))

    said = Said(spurious=flag("spurious_retransmission"))
    for name, family in (("keep_alive", "keepalive"), ("keep_alive_ack", "keepalive_answer"),
                         ("zero_window_probe", "window_probe"),
                         ("zero_window_probe_ack", "window_probe_answer"),
                         ("spurious_retransmission", "rtx"), ("fast_retransmission", "rtx"),
                         ("retransmission", "rtx"), ("out_of_order", "late")):
        if flag(name):
            said.family = family
            said.word = "fast" if name == "fast_retransmission" else ""
            break
    return said


READINGS = {
    "tcplife": (tcplife, (
        "tcplife.conn", "tcplife.sender", "tcplife.segment", "tcplife.retransmission.cause",
        "tcplife.retransmission.cause.confidence", "tcplife.retransmission.spurious",
        "tcplife.rst.cause", "tcplife.rst.cause.confidence", "tcplife.keepalive.kind",
        "tcplife.keepalive.confidence", "tcplife.window_probe.kind",
        "tcplife.window_probe.confidence", "tcplife.ack", "tcplife.client.state.change",
        "tcplife.client.state.withdrawn", "tcplife.server.state.change",
        "tcplife.server.state.withdrawn")),
    "wireshark": (wireshark, tuple("tcp.analysis." + name for name in (
        "keep_alive", "keep_alive_ack", "zero_window_probe", "zero_window_probe_ack",
        "spurious_retransmission", "fast_retransmission", "retransmission", "out_of_order"))),
}


@dataclass
class Tally:
    """What one reading got right, over a corpus; each key begins with a position."""

    families: collections.Counter = field(default_factory=collections.Counter)
    certain: collections.Counter = field(default_factory=collections.Counter)   # of families: wrong though certain
    causes: collections.Counter = field(default_factory=collections.Counter)
    confusion: collections.Counter = field(default_factory=collections.Counter)
    resets: collections.Counter = field(default_factory=collections.Counter)
    spurious: collections.Counter = field(default_factory=collections.Counter)
    states: collections.Counter = field(default_factory=collections.Counter)
    false_rtx: collections.Counter = field(default_factory=collections.Counter)
    hidden: collections.Counter = field(default_factory=collections.Counter)
    errors: list = field(default_factory=list)      # (scenario, host, frame, text)


@dataclass
class Capture:
    """One capture with its truth."""

    scenario: str
    host: str
    path: str
    truth: dict

    def __post_init__(self):
        self.labels = self.truth["frames"][self.host]
        addresses = self.truth["addresses"]
        self.own = set(addresses[self.host[0]])
        self.timestamps, self.sack, self.refusals = set(), set(), set()
        self.syn_again = set()      # connections whose SYN was sent again, as far as scored
        self._read_handshakes()

    def _read_handshakes(self):
        """Which connections use timestamps and SACK (both SYNs have the option), and which frames
        are resets that answer a bare SYN."""
        offers, asked = collections.defaultdict(list), {}
        for frame in read_frames(self.path)[0]:
            if frame.flags & SYN:
                pair = frozenset((frame.sport, frame.dport))
                offers[pair].append((frame.source, option_kinds(frame.options)))
            if frame.flags & (SYN | ACK) == SYN:
                end = frame.seq + 1 + frame.length + (frame.flags & FIN)
                asked[frame.dport, frame.sport] = end % 2**32
            elif frame.flags & RST and frame.flags & ACK and frame.seq == 0 \
                    and asked.get((frame.sport, frame.dport)) == frame.ack:
                self.refusals.add(frame.number)
        for kind, users in ((OPTION_TIMESTAMPS, self.timestamps),
                            (OPTION_SACK_PERMITTED, self.sack)):
            for pair, seen in offers.items():
                if all(kind in kinds for _, kinds in seen):
                    users.add(pair)

    def position(self, row):
        """"sender" when the frame was captured where it was sent."""
        source = row.get("ip.src") or row.get("ipv6.src")
        return "sender" if source in self.own else "receiver"


def load_corpus(folder, names=()):
    """The Captures of a folder, in the order of their names."""
    captures = []
    for path in sorted(glob.glob(os.path.join(folder, "*.truth.json*"))):
        opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path, encoding="utf-8")
        with opened as file:
            truth = json.load(file)
        if names and truth["scenario"] not in names or "derived_from" in truth:
            continue
        base = os.path.join(folder, truth["scenario"])
        for host in HOSTS:
            capture = f"{base}.{host}.pcap"
            capture = capture if os.path.exists(capture) else capture + ".gz"
            captures.append(Capture(truth["scenario"], host, capture, truth))
    return captures


def cause_right(label, name, said, syn_again=False):
    """Does the named cause fit?  A probe and a timer of a single segment count as one, and data of a
    SYN that was lost comes again because the timer of that fired."""
    named = {"fast": "fast/sack", "sack": "fast/sack"}.get(said.word, said.word)
    if named == name or syn_again and (named, name) == ("rto_recovery", "syn_data"):
        return True
    return bool(label.get("single")) and {named, name} == {"tlp", "rto"}


def score_rtx(tally, capture, where, label, said):
    """A frame that is a retransmission in truth."""
    name = FAMILY[label["cls"]][1]
    trace = where == "sender" or label.get("seen") in ("yes", "part") or "arrival" in label
    key = where if trace else where + ", no trace"
    found = said.family == "rtx"
    verdict = "unknown" if not found or not said.word else \
        "right" if cause_right(label, name, said, label["pair"] in capture.syn_again) else "wrong"
    tally.causes[key, name, "total"] += 1
    tally.causes[key, name, verdict] += 1
    tally.causes[key, name, "found"] += found
    if label.get("single"):
        tally.causes[key, name, "single"] += 1
    if verdict == "wrong" and said.certain:
        verdict = "wrong certain"
        tally.causes[key, name, verdict] += 1
    shown = said.word or ("rtx, no cause" if found else said.family)
    tally.confusion[key, name, shown] += 1
    if verdict != "right" and trace:
        note(tally, capture, label, f"{name} called {shown}", verdict)
    score_spurious(tally, capture, where, label, said)


def score_spurious(tally, capture, where, label, said):
    """Was a spurious retransmission called so, in connections with timestamps or SACK?"""
    if "needed" not in label or "part" in label:
        return
    proof = label["pair"] in capture.timestamps | capture.sack
    group = "lost" if label.get("fate") == "drop" else "proof" if proof else "no proof"
    tally.spurious[where, group, not label["needed"], said.spurious] += 1
    if group == "proof" and (not label["needed"]) != said.spurious:
        if label["needed"]:
            note(tally, capture, label, "needed, called spurious", "wrong")
        else:
            note(tally, capture, label, "spurious, not said", "unknown")


def score_rst(tally, capture, where, label, said):
    """A reset of which the kernel told the reason."""
    refused = label["frame"] in capture.refusals
    kind, reasons = RST_ALLOWED.get(said.rst, (None, ""))
    fits = label["reason"] in reasons.split() and \
        kind in (None, "active" if label.get("active") else "reply") and \
        (said.rst == "refused") == refused
    verdict = "unknown" if said.rst in NO_CAUSE else "right" if fits else "wrong"
    group = "refused" if refused else "other"
    tally.resets[where, group, "total"] += 1
    tally.resets[where, group, verdict] += 1
    tally.confusion[where, "rst " + label["reason"], said.rst or said.family] += 1
    if verdict == "right":
        tally.resets[where, "cause", said.rst] += 1
    if verdict == "wrong" and said.certain:
        verdict = "wrong certain"
        tally.resets[where, group, verdict] += 1
    if verdict != "right":
        note(tally, capture, label, f"{label['reason']} called {said.rst or 'nothing'}", verdict)


def note(tally, capture, label, text, verdict):
    """Remember an error for --errors."""
    tally.errors.append((capture.scenario, capture.host, label["frame"], f"{text}, {verdict}"))


def score_frame(tally, capture, row, label, said):
    """One frame."""
    if label["cls"] in ("unknown", "forged") or label.get("cause") == "unknown":
        return
    if label["cls"] == "net_dup_ack" and label["cause"] == "rst":
        return
    label["pair"] = frozenset(int(row[name] or 0) for name in ("tcp.srcport", "tcp.dstport"))
    where = capture.position(row)
    if label["cls"] == "rtx_syn":
        capture.syn_again.add(label["pair"])
    if label["cls"].startswith("rst."):
        score_rst(tally, capture, where, label, said)
        return
    family, name = FAMILY.get(label["cls"], ("plain", "plain"))
    if "hidden" in label:
        tally.hidden[label["hidden"], label["cls"], said.family == "challenge"] += 1
        return
    tally.families[where, family, said.family] += 1
    if family == "rtx":
        score_rtx(tally, capture, where, label, said)
        return
    tally.confusion[where, name, said.word if said.family == "rtx" and said.word
                    else "rtx, no cause" if said.family == "rtx" else said.family] += 1
    if said.family == "rtx":
        tally.false_rtx[where, "late" if family == "late" else family] += 1
    if said.family != family:
        verdict = "unknown" if said.family == "plain" else "wrong certain" if said.certain else "wrong"
        tally.certain[where, family, said.family] += verdict == "wrong certain"
        note(tally, capture, label, f"{name} called {said.family} {said.word}".strip(), verdict)


def seconds(text):
    """frame.time_epoch, a number in Wireshark 4.0 and a date later."""
    try:
        return float(text)
    except ValueError:
        clean = text.replace("Z", "+00:00")
        head, _, rest = clean.partition(".")
        digits, zone = rest[:9].rstrip("+-Z:"), clean[-6:]
        return datetime.datetime.fromisoformat(head + zone).timestamp() + float("0." + digits)


def exchange_twins(labels, rows, said):
    """The labels; those of equal pure ACKs of IPv6 are exchanged where that agrees with `said`.

    When the network doubles an ACK and its sender repeats it, which frame is the copy is known to
    the kernel and the link alone: the frames hold the same bytes.  That one of them was a challenge
    ACK can still be right or wrong.
    """
    labels, twins = dict(labels), collections.defaultdict(list)
    for row in rows:
        if row.get("ipv6.src") and row.get("tcp.len") == "0":
            twins[tuple(row.get(field) for field in CONTENT)].append(row["frame.number"])
    for numbers in twins.values():
        challenged = [n for n in numbers if labels.get(n, {}).get("cls") == "challenge_ack"]
        missed = [n for n in challenged if said[n].family != "challenge"]
        wrong = [n for n in numbers if said[n].family == "challenge" and n not in challenged]
        for a, b in zip(missed, wrong):
            labels[a], labels[b] = labels.get(b, {"cls": "plain"}), labels[a]
    return labels


def score_segments(tallies, capture, segments):
    """All segments of a capture, for each reading."""
    for name, tally in tallies.items():
        said = {row["frame.number"]: READINGS[name][0](row) for row in segments}
        labels = exchange_twins(capture.labels, segments, said)
        for row in segments:
            number = row["frame.number"]
            label = dict(labels.get(number, {"cls": "plain"}), frame=int(number))
            score_frame(tally, capture, row, label, said[number])


def score_capture(tallies, capture, rows):
    """All frames of a capture, for each reading; and the states, by tcplife's fields."""
    score_segments(tallies, capture, [row for row in rows if row.get("tcp.srcport")])
    if "tcplife" in tallies:
        times = [seconds(row["frame.time_epoch"]) for row in rows]
        states.score(tallies["tcplife"], capture, rows, times)


def score_corpus(captures, read, names):
    """{reading: Tally}; read(path, fields) returns a dictionary for each frame."""
    tallies = {name: Tally() for name in names}
    wanted = BASIC + tuple(f for name in names for f in READINGS[name][1])
    for capture in captures:
        score_capture(tallies, capture, read(capture.path, wanted))
    return tallies
