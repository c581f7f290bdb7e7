# SPDX-License-Identifier: GPL-2.0-or-later
"""The sources of truth behind docs/accuracy.md, and how the output of `score --json` becomes rows.

A source is one entry of SOURCES: its title, the folder of its corpus, and a function that makes Rows
of what score printed.
"""

import glob
import gzip
import json
import os
from dataclasses import dataclass
from typing import Callable, Optional

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Count:
    """Of so many: right, unknown (no answer) and wrong; `certain` are among the wrong."""

    right: int = 0
    unknown: int = 0
    wrong: int = 0
    certain: int = 0

    @property
    def total(self):
        """All that was asked."""
        return self.right + self.unknown + self.wrong

    @property
    def share(self):
        """Right of all."""
        return self.right / self.total if self.total else 0.0


@dataclass
class Row:
    """One family of answers in one part of a source; `theirs` is Wireshark's, None without a word for it."""

    part: str
    family: str
    ours: Count
    theirs: Optional[Count]


# --- Linux ------------------------------------------------------------------------------------

def split(counts, *where):
    """The numbers of a dictionary with keys "a|b|c" whose parts agree with `where` (None: any)."""
    keys = ((key.split("|"), number) for key, number in counts.items())
    return {tuple(key): number for key, number in keys if len(key) == len(where)
            and all(want in (None, got) for want, got in zip(where, key))}


def verdicts(counts, *where):
    """A Count of the keys with these beginnings and a verdict at their end."""
    def number(verdict):
        return sum(split(counts, *where, verdict).values())

    return Count(number("right"), number("unknown"), number("wrong"), number("wrong certain"))


def detected(reading, family):
    """A Count of one family of segments: called so, not called anything, called otherwise."""
    found = split(reading["families"], None, family, None)
    right = sum(n for key, n in found.items() if key[2] == family)
    unknown = sum(n for key, n in found.items() if key[2] == "plain")
    return Count(right, unknown, sum(found.values()) - right - unknown,
                 sum(split(reading["certain"], None, family, None).values()))


def spurious(reading):
    """Spurious retransmissions, where DSACK or timestamps can tell."""
    def number(truth, said):
        return sum(split(reading["spurious"], None, "proof", truth, said).values())

    return Count(number("True", "True"), number("True", "False"), number("False", "True"))


def not_retransmissions(reading):
    """Segments that are no retransmission."""
    false = sum(reading["false_rtx"].values())
    others = sum(reading["families"].values()) - sum(split(reading["families"], None, "rtx", None).values())
    return Count(others - false, 0, false, sum(split(reading["certain"], None, None, "rtx").values()))


LINUX_FAMILIES = (
    ("RST cause", lambda one: verdicts(one["resets"], None, None), False),
    ("retransmission cause, at the sender", lambda one: verdicts(one["causes"], "sender", None), True),
    ("retransmission cause, at the receiver", lambda one: verdicts(one["causes"], "receiver", None), True),
    ("spurious", spurious, True),
    ("window probe", lambda one: detected(one, "window_probe"), True),
    ("answer to a window probe", lambda one: detected(one, "window_probe_answer"), True),
    ("keep-alive", lambda one: detected(one, "keepalive"), True),
    ("answer to a keep-alive", lambda one: detected(one, "keepalive_answer"), True),
    ("challenge ACK", lambda one: detected(one, "challenge"), False),
    ("not called a retransmission", not_retransmissions, True),
    ("state sequence", lambda one: Count(*(one["states"].get("near|" + word, 0) + one["states"].get(
        "far|" + word, 0) for word in ("right", "unknown", "wrong"))), False),
)


def linux_rows(scores):
    """Rows of the corpus of Linux."""
    return [Row("Linux", title, count(scores["tcplife"]), count(scores["wireshark"]) if both else None)
            for title, count, both in LINUX_FAMILIES]


# --- other stacks -----------------------------------------------------------------------------

def stack_rows(scores):
    """Rows of the corpus of other stacks."""
    theirs = {line["text"]: line for line in scores["stacks"]["lines"]["wireshark"]}

    def count(line):
        return Count(line["right"], line["unknown"], line["wrong"], line["certain"])

    return [Row(line["text"].rsplit(": ", 1)[0], line["family"], count(line),
                count(theirs[line["text"]]) if line["text"] in theirs else None)
            for line in scores["stacks"]["lines"]["tcplife"]]


# --- devices ----------------------------------------------------------------------------------

def device_rows(scores):
    """Rows of the corpus of devices on the path."""
    return [Row("devices on the path", line["text"], Count(
        line["right"], line["unknown"], line["wrong"], line["certain"]), None)
            for line in scores["devices"]["lines"]]


# --- distortions ------------------------------------------------------------------------------

def added(counts):
    """The sum of some Counts, those that are None left out; None when all are."""
    some = [one for one in counts if one is not None]
    return Count(*(sum(getattr(one, name) for one in some) for name in ("right", "unknown", "wrong", "certain"))) \
        if some else None


def copies(scores, reading):
    """A Count of the copies that a distortion made."""
    return Count(*(sum(scores["copies"].get(f"{reading}|{verdict}", 0) for verdict in verdicts) for verdicts in (
        ("right",), ("unknown",), ("wrong", "wrong certain"), ("wrong certain",))))


# Family of a distorted capture -> families of the corpora of Linux and of other stacks that it takes together.
DISTORTED = {
    "RST cause": ("RST cause",),
    "retransmission cause": ("retransmission cause", "retransmission cause, at the sender",
                             "retransmission cause, at the receiver"),
    "spurious": ("spurious",),
    "probes": ("window probe", "answer to a window probe", "keep-alive", "answer to a keep-alive"),
    "challenge ACK": ("challenge ACK",),
    "other segments": ("not called a retransmission", "neither of these", "sent again after a window probe",
                       "FIN again with an ACK"),
    "state": ("state sequence", "state"),
}


def distorted_rows(scores, part):
    """Rows of one distortion, both corpora together."""
    rows = linux_rows(scores) + stack_rows(scores)
    result = []
    for family, names in DISTORTED.items():
        some = [row for row in rows if row.family in names]
        result.append(Row(part, family, added(row.ours for row in some), added(row.theirs for row in some)))
    return result + [Row(part, "copies", copies(scores, "tcplife"), copies(scores, "wireshark"))]


@dataclass(frozen=True)
class Source:
    """key: its part of `score --json`; folder: of its corpus, under tests/lab; how: in one sentence."""

    key: str
    title: str
    folder: str
    rows: Callable
    how: str


SOURCES = (
    Source("tcplife", "Linux", "corpus", linux_rows,
           "two Linux hosts; the kernel's call stack at the device, by bpftrace"),
    Source("stacks", "other stacks", "stacks/corpus", stack_rows,
           "each stack's own call stack at IP output, handed over with the packet"),
    Source("devices", "devices on the path", "devices/corpus", device_rows,
           "client, two routers, server, and devices on the wires; who made a packet travels with it"),
)


FRESH = os.path.join(HERE, "fresh.tsv")
FRESH_HEADER = "source\tseed\tcommit\tpart\tfamily\tright\tunknown\twrong\tcertain\n"


def read_fresh():
    """{key of a source: (seed, commit, Rows)}: what was reached on a seed that nobody had looked at."""
    result = {}
    if not os.path.exists(FRESH):
        return result
    with open(FRESH, encoding="utf-8") as file:
        for line in file.readlines()[1:]:
            key, seed, commit, part, family, *counts = line.rstrip("\n").split("\t")
            rows = result.setdefault(key, (seed, commit, []))[2]
            rows.append(Row(part, family, Count(*map(int, counts)), None))
    return result


def write_fresh(fresh):
    """Keep them."""
    with open(FRESH, "w", encoding="utf-8") as file:
        file.write(FRESH_HEADER)
        for key, (seed, commit, rows) in sorted(fresh.items()):
            for row in rows:
                one = row.ours
                file.write("\t".join(map(str, (key, seed, commit, row.part, row.family, one.right, one.unknown, one.wrong,
                                               one.certain))) + "\n")


def about(source):
    """(seeds, versions) of the committed corpus of a source, as text."""
    seeds, versions = set(), set()
    for path in glob.glob(os.path.join(HERE, source.folder, "*.truth.json.gz")):
        with gzip.open(path, "rt") as file:
            truth = json.load(file)
        seeds.add(str(truth.get("seed", "")).split(".")[0])
        versions.add("Linux " + str(truth.get("kernel", "?")).split("-")[0])
        versions |= {f"{kind.removesuffix('full').removesuffix('plain')} {version}"
                     for kind, version in truth.get("stacks", {}).values() if kind != "linux"}
    return ", ".join(sorted(seeds - {""})), ", ".join(sorted(versions))
