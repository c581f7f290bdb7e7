#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes docs/fields.md and docs/labels.zh-CN.md from the definitions that the plugin is built from, and docs/states.md and
docs/thresholds.md from the engine's code; docs/report.md and docs/report.zh-CN.md from the catalogue of findings.

`scripts/reference_pages.py` writes all into docs/, or into another folder; with --check it only says which are out of date,
and fails if one is.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import definitions  # noqa: E402: Python's -I leaves out the folder of the script
import finding_pages  # noqa: E402
import rule_pages  # noqa: E402

EXIT_OK, EXIT_BAD_INPUT = 0, 1

DOCS = definitions.REPO / "docs"
SPDX = "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->"
WRITTEN_BY = "<!-- scripts/reference_pages.py writes this page: change the .def files in plugin/ instead. -->"

TYPES = {
    "NONE": "heading", "STRING": "text", "COUNT": "number", "INT": "signed number", "FRAME": "frame number",
    "TIME": "seconds", "YES": "yes",
}  # fmt: skip
SEVERITIES = {"NONE": "", "CHAT": "Chat", "NOTE": "Note", "WARN": "Warning"}
BITS = {"ERRORS": ("handshake_error", "#handshake_error"), "EVIDENCE": ("evidence", "#evidence")}
PLAIN_VALUES = {"TEXT", "NUMBER", "YES", "HEADING"}

FIELDS_INTRO = """# Fields, values, expert items and preferences

Everything that can be filtered on, printed or chosen. A fact that does not hold has no field; a field occurs at most once for
each TCP header of a frame (`tcplife.finding`, its group, and lines of an explanation more often). Fields are `tcplife.` and the name; values are words, and filters compare words:
`tcplife.rst.cause == "refused"`. Names and values are the public interface and do not depend on the language of the explanation.
Chinese labels: [labels.zh-CN.md](labels.zh-CN.md). Columns of the connection rows: [connections.md](connections.md).

*The second pass* is what a window shows once a capture is loaded, and what `tshark -2` prints: by then later segments are known.
Frame numbers of later frames appear from the second pass on only. *Late* facts are on the segment that proves them at once.

Sources: a section of an RFC, a file of the Linux kernel, Zeek's manual of conn.log, or *observed*: a distinction of our own,
which [design.md](design.md) derives.
"""

LABELS_INTRO = """# 各字段取值的中文标签

过滤器比较的是“值”一栏的英文词，它们不随语言改变，例如 `tcplife.rst.cause == "refused"`。中文标签用于中文解释
（首选项 `tcplife.explanation_language`，命令行 `-o tcplife.explanation_language:zh-CN`）和本页。
字段的含义、出处与专家信息见 [fields.md](fields.md)（英文）。
"""


def code(text):
    return f"`{text}`"


def table(heads, rows):
    """Lines of a Markdown table."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


# ---- docs/fields.md --------------------------------------------------------------------------------------------------


def values_text(field, groups):
    """What the values of a field are: a link, or nothing where the type says it all."""
    if field.values in PLAIN_VALUES or field.type == "NONE":
        return ""
    name, anchor = BITS[field.values] if field.values in BITS else (groups[field.values].name, f"#{groups[field.values].name}")
    return f"[{name}]({anchor})"


def field_lines(groups):
    yield "## Fields"
    for section in definitions.field_sections():
        rows = ((code(f"tcplife.{f.name}"), TYPES[f.type], values_text(f, groups), f.what, f.when) for f in section)
        yield from ("", f"### {section[0].label}: fields", "")
        yield from table(("field", "type", "values", "what it says", "on which segments"), rows)


def names_of_fields(values):
    """The fields that have values of a group; of a heading it is only the label."""
    return [code(f"tcplife.{field.name}") for field in definitions.fields() if field.values == values and field.type != "NONE"]


def users_text(values):
    """The fields that have values of a group, and the columns of the connection rows."""
    fields = names_of_fields(values)
    columns = [code(column.name) for column in definitions.columns() if column.kind == "WORD" and column.group == values]
    texts = ["In " + ", ".join(fields) if fields else "", "columns " + ", ".join(columns) if columns else ""]
    return "; ".join(text for text in texts if text) + "."


def value_lines(groups):
    yield from ("", "## Values")
    heads = ("value", "label", "meaning", "source")
    for group in groups.values():
        yield from ("", f"### {group.name}", "", f"{group.what} {users_text(group.id)}", "")
        yield from table(heads, ((code(v.value), v.label, v.meaning, v.source) for v in group.values))
    yield from ("", "### handshake_error", "", f"What does not fit in a segment of the handshake. {users_text('ERRORS')}", "")
    yield from table(heads, ((code(error.word), error.label, error.meaning, error.source) for error in definitions.errors()))
    what = "What speaks for a reset that was not sent by the end that it names; weights and conditions: design.md, 10.7."
    yield from ("", "### evidence", "", f"{what} {users_text('EVIDENCE')}", "")
    rows = ((code(item.word), item.meaning, item.source) for item in definitions.evidence())
    yield from table(("value", "meaning", "source"), rows)


def expert_items(groups):
    """(name, severity, group, text) of each expert item, most important source first; as tl_expert.c makes them."""
    for source in definitions.expert_sources():
        if source.group in groups:
            values = [(value.value, value) for value in groups[source.group].values]
        else:
            values = [(error.word, error) for error in definitions.errors()]
        for word, value in values:
            if value.severity != "NONE":
                text = f"{source.label}{value.label}. {value.meaning}"
                name = f"tcplife.expert.{source.prefix}{word}"
                yield name, SEVERITIES[value.severity], value.expert_group.capitalize(), text[0].upper() + text[1:]


def expert_lines(groups):
    yield from ("", "## Expert items", "")
    yield "At most one for each TCP header: the most severe one, and among equals the first in this order. Their texts are English,"
    yield from ("whatever the language of the explanation.", "")
    yield from table(("item", "severity", "group", "text"), ((code(item[0]), *item[1:]) for item in expert_items(groups)))


def preference_lines():
    languages = definitions.languages()
    names = {language.name for language in languages}
    choices = ", ".join(f"{code(language.name)} ({language.title})" for language in languages)
    yield from ("", "## Preferences", "")
    yield "In the window: *Edit, Preferences, Protocols, TCP Lifecycle*. On a command line: `-o name:value`."
    yield ""

    def values_of(preference):
        word = preference.standard.strip('"')
        return (choices, code(word)) if word in names else ("`TRUE`, `FALSE`", code(word.upper()))

    rows = (
        (code(f"tcplife.{p.name}"), p.title, *values_of(p), p.what)
        for p in definitions.preferences()
    )  # fmt: skip
    yield from table(("preference", "title", "values", "default", "what it does"), rows)


def fields_page():
    groups = definitions.groups()
    parts = (field_lines(groups), value_lines(groups), expert_lines(groups), preference_lines())
    return "\n".join((SPDX, WRITTEN_BY, FIELDS_INTRO, *(line for part in parts for line in part))) + "\n"


# ---- docs/labels.zh-CN.md --------------------------------------------------------------------------------------------


def label_lines():
    questions, values = definitions.chinese_groups(), definitions.chinese_values()
    heads = ("值", "标签", "说明")
    for group in definitions.groups().values():
        used_in = "、".join(names_of_fields(group.id))
        yield from ("", f"## {group.name}", "", questions[group.id] + (f"用于 {used_in}。" if used_in else ""), "")
        rows = ((value.value, values[group.id, value.tag]) for value in group.values)
        yield from table(heads, ((code(word), *translation) for word, translation in rows))


def bit_lines(name, what, macro, bits):
    translations = definitions.chinese_bits(macro)
    yield from ("", f"## {name}", "", what, "")
    yield from table(("值", "标签", "说明"), ((code(item.word), *translations[item.bit]) for item in bits))


def labels_page():
    errors = bit_lines(
        "handshake_error", "握手的报文段中哪里不符。用于 `tcplife.handshake.error`。", "TL_CHINESE_ERROR", definitions.errors()
    )
    evidence = bit_lines(
        "evidence", "什么说明重置不是它所称的一端发出的。用于 `tcplife.rst.evidence`。", "TL_CHINESE_EVIDENCE",
        definitions.evidence(),
    )  # fmt: skip
    lines = (line for part in (label_lines(), errors, evidence) for line in part)
    return "\n".join((SPDX, WRITTEN_BY, LABELS_INTRO.rstrip("\n"), *lines)) + "\n"


# ---- all -------------------------------------------------------------------------------------------------------------


def rule_page(name):
    """The function that gives the page of that name, of rule_pages."""
    written_by = WRITTEN_BY.replace(".def files in plugin/", "tables and constants of plugin/engine/")
    return lambda: "\n".join((SPDX, written_by, *rule_pages.page(name))) + "\n"


def finding_page(language):
    """The function that gives the page of findings in that language."""
    written_by = WRITTEN_BY.replace(".def files in plugin/", "tl_findings.def or scripts/finding_pages.py")
    return lambda: "\n".join((SPDX, written_by, *finding_pages.page(language))) + "\n"


PAGES = {
    "fields.md": fields_page,
    "labels.zh-CN.md": labels_page,
    "report.md": finding_page(finding_pages.ENGLISH),
    "report.zh-CN.md": finding_page(finding_pages.CHINESE),
} | {name: rule_page(name) for name in rule_pages.PAGES}


def write(folder):
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


def out_of_date(folder):
    """The names of the pages that are not what would be written."""
    paths = {name: folder / name for name in PAGES}
    return [name for name, path in paths.items() if not path.exists() or path.read_text(encoding="utf-8") != PAGES[name]()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS, help="where the pages are")
    arguments = parser.parse_args()
    try:
        stale = out_of_date(arguments.folder) if arguments.check else write(arguments.folder)
    except (OSError, definitions.BadDefinition) as error:
        print(f"reference_pages.py: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyError as error:
        print(f"reference_pages.py: tl_chinese.def or tl_names.def has no row for {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    for name in stale or ():
        print(f"reference_pages.py: {arguments.folder / name} is out of date: run scripts/reference_pages.py", file=sys.stderr)
    return EXIT_BAD_INPUT if stale else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
