# SPDX-License-Identifier: GPL-2.0-or-later
"""Read Ethernet frames and classic pcap files, with nothing but the standard library.

Used in two places: by the forwarder, whose rules look at the TCP header of what
passes, and by the checks, which read every capture back.  It knows Ethernet II,
IPv4, IPv6 without extension headers, TCP, and the ICMP errors that quote a TCP
header - which is all that the lab produces.
"""

import ipaddress
import struct
from dataclasses import dataclass, field

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
FLAG_LETTERS = ((FIN, "F"), (SYN, "S"), (RST, "R"), (PSH, "P"), (ACK, "A"))

ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86DD
PROTO_ICMP, PROTO_TCP, PROTO_ICMPV6 = 1, 6, 58
LINKTYPE_ETHERNET = 1
OPTION_FAST_OPEN = 34
# The first octets of a classic pcap: (byte order, seconds per unit of the fraction).
PCAP_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6), b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9), b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}


class PacketError(Exception):
    """A file or frame is not what this module can read."""


@dataclass(frozen=True)
class Segment:
    """One TCP segment.  `time` is in seconds since 1970 (0.0 when unknown)."""

    time: float
    src: str
    dst: str
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int
    options: bytes
    payload: bytes
    checksum_ok: bool = field(default=True, compare=False)

    def has(self, flags):
        """True when all of the given flag bits are set."""
        return self.flags & flags == flags

    @property
    def letters(self):
        """The flags as letters: `SA`, `PA`, `FA`, ... (in the order F S R P A)."""
        return "".join(letter for bit, letter in FLAG_LETTERS if self.flags & bit)

    @property
    def end(self):
        """The sequence number that acknowledges this segment in full (modulo 2**32)."""
        length = len(self.payload) + self.has(SYN) + self.has(FIN)
        return (self.seq + length) % 2**32

    @property
    def is_pure_ack(self):
        """True for an ACK which carries nothing: no SYN, FIN, RST and no payload."""
        return self.flags & (SYN | FIN | RST | ACK) == ACK and not self.payload

    def option(self, kind):
        """The value octets of the first TCP option of this kind, or None."""
        rest = self.options
        while rest:
            if rest[0] == 0:
                return None
            if rest[0] == 1:
                rest = rest[1:]
                continue
            if len(rest) < 2 or rest[1] < 2:
                return None
            if rest[0] == kind:
                return rest[2:rest[1]]
            rest = rest[rest[1]:]
        return None


@dataclass(frozen=True)
class IcmpError:
    """One ICMP or ICMPv6 error; `quoted` is (src, dst, sport, dport, seq) or None."""

    time: float
    src: str
    dst: str
    kind: int
    code: int
    quoted: tuple


def covers(ack, end):
    """True when acknowledgment number `ack` acknowledges everything up to `end`."""
    return (ack - end) % 2**32 < 2**31


def checksum(data):
    """The Internet checksum (RFC 1071) of some octets, as an integer of 16 bits."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _network_layer(frame):
    """(protocol, source octets, destination octets, what the packet carries), or None."""
    if len(frame) < 14:
        return None
    ethertype, packet = struct.unpack_from("!H", frame, 12)[0], frame[14:]
    if ethertype == ETHERTYPE_IPV4 and len(packet) >= 20:
        header = (packet[0] & 0x0F) * 4
        total = struct.unpack_from("!H", packet, 2)[0]
        return packet[9], packet[12:16], packet[16:20], packet[header:total]
    if ethertype == ETHERTYPE_IPV6 and len(packet) >= 40:
        length = struct.unpack_from("!H", packet, 4)[0]
        return packet[6], packet[8:24], packet[24:40], packet[40:40 + length]
    return None


def _text(address):
    """An address of 4 or 16 octets as text."""
    return str(ipaddress.ip_address(address))


def _parse_tcp(src, dst, data, time):
    """A Segment from the octets of a TCP segment, or None when it is cut short."""
    if len(data) < 20:
        return None
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", data)
    header = (offset >> 4) * 4
    pseudo = src + dst + struct.pack("!IHH", len(data), 0, PROTO_TCP)
    return Segment(time, _text(src), _text(dst), sport, dport, seq, ack, flags, window,
                   data[20:header], data[header:], checksum(pseudo + data) == 0)


def _parse_icmp(src, dst, data, time, version):
    """An IcmpError from the octets of an ICMP error, or None for any other message."""
    is_error = data[0] in (3, 11, 12) if version == 4 else data[0] < 128
    if len(data) < 8 or not is_error:
        return None
    ethertype = ETHERTYPE_IPV4 if version == 4 else ETHERTYPE_IPV6
    inner = _network_layer(bytes(12) + struct.pack("!H", ethertype) + data[8:])
    quoted = None
    if inner and inner[0] == PROTO_TCP and len(inner[3]) >= 8:
        quoted = (_text(inner[1]), _text(inner[2]), *struct.unpack_from("!HHI", inner[3]))
    return IcmpError(time, _text(src), _text(dst), data[0], data[1], quoted)


def parse_frame(frame, time=0.0):
    """A Segment, an IcmpError, or None when the frame is neither of them."""
    layer = _network_layer(frame)
    if layer is None or not layer[3]:
        return None
    protocol, src, dst, data = layer
    if protocol == PROTO_TCP:
        return _parse_tcp(src, dst, data, time)
    if protocol == PROTO_ICMP and len(src) == 4:
        return _parse_icmp(src, dst, data, time, 4)
    if protocol == PROTO_ICMPV6 and len(src) == 16:
        return _parse_icmp(src, dst, data, time, 6)
    return None


def port_unreachable(frame):
    """The frame with which the addressed host rejects an IPv4 frame: ICMP type 3 code 3.

    It goes back to the sender of `frame` and quotes its IP header and the first
    eight octets behind it, as RFC 792 asks.  Raises PacketError unless IPv4.
    """
    layer = _network_layer(frame)
    if layer is None or len(layer[1]) != 4:
        raise PacketError("only an IPv4 frame can be answered by ICMP")
    header = (frame[14] & 0x0F) * 4
    quote = frame[14:14 + header + 8]
    body = struct.pack("!BBHI", 3, 3, 0, 0) + quote
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, PROTO_ICMP, 0)
    ip += layer[2] + layer[1]
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return frame[6:12] + frame[0:6] + struct.pack("!H", ETHERTYPE_IPV4) + ip + body


def read_pcap(path):
    """Every frame of a classic pcap file as Segment or IcmpError, in file order.

    Raises PacketError when the file is no whole classic pcap of Ethernet frames,
    or when it holds anything which parse_frame() cannot name.
    """
    with open(path, "rb") as file:
        data = file.read()
    order, unit = PCAP_MAGIC.get(data[:4], ("", 0))
    if not order or struct.unpack_from(order + "I", data, 20)[0] != LINKTYPE_ETHERNET:
        raise PacketError(f"{path}: not a classic pcap of Ethernet frames")
    frames, at = [], 24
    while at < len(data):
        if at + 16 > len(data):
            raise PacketError(f"{path}: the file ends within a record")
        seconds, fraction, kept, length = struct.unpack_from(order + "IIII", data, at)
        frame = data[at + 16:at + 16 + kept]
        if kept != length or len(frame) != kept:
            raise PacketError(f"{path}: frame {len(frames) + 1} was cut short")
        packet = parse_frame(frame, seconds + fraction * unit)
        if packet is None:
            raise PacketError(f"{path}: frame {len(frames) + 1} is neither TCP nor an ICMP error")
        frames.append(packet)
        at += 16 + kept
    return frames
