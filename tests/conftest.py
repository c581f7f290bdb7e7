# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures for every pytest test: the built plugin inside tshark and sharkd. tests/README.md shows how to use them.

Wireshark loads no plugin from WIRESHARK_PLUGIN_DIR when it runs as root, silently. Under root the fixtures therefore run
it as a user that owns nothing, on copies of the plugin and the captures in a folder which that user can read; the
repository itself may lie where it cannot.
"""

import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
NOBODY = 65534  # user and group that own nothing, by Debian's base-passwd
CAPTURE_START_S = 1_700_000_000  # time of the first packet that scapy_pcap writes: 2023-11-14
TIMEOUT_S = 300  # for one run of tshark or sharkd
FIELD_SEPARATOR, VALUE_SEPARATOR = "\t", "|"  # of our -T fields output; VALUE_SEPARATOR where a field occurs twice in a frame

Result = namedtuple("Result", "stdout stderr returncode")


def default_build():
    """The build to test: TCPLIFE_BUILD, else what tests/run made, else a plain `cmake -B build`."""
    named = os.environ.get("TCPLIFE_BUILD")
    candidates = [Path(named)] if named else [REPO / "build" / "tests", REPO / "build"]
    for candidate in candidates:
        if any(candidate.glob("plugins/*/epan/tcplife.so")):
            return candidate.resolve()
    folders = ", ".join(map(str, candidates))
    pytest.fail(f"no plugin found in {folders}: build it first, or use tests/run", pytrace=False)


def boolean_text(value):
    """FT_BOOLEAN prints 1 and 0 in Wireshark 4.0, True and False later: always 1 and 0 here."""
    return {"True": "1", "False": "0"}.get(value, value)


class Sandbox:
    """A folder readable for the user that runs Wireshark, and the way to run a command as that user."""

    def __init__(self, build):
        self.as_root = os.geteuid() == 0
        self.folder = Path(tempfile.mkdtemp(prefix="tcplife-tests-", dir="/tmp" if self.as_root else None))
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.plugins = self.folder / "plugins"
        shutil.copytree(build / "plugins", self.plugins)
        self._numbers = itertools.count(1)
        self._copies = {}
        if self.as_root:
            os.chown(self.home, NOBODY, NOBODY)
            subprocess.run(["chmod", "--recursive", "a+rX", self.folder], check=True)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_path(self, suffix):
        return self.folder / f"{next(self._numbers)}{suffix}"

    def readable(self, path):
        """The path itself, or under root a copy of the file that the other user can read."""
        path = Path(path).resolve()
        if not self.as_root or self.folder in path.parents:
            return path
        state = path.stat()
        key = (path, state.st_mtime_ns, state.st_size)
        if key not in self._copies:
            copy = self.new_path("-" + path.name)
            shutil.copyfile(path, copy)
            copy.chmod(0o644)
            self._copies[key] = copy
        return self._copies[key]

    def environment(self, extra):
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.home),
            "WIRESHARK_CONFIG_DIR": str(self.home),
            "WIRESHARK_PLUGIN_DIR": str(self.plugins),
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            **(extra or {}),
        }

    def run(self, command, stdin="", env=None, timeout=TIMEOUT_S):
        """Runs a command as the other user, in the sandbox's home. Output is text; undecodable bytes are replaced."""
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if self.as_root else {}
        done = subprocess.run(
            [str(word) for word in command],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=self.environment(env),
            cwd=self.home,
            timeout=timeout,
            check=False,
            **user,
        )
        return Result(done.stdout, done.stderr, done.returncode)


@pytest.fixture(scope="session")
def build():
    """The build folder under test."""
    return default_build()


@pytest.fixture(scope="session")
def sandbox(build):
    """Where Wireshark runs; see Sandbox."""
    sandbox = Sandbox(build)
    plugins = sandbox.run(["tshark", "-G", "plugins"])
    if "tcplife" not in plugins.stdout:
        sandbox.close()
        pytest.fail(f"tshark does not load {build}/plugins: {plugins.stderr}", pytrace=False)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="session")
def captures():
    """The folder of the shipped captures."""
    return REPO / "captures"


@pytest.fixture(scope="session")
def tshark(sandbox):
    """tshark(args, capture=None, *, stdin="", env=None, timeout=...) -> Result(stdout, stderr, returncode).

    Runs tshark with the plugin, name resolution off and preferences at their defaults. `capture` becomes -r."""

    def run(args, capture=None, **how):
        read = ["-r", sandbox.readable(capture)] if capture else []
        return sandbox.run(["tshark", "-n", *read, *args], **how)

    return run


@pytest.fixture(scope="session")
def fields(tshark):
    """fields(capture, *names, display_filter=None, two_pass=False, extra=()) -> one dictionary for each frame shown.

    Values are texts; "" where the frame has no such field; "a|b" where it occurs twice (two TCP headers). Yes and no are
    "1" and "0". Late fields need two_pass=True. `extra` are more tshark arguments, ("-o", "pref:value") for instance.
    Fails the test when tshark fails."""

    def run(capture, *names, display_filter=None, two_pass=False, extra=()):
        args = ["-T", "fields", "-E", "occurrence=a"]
        args += ["-E", f"separator={FIELD_SEPARATOR}", "-E", f"aggregator={VALUE_SEPARATOR}"]
        args += ["-2"] * two_pass
        args += ["-Y", display_filter] if display_filter else []
        args += [word for name in names for word in ("-e", name)]
        result = tshark([*args, *extra], capture)
        assert result.returncode == 0, result.stderr
        rows = (line.split(FIELD_SEPARATOR) for line in result.stdout.splitlines())
        return [dict(zip(names, map(normalised, row), strict=True)) for row in rows]

    def normalised(value):
        return VALUE_SEPARATOR.join(boolean_text(part) for part in value.split(VALUE_SEPARATOR))

    return run


@pytest.fixture(scope="session")
def registered_fields(sandbox):
    """{name: (title, type, text)} of all of tcplife's fields and expert items, as `tshark -G fields` lists them."""
    rows = (line.split("\t") for line in sandbox.run(["tshark", "-G", "fields"]).stdout.splitlines())
    listed = {row[2]: (row[1], row[3], row[7]) for row in rows if row[0] == "F" and row[2].startswith("tcplife.")}
    assert len(listed) > 100, "-G has to be the first option"
    return listed


@pytest.fixture(scope="session")
def frame_numbers(registered_fields):
    """The names of the fields that hold a frame's number."""
    return {"frame.number", *(name for name, (_, kind, _) in registered_fields.items() if kind == "FT_FRAMENUM")}


@pytest.fixture(scope="session")
def fields_together(fields, frame_numbers, sandbox):
    """fields_together(captures, *names, ...) -> for each capture what fields(capture, *names, ...) gives, by one run of tshark.

    No filter: every frame has a row. together.py says what is not as if each stood alone: what the end of a capture decides, and
    numbers of frames in texts."""
    from together import Together, read_part

    def run(captures, *names, **how):
        together = Together([read_part(Path(capture)) for capture in captures], sandbox.new_path(".pcap"))
        return together.rows(fields, frame_numbers, *names, **how)

    return run


@pytest.fixture(scope="session")
def sharkd(sandbox):
    """sharkd(capture, *requests) -> the `result` of each request, in order.

    A request is a method name or (method, parameters): sharkd(path, "status", ("frames", {"filter": "tcp"})). The capture
    is loaded first. Fails the test on an error answer. Skips where sharkd is not installed."""
    program = shutil.which("sharkd")
    if not program:
        pytest.skip("sharkd is not installed (Debian has it in wireshark-common)")

    def run(capture, *requests):
        calls = [("load", {"file": str(sandbox.readable(capture))})]
        calls += [(request, {}) if isinstance(request, str) else request for request in requests]
        lines = [
            json.dumps({"jsonrpc": "2.0", "id": i, "method": name, "params": parameters}) + "\n"
            for i, (name, parameters) in enumerate(calls, 1)
        ]
        done = sandbox.run([program, "-"], stdin="".join(lines))
        answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        by_id = {answer["id"]: answer for answer in answers}
        for i, (name, _) in enumerate(calls, 1):
            assert "result" in by_id.get(i, {}), f"sharkd {name}: {by_id.get(i, done.stderr)}"
        return [by_id[i]["result"] for i in range(2, len(calls) + 1)]

    return run


@pytest.fixture(scope="session")
def scapy_pcap(sandbox):
    """scapy_pcap(packets, times=None) -> path of a new capture with these scapy packets, readable for tshark.

    `times` are seconds from the start of the capture, one for each packet; without it packets are 1 ms apart. The link type
    follows from the first packet: Ether() or IP() first."""
    from scapy.utils import wrpcap  # takes a second to import: only for those who need it

    def write(packets, times=None):
        packets = [packet.copy() for packet in packets]
        for i, packet in enumerate(packets):
            packet.time = CAPTURE_START_S + (times[i] if times else i / 1000)
        path = sandbox.new_path(".pcap")
        wrpcap(str(path), packets)
        path.chmod(0o644)
        return path

    return write
