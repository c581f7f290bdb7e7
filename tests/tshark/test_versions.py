# SPDX-License-Identifier: GPL-2.0-or-later
"""The glue compiles against the headers of every supported version, not only the installed one: seconds, where tests/matrix
has left them. Whether it works there is what tests/matrix says."""

import os
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
