#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints what tcplife says of each TCP segment as a table, one block for each connection.

Runs the tshark command it is given, which must write PDML, and reads it packet by packet. PDML and not `-T fields`: a
packet can carry several TCP headers (tunnels), and a fact that does not hold has no field, so that only the tree tells
which value belongs to which header.
"""

import argparse
import functools
import ipaddress
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python3 -I leaves it out
import definitions  # noqa: E402

EXIT_OK, EXIT_BAD_INPUT = 0, 1

# Encapsulations, in the words of `editcap -T`, of files that Wireshark can show but that hold no packets.
NOT_PACKETS = {"MIME", "MP4 files", "JavaScript Object Notation", "RFC 7468 file", "Ruby marshal object", "systemd journal"}

FLAGS = ((0x02, "SYN"), (0x01, "FIN"), (0x04, "RST"), (0x08, "PSH"), (0x10, "ACK"), (0x20, "URG"), (0x40, "ECE"), (0x80, "CWR"))

WORDS = {
    "en": {
        "columns": ("frame", "time", "from", "flags", "what", "states"),
        "client": "client", "server": "server", "both": "both", "none": "none",
        "handshake.outcome": "handshake: {}", "teardown.kind": "end: {}", "teardown.initiator": "closed first: {}",
        "teardown.time_wait": "TIME-WAIT: {}", "between": "; ",
        "counts": ("frame", "TCP segment", "connection"), "plural": "s", "colon": ": ", "comma": ", ",
        "legend": "states: client / server, or A / B, after the segment (RFC 9293); ? = a guess",
        "connection": "Connection {number}: {ends}", "read": "{packets} frames read",
    },
    "zh-CN": {
        "columns": ("帧", "时间", "发送方", "标志", "说明", "状态"),
        "client": "客户端", "server": "服务器", "both": "两端", "none": "无",
        "handshake.outcome": "握手：{}", "teardown.kind": "结束方式：{}", "teardown.initiator": "先关闭的一端：{}",
        "teardown.time_wait": "TIME-WAIT：{}", "between": "；",
        "counts": ("帧", "个 TCP 报文段", "条连接"), "plural": "", "colon": "：", "comma": "，",
        "legend": "状态：该报文段之后客户端 / 服务器（或 A / B）的状态 (RFC 9293)；? 表示猜测",
        "connection": "连接 {number}：{ends}", "read": "已读取 {packets} 帧",
    },
}  # fmt: skip
# Facts of a connection that its heading tells, and the group of tl_names.def that has the labels of each.
SUMMARY = {"handshake.outcome": "OUTCOME", "teardown.kind": "KIND", "teardown.initiator": "SIDE", "teardown.time_wait": "SIDE"}

UNTOLD = "?"  # an address or flags that the packet's tree does not tell
GAP = "  "
NEVER_FIRST = "，。；：、）？！"  # of a line
PROGRESS_S = 0.5  # between two lines of progress
INDENT = " " * 8
WIDTH_DEFAULT, WIDTH_MIN, WIDTH_MAX = 100, 40, 120


@dataclass
class Row:
    """One TCP header."""

    frame: str
    time: float
    source: str
    destination: str
    flags: str
    facts: dict  # tcplife field without its prefix -> value

    def fact(self, name):
        return self.facts.get(name, "")


@dataclass
class Capture:
    """What the capture held."""

    rows: list = field(default_factory=list)
    packets: int = 0
    tcp_headers: int = 0  # seen by tshark, whether tcplife spoke of them or not
    encapsulation: str = ""


# ---- reading ---------------------------------------------------------------------------------------------------------


def shown(tree, name):
    """The value of the first field of that name below a PDML element, or ""."""
    for element in tree.iter("field"):
        if element.get("name") == name:
            return element.get("show", "")
    return ""


def layers(tree):
    """The IP and TCP headers of a packet in order, outer first; what an ICMP error quotes is left out."""
    for element in tree:
        name = element.get("name", "")
        if name in ("icmp", "icmpv6"):
            continue
        if element.tag == "proto" and name in ("ip", "ipv6", "tcp"):
            yield element
        else:
            yield from layers(element)


def flag_names(value):
    bits = int(value, 16) if value else 0
    return ",".join(name for bit, name in FLAGS if bits & bit) or "none"


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def numeric_order(end):
    """Sort key of an endpoint: by the number of its address, then of its port."""
    address, _, port = end.rpartition(":")
    try:
        return int(ipaddress.ip_address(address.strip("[]"))), int(port)
    except ValueError:  # a packet whose headers could not be told apart
        return 0, 0


def tcp_headers(packet):
    """(source, destination, flags) of each TCP header of a packet."""
    source = destination = UNTOLD
    for layer in layers(packet):
        name = layer.get("name")
        if name == "tcp":
            yield (
                endpoint(source, shown(layer, "tcp.srcport")),
                endpoint(destination, shown(layer, "tcp.dstport")),
                flag_names(shown(layer, "tcp.flags")),
            )
        else:
            source, destination = shown(layer, name + ".src"), shown(layer, name + ".dst")


def verdicts(packet):
    """The facts of each tcplife tree of a packet, as dictionaries."""
    for tree in packet.iter("proto"):
        if tree.get("name") == "tcplife":
            facts = {}
            for element in tree.iter("field"):
                name = element.get("name", "")
                if name.startswith("tcplife."):
                    facts.setdefault(name.removeprefix("tcplife."), element.get("show", ""))
            yield facts


def read_packet(packet, capture):
    capture.packets += 1
    frame = packet.find("proto[@name='frame']")
    if frame is None:
        return
    if not capture.encapsulation:
        for element in frame.iter("field"):
            if element.get("name") == "frame.encap_type":
                capture.encapsulation = element.get("showname", "").removeprefix("Encapsulation type: ").rsplit(" (", 1)[0]
    headers = list(tcp_headers(packet))
    found = list(verdicts(packet))
    capture.tcp_headers += len(headers)
    if len(headers) != len(found):  # a header that tshark shows and tcplife leaves out, or the reverse: pair none of them
        headers = [(UNTOLD, UNTOLD, UNTOLD)] * len(found)
    time = float(shown(frame, "frame.time_relative") or 0)
    for (source, destination, flags), facts in zip(headers, found):
        capture.rows.append(Row(shown(frame, "frame.number"), time, source, destination, flags, facts))


def read_pdml(stream, words):
    """Reads packets until the end, or until the text breaks off. Tells a terminal how far it has come."""
    capture = Capture()
    progress = sys.stderr.isatty()
    shown_at = time.monotonic()
    try:
        for _, element in ElementTree.iterparse(stream):
            if element.tag != "packet":
                continue
            read_packet(element, capture)
            element.clear()
            if progress and time.monotonic() - shown_at > PROGRESS_S:
                shown_at = time.monotonic()
                print("\r" + words["read"].format(packets=capture.packets), end="", file=sys.stderr, flush=True)
    except ElementTree.ParseError:
        pass  # tshark stopped in the middle; its exit status and message say why
    if progress:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return capture


# ---- printing --------------------------------------------------------------------------------------------------------


def output_width():
    """Columns to fill: those of the terminal, or what COLUMNS says; a fixed number when printing into a file."""
    if "COLUMNS" not in os.environ and not sys.stdout.isatty():
        return WIDTH_DEFAULT
    return max(WIDTH_MIN, min(WIDTH_MAX, shutil.get_terminal_size((WIDTH_DEFAULT, 24)).columns))


def columns_of(text):
    """Columns of a terminal: wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def wrapped(text, width, indent=INDENT):
    """Lines of at most that many columns, parted at spaces or beside wide characters."""
    pieces = re.findall(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+|\s+", text)
    lines, line = [], indent
    for piece in pieces:
        if columns_of(line + piece) > width and line.strip() and piece not in NEVER_FIRST:
            lines.append(line.rstrip())
            line = indent
        line += piece if line.strip() else piece.lstrip()
    return "\n".join([*lines, line.rstrip()])


def padded(text, width):
    return text + " " * (width - columns_of(text))


def by_connection(rows):
    """Rows grouped by connection, in order of first appearance."""
    groups = {}
    for row in rows:
        groups.setdefault(row.fact("conn"), []).append(row)
    return groups


def names_of_ends(rows, words):
    """End -> what to call it; the end whose state comes first in a row is first. A and B where nothing tells client from
    server, or both ends opened: tcplife then shows the end with the lower address, then port, as the client."""
    known = [row for row in rows if row.fact("sender") in ("client", "server")]
    if known and not any(row.fact("sender") == "peer" for row in rows):
        last = known[-1]
        ends = (last.source, last.destination) if last.fact("sender") == "client" else (last.destination, last.source)
        return dict(zip(ends, (words["client"], words["server"])))
    return dict(zip(sorted((rows[0].source, rows[0].destination), key=numeric_order), ("A", "B")))


def states(row, names):
    """State of both ends, with ? behind a guess. Before both ends were seen to open, the client of a row may be B."""
    ends = ("client.state", "server.state")
    pair = [row.fact(end) + "?" * (row.fact(end + ".confidence") == "guess") for end in ends]
    own_name = names.get(row.source)
    if (row.fact("sender"), own_name) in (("client", "B"), ("server", "A")):
        pair.reverse()
    return " / ".join(pair)


def last_fact(rows, name):
    return next((row.fact(name) for row in reversed(rows) if row.fact(name)), "")


@functools.cache
def labels(group, language):
    """Value of tl_names.def -> what people read for it."""
    chinese = definitions.chinese_values()
    values = definitions.groups()[group].values
    return {value.value: chinese[group, value.tag].label if language == "zh-CN" else value.label for value in values}


def heading(number, rows, names, words, language, width):
    """Who talks to whom, and how the connection began and ended."""
    roles = dict(zip(("client", "server"), names.values()))
    facts = {name: last_fact(rows, name) for name in SUMMARY}
    said = {name: roles.get(value) or words.get(value) or labels(SUMMARY[name], language)[value] for name, value in facts.items() if value}
    summary = words["between"].join(words[name].format(value) for name, value in said.items())
    ends = words["comma"].join(f"{name} {end}" for end, name in names.items())
    return words["connection"].format(number=number, ends=ends) + ("\n" + wrapped(summary, width) if summary else "")


def cells(row, names):
    sender = row.fact("sender") if row.source == UNTOLD else names[row.source]
    return (row.frame, f"{row.time:.6f}", sender, row.flags, row.fact("what") or "-", states(row, names))


def format_line(values, widths):
    numbers = (" " * (width - columns_of(value)) + value for value, width in zip(values[:2], widths))
    words = (padded(value, width) for value, width in zip(values[2:], widths[2:]))
    return GAP.join((*numbers, *words)).rstrip()


def print_table(capture, name, language):
    width, words = output_width(), WORDS[language]
    columns = words["columns"]
    groups = by_connection(capture.rows)
    names = {number: names_of_ends(rows, words) for number, rows in groups.items()}
    table = [cells(row, names[number]) for number, rows in groups.items() for row in rows]
    widths = [max(columns_of(line[i]) for line in (columns, *table)) for i in range(len(columns))]
    if sum(widths) + len(GAP) * (len(widths) - 1) > width:  # too wide: the states go below
        widths.pop()
    counts = zip((capture.packets, len(capture.rows), len(groups)), words["counts"])
    counted = (f"{number} {noun}" + words["plural"] * (number != 1) for number, noun in counts)
    print(name + words["colon"] + words["comma"].join(counted))
    print(words["legend"])
    for number, rows in groups.items():
        print(f"\n{heading(number, rows, names[number], words, language, width)}\n")
        print(format_line(columns[: len(widths)], widths))
        for row in rows:
            line = cells(row, names[number])
            print(format_line(line[: len(widths)], widths))
            if len(widths) < len(columns):
                print(wrapped(line[-1], width))
            if row.fact("explanation"):
                print(wrapped(row.fact("explanation"), width))


# ---- what went wrong -------------------------------------------------------------------------------------------------


def tshark_problem(status, messages, name, rows):
    """tshark's failure in our words, or None. Messages that we do not know are passed on."""
    if status == 0:
        return None
    if "cut short" in messages:
        rest = "what could be read of it is above" if rows else "nothing could be read of it"
        return f"{name} is cut short in the middle of a packet; {rest}"
    if "isn't a capture file" in messages:
        return f"{name} is not a capture file that Wireshark understands"
    return f"tshark could not read {name} to its end (exit status {status}): {messages.strip()}"


def content_problem(capture, messages, name):
    """Why there is nothing to print, or None."""
    if capture.rows:
        return None
    if capture.tcp_headers:
        return f"the tcplife plugin did not load or is disabled; tshark says: {messages.strip() or 'nothing'}"
    if capture.encapsulation in NOT_PACKETS:
        return f"{name} is not a capture of packets; Wireshark takes it for: {capture.encapsulation}"
    if not capture.packets:
        return f"{name} has no TCP segment: it holds no frame at all"
    return f"{name} has no TCP segment in its {capture.packets} frames"


def run(command, name, language):
    """Runs tshark and prints the table. Returns the exit status."""
    with tempfile.TemporaryFile() as errors:
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": errors}
        with subprocess.Popen(command, **how) as tshark:
            capture = read_pdml(tshark.stdout, WORDS[language])
            tshark.stdout.read()  # what follows a broken text, so that tshark can end
        errors.seek(0)
        messages = errors.read().decode(errors="replace")
    if capture.rows:
        print_table(capture, name, language)
        sys.stdout.flush()
    problem = tshark_problem(tshark.returncode, messages, name, capture.rows) or content_problem(capture, messages, name)
    if problem:
        print(f"demo: {problem}", file=sys.stderr)
    return EXIT_BAD_INPUT if problem else EXIT_OK


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="what to call the capture in messages")
    parser.add_argument("--language", choices=WORDS, default="en", help="of the words that are printed")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the tshark command, which writes PDML")
    arguments = parser.parse_args()
    try:
        return run(arguments.command, arguments.name, arguments.language)
    except BrokenPipeError:  # the reader of our output, head(1) for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
