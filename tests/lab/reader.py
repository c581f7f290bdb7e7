# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs tshark with the plugin on captures, for the programs that score.

Under root tshark is run as a user that owns nothing, because Wireshark takes no plugins from
WIRESHARK_PLUGIN_DIR as root.  Without a plugin only Wireshark's own fields are there.
"""

import os
import shutil
import subprocess
import sys
import tempfile

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOBODY = 65534          # user and group that own nothing, by Debian's base-passwd
LONGEST = 600           # seconds for one run of tshark
# Has to be in a filter, or it is not judged before the pass that prints; as many values as findings.
FINDING = "tcplife.finding"
SEVERAL = "|"           # between the values of a field


def commit():
    """The commit that is checked out, for the record."""
    return subprocess.run(["git", "-C", REPOSITORY, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


def find_plugins():
    """The plugin folder of a build, or None."""
    for build in ("build/tests", "build/demo", "build"):
        folder = os.path.join(REPOSITORY, build, "plugins")
        for where, _, files in os.walk(folder):
            if "tcplife.so" in files and os.path.basename(where) == "epan":
                return folder
    return None


def every_frame(field):
    """A display filter that is true for every frame and asks for a field."""
    return f"frame or {field}"


def first(row):
    """A row with the first value of each field: an ICMP error quotes a second IP header."""
    return {name: value if name == FINDING else value.split(SEVERAL)[0] for name, value in row.items()}


class Reader:
    """Runs tshark on captures; use it in a `with` statement."""

    def __init__(self, tshark="tshark", plugins=None, passes=2):
        """`plugins`: folder of the built plugin, or None: of the last build."""
        self._tshark, self._passes = tshark, ["-2"] if passes == 2 else []
        self._plugins = plugins or find_plugins()
        self._folder, self._fields = None, set()

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="tcplife-score-")
        os.chmod(self._folder, 0o755)
        if self._plugins:
            shutil.copytree(self._plugins, os.path.join(self._folder, "plugins"))
            subprocess.run(["chmod", "-R", "a+rX", self._folder], check=True)
        os.mkdir(os.path.join(self._folder, "home"))
        if os.geteuid() == 0:
            os.chown(os.path.join(self._folder, "home"), NOBODY, NOBODY)
        listing = self._run(["-G", "fields"], None)
        self._fields = {line.split("\t")[2] for line in listing.splitlines()
                        if line.startswith("F\t")}
        return self

    def __exit__(self, *_):
        shutil.rmtree(self._folder, ignore_errors=True)

    def has(self, name):
        """True when tshark knows the field."""
        return name in self._fields

    def _run(self, words, capture):
        """The output of tshark; `capture` is an open file or None."""
        home = os.path.join(self._folder, "home")
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": home, "TZ": "UTC",
                       "LC_ALL": "C.UTF-8", "WIRESHARK_CONFIG_DIR": home}
        if self._plugins:
            environment["WIRESHARK_PLUGIN_DIR"] = os.path.join(self._folder, "plugins")
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run([self._tshark, *words], env=environment, cwd=home,
                              stdin=capture or subprocess.DEVNULL, capture_output=True,
                              timeout=LONGEST, check=False, **user)
        if done.returncode:
            sys.exit(f"tshark: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode("utf-8", "replace")

    def read(self, path, fields):
        """A dictionary for each frame of a capture; fields unknown to tshark are left out.  Of fields
        that a frame has several times the first one counts, but of FINDING all do."""
        known = [name for name in fields if name in self._fields]
        words = ["-T", "fields", "-E", "separator=/t", "-E", f"aggregator={SEVERAL}", *self._passes]
        words += [word for name in known for word in ("-e", name)]
        words += ["-Y", every_frame(FINDING)] if self._passes and FINDING in known else []
        copy = os.path.join(self._folder, os.path.basename(path))
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o644)
        try:
            text = self._run(["-n", "-r", copy, *words], None)
        finally:
            os.unlink(copy)
        return [first(dict(zip(known, line.split("\t")))) for line in text.splitlines()]
