# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcplife has to reach on the corpus of devices, and the tables of tests/lab/score."""

import os
from dataclasses import dataclass

from devices.scoring import FLAGS, POINTS, VERDICTS
from devices.situations import SITUATIONS
from floors import Floors

CLIENT_SIDE = ("client", "router")
AIM, AIM_SITUATION = 0.97, 0.95     # what the project wants to reach

LINUX = "Linux corpus: no device, none named"

# What tcplife reaches on the committed corpus today; `tests/lab/score --raise` writes it anew.
TODAY = Floors(os.path.join(os.path.dirname(os.path.abspath(__file__)), "today.tsv"), ("line",))


@dataclass
class Line:
    """One line: `right` of `total`; `likely` and `certain` are among `wrong`."""

    text: str
    right: int = 0
    unknown: int = 0
    wrong: int = 0
    likely: int = 0
    certain: int = 0
    aim: float = AIM

    @property
    def total(self):
        """All that was asked."""
        return self.right + self.unknown + self.wrong

    @property
    def met(self):
        """True when nothing is worse than TODAY says."""
        return TODAY.met((self.text,), self)

    @property
    def reached(self):
        """True when the aim is reached."""
        return bool(self.total) and self.right >= self.aim * self.total and not self.certain


def line(text, counter, test, aim=AIM):
    """A Line of the entries whose key, without its verdict, passes a test."""
    found = dict.fromkeys(VERDICTS, 0)
    for key, number in counter.items():
        if test(*key[:-1]):
            found[key[-1]] += number
    certain, likely = found["wrong certain"], found["wrong likely"]
    return Line(text, found["right"], found["unknown"], found["wrong"] + likely + certain, likely,
                certain, aim)


def situation_line(tally, word):
    """Where a capture can show it: found, missed, called by another word."""
    count = {verdict: sum(n for key, n in tally.situations.items()
                          if key[2] == word and key[3] == verdict)
             for verdict in ("found", "missed", "wrong")}
    return Line(f"situation {word}", count["found"], count["missed"], count["wrong"],
                aim=AIM_SITUATION)


def quiet_lines(tally):
    """Connections that must not be accused."""
    false = sum(n for key, n in tally.situations.items() if key[3] == "false")
    quiet = sum(n for key, n in tally.situations.items() if key[3] == "quiet")
    return [Line("nothing to find, nothing said", quiet, 0, false, aim=1.0),
            Line(LINUX, tally.linux["quiet"], 0,
                 tally.linux["false"], aim=1.0)]


def check(tally):
    """The Lines of all that has a goal."""
    lines = []
    for name, counter in (("origin", tally.origins), ("cause", tally.causes)):
        lines += [
            line(f"RST {name}, a device's, seen at the client's side", counter,
                 lambda _, point, __, group: group == "path" and point in CLIENT_SIDE),
            line(f"RST {name}, a device's, seen at the server", counter,
                 lambda _, point, __, group: group == "path" and point not in CLIENT_SIDE),
            line(f"RST {name}, an end's", counter, lambda *key: key[3] == "end")]
    lines.append(line("RST origin, an end's whose program set its TTL", tally.origins,
                      lambda *key: key[3] == "trap"))
    lines.append(line("RST origin, a device's that looks like the end", tally.origins,
                      lambda *key: key[3] == "alike"))
    lines += [situation_line(tally, word) for word in SITUATIONS]
    return [one for one in lines + quiet_lines(tally) if one.total]


def raise_today(tally):
    """Write TODAY's file, unless a line would be lowered; says which."""
    return [text for text, in TODAY.lift({(one.text,): one for one in check(tally)})]


def percent(part, whole):
    """A share as text."""
    return f"{100 * part / whole:5.1f}%" if whole else "    - "


def print_rows(tally, title, at):
    """One row for each trial (`at` = 0) or situation (2), at all three points together."""
    print(f"devices, by {title}: resets and situations at client, router and server together")
    print(f"  {'':28}{'origin of a RST':>28}{'cause of a RST':>28}   situation")
    print(f"  {'':28}" + 2 * f"{'right unkn wrong likely cert':>28}" + " found miss wrong false")
    counters = (tally.origins, tally.causes, tally.situations)
    for name in sorted({key[at] for counter in counters for key in counter}):
        def mine(*key, name=name):
            return key[at] == name

        text = f"  {name:28}"
        for counter in counters[:2]:
            one = line(name, counter, mine)
            text += f"{one.right:5}{one.unknown:5}{one.wrong:6}{one.likely:7}{one.certain:5}" \
                if one.total else f"{'-':>28}"
        for verdict in ("found", "missed", "wrong", "false"):
            number = sum(n for key, n in tally.situations.items()
                         if key[at] == name and key[3] == verdict)
            text += f"{number:6}" if verdict != "missed" else f"{number:5}"
        words = {key[2] for key in tally.situations if key[0] == name} - {"none"}
        print(f"{text}  {', '.join(sorted(words))}".rstrip())
    print()


def print_flags(tally):
    """What Wireshark flags in the connections that something befell."""
    print("devices: connections with flags of Wireshark, which has no word for who sent a reset or")
    print("for any of these situations")
    for word in SITUATIONS:
        number = sum(n for key, n in tally.situations.items()
                     if key[2] == word and key[3] in ("found", "missed", "wrong"))
        if number:
            flags = [f"{name} {tally.flags[word, name]}" for name in FLAGS
                     if tally.flags[word, name]]
            print(f"  {word:18} {number:4}: " + (", ".join(flags) or "none"))
    print()


def report(tally, errors):
    """Print everything."""
    if tally.situations:
        print_rows(tally, "trial", 0)
        print_rows(tally, "situation", 2)
        print_flags(tally)
    if errors:
        for trial, point, frame, text in tally.errors:
            print(f"  {trial}.{point} frame {frame}: {text}")
        print()
    print(f"{'devices':50}{'right':>15}{'':9}unknown wrong (likely, certain)")
    for one in check(tally):
        print(f"{one.text:50}{one.right:8}/{one.total:<7}{percent(one.right, one.total)}"
              f"{one.unknown:8} {one.wrong:5} ({one.likely}, {one.certain})"
              f"  {'ok' if one.met else '--'}{'' if one.reached else f'   aim {one.aim:.0%}'}")
    print("ok: not worse than devices/today.tsv says; aim: not reached yet\n")


def as_json(tally):
    """All counts and lines as plain types."""
    counts = {name: {"|".join(map(str, key)) if isinstance(key, tuple) else key: n
                     for key, n in sorted(getattr(tally, name).items(), key=str)}
              for name in ("origins", "causes", "situations", "linux", "flags")}
    lines = [{"text": one.text, "right": one.right, "unknown": one.unknown, "wrong": one.wrong,
              "likely": one.likely, "certain": one.certain, "total": one.total, "met": one.met}
             for one in check(tally)]
    return {"lines": lines, "points": list(POINTS), **counts}
