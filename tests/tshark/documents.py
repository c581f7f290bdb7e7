# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the commands, tables and links that a document in Markdown shows; tests/README.md says how to write them."""

import re
from collections import namedtuple

# language: of the fence, "" without; lines: the text inside; reason: why it cannot be run, "" if it can; number: of its first line.
Block = namedtuple("Block", "language lines reason number")
Step = namedtuple("Step", "number command output")
Table = namedtuple("Table", "heading header rows")

FENCE = re.compile(r"^```(\S*)$")
NOT_RUN = re.compile(r"^<!-- not run: (\S.*) -->$")
PROMPT = "$ "
ELLIPSIS = "[...]"  # a line of its own: any lines of output, or none


class DocumentError(Exception):
    """The document has a command that nobody could run."""


def blocks_of(text):
    """The fenced blocks, in order. Raises DocumentError for a fence that is not closed."""
    blocks, begin = [], None
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if begin is None and fence:
            begin, language = number, fence[1]
        elif begin is not None and line == "```":
            mark = NOT_RUN.match(lines[begin - 2]) if begin > 1 else None
            blocks.append(Block(language, lines[begin : number - 1], mark[1] if mark else "", begin + 1))
            begin = None
    if begin is not None:
        raise DocumentError(f"line {begin}: the block is not closed")
    return blocks


def steps_of(block):
    """The commands of a block of console lines, each with its output; a backslash at the end of a line continues a command."""
    steps = []
    continues = False
    for number, line in enumerate(block.lines, block.number):
        if continues:
            steps[-1] = steps[-1]._replace(command=f"{steps[-1].command}\n{line}")
        elif line.startswith(PROMPT):
            steps.append(Step(number, line.removeprefix(PROMPT), []))
        elif steps:
            steps[-1].output.append(line.rstrip())
        else:
            raise DocumentError(f"line {number}: output before the first command")
        continues = line.endswith("\\") and (continues or line.startswith(PROMPT))
    if not steps:
        raise DocumentError(f"line {block.number}: a block of console lines without a command")
    return steps


def runnable_steps(text):
    """Every command of the document that is to be run. Raises DocumentError where a command is shown in another way."""
    blocks = blocks_of(text)
    fenced = {number for block in blocks for number in range(block.number, block.number + len(block.lines))}
    for number, line in enumerate(text.splitlines(), 1):
        if number not in fenced and re.match(rf"\s+{re.escape(PROMPT)}", line):
            raise DocumentError(f"line {number}: put the command into a ```console block")
    for block in blocks:
        prompts = [line for line in block.lines if line.lstrip().startswith(PROMPT)]
        if block.language != "console" and prompts:
            raise DocumentError(f"line {block.number}: commands, but the block is not marked as console")
        if block.language != "console" and block.reason:
            raise DocumentError(f"line {block.number}: only a console block can be marked as not run")
    return [step for block in blocks if block.language == "console" and not block.reason for step in steps_of(block)]


def same_output(expected, printed):
    """Whether an output is that of the document, both with their line ends. What nobody sees does not count: blanks at the end of a
    line, empty lines at both ends."""
    pieces = re.split(rf"^{re.escape(ELLIPSIS)}$\n?", visible(expected), flags=re.M)
    return bool(re.fullmatch(r"(?:.*\n)*?".join(map(re.escape, pieces)), visible(printed)))


def visible(text):
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()).rstrip("\n") + "\n"


def tables_of(text):
    """The tables outside fenced blocks, each below its nearest heading. A \\| inside a cell is the character itself."""
    tables, heading, inside, rows = [], "", False, []
    for line in [*text.splitlines(), ""]:
        inside = inside != bool(FENCE.match(line))
        if not inside and line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            rows.append([cell.strip().replace("\\|", "|") for cell in cells])
            continue
        if rows:
            tables.append(Table(heading, rows[0], rows[2:]))
            rows = []
        if not inside and line.startswith("#"):
            heading = line.lstrip("#").strip()
    return tables


def headings_of(text):
    """(depth, words) of each heading outside fenced blocks."""
    found, inside = [], False
    for line in text.splitlines():
        inside = inside != bool(FENCE.match(line))
        match = re.match(r"(#+) (.*)", line)
        if match and not inside:
            found.append((len(match[1]), match[2]))
    return found


def code_of(cell):
    """What stands in backticks in a cell of a table."""
    return re.findall(r"`([^`]+)`", cell)


def links_of(text):
    """The targets of links and images that are no web addresses."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]
