# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/perf/run measures: each section is a function (bench, options) -> tables, and says what it is about to do."""

import shutil
import statistics
import sys
from collections import namedtuple
from pathlib import Path

from figures import Table, against_goal, pair_order, per_frame, ratio_of_pairs

HERE = Path(__file__).resolve().parent

# A way to run tshark, with the plugin and without, and the goals for the ratio of instructions and of user CPU. `divide`: the
# command writes so much for each frame that it gets a capture smaller by that factor.
Command = namedtuple("Command", "name label with_plugin without instructions_goal cpu_goal divide")


def same(name, label, arguments, instructions_goal, cpu_goal, divide=1):
    return Command(name, label, arguments, arguments, instructions_goal, cpu_goal, divide)


CONVERSATIONS = ["-q", "-z", "conv,tcp"]
# -O, because -V prints the tree of tcplife: here all trees are built, and that of tcplife is one line in the output.
ALL_TREES = ["-O", "frame,eth,ip,ipv6,tcp,udp,dns"]
COMMANDS = [
    same("conv", "-q -z conv,tcp", CONVERSATIONS, 1.03, 1.05),
    same("summary", "(one line for each frame)", [], 1.03, 1.05),
    same("filter", "-Y tcp.flags.reset==1", ["-Y", "tcp.flags.reset==1"], 1.03, 1.05),
    same("fields", "-T fields -e tcp.stream", ["-T", "fields", "-e", "tcp.stream"], 1.02, 1.05),
    same("trees", "-V without the tree of tcplife", ALL_TREES, 1.05, 1.05, divide=10),
    same("two-pass", "-2 -q -z conv,tcp", ["-2", *CONVERSATIONS], 1.04, 1.05),
    Command("rows", "-z tcplife,conn / -z conv,tcp", ["-q", "-z", "tcplife,conn"], CONVERSATIONS, 1.06, 1.10, 1),
]

MIXES = ["bulk", "web", "lossy", "scan", "mixed"]
COMPARED_MIXES = ["web", "lossy"]

SLICES = (5_000, 25_000)  # frames of the two captures that valgrind sees
GROWTH = (1_000_000, 4_000_000)  # frames

# Goals of the engine alone, and of memory.
NS_PER_SEGMENT, INSTRUCTIONS_PER_SEGMENT = 150, 500
BYTES_PER_FRAME, BYTES_HALF_OPEN, BYTES_OPEN = 16, 256, 1024

MIB = 1024 * 1024


def say(what):
    print(f"run: {what}", file=sys.stderr, flush=True)


def need(program, package):
    """Whether a program that only this bench uses is there; says what to do if not."""
    if shutil.which(program):
        return True
    say(f"{program} is not installed: left out. As root: apt-get install --no-install-recommends {package}")
    return False


# ---- pairs of tshark ----------------------------------------------------------------------------------------------------


def arguments_of(command, with_plugin):
    return command.with_plugin if with_plugin else command.without


def cpu_row(bench, options, mix, command):
    capture = bench.capture(mix, max(1, options.segments // command.divide))
    samples = {True: [], False: []}
    for pair in range(options.pairs):
        for with_plugin in pair_order(pair):
            samples[with_plugin].append(bench.tshark(arguments_of(command, with_plugin), capture, with_plugin))
    seconds = {w: [usage.seconds for usage in samples[w]] for w in samples}
    ratio = ratio_of_pairs(seconds[True], seconds[False])
    middle = {w: statistics.median(seconds[w]) for w in samples}
    mib = {w: statistics.median(usage.mib for usage in samples[w]) for w in samples}
    return [
        command.label, mix, f"{ratio.median:.3f}", f"{ratio.least:.2f}..{ratio.most:.2f}", f"{command.cpu_goal:.2f}",
        against_goal(ratio.median, command.cpu_goal), f"{middle[True]:.2f}", f"{middle[False]:.2f}", f"{mib[True]:.0f}",
        f"{mib[False]:.0f}",
    ]  # fmt: skip


def cpu(bench, options):
    rows = []
    for mix in options.mixes:
        for command in options.commands:
            say(f"cpu: {mix}, {command.label}")
            rows.append(cpu_row(bench, options, mix, command))
        bench.forget()
    note = (
        f"{options.segments:,} frames (`-O`: a tenth), {options.pairs} pairs of runs; ratio: the median of the pairs' ratios of user"
        " CPU, and their range. Seconds and peak MiB are medians."
    )
    head = ["tshark", "mix", "ratio", "range", "goal", "", "s with", "s without", "MiB with", "MiB without"]
    return [Table("User CPU and peak memory, with and without the plugin", note, head, rows)]


def instructions(bench, options):
    """Differences of two slices: what tshark does once, to start, drops out."""
    if not need("valgrind", "valgrind"):
        return []
    rows = []
    for mix in options.mixes:
        captures = [bench.capture(mix, frames) for frames in options.slices]
        for command in options.commands:
            say(f"instructions: {mix}, {command.label}")
            counted = bench.at_once(
                [
                    lambda w=with_plugin, c=capture: bench.tshark_instructions(arguments_of(command, w), c, w)
                    for with_plugin in (True, False)
                    for capture in captures
                ]
            )
            with_plugin, without = per_frame(*counted[:2], *options.slices), per_frame(*counted[2:], *options.slices)
            ratio, goal = with_plugin / without, command.instructions_goal
            rows.append(
                [command.label, mix, f"{ratio:.3f}", f"{goal:.2f}", against_goal(ratio, goal), f"{with_plugin:.0f}", f"{without:.0f}"]
            )
        bench.forget()
    note = (
        f"By valgrind, for each frame: the difference between captures of {options.slices[1]:,} and of {options.slices[0]:,} frames."
    )
    head = ["tshark", "mix", "ratio", "goal", "", "with", "without"]
    return [Table("Instructions for each frame, with and without the plugin", note, head, rows)]


# ---- growth -------------------------------------------------------------------------------------------------------------


def grown(bench, mix, frames):
    """(counts, Usage with, Usage without) of one capture, without a tree."""
    say(f"growth: {mix}, {frames:,} frames")
    capture = bench.capture(mix, frames)
    used = [bench.tshark(CONVERSATIONS, capture, with_plugin) for with_plugin in (True, False)]
    bench.forget()
    return capture.counts, *used


def share(with_plugin, without):
    """Bytes that the plugin adds."""
    return (with_plugin.mib - without.mib) * MIB


def size_row(mix, measured):
    counts, with_plugin, without = measured
    return [
        mix, f"{counts['frames']:,}", f"{counts['connections']:,}", f"{with_plugin.mib:.0f}", f"{without.mib:.0f}",
        f"{share(with_plugin, without) / MIB:.0f}", f"{with_plugin.seconds:.2f}", f"{without.seconds:.2f}",
    ]  # fmt: skip


def growth_row(mix, small, large):
    """What the frames between the two sizes add. The connections' part is what 16 bytes for each frame leave."""
    frames, connections = (large[0][name] - small[0][name] for name in ("frames", "connections"))
    added = share(*large[1:]) - share(*small[1:])
    own = large[2].mib - small[2].mib
    for_connection = f"{(added - BYTES_PER_FRAME * frames) / connections:.0f}" if connections else ""
    times = [large[i].seconds / small[i].seconds for i in (1, 2)]
    return [
        mix, f"{added / frames:.1f}", f"{own * MIB / frames:.1f}", for_connection, f"{added / connections:.0f}" if connections else "",
        f"{own * MIB / connections:.0f}" if connections else "", *(f"{time:.2f}" for time in times),
    ]  # fmt: skip


def growth(bench, options):
    sizes, added = [], []
    for mix in options.mixes:
        measured = [grown(bench, mix, frames) for frames in options.growth]
        sizes += [size_row(mix, one) for one in measured]
        added.append(growth_row(mix, *measured))
    if options.half_open and "scan" in options.mixes:
        sizes.append(size_row("scan", grown(bench, "scan", 2 * options.half_open)))
    small, large = options.growth
    return [
        Table(
            "Peak memory and user CPU by size",
            "`-q -z conv,tcp`, one run each. Share: what the plugin adds. Goal for the last scan: a share no larger than MiB without.",
            ["mix", "frames", "connections", "MiB with", "MiB without", "share", "s with", "s without"],
            sizes,
        ),
        Table(
            f"What grows from {small:,} to {large:,} frames",
            f"Bytes of peak memory that the frames added cost: the plugin's share and tshark's own. Goals: {BYTES_PER_FRAME} for each frame"
            f" (see bulk, which has 4 connections), and beyond those {BYTES_HALF_OPEN} for each half-open connection (scan). Times: user CPU"
            f" of the larger divided by that of the smaller; {large / small:g} is linear.",
            ["mix", "share/frame", "tshark/frame", "beyond 16/frame, each connection", "share/connection", "tshark/connection",
             "times with", "times without"],
            added,
        ),
    ]  # fmt: skip


# ---- the engine alone -------------------------------------------------------------------------------------------------------


def engine_speed(bench, options):
    counts_instructions = need("valgrind", "valgrind")
    rows = []
    for mix in options.mixes:
        say(f"engine: {mix}")
        capture = bench.capture(mix, options.segments)
        measured = bench.engine(capture)
        cells = [f"{measured['ns']:.0f}", f"{measured['ns_least']:.0f}", against_goal(measured["ns"], NS_PER_SEGMENT)]
        if counts_instructions:
            counted = bench.engine_instructions(bench.capture(mix, options.slices[1]))
            cells += [f"{counted:.0f}", against_goal(counted, INSTRUCTIONS_PER_SEGMENT)]
        rows.append([mix, f"{measured['segments']:,}", *cells, *(["", ""] * (not counts_instructions))])
        bench.forget()
    note = (
        f"Segments read beforehand, then fed: median and least CPU time of 7 runs, ns for each segment (goal {NS_PER_SEGMENT}), and"
        f" instructions by valgrind for each of the first {options.slices[1]:,} frames' segments (goal {INSTRUCTIONS_PER_SEGMENT}). New"
        " pairs and connections are part of it, finding the pair is not."
    )
    head = ["mix", "segments", "ns", "least ns", "goal ns", "instructions", "goal instructions"]
    return Table("The engine alone: time", note, head, rows)


# What a connection holds, by a capture cut short: what it shows, the mix, segments kept of each connection, frames, goal in bytes.
STAGES = [
    ("a SYN, unanswered", "scan", 1, 100_000, BYTES_HALF_OPEN),
    ("half-open: SYN, SYN-ACK", "scan", 2, 100_000, BYTES_HALF_OPEN),
    ("open, nothing sent", "web", 3, 100_000, BYTES_OPEN),
    ("open, one segment outstanding", "web", 6, 100_000, BYTES_OPEN),
    ("open, 5 segments of data, acknowledged", "web", 13, 100_000, BYTES_OPEN),
    ("closed by FINs", "web", 16, 100_000, None),
    ("open, 40 segments outstanding", "bulk", None, 100_000, None),
    ("lossy, most of them closed", "lossy", None, 1_000_000, None),
]


def engine_memory(bench):
    rows = []
    for what, mix, cut, frames, goal in STAGES:
        say(f"engine: memory, {what}")
        held = bench.engine(bench.capture(mix, frames), cut)
        size = held["bytes"] / held["pairs"]
        rows.append([what, f"{size:.0f}", f"{held['blocks'] / held['pairs']:.1f}", goal or "", against_goal(size, goal)])
    bench.forget()
    note = "By a counting allocator: what is asked for, without what an allocator itself adds. Pair and connection together."
    return Table("The engine alone: memory of a connection", note, ["connection", "bytes", "blocks", "goal", ""], rows)


def engine(bench, options):
    return [engine_speed(bench, options), engine_memory(bench)]


# ---- other programs ---------------------------------------------------------------------------------------------------------


def compare(bench, options):
    script = bench.folder / "handshakes.lua"
    shutil.copyfile(HERE / "handshakes.lua", script)
    script.chmod(0o644)
    with_lua = ["-X", f"lua_script:{script}", *CONVERSATIONS]
    ways = [
        ("tshark -q -z conv,tcp", lambda capture: bench.tshark(CONVERSATIONS, capture, False)),
        ("with a Lua post-dissector that counts handshakes", lambda capture: bench.tshark(with_lua, capture, False)),
        ("with tcplife", lambda capture: bench.tshark(CONVERSATIONS, capture, True)),
        ("tshark -q -z tcplife,conn", lambda capture: bench.tshark(["-q", "-z", "tcplife,conn"], capture, True)),
    ]
    if need("tcptrace", "tcptrace"):
        ways.append(("tcptrace -n -l", lambda capture: bench.usage(["tcptrace", "-n", "-l", capture.path])))
    rows = []
    for mix in options.compared_mixes:
        say(f"compare: {mix}")
        capture = bench.capture(mix, options.segments)
        used = [[way(capture) for _, way in ways] for _ in range(options.pairs)]  # in turn, as the pairs are
        for i, (label, _) in enumerate(ways):
            ratio = ratio_of_pairs([turn[i].seconds for turn in used], [turn[0].seconds for turn in used])
            seconds, mib = (statistics.median(column) for column in zip(*(turn[i] for turn in used)))
            rows.append([label, mix, f"{ratio.median:.2f}", f"{seconds:.2f}", f"{mib:.0f}"])
        bench.forget()
    note = f"{options.segments:,} frames, medians of {options.pairs} runs in turn; the ratio is that of user CPU to the first row's."
    return [Table("Compared with other ways", note, ["command", "mix", "ratio", "s", "MiB"], rows)]


SECTIONS = {"cpu": cpu, "instructions": instructions, "growth": growth, "engine": engine, "compare": compare}
