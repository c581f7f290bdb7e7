# SPDX-License-Identifier: GPL-2.0-or-later
"""What the sender of a reset wrote into it: a text as payload, a code as window; a reason of Multipath TCP only where it counts."""

import pytest

from handmade import ACK, PSH, RST, SYN, Talk, write_pcap

TEXT, REASON, SAYS = "tcplife.rst.text", "tcplife.rst.mptcp_reason", "tcplife.explanation"
MP_CAPABLE, MP_TCPRST = bytes.fromhex("1E0C0081" + "11" * 8), bytes.fromhex("1E048003")  # RFC 8684 3.1, 3.6: reason 3


@pytest.fixture
def reset(fields, sandbox):
    """The server resets after a request; the row of that reset in two passes."""

    def ask(*, capable=b"", **more):
        talk = Talk()
        frames = [
            talk.frame(0, SYN, 0, options=capable),
            talk.frame(1, SYN | ACK, 0, 1, options=capable),
            talk.frame(0, ACK, 1, 1),
            talk.frame(0, PSH | ACK, 1, 1, payload=b"q" * 20),
            talk.frame(1, ACK, 1, 21),
            talk.frame(1, RST | ACK, 1, 21, **more),
        ]
        times = [0, 0.02, 0.021, 0.1, 0.12, 1.0]
        rows = fields(write_pcap(sandbox.new_path(".pcap"), frames, times), TEXT, REASON, SAYS, "tcplife.rst.cause", two_pass=True)
        return rows[-1]

    return ask


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", ""),
        (b"pool member down", "pool member down"),  # RFC 9293 3.5.3
        (b"{sender}[a]\r\n", "{sender}[a].."),  # no template, and no line of its own
        (b"ab\xe4\xb8", "ab.."),  # half of it is printable: shown
        (b"ab\xe4\xb8\x00", ""),  # less
        (b"x" * 101, "x" * 100),
    ],
)
def test_text(payload, text, reset):
    row = reset(payload=payload)
    assert row[TEXT] == text
    assert (f'It carries a text, no part of the stream: "{text}".' in row[SAYS]) == bool(text)


@pytest.mark.parametrize(("window", "said"), [(9811, True), (9810, False), (64240, False)])
def test_code_in_the_window(window, said, reset):
    row = reset(window=window)
    assert (f"Its window, {window}, is a code that the vendor documents." in row[SAYS]) == said


@pytest.mark.parametrize(("capable", "reason", "cause"), [(MP_CAPABLE, "3", "mptcp"), (b"", "", "abort")])
def test_reason_of_multipath_tcp_only_where_both_ends_speak_it(capable, reason, cause, reset):
    row = reset(capable=capable, options=MP_TCPRST)
    assert (row[REASON], row["tcplife.rst.cause"]) == (reason, cause)
