#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints all that the plugin says of the shipped captures, in a form that is the same in every version of Wireshark.

    tests/golden.py [BUILD]

For each capture: the Info column, the plugin's part of the tree field by field (name, value, text, position), and the rows
of -z tcplife. Yes and no are 1 and 0, as conftest.py has it. tests/matrix compares the output between versions.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

if len(sys.argv) > 1:
    os.environ["TCPLIFE_BUILD"] = sys.argv[1]
sys.path.insert(0, str(Path(__file__).resolve().parent))
import conftest  # noqa: E402  the fixtures' own way to run tshark

ROWS = ("conn", "csv", "tsv", "json")  # words after -z tcplife,
INFO_COLUMN = ("-o", 'gui.column.format:"Info","%i"')


def run(sandbox, capture, *arguments):
    done = sandbox.run(["tshark", "-n", "-2", "-r", sandbox.readable(capture), *arguments])
    if done.returncode != 0:
        sys.exit(f"tshark {' '.join(arguments)} failed on {capture.name}: {done.stderr}")
    return done.stdout


def tree_lines(element, depth=0):
    """One line for each item of the plugin's tree."""
    for item in element:
        words = [item.get("name"), conftest.boolean_text(item.get("show")), item.get("showname"), item.get("pos"), item.get("size")]
        yield "  " * depth + " | ".join(word or "" for word in words)
        yield from tree_lines(item, depth + 1)


def trees(pdml):
    for number, packet in enumerate(ElementTree.fromstring(pdml).iter("packet"), 1):
        for protocol in packet.iter("proto"):
            if protocol.get("name", "").startswith("tcplife"):
                yield f"frame {number}"
                yield from tree_lines(protocol, 1)


def print_capture(sandbox, capture):
    print(f"== {capture.name}")
    print(run(sandbox, capture, *INFO_COLUMN), end="")
    for line in trees(run(sandbox, capture, "-T", "pdml")):
        print(line)
    for word in ROWS:
        print(f"-- {word}")
        print(run(sandbox, capture, "-q", "-z", f"tcplife,{word}"), end="")


def main():
    sandbox = conftest.Sandbox(conftest.default_build())
    try:
        for capture in sorted((conftest.REPO / "captures").glob("*.pcap*")):
            print_capture(sandbox, capture)
    finally:
        sandbox.close()


if __name__ == "__main__":
    main()
