# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person reads in the tree: no label is cut, the explanation is a sentence a line, and each sentence says how sure it is.

Every frame of every shipped capture, in each language, on the first pass and on the second."""

import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest

from conftest import REPO
from handmade import join_captures, write_pcap

LABEL_BYTES = 240  # ITEM_LABEL_LENGTH of Wireshark, with the NUL: longer ones are cut
COLUMNS = 100
EXPLANATION, LINE = "tcplife.explanation", "tcplife.explanation.line"
WORDS = {"en": {"likely": "probably ", "guess": "perhaps "}, "zh-CN": {"likely": "很可能", "guess": "也许"}}
# Whose confidence the first sentence is worded by, the first that is there.
CONFIDENCES = ("rst.cause", "handshake.step", "teardown.step", "keepalive", "window_probe", "ack", "retransmission.cause")


@pytest.fixture(scope="module")
def all_captures(captures, sandbox):
    frames, times = join_captures(sorted(captures.glob("*.pcap")))
    return write_pcap(sandbox.new_path(".pcap"), frames, times)


@pytest.fixture(scope="module", params=[(language, passes) for language in WORDS for passes in ((), ("-2",))], ids=str)
def trees(request, tshark, all_captures):
    """(language, the tcplife protocol of each frame)"""
    language, passes = request.param
    done = tshark(["-T", "pdml", "-o", f"tcplife.explanation_language:{language}", *passes], all_captures)
    assert done.returncode == 0, done.stderr
    found = [tree for tree in ET.fromstring(done.stdout).iter("proto") if tree.get("name") == "tcplife"]
    assert len(found) > 100
    return language, found


def width(text):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def lines_of(tree):
    return [item for item in tree if item.get("name") in (EXPLANATION, LINE)]


def test_no_label_is_cut(trees):
    _, found = trees
    for item in (item for tree in found for item in tree.iter("field")):
        label = item.get("showname") or item.get("show")
        assert len(label.encode()) < LABEL_BYTES and "truncated" not in label and "…" not in label, label


def test_a_line_is_short(trees):
    _, found = trees
    most = max(width(item.get("showname")) for tree in found for item in lines_of(tree))
    assert COLUMNS // 2 < most <= COLUMNS


def test_the_lines_are_the_explanation(trees):
    """Nothing is lost between them, and each sentence begins a line."""
    _, found = trees
    for tree in found:
        first, *others = lines_of(tree)
        labels = [first.get("showname"), *(item.get("showname") for item in others)]
        assert "".join("".join(labels).split()) == "".join(first.get("show").split())
        assert [item.get("name") for item in others] == [LINE] * len(others)
        assert not any(re.search(r"\. [A-Z0-9]|。.", label) for label in labels), labels
        for before, label in zip(labels, labels[1:], strict=False):
            assert label.startswith("  ") != before.endswith((".", "。")), labels


def confidence_of(tree):
    """How sure the fact is that the first sentence speaks of; None where it speaks of none that has a confidence."""
    words = {item.get("name"): item.get("show") for item in tree.iter("field")}
    if words.get("tcplife.rst.origin") == "path" and words["tcplife.rst.origin.confidence"] != "guess":
        return words["tcplife.rst.origin.confidence"]  # the first sentence says who sent it
    for fact in CONFIDENCES:
        if "tcplife." + fact in words:
            return words.get(f"tcplife.{fact}.confidence")
    return None


def test_a_sentence_says_how_sure_it_is(trees):
    language, found = trees
    seen = set()
    for tree in found:
        confidence = confidence_of(tree)
        sentence = re.split(r"\. |。", tree.find(f"field[@name='{EXPLANATION}']").get("show"))[0]
        if confidence in WORDS[language]:
            assert WORDS[language][confidence] in sentence, sentence
        elif confidence == "certain":
            sure = re.sub("(;|；)[^;；]*$", "", sentence)  # what stands behind is about the states of the ends
            assert not any(word in sure for word in WORDS[language].values()), sentence
        seen.add(confidence)
    assert {"certain", "likely"} <= seen  # a guess: tests/unit/test_text.c, which fills every sentence


def test_every_blank_is_filled():
    """A blank that nobody makes known would leave its bracket out, without a word."""
    show = REPO / "plugin/epan/show"
    known = set(re.findall(r'add_\w+\(&?story, "([^"]+)"', (show / "tl_explain.c").read_text(encoding="utf-8")))
    paths = (show / "tl_sentences.def", show.parent / "input/tl_wireshark.def")
    texts = [path.read_text(encoding="utf-8").split("*/", 1)[1] for path in paths]
    used = {name[0].lower() + name[1:] for text in texts for name in re.findall(r"\{([^}]+)\}", text)}
    assert used <= known, used - known
