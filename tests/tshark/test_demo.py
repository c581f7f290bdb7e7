# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo command: the table it prints, and what it says of a capture that it cannot show."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
DEFAULT_CAPTURE = "nc-four-segment-close.pcap"
PCAP_HEADER_BYTES = 24
TIMEOUT_S = 300  # the first run builds the plugin


def run(command, **how):
    command = [str(word) for word in command]
    how = {"capture_output": True, "encoding": "utf-8", "stdin": subprocess.DEVNULL, "timeout": TIMEOUT_S, **how}
    return subprocess.run(command, check=False, **how)


def demo(*arguments, columns=100):
    """The demo as the user of the tests: as root, if that runs them."""
    return run([REPO / "demo", *arguments], env={**os.environ, "COLUMNS": str(columns)})


@pytest.fixture(scope="module")
def user_demo(sandbox):
    """The demo as an ordinary user, under root in a copy of the repository that this user can read but not write."""
    if not sandbox.as_root:
        return demo
    copy = sandbox.new_path("-repository")
    shutil.copytree(REPO, copy, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
    subprocess.run(["chmod", "--recursive", "a+rX", copy], check=True)

    def run_as_user(*arguments):
        return sandbox.run([copy / "demo", *arguments], env={"COLUMNS": "100"}, timeout=TIMEOUT_S)

    return run_as_user


def rows_of(output):
    """The lines of the table that begin with a frame number."""
    table_row = re.compile(r" {0,7}\d+ +\d+\.\d{6} ")
    return [line.split() for line in output.splitlines() if table_row.match(line)]


# ---- the table ---------------------------------------------------------------------------------------------------------


def test_default_capture():
    done = demo()
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    first, last = rows[0], rows[-1]
    assert first[0] == "1" and first[2:] == ["client", "SYN", "SYN", "1/3", "SYN-SENT", "/", "LISTEN?"]
    assert last[4:8] == ["ACK", "of", "FIN", "2"] and "TIME-WAIT" in last
    assert len(rows) == len({row[0] for row in rows}), "one row for each segment"


def test_explanation_follows_each_row():
    lines = demo().stdout.splitlines()
    rows = [i for i, line in enumerate(lines) if rows_of(line)]
    assert all(lines[i + 1].startswith(" " * 8) and lines[i + 1].strip() for i in rows)


def test_given_capture(captures):
    path = captures / "refused.pcap"
    done = demo(path)
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout.splitlines()[0]
    assert any("refused" in " ".join(row) for row in rows_of(done.stdout))


def test_shipped_captures(captures):
    """Every fourth; tests/run --long: every one."""
    for path in sorted(captures.glob("*.pcap*"))[:: 1 if os.environ.get("TCPLIFE_LONG") else 4]:
        done = demo(path)
        assert done.returncode == 0, f"{path.name}: {done.stderr}"
        assert rows_of(done.stdout), path.name


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(columns):
    done = demo(columns=columns)
    table, _, _ = done.stdout.partition("\n\n11 segments in")  # the report has 100 columns, whatever the terminal
    explanations = [line for line in table.splitlines() if line.startswith(" " * 8)]
    assert explanations and max(map(len, explanations)) <= columns


def test_capture_from_a_pipe(captures):
    path = captures / DEFAULT_CAPTURE
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        done = run([REPO / "demo", "/dev/stdin"], stdin=cat.stdout)
    assert done.returncode == 0, done.stderr
    assert rows_of(done.stdout)


@pytest.mark.parametrize("language", ["zh-CN", "zh_CN", "zh"])
def test_in_chinese(captures, language):
    """The table, its headings, the explanations and the report."""
    done = demo("--lang", language, captures / "refused.pcap")
    assert done.returncode == 0, done.stderr
    assert "握手：被拒绝" in done.stdout
    assert "发送 SYN，初始序号为 2464490950" in done.stdout
    assert "连接被拒绝" in done.stdout.split("\n\n")[-1]
    assert not re.search(r"\b(?:the|and|frame|client|server)\b", done.stdout)


def test_unknown_language():
    assert_refused(demo("--lang", "fr"), 'there is no language "fr": en or zh-CN', status=2)
    assert_refused(demo("--lang"), "--lang needs a language", status=2)


def test_report_at_the_end(captures):
    *_, table, report, findings = demo(captures / "refused.pcap").stdout.split("\n\n")
    assert rows_of(table) and report.startswith("2 segments in ") and "192.168.1.123:7788" in findings


def test_standard_input(captures):
    with (captures / "refused.pcap").open("rb") as capture:
        done = run([REPO / "demo", "-"], stdin=capture)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("standard input: 2 frames, 2 TCP segments, 1 connection\n")


def test_reader_that_stops_early():
    done = run(["bash", "-c", 'set -o pipefail; "$0"/demo | head -n 1', REPO])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_ordinary_user(user_demo):
    done = user_demo()
    assert done.returncode == 0, done.stderr
    assert rows_of(done.stdout)


def test_help():
    done = demo("--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: ./demo [--lang en|zh-CN] [CAPTURE|-]")


# ---- what it cannot show -------------------------------------------------------------------------------------------------


def assert_refused(done, message, status=1):
    assert done.returncode == status
    assert message in done.stderr, done.stderr
    assert rows_of(done.stdout) == []


@pytest.fixture
def whole(captures):
    return (captures / DEFAULT_CAPTURE).read_bytes()


def test_missing(tmp_path):
    assert_refused(demo(tmp_path / "none.pcap"), "none.pcap does not exist")


def test_directory(tmp_path):
    assert_refused(demo(tmp_path), "is a directory")


def test_unreadable(user_demo, sandbox, whole):
    path = sandbox.new_path("-secret.pcap")
    path.write_bytes(whole)
    path.chmod(0)
    assert_refused(user_demo(path), "permission denied")


def test_empty(tmp_path):
    path = tmp_path / "empty.pcap"
    path.touch()
    assert_refused(demo(path), "empty.pcap is empty")


def test_no_capture(tmp_path):
    path = tmp_path / "noise.pcap"
    path.write_bytes(bytes(range(1, 255)) * 20)
    assert_refused(demo(path), "noise.pcap is not a capture file")


def test_text_that_wireshark_would_show(tmp_path):
    path = tmp_path / "data.json"
    path.write_text('{"a": 1}\n')
    assert_refused(demo(path), "data.json is not a capture of packets")


def test_no_tcp(tmp_path, scapy_pcap):
    from scapy.layers.inet import IP, UDP

    assert_refused(demo(scapy_pcap([IP() / UDP()] * 3)), "has no TCP segment in its 3 frames")


def test_no_frames(tmp_path, whole):
    path = tmp_path / "header.pcap"
    path.write_bytes(whole[:PCAP_HEADER_BYTES])
    assert_refused(demo(path), "it holds no frame at all")


def test_cut_in_a_packet(tmp_path, whole):
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[:-10])
    done = demo(path)
    assert done.returncode == 1
    assert "cut.pcap is cut short in the middle of a packet" in done.stderr
    assert len(rows_of(done.stdout)) == len(rows_of(demo().stdout)) - 1


def test_cut_in_the_first_packet(tmp_path, whole):
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[: PCAP_HEADER_BYTES + 6])
    assert_refused(demo(path), "nothing could be read of it")


def test_unknown_option():
    assert_refused(demo("--colour"), "unknown option --colour", status=2)


def test_two_captures():
    assert_refused(demo("a.pcap", "b.pcap"), "more than one capture", status=2)


# ---- the formatter alone, on PDML made by hand ---------------------------------------------------------------------------


def pdml_field(name, value):
    return f'<field name="{name}" show="{value}"/>'


def pdml_layer(name, *inner, **fields):
    members = "".join(pdml_field(f"{name}.{key}", value) for key, value in fields.items())
    return f'<proto name="{name}">{members}{"".join(inner)}</proto>'


def pdml_tcp(source, destination):
    return pdml_layer("tcp", srcport=source, dstport=destination, flags="0x0002")


def pdml_packet(*layers):
    return f'<packet>{pdml_layer("frame", number=1, time_relative="0.5")}{"".join(layers)}</packet>'


@pytest.fixture
def table(tmp_path):
    def run_table(*packets, tail="</pdml>", status=0):
        path = tmp_path / "table.pdml"
        path.write_text("<pdml>" + "".join(packets) + tail)
        command = ["sh", "-c", 'cat "$1"; exit "$2"', "sh", path, status]
        return run([sys.executable, "-I", REPO / "scripts" / "lifecycle_table.py", "--name", "x.pcap", *command])

    return run_table


def test_two_headers_in_one_frame_keep_their_own_facts(table):
    outer = pdml_layer("ip", src="10.0.0.1", dst="10.0.0.2")
    inner = pdml_layer("ip", src="192.0.2.1", dst="192.0.2.2")
    done = table(
        pdml_packet(
            outer,
            pdml_tcp(1, 2),
            inner,
            pdml_tcp(3, 4),
            pdml_layer("tcplife", conn=0, sender="client"),
            pdml_layer("tcplife", conn=1, sender="server", what="SYN 1/3"),
        )
    )
    assert done.returncode == 0, done.stderr
    assert "Connection 0: client 10.0.0.1:1, server 10.0.0.2:2" in done.stdout
    assert "Connection 1: client 192.0.2.2:4, server 192.0.2.1:3" in done.stdout
    assert ["1/3" in row for row in rows_of(done.stdout)] == [False, True]


def test_ends_of_a_simultaneous_open_have_no_roles(table):
    to_low, to_high = (pdml_layer("ip", src=f"10.0.0.{a}", dst=f"10.0.0.{b}") for a, b in ((10, 9), (9, 10)))
    opened = {"client.state": "SYN-SENT", "server.state": "LISTEN", "server.state.confidence": "guess"}
    crossed = {"client.state": "SYN-RECEIVED", "server.state": "ESTABLISHED", "teardown.time_wait": "server"}
    done = table(
        pdml_packet(to_low, pdml_tcp(2, 1), pdml_layer("tcplife", conn=0, sender="client", **opened)),
        pdml_packet(to_high, pdml_tcp(1, 2), pdml_layer("tcplife", conn=0, sender="peer", **crossed)),
    )
    assert "Connection 0: A 10.0.0.9:1, B 10.0.0.10:2\n        TIME-WAIT: B\n" in done.stdout
    first, second = rows_of(done.stdout)
    assert first[2] == "B" and first[-3:] == ["LISTEN?", "/", "SYN-SENT"]
    assert second[2] == "A" and second[-3:] == ["SYN-RECEIVED", "/", "ESTABLISHED"]


def test_header_quoted_by_icmp_is_no_segment(table):
    quoted = pdml_layer("icmp", pdml_layer("ip", src="10.0.0.1", dst="10.0.0.2"), pdml_tcp(1, 2))
    done = table(pdml_packet(pdml_layer("ip", src="10.0.0.9", dst="10.0.0.1"), quoted))
    assert_refused(done, "x.pcap has no TCP segment in its 1 frames")


def test_plugin_that_did_not_load(table):
    done = table(pdml_packet(pdml_layer("ip", src="10.0.0.1", dst="10.0.0.2"), pdml_tcp(1, 2)))
    assert_refused(done, "plugin did not load")


def test_tshark_that_breaks_off(table):
    packet = pdml_packet(pdml_layer("ip", src="::1", dst="::2"), pdml_tcp(1, 2), pdml_layer("tcplife", conn=0, sender="client"))
    done = table(packet, tail="<packet><proto na", status=139)
    assert done.returncode == 1
    assert "exit status 139" in done.stderr
    assert "client [::1]:1, server [::2]:2" in done.stdout
    assert len(rows_of(done.stdout)) == 1


def test_copy_is_closed_to_others(sandbox, captures):
    """What root may read others may not: the temporary copy of a capture belongs to the user of tshark alone."""
    if not sandbox.as_root:
        pytest.skip("needs root")
    folder = sandbox.new_path("-bin")
    folder.mkdir()
    log = folder / "log"
    log.touch()
    log.chmod(0o666)
    # Stands before tshark: it tells what the copy is like.
    spy = folder / "tshark"
    spy.write_text(
        f'#!/bin/bash\nfor word; do case $word in /tmp/tcplife-demo.*) stat -c "%U %A" "${{word%/*}}" "$word" >>{log} ;; esac; done\n'
        f'exec {shutil.which("tshark")} "$@"\n'
    )
    spy.chmod(0o755)
    folder.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = run([REPO / "demo", captures / "refused.pcap"], env=environment)
    assert done.returncode == 0, done.stderr
    assert log.read_text() == 2 * "nobody drwx------\nnobody -rw-------\n"  # once for the table, once for the report
