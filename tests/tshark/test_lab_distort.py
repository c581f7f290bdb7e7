# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife on distorted captures: a sample of tests/lab/distort, scored as that does; and the distortions' own arithmetic."""

import os
import random
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import REPO

sys.path.insert(0, str(REPO / "tests" / "lab"))

import distorting  # noqa: E402
import distortions  # noqa: E402
from distortions import DISTORTIONS, Places, Scene, Take  # noqa: E402
from packets import checksum, parse_frame  # noqa: E402
from together import read_part  # noqa: E402

BY_NAME = {one.name: one for one in DISTORTIONS}
CAPTURE = REPO / "captures" / "half-close.pcap"  # whole packets
WITH_SACK = REPO / "tests" / "lab" / "corpus" / "fast.client.pcap.gz"
HALF_MS, ONE_MS = 500_000, 1_000_000
TIMESTAMPS, SACK = 8, 5


@pytest.fixture(scope="module")
def lines(fields, tmp_path_factory):
    """{(distortion, family): Count} of the sample."""
    corpora, folder = distorting.load_sample(), str(tmp_path_factory.mktemp("distorted"))

    def score(one):
        return distorting.score_distortion(lambda *words: fields(*words, two_pass=True), one, corpora, distorting.SEED, folder)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return distorting.lines(dict(zip(BY_NAME, pool.map(score, DISTORTIONS), strict=True)))


@pytest.mark.parametrize("key", distorting.TODAY, ids=" ".join)
def test_floor(lines, key):
    assert distorting.TODAY.met(key, lines[key]), lines[key]


def test_every_line_has_a_floor(lines):
    assert set(lines) == set(distorting.TODAY)


@pytest.fixture(scope="module")
def takes():
    """The frames of a capture."""
    return takes_of(CAPTURE)


def takes_of(path):
    return [Take(one.time_ns, one.size, one.frame, "client", n) for n, one in enumerate(read_part(path).records, 1)]


def distort(name, takes, labels=None):
    """The distorted frames; the sender of the first one is the client."""
    client = Places(takes[0].frame).source
    servers = {Places(one.frame).source for one in takes} - {client}
    labels = {"client": labels or {}, "server": {}}
    scene = Scene(random.Random(name), {"client": {client}, "server": servers}, "client", [], labels)
    return BY_NAME[name].distort(takes, scene)


def ip_checksum_fits(frame):
    return Places(frame).version != 4 or checksum(frame[14:34]) == 0


@pytest.mark.parametrize("name", ["copies_routed", "copies_clamped", "ids_host", "ids_zero", "ids_random", "no_timestamps"])
def test_checksums_are_right_where_a_device_or_a_host_made_them(takes, name):
    distorted = distort(name, takes)
    assert [one.frame for one in distorted] != [one.frame for one in takes]
    assert all(ip_checksum_fits(one.frame) and parse_frame(one.frame).checksum_ok for one in distorted)


@pytest.mark.parametrize(("name", "kind"), [("no_timestamps", TIMESTAMPS), ("sack_blanked", SACK)])
def test_an_option_is_gone_and_the_others_are_there(name, kind):
    takes = takes_of(WITH_SACK)
    assert any(parse_frame(one.frame).option(kind) for one in takes)
    for before, after in zip(takes, distort(name, takes), strict=True):
        old, new = parse_frame(before.frame), parse_frame(after.frame)
        assert new.option(kind) is None and len(new.options) == len(old.options)
        assert all(new.option(other) == old.option(other) for other in (2, 3, 4, 5, 8) if other != kind)


def test_a_direction_is_late_and_the_file_in_order_of_time(takes):
    distorted, client = distort("client_late_500us", takes), Places(takes[0].frame).source
    was = {one.number: one.time_ns for one in takes}
    assert [one.time_ns for one in distorted] == sorted(one.time_ns for one in distorted)
    assert all(one.time_ns - was[one.number] == HALF_MS * (Places(one.frame).source == client) for one in distorted)


def test_a_copy_comes_soon_after_its_packet(takes):
    distorted = distort("copies_routed", takes)
    assert len(distorted) == 2 * len(takes)
    first = {one.number: one for one in distorted if not one.copy}
    for one in distorted:
        if one.copy:
            assert 0 < one.time_ns - first[one.number].time_ns < ONE_MS
            assert one.frame[22] == first[one.number].frame[22] - 1


def test_an_offloaded_packet_has_the_sum_of_its_pseudo_header(takes):
    first, second = (one for one in distort("copies_offload", takes) if one.number == 1)
    assert (first.copy, second.copy) == (False, True) and second.frame == takes[0].frame
    carried = len(first.frame) - 34
    pseudo = first.frame[26:34] + struct.pack("!HH", 6, carried)
    assert struct.unpack_from("!H", first.frame, 50)[0] == ~checksum(pseudo) & 0xFFFF


def test_a_doubled_packet_keeps_its_identification(takes):
    twice = [takes[0], takes[0], takes[1]]
    twice = [Take(one.time_ns, one.size, one.frame, "client", number) for number, one in enumerate(twice, 1)]
    ids = [one.frame[18:20] for one in distort("ids_random", twice, {"2": {"cls": "net_dup"}})]
    assert ids[0] == ids[1] != ids[2]
    ids = [one.frame[18:20] for one in distort("ids_random", twice)]
    assert ids[0] != ids[1]


def test_what_came_to_the_other_end_is_a_copy_in_the_merged_file(takes):
    client = Places(takes[0].frame).source
    servers = {Places(one.frame).source for one in takes} - {client}
    arrived = [Take(one.time_ns + ONE_MS, one.size, distortions.with_ttl(one.frame, 1), "server", one.number)
               for one in takes if Places(one.frame).source == client]
    scene = Scene(random.Random(1), {"client": {client}, "server": servers}, "client", arrived[1:], {})
    both = BY_NAME["merged"].distort([one for one in takes if Places(one.frame).source == client], scene)
    assert [one.copy for one in both].count(True) == len(arrived) - 1


def test_frames_are_cut_and_lost(takes):
    assert {len(one.frame) for one in distort("snap_54", takes)} == {54}
    assert [one.size for one in distort("snap_54", takes)] == [one.size for one in takes]
    assert [one.number for one in distort("start_10", takes)] == list(range(11, len(takes) + 1))
    kept = distort("missing_bursts", takes * 10)
    assert 0.9 < len(kept) / len(takes * 10) < 1
