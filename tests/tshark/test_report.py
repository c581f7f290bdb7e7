# SPDX-License-Identifier: GPL-2.0-or-later
"""The report: which findings the shipped captures have by their stories, how it looks, and that its filters show what it counts.

tests/unit/test_findings.c holds the rules, tests/lab the truth of other captures. The reports in tests/golden/report/ were read
against the stories in captures/MANIFEST.tsv before they were kept."""

import json
import unicodedata
from functools import cache
from pathlib import Path

import pytest

from handmade import ACK, RST, SYN, Talk, join_captures, write_pcap

REPO = Path(__file__).resolve().parents[2]
GOLDEN = REPO / "tests/golden/report"
CAPTURES = sorted((REPO / "captures").glob("*.pcap"))
LANGUAGES = ("en", "zh-CN")
COLUMNS = 100
# By the stories in captures/MANIFEST.tsv: what is wrong, and what is said although it is harmless. All others have nothing.
FINDINGS = {
    "abort-unread": ["ended_by_rst"],
    "data-after-close": ["rst_after_close"],  # ten bytes, which a close_notify may be as well
    "icmp-unreachable": ["unreachable"],
    "keepalive-unanswered": ["peer_died"],
    "linger-reset": ["ended_by_rst"],
    "peer-killed-fin": ["closed_at_once"],
    "peer-killed-rst": ["closed_at_once"],
    "peer-restarted": ["state_lost"],
    "refused": ["refused"],
    "syn-unanswered": ["no_answer"],
    "synack-lost": ["syn_lost"],
    "synack-lost-client": ["syn_lost"],
}
# Two captures of a connection that another file holds too: joined they would be one connection.
TWINS = {"synack-lost-client", "handshake-ack-lost-server"}


@pytest.fixture(scope="module")
def joined(sandbox):
    """All shipped captures but the twins in one file, five minutes apart."""
    frames, times = join_captures(path for path in CAPTURES if path.stem not in TWINS)
    return write_pcap(sandbox.new_path(".pcap"), frames, times)


@pytest.fixture(scope="module")
def report(tshark):
    """report(capture, argument, language, *args) -> standard output."""

    @cache
    def run(capture, argument="tcplife,report", language="en", *args):
        chosen = ["-o", f"tcplife.explanation_language:{language}", "-q", "-z", argument, *args]
        result = tshark(chosen, capture)
        assert result.returncode == 0, result.stderr
        assert "CRITICAL" not in result.stderr, result.stderr
        return result.stdout

    return run


def objects(text):
    """The objects of a JSON report: that of the capture, and those of the findings."""
    capture, *findings = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert capture["finding"] is None
    return capture, findings


def width(line):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


# ---- what it says ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_findings_of_the_stories(report, path):
    _, findings = objects(report(path, "tcplife,report_json"))
    assert [finding["finding"] for finding in findings] == FINDINGS.get(path.stem, [])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_golden(report, path, language):
    assert report(path, "tcplife,report", language) == (GOLDEN / f"{path.stem}.{language}.txt").read_text(encoding="utf-8")


def test_goldens_are_those_of_the_captures():
    assert {path.name for path in GOLDEN.glob("*.txt")} == {f"{p.stem}.{lang}.txt" for p in CAPTURES for lang in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_have_100_columns(report, joined, language):
    text = report(joined, "tcplife,report,all", language)
    assert max(map(width, text.splitlines())) <= COLUMNS


def test_no_tcp(report, sandbox):
    empty = write_pcap(sandbox.new_path(".pcap"), [])
    assert report(empty).startswith("No TCP in this capture.")
    assert objects(report(empty, "tcplife,report_json"))[1] == []


def test_two_passes_say_the_same(report, joined):
    assert report(joined, "tcplife,report,all") == report(joined, "tcplife,report,all", "en", "-2")


def test_filter_selects_connections(report, joined):
    capture, findings = objects(report(joined, "tcplife,report_json,tcp.flags.reset == 1 && tcplife.rst.cause == refused"))
    assert capture["connections"] == 1
    assert [finding["finding"] for finding in findings] == ["refused"]
    # The connection is judged as a whole, though one of its segments passes.
    assert findings[0]["measures"]["syns"]["sum"] == 1


def test_all_is_no_filter(report, joined):
    assert len(report(joined, "tcplife,report,all")) > len(report(joined, "tcplife,report"))


def test_wrong_argument(tshark, captures):
    for argument in ("tcplife,reports", "tcplife,report,al l", "tcplife,report_json,no.such.field"):
        assert tshark(["-q", "-z", argument], captures / "refused.pcap").returncode != 0, argument


# ---- that it can be counted again -----------------------------------------------------------------------------------------


def numbers(rows):
    return {row["tcplife.conn"] for row in rows}


def test_filters_show_what_was_counted(report, joined, fields):
    _, findings = objects(report(joined, "tcplife,report_json"))
    assert len(findings) >= 8
    for finding in findings:
        by_conn = numbers(fields(joined, "tcplife.conn", display_filter=finding["filter"], two_pass=True))
        group = f"tcplife.finding.group == {finding['group']}"
        by_group = numbers(fields(joined, "tcplife.conn", "tcplife.finding", display_filter=group, two_pass=True))
        assert len(by_conn) == finding["connections"]
        assert by_group == by_conn
        word = numbers(
            fields(joined, "tcplife.conn", display_filter=f'tcplife.finding == "{finding["finding"]}"', two_pass=True)
        )
        assert by_conn <= word


def test_fields_of_all_segments_of_a_connection(fields, captures):
    rows = fields(
        captures / "syn-unanswered.pcap", "frame.number", "tcplife.finding", "tcplife.finding.group",
        display_filter="tcplife.finding", two_pass=True,
    )  # fmt: skip
    assert rows == [
        {"frame.number": str(frame), "tcplife.finding": "no_answer", "tcplife.finding.group": "1"} for frame in (1, 2, 3, 4)
    ]


def test_fields_need_two_passes(fields, captures):
    assert fields(captures / "refused.pcap", "tcplife.finding", display_filter="tcplife.finding") == []


def test_window_and_its_fields(sharkd, captures):
    """What the window shows, and that a filter on a finding works once it was open."""
    asked = {"filter": 'tcplife.finding == "no_answer"'}
    taps, frames = sharkd(captures / "syn-unanswered.pcap", ("tap", {"tap0": "nstat:tcplife,report-table"}), ("frames", asked))
    rows = taps["taps"][0]["tables"][0]["i"]
    assert [row[:5] for row in rows] == [[1, "BROKEN", "Nobody answers the SYN", "192.168.1.123:7788, from 192.168.1.116", 1]]
    assert [frame["num"] for frame in frames] == [1, 2, 3, 4]


# ---- crowds --------------------------------------------------------------------------------------------------------------


def scan(sandbox, ports):
    """A client that asks each port once and is refused."""
    frames = []
    for port in ports:
        talk = Talk(ports=(40000, port))
        frames += [talk.frame(0, SYN, 0), talk.frame(1, RST | ACK, 0, 1)]
    return write_pcap(sandbox.new_path(".pcap"), frames)


def test_scan_is_no_failure(report, sandbox):
    """1,986 closed ports are one scan, and nothing that is wrong."""
    text = report(scan(sandbox, range(1000, 1100)))
    assert "Nothing wrong found in 100 connections." in text
    assert "HARMLESS Scan" in text


def test_names_beyond_the_bound(report, sandbox):
    """More connections than a filter can name one by one: the group is named."""
    frames = []
    for i in range(60):
        talk = Talk(ports=(40000 + i, 80))
        frames += [talk.frame(0, SYN, 0), talk.frame(1, RST | ACK, 0, 1)]
        healthy = Talk(ports=(50000 + i, 80))
        frames += [healthy.frame(0, SYN, 0), healthy.frame(1, SYN | ACK, 0, 1), healthy.frame(0, ACK, 1, 1)]
    _, findings = objects(report(write_pcap(sandbox.new_path(".pcap"), frames), "tcplife,report_json"))
    assert findings[0]["finding"] == "refused" and findings[0]["connections"] == 60
    assert findings[0]["filter"] == "tcplife.finding.group == 1"
