# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens Wireshark on a screen of its own, does what it is told to, and tells what the windows say.

test_gui.py runs it as `dbus-run-session -- /usr/bin/python3 -I desktop.py` with a plan in JSON on standard input:

    {"wireshark": ["-r", "/tmp/f.pcap"],    arguments
     "title": "f.pcap",                     of the main window with the capture in it
     "steps": [["press", "Statistics", "Flow Graph"],   a menu path, or a button
               ["choose", "All Flows", "TCP Flows"],    in the box that shows the first, the second
               ["select", "[TCP Lifecycle"]],           in a table or tree, the row that starts so
     "window": "Flow",                      part of the title of the window to look at; "" for the main window
     "picture": "/tmp/shot.png"}            screenshot of the whole screen

The last line that it prints is {"title": ..., "texts": [what its widgets are called], "tables": [[row, ...], ...]}, a row
being a list of texts and the first row the headings; or it fails with a message and exit status 1. The texts come from the
accessibility interface (AT-SPI), that is from the widgets themselves: nothing is guessed from pixels, and menus are found by
name, wherever a version has them.
"""

import json
import os
import re
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402: only now is it known which version

SCREEN = "1400x960x24"
PATIENCE_S = 180  # for each step; an idle machine takes 3 s for the longest, the start of Wireshark
POLL_S = 0.3
TABLES = {"tree", "table", "tree table"}


def wait_for(look, what):
    """Calls look() until it returns something true, and returns that."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            found = look()
        except GLib.Error:  # a widget went away while we looked
            found = None
        if found:
            return found
        time.sleep(POLL_S)
    sys.exit(f"desktop.py: waited {PATIENCE_S} s in vain for {what}")


# ---- what is on the screen -------------------------------------------------------------------------------------------


def enable_accessibility():
    """Tells Wireshark to put its windows on the AT-SPI bus. Must come after its start: Qt 5 that finds this switched on when
    it starts registers before it is connected, about every second time, and cannot be found then."""
    session = Gio.bus_get_sync(Gio.BusType.SESSION)
    enabled = GLib.Variant("(ssv)", ("org.a11y.Status", "IsEnabled", GLib.Variant("b", True)))
    place = ("org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties", "Set")
    session.call_sync(*place, enabled, None, Gio.DBusCallFlags.NONE, PATIENCE_S * 1000)


def children(node):
    candidates = (node.get_child_at_index(i) for i in range(node.get_child_count()))
    return [child for child in candidates if child]


def everything(node, but=()):
    """The node and all below it, without what has a role named in `but`. The cells of a table are below the table."""
    yield node
    for child in children(node):
        if child.get_role_name() not in but:
            yield from everything(child, but)


def is_showing(node):
    return node.get_state_set().contains(Atspi.StateType.SHOWING)


def windows():
    desktop = Atspi.get_desktop(0)
    desktop.clear_cache()  # there is no main loop here that would keep it up to date
    return [window for application in children(desktop) for window in children(application) if is_showing(window)]


def window_titled(part):
    return next((window for window in windows() if part in window.get_name()), None)


def rows_of(table):
    """Qt lists the cells row by row, the headings first."""
    width = table.get_table_iface().get_n_columns()
    texts = [cell.get_name() for cell in children(table)]
    return [texts[i : i + width] for i in range(0, len(texts), width)] if width else []


def reading(window):
    window.clear_cache()
    nodes = list(everything(window, but={"menu bar"}))
    return {
        "title": window.get_name(),
        "texts": [node.get_name() for node in nodes if node.get_name()],
        "tables": [rows_of(node) for node in nodes if node.get_role_name() in TABLES and is_showing(node)],
    }


def settled(window):
    """What the window says once it says the same twice: statistics arrive a while after their window."""
    last = None

    def look():
        nonlocal last
        before, last = last, reading(window)
        return last if last == before else None

    return wait_for(look, f"{window.get_name()} to come to rest")


# ---- steps: each gets the rest of its line in the plan ---------------------------------------------------------------


def find(*names):
    """Waits for a widget with the last name below one with the name before it, and so on up to the windows."""

    def look():
        places = windows()
        for name in names:
            below = [node for place in places for node in everything(place)]
            places = [node for node in below if node.get_name() == name and node.get_action_iface()]
        return places

    return wait_for(look, " > ".join(names))[0]


def press(*names):
    button = find(*names).get_action_iface()
    offered = [button.get_action_name(i) for i in range(button.get_n_actions())]
    if "Press" not in offered or not button.do_action(offered.index("Press")):
        sys.exit(f"desktop.py: {' > '.join(names)} cannot be pressed; it offers {offered}")


def choose(shown, wanted):
    """By keyboard: Qt 5 selects in the list that drops down when told to, but does not take it over."""
    press(shown)
    wait_for(lambda: is_showing(find(shown, wanted)), f"the choice {wanted}")
    subprocess.run(["xdotool", "type", wanted], check=True)
    subprocess.run(["xdotool", "key", "Return"], check=True)
    find(wanted, wanted)


def select(start):
    def look():
        nodes = (node for window in windows() for node in everything(window, but={"menu bar"}))
        tables = [node for node in nodes if node.get_role_name() in TABLES and is_showing(node)]
        found = ((table, i) for table in tables for i, row in enumerate(rows_of(table)) if row[0].startswith(start))
        return next(found, None)

    table, row = wait_for(look, f"a row that starts with {start}")
    if not table.get_table_iface().add_row_selection(row - 1):  # the headings do not count
        sys.exit(f"desktop.py: cannot select {start}")


STEPS = {"press": press, "choose": choose, "select": select}


# ---- the programs ----------------------------------------------------------------------------------------------------


def start_screen():
    """Starts an X server on a display that is free; returns it and the name of the display."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    number = server.stdout.readline().strip()
    if not number:
        sys.exit(f"desktop.py: Xvfb does not start: {server.stderr.read()}")
    return server, f":{number}"


def act(plan, wireshark):
    """Carries out the plan in the Wireshark that was started with it; returns what the window says."""

    def must_run():
        if wireshark.poll() is not None:
            sys.exit(f"desktop.py: Wireshark ended with status {wireshark.returncode}")

    def on_screen():
        must_run()
        search = ["xdotool", "search", "--onlyvisible", "--name", f"^{re.escape(plan['title'])}$"]
        return subprocess.run(search, capture_output=True, check=False).stdout

    wait_for(on_screen, f"a window {plan['title']}")
    enable_accessibility()
    wait_for(lambda: window_titled(plan["title"]), f"{plan['title']} on the accessibility bus")
    for verb, *words in plan["steps"]:
        STEPS[verb](*words)
    title = plan["window"] or plan["title"]
    said = settled(wait_for(lambda: window_titled(title), f"a window {title}"))
    subprocess.run(["import", "-window", "root", plan["picture"]], check=True)
    must_run()
    return said


def main():
    plan = json.load(sys.stdin)
    server, display = start_screen()
    os.environ.update(DISPLAY=display, QT_QPA_PLATFORM="xcb")
    processes = [server]
    try:
        processes.append(subprocess.Popen(["wireshark", *plan["wireshark"]], stdout=subprocess.DEVNULL))
        print(json.dumps(act(plan, processes[-1])))
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


main()
