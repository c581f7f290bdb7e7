# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/fields.md and docs/labels.zh-CN.md: up to date, complete, and what the plugin really registers and says.

The pages are read as Markdown here, not by the scripts that write them."""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from conftest import REPO

FIELDS_PAGE = (REPO / "docs/fields.md").read_text(encoding="utf-8")
LABELS_PAGE = (REPO / "docs/labels.zh-CN.md").read_text(encoding="utf-8")
LAB = REPO / "tests" / "lab" / "corpus"
SCRIPT = [sys.executable, "-I", "-B", REPO / "scripts/reference_pages.py"]

REGISTERED_AS = {
    "heading": "FT_NONE", "text": "FT_STRING", "number": "FT_UINT32", "signed number": "FT_INT32", "frame number": "FT_FRAMENUM",
    "seconds": "FT_RELATIVE_TIME", "yes": "FT_BOOLEAN",
}  # fmt: skip
SEVERITIES = {"Chat": 0x200000, "Note": 0x400000, "Warning": 0x600000}  # PI_CHAT ... of Wireshark


def sections(page, level):
    """Heading -> rows of cells of the first table below it. Code marks are taken off; the row of heads is left out."""
    found = {}
    for part in re.split(rf"^{'#' * level} ", page, flags=re.M)[1:]:
        heading, _, text = part.partition("\n")
        table = re.search(r"(?:^\|.*\n)+", re.split(r"^#", text, flags=re.M)[0], re.M)
        lines = table[0].splitlines()[2:] if table else []
        found[heading] = [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return found


DETAILS = sections(FIELDS_PAGE, 3)
FIELDS = {row[0]: row for heading, rows in DETAILS.items() if heading.endswith(": fields") for row in rows}
VALUES = {heading: rows for heading, rows in DETAILS.items() if not heading.endswith(": fields")}
EXPERTS = {row[0]: row for row in sections(FIELDS_PAGE, 2)["Expert items"]}
PREFERENCES = {row[0]: row for row in sections(FIELDS_PAGE, 2)["Preferences"]}
LABELS = sections(LABELS_PAGE, 2)


# ---- up to date ------------------------------------------------------------------------------------------------------


def run(*arguments):
    return subprocess.run([*SCRIPT, *arguments], capture_output=True, encoding="utf-8", check=False)


def test_pages_are_up_to_date():
    checked = run("--check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_page_that_is_out_of_date_is_noticed(tmp_path):
    assert run(tmp_path).returncode == 0
    assert (tmp_path / "fields.md").read_text(encoding="utf-8") == FIELDS_PAGE
    assert run("--check", tmp_path).returncode == 0
    (tmp_path / "fields.md").write_text(FIELDS_PAGE.replace("refused", "rejected"), encoding="utf-8")
    (tmp_path / "labels.zh-CN.md").unlink()
    checked = run("--check", tmp_path)
    assert checked.returncode == 1
    assert "fields.md is out of date" in checked.stderr and "labels.zh-CN.md is out of date" in checked.stderr


def test_a_folder_that_is_not_there(tmp_path):
    done = run(tmp_path / "nowhere")
    assert done.returncode == 1 and "No such file" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def broken(tmp_path):
    """broken(file, old, new) -> what the script says in a copy of the sources with one text replaced."""

    def run_in_copy(name, old, new):
        for path in (*(REPO / "plugin").rglob("*.def"), *(REPO / "scripts").glob("*.py")):
            copy = tmp_path / path.relative_to(REPO)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        (tmp_path / "docs").mkdir()
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (tmp_path / name).write_text(text.replace(old, new), encoding="utf-8")
        command = [sys.executable, "-I", "-B", tmp_path / "scripts/reference_pages.py"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        return done.stderr

    return run_in_copy


def test_a_row_that_cannot_be_read_is_no_missing_row(broken):
    assert "tl_fields.def" in broken("plugin/epan/tl_fields.def", '"phase", "Phase", STRING,', '"phase", STRING,')


def test_a_value_without_translation_is_noticed(broken):
    said = broken("plugin/epan/show/tl_chinese.def", 'TL_CHINESE(PHASE, CLOSED, "', '/* */ TL_CHINESE(PHASE, CLOSED, "')
    assert "('PHASE', 'CLOSED')" in said


# ---- what is registered ----------------------------------------------------------------------------------------------


def test_fields_are_those_registered(registered_fields):
    ours = {name: (kind, what) for name, (_, kind, what) in registered_fields.items() if not name.startswith("tcplife.expert.")}
    assert ours == {name: (REGISTERED_AS[row[1]], row[3]) for name, row in FIELDS.items()}
    assert len(ours) > 100


def test_every_name_is_registered_once(sandbox):
    """Wireshark takes two expert items of one name, and a filter then finds both."""
    names = re.findall(r"^F\t[^\t]*\t(tcplife[\w.]*)\t", sandbox.run(["tshark", "-G", "fields"]).stdout, re.M)
    assert len(names) == len(FIELDS) + len(EXPERTS) == len(set(names))


def test_expert_items_are_those_registered(registered_fields):
    ours = {name: label for name, (label, _, _) in registered_fields.items() if name.startswith("tcplife.expert.")}
    assert ours == {name: row[3] for name, row in EXPERTS.items()}
    assert len(ours) > 40


def test_words_are_registered_nowhere(sandbox):
    """Values are texts: a list of names for numbers (V) would be a second place that the page would have to show."""
    listed = sandbox.run(["tshark", "-G", "values"]).stdout
    assert "\ttcp.option_kind\t" in listed or "V\ttcp." in listed
    assert not re.findall(r"^V\ttcplife\..*", listed, re.M)


def test_preferences_are_those_registered(sandbox):
    listed = sandbox.run(["tshark", "-G", "defaultprefs"]).stdout
    ours = dict(re.findall(r"^#(tcplife\.\w+): (.*)$", listed, re.M))
    assert set(ours) == set(PREFERENCES)
    for name, default in ours.items():
        assert default == PREFERENCES[name][3]
        assert f"# {PREFERENCES[name][4]}\n" in listed


# ---- what is said ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples(captures):
    """The shipped captures, and every twentieth of the lab."""
    return [*sorted(captures.glob("*.pcap")), *sorted(LAB.glob("*.pcap.gz"))[::20]]


@pytest.fixture(scope="module")
def frames(fields_together, samples):
    """frames(two_pass): all fields of each frame of the samples that has one TCP header."""
    kept = {}

    def read(two_pass):
        if two_pass not in kept:
            rows = [row for some in fields_together(samples, "tcplife", *FIELDS, two_pass=two_pass) for row in some]
            kept[two_pass] = [row for row in rows if row["tcplife"] and "|" not in row["tcplife.phase"]]
        return kept[two_pass]

    return read


def linked(row):
    """The heading of the values that a field's row links to, or ""."""
    return "".join(re.findall(r"^\[(\w+)\]\(#\1\)$", row[2]))


def test_every_word_that_is_said_is_on_the_page(frames):
    said = defaultdict(set)
    for row in frames(True):
        for name in FIELDS:
            said[name].update(row[name].split(",") if linked(FIELDS[name]) and row[name] else [])
    known = {name: {row[0] for row in VALUES[linked(FIELDS[name])]} for name in FIELDS if linked(FIELDS[name])}
    assert {name: words - known[name] for name, words in said.items() if words - known.get(name, set())} == {}
    assert sum(map(len, said.values())) > 150


def test_a_field_with_words_has_a_table_of_them():
    texts = {name for name, row in FIELDS.items() if row[1] == "text" and not linked(row)}
    assert texts == {
        "tcplife.what", "tcplife.explanation", "tcplife.explanation.line", "tcplife.client.state.change", "tcplife.server.state.change",
        "tcplife.zeek.history", "tcplife.finding", "tcplife.rst.text",
    }  # fmt: skip
    assert {linked(row) for row in FIELDS.values()} - {""} == set(VALUES)


@pytest.mark.parametrize("name", [name for name, row in FIELDS.items() if row[4] == "Every segment."])
def test_every_segment(name, frames):
    assert all(row[name] for two_pass in (False, True) for row in frames(two_pass))


@pytest.mark.parametrize("name", [name for name, row in FIELDS.items() if re.search(r"^[^;]*, from the second pass on\b", row[4])])
def test_from_the_second_pass_on(name, frames):
    assert not any(row[name] for row in frames(False))


@pytest.mark.parametrize("name", [name for name, row in FIELDS.items() if row[4].startswith("With tcplife.")])
def test_with_another_field(name, frames):
    other = re.match(r"With (tcplife[\w.]*\w)", FIELDS[name][4])[1]
    assert all(row[other] for two_pass in (False, True) for row in frames(two_pass) if row[name])
    if FIELDS[name][4].endswith(", unless it is unknown."):
        for row in frames(True):
            assert bool(row[name]) == (row[other] not in ("", "unknown"))


def test_severities(fields_together, samples):
    """An item is told by its text, which is what Wireshark shows, up to the length at which Wireshark cuts it."""
    severity_of = {row[3]: SEVERITIES[row[1]] for row in EXPERTS.values()}
    seen = set()
    for rows in fields_together(samples, "tcplife", "_ws.expert.message", "_ws.expert.severity", two_pass=True):
        for row in (row for row in rows if row["tcplife"]):
            for text, severity in zip(row["_ws.expert.message"].split("|"), row["_ws.expert.severity"].split("|"), strict=True):
                if text in severity_of:
                    assert int(severity, 0) == severity_of[text], text
                    seen.add(text)
    assert len(seen) > 30


# ---- every value -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heading", VALUES)
def test_every_value_has_meaning_and_source(heading):
    for row in VALUES[heading]:
        assert re.fullmatch(r"[A-Z].*\.", row[-2]), row
        assert re.match(r"RFC \d+|Linux net/\S+\.c$|Zeek conn\.log$|observed$", row[-1]), row


def test_the_same_values_in_chinese():
    assert {heading: [row[0] for row in rows] for heading, rows in LABELS.items()} == {
        heading: [row[0] for row in rows] for heading, rows in VALUES.items()
    }


@pytest.mark.parametrize("heading", LABELS)
def test_chinese_labels(heading):
    labels = [row[1] for row in LABELS[heading]]
    assert len(set(labels)) == len(labels) and all(labels)
    for _, label, meaning in LABELS[heading]:
        assert not label.endswith("。") and "  " not in label
        assert re.fullmatch(r"[^。]*。", meaning), f"one sentence: {meaning}"
        assert re.search("[\u4e00-\u9fff]", meaning) or re.fullmatch(r"[A-Z、。 -]+", meaning), meaning
