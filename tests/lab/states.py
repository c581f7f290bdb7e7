# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the states of both ends that tcplife shows with those of the kernels' sockets."""

import collections
import ipaddress

NAMES = {"SYN_SENT": "SYN-SENT", "SYN_RECV": "SYN-RECEIVED", "ESTABLISHED": "ESTABLISHED",
         "FIN_WAIT1": "FIN-WAIT-1", "FIN_WAIT2": "FIN-WAIT-2", "CLOSE_WAIT": "CLOSE-WAIT",
         "CLOSING": "CLOSING", "LAST_ACK": "LAST-ACK", "CLOSE": "CLOSED"}
SAME_SEGMENT = 0.001    # seconds; two changes within it come from one segment
LEAD = 0.05             # seconds by which clocks and queues may differ


def collapse(names):
    """Without repetitions."""
    return [name for place, name in enumerate(names) if not place or names[place - 1] != name]


def kernel_sequences(rows, last):
    """[(time of the first change, all sequences to accept)] of the sockets of one end.

    last  time of the last frame of these ports in the capture
    """
    sockets = []
    for row in rows:
        if row[1] in ("CLOSE", "LISTEN") and row[2] in ("SYN_SENT", "SYN_RECV"):
            sockets.append([])
        if sockets and row[2] != "LISTEN" and row[1] != "LISTEN" or row[2] == "SYN_RECV":
            sockets[-1].append(row)
    return [(life[0][0], variants(life, last)) for life in sockets if life]


def variants(life, last):
    """The sequences of states that are right for a socket, the fullest first.

    The kernel passes FIN-WAIT-2 even when one segment brings ACK and FIN; RFC 9293 does not. A
    change that no segment shows, and what came after the `last` frame, need not be known.
    """
    names, merged, result = [], [], []
    for place, row in enumerate(life):
        if len(row) > 3 or row[0] > last + SAME_SEGMENT:
            result += [list(names), list(merged)]
        name = NAMES.get(row[2], row[2])
        names.append(name)
        following = life[place + 1] if place + 1 < len(life) else None
        if not (name == "FIN-WAIT-2" and following and following[0] - row[0] < SAME_SEGMENT):
            merged.append(name)
    return [names, merged] + result


def normalised(names):
    """A sequence of tcplife in the kernel's terms: TIME-WAIT shows as CLOSED there."""
    names = ["CLOSED" if name == "TIME-WAIT" else name for name in names]
    while names and names[0] in ("CLOSED", "LISTEN", "unknown"):
        names = names[1:]
    return collapse(names)


class End:
    """The history of one end as the fields tell it."""

    def __init__(self):
        self.names = []

    def add(self, change, withdrawn):
        """What one frame says."""
        if withdrawn and withdrawn in self.names:
            del self.names[len(self.names) - 1 - self.names[::-1].index(withdrawn):]
        steps = change.split(" -> ") if change else []
        self.names += steps[1:] if self.names else steps


def shown_as_client(row, addresses):
    """Host ("c" or "s") whose state the fields tcplife.client.* of a row give, or None.

    After crossing SYNs nobody is the client, and the end with the lower address is shown there:
    so the same end may stand on one side before the second SYN and on the other after it.
    """
    host = "c" if (row.get("ip.src") or row.get("ipv6.src")) in addresses["c"] else "s"
    sender = row.get("tcplife.sender")
    if sender in ("client", "server"):
        return host if sender == "client" else "cs".replace(host, "")
    if sender == "peer":
        lower = ipaddress.ip_address(addresses["c"][0]) < ipaddress.ip_address(addresses["s"][0])
        return "c" if lower else "s"
    return None


def told(rows, times, addresses):
    """{(port of the client's host, port of the server's host): [connection]} as tcplife says.

    A connection has the history of each host ("c", "s"), whichever side's fields told it.
    """
    connections = {}
    for row, when in zip(rows, times):
        number = row.get("tcplife.conn", "")
        if not number:
            continue
        entry = connections.setdefault(number, {
            "pair": pair_of(row, addresses), "time": when, "client": None, "c": End(), "s": End()})
        entry["client"] = shown_as_client(row, addresses) or entry["client"]
        if not entry["client"]:
            continue
        for side, host in (("client", entry["client"]),
                           ("server", "cs".replace(entry["client"], ""))):
            entry[host].add(row.get(f"tcplife.{side}.state.change", ""),
                            row.get(f"tcplife.{side}.state.withdrawn", ""))
    result = collections.defaultdict(list)
    for entry in connections.values():
        result[entry["pair"]].append(entry)
    return result


def pair_of(row, addresses):
    """(port of the client's host, port of the server's host) of a frame."""
    ports = int(row["tcp.srcport"] or 0), int(row["tcp.dstport"] or 0)
    return ports if (row.get("ip.src") or row.get("ipv6.src")) in addresses["c"] else ports[::-1]


def last_frames(rows, times, addresses):
    """{pair of ports: time of its last frame}."""
    return {pair_of(row, addresses): when for row, when in zip(rows, times) if row["tcp.srcport"]}


def partner(entries, number, sockets):
    """The connection of tcplife that is socket `number` of this end, or None."""
    if len(entries) == len(sockets):
        return entries[number]
    started = [entry for entry in entries if entry["time"] <= sockets[number][0] + LEAD]
    return started[-1] if started else entries[0] if entries else None


def score(tally, capture, rows, times, whole=True):
    """Count, near and far, which sequences are those of the kernel.

    whole  False where frames are missing from the capture: a change that is not told is then unknown
    """
    addresses = capture.truth["addresses"]
    connections = told(rows, times, addresses)
    latest = last_frames(rows, times, addresses)
    for truth in capture.truth["connections"]:
        pair = truth["cport"], truth["sport"]
        for side in "cs":
            sockets = kernel_sequences(truth[side], latest.get(pair, 0.0))
            where = "near" if capture.host[0] == side else "far"
            chained = same_chain(connections.get(pair, []), side, sockets)
            for number, (_, right) in enumerate(sockets):
                if not right[0]:
                    continue
                entry = partner(connections.get(pair, []), number, sockets)
                verdict, text = ("right", "") if chained else judge(entry, side, right, whole)
                tally.states[where, "total"] += 1
                tally.states[where, verdict] += 1
                if verdict != "right":
                    tally.errors.append((capture.scenario, capture.host, 0,
                                         f"states of {side}, ports {pair}: {text}, {verdict}"))


def same_chain(entries, side, sockets):
    """True when the states of several connections of the same ports agree one after the other.

    A SYN that meets a living connection is shown in the new one, and so is what becomes of the old.
    """
    if len(sockets) < 2 or any(entry["client"] is None for entry in entries):
        return False
    names = [name for entry in entries for name in entry[side].names]
    wanted = ([name for _, right in sockets for name in right[which]] for which in (0, 1))
    return normalised(names) in [collapse(chain) for chain in wanted]


def lacks_some(names, right):
    """True when a sequence is one of those that are right but for states that are missing."""
    def fits(wanted):
        rest = iter(wanted)
        return all(name in rest for name in names)

    return any(fits(wanted) for wanted in right)


def judge(entry, side, right, whole=True):
    """("right", "unknown" or "wrong", text) of one end."""
    if entry is None or entry["client"] is None:
        return "unknown", "not told"
    names = normalised(entry[side].names)
    if names in right:
        return "right", ""
    if names and names[-1] == "unknown" and names[:-1] in right:
        return "right", ""
    text = f"told {' '.join(names)}, kernel {' '.join(right[0])}"
    if not whole and lacks_some(names, right):
        return "unknown", text
    return ("unknown" if "unknown" in names else "wrong"), text
