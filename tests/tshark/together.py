# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads many captures by one run of tshark, each as if it stood alone: a start of tshark takes longer than a capture does.

The captures stand behind one another in one file, hours apart, and each has addresses of its own, in the order of those that it
had. What counts from the beginning of the file (frames, connections) is counted from the beginning of the capture again. What a
capture's end decides is the one thing that differs: no later frame may prove that nothing came any more."""

import gzip
import ipaddress
import struct
from collections import namedtuple

from handmade import ETHERNET, ETHERNET_BYTES, PCAP_FILE_HEADER, PCAP_RECORD_HEADER, RAW_IP, START_S

MICROS, NANOS = 0xA1B2C3D4, 0xA1B23C4D  # magic numbers of pcap files
GAP_NS = 3 * 3600 * 10**9
SECOND_NS = 10**9
ICMP, ICMPV6 = 1, 58
ADDRESS_FIELDS = {"ip.src", "ip.dst", "ipv6.src", "ipv6.dst"}
COUNTED = {"tcplife.conn", "tcp.stream"}

# time_ns: since 1970; size: on the wire, of which `frame` may be the beginning only
Record = namedtuple("Record", "time_ns size frame")
Part = namedtuple("Part", "link records")


def read_part(path):
    """A little-endian pcap file, perhaps compressed."""
    content = path.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    magic, *_, link = PCAP_FILE_HEADER.unpack_from(content)
    unit = {MICROS: 1000, NANOS: 1}[magic]
    records, at = [], PCAP_FILE_HEADER.size
    while at < len(content):
        seconds, fraction, kept, size = PCAP_RECORD_HEADER.unpack_from(content, at)
        at += PCAP_RECORD_HEADER.size
        records.append(Record(seconds * SECOND_NS + fraction * unit, size, content[at : at + kept]))
        at += kept
    return Part(link, records)


def addresses_at(frame, at):
    """(first byte, bytes) of each address of the IP packet that begins there, and of the packet that an ICMP error quotes."""
    if len(frame) < at + 40 and (len(frame) < at + 20 or frame[at] >> 4 != 4):
        return
    version, size = frame[at] >> 4, {4: 4, 6: 16}.get(frame[at] >> 4)
    if size is None:
        return
    first, header, protocol = (at + 12, at + (frame[at] & 15) * 4, frame[at + 9]) if version == 4 else (at + 8, at + 40, frame[at + 6])
    yield first, size
    yield first + size, size
    if protocol in (ICMP, ICMPV6):
        yield from addresses_at(frame, header + 8)


def packet_of(part, frame):
    """Where the IP packet of a frame begins, or None."""
    if part.link == RAW_IP:
        return 0
    assert part.link == ETHERNET, part.link
    return ETHERNET_BYTES if frame[12:14] in (b"\x08\x00", b"\x86\xdd") else None


class Moved:
    """A capture with addresses of its own."""

    def __init__(self, part, number):
        places = [self.places(part, record.frame) for record in part.records]
        known = {record.frame[at : at + size] for record, some in zip(part.records, places, strict=True) for at, size in some}
        self.new = {old: own_address(number, rank, len(old)) for rank, old in enumerate(sorted(known, key=lambda a: (len(a), a)))}
        self.old_text = {str(ipaddress.ip_address(new)): str(ipaddress.ip_address(old)) for old, new in self.new.items()}
        self.records = []
        for record, some in zip(part.records, places, strict=True):
            frame = bytearray(record.frame)
            for at, size in some:
                frame[at : at + size] = self.new[record.frame[at : at + size]]
            self.records.append(record._replace(frame=bytes(frame)))

    @staticmethod
    def places(part, frame):
        at = packet_of(part, frame)
        return [] if at is None else list(addresses_at(frame, at))


def own_address(number, rank, size):
    """10.number.rank, fd00::number:rank."""
    assert rank < 250 and number < 2**16
    return (b"\x0a" if size == 4 else b"\xfd" + bytes(12)) + struct.pack("!HB", number, rank + 1)


class Together:
    """Captures in one file. `rows` reads it."""

    def __init__(self, parts, path):
        self.path = path
        self.moved = [Moved(part, number) for number, part in enumerate(parts)]
        self.times = [[record.time_ns for record in part.records] for part in parts]
        (link,) = {part.link for part in parts}
        with path.open("wb") as out:
            out.write(PCAP_FILE_HEADER.pack(NANOS, 2, 4, 0, 0, 262144, link))
            start = START_S * SECOND_NS
            for moved in self.moved:
                first = min(record.time_ns for record in moved.records)
                for record in moved.records:
                    time = divmod(start + record.time_ns - first, SECOND_NS)
                    out.write(PCAP_RECORD_HEADER.pack(*time, len(record.frame), record.size) + record.frame)
                start += max(record.time_ns for record in moved.records) - first + GAP_NS
        path.chmod(0o644)

    def rows(self, fields, frame_numbers, *names, **how):
        """A list of rows for each capture, as fields(capture, *names, **how) would give them. `frame_numbers`: names of the
        fields that hold one; see the fixture of that name."""
        read = iter(fields(self.path, "frame.number", *names, **how))
        parts, before, begins = [], 0, None
        for moved, times in zip(self.moved, self.times, strict=True):
            rows = [next(read) for _ in moved.records]
            lowest_here = {name: lowest(rows, name) for name in COUNTED.intersection(names)}
            begins = begins or lowest_here  # 0 or 1: the first capture counts as if it stood alone
            first = {name: number - begins[name] for name, number in lowest_here.items()}
            first |= dict.fromkeys(frame_numbers.intersection(["frame.number", *names]), before)
            parts.append([self.alone(row, first, moved, time) for row, time in zip(rows, times, strict=True)])
            before += len(rows)
        assert next(read, None) is None
        return parts

    @staticmethod
    def alone(row, first, moved, time_ns):
        """The row as if the capture stood alone."""
        row = dict(row)
        for name, value in row.items():
            if value and name in first:
                row[name] = "|".join(str(int(part) - first[name]) for part in value.split("|"))
            elif value and name in ADDRESS_FIELDS:
                row[name] = "|".join(moved.old_text[part] for part in value.split("|"))
            elif name == "frame.time_epoch":
                row[name] = f"{time_ns // SECOND_NS}.{time_ns % SECOND_NS:09}"
        return row


def lowest(rows, name):
    return min((int(part) for row in rows for part in row[name].split("|") if part), default=0)
