# SPDX-License-Identifier: GPL-2.0-or-later
"""The goals of the accuracy lab, and the tables that show how far a reading is from them."""

from dataclasses import asdict, dataclass

from scoring import CAUSES, FAMILIES, GATED, POSITIONS, RARE, RST_ALLOWED

PROBES = ("keepalive", "keepalive_answer", "window_probe", "window_probe_answer")
# Causes of resets that Linux 6.18 sends and the corpus must hold RARE times; the others of
# RST_ALLOWED come from other systems, from damage or from forgery.
RARE_CAUSES = ("synack_bad_ack", "synack_unsolicited", "synack_rejected", "ack_rejected",
               "half_open_syn", "tw_old_syn", "abort_repeat", "keepalive_timeout",
               "data_after_close", "after_close", "linger2", "half_open_probe", "half_open",
               "no_connection", "abort_after_fin", "abort")


@dataclass
class Goal:
    """One line of the table: `right` of `total`, at least `least` of it, at most `most_wrong`."""

    text: str
    right: int
    total: int
    least: float
    wrong: int = 0
    most_wrong: float = 0.0     # share of `total`
    certain: int = 0            # wrong though certain; must be 0

    @property
    def met(self):
        """True when the corpus has such frames and all conditions hold."""
        return bool(self.total) and self.right >= self.least * self.total \
            and self.wrong <= self.most_wrong * self.total and not self.certain


def total(counter, *key):
    """The sum over all keys that agree with `key` wherever that is not None."""
    return sum(n for k, n in counter.items() if len(k) == len(key)
               and all(want is None or want == got for want, got in zip(key, k)))


def detection(tally, family, where=None):
    """(in truth, found, right) of a family."""
    return (total(tally.families, where, family, None), total(tally.families, where, None, family),
            total(tally.families, where, family, family))


def check(tally):
    """The Goals of issue "why it was sent", for one reading."""
    goals = []
    for group, text in (("other", "RST cause, refused SYNs left out"), ("refused", "refused SYNs")):
        goals.append(Goal(text, total(tally.resets, None, group, "right"),
                          total(tally.resets, None, group, "total"), 0.99, most_wrong=1,
                          certain=total(tally.resets, None, group, "wrong certain")))
    for where, least in (("sender", 0.98), ("receiver", 0.97)):
        goals.append(Goal(f"retransmission cause at the {where}",
                          total(tally.causes, where, None, "right"),
                          total(tally.causes, where, None, "total"), least,
                          certain=total(tally.causes, where, None, "wrong certain"), most_wrong=1))
        if where == "sender":
            for name in CAUSES:
                number = total(tally.causes, where, name, "total")
                if number >= GATED:
                    goals.append(Goal(f"  {name}", total(tally.causes, where, name, "right"),
                                      number, 0.9))
    proof = [total(tally.spurious, None, "proof", *key)
             for key in ((True, True), (True, None), (False, True))]
    goals.append(Goal("spurious, with DSACK or timestamps", proof[0], proof[1], 0.98, proof[2],
                      0.01))
    for family in PROBES:
        truth, found, right = detection(tally, family)
        goals.append(Goal(family, right, truth, 1.0, found - right))
    truth, found, right = detection(tally, "challenge")
    goals.append(Goal("challenge ACK", right, truth, 0.95, found - right))
    others = total(tally.families, None, None, None) - total(tally.families, None, "rtx", None)
    false = sum(tally.false_rtx.values())
    goals.append(Goal("late, duplicate or new, not called retransmission", others - false, others,
                      1.0, false))
    states = total(tally.states, None, "total")
    goals.append(Goal("endpoint state sequences", total(tally.states, None, "right"), states, 0.99,
                      most_wrong=1))
    return goals


def percent(part, whole):
    """A share as text."""
    return f"{100 * part / whole:5.1f}%" if whole else "    - "


def print_goals(results):
    """The table of goals, one column for each reading."""
    print("goal" + " " * 47 + "".join(f"{name:>32}" for name in results))
    for lines in zip(*results.values()):
        line = f"{lines[0].text:50}"
        for goal in lines:
            extra = (f" -{goal.wrong}" if goal.wrong else "") \
                + (f" !{goal.certain}" if goal.certain else "")
            line += f"{goal.right:8}/{goal.total:<7}{percent(goal.right, goal.total)}" \
                    f"{'  ok' if goal.met else '  --'}{extra:7}"
        print(line.rstrip())
    print("-N: N called so wrongly; !N: N wrong though certain; ok: goal met\n")


def print_detection(name, tally):
    """Precision and recall of each family, at both positions."""
    print(f"{name}: families\n{'':22}" + "".join(
        f"{where:>14}: truth found right precision recall" for where in POSITIONS))
    for family in FAMILIES:
        line = f"  {family:20}"
        for where in POSITIONS:
            truth, found, right = detection(tally, family, where)
            line += f"{truth:21} {found:5} {right:5}" \
                    f"   {percent(right, found)} {percent(right, truth)} "
        print(line)
    print()


def print_causes(name, tally):
    """Right, wrong and unknown of each cause."""
    print(f"{name}: cause of a retransmission (single: one outstanding segment, tlp = rto)")
    for where in (*POSITIONS, "receiver, no trace"):
        for cause in CAUSES:
            get = {word: tally.causes[where, cause, word] for word in (
                "total", "found", "right", "wrong", "unknown", "wrong certain", "single")}
            if get["total"]:
                print(f"  {where:19} {cause:13} {get['right']:5}/{get['total']:<5} "
                      f"{percent(get['right'], get['total'])}  found {get['found']}, wrong "
                      f"{get['wrong']} ({get['wrong certain']} certain), unknown {get['unknown']}, "
                      f"single {get['single']}")
    print()


def print_confusion(name, tally):
    """The confusion matrices, in words."""
    print(f"{name}: truth -> said")
    for where in (*POSITIONS, "receiver, no trace"):
        for truth in sorted({key[1] for key in tally.confusion if key[0] == where}):
            said = {key[2]: n for key, n in tally.confusion.items() if key[:2] == (where, truth)}
            often = sorted(said.items(), key=lambda pair: -pair[1])
            words = ", ".join(f"{word} {n}" for word, n in often)
            print(f"  {where:19} {truth:30} {words}")
    print()


def print_resets(name, tally):
    """How often each cause of a reset was named rightly."""
    print(f"{name}: resets named rightly, by cause (rare causes need {RARE})")
    for cause in RST_ALLOWED:
        number = sum(tally.resets[where, "cause", cause] for where in POSITIONS)
        if number or cause in RARE_CAUSES:
            print(f"  {cause:24} {number:5}"
                  + ("   too few" if cause in RARE_CAUSES and number < RARE else ""))
    print()


def print_hidden(name, tally):
    """ACKs that answer a segment which was not captured: shown apart, for nothing in the capture
    tells a challenge ACK from the others."""
    for cls in ("challenge_ack", "ack_of_forged"):
        called = tally.hidden["trigger", cls, True]
        print(f"{name}: {cls}, what it answers not captured: called a challenge ACK {called} of "
              f"{called + tally.hidden['trigger', cls, False]}")
    print()


def report(tallies, results, errors):
    """Print everything."""
    for name, tally in tallies.items():
        print_detection(name, tally)
        print_causes(name, tally)
        print_confusion(name, tally)
        if name == "tcplife":
            print_hidden(name, tally)
        if tally.resets and name == "tcplife":
            print_resets(name, tally)
            print("states: " + ", ".join(f"{' '.join(key)} {n}"
                                         for key, n in sorted(tally.states.items())) + "\n")
        if errors and name == "tcplife":
            for scenario, host, frame, text in tally.errors:
                print(f"  {scenario}.{host} frame {frame}: {text}")
            print()
    print_goals(results)


def as_json(tallies, results):
    """All counts and goals as plain types."""
    result = {}
    for name, tally in tallies.items():
        counts = {field: {"|".join(map(str, key)): n for key, n in sorted(
            getattr(tally, field).items(), key=str)} for field in (
                "families", "certain", "causes", "confusion", "resets", "spurious", "states", "false_rtx",
                "hidden")}
        goals = [{**asdict(goal), "met": goal.met} for goal in results[name]]
        result[name] = {"goals": goals, **counts,
                        "errors": [list(error) for error in tally.errors]}
    return result
