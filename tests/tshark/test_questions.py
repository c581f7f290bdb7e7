# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/questions.md: each filter picks the right connections of a capture in which every life is known, because it was made
by hand after RFC 9293. That its commands print what it says is the matter of test_docs.py."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from handmade import ACK, FIN, PSH, RST, SYN, Talk, ethernet, write_pcap
from test_links import icmp_error

REPO = Path(__file__).resolve().parents[2]
DOCUMENT = (REPO / "docs/questions.md").read_text()
END_S = 900.0  # when the capture ends: long after everything but the last SYN
STRANGER = 77_000_000  # sequence numbers that have nothing to do with the connection


class Story:
    """Connections from client ports counted up from 40001, each with a name; all in one capture."""

    def __init__(self):
        self.events, self.ports = [], {}

    def begin(self, name, at_s=0.0):
        """A Talk for a new connection; `say` adds its frames from then on."""
        self.ports[name] = 40001 + len(self.ports)
        self.now = at_s
        self.talk = Talk(ports=(self.ports[name], 80))

    def say(self, sender, flags, seq, ack=None, after=0.01, **more):
        self.now += after
        self.events.append((self.now, self.talk.frame(sender, flags, seq, ack, **more)))

    def open(self, name):
        """The three segments of RFC 9293 3.5 figure 6."""
        self.begin(name)
        self.say(0, SYN, 0)
        self.say(1, SYN | ACK, 0, 1)
        self.say(0, ACK, 1, 1)

    def exchange(self, name):
        """Open, and a request and its answer of 10 bytes each; both ends are at 11 then."""
        self.open(name)
        self.say(0, PSH | ACK, 1, 1, payload=bytes(10))
        self.say(1, PSH | ACK, 1, 11, payload=bytes(10))
        self.say(0, ACK, 11, 11)

    def close(self, first=0):
        """The four segments of RFC 9293 3.6 figure 12, at 11."""
        self.say(first, FIN | ACK, 11, 11)
        self.say(1 - first, ACK, 11, 12)
        self.say(1 - first, FIN | ACK, 11, 12)
        self.say(first, ACK, 12, 12)


def that_fail_to_open(story):
    story.begin("refused")
    story.say(0, SYN, 0)
    story.say(1, RST | ACK, 0, 1)

    story.open("rejected by the server")
    story.say(1, RST, 1)

    story.begin("challenged")
    for _ in range(2):
        story.say(0, SYN, 0, after=1)
        story.say(1, ACK, 2000, -40000)  # where an earlier connection of these ports has got to

    story.open("closed at once")
    story.say(1, FIN | ACK, 1, 1)
    story.say(0, FIN | ACK, 1, 2)
    story.say(1, ACK, 2, 2)

    story.begin("only SYN-ACKs")
    story.say(0, SYN, 0)
    for wait_s in (0.01, 1, 2, 4):
        story.say(1, SYN | ACK, 0, 1, after=wait_s)

    story.begin("no answer")
    for wait_s in (0.01, 1, 2, 4):
        story.say(0, SYN, 0, after=wait_s)

    story.begin("reset by the client")
    story.say(0, SYN, 0)
    story.say(1, SYN | ACK, 0, 1)
    story.say(0, RST, 1)

    story.begin("unreachable")
    story.say(0, SYN, 0)
    story.events.append((story.now + 0.01, icmp_error(3, 1, story.talk.ip(0, SYN, 0)[:28])))

    story.begin("wrong numbers")
    for _ in range(2):
        story.say(0, SYN, 0, after=1)
        story.say(1, SYN | ACK, 0, STRANGER)


def that_are_reset(story):
    story.exchange("aborted by the client")
    story.say(0, RST | ACK, 11, 11)

    story.exchange("aborted by the server")
    story.say(1, RST | ACK, 11, 11)

    story.exchange("reset after the close")
    story.close()
    story.say(1, RST, 12)

    story.exchange("data after the close")
    story.say(1, FIN | ACK, 11, 11)
    story.say(0, ACK, 11, 12)
    story.say(0, PSH | ACK, 11, 12, payload=bytes(10), after=1)
    story.say(1, RST, 12)

    story.exchange("forged reset")
    story.say(1, RST, STRANGER)
    story.say(0, PSH | ACK, 11, 11, payload=bytes(10), after=1)
    story.say(1, ACK, 11, 21)
    story.say(0, FIN | ACK, 21, 11)
    story.say(1, FIN | ACK, 11, 22)
    story.say(0, ACK, 22, 12)


def that_do_not_end(story):
    story.exchange("open")

    story.exchange("server does not close")
    story.say(0, FIN | ACK, 11, 11)
    story.say(1, ACK, 11, 12)

    story.exchange("last ACK is missing")
    story.say(0, FIN | ACK, 11, 11)
    story.say(1, FIN | ACK, 11, 12)

    story.begin("just begun", at_s=END_S - 0.1)
    story.say(0, SYN, 0)


def insist(story, flags, seq, after, length=0, times=5):
    """One segment, and the same again at doubling intervals (RFC 6298 5.5)."""
    story.say(0, flags, seq, 11, payload=bytes(length), after=after)
    for attempt in range(times):
        story.say(0, flags, seq, 11, payload=bytes(length), after=2**attempt)


def that_die(story):
    story.exchange("retransmits to the end")
    insist(story, PSH | ACK, 11, after=100, length=10)

    story.exchange("gives up retransmitting")
    insist(story, PSH | ACK, 11, after=0.2, length=10)
    story.say(0, RST | ACK, 21, 11, after=32)

    story.exchange("retransmits its FIN")
    insist(story, FIN | ACK, 11, after=0.2)

    story.exchange("probes in vain")
    for wait_s in (200, 75, 75, 75):
        story.say(0, ACK, 10, 11, after=wait_s)
    story.say(0, RST | ACK, 11, 11, after=75)

    story.exchange("server forgot it")
    story.say(0, PSH | ACK, 11, 11, payload=bytes(10), after=300)
    story.say(1, RST, 11)


@pytest.fixture(scope="module")
def story(sandbox):
    story = Story()
    story.exchange("orderly")
    story.close()
    for part in (that_fail_to_open, that_are_reset, that_do_not_end, that_die):
        part(story)
    story.path = sandbox.new_path(".pcap")
    events = sorted(story.events, key=lambda event: event[0])
    times, frames = [*(event[0] for event in events), END_S], [*(event[1] for event in events), ethernet(bytes(50), 0x88B5)]
    write_pcap(story.path, frames, times)
    return story


@pytest.fixture(scope="module")
def jq():
    if not shutil.which("jq"):
        pytest.skip("jq is not installed")


# ---- the filters -----------------------------------------------------------------------------------------------------

FAIL_TO_OPEN = {
    "refused": "reset", "rejected by the server": "reset", "challenged": "challenge_ack", "closed at once": "closed_at_once",
    "only SYN-ACKs": "synack_only", "no answer": "no_answer", "reset by the client": "client_reset",
    "unreachable": "unreachable", "wrong numbers": "wrong_numbers",
}  # fmt: skip

# Section of the document -> (which of its jq filters, the connections that it has to pick).
QUESTIONS = {
    "failed to open": (0, set(FAIL_TO_OPEN)),
    "reset without": (
        0, {"aborted by the client", "aborted by the server", "gives up retransmitting", "probes in vain", "server forgot it"},
    ),
    "not terminated": (
        0, {"open", "server does not close", "last ACK is missing", "just begun", "retransmits to the end", "retransmits its FIN"},
    ),
    "retransmission": (1, {"retransmits to the end", "gives up retransmitting", "retransmits its FIN"}),
    "idle": (
        0,
        {"retransmits to the end", "gives up retransmitting", "retransmits its FIN", "probes in vain", "server forgot it"},
    ),
}  # fmt: skip


def section(question):
    """The part of the document whose heading has these words."""
    (found,) = (part for part in DOCUMENT.split("\n## ")[1:] if question in part.splitlines()[0])
    return found


@pytest.fixture(scope="module")
def ask(story, jq, tshark):
    """ask(jq filter) -> the rows that it picks, by the name of the connection."""
    done = tshark(["-q", "-z", "tcplife,json"], story.path)
    assert done.returncode == 0, done.stderr
    names = {port: name for name, port in story.ports.items()}

    def run(condition):
        picked = subprocess.run(["jq", "-c", f"select({condition})"], input=done.stdout, capture_output=True, text=True, check=True)
        rows = [json.loads(line) for line in picked.stdout.splitlines()]
        return {names[row["client_port"]]: row for row in rows}

    return run


def test_every_connection_has_one_row(ask, story):
    assert set(ask("true")) == set(story.ports)


@pytest.mark.parametrize("question", QUESTIONS)
def test_filter_picks(question, ask):
    number, expected = QUESTIONS[question]
    conditions = re.findall(r"jq -r 'select\((.*?)\) \| \"", section(question))
    assert set(ask(conditions[number])) == expected


# What the display filter of a section leaves out, as the section says.
LEFT_OUT = {"not terminated": {"retransmits to the end", "retransmits its FIN"}}


@pytest.mark.parametrize("question", [question for question in QUESTIONS if "\nIn Wireshark" in section(question)])
def test_display_filter_picks_the_same(question, story, fields):
    (shown,) = re.findall(r"^In Wireshark.*?: `(.*)`$", section(question), re.M)
    rows = fields(story.path, "tcp.port", display_filter=f"tcp && ({shown})", two_pass=True)
    ports = {int(port) for row in rows for port in row["tcp.port"].split("|")}
    assert {name for name, port in story.ports.items() if port in ports} == QUESTIONS[question][1] - LEFT_OUT.get(question, set())


def test_why_they_failed_to_open(ask):
    assert {name: row["open_failure"] for name, row in ask(".open_failure").items()} == FAIL_TO_OPEN


def test_words_of_the_document_are_all_there_are():
    """The table of reasons, and what plugin/engine/tl_names.def has."""
    names = (REPO / "plugin/engine/tl_names.def").read_text()
    words = re.findall(r'^TL_VALUE\(OPEN_FAILURE, \w+, "(\w+)"', names, re.M)
    assert sorted(re.findall(r"^\| `(\w+)` \|", section("failed to open"), re.M)) == sorted(words)


def test_how_long_they_were_idle(ask):
    """From the last exchange to the first segment that got no answer: what the stories say."""
    idle = {name: row["final_idle"] for name, row in ask(".final_idle").items()}
    assert idle["server forgot it"] == pytest.approx(300)
    assert idle["probes in vain"] == pytest.approx(200)
    assert idle["retransmits to the end"] == pytest.approx(100)
    assert idle["gives up retransmitting"] == pytest.approx(0.2)
    assert set(ask(f"({jq_idle()}) and .final_idle >= 60")) == {"server forgot it", "probes in vain", "retransmits to the end"}


def jq_idle():
    (condition,) = re.findall(r"jq -r 'select\((.*?)\) \| \"", section("idle"))
    return condition
