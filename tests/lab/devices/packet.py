# SPDX-License-Identifier: GPL-2.0-or-later
"""IP packets as a device sees them: read, made, changed.  Only TCP is taken apart."""

import socket
import struct
from dataclasses import dataclass, replace

from packets import ACK, FIN, PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, RST, SYN, checksum

NOP, SACK = 1, 5            # kinds of TCP options
DF = 0x4000
HEADER_V6 = 40
ICMP_ERRORS = {PROTO_ICMP: (3, 11), PROTO_ICMPV6: (1, 2, 3)}


@dataclass(frozen=True)
class Tcp:
    """One TCP segment with its IP header; `ttl` is the hop limit of IPv6, which has no `ip_id`."""

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
    label: int = 0          # flow label of IPv6

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
        """The packet, with its checksums."""
        offset = (20 + len(self.options)) // 4 << 4
        data = struct.pack("!HHIIBBHHH", self.sport, self.dport, self.seq % 2**32,
                           self.ack % 2**32, offset, self.flags, self.window, 0, 0)
        data += self.options + self.payload
        family = socket.AF_INET6 if ":" in self.src else socket.AF_INET
        ends = socket.inet_pton(family, self.src) + socket.inet_pton(family, self.dst)
        total = checksum(_pseudo(ends, PROTO_TCP, len(data)) + data)
        data = data[:16] + struct.pack("!H", total) + data[18:]
        if family == socket.AF_INET6:
            return struct.pack("!IHBB", 6 << 28 | self.label, len(data), PROTO_TCP,
                               self.ttl) + ends + data
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), self.ip_id,
                           DF if self.df else 0, self.ttl, PROTO_TCP, 0) + ends
        return _summed(head) + data

    def changed(self, **values):
        """A copy with other values."""
        return replace(self, **values)


def _pseudo(ends, protocol, length):
    """The pseudo-header of a checksum; `ends` are both addresses."""
    if len(ends) == 32:
        return ends + struct.pack("!IHBB", length, 0, 0, protocol)
    return ends + struct.pack("!HH", protocol, length)


def is_v6(packet):
    """IPv6, not IPv4."""
    return packet[0] >> 4 == 6


def header_of(packet):
    """(length of the IP header, protocol); no extension headers are expected."""
    return (HEADER_V6, packet[6]) if is_v6(packet) else ((packet[0] & 15) * 4, packet[9])


def is_kept(packet):
    """TCP or an ICMP error: what is carried and captured."""
    if len(packet) < 28:
        return False
    header, protocol = header_of(packet)
    return protocol == PROTO_TCP or \
        packet[header:header + 1] in [bytes([kind]) for kind in ICMP_ERRORS.get(protocol, ())]


def parse(packet):
    """The Tcp of some octets, or None when they hold no whole TCP segment."""
    if len(packet) < 40 or header_of(packet)[1] != PROTO_TCP:
        return None
    header = header_of(packet)[0]
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", packet, header)
    data = header + (offset >> 4) * 4
    if is_v6(packet):
        src, dst = (socket.inet_ntop(socket.AF_INET6, packet[at:at + 16]) for at in (8, 24))
        total, ip_id, fragment, ttl = len(packet), 0, DF, packet[7]
        label = struct.unpack_from("!I", packet)[0] & 0xFFFFF
    else:
        src, dst = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        total, ip_id, fragment = struct.unpack_from("!HHH", packet, 2)
        ttl, label = packet[8], 0
    return Tcp(src, dst, sport, dport, seq, ack, flags & 0x3F, window, ttl, ip_id,
               bool(fragment & DF), bytes(packet[header + 20:data]), bytes(packet[data:total]),
               label)


def _summed(header):
    """An IPv4 header with its checksum."""
    clear = header[:10] + b"\0\0" + header[12:]
    return clear[:10] + struct.pack("!H", checksum(clear)) + clear[12:]


def after_hops(packet, hops):
    """The packet behind so many routers, or None when its TTL does not reach that far."""
    at = 7 if is_v6(packet) else 8
    if not hops:
        return packet
    if packet[at] <= hops:
        return None
    packet = packet[:at] + bytes([packet[at] - hops]) + packet[at + 1:]
    header = header_of(packet)[0]
    return packet if is_v6(packet) else _summed(packet[:header]) + packet[header:]


def mark_of(packet):
    """The DSCP of a packet, which on this path says who made it."""
    return (packet[0] << 4 & 0xF0 | packet[1] >> 4 if is_v6(packet) else packet[1]) >> 2


def _marked(header, mark):
    """An IP header with another DSCP."""
    if is_v6(header):
        first = struct.unpack_from("!I", header)[0] & ~(0x3F << 22) | mark << 22
        return struct.pack("!I", first) + header[4:]
    return _summed(header[:1] + bytes([mark << 2 | header[1] & 3]) + header[2:])


def with_mark(packet, mark):
    """The packet with another DSCP; an ICMP error's quotation loses its mark."""
    header, protocol = header_of(packet)
    head, data = _marked(packet[:header], mark), packet[header:]
    if len(data) >= 28 and data[0] in ICMP_ERRORS.get(protocol, ()):
        quoted = 8 + header_of(data[8:])[0]
        data = data[:2] + b"\0\0" + data[4:8] + _marked(data[8:quoted], 0) + data[quoted:]
        ends = _pseudo(packet[8:40], protocol, len(data)) if is_v6(packet) else b""
        data = data[:2] + struct.pack("!H", checksum(ends + data)) + data[4:]
    return head + data


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
