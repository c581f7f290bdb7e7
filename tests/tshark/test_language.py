# SPDX-License-Identifier: GPL-2.0-or-later
"""The explanation in another language: every sentence says the same, and nothing else changes.

tests/unit/test_text.c fills every row of the tables; here are the rows side by side, and what tshark and sharkd make of them."""

import re
import xml.etree.ElementTree as ET

import pytest

from conftest import REPO

SENTENCES = (REPO / "plugin/epan/show/tl_sentences.def").read_text()
CLAUSES = (REPO / "plugin/epan/input/tl_wireshark.def").read_text()
NAMES = (REPO / "plugin/engine/tl_names.def").read_text()

ROW = re.compile(r'^TL_(?:SENTENCE|PHRASE|WIRESHARK_FLAG|DIFFERENCE)\((.*), "([^"]*)",\n +"([^"]*)"\)$', re.M)
ROWS = {name: texts for name, *texts in ROW.findall(SENTENCES + CLAUSES)}
BLANK = re.compile(r"{(\??\w+)}")
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)*")

# Groups of tl_names.def whose values tl_explain.c tells, and those of them that it never asks for.
TOLD = {
    "HANDSHAKE_STEP": set(),
    "TEARDOWN_STEP": set(),
    "RST_CAUSE": set(),
    "RST_EFFECT": {"UNKNOWN"},
    "REUSE": set(),
    "RETRANSMISSION": set(),
    "ABORT_WHY": set(),
    "SEGMENT": {"NEW", "RETRANSMISSION", "PARTIAL", "DUPLICATE", "PROBE", "STRAY"},
    "ACK": {"NEW", "CHALLENGE", "TIME_WAIT"},
}

# What stays as it is in a Chinese sentence: flags, options and states by their names, and proper names.
LATIN = {
    "A", "B", "ACK", "FIN", "RST", "SYN", "SACK", "TCP", "IP", "ID", "RFC", "TLP", "TTL", "ICMP", "Fast", "Open", "cookie",
    "Wireshark",
    "CLOSED", "LISTEN", "SENT", "RECEIVED", "ESTABLISHED", "WAIT", "CLOSE", "CLOSING", "LAST", "TIME",
}  # fmt: skip
CHINESE = ("-o", "tcplife.explanation_language:zh-CN")
EXPLANATION = "tcplife.explanation"

# Between them: both roads into the connection and out of it, resets, probes, reuse; test_captures.py says what each holds.
CAPTURES = [
    "data-after-close", "icmp-unreachable", "keepalive-unanswered", "peer-restarted", "simultaneous-open", "tcp-fast-open",
    "time-wait-reuse-client",
]  # fmt: skip


def brackets(text):
    """For each optional piece the blanks in it, in an order that does not depend on the language."""
    return sorted(sorted(BLANK.findall(piece.lower())) for piece in re.findall(r"\[[^]]*\]", text))


def constants(text):
    """The numbers that the sentence itself has."""
    return set(NUMBER.findall(BLANK.sub(" ", text)))


# ---- the tables ------------------------------------------------------------------------------------------------------


def test_the_tables_are_read_whole():
    rows = re.findall(r"^TL_(?:SENTENCE|PHRASE|WIRESHARK_FLAG|DIFFERENCE)\(", SENTENCES + CLAUSES, re.M)
    assert len(ROWS) == len(rows) > 100


@pytest.mark.parametrize("name", ROWS)
def test_the_languages_have_the_same_blanks(name):
    english, chinese = ROWS[name]
    assert set(BLANK.findall(english.lower())) == set(BLANK.findall(chinese.lower()))
    assert brackets(english) == brackets(chinese)
    assert constants(english) == constants(chinese)


@pytest.mark.parametrize("name", ROWS)
def test_a_chinese_row_has_no_english_word(name):
    assert set(re.findall(r"[A-Za-z]+", BLANK.sub(" ", ROWS[name][1]))) <= LATIN
    assert not re.search(r"[,;:!?](?!\w*})", BLANK.sub(" ", ROWS[name][1])), "Chinese punctuation is full-width"


@pytest.mark.parametrize("group", TOLD)
def test_every_value_that_is_told_has_a_sentence(group):
    values = set(re.findall(rf"^TL_VALUE\({group}, (\w+),", NAMES, re.M))
    told = set(re.findall(rf"^TL_SENTENCE\({group}, (\w+),", SENTENCES, re.M))
    assert TOLD[group] < values
    assert told == values - TOLD[group]


# ---- in tshark -------------------------------------------------------------------------------------------------------


def every_capture():
    return sorted(path.name for path in (REPO / "captures").glob("*.pcap*"))


@pytest.fixture(scope="module")
def explanations(fields_together, captures):
    """{capture: (English, Chinese) of each frame}"""
    names = every_capture()
    paths = [captures / name for name in names]
    both = (fields_together(paths, EXPLANATION, extra=extra) for extra in ((), CHINESE))
    texts = ([[row[EXPLANATION] for row in rows] for rows in of_each] for of_each in both)
    return {name: list(zip(english, chinese, strict=True)) for name, english, chinese in zip(names, *texts, strict=True)}


@pytest.mark.parametrize("name", every_capture())
def test_frames_say_the_same_in_both_languages(name, explanations):
    """The same numbers, frames and states; and nothing in the Chinese text that is English."""
    pairs = explanations[name]
    assert any(english for english, _ in pairs)
    for english, chinese in pairs:
        assert bool(english) == bool(chinese)
        assert set(NUMBER.findall(english)) == set(NUMBER.findall(chinese)), chinese
        assert set(re.findall(r"[A-Za-z]+", chinese)) <= LATIN, chinese
        assert not english or re.search("[\u4e00-\u9fff]", chinese)
        assert english.isascii()


def without_explanation(pdml):
    """The packets as text, and how many explanations were taken out."""
    tree = ET.fromstring(pdml)
    for element in (tree, *tree.iter("packet")):
        element.attrib.pop("time", None)
    taken = 0
    for parent in tree.iter():
        for child in list(parent):
            if child.get("name") in (EXPLANATION, EXPLANATION + ".line", "tcplife.what"):
                parent.remove(child)
                taken += child.get("name") == EXPLANATION
    return ET.tostring(tree, encoding="unicode"), taken


@pytest.mark.parametrize("name", CAPTURES)
def test_nothing_else_changes(name, tshark, captures):
    """All that a tree can hold, on the second pass, expert items and their texts among it."""
    outputs = [tshark(["-2", "-T", "pdml", *extra], captures / f"{name}.pcap") for extra in ((), CHINESE)]
    assert all(output.returncode == 0 for output in outputs)
    assert outputs[0].stdout != outputs[1].stdout
    english, chinese = (without_explanation(output.stdout) for output in outputs)
    assert english == chinese
    assert english[1] > 0


@pytest.mark.parametrize("args", [(), ("-q", "-z", "expert"), ("-q", "-z", "tcplife,conn")], ids=["list", "expert", "conn"])
def test_lists_and_tables_do_not_change(args, tshark, captures):
    english, chinese = (tshark([*args, *extra], captures / "data-after-close.pcap") for extra in ((), CHINESE))
    assert english.returncode == chinese.returncode == 0
    assert english.stdout == chinese.stdout != ""


@pytest.mark.parametrize("language, chinese", [("简体中文", True), ("ZH-cn", True), ("English", False), ("en", False), (None, False)])
def test_names_of_languages(language, chinese, fields, captures):
    extra = ("-o", f"tcplife.explanation_language:{language}") if language else ()
    rows = fields(captures / "refused.pcap", EXPLANATION, extra=extra)
    assert [not row[EXPLANATION].isascii() for row in rows] == [chinese] * 2


def test_in_a_file_of_preferences(sandbox, captures):
    """As Wireshark's window writes it."""
    folder = sandbox.new_path("-config")
    folder.mkdir()
    (folder / "preferences").write_text("tcplife.explanation_language: 简体中文\n", encoding="utf-8")
    command = ["tshark", "-n", "-r", sandbox.readable(captures / "refused.pcap"), "-T", "fields", "-e", EXPLANATION]
    done = sandbox.run(command, env={"WIRESHARK_CONFIG_DIR": str(folder)})
    assert done.stderr == "" and "客户端" in done.stdout.splitlines()[0]


@pytest.mark.parametrize("name", ["zh", "ZH", "zh-CN", "zh_CN", "zh_CN.UTF-8", "zh-Hans", "中文", "简体中文"])
def test_names_of_chinese(name, tshark, captures):
    done = tshark(["-o", f"tcplife.explanation_language:{name}", "-T", "fields", "-e", EXPLANATION], captures / "refused.pcap")
    assert (done.returncode, done.stderr) == (0, "")
    assert "客户端" in done.stdout


@pytest.mark.parametrize("name", ["fr", "zh-TW", "z", "en zh", ""])
def test_a_language_that_nobody_knows_is_told(name, tshark, captures):
    done = tshark(["-o", f"tcplife.explanation_language:{name}", "-T", "fields", "-e", EXPLANATION], captures / "refused.pcap")
    assert done.returncode == 0 and "The client asks" in done.stdout
    assert f'there is no language "{name}"' in done.stderr and "Choose en or zh-CN" in done.stderr


def test_a_change_takes_effect_on_a_loaded_capture(sharkd, captures):
    """What the window does when the preference changes, too: dissect the frame again."""

    def choice(language):
        return ("setconf", {"name": "tcplife.explanation_language", "value": language})

    frame = ("frame", {"frame": 1, "proto": True})
    requests = [frame, choice("zh-CN"), frame, choice("en"), frame]
    before, _, chinese, _, after = sharkd(captures / "refused.pcap", *requests)
    assert before == after
    assert "客户端" in str(chinese) and "客户端" not in str(before)
