# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads damaged captures with a plugin built with sanitizers: tests/fuzz/run calls this.

    captures.py --build DIR [--seconds N | --seed N [--rounds N]] [--defects DIR]

Each round takes real captures, damages each in one way, joins them to one file, and reads that in every mode in which people
read captures. A signal, a report of a sanitizer or a "Dissector bug" that does not come without the plugin is a defect: the
file is kept, and the exit status is 1. Each round prints its seed; the same seed makes the same file again.
"""

import argparse
import random
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS), str(TESTS / "tshark")]

from conftest import Sandbox  # noqa: E402
from handmade import ETHERNET, ETHERNET_BYTES, START_S, Talk, join_captures  # noqa: E402
from test_links import LINKS, fragmented_talk, icmp_error, rpcap, sflow  # noqa: E402

MODES = {
    "one pass": ["-T", "fields", "-e", "tcplife.phase", "-e", "tcplife.explanation"],
    "two passes, details": ["-2", "-V"],
    "details": ["-V"],
    "connections": ["-q", "-z", "tcplife,conn", "-z", "expert"],
    "flow graph": ["-q", "-z", "flow,tcplife,standard"],
    "rows": ["-q", "-2", "-z", "tcplife,json", "-z", "tcplife,tree"],
}
# What shows whether a defect is Wireshark's own: the same without the plugin.
WITHOUT_PLUGIN = {
    "two passes, details": MODES["two passes, details"],
    "details": MODES["details"],
    "flow graph": ["-q", "-z", "flow,any,standard"],
}
# tshark may say that the file is damaged: 2, from 4.4 on 14 for a record that is cut.
FINE = {0, 2, 14}
REPORT = re.compile(r"Sanitizer|runtime error|Dissector bug|ERROR:|CRITICAL|assertion", re.I)
HEADERS_END = 160  # headers of a tunnel and of TCP
CAPTURES_IN_A_ROUND = 60
RUN_TIMEOUT_S = 300


def sources():
    return sorted((TESTS.parent / "captures").glob("*.pcap"))


def made(generator):
    """A conversation in a tunnel, in fragments, or among quoted and sampled headers: the ways to TCP that tl_input.c knows."""
    talk = Talk(client=f"10.0.0.{generator.randrange(3, 9)}")
    packets = talk.conversation(talk.ip)
    wraps = [wrap for link, wrap in LINKS.values() if link == ETHERNET]
    wraps += [lambda ip: icmp_error(3, 1, ip[:28]), lambda ip: sflow(LINKS["ethernet"][1](ip)), lambda ip: rpcap(ip, 1)]
    wrap = generator.choice(wraps)
    frames = [wrap(packet) for packet in packets]
    if generator.random() < 1 / 3:
        frames = fragmented_talk(generator.choice((4, 6)), generator.choice(((0, 1, 2), (2, 0, 1))))
    return frames, [at / 1000 for at in range(len(frames))]


# ---- damages: (frames, times, generator) -> (frames, times) ----------------------------------------------------------


def flip_headers(frames, times, generator):
    """One to four bytes of a third of the IP and TCP headers."""
    changed = []
    for frame in frames:
        frame = bytearray(frame)
        for _ in range(generator.randint(1, 4) if generator.random() < 1 / 3 else 0):
            frame[generator.randrange(ETHERNET_BYTES, min(len(frame), HEADERS_END))] = generator.randrange(256)
        changed.append(bytes(frame))
    return changed, times


def flip_options(frames, times, generator):
    """Bytes behind the fixed TCP header, and the length of the header."""
    changed = []
    for frame in frames:
        frame = bytearray(frame)
        start = ETHERNET_BYTES + 20 + 12
        if len(frame) > start and generator.random() < 1 / 2:
            frame[start] = generator.randrange(16) << 4 | frame[start] & 15
            for at in range(start + 8, min(len(frame), HEADERS_END)):
                frame[at] = generator.choice((frame[at], 0, 1, 2, 3, 5, 8, 10, 255, generator.randrange(256)))
        changed.append(bytes(frame))
    return changed, times


def cut_frames(frames, times, generator):
    return [frame[: generator.randrange(1, len(frame) + 1)] for frame in frames], times


def lose_and_repeat(frames, times, generator):
    """Frames lost, captured twice, and out of order."""
    picked = [i for i in range(len(frames)) for _ in range(generator.choice((0, 1, 1, 1, 1, 2)))]
    for _ in range(len(picked) // 8):
        at = generator.randrange(len(picked))
        picked.insert(generator.randrange(len(picked)), picked.pop(at))
    return [frames[i] for i in picked], [times[i] for i in picked]


def bend_time(frames, times, generator):
    steps = (0, 0.001, -0.001, 1, -1, 100, -100, 10**6)
    return frames, [max(0.0, time + generator.choice(steps)) for time in times]


def tcp_at(frame):
    """Where the TCP header starts behind Ethernet and IPv4 or IPv6 without extensions; None: elsewhere, or cut."""
    kind = frame[12:14]
    at = None
    if kind == b"\x08\x00" and len(frame) > 34 and frame[23] == 6:
        at = ETHERNET_BYTES + (frame[14] & 15) * 4
    elif kind == b"\x86\xdd" and len(frame) > 54 and frame[20] == 6:
        at = ETHERNET_BYTES + 40
    return at if at is not None and len(frame) >= at + 20 else None


def each_tcp(frames, generator, share, change):
    """Calls change(frame, place of TCP) for a share of the frames with TCP; it changes the bytearray."""
    changed = []
    for frame in frames:
        at = tcp_at(frame)
        if at is not None and generator.random() < share:
            frame = bytearray(frame)
            change(frame, at)
        changed.append(bytes(frame))
    return changed


def swap_directions(frames, times, generator):
    """Some segments go the other way, numbers and all; in some captures all do, from one frame on."""
    first = generator.randrange(len(frames) + 1) if frames else 0
    share = generator.choice((1 / 10, 1 / 2, 1))

    def turn(frame, at):
        start, size = (26, 4) if frame[12:14] == b"\x08\x00" else (22, 16)
        frame[start : start + 2 * size] = frame[start + size : start + 2 * size] + frame[start : start + size]
        frame[at : at + 4] = frame[at + 2 : at + 4] + frame[at : at + 2]

    return frames[:first] + each_tcp(frames[first:], generator, share, turn), times


def lie_about_lengths(frames, times, generator):
    """The lengths in the headers of IP and TCP say something else than what is there."""

    def lie(frame, at):
        where = generator.choice((16 if frame[12:14] == b"\x08\x00" else 18, None))
        if where is None:
            frame[at + 12] = generator.randrange(16) << 4 | frame[at + 12] & 15
        else:
            (old,) = struct.unpack_from("!H", frame, where)
            new = generator.choice((0, 1, 19, 20, 39, 40, old - 1, old + 1, old + 1460, 65535, generator.randrange(65536)))
            struct.pack_into("!H", frame, where, new % 65536)

    return each_tcp(frames, generator, 1 / 4, lie), times


def lying_options(generator, room):
    """Options that TCP knows, with values at random, some of them longer or shorter than they say."""
    options = b""
    while len(options) < room:
        kind, size = generator.choice(((0, 1), (1, 1), (2, 4), (3, 3), (4, 2), (5, 10), (5, 34), (8, 10), (30, 12), (30, 4), (34, 10), (254, 4)))
        told = size if generator.random() < 3 / 4 else generator.choice((0, 1, 2, size - 1, size + 1, size + 8, 40, 255))
        value = bytes(generator.choice((0, 1, 255, generator.randrange(256))) for _ in range(size - 2))
        options += bytes([kind]) if size == 1 else bytes([kind, told % 256]) + value
    return options[:room]


def lie_in_options(frames, times, generator):
    def lie(frame, at):
        room = (frame[at + 12] >> 4) * 4 - 20
        room = min(max(room, 0), len(frame) - at - 20)
        frame[at + 20 : at + 20 + room] = lying_options(generator, room)

    return each_tcp(frames, generator, 1 / 2, lie), times


def far_times(frames, times, generator):
    """Some frames, or all from one on, are of 1970, 2105, or the last year that 64 bits of nanoseconds reach, 2262."""
    far = generator.choice((-START_S, 2**32 - 1 - START_S, 2**63 / 1e9 - START_S - 1, 2**33))
    first = generator.randrange(len(frames) + 1) if frames else 0
    share = generator.choice((1 / 20, 1 / 2, 1))
    return frames, [time + far if i >= first and generator.random() < share else time for i, time in enumerate(times)]


def leave(frames, times, generator):
    return frames, times


DAMAGES = (
    flip_headers, flip_options, cut_frames, lose_and_repeat, bend_time, swap_directions, lie_about_lengths, lie_in_options, far_times,
    leave,
)  # fmt: skip


def shuffle_across(frames, times, generator):
    """Frames of all connections change places with others near them; the times stay with the places, or with the frames."""
    order = sorted(range(len(frames)), key=lambda i: i + generator.uniform(0, 30))
    return [frames[i] for i in order], times if generator.random() < 1 / 2 else [times[i] for i in order]


def write_pcapng(path, frames, times):
    """Times in ns of 64 bits: the pcap format ends in 2106. Seconds after START_S."""

    def block(kind, body):
        body += bytes(-len(body) % 4)
        size = 12 + len(body)
        return struct.pack("<II", kind, size) + body + struct.pack("<I", size)

    with path.open("wb") as out:
        out.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        out.write(block(1, struct.pack("<HHI", ETHERNET, 0, 262144) + struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)))
        for frame, time_s in zip(frames, times):
            ns = min(max(int((time_s + START_S) * 10**9), 0), 2**63 - 1)
            out.write(block(6, struct.pack("<IIIII", 0, ns >> 32, ns % 2**32, len(frame), len(frame)) + frame))
    path.chmod(0o644)
    return path


def damaged_file(sandbox, seed):
    """A capture of many damaged ones; half of the files get further errors anywhere by editcap -E."""
    generator = random.Random(seed)
    frames, times = [], []
    for _ in range(CAPTURES_IN_A_ROUND):
        some, when = join_captures([generator.choice(sources())]) if generator.random() < 2 / 3 else made(generator)
        some, when = generator.choice(DAMAGES)(some, when, generator)
        start = times[-1] if times and generator.random() < 1 / 2 else 0.0
        frames += some
        times += [start + time for time in when]
    if generator.random() < 1 / 4:
        frames, times = shuffle_across(frames, times, generator)
    path = write_pcapng(sandbox.new_path(".pcapng"), frames, times)
    if generator.random() < 1 / 2:
        errors = sandbox.new_path("-errors.pcapng")
        command = ["editcap", "-E", "0.01", "--seed", str(seed), path, errors]
        subprocess.run(command, check=True, capture_output=True)
        errors.chmod(0o644)
        path = errors
    if generator.random() < 1 / 4:
        content = path.read_bytes()
        path.write_bytes(content[: generator.randrange(24, len(content))])
    return path, len(frames)


# ---- reading ---------------------------------------------------------------------------------------------------------


def sanitizer_environment():
    """tshark itself is not built with AddressSanitizer, so its library has to come first. wmem's pools would hide what runs
    over the end of a block: each block from malloc instead."""
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, encoding="utf-8", check=True)
    return {
        "LD_PRELOAD": str(Path(library.stdout.strip()).resolve()),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "WIRESHARK_DEBUG_WMEM_OVERRIDE": "simple",
    }


def fault(sandbox, path, words):
    """None, or what went wrong with these words."""
    command = ["tshark", "-n", "-r", path, *words]
    try:
        done = sandbox.run(command, env=sanitizer_environment(), timeout=RUN_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"no end after {RUN_TIMEOUT_S} s"
    found = REPORT.search(done.stderr) or re.search(r"Dissector bug.*", done.stdout)
    if done.returncode in FINE and not found:
        return None
    return f"exit status {done.returncode}; {found[0] if found else 'no report'}; {done.stderr[-2000:]}"


def run_round(sandbox, seed, defects):
    """Returns (frames, defects found)."""
    path, frames = damaged_file(sandbox, seed)
    found = 0
    for mode in MODES:
        what = fault(sandbox, path, MODES[mode])
        if what and mode in WITHOUT_PLUGIN and fault(sandbox, path, [*WITHOUT_PLUGIN[mode], "--disable-protocol", "tcplife"]):
            print(f"seed {seed}, {mode}: a defect of Wireshark, it comes without the plugin, too")
        elif what:
            found += 1
            defects.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, defects / f"{seed}.pcapng")
            print(f"seed {seed}, {mode}: DEFECT: {what}\n  the file is {defects / f'{seed}.pcapng'}")
    path.unlink()
    return frames, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="folder of a build with sanitizers")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, help="only the rounds from this seed on")
    parser.add_argument("--rounds", type=int, default=1, help="how many, with --seed")
    parser.add_argument("--defects", type=Path, default=Path("defects"))
    options = parser.parse_args()
    sandbox = Sandbox(options.build)
    known = sandbox.readable(sources()[0])
    shown = sandbox.run(["tshark", "-n", "-r", known, "-V"], env=sanitizer_environment())
    if "TCP Lifecycle" not in shown.stdout:
        sys.exit(f"tshark does not load the plugin of {options.build}: {shown.stderr}")
    rounds = frames = found = 0
    begun = time.monotonic()
    fixed = options.seed is not None
    seed = options.seed if fixed else int(time.time())
    try:
        while rounds == 0 or (rounds < options.rounds if fixed else time.monotonic() - begun < options.seconds):
            more_frames, more_found = run_round(sandbox, seed + rounds, options.defects)
            rounds, frames, found = rounds + 1, frames + more_frames, found + more_found
    finally:
        sandbox.close()
    runs = rounds * len(MODES)
    print(f"captures: {rounds} files from seed {seed} on, {frames} frames, {runs} runs of tshark, {found} defects")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
