# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife against the kernels' own record: the corpus of tests/lab/corpus, scored as tests/lab/score does."""

import os
import sys

import pytest
from conftest import REPO

sys.path.insert(0, str(REPO / "tests" / "lab"))

import goals  # noqa: E402
import scoring  # noqa: E402
from devices import goals as device_goals  # noqa: E402
from devices import scoring as device_scoring  # noqa: E402
from reader import FINDING, every_frame  # noqa: E402

CORPUS = REPO / "tests" / "lab" / "corpus"
CORPUS_BYTES_MAX = 6_000_000

# Goal of tests/lab/score -> (share right at least, called so wrongly at most, wrong though certain at most). What
# tcplife reaches on the committed corpus: raise with it, never lower. Wrong ones are only counted where a goal bounds them.
FLOORS = {
    "RST cause, refused SYNs left out": (1.000, 0, 0),
    "refused SYNs": (1.000, 0, 0),
    "retransmission cause at the sender": (1.000, 0, 0),
    "rto": (1.000, 0, 0),
    "rto_recovery": (1.000, 0, 0),
    "tlp": (1.000, 0, 0),
    "fast/sack": (1.000, 0, 0),
    "syn": (1.000, 0, 0),
    "synack": (1.000, 0, 0),
    "syn_data": (1.000, 0, 0),
    "retransmission cause at the receiver": (0.993, 0, 0),
    "spurious, with DSACK or timestamps": (0.985, 0, 0),
    "keepalive": (1.000, 0, 0),
    "keepalive_answer": (1.000, 0, 0),
    "window_probe": (1.000, 0, 0),
    "window_probe_answer": (1.000, 0, 0),
    "challenge ACK": (0.994, 0, 0),
    "late, duplicate or new, not called retransmission": (1.000, 0, 0),
    "endpoint state sequences": (0.997, 0, 0),
}


@pytest.fixture(scope="module")
def captures():
    """The captures of the corpus with their truth."""
    return scoring.load_corpus(str(CORPUS))


@pytest.fixture(scope="module")
def devices():
    """What tcplife says of devices on a path that has none; filled with the tallies."""
    return device_scoring.Tally()


@pytest.fixture(scope="module")
def tallies(captures, fields_together, sandbox, devices):
    """What tcplife and Wireshark's flags got right, in two passes. All captures are read by one tshark; tests/lab/score reads each
    alone."""
    names = tuple(scoring.READINGS)
    tallies = {name: scoring.Tally() for name in names}
    wanted = scoring.BASIC + tuple(field for name in names for field in scoring.READINGS[name][1])
    wanted = tuple(dict.fromkeys(wanted + device_scoring.known(sandbox.run(["tshark", "-G", "fields"]).stdout)))
    rows_of_each = fields_together([capture.path for capture in captures], *wanted, two_pass=True, display_filter=every_frame(FINDING))
    for capture, rows in zip(captures, rows_of_each, strict=True):
        scoring.score_capture(tallies, capture, rows)
        device_scoring.score_linux(devices, capture, rows)
    return tallies


@pytest.fixture(scope="module")
def reached(tallies):
    """{goal: what tcplife reaches}"""
    return {goal.text.strip(): goal for goal in goals.check(tallies["tcplife"])}


def test_corpus_is_whole(captures):
    assert len({capture.scenario for capture in captures}) > 100
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < CORPUS_BYTES_MAX
    missing = [capture.path for capture in captures if not os.path.exists(capture.path)]
    assert not missing


def test_labels_agree_with_the_kernels_counters(captures):
    found = [f"{c.scenario}: {text}" for c in captures for text in c.truth["counter_check"] + c.truth["problems"]]
    assert not found


def test_corpus_has_enough_of_each_class(captures):
    number = {}
    for capture in captures:
        for label in capture.labels.values():
            if label["dir"] == "out" and label["cls"] in scoring.FAMILY:
                name = scoring.FAMILY[label["cls"]][1]
                number[name] = number.get(name, 0) + 1
    few = [name for name in scoring.CAUSES if number.get(name, 0) < scoring.GATED]
    assert not few, number


@pytest.mark.parametrize("text", FLOORS)
def test_floor(reached, text):
    share, wrong, certain = FLOORS[text]
    goal = reached[text]
    assert goal.right >= share * goal.total, f"{goal.right} of {goal.total}"
    assert goal.wrong <= wrong
    assert goal.certain <= certain


def test_twins_are_exchanged_and_nothing_else():
    """Equal ACKs of IPv6 have one label between them; another ACK, and an answer to more than there are, stay wrong."""
    frames = [dict.fromkeys(scoring.CONTENT, "1") | {"frame.number": str(n), "tcp.len": "0"} for n in range(1, 5)]
    frames[3]["tcp.seq_raw"] = "2"
    labels = {"1": {"cls": "challenge_ack"}}
    for called, want in (("2", "2"), ("1", "1"), ("4", "1"), ("23", "2")):
        said = {f["frame.number"]: scoring.Said("challenge" if f["frame.number"] in called else "plain") for f in frames}
        found = scoring.exchange_twins(labels, frames, said)
        assert [n for n, label in found.items() if label["cls"] == "challenge_ack"] == [want]


def test_every_goal_has_a_floor(reached):
    assert set(reached) == set(FLOORS)


def test_no_device_is_named_where_there_is_none(tallies, devices):
    line = next(line for line in device_goals.check(devices) if line.text == device_goals.LINUX)
    assert line.total > 1000 and line.met, devices.errors


def test_better_than_the_flags_of_wireshark(tallies, reached):
    theirs = {goal.text.strip(): goal for goal in goals.check(tallies["wireshark"])}
    shares = {text: (goal.right / goal.total, theirs[text].right / goal.total) for text, goal in reached.items()}
    worse = {text: pair for text, pair in shares.items() if pair[0] < pair[1]}
    assert not worse
