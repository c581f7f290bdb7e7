# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife-doctor: it finds each failure and names a remedy. The failures are real ones in real plugin folders; where the
installed tshark cannot be broken, another one stands in front of it on PATH and differs in one answer only.
"""

import os
import re
import shutil
import subprocess

import pytest

from conftest import NOBODY, REPO

DOCTOR = REPO / "scripts" / "tcplife-doctor"
TOOLS = ("bash", "cat", "env", "grep", "head", "id", "sed", "tail")  # all that the doctor and the stand-ins call
REAL_TSHARK = shutil.which("tshark")
PLUGIN = "tcplife.so"


class Machine:
    """A home, a system plugin folder and a PATH of its own, and the doctor in it."""

    def __init__(self, sandbox, built):
        self.sandbox, self.built = sandbox, built
        self.api = built.parents[1].name  # X.Y
        root = sandbox.new_path("-doctor")
        self.home, self.system, self.bin = root / "home", root / "system", root / "bin"
        self.personal = self.home / ".local/lib/wireshark/plugins"
        self.configuration = self.home / ".config/wireshark"
        for folder in (self.configuration, self.system, self.bin):
            folder.mkdir(parents=True)
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.doctor = self.bin / "tcplife-doctor"
        shutil.copy(DOCTOR, self.doctor)
        for name in ("tshark", "wireshark", "sharkd"):
            if shutil.which(name):
                (self.bin / name).symlink_to(shutil.which(name))

    def put(self, folder, content=None):
        """Puts the plugin, or a file with this content, into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        if content is None:
            shutil.copy(self.built, folder / PLUGIN)
        else:
            (folder / PLUGIN).write_bytes(content)
        return folder / PLUGIN

    def put_where_it_belongs(self, content=None):
        return self.put(self.system / self.api / "epan", content)

    def replace(self, name, script):
        """Another program on PATH. In the script $REAL is the tshark that is installed."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/usr/bin/env bash\nREAL={REAL_TSHARK}\n{script}\n")
        path.chmod(0o755)

    def environment(self, **more):
        return {
            "PATH": str(self.bin),
            "HOME": str(self.home),
            "WIRESHARK_CONFIG_DIR": str(self.configuration),
            "WIRESHARK_PLUGIN_DIR": str(self.system),
            **more,
        }

    def run(self, *arguments):
        """As an ordinary user."""
        if os.geteuid() == 0:
            subprocess.run(["chown", "--recursive", f"{NOBODY}:{NOBODY}", self.home], check=True)
        return self.sandbox.run([self.doctor, *arguments], env=self.environment())

    def complaint(self, *arguments):
        """The one problem that the doctor finds, and its remedy."""
        return only_problem(self.run(*arguments))


def only_problem(result):
    found = re.findall(r"^FAIL  (.*)\n      remedy: (.+)$", result.stdout, re.M)
    assert len(found) == 1, result.stdout + result.stderr
    assert result.returncode == 1 and result.stdout.endswith("Problems: 1\n") and result.stderr == ""
    return found[0]


@pytest.fixture
def machine(sandbox, build):
    (built,) = build.glob(f"plugins/*/epan/{PLUGIN}")
    return Machine(sandbox, built)


def compiled_plugin(folder, source):
    """The bytes of a library made from C source."""
    (folder / "plugin.c").write_text(source)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "plugin.so", folder / "plugin.c"], check=True)
    return (folder / "plugin.so").read_bytes()


# ---- all is well -----------------------------------------------------------------------------------------------------


def test_plugin_in_the_system_folder(machine):
    file = machine.put_where_it_belongs()
    result = machine.run()
    assert (result.returncode, result.stderr) == (0, "")
    assert "FAIL" not in result.stdout and result.stdout.endswith("The plugin works.\n")
    assert f"ok    the plugin is there: {file}\n" in result.stdout
    assert f"ok    it was built for Wireshark {machine.api}\n" in result.stdout


def test_plugin_in_the_personal_folder(machine):
    file = machine.put(machine.personal / machine.api / "epan")
    result = machine.run()
    assert result.returncode == 0 and f"ok    the plugin is there: {file}\n" in result.stdout


# ---- which Wireshark -------------------------------------------------------------------------------------------------


def test_no_tshark(machine):
    (machine.bin / "tshark").unlink()
    what, remedy = machine.complaint()
    assert what == "tshark is not on PATH" and remedy.startswith("apt-get install tshark")


def test_tshark_does_not_start(machine):
    machine.replace("tshark", 'echo "error while loading shared libraries: libwireshark.so.16" >&2; exit 127')
    what, remedy = machine.complaint()
    assert what == "tshark does not start: error while loading shared libraries: libwireshark.so.16"
    assert "--reinstall tshark" in remedy


def test_tshark_without_plugins(machine):
    machine.replace("tshark", 'if [ "$2" = folders ]; then "$REAL" "$@" | grep -v Plugins; else exec "$REAL" "$@"; fi')
    what, remedy = machine.complaint()
    assert what == "tshark -G folders names no plugin folders" and "built without plugins" in remedy


def test_wireshark_of_another_version(machine):
    machine.put_where_it_belongs()
    machine.replace("wireshark", "echo Wireshark 9.8.7.")
    what, remedy = machine.complaint()
    assert re.fullmatch(rf"wireshark \(.*\) is 9\.8\.7, tshark is {machine.api}: no plugin loads in both", what)
    assert remedy == "remove one of them, or build the plugin for each"


def test_version_that_nobody_tested(machine):
    machine.replace("tshark", 'if [ "$1" = --version ]; then echo "TShark (Wireshark) 9.8.7."; else exec "$REAL" "$@"; fi')
    assert "note  the plugin is tested with Wireshark 4.0 4.4 4.6 only\n" in machine.run().stdout


# ---- where the plugin is ---------------------------------------------------------------------------------------------


def test_plugin_nowhere(machine):
    what, remedy = machine.complaint()
    assert what == "the plugin is in none of these folders"
    assert remedy.startswith(f"install the .deb made for Wireshark {machine.api}")


def test_plugin_beside_the_folder_epan(machine):
    folder = machine.personal / machine.api
    machine.put(folder)
    what, remedy = machine.complaint()
    assert what == f"the plugin is in {folder}, where Wireshark does not look"
    subprocess.run(["bash", "-c", remedy], check=True)
    assert machine.run().returncode == 0


@pytest.mark.parametrize("where", ["personal", "system"])
def test_plugin_in_the_folder_of_another_version(machine, where):
    file = machine.put(getattr(machine, where) / "9.8" / "epan")
    what, _ = machine.complaint()
    assert what == f"the plugin is there for another version of Wireshark only: {file}"


def test_plugin_twice(machine):
    taken = machine.put_where_it_belongs()
    second = machine.put(machine.personal / machine.api / "epan")
    what, remedy = machine.complaint()
    assert what == f"there is a second copy, {second}, which is not loaded"
    assert remedy == "remove the copy that you do not want"
    assert f"ok    the plugin is there: {taken}\n" in machine.run().stdout
    listed = machine.sandbox.run(["tshark", "-G", "plugins"], env=machine.environment())
    assert str(taken) in listed.stdout and str(second) not in listed.stdout


def run_as_root(machine, **environment):
    """As root; a user who is not has an `id` that says so. The folder for all users is one without a plugin, whatever is installed
    there. The doctor does not come to start tshark's dissection."""
    nothing = "sed 's|^\\(Global Plugins:\\s*\\).*|\\1/nonexistent/0.0|'"
    machine.replace("tshark", f'if [ "$2" = folders ]; then "$REAL" "$@" | {nothing}; else exec "$REAL" "$@"; fi')
    if os.geteuid() != 0:
        machine.replace("id", 'case $1 in -un) echo root ;; *) echo 0 ;; esac')
    return subprocess.run(
        [machine.doctor], env=machine.environment(**environment), capture_output=True, encoding="utf-8", check=False
    )


def test_root_and_a_personal_plugin(machine):
    file = machine.put(machine.personal / machine.api / "epan")
    what, remedy = only_problem(run_as_root(machine))
    assert what == f"root's Wireshark does not read the folder where the plugin is: {file}"
    assert remedy.startswith("install it for all users") and remedy.endswith("start Wireshark as an ordinary user")


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's tshark does read this folder")
def test_root_and_the_plugin_folder_of_the_environment(machine):
    file = machine.put_where_it_belongs()
    what, _ = only_problem(run_as_root(machine))
    assert what == f"root's Wireshark does not read the folder where the plugin is: {file}"


# ---- whether it loads ------------------------------------------------------------------------------------------------


def test_plugin_built_for_another_version(machine, tmp_path):
    library = compiled_plugin(
        tmp_path,
        'const char plugin_version[] = "0.1.0", plugin_build[] = "tcplife 0.1.0 for Wireshark 9.8";'
        "const int plugin_want_major = 9, plugin_want_minor = 8; void plugin_register(void) {}",
    )
    machine.put_where_it_belongs(library)
    what, remedy = machine.complaint()
    assert what == f"it was built for Wireshark 9.8, this is {machine.api}: Wireshark refuses it"
    assert remedy.startswith(f"install the .deb made for Wireshark {machine.api}")


def test_plugin_that_is_no_library(machine):
    machine.put_where_it_belongs(b"no library")
    what, remedy = machine.complaint()
    assert what.startswith("it does not load: ") and PLUGIN in what
    assert remedy.startswith(f"install the .deb made for Wireshark {machine.api}")


def test_plugin_that_this_user_may_not_read(machine):
    file = machine.put_where_it_belongs()
    file.chmod(0)
    what, remedy = machine.complaint()
    assert what == f"this user may not read {file}"
    subprocess.run(["bash", "-c", remedy.split(",")[0]], check=True)
    assert machine.run().returncode == 0


# ---- whether it is enabled -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["tcplife", "tcp"])
def test_disabled(machine, protocol):
    machine.put_where_it_belongs()
    disabled = machine.configuration / "disabled_protos"
    disabled.write_text(protocol + "\n")
    what, remedy = machine.complaint()
    assert what == f"the protocol {protocol} is disabled" and str(disabled) in remedy
    disabled.unlink()
    assert machine.run().returncode == 0


def test_disabled_in_a_profile(machine):
    machine.put_where_it_belongs()
    profile = machine.configuration / "profiles" / "mine"
    profile.mkdir(parents=True)
    (profile / "disabled_protos").write_text("tcplife\n")
    assert machine.run().returncode == 0
    what, remedy = machine.complaint("-C", "mine")
    assert what == "the protocol tcplife is disabled" and str(profile) in remedy


def test_decode_as(machine):
    machine.put_where_it_belongs()
    (machine.configuration / "decode_as_entries").write_text("decode_as_entry: ip.proto,6,TCP,Data\n")
    what, remedy = machine.complaint()
    assert what == "Decode As takes IP protocol 6 away from TCP" and "decode_as_entries" in remedy


def test_silent_for_an_unknown_reason(machine):
    machine.put_where_it_belongs()
    machine.replace("tshark", 'case "$*" in *fields*) cat >/dev/null; echo ;; *) exec "$REAL" "$@" ;; esac')
    what, remedy = machine.complaint()
    assert what == "it loads but says nothing of a SYN" and "another plugin" in remedy


def test_tshark_cannot_read_the_capture(machine):
    machine.put_where_it_belongs()
    machine.replace("tshark", 'case "$*" in *fields*) cat >/dev/null; echo no >&2; exit 2 ;; *) exec "$REAL" "$@" ;; esac')
    what, _ = machine.complaint()
    assert what == "tshark could not read a capture of one SYN: no"


# ---- the command line ------------------------------------------------------------------------------------------------


def test_help(machine):
    result = machine.run("--help")
    assert result.returncode == 0 and result.stdout.startswith("usage: tcplife-doctor")


@pytest.mark.parametrize("arguments", [["--verbose"], ["-C"], ["-C", ""], ["-C", "a", "b"]])
def test_wrong_usage(machine, arguments):
    result = machine.run(*arguments)
    assert result.returncode == 2 and "tcplife-doctor --help shows it" in result.stderr
