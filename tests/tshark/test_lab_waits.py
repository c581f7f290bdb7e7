# SPDX-License-Identifier: GPL-2.0-or-later
"""What connections waited for: the sums of every connection at hand, and the seconds of the lab whose truth is known."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest
from conftest import REPO

sys.path.insert(0, str(REPO / "tests" / "lab"))

from waits import scoring, truth  # noqa: E402
from waits.scenarios import SCENARIOS  # noqa: E402

CORPUS = REPO / "tests" / "lab" / "waits" / "corpus"
CORPUS_BYTES_MAX = 700_000
WRONG_MOST = 0.024  # of the seconds, on the committed corpus: 0.0230 when it was recorded
UNKNOWN_MOST = 0.01  # of the seconds of connections that have a handshake
# Folders of captures; those of one are joined, one behind the other. Connections may run into one another by that, which changes what
# they waited for, but not what it adds up to.
FOLDERS = ["captures", *sorted({str(path.parent.relative_to(REPO)) for path in (REPO / "tests" / "lab").rglob("*.pcap*")})]


@pytest.fixture(scope="module")
def rows(tshark, sandbox):
    """rows(paths, in_order) -> the rows of captures, joined one behind the other or in the order of time."""

    def run(paths, *options):
        joined = sandbox.new_path(".pcapng")
        subprocess.run(["mergecap", *options, "-w", joined, *paths], check=True)
        done = tshark(["-n", "-q", "-z", "tcplife,json"], joined)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in done.stdout.splitlines()]

    return run


@pytest.fixture(scope="module")
def scored(rows):
    """(run, row) of the whole corpus."""
    pairs = []
    for place in scoring.PLACES:
        runs = scoring.read_truth(CORPUS, place)
        pairs += scoring.pair(runs, rows([CORPUS / f"{run.name}.{place}.pcap.gz" for run in runs]))
    return pairs


# ---- every connection ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", FOLDERS)
def test_waits_add_up_to_the_duration(rows, folder):
    """To the nanosecond, and none is below zero."""
    paths = sorted((REPO / folder).glob("*.pcap*"))
    unknown = seconds = Decimal(0)
    for row in rows(paths, "-a"):
        waits = [row[name] for name in scoring.ALL_COLUMNS]
        assert sum(waits) == row["duration"] and min(waits) >= 0, row["conn"]
        if row["handshake"] == "complete":
            unknown, seconds = unknown + row["wait_unknown"], seconds + row["duration"]
    assert unknown <= seconds * Decimal(UNKNOWN_MOST)


def test_longest_wait_of_a_program_is_no_longer_than_all_of_them(scored):
    for run, row in scored:
        for end in ("client", "server"):
            assert (row[f"{end}_wait_max"] or 0) <= row[f"wait_{end}"], run.name
            assert (row[f"{end}_wait_max"] is None) == (row[f"{end}_wait_frame"] is None)


# ---- the lab ---------------------------------------------------------------------------------------------------------


def test_corpus_is_whole():
    for place in scoring.PLACES:
        assert [run.name for run in scoring.read_truth(CORPUS, place)] == list(SCENARIOS)
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < CORPUS_BYTES_MAX


def test_seconds_in_the_wrong_class(scored):
    total = scoring.Score()
    for run, row in scored:
        total.add(run, scoring.wrong(run, row))
    assert total.share <= WRONG_MOST, total


@pytest.mark.parametrize("name, of", [("server_thinks", "server"), ("client_thinks", "client"), ("slow_writer", "server"), ("pushes", "server")])
def test_who_thought(scored, name, of):
    """Where one program alone was slow, most of the time is its own, wherever it was captured."""
    for run, row in scored:
        if run.name == name:
            assert max(scoring.ALL_COLUMNS, key=lambda column: row[column]) == f"wait_{of}"


@pytest.mark.parametrize("name", ["small_buffer", "slow_reader", "stops_reading"])
def test_whose_window(scored, name):
    for run, row in scored:
        if run.name == name:
            assert row["wait_client_window"] + row["wait_small_window"] > row["duration"] / 2 and row["wait_server_window"] == 0


# ---- the truth's own arithmetic --------------------------------------------------------------------------------------


@pytest.mark.parametrize("intervals, seconds", [([], 0), ([(1, 2)], 1), ([(1, 3), (2, 4)], 3), ([(2, 4), (1, 5)], 4), ([(1, 2), (3, 5)], 3), ([(2, 1)], 0)])
def test_union(intervals, seconds):
    assert truth.union(intervals) == seconds


def test_score_is_half_of_the_differences():
    run = scoring.Run("x", 4.0, {**dict.fromkeys(scoring.COLUMNS, 0.0), "server": 3.0, "network": 1.0})
    row = {**dict.fromkeys(scoring.ALL_COLUMNS, 0.0), "wait_server": 2.5, "wait_network": 1.0, "wait_no_answer": 0.5}
    assert scoring.wrong(run, row) == 0.5
    assert scoring.differences(run, row) == "server 2.50 not 3.00, loss 0.50 not 0.00"


def test_another_number_of_connections_is_an_error():
    with pytest.raises(ValueError, match="1 connections for 0 runs"):
        scoring.pair([], [{"start": 0}])
