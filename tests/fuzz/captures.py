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
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS), str(TESTS / "tshark")]

from conftest import Sandbox  # noqa: E402
from handmade import ETHERNET, ETHERNET_BYTES, Talk, join_captures, write_pcap  # noqa: E402
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


def leave(frames, times, generator):
    return frames, times


DAMAGES = (flip_headers, flip_options, cut_frames, lose_and_repeat, bend_time, leave)


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
    path = write_pcap(sandbox.new_path(".pcap"), frames, times)
    if generator.random() < 1 / 2:
        errors = sandbox.new_path("-errors.pcap")
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
            shutil.copy(path, defects / f"{seed}.pcap")
            print(f"seed {seed}, {mode}: DEFECT: {what}\n  the file is {defects / f'{seed}.pcap'}")
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
