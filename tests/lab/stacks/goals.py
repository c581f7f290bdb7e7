# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcplife has to reach on the corpus of other stacks, and the tables of tests/lab/score."""

import os
from dataclasses import dataclass

from floors import Floors
from stacks.scoring import FAMILIES, VERDICTS

STACKS = {
    "lwip": "lwIP", "lwipfull": "lwIP, SACK and timestamps", "slirp": "libslirp (4.4BSD Reno)",
    "gvisor": "gVisor netstack", "gvisorplain": "gVisor netstack, no SACK",
}
AIM = {"RST cause": 0.97, "retransmission cause": 0.97, "spurious": 0.97, "state": 0.98}   # others 1

# What tcplife reaches on the committed corpus today; `tests/lab/score --raise` writes it anew.
TODAY = Floors(os.path.join(os.path.dirname(os.path.abspath(__file__)), "today.tsv"), ("stack", "family"))


@dataclass
class Line:
    """One line: `right` of `total`; `certain` are among `wrong`."""

    stack: str
    family: str
    right: int = 0
    unknown: int = 0
    wrong: int = 0
    certain: int = 0

    @property
    def text(self):
        """Its name."""
        return f"{STACKS[self.stack]}: {self.family}"

    @property
    def total(self):
        """All that was asked."""
        return self.right + self.unknown + self.wrong

    @property
    def met(self):
        """True when nothing is worse than TODAY says."""
        return TODAY.met((self.stack, self.family), self)

    @property
    def reached(self):
        """True when the aim is reached."""
        return self.right >= AIM.get(self.family, 1.0) * self.total and not self.certain


def line(tally, reading, stack, family, where=None, word=None):
    """A Line; where and word: only these."""
    found = dict.fromkeys(VERDICTS, 0)
    for key, number in tally.counts.items():
        if key[:2] == (reading, stack) and key[3] == family and where in (None, key[2]) \
                and word in (None, key[4]):
            found[key[5]] += number
    return Line(stack, family, found["right"], found["unknown"],
                found["wrong"] + found["wrong certain"], found["wrong certain"])


def check(tally, reading="tcplife"):
    """The Lines of all that the corpus holds."""
    lines = [line(tally, reading, stack, family) for stack in STACKS for family in FAMILIES]
    return [one for one in lines if one.total]


def raise_today(tally):
    """Write TODAY's file, unless a line would be lowered; says which."""
    return [": ".join(key) for key in TODAY.lift({(one.stack, one.family): one for one in check(tally)})]


def percent(part, whole):
    """A share as text."""
    return f"{100 * part / whole:5.1f}%" if whole else "    - "


def cells(one):
    """Right, unknown, wrong of a Line as text."""
    return f"{one.right:6}/{one.total:<6}{percent(one.right, one.total)}{one.unknown:6}" \
           f"{one.wrong:6}{one.certain:6}"


def print_words(tally):
    """One row for each stack, family and word of the truth, at both positions."""
    print(f"{'stacks: by what the stack says':54}" + "".join(
        f"{where + ': right':>17}  share  unkn wrong  cert" for where in ("sender", "receiver")))
    for stack in STACKS:
        for family in FAMILIES:
            words = sorted({key[4] for key in tally.counts
                            if key[0] == "tcplife" and key[1] == stack and key[3] == family})
            for word in words:
                print(f"  {stack:12}{family[:24]:25}{word:17}" + " ".join(cells(line(
                    tally, "tcplife", stack, family, where, word))
                    for where in ("sender", "receiver")))
    print()


def report(tally, errors):
    """Print everything."""
    if not tally.counts:
        return
    print_words(tally)
    if errors:
        for scenario, host, frame, text in tally.errors:
            print(f"  {scenario}.{host} frame {frame}: {text}")
        print()
    head = "  right/all     share  unkn wrong  cert"
    print(f"{'stacks':52}{'tcplife:' + head:>39}{'Wireshark:' + head:>48}")
    for one in check(tally):
        other = line(tally, "wireshark", one.stack, one.family)
        theirs = cells(other) if other.total else f"{'-':>36}"
        print(f"{one.text:58}{cells(one)}   {theirs}  {'ok' if one.met else '--'}"
              f"{'' if one.reached else f'   aim {AIM.get(one.family, 1.0):.0%}'}")
    print("ok: not worse than stacks/today.tsv says; aim: not reached yet; cert: wrong though certain\n")


def as_json(tally):
    """All counts and lines as plain types."""
    return {"counts": {"|".join(key): n for key, n in sorted(tally.counts.items())},
            "lines": {reading: [{"text": one.text, "stack": one.stack, "family": one.family,
                                 "right": one.right, "unknown": one.unknown, "wrong": one.wrong,
                                 "certain": one.certain, "met": one.met}
                                for one in check(tally, reading)]
                      for reading in ("tcplife", "wireshark")}}
