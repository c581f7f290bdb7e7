# SPDX-License-Identifier: GPL-2.0-or-later
"""Loading a capture again, and another one: nothing of the one before is used, and nothing of it stays in memory.

sharkd is told to load as Wireshark's File > Reload and File > Open do."""

import json
import os
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

from conftest import NOBODY
from handmade import join_captures, write_pcap

LONG = bool(os.environ.get("TCPLIFE_LONG"))
RELOADS = 1000 if LONG else 200
WARM_UP = 50  # loads that fill caches of the C library
# More than Wireshark itself grows by. A connection takes about 3 KiB: one that is forgotten in each load would be 450 KiB in
# 150 of them.
GROWTH_KIB_MAX = 256
ATTEMPTS = 3
PLUGIN_OBJECT = "tcplife.so"

pytestmark = pytest.mark.skipif(not shutil.which("sharkd"), reason="sharkd is not installed")


def call(number, method, **parameters):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}) + "\n"


@pytest.fixture(scope="module")
def files(captures, sandbox):
    """Two captures of three connections each."""
    names = (("refused", "nc-four-segment-close", "tcp-fast-open"), ("linger-reset", "half-close", "simultaneous-open"))
    joined = (join_captures(captures / f"{name}.pcap" for name in some) for some in names)
    return [write_pcap(sandbox.new_path(".pcap"), *frames) for frames in joined]


def resident_kib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def growth_kib(sandbox, files, plugins):
    """How much more memory sharkd has after RELOADS loads than after WARM_UP."""
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    environment = sandbox.environment({"WIRESHARK_PLUGIN_DIR": str(plugins)})
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "encoding": "utf-8"}
    with subprocess.Popen(["sharkd", "-"], env=environment, cwd=sandbox.home, **pipes, **user) as process:
        for number in range(1, RELOADS + 1):
            process.stdin.write(call(number, "load", file=str(files[number // 2 % 2])))
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer.get("result") == {"status": "OK"}, answer
            if number == WARM_UP:
                before = resident_kib(process)
        after = resident_kib(process)
        process.stdin.close()
    return after - before


def test_no_leak_across_reloads(sandbox, files):
    """Each file is loaded twice before the other one, so that both kinds of load are among them."""
    without = sandbox.new_path("-no-plugins")
    without.mkdir()
    # malloc takes or gives back some 400 KiB at once, now and then, with the plugin or without. A leak shows every time.
    allowed = max(0, growth_kib(sandbox, files, without)) + GROWTH_KIB_MAX
    assert any(growth_kib(sandbox, files, sandbox.plugins) <= allowed for _ in range(ATTEMPTS))


def errors_with_plugin(report):
    """Kinds of valgrind's errors in whose stacks the plugin is."""
    kinds = []
    for error in ElementTree.parse(report).iter("error"):
        if any((name.text or "").endswith(PLUGIN_OBJECT) for name in error.iter("obj")):
            kinds.append(error.findtext("kind"))
    return kinds


def test_valgrind_is_content(sandbox, files):
    """Load, load again, load another file, and ask for the frames of each. wmem's pools are left out (each block is from
    malloc), so that valgrind sees every block. What is reachable at the end is what the plugin registered: it proves that
    valgrind looks."""
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    report = sandbox.home / "valgrind.xml"
    command = ["valgrind", "--leak-check=full", "--show-leak-kinds=all", "--keep-debuginfo=yes", "--num-callers=40"]
    command += ["--error-limit=no", "--xml=yes", f"--xml-file={report}", "sharkd", "-"]
    requests = ""
    for number, path in enumerate((files[0], files[0], files[1]), 1):
        requests += call(2 * number, "load", file=str(path)) + call(2 * number + 1, "frames", filter="tcplife.conn")
    how = {"WIRESHARK_DEBUG_WMEM_OVERRIDE": "simple", "G_SLICE": "always-malloc"}
    done = sandbox.run(command, stdin=requests, env=how, timeout=300)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(len(answer["result"]) > 10 for answer in answers[1::2]), "frames with a verdict"
    assert set(errors_with_plugin(report)) == {"Leak_StillReachable"}
