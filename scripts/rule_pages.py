# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/states.md, causes.md and thresholds.md: the rules that are tables in the engine. For scripts/reference_pages.py."""

import re
from collections import namedtuple

from definitions import ENGINE, REPO, BadDefinition

UNIT_TESTS, CASES = REPO / "tests/unit", REPO / "tests/cases"

STATES_INTRO = """# The table of states

The state of one end, RFC 9293 3.3.2 and 3.10, as far as captured segments tell it. Viewpoint: the end is in `state` when the event
happens. An event that is not listed for a state changes nothing. "Then": both are entered by one segment. "Gets RST as opener" is
listed only where it differs from "gets RST". "Sends" events are certain, "gets" events are expected until the end shows them itself.
How a segment becomes an event: [design.md](design.md), section 9.
"""

CAUSES_INTRO = """# Causes of a RST

Written from the engine: the first row that holds names the cause. X sends the RST, T is the segment of Y that it answers (its trigger);
"reply" is the form `reply_ack`, "live" the form `active` or `bare`. What these words mean: [design.md](design.md), section 10.

Why this order: answers to a challenge ACK come before answers to a SYN, since their numbers fit both. Old connections come before
`ack_rejected`, since a server that holds an old connection acknowledges old numbers. The timeouts come before the abort, since they
have its form. `data_after_close` comes before `after_close` and `linger2`, since lost data matters more than the fact that the
end was gone.

`no_connection`, `half_open` and `refused` do not say who sent the RST: the host, or a device on the path that answers for it.
"""

TRAITS_INTRO = """
## What follows from a cause

"ends": whether such a RST can end the connection. "sender": what it says of the state of X, [design.md](design.md) 9.2.
"""

THRESHOLDS_INTRO = """# Thresholds

Every time, size and count that decides something, from the constants in `plugin/engine`, with the reason that stands there, and the
shares and factors that stand in a condition. Where two
are named for one question ("x, y RTT"), the larger one holds. The tests are those that name the constant; most pin both sides: one
expectation just below, one just above. Tests are in `tests/unit/`, cases in `tests/cases/`.
"""

Cell = namedtuple("Cell", "state event next via reason")
Rule = namedtuple("Rule", "name cause confidence condition")
Threshold = namedtuple("Threshold", "name module value why tests")


# ---- states ----------------------------------------------------------------------------------------------------------


def spoken(tag):
    """TL_SENDS_ACK_OF_FIN as the comments of tl_fsm.h and people say it."""
    words = {
        "SENDS_SYN": "sends SYN", "SENDS_SYNACK": "sends SYN-ACK", "SENDS_SYNCHRONISED": "sends a segment that acknowledges the SYN",
        "SENDS_ACK_OF_FIN": "acknowledges the peer's FIN", "SENDS_FIN": "sends its FIN",
        "SENDS_FIN_ONE_WAY": "sends its FIN, order not known", "SENDS_RST": "sends RST, abort",
        "SENDS_RST_GONE": "sends RST, no connection", "SENDS_RST_DOUBTFUL": "sends RST, doubtful", "GETS_SYN": "gets SYN",
        "GETS_SYNACK": "gets SYN-ACK", "GETS_ACK_OF_SYN": "gets the ACK of its SYN", "GETS_ACK_OF_FIN": "gets the ACK of its FIN",
        "GETS_FIN": "gets the peer's FIN", "GETS_FIN_DOUBTFUL": "gets the peer's FIN, order not known", "GETS_RST": "gets RST",
        "GETS_RST_AS_OPENER": "gets RST as opener", "GETS_RST_DOUBTFUL": "gets RST, doubtful",
    }  # fmt: skip
    if tag not in words:
        raise BadDefinition(f"tl_fsm.c has an event that scripts/rule_pages.py has no words for: TL_{tag}")
    return words[tag]


def state_name(tag):
    return "unknown" if tag == "UNKNOWN" else tag.replace("_", "-")


def cells():
    path = ENGINE / "record/tl_fsm.c"
    text = path.read_text(encoding="utf-8")
    found = []
    for block in re.finditer(r"^    \[TL_STATE_(\w+)\] =\n        \{(.*?)^        \},", text, re.M | re.S):
        rows = re.findall(r'\[TL_(\w+)\] = (?:GO|VIA)\((?:(\w+), )?(\w+), "([^"]*)"\)', block[2])
        if len(rows) != block[2].count("] = "):
            raise BadDefinition(f"{path}: a cell of {block[1]} has a form that scripts/rule_pages.py cannot read")
        found += [Cell(block[1], event, after, via, reason) for event, via, after, reason in rows]
    if not found:
        raise BadDefinition(f"{path}: no table of states found")
    return found


def state_lines():
    yield from ("| state | event | next | reason |", "|---|---|---|---|")
    all_cells, last = cells(), None
    plain = {cell.state: cell for cell in all_cells if cell.event == "GETS_RST"}
    for cell in sorted(all_cells, key=lambda cell: cell.state == "UNKNOWN"):
        same = plain.get(cell.state)
        if cell.event == "GETS_RST_AS_OPENER" and same and same[2:] == cell[2:]:
            continue
        after = (f"{state_name(cell.via)}, then " if cell.via else "") + state_name(cell.next)
        yield f"| {state_name(cell.state) if cell.state != last else ''} | {spoken(cell.event)} | {after} | {cell.reason} |"
        last = cell.state


# ---- causes of a RST -------------------------------------------------------------------------------------------------


def spelled(tag):
    return f"`{tag.lower()}`"


def rst_rules():
    """The rows of the table `causes`, each with what stands above its predicate: an identifier, a colon, the condition."""
    path = ENGINE / "rules/tl_rst_why.c"
    text = path.read_text(encoding="utf-8")
    above = re.findall(r"/\*((?:(?!\*/).)*)\*/\nstatic bool (\w+)\(", text, re.S)
    conditions = {name: one_line(comment) for comment, name in above}
    rows = re.findall(r"^    \{(\w+), TL_RST_CAUSE_(\w+), TL_CONFIDENCE_(\w+)\},$", text, re.M)
    if not rows or len(rows) != len(re.findall(r"^    \{\w+, TL_RST_CAUSE_", text, re.M)):
        raise BadDefinition(f"{path}: a row of the table of causes has a form that scripts/rule_pages.py cannot read")
    for predicate, cause, confidence in rows:
        match = re.fullmatch(r"(C\d+[a-z]?): (.*)", conditions.get(predicate, ""))
        if not match:
            raise BadDefinition(f"{path}: above {predicate} there is no comment with the rule's identifier and condition")
        yield Rule(match[1], cause, confidence, match[2])


def trait_rows():
    path = ENGINE / "rules/tl_rst_cause.def"
    for row in re.findall(r"^TL_RST_CAUSE_ROW\((\w+,.*)\)$", path.read_text(encoding="utf-8"), re.M):
        yield re.split(r",\s*", row)


def cause_lines():
    yield from ("| rule | cause | condition | confidence |", "|---|---|---|---|")
    for rule in rst_rules():
        yield f"| {rule.name} | {spelled(rule.cause)} | {rule.condition} | {rule.confidence.lower()} |"
    yield "| C25 | `unknown` | none of these | |"
    yield TRAITS_INTRO
    yield "| cause | step of a handshake | ends | sender is gone | sender | reaches its receiver | when a device sent it | connection |"
    yield "|---|---|---|---|---|---|---|---|"
    ends = {"BY_FORM": "active form, or accepted", "NOTHING": "no"}
    sender = {
        "SILENT": "nothing", "BY_FORM": "live form: aborts; answer: nothing is there",
        "ANSWERS": "the same; after a device's reset it says nothing more", "DOUBTFUL": "nothing is there, or a device said so",
        "WAITS": "goes on waiting in SYN-SENT", "DECLINES": "did not take the SYN-ACK, closes",
    }  # fmt: skip
    device_says = {"KEEPS": "stays", "REPLACES": "`device_...` instead", "YIELDS": "stays; `device_...` when that is certain"}
    for cause, step, end, gone, says, receiver, _, device, word in trait_rows():
        cells_ = (
            spelled(cause), "" if step == "NONE" else spelled(step), ends[end], "yes" if gone == "GONE" else "no", sender[says],
            "perhaps" if receiver == "DEAF" else "yes", device_says[device], spelled(word),
        )  # fmt: skip
        yield f"| {' | '.join(cells_)} |"


# ---- thresholds ------------------------------------------------------------------------------------------------------

UNITS = {"TL_SECOND": "s", "TL_MS": "ms"}
NO_THRESHOLD = re.compile(r"0x\w{1,4}$|1 << \d$|.*(sizeof|BIT\(|\bTL_(?!MS|SECOND))")  # flags, and what follows from other constants


def value_text(name, expression):
    """A constant with its unit, as people write it."""
    expression = re.sub(r"\(u?int\d+_t\)|INT64_C\((\d+)\)", r"\1", re.sub(r"/\*.*?\*/", "", expression)).strip()
    if match := re.fullmatch(r"(?:(\d+) \* )?(TL_SECOND|TL_MS)(?: / (\d+))?", expression):
        number = int(match[1] or 1) / int(match[3] or 1)
        return f"{number:g} {UNITS[match[2]]}"
    if name.upper().endswith("_NS") and expression.isdigit():
        number = int(expression)
        return f"{number / 1e9:g} s" if number >= 1e9 else f"{number / 1e6:g} ms"
    if name.endswith("_PERCENT") and expression.isdigit():
        return f"{expression} %"
    return f"`{expression}`" if re.search(r"[A-Za-z(*<]", expression) else expression


def one_line(comment):
    text = re.sub(r"\s*\n\s*\*?\s*", " ", comment.strip()).strip().rstrip(".")
    return text.replace("|", "\\|")


def declarations(path):
    """(what is declared, the comment about it) of each declaration of constants in a file of the engine."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(
        r"(?:/\*((?:(?!\*/).)*)\*/\n[ \t]*)?"  # the comment above
        r"[ \t]*\b(?:static const u?int\d+_t|(?:typedef )?enum \{)((?:[^;/]|/\*(?:(?!\*/).)*\*/|/(?!\*))*?);"
        r"(?:[ \t]*/\*((?:(?!\*/).)*)\*/)?",  # and the one behind
        re.S,
    )
    for match in re.finditer(r"(?:/\*((?:(?!\*/).)*)\*/\n)?#define (\w+_NS) ([^\n]*?)[ \t]*(?:/\*(.*?)\*/)?\n", text, re.S):
        yield f"{match[2]} = {match[3].strip('()')}", one_line(match[4] or match[1] or "")
    for match in pattern.finditer(text):
        if "=" in match[2] and "[" not in match[2].split("=")[0]:
            yield match[2], one_line(match[3] or match[1] or "")


def constants(path):
    for body, why in declarations(path):
        rows = re.findall(r"\b(\w+) = ((?:[^,/}]|/(?!\*))+),?\s*(?:/\*(.*?)\*/)?", body, re.S)
        if [expression.strip() for _, expression, _ in rows[:3]] == ["1", "2", "4"]:
            continue  # bits
        for name, expression, own in rows:
            counts = name.isupper() and not name.startswith("TL_NO_") or name.endswith("_ns")
            if counts and not NO_THRESHOLD.match(expression) and not name.startswith("TL_UNKNOWN"):
                yield name, expression.strip(), one_line(own) if own else why


def tests_naming():
    """{name of a constant: the tests that say which threshold they pin}"""
    found = {}

    def note(names, test):
        for name in re.findall(r"\w+", names):
            found.setdefault(name, []).append(test)

    for path in sorted(UNIT_TESTS.glob("test_*.c")):
        for names, test in re.findall(r"/\* threshold: ([\w, ]+) \*/\nstatic void (\w+)\(", path.read_text(encoding="utf-8")):
            note(names, f"{path.stem} {test}")
    for path in sorted(CASES.glob("*.case")):
        for names in re.findall(r"^# threshold: ([\w, ]+)$", path.read_text(encoding="utf-8"), re.M):
            note(names, f"case {path.stem}")
    return found


def shares(path):
    """(function, value, why) of each share or factor that stands in a condition, which a comment there says."""
    for name, text in re.findall(r"/\* share (\w+): ((?:(?!\*/).)*) \*/", path.read_text(encoding="utf-8"), re.S):
        value, _, why = one_line(text).partition("; ")
        if not why:
            raise BadDefinition(f"{path}: share {name} has no reason (share FUNCTION: value; why)")
        yield name, value, why


def thresholds():
    tests = tests_naming()
    for path in sorted(ENGINE.rglob("tl*.[ch]")):
        for name, value, why in shares(path):
            yield Threshold(name, path.stem, value, why, tests.get(name, ()))
        for name, expression, why in constants(path):
            yield Threshold(name, path.stem, value_text(name, expression), why, tests.get(name, ()))


def threshold_lines():
    yield from ("| value | constant, module | why | tests |", "|---|---|---|---|")
    known = set()
    for item in thresholds():
        known.add(item.name)
        yield f"| {item.value} | `{item.name}`, {item.module} | {item.why} | {'; '.join(item.tests)} |"
    if unknown := sorted(set(tests_naming()) - known):
        raise BadDefinition(f"tests name thresholds that the engine does not have: {', '.join(unknown)}")


PAGES = {
    "states.md": (STATES_INTRO, state_lines),
    "causes.md": (CAUSES_INTRO, cause_lines),
    "thresholds.md": (THRESHOLDS_INTRO, threshold_lines),
}


def page(name):
    """The lines of one page, without its head."""
    intro, lines = PAGES[name]
    return (intro, *lines())
