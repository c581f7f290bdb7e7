# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife against what other stacks say of their own segments: the corpus of tests/lab/stacks, scored as tests/lab/score does."""

import sys

import pytest
from conftest import REPO

sys.path.insert(0, str(REPO / "tests" / "lab"))

from stacks import goals, reasons, scoring  # noqa: E402

CORPUS = REPO / "tests" / "lab" / "stacks" / "corpus"
CORPUS_BYTES_MAX = 2_000_000


@pytest.fixture(scope="module")
def captures():
    """The captures of the corpus with their truth."""
    return scoring.load_corpus(str(CORPUS))


@pytest.fixture(scope="module")
def tally(captures, fields_together):
    """What tcplife and Wireshark's flags got right, in two passes. All captures are read by one tshark; tests/lab/score reads each
    alone."""
    tally = scoring.Tally()
    rows_of_each = fields_together([capture.path for capture in captures], *scoring.FIELDS, two_pass=True)
    for capture, rows in zip(captures, rows_of_each, strict=True):
        scoring.score_capture(tally, capture, rows)
    return tally


@pytest.fixture(scope="module")
def lines(tally):
    """{(stack, family): Line}"""
    return {(line.stack, line.family): line for line in goals.check(tally)}


def test_corpus_is_whole(captures):
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < CORPUS_BYTES_MAX
    kinds = {kind for capture in captures for kind, _ in capture.truth["stacks"].values()}
    assert kinds == {"linux", *goals.STACKS}
    settings = {(capture.truth["family"], capture.truth["delay_ms"]) for capture in captures}
    assert settings == {(4, 10), (6, 10), (4, 80), (6, 80)}


def test_every_segment_has_a_reason(captures):
    assert [capture.scenario for capture in captures if capture.truth["unexplained"]] == []
    resets = [label for capture in captures for label in capture.labels.values() if label["cause"] == "rst"]
    assert resets and all(label["reason"] in scoring.CAUSES_OF and label["stack"] for label in resets)


def test_every_line_has_a_floor(lines):
    assert set(lines) == set(goals.TODAY)


@pytest.mark.parametrize("key", goals.TODAY, ids=" ".join)
def test_not_worse_than_today(lines, key):
    assert lines[key].met, lines[key]


def test_stack_and_facts_are_read():
    """What a program of C says, its functions by name, and who had queued the segment; what a program of Go says."""

    class Names:
        name = staticmethod({"10": "tcp_output", "20": "tcp_input", "30": "tcp_rexmit_fast"}.get)

    said = reasons.parse("10 20 ;queued 30 20", Names)
    assert (said.stack, said.queued) == (["tcp_output", "tcp_input"], ["tcp_rexmit_fast", "tcp_input"])
    assert reasons.parse("10 ;force=1 dup=0", Names).facts == {"force": 1, "dup": 0}
    assert reasons.parse("sendSegment probeTimerExpired;", None).stack == ["sendSegment", "probeTimerExpired"]


def test_no_state_is_told_between_a_syn_and_the_next():
    assert scoring.is_untold([1.0, 1.5], ["TIME-WAIT", "CLOSED"], [2.0], 3.0)
    assert scoring.is_untold([1.0, 2.5], ["TIME-WAIT", "CLOSED"], [2.0], 3.0)
    assert not scoring.is_untold([2.1, 2.5], ["SYN-SENT", "CLOSED"], [2.0], 3.0)
    assert not scoring.is_untold([1.0], ["ESTABLISHED"], [2.0], 3.0)
    assert scoring.is_untold([1.0], [scoring.NOT_TOLD], [], 3.0)
