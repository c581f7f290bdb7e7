# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what tcplife says about resets and connections on a path with devices with the truth.

Nothing here runs a program: rows of fields come from tests/lab/score or from a test.
"""

import collections
import glob
import gzip
import json
import os
from dataclasses import dataclass, field

from devices.situations import SITUATIONS
from reader import SEVERAL, first
from scoring import NO_CAUSE, RST_ALLOWED

POINTS = ("client", "router", "server")
# Wireshark has no word for any of this; what it flags in such connections is shown beside.
FLAGS = ("retransmission", "spurious_retransmission", "fast_retransmission", "out_of_order",
         "duplicate_ack", "lost_segment", "keep_alive", "zero_window", "reused_ports")
ORIGIN, OLD_ORIGIN = "tcplife.rst.origin", "tcplife.rst.injected"
SAYS = ("tcplife.verdict", "tcplife.finding", "tcplife.path_mtu", "tcplife.sack_fault", "tcplife.rst.cause",
        "tcplife.handshake.synack_why", "tcplife.open_failure")
FIELDS = ("frame.number", "ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcplife.conn",
          ORIGIN, ORIGIN + ".confidence", OLD_ORIGIN, "tcplife.rst.cause.confidence", *SAYS,
          *("tcp.analysis." + name for name in FLAGS))
# Before tcplife.rst.origin there was tcplife.rst.injected: (origin, confidence) of its values.
OLD_VALUES = {"none": ("end", "guess"), "possible": ("path", "guess"), "likely": ("path", "likely")}
TRAPS = ("end_own_ttl40", "end_own_ttl255")     # the program chose a TTL that is not its system's
# The device has the TTL of the end that it names, or its next IP ID and window, too.
ALIKE = ("dev_reject_new_equal", "dev_reject_open_equal", "dev_injected_perfect",
         "dev_injected_perfect_near", "dev_v6_injected_perfect")
# Causes of a reset that a device sent, by what befell the connection.  Whether a policy or a lost
# entry made a device reset is not on the wire: both words are right for both.  half_open is not: it
# says that the end in whose name the reset came lost the connection, and that end still has it; but
# where a translation is lost, the reset comes from the address that the translator itself has.
DEVICE_WORDS = ("device_policy", "device_state")
DEVICE_CAUSES = {"refused": ("refused",), "idle_timeout": ("device_idle",), "policy": DEVICE_WORDS,
                 "state_lost": (*DEVICE_WORDS, "half_open", "half_open_probe"), "invalid": DEVICE_WORDS,
                 "none": DEVICE_WORDS + ("device_idle", "refused")}
# Trials of the Linux corpus in which it is right to say such a word: the link forged resets there,
# and the listener's queue was full.
LINUX_TRUE = {"forged_rst_exact": ("policy", "state_lost", "invalid"),
              "forged_rst_in_window": ("policy", "state_lost", "invalid"),
              "forged_rst_outside": ("policy", "state_lost", "invalid"),
              "queue_overflow": ("accept_queue_full",)}
VERDICTS = ("right", "unknown", "wrong", "wrong likely", "wrong certain")


@dataclass
class Capture:
    """One capture with its truth."""

    point: str
    path: str
    truth: dict

    def __post_init__(self):
        self.labels = self.truth["frames"][self.point]
        self.name_of = {trial["number"]: name for name, trial in self.truth["trials"].items()}
        self.connections = {(trial["number"], int(port)): one
                            for trial in self.truth["trials"].values()
                            for port, one in trial["connections"].items()}

    def connection(self, row):
        """(number of the trial, port or ("conn", number)): the connection of a row."""
        number = int(row["ip.src"].split(".")[2]) if row.get("ip.src") \
            else int(row["ipv6.src"].split(":")[2], 16)
        for name in ("tcp.srcport", "tcp.dstport"):
            if (number, int(row[name])) in self.connections:
                return number, int(row[name])
        return number, ("conn", row.get("tcplife.conn", ""))


@dataclass
class Tally:
    """Counts, all but `linux` and `flags` by (trial, point, situation, ...); last is the verdict.

    The fourth key of origins and causes is who sent the reset: "end", "path"; in origins, too,
    "trap" for an end whose program set its TTL, "alike" for a device that looks like the end.
    """

    origins: collections.Counter = field(default_factory=collections.Counter)
    causes: collections.Counter = field(default_factory=collections.Counter)
    situations: collections.Counter = field(default_factory=collections.Counter)
    linux: collections.Counter = field(default_factory=collections.Counter)
    flags: collections.Counter = field(default_factory=collections.Counter)
    errors: list = field(default_factory=list)      # (trial, point, frame, text)


def load_corpus(folder):
    """The Captures of a folder, in the order of seeds and points."""
    captures = []
    for path in sorted(glob.glob(os.path.join(folder, "*.truth.json.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            truth = json.load(file)
        base = path.removesuffix(".truth.json.gz")
        captures += [Capture(point, f"{base}.{point}.pcap.gz", truth) for point in POINTS]
    return captures


def known(listing):
    """Those of FIELDS that a tshark has; `listing` is what its -G fields prints."""
    there = {line.split("\t")[2] for line in listing.splitlines() if line.startswith("F\t")}
    return tuple(name for name in FIELDS if name in there)


def words_of(row):
    """What a row says, as field=value."""
    return {f"{name}={one}" for name in SAYS for one in row.get(name, "").split(SEVERAL) if one}


def origin_said(row):
    """(end, path or unknown; certain, likely, guess or nothing) of a reset."""
    said = row.get(ORIGIN, "")
    if said:
        return said, row.get(ORIGIN + ".confidence", "")
    return OLD_VALUES.get(row.get(OLD_ORIGIN, ""), ("unknown", ""))


def verdict_of(right, unknown, confidence):
    """One of VERDICTS."""
    if unknown:
        return "unknown"
    if right:
        return "right"
    return "wrong" + (" " + confidence if confidence in ("likely", "certain") else "")


def score_reset(tally, capture, row, label, trial, situation):
    """Origin and cause of one reset."""
    said, confidence = origin_said(row)
    special = {("end", True, False): "trap", ("path", False, True): "alike"}
    group = special.get((label["origin"], trial in TRAPS, trial in ALIKE), label["origin"])
    verdict = verdict_of(said == label["origin"], said == "unknown", confidence)
    tally.origins[trial, capture.point, situation, group, verdict] += 1
    frame = int(row["frame.number"])
    if verdict != "right":
        tally.errors.append((trial, capture.point, frame,
                             f"sent by {label['by']}, called {said} {confidence}".strip()))
    cause = row.get("tcplife.rst.cause", "")
    if label["origin"] == "path":
        right = cause in DEVICE_CAUSES.get(situation, DEVICE_CAUSES["none"])
    elif "reason" not in label:
        return
    else:
        kind, reasons = RST_ALLOWED.get(cause, (None, ""))
        right = label["reason"] in reasons.split() and \
            kind in (None, "active" if label["active"] else "reply")
    confidence = row.get("tcplife.rst.cause.confidence", "")
    verdict = verdict_of(right, cause in NO_CAUSE, confidence)
    tally.causes[trial, capture.point, situation, label["origin"], verdict] += 1
    if verdict.startswith("wrong"):
        truth = label.get("reason", "a device, " + situation)
        tally.errors.append((trial, capture.point, frame, f"{truth}: {cause} {confidence}".strip()))


def claims(said):
    """The words of faults that a program says, out of its field=value pairs."""
    return {word for word, one in SITUATIONS.items()
            if one.fault and any(pair in said for pair in one.found)}


def judge(one, word, said, shown):
    """What became of a connection with situation `word`: (verdict, words that are wrong)."""
    wrong = {claim for claim in claims(said) if claim != word and claim not in one.may}
    found = any(pair in said for pair in one.found + one.also)
    if found and shown:
        return "found", wrong
    if wrong:
        return ("wrong" if shown else "false"), wrong
    return ("missed" if shown else "quiet"), wrong


def score_capture(tally, capture, rows):
    """All resets and connections of one capture."""
    said, flags, frames = (collections.defaultdict(set) for _ in range(3))
    for row in map(first, rows):
        if not row.get("tcp.srcport"):
            continue
        key = capture.connection(row)
        said[key] |= words_of(row)
        flags[key] |= {name for name in FLAGS if row.get("tcp.analysis." + name)}
        frames[key].add(int(row["frame.number"]))
        label = capture.labels.get(row["frame.number"])
        if label:
            situation = capture.connections.get(key, {}).get("situation", "none")
            score_reset(tally, capture, row, label, capture.name_of[key[0]], situation)
    for key in frames:
        truth = capture.connections.get(key, {"situation": "none", "shown": []})
        word, shown = truth["situation"], capture.point in truth["shown"]
        one, trial = SITUATIONS[word], capture.name_of[key[0]]
        verdict, wrong = judge(one, word, said[key], shown)
        tally.situations[trial, capture.point, word, verdict] += 1
        if verdict in ("missed", "wrong", "false"):
            tally.errors.append((trial, capture.point, min(frames[key]), f"{word}: {verdict} "
                                 + ", ".join(sorted(wrong))))
        for name in flags[key] if shown else ():
            tally.flags[word, name] += 1


def score_linux(tally, capture, rows):
    """Connections of the Linux corpus, on whose path no device stands; `capture` is its Capture."""
    said = collections.defaultdict(set)
    for row in map(first, rows):
        if row.get("tcplife.conn"):
            said[row["tcplife.conn"]] |= words_of(row)
    for words in said.values():
        wrong = claims(words) - set(LINUX_TRUE.get(capture.scenario, ()))
        tally.linux["false" if wrong else "quiet"] += 1
        if wrong:
            tally.errors.append((capture.scenario, capture.host, 0, ", ".join(sorted(wrong))))
