# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/golden/*.txt: every frame of a few shipped captures, derived by hand; in one pass, in two, and under a read filter.

Late facts show in one pass on the frame that proves them only (`*` in the files); see tests/golden/README.md."""

import csv
import re
from pathlib import Path

import pytest

GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*.txt"))
LATE = ("handshake.outcome", "teardown.kind")
PROVED = "*"  # behind a late value: this frame proves it
MODES = {"one pass": {}, "two passes": {"two_pass": True}, "read filter": {"two_pass": True, "extra": ("-R", "tcp")}}


def read_golden(path):
    """The field names, and one dictionary for each frame."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    reader = csv.DictReader((" ".join(line.split()) for line in lines), delimiter=" ")
    return reader.fieldnames, list(reader)


def expected_of(row, two_pass):
    """The row as tshark prints it in one pass or in two."""
    cells = {}
    for name, value in row.items():
        shows = two_pass or name not in LATE or value.endswith(PROVED)
        cells[name] = value.removesuffix(PROVED) if shows and value != "-" else ""
    return cells


def field_of(name):
    return "frame.number" if name == "frame" else "tcplife." + name


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_golden(path, mode, fields, captures):
    names, golden = read_golden(path)
    assert set(LATE) < set(names)
    got = fields(captures / f"{path.stem}.pcap", *map(field_of, names), **MODES[mode])
    expected = [expected_of(row, "two_pass" in MODES[mode]) for row in golden]
    wrong = [
        f"frame {row['frame']}: {name}: {seen[field_of(name)] or '-'}, expected {value or '-'}"
        for row, seen in zip(expected, got, strict=True)
        for name, value in row.items()
        if seen[field_of(name)] != value
    ]
    assert not wrong, "\n".join(wrong)


REASON = re.compile(r"^# (\d+)(?:-(\d+))?  ", re.M)  # "# 4-7    why", "# 8      why"


def test_each_frame_has_a_reason():
    assert len(GOLDEN) >= 6
    for path in GOLDEN:
        ranges = [range(int(first), int(last or first) + 1) for first, last in REASON.findall(path.read_text())]
        assert [number for told in ranges for number in told] == [int(row["frame"]) for row in read_golden(path)[1]], path
