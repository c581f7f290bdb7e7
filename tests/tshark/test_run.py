# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/run itself: how the results of the runners are summed, and its command line."""

import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
SUM = REPO / "scripts" / "sum_results.py"

CMOCKA_OUTPUT = """[==========] Running 4 test(s).
[ RUN      ] a
[       OK ] a
[==========] 4 test(s) run.
[  PASSED  ] 2 test(s).
[  SKIPPED ] tests: 1 test(s), listed below:
[  SKIPPED ] c
[  FAILED  ] tests: 1 test(s), listed below:
[  FAILED  ] b
"""


def case(inner="", status="run", output=""):
    return f'<testcase name="x" status="{status}">{inner}<system-out>{output}</system-out></testcase>'


@pytest.fixture
def total(tmp_path):
    """total(*cases, options=()) -> (last line of the sum of one runner with these cases, exit status)."""

    def run(*cases, options=()):
        (tmp_path / "runner.xml").write_text(f"<testsuite>{''.join(cases)}</testsuite>")
        return sum_of(tmp_path / "runner", options=options)

    return run


def sum_of(*results, options=()):
    done = subprocess.run([sys.executable, "-I", SUM, *options, *results], capture_output=True, encoding="utf-8", check=False)
    return done.stdout.splitlines()[-1], done.returncode


def test_passed(total):
    assert total(case(), case()) == ("2 passed, 0 failed, 0 skipped", 0)


def test_failed_and_skipped(total):
    results = [case(), case("<failure/>"), case("<error/>"), case("<skipped/>")]
    assert total(*results) == ("1 passed, 2 failed, 1 skipped", 1)


def test_cmocka_program_counts_its_tests(total):
    assert total(case("<failure/>", "fail", CMOCKA_OUTPUT)) == ("2 passed, 1 failed, 1 skipped", 1)


def test_case_runner_counts_its_cases(total):
    assert total(case("<failure/>", "fail", "12 cases, 2 failed\n")) == ("10 passed, 2 failed, 0 skipped", 1)


def test_program_that_crashes_after_its_tests_passed(total):
    assert total(case("<failure/>", "fail", "[  PASSED  ] 3 test(s).\n")) == ("3 passed, 1 failed, 0 skipped", 1)


def test_program_that_skips_itself(total):
    skipped = case('<skipped message="SKIP_RETURN_CODE=77"/>', "notrun")
    assert total(case(), skipped) == ("1 passed, 0 failed, 1 skipped", 0)


def test_program_that_does_not_exist(total):
    missing = case('<skipped message="Unable to find executable"/>', "notrun")
    assert total(case(), missing) == ("1 passed, 1 failed, 0 skipped", 1)


def test_runner_that_executed_nothing(total):
    assert total() == ("0 passed, 1 failed, 0 skipped", 1)


def test_everything_skipped_is_nothing_executed(total):
    assert total(case("<skipped/>")) == ("0 passed, 1 failed, 1 skipped", 1)


def test_filter_may_leave_a_runner_without_tests(total):
    assert total(options=["--filtered"]) == ("0 passed, 0 failed, 0 skipped", 1)


def test_runner_that_left_no_file(tmp_path):
    (tmp_path / "good.xml").write_text(f"<testsuite>{case()}</testsuite>")
    assert sum_of(tmp_path / "good", tmp_path / "crashed") == ("1 passed, 1 failed, 0 skipped", 1)


def test_help():
    done = subprocess.run([REPO / "tests" / "run", "--help"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0 and done.stdout.startswith("usage: tests/run")


@pytest.mark.parametrize("arguments", [["--verbose"], ["-k"], ["gtest"]])
def test_wrong_usage(arguments):
    done = subprocess.run([REPO / "tests" / "run", *arguments], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2 and "tests/run --help shows the usage" in done.stderr
