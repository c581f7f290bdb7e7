# SPDX-License-Identifier: GPL-2.0-or-later
"""What is reached today, line by line, in a file of tab-separated values that only rises.

A line is anything with right, wrong, certain and total, under a key of some words.  On another
recording, which has other totals, shares are compared.
"""

NUMBERS = ("right", "wrong", "certain", "total")


class Floors:
    """A file: columns for the words of a key, then right at least, wrong at most, wrong though
    certain at most, and of how many."""

    def __init__(self, path, words):
        self._path, self._words = path, words
        with open(path, encoding="ascii") as file:
            rows = [line.rstrip("\n").split("\t") for line in file.readlines()[1:]]
        self._floors = {tuple(row[:len(words)]): tuple(map(int, row[len(words):])) for row in rows}

    def __iter__(self):
        return iter(self._floors)

    def met(self, key, line):
        """True when a line is not worse than its floor, or has none."""
        right, wrong, certain, total = self._floors.get(key, (0, line.wrong, line.certain, line.total))
        return line.right * total >= right * line.total and line.wrong * total <= wrong * line.total \
            and line.certain * total <= certain * line.total

    def lift(self, lines):
        """Write {key: line}, unless one would be lowered; returns the keys of those.  Lines that are
        not there this time stay."""
        lowered = [key for key, line in lines.items() if not self.met(key, line)]
        if not lowered:
            self._floors |= {key: (line.right, line.wrong, line.certain, line.total)
                             for key, line in lines.items()}
            with open(self._path, "w", encoding="ascii") as file:
                for row in ((*self._words, *NUMBERS), *((*key, *numbers) for key, numbers in self._floors.items())):
                    file.write("\t".join(map(str, row)) + "\n")
        return lowered
