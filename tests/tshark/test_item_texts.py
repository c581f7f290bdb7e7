# SPDX-License-Identifier: GPL-2.0-or-later
"""What each item of the tree reads, by the rules of docs/fields.md: title, word, label for people where it says more, confidence.

The plugin keeps texts that Wireshark composed and copies them to later items (tl_caption.h). So one capture holds all shipped ones:
every text stands among others that differ from it in one word. The expected texts come from the tables of the source."""

import re
import xml.etree.ElementTree as ET

import pytest

from conftest import REPO
from handmade import join_captures, write_pcap

FIELD = re.compile(r'^TL_FIELD\(\w+, "([\w.]+)", "([^"]*)", (\w+), "[^"]*", (\w+),', re.M)
FIELDS = {
    f"tcplife.{name}": (title, kind, group)
    for name, title, kind, group in FIELD.findall((REPO / "plugin/epan/tl_fields.def").read_text())
}
VALUE = re.compile(r'^TL_VALUE\((\w+), \w+, "([^"]*)", "([^"]*)",', re.M)
LABELS = {(group, word): label for group, word, label in VALUE.findall((REPO / "plugin/engine/tl_names.def").read_text())}

# Subtrees, and the field below whose label stands beside the title.
HEADINGS = {
    "tcplife.handshake": "step",
    "tcplife.teardown": "step",
    "tcplife.rst": "cause",
    "tcplife.keepalive": "kind",
    "tcplife.window_probe": "kind",
    "tcplife.retransmission": "cause",
    "tcplife.duplicate": "kind",
}


@pytest.fixture(scope="module", params=[(), ("-2",)], ids=["first pass", "second pass"])
def trees(request, tshark, captures, sandbox):
    """The tcplife protocol of each frame."""
    frames, times = join_captures(sorted(captures.glob("*.pcap")))
    done = tshark(["-T", "pdml", *request.param], write_pcap(sandbox.new_path(".pcap"), frames, times))
    assert done.returncode == 0, done.stderr
    found = [tree for tree in ET.fromstring(done.stdout).iter("proto") if tree.get("name") == "tcplife"]
    assert len(found) > 100
    return found


def child(item, name):
    """The word of a field right below; None if there is none."""
    below = [field.get("show") for field in item if field.get("name") == name]
    return below[0] if below else None


def test_the_tables_are_read(trees):
    assert len(FIELDS) > 60 and len(LABELS) > 150
    names = {item.get("name") for tree in trees for item in tree.iter("field")}
    assert len(names & FIELDS.keys()) > 40


def test_words(trees):
    with_label = with_confidence = 0
    for item in (item for tree in trees for item in tree.iter("field")):
        title, kind, group = FIELDS.get(item.get("name"), (None, None, None))
        label = LABELS.get((group, item.get("show")))
        if kind != "STRING" or label is None:
            continue
        expected = f"{title}: {item.get('show')}"
        if label.lower() != item.get("show").lower().replace("_", " "):
            expected += f" ({label})"
            with_label += 1
        confidence = child(item, item.get("name") + ".confidence")
        if confidence not in (None, "certain"):
            expected += f", {confidence}"
            with_confidence += 1
        assert item.get("showname") == expected
    assert with_label > 50 and with_confidence > 50


@pytest.mark.parametrize("name", HEADINGS)
def test_headings(name, trees):
    title, _, _ = FIELDS[name]
    below = f"{name}.{HEADINGS[name]}"
    for item in (item for tree in trees for item in tree.iter("field") if item.get("name") == name):
        word = child(item, below)
        assert item.get("showname") == (f"{title}: {LABELS[FIELDS[below][2], word]}" if word else title)


def test_the_head_of_the_tree(trees):
    for tree in trees:
        client, server = child(tree, "tcplife.client.state"), child(tree, "tcplife.server.state")
        phase = LABELS["PHASE", child(tree, "tcplife.phase")]
        text = tree.get("showname")
        assert re.match(rf"TCP Lifecycle: {re.escape(phase)}(, |$)", text), text
        assert not client or not server or text.endswith(f", client {client}, server {server}"), text
