# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs programs on generated captures and tells what they used."""

import concurrent.futures
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

NOBODY = 65534  # root's Wireshark loads no plugin from WIRESHARK_PLUGIN_DIR, so root runs it as a user that owns nothing
INSTRUCTIONS = re.compile(r"I +refs: +([\d,]+)")
# Cachegrind without a cache counts what callgrind counts (within 0.2 % for tshark) in a third of the time; callgrind can be told
# to count one function and what it calls.
COUNT_ALL = ("cachegrind", "--cache-sim=no")
COUNT_FEED = ("callgrind", "--collect-atstart=no", "--toggle-collect=bench_feed*")
RUNS_OF_ENGINE = 7

Usage = namedtuple("Usage", "seconds mib")  # user CPU, peak memory
Capture = namedtuple("Capture", "path counts")  # counts: what make_capture says of it, by name


def numbers_by_name(line):
    """{"frames": 10, "tcp": 9} of "frames 10 tcp 9"."""
    words = line.split()
    return {name: float(value) if "." in value else int(value) for name, value in zip(words[::2], words[1::2])}


class Bench:
    """The folder with everything that is run: the plugin, captures, and a home for the user that runs tshark."""

    def __init__(self, folder, build, jobs):
        self.folder, self.build, self.jobs = Path(folder), Path(build), jobs
        self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir()
        if self.user:
            os.chown(self.home, NOBODY, NOBODY)
        self.copy_plugin()
        self.programs = self.built()
        self.captures = {}
        self.numbers = itertools.count(1)

    def built(self):
        """The programs of CMakeLists.txt by name, built, where the user that runs things can read them."""
        names = {"make_capture": "make_capture", "engine_bench": "engine_bench", "fixed_seed": "fixed_seed.so"}
        command = ["cmake", "--build", self.build, "--target", *names]
        made = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if made.returncode != 0:
            sys.exit(f"run: the programs of tests/perf cannot be built:\n{made.stdout}{made.stderr}")
        for name in names.values():
            shutil.copy(self.build / "tests/perf" / name, self.folder)
            (self.folder / name).chmod(0o755)
        return {target: self.folder / name for target, name in names.items()}

    def copy_plugin(self):
        """To where any user can read it. Both runs of a pair load no other plugin."""
        plugins = self.build / "plugins"
        if not any(plugins.glob("*/epan/tcplife.so")):
            sys.exit(f"run: no plugin in {plugins}: build it first (tests/run does), or name another build with --build")
        self.plugins = {True: self.folder / "with", False: self.folder / "without"}
        shutil.copytree(plugins, self.plugins[True])
        for version in self.plugins[True].iterdir():
            (self.plugins[False] / version.name / "epan").mkdir(parents=True)
        subprocess.run(["chmod", "--recursive", "a+rX", self.folder], check=True)
        loaded = [self.run(["tshark", "-G", "plugins"], with_plugin).stdout for with_plugin in (True, False)]
        if "tcplife" not in loaded[0] or "tcplife" in loaded[1]:
            sys.exit("run: tshark does not load the plugin as it should: look at tshark -G plugins")

    def environment(self, with_plugin):
        own = {"HOME": str(self.home), "WIRESHARK_CONFIG_DIR": str(self.home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return {**os.environ, **own, "WIRESHARK_PLUGIN_DIR": str(self.plugins[with_plugin])}

    def run(self, command, with_plugin):
        return subprocess.run(
            command, env=self.environment(with_plugin), cwd=self.home, capture_output=True, encoding="utf-8", errors="replace",
            check=False, **self.user,
        )  # fmt: skip

    # ---- captures ----

    def capture(self, mix, frames):
        """The capture of a mix; made once, see forget()."""
        if (mix, frames) not in self.captures:
            path = self.folder / f"{mix}-{frames}.pcap"
            with path.open("wb") as out:
                made = subprocess.run(
                    [self.programs["make_capture"], mix, str(frames)], stdout=out, stderr=subprocess.PIPE, encoding="utf-8",
                    check=False,
                )  # fmt: skip
            if made.returncode != 0:
                sys.exit(f"run: {made.stderr.strip()}")
            path.chmod(0o644)
            self.captures[mix, frames] = Capture(path, numbers_by_name(made.stderr))
        return self.captures[mix, frames]

    def forget(self):
        """Removes all captures made so far: a large one has some hundred MB."""
        for capture in self.captures.values():
            capture.path.unlink()
        self.captures.clear()

    # ---- measuring ----

    def usage(self, command, with_plugin=False):
        """Usage of one run; its output is thrown away."""
        process = subprocess.Popen(
            [str(word) for word in command], env=self.environment(with_plugin), cwd=self.home, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, **self.user,
        )  # fmt: skip
        errors = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"run: {' '.join(map(str, command))} failed: {errors.decode(errors='replace')}")
        return Usage(used.ru_utime, used.ru_maxrss / 1024)

    def tshark(self, arguments, capture, with_plugin):
        return self.usage(["tshark", "-n", "-r", capture.path, *arguments], with_plugin)

    def instructions(self, command, tool, with_plugin=False):
        """Instructions of one run, as a tool of valgrind counts them: the same number each time, see fixed_seed.c."""
        name, *options = tool
        out = self.home / f"{name}.{next(self.numbers)}"
        valgrind = ["valgrind", f"--tool={name}", f"--{name}-out-file={out}", *options]
        preload = f"LD_PRELOAD={self.programs['fixed_seed']}"
        done = self.run(["env", preload, *valgrind, *map(str, command)], with_plugin)
        found = INSTRUCTIONS.findall(done.stderr)
        if done.returncode != 0 or not found:
            sys.exit(f"run: {' '.join(map(str, command))} failed under valgrind: {done.stderr[-500:]}")
        out.unlink()
        return int(found[-1].replace(",", ""))

    def tshark_instructions(self, arguments, capture, with_plugin):
        return self.instructions(["tshark", "-n", "-r", capture.path, *arguments], COUNT_ALL, with_plugin)

    def at_once(self, calls):
        """The results of calls without arguments, some of them at the same time: only for what does not depend on the load."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]

    # ---- the engine alone ----

    def engine(self, capture, cut=None):
        """What engine_bench prints, by name."""
        cut = [] if cut is None else [str(cut)]
        command = [self.programs["engine_bench"], capture.path, str(RUNS_OF_ENGINE), *cut]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            sys.exit(f"run: {done.stderr.strip()}")
        return numbers_by_name(done.stdout)

    def engine_instructions(self, capture):
        """Instructions for each TCP segment of the capture, new connections included."""
        return self.instructions([self.programs["engine_bench"], capture.path, "0"], COUNT_FEED) / capture.counts["tcp"]

