# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the headers of TCP frames from captures that were cut short by a snap length."""

import gzip
import struct
from dataclasses import dataclass

from packets import ETHERTYPE_IPV4, ETHERTYPE_IPV6, PROTO_TCP, PacketError

MAGIC = {b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1),
         b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000)}
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
OPTION_SACK_PERMITTED, OPTION_TIMESTAMPS = 4, 8


@dataclass
class Frame:
    """One TCP frame of a capture; `number` counts from 1 as Wireshark does."""

    number: int
    time: int           # nanoseconds since 1970
    source: bytes
    ip_id: int
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    length: int         # octets of payload on the wire
    options: bytes

    @property
    def key(self):
        """The same as kernel.Sent.key."""
        return (self.sport, self.dport, self.seq, self.ack, self.flags, self.length, self.ip_id)


def option_kinds(options):
    """The kinds of all TCP options."""
    kinds, at = set(), 0
    while at < len(options) and options[at] != 0:
        kinds.add(options[at])
        if options[at] == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2:
            break
        at += options[at + 1]
    return kinds


def _ip(frame):
    """(source, IP ID, protocol, offset of the transport header, octets after it), or None."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == ETHERTYPE_IPV4:
        header = (frame[14] & 0x0F) * 4
        total, ip_id = struct.unpack_from("!HH", frame, 16)
        return frame[26:30], ip_id, frame[23], 14 + header, total - header
    if kind == ETHERTYPE_IPV6:
        return frame[22:38], 0, frame[20], 54, struct.unpack_from("!H", frame, 18)[0]
    return None


def _tcp(number, time, frame):
    """The Frame of some octets of an Ethernet frame, or None when it is not TCP."""
    layer = _ip(frame) if len(frame) >= 54 else None
    if layer is None or layer[2] != PROTO_TCP or len(frame) < layer[3] + 20:
        return None
    source, ip_id, _, at, carried = layer
    sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", frame, at)
    header = (offset >> 4) * 4
    return Frame(number, time, bytes(source), ip_id, sport, dport, seq, ack, flags & 0x3F,
                 carried - header, bytes(frame[at + 20:at + header]))


def read_frames(path):
    """(TCP frames, number of all frames) of a classic pcap file, which may be gzipped."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:4] not in MAGIC:
        raise PacketError(f"{path}: not a classic pcap")
    order, unit = MAGIC[data[:4]]
    frames, number, at = [], 0, 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from(order + "IIII", data, at)
        number += 1
        frame = _tcp(number, seconds * 10**9 + fraction * unit, data[at + 16:at + 16 + kept])
        if frame is not None:
            frames.append(frame)
        at += 16 + kept
    return frames, number
