# SPDX-License-Identifier: GPL-2.0-or-later
"""The glue compiles against the headers of every supported version, not only the installed one: seconds, where tests/matrix
has left them. Whether it works there is what tests/matrix says. And the command lines of tests/matrix and tests/package."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import REPO

CACHE = Path(os.environ.get("TCPLIFE_MATRIX_CACHE", "/var/cache/tcplife-matrix"))
PLUGIN = REPO / "plugin"


@pytest.mark.parametrize("version", ["4.0", "4.4", "4.6"])
def test_glue_compiles(version):
    headers = CACHE / f"wireshark-{version}" / "usr/include/wireshark"
    if not (headers / "ws_version.h").exists():
        pytest.skip(f"no headers of Wireshark {version}: tests/matrix has not been run on this machine")
    glib = subprocess.run(["pkg-config", "--cflags", "glib-2.0"], capture_output=True, encoding="utf-8", check=True)
    command = ["gcc", "-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", '-DTCPLIFE_VERSION="0"']
    command += [f"-I{PLUGIN / 'engine'}", f"-I{PLUGIN / 'epan'}", "-isystem", headers, *glib.stdout.split()]
    done = subprocess.run([*command, *(PLUGIN / "epan").glob("*.c")], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


# ---- tests/matrix and tests/package where they cannot work -----------------------------------------------------------


@pytest.fixture(params=["matrix", "package"])
def refused(request, tmp_path):
    """refused(user) -> what the command says on standard error when this user starts it on a machine without debootstrap."""
    for name in ("bash", "dirname", "readlink"):
        (tmp_path / name).symlink_to(shutil.which(name))

    def run(user):
        (tmp_path / "id").write_text(f"#!/usr/bin/env bash\necho {user}\n")
        (tmp_path / "id").chmod(0o755)
        command = ["/usr/bin/env", "bash", REPO / "tests" / request.param]
        where = {"PATH": str(tmp_path), "TCPLIFE_MATRIX_CACHE": str(tmp_path / "cache")}
        done = subprocess.run(command, env=where, capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"tests/{request.param}: ") and done.stderr.endswith("Nothing was tested.\n")
        assert not (tmp_path / "cache").exists()
        return done.stderr

    return run


def test_not_root(refused):
    assert "needs root" in refused(1000)


def test_no_debootstrap(refused):
    assert "apt-get install debootstrap" in refused(0)


@pytest.mark.parametrize("command", ["matrix 5.0", "matrix -k", "matrix --all", "package x"])
def test_wrong_usage(command):
    name, *arguments = command.split()
    done = subprocess.run([REPO / "tests" / name, *arguments], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2 and f"tests/{name} --help shows the usage" in done.stderr
