# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the waits of rows with their truth, second by second."""

import csv
from dataclasses import dataclass
from pathlib import Path

PLACES = ("client", "middle", "server")
# The columns of a class.
COLUMNS = {
    "handshake": ("wait_handshake",),
    "client": ("wait_client",),
    "server": ("wait_server",),
    "network": ("wait_network",),
    "loss": ("wait_loss", "wait_no_answer"),
    "window": ("wait_client_window", "wait_server_window", "wait_small_window"),
    "ack": ("wait_ack",),
    "idle": ("wait_idle",),
    "unknown": ("wait_unknown",),
}
ALL_COLUMNS = tuple(name for names in COLUMNS.values() for name in names)


@dataclass(frozen=True)
class Run:
    """One scenario at one place: how long it took, and the seconds of each class."""

    name: str
    duration: float
    truth: dict


class Score:
    """Seconds that were put into the wrong class."""

    def __init__(self):
        self.wrong = self.seconds = 0.0

    def add(self, run, wrong):
        self.wrong += wrong
        self.seconds += run.duration

    @property
    def share(self):
        return self.wrong / self.seconds

    def __str__(self):
        return f"{self.wrong:.2f} s of {self.seconds:.1f} s in the wrong class: {100 * self.share:.2f} %"


def read_truth(folder, place):
    """The runs at a place, in the order in which they were recorded."""
    with open(Path(folder) / "truth.tsv", encoding="ascii", newline="") as file:
        return [Run(row["scenario"], float(row["duration"]), {name: float(row[name]) for name in COLUMNS})
                for row in csv.DictReader(file, delimiter="\t") if row["place"] == place]


def said(row):
    """{class: seconds} of a row."""
    return {name: sum(float(row[column]) for column in columns) for name, columns in COLUMNS.items()}


def wrong(run, row):
    """Half of the sum of the differences: what is too much in one class is missing in another."""
    seconds = said(row)
    return sum(abs(seconds[name] - run.truth[name]) for name in COLUMNS) / 2


def differences(run, row):
    """Said and true seconds of the classes in which they differ."""
    seconds = said(row)
    return ", ".join(f"{name} {seconds[name]:.2f} not {run.truth[name]:.2f}" for name in COLUMNS
                     if abs(seconds[name] - run.truth[name]) > 0.02)


def pair(runs, rows):
    """(run, row) for rows in the order of time. ValueError when there is not one connection for each run."""
    if len(runs) != len(rows):
        raise ValueError(f"{len(rows)} connections for {len(runs)} runs")
    return list(zip(runs, sorted(rows, key=lambda row: float(row["start"])), strict=True))
