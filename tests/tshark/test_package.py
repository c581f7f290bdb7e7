# SPDX-License-Identifier: GPL-2.0-or-later
"""What `cmake --install` and CPack make, without root. tests/package does the same for real, in a clean Debian."""

import os
import re
import shutil
import subprocess
from fnmatch import fnmatch

import pytest

from conftest import NOBODY, REPO

PLUGIN = "tcplife.so"
MANUAL = {"man7/tcplife.7.gz", "man1/tcplife-batch.1.gz", "man1/tcplife-doctor.1.gz"}
NOT_SOURCES = (".git", "build", "build-*", ".cache", "__pycache__", ".pytest_cache", "*.py[co]", "compile_commands.json")


def run(*command, **how):
    done = subprocess.run(list(map(str, command)), capture_output=True, encoding="utf-8", check=False, **how)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.fixture(scope="module")
def built(build):
    """The plugin that was built."""
    (path,) = build.glob(f"plugins/*/epan/{PLUGIN}")
    return path


@pytest.fixture(scope="module")
def api(built):
    """X.Y of the Wireshark that it was built for."""
    return built.parents[1].name


@pytest.fixture(scope="module")
def has_asciidoctor():
    """Whether manual pages are made."""
    return shutil.which("asciidoctor") is not None


# ---- the .deb --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deb(build, tmp_path_factory):
    """Path of the .deb made from the build under test."""
    if not shutil.which("dpkg-shlibdeps"):
        pytest.skip("dpkg-shlibdeps is not installed (Debian has it in dpkg-dev)")
    folder = tmp_path_factory.mktemp("deb")
    run("cpack", "-G", "DEB", "--config", build / "CPackConfig.cmake", "-B", folder, cwd=folder)
    (path,) = folder.glob("*.deb")
    return path


@pytest.fixture(scope="module")
def depends(deb):
    """The dependencies of the .deb, as the control file has them."""
    return [part.strip() for part in run("dpkg-deb", "--field", deb, "Depends").split(",")]


def library_package(built, name):
    """The package that holds the library which the plugin was linked with: libwireshark16 on Debian 12, for instance."""
    linked = re.search(rf"{name}\.so\.\d+ => (\S+)", run("ldd", built))[1]
    return run("dpkg-query", "--search", os.path.realpath(linked)).split(":")[0]


@pytest.mark.parametrize("name", ["libwireshark", "libwsutil"])
def test_deb_depends_on_the_libraries(built, depends, name):
    package = library_package(built, name)
    assert re.fullmatch(name + r"\d+(t64)?", package)
    assert any(part.startswith(package + " (>= ") for part in depends), depends


def test_deb_depends_on_this_minor_version_of_wireshark(api, depends):
    """Without an upper bound an upgrade of Wireshark would leave the plugin where nobody looks for it."""
    major, minor = map(int, api.split("."))
    assert f"wireshark-common (>= {api}~)" in depends
    assert f"wireshark-common (<< {major}.{minor + 1}~)" in depends


@pytest.mark.parametrize("version, fits", [("0-1", False), ("now", True), ("next", False)])
def test_only_this_minor_version_satisfies_the_deb(api, depends, version, fits):
    """dpkg's own comparison of versions decides, as it does when Wireshark is upgraded."""
    major, minor = map(int, api.split("."))
    version = {"now": f"{api}.3-1~deb", "next": f"{major}.{minor + 1}.0~rc1-1"}.get(version, version)
    bounds = [re.fullmatch(r"wireshark-common \((\S+) (\S+)\)", part) for part in depends]
    holds = [
        subprocess.run(["dpkg", "--compare-versions", version, bound[1], bound[2]], check=False).returncode == 0
        for bound in bounds
        if bound
    ]
    assert len(holds) == 2 and all(holds) == fits


def test_deb_contents(deb, api, has_asciidoctor):
    rows = [row.split() for row in run("dpkg-deb", "--contents", deb).splitlines()]
    names = {row[5] for row in rows}
    assert {f"./usr/bin/tcplife-{program}" for program in ("doctor", "batch", "batch-part")} <= names
    assert {"./usr/share/doc/tcplife/copyright", "./usr/share/doc/tcplife/changelog.gz"} <= names
    assert "./usr/share/wireshark/profiles/tcplife/preferences" in names
    assert has_asciidoctor == (MANUAL <= {name.removeprefix("./usr/share/man/") for name in names})
    assert [name for name in names if fnmatch(name, f"./usr/lib/*/wireshark/plugins/{api}/epan/{PLUGIN}")]
    assert all(name.startswith("./usr/") for name in names), names
    assert {row[1] for row in rows} == {"root/root"}
    assert {row[0] for row in rows} <= {"drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--"}


def test_deb_installs_over_one_for_an_older_wireshark(deb, api):
    version = run("dpkg-deb", "--field", deb, "Version").strip()
    assert version.endswith(f"wireshark{api}")
    older = version.replace(f"wireshark{api}", "wireshark3.6")
    run("dpkg", "--compare-versions", version, "gt", older)


# ---- a personal installation -----------------------------------------------------------------------------------------


def test_personal_installation(built, api, sandbox, has_asciidoctor):
    """Configured with the home folder that it is for; the plugin itself is the one that is built already."""
    home, folder, nowhere = (sandbox.new_path(name) for name in ("-home", "-build", "-nowhere"))
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": ""}
    run("cmake", "-S", REPO, "-B", folder, "-G", "Ninja", "-DTCPLIFE_PERSONAL=ON", "-DTCPLIFE_LTO=OFF", env=environment)
    (folder / f"plugins/{api}/epan").mkdir(parents=True, exist_ok=True)
    shutil.copy(built, folder / f"plugins/{api}/epan")

    run("cmake", "--install", folder)
    installed = home / f".local/lib/wireshark/plugins/{api}/epan/{PLUGIN}"
    assert installed.exists() and (home / ".local/bin/tcplife-doctor").exists()
    assert (home / ".config/wireshark/profiles/tcplife/preferences").exists()
    assert has_asciidoctor == all((home / ".local/share/man" / page).exists() for page in MANUAL)
    if sandbox.as_root:
        run("chown", "--recursive", f"{NOBODY}:{NOBODY}", home)
    where = {"HOME": str(home), "WIRESHARK_PLUGIN_DIR": str(nowhere), "WIRESHARK_CONFIG_DIR": str(sandbox.home)}
    listed = sandbox.run(["tshark", "-G", "plugins"], env=where)
    assert str(installed) in listed.stdout

    run("ninja", "-C", folder, "uninstall")
    assert not home.exists() or list(home.iterdir()) == []


# ---- the sources -----------------------------------------------------------------------------------------------------


def test_source_tarball(tmp_path):
    """Every file of the repository and nothing that a build, an editor or git leaves; also below a folder called build."""
    source = tmp_path / "build" / "c++ (1)" / "tcplife"
    shutil.copytree(REPO, source, ignore=shutil.ignore_patterns(*NOT_SOURCES))
    expected = files_in(source)
    for name in (".git/config", "build/tests/a.o", "build-x/a.o", "tests/__pycache__/a.pyc", "README.md~", ".README.md.swp"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("not a source")
    run("cmake", "-S", source, "-B", source / "out", "-G", "Ninja", "-DTCPLIFE_LTO=OFF")
    run("cpack", "--config", source / "out/CPackSourceConfig.cmake", "-B", tmp_path / "packed", cwd=tmp_path)
    (tarball,) = (tmp_path / "packed").glob("tcplife-*.tar.xz")
    run("tar", "--extract", "--file", tarball, "--directory", tmp_path)
    assert files_in(tmp_path / tarball.name.removesuffix(".tar.xz")) == expected
