# SPDX-License-Identifier: GPL-2.0-or-later
"""What is computed from measurements, and how it is shown: no measuring here, so that made-up numbers can test it."""

import re
import statistics
from collections import namedtuple

# A ratio with / without the plugin over several pairs: the middle of the pairs' own ratios, the least and the greatest.
Ratio = namedtuple("Ratio", "median least most")
# One table: `note` says what the columns mean, where the head does not.
Table = namedtuple("Table", "title note head rows")


def pair_order(pair):
    """Which run of a pair comes first: with the plugin in even pairs, without in odd ones.

    The two runs of a pair follow each other, and the order changes, so that a machine that becomes slower or faster meanwhile
    favours neither of them."""
    return (True, False) if pair % 2 == 0 else (False, True)


def ratio_of_pairs(with_plugin, without):
    """The ratio of two lists, the nth of one paired with the nth of the other."""
    if len(with_plugin) != len(without) or not without:
        raise ValueError("pairs need as many runs with as without, at least one")
    ratios = sorted(a / b for a, b in zip(with_plugin, without))
    return Ratio(statistics.median(ratios), ratios[0], ratios[-1])


def per_frame(small, large, frames_small, frames_large):
    """What each frame beyond the smaller capture adds: what is needed once, to start, drops out."""
    if frames_large <= frames_small:
        raise ValueError("the second capture has to be larger")
    return (large - small) / (frames_large - frames_small)


def against_goal(value, goal):
    """ "met", or by how much it is missed; "" without a goal. `value` counts as it is printed, to three decimals."""
    if goal is None:
        return ""
    if round(value, 3) <= goal:
        return "met"
    percent = 100 * (value / goal - 1)
    return f"missed by {percent:.{1 if percent < 10 else 0}f} %"


def table_text(table):
    """The table as Markdown that can be read as it is, too: columns of even width, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in [table.head, *table.rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(table.head))]
    left = [not any(is_number(row[i]) for row in cells[1:]) for i in range(len(table.head))]
    columns = list(zip(widths, left))
    lines = [
        "| " + " | ".join(cell.ljust(width) if is_left else cell.rjust(width) for cell, (width, is_left) in zip(row, columns)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) if is_left else "-" * (width + 1) + ":" for width, is_left in columns) + "|"
    note = [table.note, ""] if table.note else []
    return "\n".join([f"### {table.title}", "", *note, lines[0], rule, *lines[1:]]) + "\n"


def is_number(text):
    return re.fullmatch(r"-?\d[\d.,]*", text) is not None


def marks(section):
    """The lines of a document between which a section's tables stand."""
    return f"<!-- begin: tests/perf/run {section} writes this -->", f"<!-- end: {section} -->"


def replaced(page, section, text):
    """The page with `text` between the section's marks; None when it has not exactly one of each, in order."""
    begin, end = marks(section)
    before, found_begin, rest = page.partition(begin + "\n")
    _, found_end, after = rest.partition(end + "\n")
    if not found_begin or not found_end or begin in rest or end in after:
        return None
    return f"{before}{begin}\n\n{text}\n{end}\n{after}"
