# SPDX-License-Identifier: GPL-2.0-or-later
"""Score distorted captures: what tcplife, and Wireshark's own flags, say of each frame against its truth.

A frame keeps the truth that it had in the capture that was distorted: each row gets its old frame
number back, and the scoring of the corpora does the rest.  Copies that a distortion made have no
truth but that they are copies.
"""

import collections
import os
import random
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

import goals
import scoring
import states
from distortions import Scene, Take
from floors import Floors
from reader import REPOSITORY
from sources import HERE, distorted_rows
from stacks import goals as stack_goals
from stacks import scoring as stack_scoring

sys.path.insert(0, str(Path(REPOSITORY) / "tests" / "tshark"))

from together import Part, Record, Together, read_part  # noqa: E402

HOSTS = scoring.HOSTS
COPY = "tcplife.capture.copy"
FIELDS = tuple(dict.fromkeys(("frame.number", *stack_scoring.FIELDS, *(
    name for _, names in scoring.READINGS.values() for name in names), COPY)))
NUMBERS = {"frame.number"}          # those of FIELDS that are a frame's number
CORPORA = {"linux": os.path.join(HERE, "corpus"), "stacks": os.path.join(HERE, "stacks", "corpus")}
SEED = 1
# What continuous integration distorts: each class of the truth several times, in few frames.
SAMPLE = {
    "linux": ("abort_unread", "abort_unread_v6", "acks_lost", "bulk_loss5_v6", "closes", "data_after_close", "disconnect", "fast",
              "fast_open_lost", "forged_ack", "keepalive_timeout_answers", "linger2", "queue_overflow", "reorder_no_ts",
              "spurious_rto_plain", "straggler", "stray_segments", "synack_lost_data", "synack_wrong", "tail", "thin", "twice_v6",
              "user_timeout", "zero_window_v6"),
    "stacks": ("gvisor-linux.ip4.10ms", "lwipfull-linux.ip4.10ms", "slirp-lwipfull.ip4.10ms")}
# What tcplife reaches on the sample today; `tests/lab/distort --raise` writes it anew.
TODAY = Floors(os.path.join(HERE, "distort.tsv"), ("distortion", "family"))


@dataclass
class Pair:
    """Both captures of a scenario, and their Takes, by host."""

    captures: dict
    takes: dict
    link: int


@dataclass
class Tally:
    """What a distortion came to: as `linux` {reading: scoring.Tally}, `stacks` stacks.scoring.Tally,
    `copies` {(reading, verdict): number}; errors are (scenario, host, frame of the original, frame of
    the distorted file, text)."""

    linux: dict = field(default_factory=lambda: {name: scoring.Tally() for name in scoring.READINGS})
    stacks: stack_scoring.Tally = field(default_factory=stack_scoring.Tally)
    copies: collections.Counter = field(default_factory=collections.Counter)
    errors: list = field(default_factory=list)


def load_sample():
    """{corpus: its Pairs of the sample}"""
    return {name: load(folder, SAMPLE[name]) for name, folder in CORPORA.items()}


def load(folder, names=()):
    """The Pairs of a corpus."""
    by_scenario = collections.defaultdict(dict)
    for capture in scoring.load_corpus(folder, names):
        by_scenario[capture.scenario][capture.host] = capture
    pairs = []
    for captures in by_scenario.values():
        parts = {host: read_part(Path(capture.path)) for host, capture in captures.items()}
        takes = {host: [Take(record.time_ns, record.size, record.frame, host, number)
                        for number, record in enumerate(part.records, 1)] for host, part in parts.items()}
        pairs.append(Pair(captures, takes, parts[HOSTS[0]].link))
    return pairs


def octets(address):
    """An address as it is in a packet."""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def distorted(distortion, pairs, seed):
    """[(Pair, host of the capture, Takes)]; without the captures of which nothing is left."""
    result = []
    for pair in pairs:
        truth = pair.captures[HOSTS[0]].truth
        addresses = {host: {octets(one) for one in truth["addresses"][host[0]]} for host in HOSTS}
        for host, other in (HOSTS, HOSTS[::-1]):
            if distortion.name == "merged" and host != HOSTS[0]:
                continue            # one file holds both
            chance = random.Random(f"{seed} {distortion.name} {truth['scenario']} {host}")
            labels = {one: capture.labels for one, capture in pair.captures.items()}
            takes = distortion.distort(pair.takes[host], Scene(
                chance, addresses, host, pair.takes[other], labels))
            if takes:
                result.append((pair, host, takes))
    return result


def read(fields, files, path):
    """The rows of each of distorted()'s captures, with the frame numbers of the distorted files.

    fields(path, *names) has to give a row for each frame of a capture, from two passes.
    """
    together = Together([Part(pair.link, [Record(one.time_ns, one.size, one.frame) for one in takes])
                         for pair, _, takes in files], Path(path))
    try:
        return together.rows(fields, NUMBERS, *FIELDS[1:])
    finally:
        Path(path).unlink()


def is_segment(row):
    """TCP, with a header that the snap length left whole."""
    return bool(row.get("tcp.srcport") and row.get("tcp.flags"))


def judge_copy(tally, name, row):
    """A packet that was captured before: to say so is right, to make it an event of its own wrong."""
    said = scoring.READINGS[name][0](row)
    if said.family == "duplicate" or name == "tcplife" and row.get(COPY):
        verdict = "right"
    elif said.family == "plain":
        verdict = "unknown"
    else:
        verdict = "wrong certain" if said.certain else "wrong"
    tally.copies[name, verdict] += 1
    return verdict, said


def score(tally, distortion, file, rows, of_stacks):
    """One distorted capture; `file` is one of distorted()'s, `of_stacks`: it is of the corpus of stacks."""
    pair, host, takes = file
    of_point, place = {one: [] for one in HOSTS}, {}
    for row, take in zip(rows, takes, strict=True):
        if not is_segment(row):
            continue
        if not take.copy:
            place[take.point, take.number] = row["frame.number"]
            of_point[take.point].append(dict(row, **{"frame.number": str(take.number)}))
            continue
        for name in scoring.READINGS:
            verdict, said = judge_copy(tally, name, row)
            if name == "tcplife" and verdict.startswith("wrong"):
                tally.errors.append((pair.captures[host].scenario, host, take.number, row["frame.number"],
                                     f"copy called {said.family} {said.word}, {verdict}"))
    inner = [tally.stacks] if of_stacks else [tally.linux["tcplife"]]
    before = len(inner[0].errors)
    for point in HOSTS:
        if of_stacks:
            for row in of_point[point]:
                stack_scoring.score_frame(tally.stacks, pair.captures[point], row, tuple(scoring.READINGS))
        else:
            scoring.score_segments(tally.linux, pair.captures[point], of_point[point])
    score_states(tally, distortion, pair.captures[host], [row for row in rows if is_segment(row)], of_stacks)
    tally.errors += [(scenario, point, frame, place.get((point, frame), "-"), text)
                     for scenario, point, frame, text in inner[0].errors[before:]]


def score_states(tally, distortion, capture, segments, of_stacks):
    """The states, which rows of copies tell, too."""
    if of_stacks:
        stack_scoring.score_states(tally.stacks, capture, segments, distortion.whole)
        return
    times = [scoring.seconds(row["frame.time_epoch"]) for row in segments]
    states.score(tally.linux["tcplife"], capture, segments, times, distortion.whole)


def score_distortion(fields, distortion, corpora, seed, folder):
    """The Tally of one distortion of {corpus: Pairs}; `folder` is for files that tshark can read."""
    tally = Tally()
    for name, pairs in corpora.items():
        files = distorted(distortion, pairs, seed)
        if not files:
            continue
        all_rows = read(fields, files, os.path.join(folder, f"{distortion.name}.{name}.pcap"))
        for file, rows in zip(files, all_rows, strict=True):
            score(tally, distortion, file, rows, name == "stacks")
    return tally


def lines(tallies):
    """{(distortion, family): Count} of {distortion: Tally}"""
    return {(name, row.family): row.ours for name, tally in tallies.items()
            for row in distorted_rows(as_json(tally), name) if row.ours.total}


def as_json(tally):
    """All counts as plain types, in the form of `score --json`, and the copies."""
    linux = goals.as_json(tally.linux, {name: goals.check(one) for name, one in tally.linux.items()})
    return {**linux, "stacks": stack_goals.as_json(tally.stacks),
            "copies": {"|".join(key): number for key, number in sorted(tally.copies.items())}}
