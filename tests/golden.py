#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints all that the plugin says of the shipped captures, in a form that is the same in every version of Wireshark.

    tests/golden.py [BUILD]

For each capture: the tags in the Info column, the plugin's part of the tree field by field (name, value, text, position), and the rows
of -z tcplife. Yes and no are 1 and 0, as conftest.py has it. tests/matrix compares the output between versions.
"""

import os
import re
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


def without_flags(text):
    """Without the last clause of an explanation: it is about tcp.analysis, which differs between versions of Wireshark."""
    return re.sub(r" Wireshark calls it .*", "", text)


def label(item):
    """The text of an item, without the unit of a time, which each version of Wireshark writes in its own way."""
    text = item.get("showname", "")
    return re.sub(r": .*", "", text) if re.fullmatch(r"-?\d+\.\d{9}", item.get("show", "")) else text


def without_flag_lines(items):
    """Without the lines of an explanation that are about tcp.analysis: the last ones of the explanation."""
    about_flag = False
    for item in items:
        is_line = item.get("name") == "tcplife.explanation.line"
        about_flag = is_line and (about_flag or item.get("show", "").startswith("Wireshark calls it"))
        if not about_flag:
            yield item


def tree_lines(element, depth=0):
    """One line for each item of the plugin's tree."""
    for item in without_flag_lines(element):
        value = without_flags(conftest.boolean_text(item.get("show", "")))
        yield "  " * depth + " | ".join((item.get("name", ""), value, label(item), item.get("pos", ""), item.get("size", "")))
        yield from tree_lines(item, depth + 1)


def trees(pdml):
    for number, packet in enumerate(ElementTree.fromstring(pdml).iter("packet"), 1):
        for protocol in packet.iter("proto"):
            if protocol.get("name", "").startswith("tcplife"):
                yield f"frame {number}"
                yield from tree_lines(protocol, 1)


def tags(sandbox, capture):
    """What the plugin appends to the Info column of each frame."""
    without = run(sandbox, capture, *INFO_COLUMN, "-o", "tcplife.info_tag:FALSE").splitlines()
    for own, text in zip(without, run(sandbox, capture, *INFO_COLUMN).splitlines(), strict=True):
        yield text.removeprefix(own) if text.startswith(own) else f"changed: {text}"


def print_capture(sandbox, capture):
    print(f"== {capture.name}")
    print(*tags(sandbox, capture), sep="\n")
    print(*trees(run(sandbox, capture, "-T", "pdml")), sep="\n")
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
