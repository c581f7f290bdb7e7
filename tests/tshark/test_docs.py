# SPDX-License-Identifier: GPL-2.0-or-later
"""The documents: each command that one shows is run in order, as a reader would, and has to print what the document says; the
languages say the same; links lead somewhere. tests/README.md says how a document shows a command.

What the outputs mean is not proved here: other tests compare the plugin with the protocol and with kernels."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import NOBODY
from documents import (
    DocumentError, blocks_of, code_of, headings_of, links_of, runnable_steps, same_output, steps_of, tables_of,
)  # fmt: skip

REPO = Path(__file__).resolve().parents[2]
CHINESE = "zh-CN"
LESSONS = REPO / "docs/lessons"
TOP = [REPO / "README.md", REPO / f"README.{CHINESE}.md", REPO / "CONTRIBUTING.md"]
DOCUMENTS = [*TOP, *sorted((REPO / "docs").rglob("*.md"))]
TRANSLATED = [(TOP[0], TOP[1]), *((path, LESSONS / CHINESE / path.name) for path in sorted(LESSONS.glob("*.md")))]
IN_CHINESE = {chinese for _, chinese in TRANSLATED}  # their readers have chosen Chinese explanations, as the first of them says how

SOURCES = ("captures", "tests/lab/corpus", "tests/lab/waits/corpus")  # what the documents use of the repository
READER_PROGRAMS = ("tcplife-batch", "tcplife-batch-part", "tcplife-doctor")  # those that an installation puts on PATH
OWN_CAPTURE = "your.pcap"  # what the documents call a capture of the reader's: here all the shipped ones in one
MAY_BE_MISSING = {"jq": "jq", "sqlite3": "sqlite3", "tcplife-batch": "parallel"}  # word of a command -> program it needs


def name_of(path):
    return str(path.relative_to(REPO))


def text_of(path):
    return path.read_text(encoding="utf-8")


# ---- each command prints what the document says ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def programs(sandbox):
    """A folder with the programs of an installation, readable for the user that runs Wireshark."""
    folder = sandbox.new_path("-bin")
    folder.mkdir()
    for name in READER_PROGRAMS:
        shutil.copy(REPO / "scripts" / name, folder / name)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def reader(path, sandbox, programs):
    """reader(command) -> a finished process with all output in `stdout`, as a terminal shows it, for a reader of that document.

    The command runs in a folder that looks like the repository and belongs to an ordinary user. Only ./demo runs in the
    repository itself, as whoever runs the tests, because it installs and builds; what it reports of that is left out."""
    folder = sandbox.new_path("-document")
    for source in SOURCES:
        shutil.copytree(REPO / source, folder / source)
    if path in IN_CHINESE:
        (folder / "preferences").write_text(f"tcplife.explanation_language: {CHINESE}\n")
    shipped = sorted((folder / "captures").glob("*.pcap"))
    subprocess.run(["mergecap", "-w", folder / OWN_CAPTURE, *shipped], check=True)
    if sandbox.as_root:
        subprocess.run(["chown", "--recursive", f"{NOBODY}:{NOBODY}", folder], check=True)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "WIRESHARK_CONFIG_DIR": str(folder)}

    def run(command):
        if command.split()[0] == "./demo":
            return run_demo(command)
        script = f"exec 2>&1; set -o pipefail; cd {shlex.quote(str(folder))}\n{command}"
        return sandbox.run(["bash", "-c", script], env=environment)

    yield run
    shutil.rmtree(folder)


def run_demo(command):
    return subprocess.run(
        ["bash", "-c", command], cwd=REPO, env={**os.environ, "COLUMNS": "100"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip


def words_of(steps):
    return {word for step in steps for word in re.findall(r"[\w.-]+", step.command)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_commands_print_what_the_document_says(path, reader):
    steps = runnable_steps(text_of(path))
    missing = [program for word, program in MAY_BE_MISSING.items() if word in words_of(steps) and not shutil.which(program)]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed")
    for step in steps:
        done = reader(step.command)
        place = f"{name_of(path)}:{step.number}: {step.command}"
        assert done.returncode == 0, f"{place}\nexit status {done.returncode}:\n{done.stdout}"
        assert same_output("\n".join(step.output), done.stdout), f"{place}\nprints:\n{done.stdout}"


def test_there_are_commands():
    """So that a change of the marks cannot silently leave a document without a test."""
    with_commands = [*LESSONS.glob("[0-9]*.md"), *TOP[:2], *(REPO / "docs" / f"{name}.md" for name in ("batch", "questions", "views"))]
    assert len(with_commands) > 14
    assert not [name_of(path) for path in with_commands if not runnable_steps(text_of(path))]


# ---- what the two languages share --------------------------------------------------------------------------------------


def commands_of(text):
    """Commands, those that are not run included; without the choice of a language, and without fold(1), which parts Chinese characters in
    the middle. What each prints is for the run to tell."""
    blocks = [block for block in blocks_of(text) if block.language == "console"]
    steps = [(bool(block.reason), step.command) for block in blocks for step in steps_of(block)]
    return [(reason, command.replace(f" --lang {CHINESE}", "").removesuffix(" | fold -s -w 100")) for reason, command in steps]


def shape_of(text):
    """What does not depend on the language: depths of headings, sizes of tables, filters and names in them."""
    return {
        "headings": [depth for depth, _ in headings_of(text)],
        "tables": [(len(table.header), len(table.rows)) for table in tables_of(text)],
        "code in tables": [code_of(" ".join(row)) for table in tables_of(text) for row in table.rows],
    }


@pytest.mark.parametrize("english, chinese", TRANSLATED, ids=name_of)
def test_languages_say_the_same(english, chinese):
    assert runnable_steps(text_of(chinese)) or not runnable_steps(text_of(english))
    assert commands_of(text_of(chinese)) == commands_of(text_of(english))
    assert shape_of(text_of(chinese)) == shape_of(text_of(english))


@pytest.mark.parametrize("english, chinese", TRANSLATED, ids=name_of)
def test_first_line_leads_to_the_other_language(english, chinese):
    for path, other in ((english, chinese), (chinese, english)):
        first = next(line for line in text_of(path).splitlines() if line and not line.startswith("<!--"))
        assert [(path.parent / target).resolve() for target in links_of(first)] == [other], name_of(path)


def test_every_lesson_is_in_both_languages():
    assert {path.name for path in (LESSONS / CHINESE).glob("*.md")} == {path.name for path in LESSONS.glob("*.md")}


@pytest.mark.parametrize("path", [path for pair in TRANSLATED[1:] for path in pair if path.name != "README.md"], ids=name_of)
def test_every_lesson_is_in_the_index(path):
    assert path.name in links_of(text_of(path.parent / "README.md"))


def test_chinese_is_chinese():
    """A page that was copied and not translated has hardly a Chinese character."""
    for _, path in TRANSLATED:
        prose = re.sub(r"^```.*?^```$", "", text_of(path), flags=re.M | re.S)
        assert len(re.findall(r"[\u4e00-\u9fff]", prose)) > 200, name_of(path)


# ---- tables of filters and of cases --------------------------------------------------------------------------------------


def table_with(text, columns, first):
    """The rows of the one table with so many columns whose first row begins with this code."""
    (table,) = [table for table in tables_of(text) if len(table.header) == columns and first in code_of(table.rows[0][0])]
    return table.rows


def frames_of(cell):
    """(capture, frames) of a cell like `half-close` 7-12, 14."""
    (capture,) = code_of(cell)
    numbers = []
    for part in re.sub(r"`.*`", "", cell).split(","):
        first, _, last = part.strip().partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return capture, numbers


@pytest.mark.parametrize("path", TOP[:2], ids=name_of)
def test_filters_find_the_frames_of_the_table(path, fields, captures):
    rows = table_with(text_of(path), 3, 'tcplife.phase == "handshake"')
    assert len(rows) == 10
    for filters, _, example in rows:
        capture, expected = frames_of(example)
        found = fields(captures / f"{capture}.pcap", "frame.number", display_filter=code_of(filters)[0], two_pass=True)
        assert [int(row["frame.number"]) for row in found] == expected, filters


NOTHING = {"nothing", "无"}  # what tcp.analysis says of a frame without a flag
NO_FLAG = "!tcp.analysis.flags"
FLAGS_OF = "4.0"  # the Wireshark whose flags the table has: others set them by other rules


def source_of(name):
    """A shipped capture, or one of the lab's corpus."""
    found = [path for path in (REPO / "captures" / f"{name}.pcap", REPO / "tests/lab/corpus" / f"{name}.pcap.gz") if path.exists()]
    assert found, name
    return found[0]


@pytest.mark.parametrize("path", TOP[:2], ids=name_of)
def test_wireshark_and_tcplife_say_what_the_table_says(path, fields, tshark):
    """Each row: capture and frames; the flag of tcp.analysis, or nothing; what tcplife says, as filters. All hold of each frame."""
    same_wireshark = f"(Wireshark) {FLAGS_OF}." in tshark(["--version"]).stdout
    rows = table_with(text_of(path), 4, "close-both-fin-first")
    assert len(rows) >= 8
    for place, flag, answer, _ in rows:
        capture, frames = frames_of(place)
        conditions = [*((code_of(flag) or [NO_FLAG]) if same_wireshark else []), *code_of(answer)]
        assert code_of(flag) or flag in NOTHING, place
        assert code_of(answer), place
        for number in frames:
            text = " && ".join([f"frame.number == {number}", *(f"({condition})" for condition in conditions)])
            found = fields(source_of(capture), "frame.number", display_filter=text, two_pass=True)
            assert [row["frame.number"] for row in found] == [str(number)], text


# ---- links -----------------------------------------------------------------------------------------------------------------


def anchor(heading):
    """GitHub's name for a heading: lower case, no punctuation, hyphens for blanks."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path):
    for target in links_of(text_of(path)):
        file, _, fragment = target.partition("#")
        other = (path.parent / file).resolve() if file else path
        assert other.exists(), target
        if fragment:
            assert fragment in {anchor(words) for _, words in headings_of(text_of(other))}, target


# ---- the test itself -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, expected",
    [
        ("```console\n$ a \\\n    b\nx \n\n$ c\n```", [("a \\\n    b", ["x", ""]), ("c", [])]),
        ("<!-- not run: needs root -->\n```console\n$ a\n```", []),
        ("```text\nanything\n```", []),
    ],
)
def test_commands_are_found(text, expected):
    assert [(step.command, step.output) for step in runnable_steps(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "```\n$ a\n```", "```text\n  $ a\n```", "    $ a", "```console\n$ a", "```console\nno command\n```", "```console\n```",
        "<!-- not run: -->\n```text\n$ a\n```", "<!-- not run: never -->\n```text\na\n```",
    ],
)  # fmt: skip
def test_what_nobody_can_run_is_an_error(text):
    with pytest.raises(DocumentError):
        runnable_steps(text)


@pytest.mark.parametrize(
    "expected, printed, same",
    [
        ("a", "a  ", True), ("a", "b", False), ("a", "a\nb", False), ("a\nb", "a", False), ("", "a", False), ("a", "", False),
        ("[...]", "", True), ("a\n[...]\nd", "a\nb\nc\nd", True), ("a\n[...]\nd", "a\nb", False), ("a [...]", "a b", False),
        ("a.c", "abc", False), ("a\n\nb", "a\nb", False), ("a", "\na\n\n", True),
    ],
)  # fmt: skip
def test_outputs_are_compared(expected, printed, same):
    assert same_output(expected, printed) == same
