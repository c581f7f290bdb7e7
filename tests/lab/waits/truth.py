# SPDX-License-Identifier: GPL-2.0-or-later
"""The seconds of each class, from what the programs, the kernel and the link say themselves.

Programs: their sleeps. Kernel: TCP_INFO's rwnd_limited (a window holds the sender). Link: from when a lost segment would have arrived
until its bytes did. Nagle: from the second write to its segment. Network is what remains. A delayed ACK in a transfer has no truth."""

CLASSES = ("handshake", "client", "server", "network", "loss", "window", "ack", "idle", "unknown")


def union(intervals):
    """Seconds that the intervals cover together."""
    covered, reached = 0.0, None
    for begin, end in sorted(intervals):
        if reached is None or begin > reached:
            covered, reached = covered + max(0.0, end - begin), max(begin, end)
        elif end > reached:
            covered, reached = covered + end - reached, end
    return covered


def lost_intervals(lost, arrivals, legs):
    """[(when it was due, when its first byte arrived)] of what was lost and arrived later. arrivals: {sender: [(s, segment)]}."""
    intervals = []
    for ns, sender, segment in lost:
        receiver = "server" if sender == "client" else "client"
        due = ns / 1e9 + legs[receiver]
        octets = (segment.end - segment.seq) % 2**32
        came = [at for at, other in arrivals[sender] if at > ns / 1e9
                and (segment.seq - other.seq) % 2**32 < (other.end - other.seq) % 2**32]
        if octets and came:
            intervals.append((due, came[0]))
    return intervals


def seconds(run, place):
    """({class: seconds}, duration) of what was captured at a place: from the run's log, TCP_INFO, losses and legs."""
    seen = run["segments"]
    begin, end = seen["client"][0][0], max(seen["client"][-1][0], seen["server"][-1][0])
    duration = seen[place][-1][0] - seen[place][0][0]
    arrivals = {"client": [row for row in seen["server"] if row[1].dport == run["port"]],
                "server": [row for row in seen["client"] if row[1].sport == run["port"]]}
    result = dict.fromkeys(CLASSES, 0.0)
    lost = lost_intervals(run["lost"], arrivals, run["legs"])
    result["loss"] = union([(max(due, seen[place][0][0]), came) for due, came in lost])
    connect = run["connect"]
    result["handshake"] = connect[1] - connect[0] - union([row for row in lost if row[0] < connect[1]])
    for what, start, stop in run["log"]:
        if what in ("client", "server", "idle"):
            result[what] += max(0.0, min(stop, end) - max(start, begin))
    result["window"] = sum(run["rwnd_limited"].values())
    writes = [start for what, start, _ in run["log"] if what == "second_write"]
    if writes:
        second = [at for at, segment in seen["client"] if segment.dport == run["port"] and len(segment.payload) == 160]
        result["ack"] = sum(sent - start for sent, start in zip(second, writes))
    result["network"] = duration - sum(result.values())
    return result, duration
