# SPDX-License-Identifier: GPL-2.0-or-later
"""What the sender of a reset wrote into it: a text as payload, a code as window; reason codes only where they mean something."""

import struct

import pytest

from packets import ACK, RST, SYN, pcap, segment


def _reset(payload=b"", window=0, options=b""):
    """A connection that the server resets after a request."""
    return pcap([
        (0.00, segment("A", SYN, 100, 0)),
        (0.02, segment("B", SYN | ACK, 500, 101)),
        (0.03, segment("A", ACK, 101, 501)),
        (0.10, segment("A", ACK, 101, 501, b"q" * 20)),
        (0.12, segment("B", RST | ACK, 501, 121, payload, window=window, options=options)),
    ])
