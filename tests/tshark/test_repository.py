# SPDX-License-Identifier: GPL-2.0-or-later
"""House rules that a program can check: licences, who may include what, sizes, formatting, exported symbols."""

import difflib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PLUGIN = REPO / "plugin"

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
NESTING_MAX = 3

NOT_SOURCE = {".git", "build", "captures", "docs", "__pycache__", ".pytest_cache"}
SOURCE_SUFFIXES = {".c", ".h", ".def", ".py", ".sh", ".cmake"}

# C11, 7.1.2
STANDARD_HEADERS = {
    "assert.h", "complex.h", "ctype.h", "errno.h", "fenv.h", "float.h", "inttypes.h", "iso646.h", "limits.h", "locale.h",
    "math.h", "setjmp.h", "signal.h", "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "stdnoreturn.h", "string.h", "tgmath.h", "threads.h", "time.h", "uchar.h", "wchar.h", "wctype.h",
}  # fmt: skip
MAY_TEST_VERSIONS = {"tl_compat.h", "plugin.c"}


def is_source(path):
    if path.suffix in SOURCE_SUFFIXES or path.name == "CMakeLists.txt":
        return True
    with path.open("rb") as content:
        return path.suffix == "" and content.read(2) == b"#!"


def source_files():
    files = (path for path in REPO.rglob("*") if path.is_file() and not path.is_symlink())
    inside = (path for path in files if not NOT_SOURCE.intersection(path.relative_to(REPO).parts))
    return sorted(path for path in inside if is_source(path))


def c_files(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".c", ".h"))


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def place(path, number):
    return f"{path.relative_to(REPO)}:{number}"


def assert_none(found, rule):
    assert not found, f"{rule}:\n" + "\n".join(found)


def test_there_are_sources():
    assert len(source_files()) > 20
    assert c_files(PLUGIN / "engine") and c_files(PLUGIN / "epan")


def test_licence_line():
    line = "SPDX-License-Identifier: GPL-2.0-or-later"
    found = [str(path.relative_to(REPO)) for path in source_files() if line not in "\n".join(lines_of(path)[:10])]
    assert_none(found, "no SPDX line in the first ten lines")


def is_engine_header(name):
    return name and re.fullmatch(r"(\w+/)?tl(_\w+)?\.(h|def)", name) and (PLUGIN / "engine" / name).exists()


def test_engine_includes_only_c_and_itself():
    found = []
    for path in [*c_files(PLUGIN / "engine"), *(PLUGIN / "engine").glob("*.def")]:
        for number, line in enumerate(lines_of(path), 1):
            match = re.match(r'\s*#\s*include\s+(?:<([^>]+)>|"([^"]+)")', line)
            if match and match[1] not in STANDARD_HEADERS and not is_engine_header(match[2]):
                found.append(f"{place(path, number)}: {line.strip()}")
    assert_none(found, "the engine knows C and itself, nothing of Wireshark or GLib")


def test_versions_are_tested_in_one_place():
    condition = re.compile(r"\s*#\s*(if|elif)\b.*(VERSION|_MAJOR|_MINOR|AT_LEAST|TL_WS)")
    found = [
        f"{place(path, number)}: {line.strip()}"
        for path in c_files(PLUGIN)
        if path.name not in MAY_TEST_VERSIONS
        for number, line in enumerate(lines_of(path), 1)
        if condition.match(line)
    ]
    assert_none(found, f"version conditions belong into {' and '.join(sorted(MAY_TEST_VERSIONS))}")


def test_file_sizes():
    sizes = {path: len(lines_of(path)) for path in [*c_files(PLUGIN), *PLUGIN.rglob("*.def")]}
    found = [f"{path.relative_to(REPO)}: {size} lines" for path, size in sizes.items() if size > FILE_LINES_MAX]
    assert_none(found, f"more than {FILE_LINES_MAX} lines")


def functions(path):
    """(first line, lines) of each function: in our format exactly their bodies stand between a { and a } in column 1."""
    start = None
    lines = lines_of(path)
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
            while re.match(r"[\w ].*[^;}/]$", lines[start - 2]):  # the lines of the signature
                start -= 1
        elif line == "}" and start:
            yield start, lines[start - 1 : number]
            start = None


def test_function_sizes():
    found = [
        f"{place(path, start)}: {len(body)} lines"
        for path in c_files(PLUGIN)
        for start, body in functions(path)
        if len(body) > FUNCTION_LINES_MAX
    ]
    assert_none(found, f"functions of more than {FUNCTION_LINES_MAX} lines")


def test_nesting():
    deepest = 4 * (NESTING_MAX + 1)  # columns: one level for the body, then one for each block
    statement = re.compile(r" {%d,}(if|for|while|switch|do|return|break|continue)\b" % (deepest + 1))
    found = [
        f"{place(path, start + i)}: {line.strip()}"
        for path in c_files(PLUGIN)
        for start, body in functions(path)
        for i, line in enumerate(body)
        if statement.match(line)
    ]
    assert_none(found, f"blocks nested deeper than {NESTING_MAX}")


def without_alignment(text):
    """The lines with runs of spaces inside made one: how comments and initialisers are aligned is free."""
    return [re.match(" *", line)[0] + re.sub(" +", " ", line.strip()) for line in text.splitlines()]


def test_format():
    if not shutil.which("clang-format"):
        pytest.skip("clang-format is not installed")
    found = []
    for path in [*c_files(PLUGIN), *c_files(REPO / "tests")]:
        formatted = subprocess.run(["clang-format", path], capture_output=True, encoding="utf-8", check=True).stdout
        is_so, should_be = without_alignment(path.read_text(encoding="utf-8")), without_alignment(formatted)
        changes = difflib.SequenceMatcher(None, is_so, should_be, autojunk=False).get_opcodes()
        found += [place(path, start + 1) for change, start, *_ in changes if change != "equal"]
    assert_none(found, "run clang-format -i, or put clang-format off and on around a table")


def test_shell_scripts():
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    scripts = [path for path in source_files() if path.suffix == ".sh" or lines_of(path)[:1] == ["#!/usr/bin/env bash"]]
    command = ["shellcheck", "--external-sources", "--source-path=SCRIPTDIR", "--exclude=SC2001", *scripts]
    checked = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert checked.returncode == 0, checked.stdout


def test_exported_symbols(build):
    (library,) = build.glob("plugins/*/epan/tcplife.so")
    command = ["nm", "--dynamic", "--defined-only", library]
    listed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    names = {line.split()[-1] for line in listed.splitlines()}
    assert names and all(name.startswith("plugin_") for name in names), names


# ---- promises ------------------------------------------------------------------------------------------------------------


def promises():
    """{title: text} of the guarantees in SECURITY.md."""
    text = (REPO / "SECURITY.md").read_text()
    section = text[text.index("## What is guaranteed") : text.index("## How that is tested")]
    return dict(re.findall(r"^- \*\*(.+?)\*\*(.+?)(?=^- |\Z)", section, re.M | re.S))


def is_test(name):
    """Whether there is a test of this name, as SECURITY.md writes it."""
    if "::" in name:
        file, function = name.split("::")
        found = [path for path in (REPO / "tests").rglob(file) if f"\ndef {function}(" in path.read_text()]
    elif " " in name:
        file, function = name.split()
        found = f"static void {function}(" in (REPO / f"tests/unit/{file}.c").read_text()
    else:
        found = re.search(rf"\b{name}\b.*\) fuzzers\+=", (REPO / "tests/fuzz/run").read_text(), re.M)
    return bool(found)


def test_each_promise_is_attacked():
    """By tests that exist: a promise that nobody tries to break is none."""
    assert promises()
    for title, text in promises().items():
        _, _, tests = text.partition("Tests:")
        names = re.findall(r"`([^`]+)`", tests)
        assert names, f"{title} names no test"
        missing = [name for name in names if not is_test(" ".join(name.split()))]
        assert not missing, f"{title}: no such test: {missing}"


# ---- rules by name ---------------------------------------------------------------------------------------------------

RULE = r"\b[CFIKMOPRS]\d+[a-z]?\b"  # C12, M7b: what docs/design.md calls a rule, and causes.md, which is written from the code


def rules_in_code():
    """The rules whose predicates say so: a comment that begins with their names, /* K6: ... */ or /* P6, P11 */."""
    names = set()
    for path in c_files(PLUGIN):
        for found in re.findall(rf"/\* ({RULE}(?:, {RULE})*)(?::| \*/)", path.read_text(encoding="utf-8")):
            names.update(found.split(", "))
    return names


def rules_in_documents():
    text = "".join((REPO / "docs" / page).read_text(encoding="utf-8") for page in ("design.md", "causes.md"))
    return set(re.findall(RULE, re.sub(r"\bC11 and the standard library", "", text)))


def test_every_rule_stands_at_its_predicate():
    code, documents = rules_in_code(), rules_in_documents()
    assert len(documents) > 90
    assert_none(sorted(documents - code), "rules of docs/design.md that no predicate in plugin/ names (/* K6: ... */)")
    assert_none(sorted(code - documents), "rules named in plugin/ that docs/design.md does not have")


OPENING = re.compile(r"/\* (?P<file>\w[\w-]*\.c) - (?P<what>[^\n]{20,})\n(?P<rest>(?: \*[^\n]*\n)+?) \*/\n")
SOURCE = re.compile(r"\bRFC \d+\b|\b[Oo]bserved\b|docs/\w+\.md")
RULES = [path for path in c_files(PLUGIN / "engine" / "rules") if path.suffix == ".c"]


@pytest.mark.parametrize("path", [path for path in c_files(PLUGIN) if path.suffix == ".c"], ids=lambda path: path.stem)
def test_opening(path):
    """Every .c file opens with what it does; one with rules of TCP names what they stand on."""
    opening = OPENING.match(path.read_text(encoding="utf-8"))
    assert opening and opening["file"] == path.name and not opening["what"].startswith("see ")
    assert path not in RULES or SOURCE.search(opening[0]), "no RFC section or other source"


# ---- names in profiles -----------------------------------------------------------------------------------------------

STATIC = re.compile(r"^static (?:inline )?(?:const )?(?:struct |enum |unsigned )?\w+ \**(\w+)\(", re.M)
MODULE = {"tl_stats_tree": "stats"}  # stats_tree_... is Wireshark's own

def test_static_functions_carry_their_module():
    """A profile, a backtrace or a search then says where one is, and no name stands twice."""
    found = []
    for path in c_files(PLUGIN):
        module = MODULE.get(path.stem, path.stem.removeprefix("tl_"))
        for name in STATIC.findall(path.read_text(encoding="utf-8")):
            own = name == module or name.startswith((module + "_", "tl_"))
            if path.suffix == ".c" and path.stem.startswith("tl_") and not own:
                found.append(f"{path.relative_to(REPO)}: {name} ({module}_...)")
    assert_none(found, "static functions without the name of their module")


DESIGN_LINES_MAX = 1200  # who adds a rule looks for what belongs on another page, or on one that is written from the code


def test_design_is_short_enough_to_be_read():
    assert len(lines_of(REPO / "docs" / "design.md")) <= DESIGN_LINES_MAX
