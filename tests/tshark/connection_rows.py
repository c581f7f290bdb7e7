# SPDX-License-Identifier: GPL-2.0-or-later
"""The columns of the connection record, how to read its formats, and an account of a capture's connections of our own."""

import csv
import io
import ipaddress
import json
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

from handmade import ACK, ETHERNET_BYTES, RST, SYN, read_pcap, tcp_header

REPO = Path(__file__).resolve().parents[2]
# name, title, type, group, what it says; None where the definition has NULL
COLUMNS = [
    (name or None, title or None, kind, group, what)
    for name, title, kind, group, what in re.findall(
        r'^TL_COLUMN\((?:NULL|"([^"]*)"), (?:NULL|"([^"]*)"), (\w+), [^,]+, (\w+), "([^"]*)"\)$',
        (REPO / "plugin/epan/tables/tl_columns.def").read_text(),
        re.M,
    )
]
NAMES = [name for name, *_ in COLUMNS if name]
TITLES = [title for _, title, *_ in COLUMNS if title]
NUMBERS = {name for name, _, kind, *_ in COLUMNS if kind not in ("WORD", "TEXT")}
# What depends on which frames and connections stand before it in the file.
PLACES = {"conn", "incarnation", "stream", "start", "first_frame", "last_frame", "icmp_frame", "reuse", "reuse_elapsed"}
PLACES |= {name for name in NAMES if re.fullmatch(r"rst_(trigger_)?frame|\w+_wait(_max)?_frame", name)}


def without_hosts(row, apart):
    """The row, without the guess at the sender of its reset that other connections of the host allow: their TTLs and IP IDs speak for an
    end, and where they are in another file or shard, the sender is unknown. Nothing surer may come from them."""
    if apart["rst_origin"] != "unknown" or row["rst_origin_confidence"] != "guess":
        return row
    return {**row, **{name: apart[name] for name in ("rst_origin", "rst_origin_confidence")}}


# ---- reading the formats ---------------------------------------------------------------------------------------------


def read_csv(text):
    """RFC 4180 without mercy. None where a value is absent."""
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert lines[0] == NAMES
    return [{name: value or None for name, value in zip(NAMES, line, strict=True)} for line in lines[1:]]


def unescape(text):
    """Zeek's escapes: \\xHH for a byte."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode()).decode()


def read_tsv(text):
    """As zeek-cut does: names from #fields, the separator of the header, the word for absent values."""
    lines = text.split("\n")
    assert lines.pop() == ""
    meta = dict(line[1:].split(" " if line.startswith("#separator") else "\t", 1) for line in lines if line.startswith("#"))
    separator = unescape(meta["separator"])
    names = meta["fields"].split(separator)
    assert names == NAMES and len(meta["types"].split(separator)) == len(names)
    rows = [line.split(separator) for line in lines if not line.startswith("#")]
    unset = meta["unset_field"]
    return [{name: None if v == unset else unescape(v) for name, v in zip(names, row, strict=True)} for row in rows]


def read_json(text):
    """One object a line; numbers as they are written, so that no digit is lost."""
    rows = [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines()]
    assert all(list(row) == NAMES for row in rows)
    return rows


def read_table(text):
    """Title -> text, by the places of the titles: numbers end where their title ends, words begin where it begins."""
    lines = text.splitlines()
    rights = {title for _, title, kind, *_ in COLUMNS if title and kind not in ("WORD", "TEXT")}
    edges, at = [], 0
    for title in TITLES:
        at = lines[0].index(title, at)
        edges.append((at, at + len(title)))
        at += len(title)
    assert lines[0].split() == " ".join(TITLES).split()
    rows = []
    for line in lines[1:]:
        row = {}
        for (left, right), following, title in zip(edges, [*edges[1:], (None, None)], TITLES, strict=True):
            if title in rights:
                start = max(line.rfind(" ", 0, right) + 1, 0)
                row[title] = line[start:right]
            else:
                row[title] = line[left : following[0]].split("  ")[0].strip()
        rows.append(row)
    return rows


READERS = {"csv": read_csv, "tsv": read_tsv, "json": read_json, "conn": read_table}


# ---- an account of our own -------------------------------------------------------------------------------------------


@dataclass
class Connection:
    """What plain counting of headers tells of one connection. Ends are (address, port); the client is end 0."""

    ends: tuple
    isn: dict = field(default_factory=dict)
    frames: list = field(default_factory=list)
    times: list = field(default_factory=list)  # ns
    segments: dict = field(default_factory=dict)
    bytes: dict = field(default_factory=dict)
    syns: int = 0
    synacks: int = 0
    rsts: dict = field(default_factory=dict)
    first_ack_ns: int | None = None

    def add(self, number, time, header):
        self.frames.append(number)
        self.times.append(time)
        self.segments[header.source] = self.segments.get(header.source, 0) + 1
        self.bytes[header.source] = self.bytes.get(header.source, 0) + header.len
        if header.flags & SYN:
            self.isn.setdefault(header.source, header.seq)
        self.syns += header.flags & (SYN | ACK) == SYN and header.source == self.ends[0]
        self.synacks += header.flags & (SYN | ACK) == SYN | ACK and header.source == self.ends[1]
        self.rsts[header.source] = self.rsts.get(header.source, 0) + bool(header.flags & RST)
        plain = header.flags & ACK and not header.flags & (SYN | RST)
        if self.first_ack_ns is None and plain and header.source == self.ends[0]:
            self.first_ack_ns = time

    def row(self):
        client, server = self.ends
        gaps = [b - a for a, b in zip(self.times, self.times[1:])]
        return {
            "start": seconds(self.times[0]),
            "duration": seconds(self.times[-1] - self.times[0]),
            "client": str(ipaddress.ip_address(client[0])),
            "client_port": str(client[1]),
            "server": str(ipaddress.ip_address(server[0])),
            "server_port": str(server[1]),
            "first_frame": str(self.frames[0]),
            "last_frame": str(self.frames[-1]),
            "client_segments": str(self.segments.get(client, 0)),
            "server_segments": str(self.segments.get(server, 0)),
            "client_bytes": str(self.bytes.get(client, 0)),
            "server_bytes": str(self.bytes.get(server, 0)),
            "syn_attempts": str(self.syns),
            "synack_attempts": str(self.synacks),
            "client_rsts": str(self.rsts.get(client, 0)),
            "server_rsts": str(self.rsts.get(server, 0)),
            "longest_idle": seconds(max(gaps, default=0)),
        }


def seconds(ns):
    return f"{ns // 10**9}.{ns % 10**9:09}"


def destination(frame, source_address):
    """The other end's (address, port) of an Ethernet frame with TCP."""
    ip = frame[ETHERNET_BYTES:]
    four = len(source_address) == 4
    at = (ip[0] & 15) * 4 if four else 40
    return ip[16:20] if four else ip[24:40], struct.unpack_from("!H", ip, at + 2)[0]


def account(path):
    """The connections of a capture in which nothing is missing, by counting: a bare SYN with another number than the last one
    of its sender begins a new one. The client is the sender of the first SYN; of two that crossed, the lower address."""
    capture = read_pcap(path)
    newest, found = {}, []
    for number, (frame, time) in enumerate(zip(capture.frames, capture.times, strict=True), 1):
        header = tcp_header(frame)
        if not header:
            continue
        other = destination(frame, header.source[0])
        pair = frozenset((header.source, other))
        connection = newest.get(pair)
        bare_syn = header.flags & (SYN | ACK) == SYN
        if connection is None or (bare_syn and connection.isn.get(header.source, header.seq) != header.seq):
            connection = newest[pair] = Connection((header.source, other))
            found.append(connection)
        elif bare_syn and header.source not in connection.isn and header.source < connection.ends[0]:
            connection.ends = (header.source, other)
        connection.add(number, time, header)
    return found


