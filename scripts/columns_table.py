#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints the reference of the connection record's columns, from the definitions that the plugin is built from.

Without arguments it prints Markdown. With a file it puts that between the two marks in the file, so that
`scripts/columns_table.py docs/connections.md` brings the page up to date.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import definitions  # noqa: E402: Python's -I leaves out the folder of the script

EXIT_OK, EXIT_BAD_INPUT = 0, 1

BEGIN, END = "<!-- begin: scripts/columns_table.py writes this -->", "<!-- end -->"

# What a type of tl_columns.def is for whoever reads the values; a WORD is of its group.
KINDS = {
    "COUNT": "number",
    "LARGE": "number",
    "OPTIONAL": "number or absent",
    "STREAM": "number or absent",
    "SECONDS": "seconds or absent",
    "TIME": "seconds since 1970",
    "TEXT": "text",
}


def code(text):
    return f"`{text}`" if text else ""


def kind_text(column):
    if column.kind == "WORD":
        return f"[{column.group.lower()}](#{column.group.lower()}) or absent"
    return KINDS[column.kind]


def columns_table(columns):
    yield "| column | in the table | value | what it says |"
    yield "|---|---|---|---|"
    for column in columns:
        yield f"| {code(column.name)} | {code(column.title)} | {kind_text(column)} | {column.what} |"


def words_tables(columns, groups):
    for group in dict.fromkeys(column.group for column in columns if column.kind == "WORD"):
        used_in = ", ".join(code(column.name) for column in columns if column.kind == "WORD" and column.group == group)
        yield from ("", f"#### {group.lower()}", "", f"In {used_in}.", "", "| word | meaning |", "|---|---|")
        yield from (f"| {code(value.value)} | {value.meaning} |" for value in groups[group].values)


def reference():
    columns = definitions.columns()
    lines = ("### Columns", "", *columns_table(columns), "", "### Words", *words_tables(columns, definitions.groups()))
    return "".join(line + "\n" for line in lines)


def replaced(page, text):
    """The page with the text between the marks, or None when it has not exactly one of each, in order."""
    before, begin, rest = page.partition(BEGIN + "\n")
    _, end, after = rest.partition(END + "\n")
    if not begin or not end or BEGIN in rest or END in after:
        return None
    return f"{before}{begin}\n{text}\n{end}{after}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", nargs="?", type=Path, help="Markdown file to bring up to date")
    arguments = parser.parse_args()
    if not arguments.page:
        print(reference(), end="")
        return EXIT_OK
    try:
        page = replaced(arguments.page.read_text(), reference())
    except OSError as error:
        print(f"columns_table.py: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    if page is None:
        print(f"columns_table.py: {arguments.page} has not one {BEGIN!r} and one {END!r} behind it", file=sys.stderr)
        return EXIT_BAD_INPUT
    arguments.page.write_text(page)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
