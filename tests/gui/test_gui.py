# SPDX-License-Identifier: GPL-2.0-or-later
"""The real Wireshark window with the profile, on a screen that nobody sees. The pictures lie in gui/ in the build folder."""

import json
import os
import re
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import profile_files
import pytest
from conftest import NOBODY

DESKTOP = Path(__file__).with_name("desktop.py")
PYTHON = "/usr/bin/python3"  # Debian's own: another one has no gi
TIMEOUT_S = 600  # for one view; takes 6 s on an idle machine
SPLIT = "gui.geometry_main_upper_pane: 320\ngui.geometry_main_lower_pane: 440\n"  # room for the details; pixels
FULL_SCREEN = "gui.geometry_main_x: 0\ngui.geometry_main_y: 0\ngui.geometry_main_width: 1400\ngui.geometry_main_height: 960\n"
ROW_PIXELS_MIN = 5000  # a line of the packet list has 17 * 1400; its text and its end beyond the window take some

# program or file: the Debian package that has it
NEEDED = {
    "wireshark": "wireshark",
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "dbus-run-session": "dbus-daemon",
    "/usr/share/dbus-1/services/org.a11y.Bus.service": "at-spi2-core",
}

# A view: a capture and how to come to a window (see desktop.py for the steps), and what has to be seen there.
#   texts   how texts in the window begin
#   rows    for a row of a table, what stands under some of its headings
#   rules   colouring rules whose background is on the screen
View = namedtuple("View", "capture arguments steps window texts rows rules")
MAIN_WINDOW = View("", [], [], "", [], [], [])

RULES = profile_files.rules(profile_files.SOURCE)
BUTTONS = profile_files.buttons(profile_files.SOURCE)
GRAPHS = profile_files.graphs(profile_files.SOURCE)
DISPLAY_FILTERS = profile_files.named_filters(profile_files.SOURCE, "dfilters")

# Read off the packets: keepalive-unanswered.pcap has four probes, frames 8 to 11, and a reset in frame 12 because nothing
# answered them; in data-after-close.pcap the server sends its FIN in frame 8, and a reset in frame 11 because of the data in
# frame 10; time-wait-reuse-server.pcap has two connections of ten frames each on the same ports, of which the server closed the
# first and the client the second. The windows of lists say what the profile's files say. One more window is one more entry.
VIEWS = {
    "packet_list": MAIN_WINDOW._replace(
        capture="keepalive-unanswered.pcap",
        texts=["Packets: 12 · Displayed: 12 ", "Profile: tcplife", *(button.label for button in BUTTONS)],
        rows=[
            {"No.": "1", "What": "SYN 1/3", "Client state": "SYN-SENT", "Server state": "LISTEN"},
            *({"No.": str(7 + n), "What": f"keep-alive {n}, not answered"} for n in range(1, 5)),
            {"No.": "12", "What": "RST: keep-alive timed out", "Client state": "CLOSED"},
        ],
        rules=["Keep-alive or window probe", "Unanswered"],
    ),
    "packet_details": MAIN_WINDOW._replace(
        capture="data-after-close.pcap",
        arguments=["-g", "11"],
        steps=[["select", "[TCP Lifecycle"], ["press", "View", "Expand Subtrees"]],
        texts=[
            "[TCP Lifecycle: Teardown, RST: data after the close, client CLOSED, server CLOSED]",
            "[The server resets in answer to frame 10, which brought 10 bytes: it had closed in frame 8,]",
            "[Sender: server]",
            "[FIN 1 in frame: 8]",
            "[Answers frame: 10]",
        ],
    ),
    "filter_button": MAIN_WINDOW._replace(
        capture="data-after-close.pcap",
        steps=[["press", "Resets"]],
        texts=["Packets: 11 · Displayed: 1 "],
        rows=[{"No.": "11", "What": "RST: data after the close"}],
    ),
    "expert_information": MAIN_WINDOW._replace(
        capture="data-after-close.pcap",
        steps=[["press", "Analyze", "Expert Information"]],
        window="Expert Information",
        texts=["RST: data after the close."],  # and no step that every connection takes
        rows=[{"Severity": "Note", "Protocol": "TCP Lifecycle", "Count": "1"}],
    ),
    "flow_graph": MAIN_WINDOW._replace(
        capture="data-after-close.pcap",
        steps=[["press", "Statistics", "Flow Graph"]],
        window="Flow",
        texts=["2 node(s), 11 item(s)"],
        rules=["Reset"],
    ),
    "flow_graph_of_a_type": MAIN_WINDOW._replace(
        capture="icmp-unreachable.pcap",
        steps=[["press", "Statistics", "Flow Graph"], ["choose", "All Flows", "TCP Flows"]],
        window="Flow",
        texts=["2 node(s), 1 item(s)"],  # the SYN; the other frame is ICMP
    ),
    "flow_graph_of_lives": MAIN_WINDOW._replace(
        capture="data-after-close.pcap",
        steps=[["press", "Statistics", "Flow Graph"], ["choose", "All Flows", "TCP Lifecycle"]],
        window="Flow",
        texts=["2 node(s), 11 item(s)"],
        rules=["Reset"],
    ),
    "connections": MAIN_WINDOW._replace(
        capture="time-wait-reuse-server.pcap",
        steps=[["press", "Statistics", "TCP Lifecycle Connections"]],
        window="TCP Lifecycle Connections",
        rows=[
            {"Conn": "0", "Seg >": "5", "Seg <": "5", "By": "server", "Verdict": "ok", "Filter": "tcplife.conn == 0"},
            {"Conn": "1", "Seg >": "6", "Seg <": "4", "By": "client", "Verdict": "ok", "Filter": "tcplife.conn == 1"},
        ],
    ),
    # The row is that of the whole connection although two segments pass.
    "connections_of_an_argument": MAIN_WINDOW._replace(
        capture="data-after-close.pcap",
        arguments=["-z", "tcplife,conn,frame.number >= 10"],
        window="TCP Lifecycle Connections",
        rows=[{"Conn": "0", "Seg >": "6", "Seg <": "5", "RST cause": "data_after_close", "RST by": "server"}],
    ),
    "servers": MAIN_WINDOW._replace(
        capture="refused.pcap",
        steps=[["press", "Statistics", "TCP Lifecycle Servers"]],
        window="TCP Lifecycle Servers",
        rows=[{"Server": "192.168.1.123:7788", "Connections": "1", "Clients": "1", "Refused": "1", "Complete": "0"}],
    ),
    "servers_of_an_argument": MAIN_WINDOW._replace(
        capture="refused.pcap",
        arguments=["-z", "tcplife,servers"],
        window="TCP Lifecycle Servers",
        rows=[{"Server": "192.168.1.123:7788", "Refused": "1"}],
    ),
    "report": MAIN_WINDOW._replace(
        capture="refused.pcap",
        steps=[["press", "Statistics", "TCP Lifecycle Report"]],
        window="TCP Lifecycle Report",
        rows=[{"#": "1", "Class": "BROKEN", "Finding": "Connections are refused", "Sure": "certain", "Filter": "tcplife.conn == 0"}],
    ),
    "report_of_an_argument": MAIN_WINDOW._replace(
        capture="refused.pcap",
        arguments=["-z", "tcplife,report"],
        window="TCP Lifecycle Report",
        rows=[{"#": "1", "Finding": "Connections are refused"}],
    ),
    "statistics_tree": MAIN_WINDOW._replace(
        capture="data-after-close.pcap",
        steps=[["press", "Statistics", "TCP Lifecycle"]],
        window="TCP Lifecycle ·",
        rows=[
            {"Topic / Item": "Segments by phase", "Count": "11"},
            {"Topic / Item": "data after the close", "Count": "1"},
            {"Topic / Item": "complete", "Count": "1", "Percent": "100.00%"},
        ],
    ),
    "conversation_filter": MAIN_WINDOW._replace(
        capture="time-wait-reuse-server.pcap",
        arguments=["-g", "12"],
        steps=[["press", "Analyze", "Conversation Filter", "TCP Lifecycle connection"]],
        texts=["Packets: 20 · Displayed: 10 "],
        rows=[{"No.": "11"}, {"No.": "20"}],
    ),
    "io_graphs": MAIN_WINDOW._replace(
        capture="keepalive-unanswered.pcap",
        steps=[["press", "Statistics", "I/O Graphs"]],
        window="I/O Graphs",
        rows=[{"Graph Name": graph.name, "Display Filter": graph.filter, "Style": graph.style} for graph in GRAPHS],
    ),
    "colouring_rules": MAIN_WINDOW._replace(
        capture="refused.pcap",
        steps=[["press", "View", "Coloring Rules…"]],
        window="Coloring Rules",
        rows=[{"Name": rule.name, "Filter": rule.filter} for rule in RULES],
        rules=[rule.name.removeprefix("tcplife: ") for rule in RULES],
    ),
    "display_filters": MAIN_WINDOW._replace(
        capture="refused.pcap",
        steps=[["press", "Analyze", "Display Filters…"]],
        window="Display Filters",
        rows=[{"Filter Name": name, "Filter Expression": expression} for name, expression in DISPLAY_FILTERS],
    ),
}


def missing_packages():
    missing = [package for thing, package in NEEDED.items() if not shutil.which(thing) and not Path(thing).is_file()]
    binding = [PYTHON, "-I", "-c", "import gi; gi.require_version('Atspi', '2.0')"]
    if subprocess.run(binding, capture_output=True, check=False).returncode != 0:
        missing += ["python3-gi", "gir1.2-atspi-2.0"]
    return missing


@pytest.fixture(scope="module")
def desktop(sandbox, build, captures):
    """desktop(name, view) -> what the window says (see desktop.py), and its picture. Skips where there is no Wireshark GUI."""
    missing = missing_packages()
    if missing:
        pytest.skip(f"no Wireshark GUI to test: {', '.join(missing)} not installed; tests/run --gui installs what is missing")
    script = sandbox.readable(DESKTOP)
    pictures = build / "gui"
    pictures.mkdir(exist_ok=True)

    def look(name, view):
        home = new_home(sandbox, build)
        shutil.copy(captures / view.capture, home)
        plan = {
            "wireshark": ["-n", "-C", profile_files.NAME, *view.arguments, "-r", str(home / view.capture)],
            "title": view.capture,
            "steps": view.steps,
            "window": view.window,
            "picture": str(home / "picture.png"),
        }
        command = ["dbus-run-session", "--", PYTHON, "-I", "-W", "ignore", script]
        where = dict.fromkeys(("HOME", "WIRESHARK_CONFIG_DIR", "XDG_RUNTIME_DIR"), str(home))
        done = sandbox.run(command, stdin=json.dumps(plan), env=where, timeout=TIMEOUT_S)
        assert done.returncode == 0, done.stderr
        shutil.copyfile(plan["picture"], pictures / f"{name}.png")
        return json.loads(done.stdout.splitlines()[-1]), pictures / f"{name}.png"

    return look


def new_home(sandbox, build):
    """A home with the profile and a window as large as the screen; its owner's alone, as a runtime folder has to be."""
    home = sandbox.new_path(".home")
    home.mkdir(mode=0o700)
    profile = profile_files.install(build, home)
    (profile / "recent").write_text((profile / "recent").read_text() + SPLIT)
    (home / "recent_common").write_text(FULL_SCREEN)
    if sandbox.as_root:
        for path in [home, *home.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    return home


def pixels_of(picture):
    """How many pixels of each colour (#RRGGBB) a picture has."""
    command = ["convert", picture, "-depth", "8", "-format", "%c", "histogram:info:-"]
    histogram = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    return {colour: int(count) for count, colour in re.findall(r"(\d+): .*?(#[0-9A-F]{6})", histogram)}


def has_row(tables, expected):
    rows = (dict(zip(headings, row, strict=True)) for headings, *rows in filter(None, tables) for row in rows)
    return any(expected.items() <= row.items() for row in rows)


@pytest.mark.parametrize("name", VIEWS)
def test_view(desktop, name):
    view = VIEWS[name]
    said, picture = desktop(name, view)
    assert (view.window or view.capture) in said["title"]
    missing = [text for text in view.texts if not any(found.startswith(text) for found in said["texts"])]
    missing += [row for row in view.rows if not has_row(said["tables"], row)]
    assert not missing, f"not in {picture}: {missing}"
    pixels = pixels_of(picture)
    for rule in RULES:
        if rule.name.removeprefix("tcplife: ") in view.rules:
            background = "#" + "".join(f"{part // 257:02X}" for part in rule.background)
            assert pixels.get(background, 0) >= ROW_PIXELS_MIN, f"{rule.name} does not colour anything in {picture}"
