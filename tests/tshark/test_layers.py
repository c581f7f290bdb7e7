# SPDX-License-Identifier: GPL-2.0-or-later
"""The layers of plugin/engine and plugin/epan: lower ones know nothing of higher ones, and no two object files need each other."""

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PLUGIN = REPO / "plugin"

# From the lowest to the highest; a file may use its own folder and those before it. "" is the folder above them.
LAYERS = {
    "engine": ("", "base", "record", "conn", "rules", "views", "findings", "update"),
    "epan": ("base", "store", "input", "show", "tables", "report", ""),
}
# Lists that every layer of epan may read, as tl.h for the engine.
DEFINITIONS = {"tl_fields.def", "tl_when.def", "tl_preferences.def"}
DEFINED, NEEDED = set("TDRBVW"), {"U"}


def layer(path):
    """(part, number of the layer) of a file below plugin/."""
    part, *folders = Path(path).parts[:-1]
    return part, LAYERS[part].index(folders[0] if folders else "")


def needs(build):
    """{file: {file that it needs: symbols}} of everything compiled for the plugin, by the symbols of the object files."""
    nm = shutil.which("gcc-nm") or shutil.which("nm")
    where, wanted = {}, defaultdict(set)
    for path in sorted((build / "plugin" / "CMakeFiles").rglob("*.c.o")):
        name = re.sub(r"^.*?\.dir/|\.o$", "", str(path.relative_to(build / "plugin" / "CMakeFiles")))
        if not (PLUGIN / name).exists():
            continue  # left over from a file that has moved since
        for line in subprocess.run([nm, path], capture_output=True, text=True, check=True).stdout.splitlines():
            *_, kind, symbol = line.split()
            if kind in DEFINED:
                where[symbol] = name
            elif kind in NEEDED:
                wanted[name].add(symbol)
    found = {name: defaultdict(set) for name in set(where.values())}
    for name, symbols in wanted.items():
        for symbol in symbols:
            if where.get(symbol, name) != name:
                found[name][where[symbol]].add(symbol)
    return found


def circles(graph):
    """The sets of files of which each needs, perhaps through others, each (Tarjan's strongly connected components)."""
    number, low, stack, found = {}, {}, [], []

    def visit(name):
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in graph[name]:
            if other not in number:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], number[other])
        if low[name] == number[name]:
            at = stack.index(name)
            found.append(stack[at:])
            del stack[at:]

    for name in graph:
        if name not in number:
            visit(name)
    return [circle for circle in found if len(circle) > 1]


def ties(graph, circle):
    return [f"{a} needs {b} for {', '.join(sorted(graph[a][b]))}" for a in circle for b in circle if graph[a].get(b)]


@pytest.fixture(scope="module")
def graph(build):
    found = needs(build)
    assert len(found) > 50, "the object files are not where this test looks for them"
    return found


def test_no_circle(graph):
    found = [tie for circle in circles(graph) for tie in ties(graph, circle)]
    assert not found, "object files that need each other:\n" + "\n".join(found)


def test_lower_layers_know_nothing_of_higher_ones(graph):
    found = [
        f"{name} needs {other} for {', '.join(sorted(symbols))}"
        for name, others in graph.items()
        for other, symbols in others.items()
        if layer(name)[0] == layer(other)[0] and layer(name)[1] < layer(other)[1]
    ]
    assert not found, "a lower layer needs a higher one:\n" + "\n".join(found)


def test_headers_of_higher_layers_are_not_included():
    found = []
    for path in [*PLUGIN.rglob("*.[ch]")]:
        name = path.relative_to(PLUGIN)
        if name.parts[0] not in LAYERS:
            continue
        part, own = layer(name)
        for other in re.findall(r'#include "(?!\.\.)([^"]+)"', path.read_text(encoding="utf-8")):
            if other not in DEFINITIONS and (PLUGIN / part / other).exists() and layer(Path(part) / other)[1] > own:
                found.append(f"{name} includes {other}")
    assert not found, "a lower layer includes a header of a higher one:\n" + "\n".join(found)


def test_a_circle_is_found():
    graph = {"a": {"b": {"f"}}, "b": {"c": {"g"}}, "c": {"b": {"h"}}}
    assert [sorted(circle) for circle in circles(graph)] == [["b", "c"]]
    assert sorted(ties(graph, ["b", "c"])) == ["b needs c for g", "c needs b for h"]
