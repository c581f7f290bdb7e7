#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Adds up the JUnit files of several test runners and prints one line: N passed, N failed, N skipped.

A runner's file is RUNNER.xml. A file that is missing or unreadable, or that tells of no executed test, counts as one
failed test. One ctest test is a program that may hold many tests: if its output carries counts, those are used.
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

# The summary of cmocka, one set for each group: "[  PASSED  ] 3 test(s).", "[  FAILED  ] 1 test(s), listed below:"; later
# versions name the group: "[  FAILED  ] GROUP: 1 test(s), listed below:".
CMOCKA_COUNT = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) +\] (?:\S+: )?(\d+) test\(s\)", re.MULTILINE)

# The summary of tests/cases/run_cases.
CASES_COUNT = re.compile(r"^(\d+) cases, (\d+) failed$", re.MULTILINE)


def verdict_of(case):
    """passed, failed or skipped, for one JUnit test case."""
    status = case.get("status", "run")  # only ctest writes it
    skipped = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None or status == "fail":
        return "failed"
    if status == "notrun":  # ctest: skipped on purpose, or the program does not exist, or a fixture failed
        on_purpose = skipped is not None and skipped.get("message", "").startswith("SKIP_")
        return "skipped" if on_purpose else "failed"
    return "skipped" if skipped is not None or status == "disabled" else "passed"


def counts_in(output):
    """What a program's output says of its own tests; empty when it does not say."""
    counts = Counter()
    for word, number in CMOCKA_COUNT.findall(output):
        counts[word.lower()] += int(number)
    for cases, failed in CASES_COUNT.findall(output):
        counts.update(passed=int(cases) - int(failed), failed=int(failed))
    return +counts


def count_case(case):
    verdict = verdict_of(case)
    counts = counts_in(case.findtext("system-out") or "") if verdict != "skipped" else Counter()
    if verdict == "failed" and not counts["failed"]:  # it crashed, or failed without telling where
        counts["failed"] += 1
    return counts or Counter({verdict: 1})


def count_file(path, filtered):
    """The counts of one runner, and a word on what is wrong with it or None."""
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        return Counter(failed=1), f"{path.stem} left no results: {error}"
    counts = sum((count_case(case) for case in cases), Counter())
    if not counts["passed"] and not counts["failed"] and not filtered:
        return counts + Counter(failed=1), f"{path.stem} executed no test"
    return counts, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filtered", action="store_true", help="a runner may have executed nothing")
    parser.add_argument("results", nargs="+", help="JUnit files, without .xml")
    arguments = parser.parse_args()
    total = Counter()
    for result in arguments.results:
        counts, problem = count_file(Path(result + ".xml"), arguments.filtered)
        if problem:
            print(f"tests/run: {problem}", file=sys.stderr)
        total += counts
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
