# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the .def files that the plugin is built from, for the scripts that write documents from them."""

import re
from collections import namedtuple
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
ENGINE, EPAN = REPO / "plugin/engine", REPO / "plugin/epan"

TEXT = r'"((?:[^"\\]|\\.)*)"'
WORD = r"(\w+)"

Group = namedtuple("Group", "id name what values")
Value = namedtuple("Value", "tag value label severity expert_group source meaning")
Field = namedtuple("Field", "id name label type what values below when value")
Error = namedtuple("Error", "bit word label severity expert_group source meaning")
Evidence = namedtuple("Evidence", "bit word source meaning")
ExpertSource = namedtuple("ExpertSource", "source group prefix label")
Preference = namedtuple("Preference", "name standard title what")
Language = namedtuple("Language", "tag name title others")
Column = namedtuple("Column", "name title kind member group what")
Translation = namedtuple("Translation", "label meaning")
Finding = namedtuple("Finding", "tag word kind key title seen means check when")
Measure = namedtuple("Measure", "tag name unit what")
Trait = namedtuple("Trait", "tag name what")


class BadDefinition(Exception):
    """A row of a .def file that does not have the form which its header describes."""


def rows(path, macro, *parts):
    """The arguments of each row `macro(...)` of a file; see rows_of()."""
    return rows_of(path.read_text(encoding="utf-8"), path, macro, *parts)


def rows_of(text, path, macro, *parts):
    """The arguments of each row in the text, in order; each part is a pattern with one group. Every row has to fit."""
    found = re.findall(rf"^{macro}\({', '.join(parts)}\)$", text, re.M)
    written = len(re.findall(rf"^{macro}\(", text, re.M))
    if len(found) != written or not found:
        raise BadDefinition(f"{path.relative_to(REPO)}: {len(found)} of {written} rows {macro} have the form of the header")
    return [tuple(part.replace('\\"', '"') for part in row) for row in found]


def groups():
    """Id -> Group, in order."""
    path = ENGINE / "tl_names.def"
    values = {}
    for group, *others in rows(path, "TL_VALUE", WORD, WORD, TEXT, TEXT, WORD, WORD, TEXT, TEXT):
        values.setdefault(group, []).append(Value(*others))
    return {group: Group(group, name, what, values[group]) for group, name, what in rows(path, "TL_GROUP", WORD, WORD, TEXT)}


def conditions():
    """Name of a condition -> on which segments it holds."""
    found = rows(EPAN / "tl_when.def", "TL_WHEN", WORD, TEXT, "(.+)")
    return {name: words for name, words, _ in found}


def check_order(fields, path):
    """A field has to follow the one that it is below, or another one below that."""
    path_to_last = ["TOP"]
    for field in fields:
        if field.below not in path_to_last:
            raise BadDefinition(f"{path.relative_to(REPO)}: {field.id} does not stand below {field.below}")
        path_to_last = [*path_to_last[: path_to_last.index(field.below) + 1], field.id]


def field_sections():
    """Lists of fields: the paragraphs of the file, its header left out. `when` says on which segments one is shown."""
    path = EPAN / "tl_fields.def"
    _, *paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    parts = (WORD, TEXT, TEXT, WORD, TEXT, WORD, WORD, WORD, "(.+)")
    sections = [[Field(*row) for row in rows_of(paragraph, path, "TL_FIELD", *parts)] for paragraph in paragraphs]
    check_order([field for section in sections for field in section], path)
    words = {"TOP": ""}
    for section in sections:
        for i, field in enumerate(section):
            words[field.id] = conditions()[field.when] or words[field.below]
            section[i] = field._replace(when=words[field.id])
    return sections


def fields():
    return [field for section in field_sections() for field in section]


def errors():
    return [Error(*row) for row in rows(EPAN / "show/tl_errors.def", "TL_ERROR_ROW", WORD, TEXT, TEXT, WORD, WORD, TEXT, TEXT)]


def evidence():
    return [Evidence(*row) for row in rows(EPAN / "show/tl_evidence.def", "TL_EVIDENCE_ROW", WORD, TEXT, TEXT, TEXT)]


def expert_sources():
    return [ExpertSource(*row) for row in rows(EPAN / "show/tl_expert.def", "TL_EXPERT_SOURCE", WORD, WORD, TEXT, TEXT)]


def preferences():
    path = EPAN / "tl_preferences.def"
    return [Preference(*row) for row in rows(path, r"TL_PREFERENCE_\w+", WORD, r"\"?(\w+)\"?", TEXT, TEXT)]


def languages():
    return [Language(*row) for row in rows(EPAN / "tl_preferences.def", "TL_LANGUAGE", WORD, TEXT, TEXT, TEXT)]


def columns():
    """Name and title are "" where the row has NULL."""
    name = r'(NULL|"[^"]*")'
    found = rows(EPAN / "tables/tl_columns.def", "TL_COLUMN", name, name, WORD, r"([^,]+)", WORD, TEXT)
    return [Column(*("" if part == "NULL" else part.strip('"') for part in row)) for row in found]


def chinese_groups():
    """Id of the group -> what it answers."""
    return dict(rows(EPAN / "show/tl_chinese.def", "TL_CHINESE_GROUP", WORD, TEXT))


def chinese_values():
    """(id of the group, tag) -> Translation, in order."""
    found = rows(EPAN / "show/tl_chinese.def", "TL_CHINESE", WORD, WORD, TEXT, TEXT)
    return {(group, tag): Translation(*texts) for group, tag, *texts in found}


def chinese_bits(macro):
    """Bit -> Translation, in order. `macro` is TL_CHINESE_ERROR or TL_CHINESE_EVIDENCE."""
    return {bit: Translation(*texts) for bit, *texts in rows(EPAN / "show/tl_chinese.def", macro, WORD, TEXT, TEXT)}


def findings():
    """In the order of the catalogue; texts are (English, Chinese)."""
    path = ENGINE / "findings/tl_findings.def"
    text = path.read_text(encoding="utf-8")
    parts = r",\s*".join(f"{name},\\s*{TEXT},\\s*{TEXT}" for name in ("TITLE", "SEEN", "MEANS", "CHECK", "WHEN"))
    found = re.findall(rf"^TL_FINDING\({WORD}, {WORD}, {WORD}, {WORD},\s*{parts}\)$", text, re.M)
    if len(found) != len(re.findall(r"^TL_FINDING\(", text, re.M)) or not found:
        raise BadDefinition(f"{path.relative_to(REPO)}: a row TL_FINDING does not have the form of the header")
    return [Finding(*row[:4], *zip(row[4::2], row[5::2])) for row in found]


def measures():
    return [Measure(*row) for row in rows(ENGINE / "findings/tl_measures.def", "TL_MEASURE", WORD, TEXT, WORD, TEXT)]


def traits():
    return [Trait(*row) for row in rows(ENGINE / "findings/tl_measures.def", "TL_TRAIT", WORD, TEXT, TEXT)]
