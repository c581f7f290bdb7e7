# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of tcplife-batch share: fixtures to run it, and how to read its tables."""

import csv
import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import NOBODY

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
PROGRAM, PART_PROGRAM = "tcplife-batch", "tcplife-batch-part"
USAGE, FAILED, FINE = 2, 1, 0  # exit statuses


class Batch:
    """The program in a folder where the user of the tests can read it."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.folder = sandbox.new_path("-bin")
        self.folder.mkdir()
        for name in (PROGRAM, PART_PROGRAM):
            shutil.copy(SCRIPTS / name, self.folder / name)
            (self.folder / name).chmod(0o755)

    def command(self, args):
        return [self.folder / PROGRAM, *args]

    def __call__(self, *args, **how):
        return self.sandbox.run(self.command(args), **how)

    def start(self, *args):
        """Started in a session of its own, so that it can be killed with all that it started."""
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if self.sandbox.as_root else {}
        return subprocess.Popen(
            [str(word) for word in self.command(args)],
            env=self.sandbox.environment(None),
            cwd=self.sandbox.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
            **user,
        )


@pytest.fixture(scope="session")
def batch(sandbox):
    for program in ("parallel", "tcpdump"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    return Batch(sandbox)


@pytest.fixture
def place(sandbox):
    """An empty folder in which the program may write."""
    folder = sandbox.new_path("-place")
    folder.mkdir()
    if sandbox.as_root:
        os.chown(folder, NOBODY, NOBODY)
    return folder


WORDS = re.compile(r"tcplife-batch: (reading \d+ captures?|.* is complete: \d+ captures?)\n")


def complaints(done):
    """Standard error without the word at the start and the one at the end."""
    return WORDS.sub("", done.stderr)


def header_lines(kind):
    """Lines before the rows of a table."""
    return {"csv": 1, "tsv": 7, "json": 0}[kind]


def table(text):
    """A CSV table as a list of dictionaries."""
    return list(csv.DictReader(io.StringIO(text, newline="")))
