# SPDX-License-Identifier: GPL-2.0-or-later
"""Lies that devices and attackers tell in the name of an end: none may make anything certain that is not so.

Each lie is put into an honest conversation with a round trip of 40 ms. What the forged segment claims of the end that it names must
not be certain, on itself or anywhere later, in one pass and in two; and where its numbers fit nothing, the honest segments must have
the same answers as without it. The kinds are those that middleboxes and published attacks use: resets by devices, echoes of what they
answer, refusals in the server's name, blind resets and data (RFC 5961), decoy FINs, a second SYN-ACK, MP_TCPRST (RFC 8684 3.6)."""

import pytest

from handmade import ACK, FIN, PSH, RST, SYN, Talk, ethernet, write_pcap

NAMES = (
    "tcplife.rst.cause", "tcplife.rst.cause.confidence", "tcplife.rst.effect", "tcplife.phase", "tcplife.client.state",
    "tcplife.server.state", "tcplife.segment", "tcplife.handshake.step", "tcplife.teardown.step",
)  # fmt: skip
ANSWERS = ("tcplife.phase", "tcplife.client.state", "tcplife.server.state", "tcplife.segment", "tcplife.teardown.step")
# What a reset claims of the end that it names, if it is true.
OF_THE_END = {"abort", "abort_after_fin", "refused", "timed_out", "keepalive_timeout", "data_after_close", "half_open", "after_close"}
MP_TCPRST = bytes([30, 4, 0x80, 1])  # RFC 8684 3.6


class Forger(Talk):
    """A conversation of a request and an answer in rounds, and what somebody else puts into it: with another TTL and IP ID."""

    def honest(self):
        """(time in s, frame) of each segment; the capture point is at the client's side."""
        at, said = 0.0, []

        def say(after, *segment, **more):
            nonlocal at
            at += after
            said.append((at, self.frame(*segment, **more)))

        say(0, 0, SYN, 0)
        say(0.040, 1, SYN | ACK, 0, 1)
        say(0.001, 0, ACK, 1, 1)
        for i in range(5):
            say(0.100, 0, PSH | ACK, 1 + 10 * i, 1 + 100 * i, payload=b"x" * 10)
            say(0.041, 1, PSH | ACK, 1 + 100 * i, 11 + 10 * i, payload=b"y" * 100)
            say(0.001, 0, ACK, 11 + 10 * i, 101 + 100 * i)
        say(0.5, 0, FIN | ACK, 51, 501)
        say(0.041, 1, FIN | ACK, 501, 52)
        say(0.001, 0, ACK, 52, 502)
        return said

    def forged(self, sender, flags, seq, ack=None, *, ident=54321, ttl=255, **more):
        packet = bytearray(self.ip(sender, flags, seq, ack, **more))
        packet[4:6] = ident.to_bytes(2, "big")
        packet[8] = ttl
        return ethernet(bytes(packet))


# name: (after which honest frame, s after it, forged segments, whether their numbers fit nothing)
AFTER_REQUEST = 9  # the second request; honest frames count from 0
LIES = {
    "reset faster than the path": (AFTER_REQUEST - 3, 0.0004, lambda t: [t.forged(1, RST | ACK, 1, 11)], False),
    "reset from both ends": (AFTER_REQUEST, 0.0003, lambda t: [t.forged(1, RST, 201), t.forged(0, RST, 31)], False),
    "reset that echoes the IP ID": (AFTER_REQUEST, 0.0005, lambda t: [t.forged(1, RST | ACK, 201, 31, ident=t.ident - 9)], False),
    "refusal before the SYN-ACK": (0, 0.0005, lambda t: [t.forged(1, RST | ACK, -5000, 1)], False),
    "reset with MP_TCPRST, no MPTCP": (AFTER_REQUEST, 0.0005, lambda t: [t.forged(1, RST | ACK, 201, 31, options=MP_TCPRST)], False),
    "blind reset in the window": (AFTER_REQUEST, 0.020, lambda t: [t.forged(1, RST, 201 + 9000)], True),
    "blind reset far away": (AFTER_REQUEST, 0.020, lambda t: [t.forged(1, RST, 2**31 + 7)], True),
    "blind segments that continue each other": (
        AFTER_REQUEST,
        0.020,
        lambda t: [t.forged(1, PSH | ACK, 2**30 + 50 * i, 2**30, payload=b"z" * 50) for i in range(4)] + [t.forged(1, RST, 2**30 + 200)],
        True,
    ),
    "decoy FIN": (AFTER_REQUEST - 1, 0.001, lambda t: [t.forged(0, FIN | ACK, 21, 201, ttl=3)], False),
    "second SYN-ACK": (1, 0.0002, lambda t: [t.forged(1, SYN | ACK, 777777, 1)], False),
    "challenge in nobody's name": (AFTER_REQUEST, 0.020, lambda t: [t.forged(0, SYN, 99999)], False),
    "reset after the close": (20, 0.020, lambda t: [t.forged(1, RST, 502)], False),
}  # fmt: skip


def told(lie, sandbox, name):
    """The capture with the lie, and the numbers of its forged frames."""
    talk = Forger()
    frames = talk.honest()
    after, delay, forge, _ = LIES[lie]
    put = [(frames[after][0] + delay + i / 10**5, frame) for i, frame in enumerate(forge(talk))]
    frames[after + 1 : after + 1] = put
    frames.sort(key=lambda one: one[0])
    numbers = [i for i, one in enumerate(frames, 1) if one in put]
    path = write_pcap(sandbox.new_path(name), [frame for _, frame in frames], [at for at, _ in frames])
    return path, numbers


@pytest.mark.parametrize("two_pass", [False, True], ids=["one pass", "two passes"])
@pytest.mark.parametrize("lie", LIES)
def test_no_lie_is_certain(lie, two_pass, fields, sandbox):
    path, forged = told(lie, sandbox, ".pcap")
    rows = fields(path, *NAMES, two_pass=two_pass)
    assert forged
    for number, row in enumerate(rows, 1):
        claims = row["tcplife.rst.cause"] in OF_THE_END
        assert not (claims and row["tcplife.rst.cause.confidence"] == "certain"), (number, row)


@pytest.mark.parametrize("lie", [lie for lie in LIES if LIES[lie][3]])
def test_numbers_that_fit_nothing_change_nothing(lie, fields, sandbox):
    path, forged = told(lie, sandbox, ".pcap")
    honest = write_pcap(sandbox.new_path(".pcap"), [frame for _, frame in Forger().honest()], [at for at, _ in Forger().honest()])
    with_lie = [row for number, row in enumerate(fields(path, *ANSWERS), 1) if number not in forged]
    assert with_lie == fields(honest, *ANSWERS)
