# SPDX-License-Identifier: GPL-2.0-or-later
"""What captures suffer in the field, done to captures whose truth is known.

A distortion takes the Takes of a capture and gives those of the distorted one, in the order in which
the file has them.  Each Take says which frame of which capture it was, so that its truth is known.
"""

import random
import struct
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import Callable

from frames import OPTION_TIMESTAMPS, SYN
from packets import ETHERTYPE_IPV4, ETHERTYPE_IPV6, PROTO_TCP

OPTION_MSS, OPTION_SACK, NOP = 2, 5, 1
ETHERNET, TCP = 14, 20              # octets of headers
US, MS = 1_000, 1_000_000           # nanoseconds
COPY_NS = (5 * US, 200 * US)        # a second port of a mirror, or a router, writes a packet so much later
BURSTS, BURST_SHARE = 3, 0.02       # times that a capture loses so much of itself at once
ID_STEPS = (1, 40)                  # packets of other connections of the host between two of this one
MSS_CLAMP = 1360                    # a tunnel's


@dataclass(frozen=True)
class Take:
    """One frame in a file: `size` octets on the wire, of which `frame` may be the beginning; it is
    frame `number` of the capture at `point`, or a copy of it."""

    time_ns: int
    size: int
    frame: bytes
    point: str
    number: int
    copy: bool = False


@dataclass(frozen=True)
class Scene:
    """What else a distortion needs: chance, the addresses of both hosts, which hosts' device the
    capture is at, the capture at the other one, and the labels of both ({point: {number: label}})."""

    chance: random.Random
    addresses: dict             # {"client": {octets}, "server": {octets}}
    point: str
    others: list
    labels: dict

    def sender(self, take):
        """The host whose address is the source of a frame, or None."""
        place = Places(take.frame)
        return next((host for host, own in self.addresses.items() if place.source in own), None)


class Places:
    """Where things are in an Ethernet frame; `tcp` is None where there is no whole TCP header."""

    def __init__(self, frame):
        kind = struct.unpack_from("!H", frame, 12)[0] if len(frame) >= ETHERNET + 20 else 0
        self.version = {ETHERTYPE_IPV4: 4, ETHERTYPE_IPV6: 6}.get(kind, 0)
        self.source, self.tcp, self.options = b"", None, None
        if self.version == 4:
            self.source, protocol = frame[26:30], frame[23]
            start = ETHERNET + (frame[14] & 15) * 4
        elif self.version == 6 and len(frame) >= ETHERNET + 40:
            self.source, protocol, start = frame[22:38], frame[20], ETHERNET + 40
        else:
            return
        if protocol == PROTO_TCP and len(frame) >= start + TCP:
            self.tcp = start
            self.options = slice(start + TCP, start + (frame[start + 12] >> 4) * 4)


def summed(total, old, new):
    """A checksum after some octets, an even number from an even place on, became others (RFC 1624)."""
    words = f"!{len(old) // 2}H"
    value = ~total & 0xFFFF
    for before, after in zip(struct.unpack(words, old), struct.unpack(words, new)):
        value += (~before & 0xFFFF) + after
    while value > 0xFFFF:
        value = (value & 0xFFFF) + (value >> 16)
    return ~value & 0xFFFF


def put(frame, at, new, checksum_at):
    """A frame with other octets at an even distance from the header that the checksum is of."""
    old = frame[at:at + len(new)]
    total = struct.unpack_from("!H", frame, checksum_at)[0]
    frame = frame[:at] + new + frame[at + len(new):]
    return frame[:checksum_at] + struct.pack("!H", summed(total, old, new)) + frame[checksum_at + 2:]


def with_options(frame, change):
    """A frame whose TCP options went through change(kind, octets) one by one."""
    place = Places(frame)
    if place.tcp is None or place.options.stop > len(frame):
        return frame
    octets, new, at = frame[place.options], b"", 0
    while at < len(octets) and octets[at] != 0:
        length = 1 if octets[at] == NOP else octets[at + 1] if at + 1 < len(octets) else 0
        if not length or at + length > len(octets):
            break
        new += change(octets[at], octets[at:at + length])
        at += length
    return put(frame, place.options.start, new + octets[at:], place.tcp + 16)


def with_ttl(frame, less):
    """A frame that passed so many routers more."""
    place = Places(frame)
    if place.version == 4:
        word = struct.pack("!H", struct.unpack_from("!H", frame, 22)[0] - (less << 8))
        return put(frame, 22, word, 24)
    return frame[:21] + bytes([frame[21] - less]) + frame[22:] if place.version == 6 else frame


# --- what the capture does --------------------------------------------------------------------

def snap(octets):
    """A snap length."""
    return lambda takes, scene: [replace(one, frame=one.frame[:octets]) for one in takes]


def late(host, delay_ns):
    """What a host sends is written late: a mirror port with a queue for each direction."""
    def distort(takes, scene):
        shifted = [replace(one, time_ns=one.time_ns + delay_ns) if scene.sender(one) == host else one
                   for one in takes]
        return in_order(shifted)
    return distort


def only(host):
    """The other direction went another way."""
    return lambda takes, scene: [one for one in takes if scene.sender(one) == host]


def missing(share):
    """The capture lost frames, by chance."""
    return lambda takes, scene: [one for one in takes if scene.chance.random() >= share]


def bursts(takes, scene):
    """The capture lost some frames at once, several times."""
    length = max(1, round(len(takes) * BURST_SHARE))
    gone = set()
    for _ in range(BURSTS):
        first = scene.chance.randrange(len(takes))
        gone |= set(range(first, first + length))
    return [one for place, one in enumerate(takes) if place not in gone]


def start(number):
    """The capture began later."""
    return lambda takes, scene: takes[number:]


def in_order(takes):
    """By time; frames of one time stay as they are."""
    return sorted(takes, key=lambda one: one.time_ns)


def doubled(second, first=lambda frame: frame):
    """Each packet was captured twice: first(frame), soon after it second(frame).  A capture at one
    end sees the packets of one wire in their order, so copies do not overtake each other."""
    def distort(takes, scene):
        result, latest = [], defaultdict(int)
        for one in takes:
            host = scene.sender(one)
            when = max(one.time_ns + scene.chance.randrange(*COPY_NS), latest[host] + US)
            latest[host] = when
            result += [replace(one, frame=first(one.frame)),
                       replace(one, time_ns=when, frame=second(one.frame), copy=True)]
        return in_order(result)
    return distort


def clamped(frame):
    """The frame behind a router that clamps the MSS of a SYN."""
    place = Places(frame)
    if place.tcp is not None and frame[place.tcp + 13] & SYN:
        frame = with_options(frame, lambda kind, octets: octets[:2] + struct.pack(
            "!H", min(MSS_CLAMP, *struct.unpack("!H", octets[2:4]))) if kind == OPTION_MSS else octets)
    return with_ttl(frame, 1)


def offloaded(frame):
    """The frame before a device computes its checksum: only the pseudo-header's sum is there."""
    place = Places(frame)
    if place.tcp is None:
        return frame
    at, length = (26, 8) if place.version == 4 else (22, 32)
    carried = struct.unpack_from("!H", frame, 16)[0] - (place.tcp - ETHERNET) if place.version == 4 \
        else struct.unpack_from("!H", frame, 18)[0]
    total = sum(struct.unpack(f"!{length // 2}H", frame[at:at + length])) + PROTO_TCP + carried
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return frame[:place.tcp + 16] + struct.pack("!H", total) + frame[place.tcp + 18:]


def content(take):
    """What stays the same of a packet between two points on its way."""
    place = Places(take.frame)
    return take.frame[ETHERNET:] if place.version != 4 \
        else take.frame[14:22] + take.frame[23:24] + take.frame[26:]


def merged(takes, scene):
    """The files of both ends in one.  What came from the other end is a copy; what only the link
    made, and its second copies, have no original and are copies of nothing."""
    waiting = defaultdict(deque)
    points = {point: own for point, own in scene.addresses.items()}
    both = in_order(takes + scene.others)
    result = []
    for one in both:
        if Places(one.frame).source in points[one.point]:
            waiting[content(one)].append(one)
            result.append(one)
        else:
            result.append(replace(one, copy=bool(waiting[content(one)])))
    return result


# --- what a host or a device does -------------------------------------------------------------

def identifications(following):
    """IP identifications by following(chance, the last one of the host).  Copies that the link made
    keep that of their packet."""
    def distort(takes, scene):
        last, known, result = {}, {}, []
        for one in takes:
            place = Places(one.frame)
            if place.version != 4:
                result.append(one)
                continue
            label = scene.labels[one.point].get(str(one.number), {})
            key = place.source, one.frame[14:]
            if not label.get("cls", "").startswith("net_dup") or key not in known:
                before = last.get(place.source)
                before = scene.chance.randrange(2**16) if before is None else before
                known[key] = last[place.source] = following(scene.chance, before) % 2**16
            result.append(replace(one, frame=put(one.frame, 18, struct.pack("!H", known[key]), 24)))
        return result
    return distort


def blanked(kind):
    """A device writes NOPs over an option."""
    def blank(other, octets):
        return bytes([NOP]) * len(octets) if other == kind else octets
    return lambda takes, scene: [replace(one, frame=with_options(one.frame, blank)) for one in takes]


def same(takes, scene):
    """As it was captured, for comparison."""
    return takes


@dataclass(frozen=True)
class Distortion:
    """name, what it is in a few words, and distort(takes, scene) -> takes; `whole`: no frame is
    missing, so that each state has to be told."""

    name: str
    what: str
    distort: Callable
    whole: bool = True


DISTORTIONS = (
    Distortion("none", "as captured", same),
    *(Distortion(f"snap_{octets}", f"snap length {octets}", snap(octets)) for octets in (54, 68, 96)),
    *(Distortion(f"{host}_late_{us}us", f"what the {host} sends written {us / 1000:g} ms late",
                 late(host, us * US)) for host in ("client", "server") for us in (300, 500, 2000)),
    *(Distortion(f"only_{host}", f"only what the {host} sends", only(host), whole=False)
      for host in ("client", "server")),
    Distortion("missing_1", "1 % of the frames missing", missing(0.01), whole=False),
    Distortion("missing_5", "5 % of the frames missing", missing(0.05), whole=False),
    Distortion("missing_bursts", f"{BURSTS} bursts of {BURST_SHARE:.0%} missing", bursts, whole=False),
    Distortion("copies_routed", "each packet twice, the copy with TTL - 1",
               doubled(lambda frame: with_ttl(frame, 1))),
    Distortion("copies_clamped", "the same, and the MSS of its SYN clamped", doubled(clamped)),
    Distortion("copies_offload", "each packet twice, the first without its checksum",
               doubled(lambda frame: frame, offloaded)),
    *(Distortion(f"start_{number}", f"begins after {number} frames", start(number), whole=False)
      for number in (10, 100)),
    Distortion("ids_host", "IP IDs counted for the whole host, with gaps",
               identifications(lambda chance, last: last + chance.randint(*ID_STEPS))),
    Distortion("ids_zero", "IP IDs zero", identifications(lambda chance, last: 0)),
    Distortion("ids_random", "IP IDs random", identifications(lambda chance, _: chance.randrange(2**16))),
    Distortion("no_timestamps", "timestamps blanked", blanked(OPTION_TIMESTAMPS)),
    Distortion("sack_blanked", "SACK blocks blanked", blanked(OPTION_SACK)),
    Distortion("merged", "the files of both ends merged", merged),
)
