#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints what tcplife says of each TCP segment as a table, one block for each connection.

Runs the tshark command it is given, which must write PDML, and reads it packet by packet. PDML and not `-T fields`: a
packet can carry several TCP headers (tunnels), and a fact that does not hold has no field, so that only the tree tells
which value belongs to which header.
"""

import argparse
import ipaddress
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

EXIT_OK, EXIT_BAD_INPUT = 0, 1

# Encapsulations, in the words of `editcap -T`, of files that Wireshark can show but that hold no packets.
NOT_PACKETS = {"MIME", "MP4 files", "JavaScript Object Notation", "RFC 7468 file", "Ruby marshal object", "systemd journal"}

FLAGS = ((0x02, "SYN"), (0x01, "FIN"), (0x04, "RST"), (0x08, "PSH"), (0x10, "ACK"), (0x20, "URG"), (0x40, "ECE"), (0x80, "CWR"))

COLUMNS = ("frame", "time", "from", "flags", "phase", "step", "states")
# Facts of a connection that its heading tells, and facts of a segment that its step tells, first match; {} is the value.
SUMMARY = (
    ("handshake.outcome", "handshake: {}"),
    ("teardown.kind", "end: {}"),
    ("teardown.initiator", "closed first: {}"),
    ("teardown.time_wait", "TIME-WAIT: {}"),
)
STEPS = (
    ("handshake.step", "{}"),
    ("teardown.step", "{}"),
    ("keepalive.kind", "keepalive {}"),
    ("window_probe.kind", "window {}"),
    ("retransmission.cause", "retransmission {}"),
    ("ack", "{} ack"),
)

UNTOLD = "?"  # an address or flags that the packet's tree does not tell
GAP = "  "
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


def read_pdml(stream):
    """Reads packets until the end, or until the text breaks off."""
    capture = Capture()
    try:
        for _, element in ElementTree.iterparse(stream):
            if element.tag == "packet":
                read_packet(element, capture)
                element.clear()
    except ElementTree.ParseError:
        pass  # tshark stopped in the middle; its exit status and message say why
    return capture


# ---- printing --------------------------------------------------------------------------------------------------------


def output_width():
    """Columns to fill: those of the terminal, or what COLUMNS says; a fixed number when printing into a file."""
    if "COLUMNS" not in os.environ and not sys.stdout.isatty():
        return WIDTH_DEFAULT
    return max(WIDTH_MIN, min(WIDTH_MAX, shutil.get_terminal_size((WIDTH_DEFAULT, 24)).columns))


def wrapped(text, width, indent=INDENT):
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def by_connection(rows):
    """Rows grouped by connection, in order of first appearance."""
    groups = {}
    for row in rows:
        groups.setdefault(row.fact("conn"), []).append(row)
    return groups


def names_of_ends(rows):
    """End -> what to call it; the end whose state comes first in a row is first. A and B where nothing tells client from
    server, or both ends opened: tcplife then shows the end with the lower address, then port, as the client."""
    known = [row for row in rows if row.fact("sender") in ("client", "server")]
    if known and not any(row.fact("sender") == "peer" for row in rows):
        last = known[-1]
        ends = (last.source, last.destination) if last.fact("sender") == "client" else (last.destination, last.source)
        return dict(zip(ends, ("client", "server")))
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


def heading(number, rows, names, width):
    """Who talks to whom, and how the connection began and ended."""
    ends = ", ".join(f"{name} {end}" for end, name in names.items())
    words = dict(zip(("client", "server"), names.values()))
    facts = ((form, last_fact(rows, name)) for name, form in SUMMARY)
    summary = "; ".join(form.format(words.get(value, value)) for form, value in facts if value)
    return f"Connection {number}: {ends}" + ("\n" + wrapped(summary, width) if summary else "")


def step(row):
    """What the segment does, in one or two words."""
    text = next((form.format(row.fact(name)) for name, form in STEPS if row.fact(name)), "")
    return ": ".join(part for part in (text, row.fact("rst.cause")) if part) or "-"


def cells(row, names):
    sender = row.fact("sender") if row.source == UNTOLD else names[row.source]
    return (row.frame, f"{row.time:.6f}", sender, row.flags, row.fact("phase"), step(row), states(row, names))


def format_line(values, widths):
    numbers = (value.rjust(width) for value, width in zip(values[:2], widths))
    words = (value.ljust(width) for value, width in zip(values[2:], widths[2:]))
    return GAP.join((*numbers, *words)).rstrip()


def print_table(capture, name):
    width = output_width()
    groups = by_connection(capture.rows)
    names = {number: names_of_ends(rows) for number, rows in groups.items()}
    table = [cells(row, names[number]) for number, rows in groups.items() for row in rows]
    widths = [max(len(line[i]) for line in (COLUMNS, *table)) for i in range(len(COLUMNS))]
    if sum(widths) + len(GAP) * (len(widths) - 1) > width:  # too wide: the states go below
        widths.pop()
    counts = ((capture.packets, "frame"), (len(capture.rows), "TCP segment"), (len(groups), "connection"))
    print(f"{name}: " + ", ".join(f"{number} {noun}" + "s" * (number != 1) for number, noun in counts))
    print("states: client / server, or A / B, after the segment (RFC 9293); ? = a guess")
    for number, rows in groups.items():
        print(f"\n{heading(number, rows, names[number], width)}\n")
        print(format_line(COLUMNS[: len(widths)], widths))
        for row in rows:
            line = cells(row, names[number])
            print(format_line(line[: len(widths)], widths))
            if len(widths) < len(COLUMNS):
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


def run(command, name):
    """Runs tshark and prints the table. Returns the exit status."""
    with tempfile.TemporaryFile() as errors:
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": errors}
        with subprocess.Popen(command, **how) as tshark:
            capture = read_pdml(tshark.stdout)
            tshark.stdout.read()  # what follows a broken text, so that tshark can end
        errors.seek(0)
        messages = errors.read().decode(errors="replace")
    if capture.rows:
        print_table(capture, name)
        sys.stdout.flush()
    problem = tshark_problem(tshark.returncode, messages, name, capture.rows) or content_problem(capture, messages, name)
    if problem:
        print(f"demo: {problem}", file=sys.stderr)
    return EXIT_BAD_INPUT if problem else EXIT_OK


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="what to call the capture in messages")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the tshark command, which writes PDML")
    arguments = parser.parse_args()
    try:
        return run(arguments.command, arguments.name)
    except BrokenPipeError:  # the reader of our output, head(1) for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
