# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures read and written byte by byte, independent of Wireshark and of scapy."""

import struct
from collections import namedtuple

ETHERNET, PPP, RAW_IP, LOOPBACK_NULL, COOKED, COOKED_2 = 1, 9, 101, 0, 113, 276  # link types of the pcap format
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
PCAP_MAGIC = 0xA1B2C3D4  # microseconds
PCAP_FILE_HEADER, PCAP_RECORD_HEADER = struct.Struct("<IHHiIII"), struct.Struct("<IIII")
START_S = 1_700_000_000  # time of the first packet of what is written here
ETHERNET_BYTES, IPV4_BYTES, IPV6_BYTES = 14, 20, 40
TCP_PROTOCOL = 6
WINDOW = 64240

Capture = namedtuple("Capture", "link frames times")  # frames are bytes; times are ns since 1970
Header = namedtuple("Header", "source seq ack flags len")  # raw numbers; source = (address, port)


# ---- files -----------------------------------------------------------------------------------------------------------


def read_pcap(path):
    """A little-endian pcap file with microseconds, which is what tcpdump writes on the machines that make our captures."""
    content = path.read_bytes()
    magic, *_, link = PCAP_FILE_HEADER.unpack_from(content)
    assert magic == PCAP_MAGIC, path
    frames, times = [], []
    at = PCAP_FILE_HEADER.size
    while at < len(content):
        seconds, micros, captured, _ = PCAP_RECORD_HEADER.unpack_from(content, at)
        at += PCAP_RECORD_HEADER.size
        frames.append(content[at : at + captured])
        times.append(seconds * 10**9 + micros * 1000)
        at += captured
    return Capture(link, frames, times)


def write_pcap(path, frames, times_s=None, *, link=ETHERNET, snaplen=None, start_s=START_S):
    """Times are seconds after `start_s`, 1 ms apart if not given. `snaplen` cuts what is written, as a capture does; a list has
    a length for each frame."""
    cuts = snaplen if isinstance(snaplen, list) else [snaplen] * len(frames)
    with path.open("wb") as out:
        out.write(PCAP_FILE_HEADER.pack(PCAP_MAGIC, 2, 4, 0, 0, 262144, link))
        for i, frame in enumerate(frames):
            micros = round((times_s[i] if times_s else i / 1000) * 10**6) + start_s * 10**6
            kept = frame[: cuts[i]]
            out.write(PCAP_RECORD_HEADER.pack(micros // 10**6, micros % 10**6, len(kept), len(frame)) + kept)
    path.chmod(0o644)
    return path


def join_captures(paths, gap_s=300):
    """All frames of several Ethernet captures, one capture after the other, and their times in seconds from the first."""
    frames, times = [], []
    start = 0.0
    for path in paths:
        capture = read_pcap(path)
        assert capture.link == ETHERNET, path
        frames += capture.frames
        times += [start + (time - capture.times[0]) / 1e9 for time in capture.times]
        start = times[-1] + gap_s
    return frames, times


# ---- packets ---------------------------------------------------------------------------------------------------------


def tcp_header(frame):
    """The TCP header of an Ethernet frame with IPv4 or IPv6 and no extension headers; None where there is none."""
    (kind,) = struct.unpack_from("!H", frame, 12)
    ip = frame[ETHERNET_BYTES:]
    if kind == 0x0800 and ip[9] == TCP_PROTOCOL:
        at, total, source = (ip[0] & 15) * 4, struct.unpack_from("!H", ip, 2)[0], ip[12:16]
    elif kind == 0x86DD and ip[6] == TCP_PROTOCOL:
        at, total, source = IPV6_BYTES, IPV6_BYTES + struct.unpack_from("!H", ip, 4)[0], ip[8:24]
    else:
        return None
    port, _, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", ip, at)
    return Header((source, port), seq, ack, flags, total - at - (offset >> 4) * 4)


def tcp(ports, flags, seq, ack=0, *, payload=b"", options=b"", offset=None, window=WINDOW):
    """A TCP header with payload, checksum 0. `offset` overrides the data offset, in words of 4 bytes."""
    words = 5 + len(options) // 4 if offset is None else offset
    numbers = (*ports, seq % 2**32, ack % 2**32, words << 4, flags, window, 0, 0)
    return struct.pack("!HHIIBBHHH", *numbers) + options + payload


def ipv4(source, destination, payload, *, protocol=TCP_PROTOCOL, ident=1, fragment=0x4000, ttl=64):
    """An IPv4 packet, header checksum 0. `fragment` is the field with the flags; don't fragment if not given."""
    header = (0x45, 0, IPV4_BYTES + len(payload), ident, fragment, ttl, protocol, 0)
    return struct.pack("!BBHHHBBH", *header) + address(source) + address(destination) + payload


def udp(ports, payload):
    return struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload


def address(text):
    return bytes(int(part) for part in text.split("."))


def ethernet(payload, kind=0x0800):
    return bytes.fromhex("020000000002020000000001") + struct.pack("!H", kind) + payload


class Talk:
    """Two ends of a TCP connection over IPv4 and Ethernet: each call gives the next frame."""

    def __init__(self, client="10.0.0.1", server="10.0.0.2", ports=(40000, 80), isn=(1000, 5000)):
        self.address, self.port, self.isn = (client, server), ports, isn
        self.ident = 0

    def ip(self, sender, flags, seq, ack=None, **more):
        """IP packet of end 0 (client) or 1 (server); `seq` and `ack` count from the initial sequence numbers."""
        other = 1 - sender
        self.ident += 1
        ports = (self.port[sender], self.port[other])
        acked = 0 if ack is None else self.isn[other] + ack
        segment = tcp(ports, flags, self.isn[sender] + seq, acked, **more)
        return ipv4(self.address[sender], self.address[other], segment, ident=self.ident % 2**16)

    def frame(self, sender, flags, seq, ack=None, **more):
        return ethernet(self.ip(sender, flags, seq, ack, **more))

    def conversation(self, make=None):
        """Handshake, 10 bytes and their ACK, close of three segments: 8 frames; see CONVERSATION. `make` is ip or frame."""
        make = make or self.frame
        return [
            make(0, SYN, 0),
            make(1, SYN | ACK, 0, 1),
            make(0, ACK, 1, 1),
            make(0, PSH | ACK, 1, 1, payload=b"hello2020\n"),
            make(1, ACK, 1, 11),
            make(0, FIN | ACK, 11, 1),
            make(1, FIN | ACK, 1, 12),
            make(0, ACK, 12, 2),
        ]


# What RFC 9293 3.5 and 3.6 say of the frames of Talk.conversation(): step, client's state, server's state.
CONVERSATION = [
    ("syn", "SYN-SENT", "LISTEN"),
    ("synack", "ESTABLISHED", "SYN-RECEIVED"),
    ("ack", "ESTABLISHED", "ESTABLISHED"),
    ("", "ESTABLISHED", "ESTABLISHED"),
    ("", "ESTABLISHED", "ESTABLISHED"),
    ("fin1", "FIN-WAIT-1", "CLOSE-WAIT"),
    ("fin2_ack1", "TIME-WAIT", "LAST-ACK"),
    ("fin2_ack", "TIME-WAIT", "CLOSED"),
]
LIFE_FIELDS = ("tcplife.handshake.step", "tcplife.teardown.step", "tcplife.client.state", "tcplife.server.state")


def life(row):
    """(step, client's state, server's state) of a frame, from a row of the `fields` fixture with LIFE_FIELDS."""
    handshake, teardown, client, server = (row[name] for name in LIFE_FIELDS)
    return handshake or teardown, client, server
