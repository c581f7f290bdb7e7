# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv4 packets as a device sees them: read, made, changed.  Only TCP is taken apart."""

import socket
import struct
from dataclasses import dataclass, replace

from packets import ACK, FIN, PROTO_ICMP, PROTO_TCP, RST, SYN, checksum

NOP, SACK = 1, 5            # kinds of TCP options
DF = 0x4000


@dataclass(frozen=True)
class Tcp:
    """One TCP segment with the IPv4 header around it."""

    src: str
    dst: str
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int = 0
    ttl: int = 64
    ip_id: int = 0
    df: bool = True
    options: bytes = b""
    payload: bytes = b""

    @property
    def end(self):
        """The number that acknowledges all of it, modulo 2**32."""
        return (self.seq + len(self.payload) + bool(self.flags & SYN)
                + bool(self.flags & FIN)) % 2**32

    @property
    def flow(self):
        """Source and destination, each with its port."""
        return self.src, self.sport, self.dst, self.dport

    @property
    def back(self):
        """The flow of the other direction."""
        return self.dst, self.dport, self.src, self.sport

    @property
    def is_syn(self):
        """The first segment of a handshake."""
        return self.flags & (SYN | ACK) == SYN

    @property
    def is_reset(self):
        """A segment with RST."""
        return bool(self.flags & RST)

    @property
    def key(self):
        """What stays the same on the way, address translation included."""
        return self.seq, self.ack, self.flags, self.ip_id, len(self.payload)

    def octets(self):
        """The packet, with both checksums."""
        offset = (20 + len(self.options)) // 4 << 4
        data = struct.pack("!HHIIBBHHH", self.sport, self.dport, self.seq % 2**32,
                           self.ack % 2**32, offset, self.flags, self.window, 0, 0)
        data += self.options + self.payload
        ends = socket.inet_aton(self.src) + socket.inet_aton(self.dst)
        total = checksum(ends + struct.pack("!HH", PROTO_TCP, len(data)) + data)
        data = data[:16] + struct.pack("!H", total) + data[18:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), self.ip_id,
                           DF if self.df else 0, self.ttl, PROTO_TCP, 0) + ends
        return _summed(head) + data

    def changed(self, **values):
        """A copy with other values."""
        return replace(self, **values)


def parse(packet):
    """The Tcp of some octets, or None when they hold no whole TCP segment over IPv4."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != PROTO_TCP:
        return None
    header = (packet[0] & 15) * 4
    total, ip_id, fragment = struct.unpack_from("!HHH", packet, 2)
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", packet, header)
    data = header + (offset >> 4) * 4
    return Tcp(socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]), sport, dport, seq,
               ack, flags & 0x3F, window, packet[8], ip_id, bool(fragment & DF),
               bytes(packet[header + 20:data]), bytes(packet[data:total]))


def _summed(header):
    """An IPv4 header with its checksum."""
    clear = header[:10] + b"\0\0" + header[12:]
    return clear[:10] + struct.pack("!H", checksum(clear)) + clear[12:]


def after_hops(packet, hops):
    """The packet behind so many routers, or None when its TTL does not reach that far."""
    if not hops:
        return packet
    if packet[8] <= hops:
        return None
    header = (packet[0] & 15) * 4
    head = packet[:8] + bytes([packet[8] - hops]) + packet[9:header]
    return _summed(head) + packet[header:]


def mark_of(packet):
    """The DSCP of a packet, which on this path says who made it."""
    return packet[1] >> 2


def with_mark(packet, mark):
    """The packet with another DSCP; an ICMP error's quotation loses its mark."""
    header = (packet[0] & 15) * 4
    head = packet[:1] + bytes([mark << 2 | packet[1] & 3]) + packet[2:header]
    data = packet[header:]
    if packet[9] == PROTO_ICMP and len(data) >= 28 and data[0] in (3, 11):
        quoted = (data[8] & 15) * 4
        inner = _summed(data[8:9] + bytes([data[9] & 3]) + data[10:8 + quoted]) + data[8 + quoted:]
        data = data[:2] + b"\0\0" + data[4:8] + inner
        data = data[:2] + struct.pack("!H", checksum(data)) + data[4:]
    return _summed(head) + data


def options_of(octets):
    """The TCP options as (kind, octets of the whole option), in order."""
    found, at = [], 0
    while at < len(octets) and octets[at] != 0:
        length = 1 if octets[at] == NOP else octets[at + 1] if at + 1 < len(octets) else 0
        if not length or at + length > len(octets):
            break
        found.append((octets[at], octets[at:at + length]))
        at += length
    return found


def without_sack(segment):
    """The segment with NOPs where its SACK blocks were."""
    parts = [bytes([NOP]) * len(value) if kind == SACK else value
             for kind, value in options_of(segment.options)]
    options = b"".join(parts)
    return segment.changed(options=options + bytes(-len(options) % 4))
