# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual pages: they render without a warning, and what they name exists."""

import gzip
import re
import shutil
import subprocess

import pytest

from conftest import REPO

PAGES = ["tcplife.7", "tcplife-batch.1", "tcplife-doctor.1"]

# What somebody who looks into tcplife(7) looks for.
MAIN_FIELDS = {
    "explanation", "phase", "client.state", "server.state", "handshake.step", "handshake.outcome", "teardown.step",
    "teardown.kind", "rst.cause", "retransmission.cause", "keepalive.kind", "window_probe.kind", "verdict", "conn",
}  # fmt: skip

# Wireshark adds these on its own: the windows' own names of tables that have one for tshark, and the half of conversations.
NOT_VIEWS = {"tcplife,connections", "tcplife,server-table", "endpoints,tcplife", "tcplife,report-table"}


def sources(page):
    return (REPO / f"docs/{page}.adoc").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page_of(build, tmp_path_factory):
    """page_of(name): path of the page that the build made, not compressed."""
    if not shutil.which("asciidoctor") or not shutil.which("man"):
        pytest.skip("asciidoctor or man is not installed (Debian has man in man-db)")
    folder = tmp_path_factory.mktemp("man")

    def unpacked(name):
        (folder / name).write_bytes(gzip.decompress((build / f"man/{name}.gz").read_bytes()))
        return folder / name

    return unpacked


def rendered(path):
    """(text, warnings) of a page, 200 columns wide so that no name is broken."""
    how = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "MANWIDTH": "200"}
    command = ["man", "--warnings=w", "--local-file", path]
    done = subprocess.run(command, env=how, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_page_renders_without_warning(name, page_of):
    text, warnings = rendered(page_of(name))
    assert warnings == ""
    title, section = name.split(".")
    assert text.startswith(f"{title.upper()}({section})")
    assert re.search(rf"^NAME\n +{title} - \w", text, re.M)
    for heading in ("SYNOPSIS", "DESCRIPTION", "SEE ALSO"):
        assert f"\n{heading}\n" in text
    assert not re.search(r"\*\*|__|\\(?!\n)|`", text), "marks of AsciiDoc"


def test_a_warning_would_be_noticed(page_of):
    path = page_of("tcplife.7")
    path.write_text(path.read_text(encoding="utf-8") + "\n.nosuchmacro\n", encoding="utf-8")
    assert "nosuchmacro" in rendered(path)[1]


@pytest.mark.parametrize("name", PAGES)
def test_version_and_date(name, page_of):
    version = re.search(r"^project\(tcplife VERSION (\S+)", (REPO / "CMakeLists.txt").read_text(), re.M)[1]
    assert re.search(rf'^\.TH "[^"]+" "\d" "\d{{4}}-\d\d-\d\d" "tcplife {re.escape(version)}"', page_of(name).read_text(), re.M)


def test_fields_and_preferences_exist(sandbox):
    """Read in the source: every name with our prefix that is no file, no expert item and no view."""
    named = set(re.findall(r"\*tcplife\.([a-z_.]+[a-z])\*", sources("tcplife.7")))
    fields = {line.split("\t")[2] for line in sandbox.run(["tshark", "-G", "fields"]).stdout.splitlines() if "\ttcplife." in line}
    preferences = set(re.findall(r"^#(tcplife\.\w+):", sandbox.run(["tshark", "-G", "defaultprefs"]).stdout, re.M))
    assert MAIN_FIELDS <= named
    assert {f"tcplife.{name}" for name in named} <= fields | preferences
    assert preferences <= {f"tcplife.{name}" for name in named}


def test_views_are_those_of_tshark(sandbox):
    named = set(re.findall(r"\*-z ([a-z]+(?:,[a-z_-]+)+)\*", sources("tcplife.7")))
    views = {name.removesuffix(",standard") for name in named}
    listed = sandbox.run(["tshark", "-z", "help"])
    assert views == set(re.findall(r"^ *(\S*\btcplife\b\S*)$", listed.stdout + listed.stderr, re.M)) - NOT_VIEWS


def test_examples_work(tshark, captures):
    examples = re.findall(r"^tshark .*(?:\n    .*)?$", sources("tcplife.7"), re.M)
    assert len(examples) == 2
    for example in examples:
        words = subprocess.run(
            ["bash", "-c", f"printf '%s\\n' {example}"], capture_output=True, encoding="utf-8", check=True
        ).stdout.splitlines()
        assert words[:1] == ["tshark"] and "FILE" in words
        capture = words.index("-r")
        done = tshark(words[1:capture] + words[capture + 2 :], captures / "refused.pcap")
        assert done.returncode == 0, done.stderr
        assert "refused" in done.stdout


@pytest.mark.parametrize("name", ["tcplife-batch", "tcplife-doctor"])
def test_options_are_those_of_the_help(name):
    said = subprocess.run([REPO / "scripts" / name, "--help"], capture_output=True, encoding="utf-8", check=True).stdout
    option = re.compile(r"(?<![\w-])(--?[a-z0-9A-Z][a-z-]*)")
    of_help = set(option.findall(" ".join(re.findall(r"^(?:usage:.*|  +-.*?(?:  |$))", said, re.M))))
    of_page = set(re.findall(r"\*(--?[a-zA-Z0-9][a-z-]*)\*", sources(f"{name}.1")))
    assert of_help and of_help | {"-h", "--help"} == of_page


@pytest.mark.parametrize("program, said", [("", "asciidoctor not found"), ("/bin/false", "could not make the manual pages")])
def test_without_asciidoctor_there_are_no_pages(program, said, sandbox):
    """CMake says so, and the rest is installed all the same."""
    folder = sandbox.new_path("-build")
    command = ["cmake", "-S", REPO, "-B", folder, "-G", "Ninja", "-DTCPLIFE_LTO=OFF", f"-DASCIIDOCTOR={program}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout + done.stderr
    rules = (folder / "cmake_install.cmake").read_text()
    assert "tcplife-doctor" in rules and "man7" not in rules
