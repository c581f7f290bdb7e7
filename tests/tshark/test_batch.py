# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife-batch: many captures to one table. What a table must hold is what tshark itself writes for each capture."""

import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from functools import cache

import pytest

from batching import FAILED, FINE, PROGRAM, USAGE, batch, complaints, header_lines, place, table  # noqa: F401 (fixtures)
from conftest import NOBODY, TIMEOUT_S

CAPTURES = ("refused", "half-close", "ipv6-close", "icmp-unreachable", "time-wait-reuse-client", "syn-unanswered")
FORMATS = ("csv", "tsv", "json")

# Names that a shell, a table format or a command line could take for something else.
ODD_NAMES = [
    "a b.pcap", "comma,.pcap", 'quote".pcap', "new\nline.pcap", "tab\t.pcap", "back\\slash.pcap", "-dash.pcap", "#hash.pcap",
    "dollar$(x)`x`'.pcap", "{}{1}{#}.pcap", "ünï.pcap", "*.pcap", " .pcap", "end\n",
]  # fmt: skip


@pytest.fixture(scope="session")
def some(captures, sandbox):
    """A few captures, readable for the program."""
    return [sandbox.readable(captures / f"{name}.pcap") for name in CAPTURES]


@pytest.fixture(scope="session")
def rows_of(tshark):
    """rows_of(capture, format="csv", filter="") -> the lines that tshark writes for a capture without the header."""

    @cache
    def run(capture, kind="csv", display_filter=""):
        done = tshark(["-q", "-z", f"tcplife,{kind}" + (display_filter and "," + display_filter)], capture)
        lines = done.stdout.splitlines()
        return lines[header_lines(kind) :]

    return run


def from_tsv(cell):
    """The text of a cell in Zeek's format, as bytes."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), cell.encode(errors="surrogateescape"))


# ---- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_rows_are_those_of_tshark(kind, batch, some, rows_of):
    """Byte for byte, after the column `file`, in the order of the captures; one header; nothing on standard error."""
    done = batch("--format", kind, *some)
    assert (done.returncode, complaints(done)) == (FINE, "")
    lines = done.stdout.splitlines()[header_lines(kind) :]
    before = {"csv": "{},", "tsv": "{}\t", "json": '{{"file":"{}",'}[kind]
    expected = [before.format(capture) + row[kind == "json" :] for capture in some for row in rows_of(capture, kind)]
    assert len(expected) >= len(some)
    assert lines == expected


def test_headers(batch, some, tshark):
    """tshark's own, with the new column first."""
    for kind in ("csv", "tsv"):
        own = tshark(["-q", "-z", f"tcplife,{kind}"], some[0]).stdout.splitlines()[: header_lines(kind)]
        ours = batch("--format", kind, some[0]).stdout.splitlines()[: header_lines(kind)]
        if kind == "csv":
            assert ours == ["file," + own[0]]
        else:
            assert ours[:5] == own[:5]
            assert ours[5] == own[5].replace("#fields\t", "#fields\tfile\t")
            assert ours[6] == own[6].replace("#types\t", "#types\tstring\t")


def test_filter(batch, some, rows_of):
    done = batch("--filter", "tcp.flags.reset == 1", *some)
    rows = [row for capture in some for row in rows_of(capture, "csv", "tcp.flags.reset == 1")]
    assert rows, "no capture has a reset"
    assert [line.partition(",")[2] for line in done.stdout.splitlines()[1:]] == rows


@pytest.mark.parametrize("kind", FORMATS)
def test_odd_names(kind, batch, some, place):
    """Names that end with NUL on standard input come back from the table as they are."""
    for name in ODD_NAMES:
        shutil.copy(some[0], place / name)
    names = [str(place / name) for name in ODD_NAMES]
    done = batch("--format", kind, "-0", "-", stdin="\0".join(names))
    assert (done.returncode, complaints(done)) == (FINE, "")
    if kind == "csv":
        found = [row["file"] for row in table(done.stdout)]
    elif kind == "tsv":
        found = [from_tsv(line.split("\t")[0]).decode() for line in done.stdout.split("\n")[7:-1]]
    else:
        found = [json.loads(line)["file"] for line in done.stdout.split("\n")[:-1]]
    assert found == names


def test_relative_names(batch, some, place):
    """The first cell could be a comment, a missing value or an option: it is none, and `--` ends the options."""
    shutil.copy(some[0], place / "#x")
    shutil.copy(some[0], place / "-x")
    command = f'cd "{place}" && exec "{batch.folder / PROGRAM}" -f tsv -- "#x" -x'
    done = batch.sandbox.run(["bash", "-c", command])
    assert (done.returncode, complaints(done)) == (FINE, "")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()[7:]] == ["\\x23x", "\\x2dx"]


# A name, and what CSV and TSV make of it, that no spreadsheet takes for a formula (OWASP, "CSV Injection") and no terminal
# obeys: ESC, DEL, and CSI, a C1 control, once as UTF-8 and once as the byte that a terminal of eight bits knows.
HOSTILE = {
    b"=1+1": (r"\x3d1+1", r"\x3d1+1"),
    b"+1": (r"\x2b1", r"\x2b1"),
    b"-1": (r"\x2d1", r"\x2d1"),
    b"@SUM(1)": (r"\x40SUM(1)", r"\x40SUM(1)"),
    b"\t=1": (r"\x09=1", r"\x09=1"),
    b'=",\x1b': (r'"\x3d"",\x1b"', r'\x3d",\x1b'),
    b"\x1b[31m\x7f": (r"\x1b[31m\x7f", r"\x1b[31m\x7f"),
    b"\xc2\x9b31m": (r"\xc2\x9b31m", r"\xc2\x9b31m"),
    b"\x9b31m": (r"\x9b31m", r"\x9b31m"),
    b"\xc3\x9b": ("\N{LATIN CAPITAL LETTER U WITH CIRCUMFLEX}", "\N{LATIN CAPITAL LETTER U WITH CIRCUMFLEX}"),
    b"#\t": ("#\t", r"\x23\x09"),
}


@pytest.mark.parametrize("kind", ("csv", "tsv"))
def test_hostile_names(kind, batch, some, place):
    for name in HOSTILE:
        shutil.copy(some[0], os.fsencode(place) + b"/" + name)
    (place / "list").write_bytes(b"\0".join(HOSTILE))
    command = f'cd "{place}" && exec "{batch.folder / PROGRAM}" -f {kind} -0 - <list'
    done = batch.sandbox.run(["bash", "-c", command])
    assert (done.returncode, complaints(done)) == (FINE, "")
    separator, column = {"csv": (",", 0), "tsv": ("\t", 1)}[kind]
    rows = done.stdout.splitlines()[header_lines(kind) :]
    for cells, row in zip(HOSTILE.values(), rows, strict=True):
        assert row.startswith(cells[column] + separator + "0" + separator), row


def test_messages_move_no_terminal(batch, place):
    done = batch("-0", "-", stdin=f"{place}/\x1b[31m\x9b\n.pcap")
    assert done.returncode == FAILED and "?[31m??.pcap: " in done.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stderr)


def test_name_that_is_not_utf8(batch, some, place):
    name = os.fsencode(place) + b"/\xe4.pcap"
    shutil.copy(some[0], name)
    for kind, expected in (("json", f"{place}/ä.pcap"), ("tsv", f"{place}/\ufffd.pcap")):
        done = batch("--format", kind, place)
        line = done.stdout.splitlines()[header_lines(kind)]
        assert (json.loads(line)["file"] if kind == "json" else line.split("\t")[0]) == expected


def test_folder(batch, some, place):
    """All captures below it in the order of their names; what is left out is told."""
    names = ["a.pcap", "b/c.PCAPNG", "b/d.cap", "rotated.pcap12", "z.cap.1"]
    (place / "b").mkdir()
    for name in names:
        shutil.copy(some[0], place / name)
    (place / "notes.txt").write_text("not a capture")
    done = batch(place)
    assert done.returncode == FINE
    assert [row["file"] for row in table(done.stdout)] == [f"{place}/{name}" for name in names]
    assert re.fullmatch(r"tcplife-batch: .*: files left out, .*: 1\n", complaints(done))


def test_folder_with_links(batch, some, place):
    """A link to a capture is one, a loop is told, links that lead nowhere are counted; none of them stops the run."""
    shutil.copy(some[0], place / "a.pcap")
    links = {"b.pcap": "a.pcap", "loop.pcap": "pool", "pool": "loop.pcap", "gone.pcap": "nowhere", "gone": "nowhere"}
    for name, target in links.items():
        (place / name).symlink_to(target)
    done = batch(place)
    assert done.returncode == FINE
    assert [row["file"] for row in table(done.stdout)] == [f"{place}/a.pcap", f"{place}/b.pcap"]
    assert complaints(done).splitlines() == [
        f"tcplife-batch: {place}/loop.pcap: the link leads round in a circle",
        f"tcplife-batch: {place}/pool: the link leads round in a circle",
        f"tcplife-batch: {place}: links that lead nowhere: 2",
    ]


def test_folder_that_is_closed(batch, some, place):
    """A line for it, status 1, and the rows of all others."""
    shutil.copy(some[0], place / "a.pcap")
    (place / "closed").mkdir(mode=0)
    try:
        done = batch("-o", place / "t.csv", place)
        assert done.returncode == FAILED
        assert [row["file"] for row in table((place / "t.csv").read_text())] == [f"{place}/a.pcap"]
        closed, total = complaints(done).splitlines()
        assert f"{place}/closed" in closed and "Permission denied" in closed
        assert "not in the table" in total
        assert not (place / "t.csv.parts").exists()
    finally:
        (place / "closed").chmod(0o755)


def test_list_of_names(batch, some):
    """A name on each line, other captures before and after the list."""
    done = batch(some[0], "-", some[0], stdin=f"{some[1]}\n{some[2]}")
    files = [row["file"] for row in table(done.stdout)]
    assert [name for name, _ in itertools.groupby(files)] == [str(some[i]) for i in (0, 1, 2, 0)]


def test_nothing_is_said_of_a_citation(batch, some, place):
    """GNU Parallel asks for one whenever its output may be read by a person."""
    done = batch("--bar", "--output", place / "t.csv", some[0])
    assert done.returncode == FINE and "cit" not in done.stderr.lower()
    assert "100%" in done.stderr, "no progress bar"


def test_pipe_gets_a_word_at_the_start_and_at_the_end(batch, some, place):
    done = batch("-o", place / "t.csv", *some[:2])
    assert done.stderr == f"tcplife-batch: reading 2 captures\ntcplife-batch: {place}/t.csv is complete: 2 captures\n"


def test_terminal_gets_a_progress_line(batch, some):
    """`script` makes a terminal for it."""
    if not shutil.which("script"):
        pytest.skip("script is not installed")
    done = batch.sandbox.run(["script", "-qec", f'"{batch.folder / PROGRAM}" "{some[0]}" >/dev/null', "/dev/null"])
    assert done.returncode == FINE and "100%" in done.stdout and "is complete: 1 capture" in done.stdout


def test_result_takes_the_place_of_the_old_one(batch, some, place):
    output = place / "t.csv"
    output.write_text("old")
    assert batch("-o", output, some[0]).returncode == FINE
    assert output.read_text().startswith("file,conn,")
    assert [path.name for path in place.iterdir()] == ["t.csv"], "unfinished work was left behind"


def test_output_is_not_in_the_work_folder(batch, some, place):
    """That goes away at the end, and took the table along; by whatever name the folder is called."""
    (place / "work/below").mkdir(parents=True)
    (place / "link").symlink_to("work/below")
    for folder in (place / "work", place / "work/below"):
        if batch.sandbox.as_root:
            os.chown(folder, NOBODY, NOBODY)
    for output in ("work/t.csv", "work/below/t.csv", "link/t.csv", "link/../t.csv"):
        done = batch("--work", place / "work", "-o", place / output, some[0])
        assert (done.returncode, done.stdout) == (USAGE, ""), output
        assert "lies in the work folder" in done.stderr
    here = batch.sandbox.run(["bash", "-c", f'cd "{place}/work" && "{batch.folder / PROGRAM}" --work . -o t.csv "{some[0]}"'])
    assert here.returncode == USAGE and "lies in the work folder" in here.stderr
    assert sorted(path.name for path in place.rglob("*")) == ["below", "link", "work"]


def test_only_what_it_made_goes(batch, some, place):
    """The work folder of somebody else stays, and so does what somebody puts into one of ours."""
    theirs, ours = place / "theirs", place / "ours"
    theirs.mkdir()
    if batch.sandbox.as_root:
        os.chown(theirs, NOBODY, NOBODY)
    assert batch("--work", theirs, "-o", place / "t.csv", some[0]).returncode == FINE
    assert theirs.is_dir() and not list(theirs.iterdir())
    assert batch("--work", ours, "-o", place / "t.csv", place / "missing.pcap").returncode == FAILED
    (ours / "precious").write_text("mine")
    shutil.copy(some[0], place / "missing.pcap")
    done = batch("--work", ours, "-o", place / "t.csv", "--resume", place / "missing.pcap")
    assert done.returncode == FINE and f"{ours} stays" in done.stderr
    assert [path.name for path in ours.iterdir()] == ["precious"]


def test_table_is_written_under_a_fresh_name(batch, some, place):
    """What stands beside the output, a link for instance, is not followed or written over."""
    (place / "victim").write_text("mine")
    (place / "t.csv.temp").symlink_to("victim")
    done = batch("-o", place / "t.csv", some[0])
    assert done.returncode == FINE and (place / "t.csv").read_text().startswith("file,conn,")
    assert (place / "victim").read_text() == "mine" and (place / "t.csv.temp").is_symlink()
    assert sorted(path.name for path in place.iterdir()) == ["t.csv", "t.csv.temp", "victim"]
    assert (place / "t.csv").stat().st_mode & 0o777 == 0o644, "umask"


def test_more_parts_than_a_million(batch, some, place):
    """Their names sort as their numbers do."""
    work = place / "work"
    for folder in ("part", "shard"):
        (work / folder).mkdir(parents=True)
    (work / "run").write_bytes(b"2\0csv\0\0\0")
    (work / "header").write_text(batch(some[0]).stdout.split("\n")[0].removeprefix("file,") + "\n")
    for name in ("names", "files"):
        (work / name).write_bytes((str(some[0]).encode() + b"\0") * 1_000_000)
    if batch.sandbox.as_root:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", work], check=True)
    for number in (999_999, 1_000_000):
        done = batch.sandbox.run([batch.folder / "tcplife-batch-part", f"read {number} 0 {work}"])
        assert done.returncode == FINE, done.stderr
    assert [int(path.stem) for path in sorted((work / "part").glob("*.rows"))] == [999_999, 1_000_000]


# Stands for ssh: notes the machine, and runs the command here. On the machine "bare" there is no plugin.
FAKE_SSH = """
echo "$1" >>{log}
[ "$1" != bare ] || export WIRESHARK_PLUGIN_DIR=/nonexistent
shift; [ "$1" != -- ] || shift
SHELL=/bin/sh exec bash -c "$*" # sshd sets SHELL
"""


def machines(place, *names):
    """The arguments and the environment for machines that are all this one."""
    fake_program(place, "ssh", FAKE_SSH.replace("{log}", shlex.quote(str(place / "ssh.log"))))
    hosts = [word for name in names for word in ("--sshlogin", name)]
    return hosts, {"PARALLEL_SSH": str(place / "fake/ssh")}


def test_this_machine_by_its_name(batch, some):
    """`:` in GNU Parallel's words."""
    assert batch("--sshlogin", ":", *some).stdout == batch(*some).stdout


def test_several_machines(batch, some, place):
    hosts, environment = machines(place, "one", "two")
    done = batch("-j1", *hosts, *some, env=environment)
    assert (done.returncode, complaints(done)) == (FINE, "")
    assert done.stdout == batch(*some).stdout
    assert {"one", "two"} <= set((place / "ssh.log").read_text().split())


def test_machine_without_the_plugin(batch, some, place):
    """The run stops and says which; without that machine it can go on."""
    hosts, environment = machines(place, "bare")
    output = place / "t.csv"
    done = batch("-o", output, *hosts, *some, env=environment)
    assert done.returncode == FAILED and "the tcplife plugin is not active in tshark on" in done.stderr
    assert not output.exists()
    assert batch("-o", output, "--resume", *some).returncode == FINE
    assert output.read_text() == batch(*some).stdout


def test_machine_with_other_columns(batch, some, place):
    """Another version of the plugin there: its rows must not be mixed with ours."""
    newer = 'case "$*" in *none.pcap*) exec {real} "$@" ;; *) {real} "$@" | sed "1s/^conn,/conn,new,/" ;; esac'
    done = batch(*some, env=fake_program(place, "tshark", newer))
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "has other columns than where the run began" in done.stderr


# ---- bad captures ----------------------------------------------------------------------------------------------------


def test_bad_captures(batch, some, place, rows_of):
    """A line for each that names it and says why; the rows of all others, and those of a cut one up to the cut."""
    cut, damaged = place / "cut.pcap", place / "damaged.pcap"
    content = some[1].read_bytes()
    cut.write_bytes(content[:-10])
    damaged.write_bytes(content[: len(content) // 2] + b"\xff" * 40)
    bad = {"empty.pcap": b"", "text.pcap": b"This is not a capture.\n", "page.pcap": b"<?xml version='1.0'?>"}
    for name, text in bad.items():
        (place / name).write_bytes(text)
    os.mkfifo(place / "pipe.pcap")
    (place / "secret.pcap").write_bytes(content)
    (place / "secret.pcap").chmod(0)
    reasons = {
        cut: "cut short", place / "missing.pcap": "doesn't exist", place / "empty.pcap": "empty", place / "page.pcap": "mime",
        place / "text.pcap": "isn't a capture", place / "pipe.pcap": "regular file", place / "secret.pcap": "permission",
        damaged: "damaged|cut short",
    }  # fmt: skip
    done = batch(some[0], *reasons, some[2])
    assert done.returncode == FAILED
    *lines, total = complaints(done).splitlines()
    for (path, reason), line in zip(reasons.items(), lines, strict=True):
        assert line.startswith(f"tcplife-batch: {path}: ") and re.search(reason, line), line
    assert f"{len(reasons)} of {len(reasons) + 2} captures" in total
    expected = [f"{path},{row}" for path in (some[0], cut, damaged, some[2]) for row in rows_of(path)]
    assert done.stdout.splitlines()[1:] == expected
    assert {row["file"] for row in table(done.stdout)} == {str(path) for path in (some[0], cut, damaged, some[2])}


def test_only_capture_is_missing(batch, place):
    """Status 1, as for one of many, and a table without rows."""
    done = batch("-o", place / "t.csv", place / "missing.pcap")
    assert done.returncode == FAILED
    assert f"{place}/missing.pcap: the file doesn't exist" in done.stderr and "1 of 1 captures" in done.stderr
    assert (place / "t.csv").read_text().startswith("file,conn,") and (place / "t.csv").read_text().count("\n") == 1


def test_tshark_that_dies(batch, some, place, tshark):
    """Killed in the middle of the header or of a row: nothing that it wrote is in the table."""
    dies = 'case "$*" in *half-close*) {real} "$@" | head -c %d; kill -9 $$ ;; *) exec {real} "$@" ;; esac'
    header = tshark(["-q", "-z", "tcplife,csv"], some[1]).stdout.index("\n")
    whole = batch(some[0], some[2]).stdout
    for cut in (10, header + 20):
        done = batch(*some[:3], env=fake_program(place, "tshark", dies % cut))
        assert done.returncode == FAILED
        assert re.search(r"half-close.pcap: tshark was killed by signal 9\n", done.stderr)
        assert done.stdout == whole


def fake_program(place, name, text):
    """A program that is found before the real one, whose path is {real}; the environment for it."""
    folder = place / "fake"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/usr/bin/env bash\n" + text.replace("{real}", shutil.which(name) or "false") + "\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


# ---- wrong usage, and what is missing --------------------------------------------------------------------------------

WRONG = {
    "no capture": ([], "no capture was named"),
    "empty list": (["-"], "no capture to read"),
    "option": (["--colour", "x"], "no option --colour"),
    "format": (["-f", "xml", "x"], "csv, tsv or json"),
    "no value": (["-f"], "needs a value"),
    "jobs": (["-j", "0", "x"], "--jobs"),
    "one shard": (["--shards", "1", "x"], "2 to 999"),
    "shards and filter": (["--shards=2", "--filter=tcp", "x"], "exclude each other"),
    "resume what": (["--resume", "x"], "--resume needs"),
    "folder": (["-o", "/tmp", "x"], "is a folder"),
    "device": (["-o", "/dev/null", "x"], "not a regular file"),
    "no folder": (["-o", "/nonexistent/x", "x"], "does not exist"),
    "no right": (["-o", "/proc/1/x", "x"], "may not write"),
    "no right to work": (["--work", "/proc/1/x", "x"], "may not write"),
    "strange work": (["--work", "/usr", "x"], "not from tcplife-batch"),
    "filter": (["--filter", "nonsense..", "x"], "nonsense"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage(name, batch):
    args, expected = WRONG[name]
    done = batch(*args)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert expected in done.stderr and done.stderr.startswith("tcplife-batch: "), done.stderr


def test_help(batch):
    done = batch("--help")
    assert (done.returncode, complaints(done)) == (FINE, "")
    assert done.stdout.startswith("usage: tcplife-batch ")


def test_plugin_is_not_active(batch, some, place):
    """One message before anything is read, not one for each capture."""
    done = batch(*some, env={"WIRESHARK_PLUGIN_DIR": str(place)})
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "plugin is not active" in done.stderr and done.stderr.count("\n") == 1


# tshark without plugins, whatever is installed for all users: only for an ordinary user the environment names another folder.
BARE_TSHARK = f"WIRESHARK_PLUGIN_DIR=/nonexistent exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups {{real}} \"$@\""


def test_root_is_told_why(batch, some, place):
    if not batch.sandbox.as_root:
        pytest.skip("needs root")
    environment = batch.sandbox.environment(fake_program(place, "tshark", BARE_TSHARK))
    done = subprocess.run([batch.folder / PROGRAM, some[0]], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == USAGE and "for root, tshark ignores plugins" in done.stderr


def test_the_other_parallel(batch, some, place):
    """moreutils has a program of the same name."""
    done = batch(some[0], env=fake_program(place, "parallel", "echo 'parallel: invalid option' >&2; exit 1"))
    assert done.returncode == USAGE and "GNU Parallel is not installed" in done.stderr


def test_output_that_is_full(batch, some):
    done = batch.sandbox.run(["bash", "-c", '"$0" "$@" >/dev/full', batch.folder / PROGRAM, *some])
    assert done.returncode == FAILED and "standard output" in done.stderr


# ---- runs that were cut short ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def undisturbed(batch, some):
    """The table of `some` and of a capture that is cut."""
    cut = batch.sandbox.new_path("-cut.pcap")
    cut.write_bytes(some[1].read_bytes()[:-10])
    cut.chmod(0o644)
    done = batch(*some, cut)
    assert done.returncode == FAILED
    return [*some, cut], done.stdout


def wait_for(condition, run):
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert run.poll() is None and time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def jobs_done(work):
    log = work / "read.log"
    return [line.split("\t") for line in log.read_text().splitlines()[1:]] if log.exists() else []


class Held:
    """A run, one job at a time, that comes as far as to one of its captures and waits there until `go_on` is called."""

    def __init__(self, batch, place, output, captures, done):
        self.gate = place / "gate"
        waits = f'[ "$4" != "{captures[done]}" ] || while [ -d "{place}" ] && [ ! -e "{self.gate}" ]; do sleep 0.02; done'
        self.run = batch.start("-j1", "-o", output, *captures, env=fake_program(place, "tshark", waits + '\nexec {real} "$@"'))
        work = place / f"{output.name}.parts"
        wait_for(lambda: len(jobs_done(work)) >= done and (work / "identity").exists(), self.run)

    def go_on(self):
        self.gate.touch()


def kill_all(run):
    os.killpg(run.pid, signal.SIGKILL)


def kill_group_of_jobs(run):
    """GNU Parallel gives each job a process group of its own, which outlives the others: here they die, too."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,sess="], capture_output=True, text=True, check=True).stdout
    members = [int(line.split()[0]) for line in listed.splitlines() if int(line.split()[1]) == run.pid]
    for member in members:
        with contextlib.suppress(ProcessLookupError):  # it was done already
            os.kill(member, signal.SIGKILL)


@pytest.mark.parametrize("jobs", [0, 1, 5])
@pytest.mark.parametrize("kill", [kill_all, kill_group_of_jobs])
def test_killed_run_is_resumed(kill, jobs, batch, undisturbed, place):
    """Killed after some jobs: no table; then the same bytes as if nothing had happened, and no job was done twice."""
    captures, expected = undisturbed
    output, work = place / "t.csv", place / "t.csv.parts"
    held = Held(batch, place, output, captures, jobs)
    kill(held.run)
    held.go_on()  # a job in a group of its own
    held.run.communicate(timeout=TIMEOUT_S)
    assert not output.exists()
    before = [line[:3] for line in jobs_done(work)]
    refused = batch("-j1", "-o", output, *captures)
    assert refused.returncode == USAGE and "--resume" in refused.stderr
    done = batch("-j2", "-o", output, "--resume", *captures)
    assert done.returncode == FAILED, "one capture is cut"
    assert output.read_text() == expected
    after = [line[:3] for line in jobs_done(work)]
    good = [line for line in before if int(line[0]) < len(captures)]
    assert after[: len(good)] == good, "what was done is done again"
    assert sorted(int(line[0]) for line in after) == list(range(1, len(captures) + 1))


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_run(number, status, batch, undisturbed, place):
    """It says how to go on, ends its jobs, and is resumed."""
    captures, expected = undisturbed
    output = place / "t.csv"
    run = Held(batch, place, output, captures, 1).run
    os.kill(run.pid, number)
    _, messages = run.communicate(timeout=TIMEOUT_S)
    assert run.returncode == status and "--resume" in messages
    assert not output.exists()
    assert batch("-o", output, "--resume", *captures).returncode == FAILED
    assert output.read_text() == expected


def test_killed_alone(batch, undisturbed, place):
    """Only the program itself is killed: GNU Parallel works on, and nobody works beside it."""
    captures, expected = undisturbed
    output, work = place / "t.csv", place / "t.csv.parts"
    held = Held(batch, place, output, captures, 1)
    os.kill(held.run.pid, signal.SIGKILL)
    second = batch("-o", output, "--resume", *captures)
    assert second.returncode == USAGE and "another run is at work" in second.stderr
    held.go_on()
    held.run.communicate(timeout=TIMEOUT_S)  # until the last of them closes standard error
    assert batch("-o", output, "--resume", *captures).returncode == FAILED
    assert output.read_text() == expected
    assert sorted(int(line[0]) for line in jobs_done(work)) == list(range(1, len(captures) + 1))


def test_leftovers_of_a_kill(batch, undisturbed, place):
    """What a kill in the middle of a write leaves: half a part, half a line of the job log, half a table."""
    captures, expected = undisturbed
    output, work = place / "t.csv", place / "t.csv.parts"
    assert batch("-j1", "-o", output, *captures).returncode == FAILED
    lines = (work / "read.log").read_text().splitlines(keepends=True)
    (work / "read.log").write_text("".join(lines[:3]) + lines[3][:9])
    (work / "finished").unlink()
    (work / "part/000000003.rows").rename(work / "part/000000003.temp.abcdef")
    (work / "part/000000004.temp.abcdef").write_text("half a r")
    output.unlink()
    (place / "t.csv.abcdef").write_text("half a t")
    (work / "table").write_text(str(place / "t.csv.abcdef"))
    if batch.sandbox.as_root:
        os.chown(place / "t.csv.abcdef", NOBODY, NOBODY)
    assert batch("-o", output, "--resume", *captures).returncode == FAILED
    assert output.read_text() == expected
    assert not list(work.glob("part/*.temp.*")) and not (place / "t.csv.abcdef").exists()


def test_resume_is_of_the_same_run(batch, undisturbed, place):
    captures, _ = undisturbed
    output = place / "t.csv"
    batch("-o", output, *captures)
    for other in (captures[1:], ["--format", "tsv", *captures], [*captures, captures[0]]):
        done = batch("-o", output, "--resume", *other)
        assert done.returncode == USAGE and "cannot go on" in done.stderr


def test_resume_without_a_run_begins_one(batch, undisturbed, place):
    captures, expected = undisturbed
    assert batch("-o", place / "t.csv", "--resume", *captures).returncode == FAILED
    assert (place / "t.csv").read_text() == expected


def test_finished_run_may_begin_afresh(batch, undisturbed, place):
    """A run with a bad capture keeps its parts for --resume; without it the next run needs no cleaning."""
    captures, expected = undisturbed
    for _ in range(2):
        assert batch("-o", place / "t.csv", *captures).returncode == FAILED
        assert (place / "t.csv").read_text() == expected


def test_capture_that_was_mended(batch, some, place, rows_of):
    """--resume reads again what had errors and what has changed, and nothing else."""
    mended, changed = place / "mended.pcap", place / "changed.pcap"
    shutil.copy(some[0], changed)
    output, work = place / "t.csv", place / "t.csv.parts"
    (place / "bad.pcap").write_text("x")
    captures = [some[2], mended, changed, place / "bad.pcap"]
    assert batch("-o", output, *captures).returncode == FAILED
    before = jobs_done(work)
    shutil.copy(some[1], mended)
    shutil.copy(some[3], changed)
    assert batch("-o", output, "--resume", *captures).returncode == FAILED
    assert output.read_text().splitlines()[1:] == [f"{path},{row}" for path in captures[:3] for row in rows_of(path)]
    again = [line[0] for line in jobs_done(work) if line not in before]
    assert sorted(again) == ["2", "3", "4"]
    shutil.copy(some[4], place / "bad.pcap")
    assert batch("-o", output, "--resume", *captures).returncode == FINE
    assert not work.exists()


@pytest.mark.parametrize("free_kib", [0, 8, 24])
def test_full_disk(free_kib, batch, undisturbed, place):
    """Wherever the disk is full: status 1 and a message, and when there is room again, the same table."""
    if not batch.sandbox.as_root:
        pytest.skip("mounting a small disk needs root")
    captures, expected = undisturbed
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a disk")
    try:
        os.chown(place, NOBODY, NOBODY)
        output = place / "t.csv"
        run = batch("-o", output, captures[0])
        assert run.returncode == FINE, run.stderr
        output.unlink()
        filler = place / "filler"
        filler.write_bytes(bytes((512 - free_kib - 4) * 1024))  # a page is for the folder
        done = batch("-o", output, *captures)
        assert done.returncode in (FAILED, USAGE) and re.search("No space left", done.stderr), done.stderr
        assert not output.exists()
        filler.unlink()
        assert batch("-o", output, "--resume", *captures).returncode == FAILED, "one capture is cut"
        assert output.read_text() == expected
    finally:
        subprocess.run(["umount", place], check=True)
