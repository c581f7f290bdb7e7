# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the files of the configuration profile as Wireshark does."""

import csv
import re
import shutil
from collections import namedtuple
from pathlib import Path

NAME = "tcplife"
SOURCE = Path(__file__).resolve().parent.parent / "plugin" / "profile" / NAME

Rule = namedtuple("Rule", "name filter background text")  # colours are (red, green, blue), each from 0 to 65535
Button = namedtuple("Button", "shown label filter comment")
Graph = namedtuple("Graph", "shown name filter colour style y_axis y_field moving_average factor")


def built(build):
    """The folder of the profile as the build made it: our lines with Wireshark's own below them."""
    return build / "profiles" / NAME


def install(build, config, name=NAME):
    """Copies a built profile into a folder of personal configuration, readable for everybody."""
    folder = config / "profiles" / name
    shutil.copytree(built(build).with_name(name), folder)
    for path in [folder.parent, folder, *folder.iterdir()]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def lines(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def rules(folder):
    """The colouring rules, in their order: @name@filter@[background][text]."""
    return [as_rule(line) for line in lines(folder / "colorfilters")]


def as_rule(line):
    name, expression, colours = re.fullmatch(r"@(.+?)@(.+)@(\[.*\])", line).groups()
    return Rule(name, expression, *(tuple(map(int, colour.split(","))) for colour in re.findall(r"\[(.*?)\]", colours)))


def named_filters(folder, name):
    """The pairs of `dfilters` or `dmacros`: "name" filter."""
    return [re.fullmatch(r'"(.+?)" (.+)', line).groups() for line in lines(folder / name)]


def table(folder, name):
    """The rows of one of Wireshark's user accessible tables: values in quotation marks, \\x22 stands for one inside."""
    rows = csv.reader(lines(folder / name), skipinitialspace=True)
    return [[re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), value) for value in row] for row in rows]


def buttons(folder):
    return [Button(*row) for row in table(folder, "dfilter_buttons")]


def graphs(folder):
    return [Graph(*row) for row in table(folder, "io_graphs")]


def columns(folder):
    """(title, format) of each column of the packet list."""
    text = (folder / "preferences").read_text(encoding="utf-8")
    block = re.search(r"^gui\.column\.format:(.*(?:\n\t.*)+)", text, re.MULTILINE)[1]
    return re.findall(r'"(.*?)", "(.*?)"', block)
