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


# Stands in front of tshark and asks it the same question of the same bytes once. An answer with a complaint, which names the file,
# is not kept; a question without a capture goes to tshark itself.
ASK_ONCE = r"""#!/usr/bin/env bash
real={real} mine={kept}/$$
case "$1 $2 $3" in
    "-n -q -r") file=$4 ;;
    "-n -r -") file=- ;;
    *) exec "$real" "$@" ;;
esac
trap 'rm -f "$mine".*' EXIT
if [ "$file" = - ]; then
    cat >"$mine.in"
    exec <"$mine.in"
fi
content=${{file/#-/$mine.in}}
[ -f "$content" ] && [ -r "$content" ] || exec "$real" "$@"
words="$* $WIRESHARK_PLUGIN_DIR $WIRESHARK_CONFIG_DIR"
key=$( (echo "${{words//"$file"/}}" && cat -- "$content") | sha256sum)
answer={kept}/${{key%% *}}
[ ! -e "$answer" ] || {{ cat "$answer"; exit; }}
"$real" "$@" >"$mine.out" 2>"$mine.err"
status=$?
cat "$mine.out"
cat "$mine.err" >&2
[ "$status" -ne 0 ] || [ -s "$mine.err" ] || mv "$mine.out" "$answer"
exit "$status"
"""


class Batch:
    """The program in a folder where the user of the tests can read it, with ASK_ONCE before tshark."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.folder = sandbox.new_path("-bin")
        self.folder.mkdir()
        for name in (PROGRAM, PART_PROGRAM):
            shutil.copy(SCRIPTS / name, self.folder / name)
            (self.folder / name).chmod(0o755)
        front, kept = sandbox.new_path("-front"), sandbox.new_path("-answers")
        for folder in (front, kept):
            folder.mkdir()
        kept.chmod(0o777)
        (front / "tshark").write_text(ASK_ONCE.format(real=shutil.which("tshark"), kept=kept))
        (front / "tshark").chmod(0o755)
        self.path = {"PATH": f"{front}:{os.environ['PATH']}"}

    def command(self, args):
        return [self.folder / PROGRAM, *args]

    def __call__(self, *args, **how):
        how["env"] = {**self.path, **(how.get("env") or {})}
        return self.sandbox.run(self.command(args), **how)

    def start(self, *args, env=None):
        """Started in a session of its own, so that it can be killed with all that it started; SIGINT ends it, also where a shell
        has started the tests in the background. tshark itself answers."""
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if self.sandbox.as_root else {}
        return subprocess.Popen(
            ["env", "--default-signal=INT", *(str(word) for word in self.command(args))],
            env=self.sandbox.environment(env),
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
