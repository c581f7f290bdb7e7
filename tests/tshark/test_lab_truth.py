# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's own arithmetic: what counts as arrived, and which end the fields of a frame are about."""

import struct
import sys
from types import SimpleNamespace

import pytest
from conftest import REPO

sys.path.insert(0, str(REPO / "tests" / "lab"))

import states  # noqa: E402
import truth  # noqa: E402
from forwarder import Passage  # noqa: E402
from frames import ACK  # noqa: E402
from packets import Segment  # noqa: E402

MS = 1_000_000
ADDRESSES = {"c": ["192.0.2.1", "2001:db8::1"], "s": ["192.0.2.2", "2001:db8::2"]}


def trip(order, host, sent, delivered, numbers, stamps, cause="data"):
    """A segment of the client (with ten octets) or of the server (an ACK); times in ms, None: lost."""
    ports, length = ((40000, 80), 10) if host == "client" else ((80, 40000), 0)
    options = b"\x01\x01\x08\x0a" + struct.pack("!II", *stamps)
    segment = Segment(0.0, "", "", *ports, *numbers, ACK, 500, options, b"x" * length)
    peer = "server" if host == "client" else "client"
    passage = Passage(sent * MS, host, peer, segment, 0, [] if delivered is None else [delivered * MS])
    return truth.Trip(passage, order, SimpleNamespace(time=sent * MS), cause=cause)


@pytest.mark.parametrize(("echo", "needed"), [(9, True), (5, False)])
def test_what_paws_refused_has_not_arrived(echo, needed):
    """The original comes 30 ms late, after the server's TS.Recent had become `echo`: RFC 7323 5.3 refuses a TSval below it."""
    trips = [
        trip(0, "client", 0, 30, (1000, 1), (5, 1)),
        trip(1, "server", 20, 25, (1, 1000), (1, echo)),
        trip(2, "client", 40, 50, (1000, 1), (12, 1), "rtx_fast"),
        trip(3, "server", 51, 56, (1, 1010), (2, 12)),
    ]
    truth.judge_need(trips, set())
    assert trips[2].facts == {"needed": needed}


def test_what_paws_refused_does_not_matter_once_its_bytes_are_there():
    trips = [
        trip(0, "client", 0, 60, (1000, 1), (5, 1)),
        trip(1, "client", 40, 50, (1000, 1), (12, 1), "rtx_fast"),
        trip(2, "server", 51, 56, (1, 1010), (2, 12)),
    ]
    truth.judge_need(trips, set())
    assert trips[1].facts == {"needed": False}


@pytest.mark.parametrize(("sender", "source", "host"), [
    ("client", "192.0.2.1", "c"), ("client", "192.0.2.2", "s"), ("server", "192.0.2.2", "c"), ("peer", "192.0.2.1", "c"),
    ("peer", "192.0.2.2", "c"), ("unknown", "192.0.2.1", None)])
def test_end_that_the_client_fields_show(sender, source, host):
    assert states.shown_as_client({"ip.src": source, "tcplife.sender": sender}, ADDRESSES) == host


def test_states_follow_the_end_when_it_changes_sides():
    """A simultaneous open, first SYN by the host with the higher address: it is the client until the second SYN comes."""
    rows = [
        {"ip.src": "192.0.2.2", "tcp.srcport": "80", "tcp.dstport": "40000", "tcplife.conn": "0", "tcplife.sender": "client",
         "tcplife.client.state.change": "unknown -> SYN-SENT", "tcplife.server.state.change": "unknown -> LISTEN"},
        {"ip.src": "192.0.2.1", "tcp.srcport": "40000", "tcp.dstport": "80", "tcplife.conn": "0", "tcplife.sender": "peer",
         "tcplife.client.state.change": "LISTEN -> SYN-SENT", "tcplife.server.state.change": "SYN-SENT -> SYN-RECEIVED"},
    ]
    (entry,) = states.told(rows, [0.0, 0.1], ADDRESSES)[40000, 80]
    assert entry["s"].names == ["unknown", "SYN-SENT", "SYN-RECEIVED"]
    assert entry["c"].names == ["unknown", "LISTEN", "SYN-SENT"]
