# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a capture show what its scenario promises?

A second, deliberately simple reading of the packets, which shares nothing with
the dissector: the flags of all segments in order, and for each connection the
four facts of the manifest, worked out from sequence numbers by the definitions
in README.md.  Its only use is to accept or refuse a fresh capture; the values
in the manifest are those the scenario declares.
"""

import re

from netlab import ADDRESS
from packets import ACK, FIN, OPTION_FAST_OPEN, RST, SYN, IcmpError, Segment, covers

CLIENT_ADDRESSES = {ADDRESS[family]["client"] for family in ADDRESS}


class CheckFailed(Exception):
    """A capture is not what was promised; the text says in what."""


def expect(condition, text):
    """Raise CheckFailed with this text unless the condition holds."""
    if not condition:
        raise CheckFailed(text)


def side(packet):
    """The host that sent a packet: "client" or "server"."""
    return "client" if packet.src in CLIENT_ADDRESSES else "server"


def other(host):
    """The other host."""
    return "server" if host == "client" else "client"


def token(packet):
    """A packet in the notation of the flows: `c:S`, `s:SA`, `c:PA+` (+ is payload)."""
    name = side(packet)[0]
    if isinstance(packet, IcmpError):
        return f"{name}:icmp{packet.kind}/{packet.code}"
    return f"{name}:{packet.letters}{'+' if packet.payload else ''}"


def flow_text(packets):
    """All packets in the notation of the flows."""
    return " ".join(token(packet) for packet in packets)


def check_flow(packets, flow):
    """The packets are exactly the flow; a token with `?` behind it may be missing,
    `x|y` stands for either, and a token with `*` may come any number of times."""
    pattern = ""
    for item in flow.split():
        mark = item[-1] if item[-1] in "?*" else ""
        body = "|".join(re.escape(one) for one in item.rstrip("?*").split("|"))
        pattern += f"(?:(?:{body}) ){mark}"
    text = flow_text(packets)
    expect(re.fullmatch(pattern, text + " "), f"expected the flow [{flow}], got [{text}]")


def connections(packets):
    """The packets of each connection, in the order of their first packets.

    A SYN begins a new connection on known ports unless it repeats the sequence
    number of a SYN of the current one or crosses with the peer's.
    """
    current, found = {}, []
    for packet in packets:
        if isinstance(packet, IcmpError):
            key = frozenset([(packet.quoted[0], packet.quoted[2]),
                             (packet.quoted[1], packet.quoted[3])])
        else:
            key = frozenset([(packet.src, packet.sport), (packet.dst, packet.dport)])
        known = current.get(key)
        if known is None or (_begins(packet) and _has_other_syn(known, packet)):
            known = current[key] = []
            found.append(known)
        known.append(packet)
    return found


def _begins(packet):
    """True for a SYN without ACK."""
    return isinstance(packet, Segment) and packet.flags & (SYN | ACK) == SYN


def _has_other_syn(packets, syn):
    """True when the same side has sent a SYN with another number before."""
    return any(_begins(p) and p.src == syn.src and p.seq != syn.seq for p in packets)


def outcome(packets):
    """How the handshake of one connection ended, as a word of the manifest."""
    segments = [p for p in packets if isinstance(p, Segment)]
    syns = [p for p in segments if _begins(p)]
    if {side(p) for p in syns} == {"client", "server"}:
        return "simultaneous"
    syn_ack = next((p for p in segments if p.has(SYN | ACK)), None)
    if syn_ack is None:
        if any(p.has(RST) and side(p) == "server" and p.ack == syns[0].end for p in segments):
            return "refused"
        quotes = [p.quoted for p in packets if isinstance(p, IcmpError)]
        if any(quote[4] == syns[0].seq for quote in quotes):
            return "unreachable"
        return "unanswered"
    done = any(side(p) == "client" and p.has(ACK) and not p.has(RST) and p.ack == syn_ack.end
               for p in segments)
    return "complete" if done else "half_open"


def closing_segments(packets):
    """{host: its first FIN}, and the list of all RSTs, of one connection."""
    fins, resets = {}, []
    for packet in packets:
        if isinstance(packet, Segment) and packet.has(FIN):
            fins.setdefault(side(packet), packet)
        if isinstance(packet, Segment) and packet.has(RST):
            resets.append(packet)
    return fins, resets


def fins_cross(packets):
    """True when both sides sent a FIN and neither first FIN acknowledges the other."""
    fins, _ = closing_segments(packets)
    if len(fins) < 2:
        return False
    one, two = fins.values()
    return not covers(one.ack, two.end) and not covers(two.ack, one.end)


def _with_reset(fins, resets):
    """(kind, initiator) of a connection that ended by RST."""
    who = side(resets[0])
    if not fins:
        return "rst", who
    return ("fin_rst" if who in fins else "fin_peer_rst"), next(iter(fins))


def teardown(packets):
    """(kind, initiator, holder of TIME-WAIT) of one connection, as words of the manifest."""
    fins, resets = closing_segments(packets)
    if resets:
        return (*_with_reset(fins, resets), "none")
    if not fins:
        return "open", "none", "none"
    first = next(iter(fins))
    if len(fins) == 1:
        return "one_sided", first, "unknown"
    second = fins[other(first)]
    acked = {p.src for p in packets if isinstance(p, Segment)
             and covers(p.ack, fins[other(side(p))].end)}
    if len(acked) < 2:
        return "unfinished", first, "unknown"
    if not covers(second.ack, fins[first].end):
        return "simultaneous", "both", "both"
    between = packets[packets.index(fins[first]) + 1:packets.index(second) + 1]
    after = [p for p in between if p.src == second.src and covers(p.ack, fins[first].end)]
    if any(p.payload for p in after):
        return "half_close", first, first
    if any(p.is_pure_ack for p in after):
        return "four_segment", first, first
    return "three_segment", first, first


def check_connection(packets, declared):
    """One connection is as declared: (outcome, kind, initiator, time_wait).

    `peer`, in a simultaneous open, stands for whichever side it was.
    """
    found = (outcome(packets), *teardown(packets))
    for ours, seen in zip(declared, found):
        expect(ours == seen or ours == "peer" and seen in ("client", "server"),
               f"declared {declared}, the packets say {found}")


def check_sound(packets):
    """Nothing an offload would have spoilt: every TCP checksum is right."""
    for number, packet in enumerate(packets, 1):
        expect(isinstance(packet, IcmpError) or packet.checksum_ok,
               f"frame {number} has a wrong TCP checksum")


# Promises of single scenarios.  Each takes all packets of a capture.

def silence_after_syns(packets):
    """The repeated SYNs are followed by silence: >= 10 s and > 3 x the last gap."""
    syns = connections(packets)[0]
    gap = syns[-1].time - syns[-2].time
    silence = packets[len(syns)].time - syns[-1].time
    expect(len({p.seq for p in syns}) == 1, "the SYNs differ")
    expect(silence >= 10 and silence > 3 * gap,
           f"silence of {silence:.1f} s after a gap of {gap:.1f} s is too short")


def crossing_fins(packets):
    """In every connection neither FIN acknowledges the other, both are acknowledged."""
    for connection in connections(packets):
        expect(fins_cross(connection), "the FINs do not cross")


def repeated(letters, count):
    """A check: the same segment with these flags (same number) comes `count` times."""
    def check(packets):
        same = [p.seq for p in packets if p.letters == letters]
        expect(len(same) == count and len(set(same)) == 1,
               f"{letters} comes {len(same)} times, {len(set(same))} different")
    return check


def fin_before_handshake_ack(packets):
    """The client's FIN comes before its pure ACK of the SYN-ACK, which has a lower number."""
    fin = next(i for i, p in enumerate(packets) if p.has(FIN) and side(p) == "client")
    ack = next(i for i, p in enumerate(packets) if p.is_pure_ack and side(p) == "client")
    expect(fin < ack and packets[fin].seq == packets[ack].seq, "the ACK was not overtaken")
    expect(covers(packets[fin].ack, packets[1].end), "the FIN does not acknowledge the SYN")


def data_completes_handshake(packets):
    """The first segment after the SYN-ACK is data that acknowledges it, in sequence."""
    syn, syn_ack, data = packets[:3]
    expect(data.payload and data.seq == syn.end and data.ack == syn_ack.end,
           "the handshake is not completed by the data")


def keepalive_probes(count, answered):
    """A check: at least `count` probes (no payload, number one below the next), and answers."""
    def check(packets):
        top = max(p.end for p in packets if side(p) == "client" and p.payload)
        probes = [i for i, p in enumerate(packets)
                  if side(p) == "client" and p.is_pure_ack and p.seq == (top - 1) % 2**32]
        expect(len(probes) >= count, f"{len(probes)} keepalive probes, wanted {count}")
        for i in probes if answered else ():
            reply = packets[i + 1]
            expect(side(reply) == "server" and reply.is_pure_ack and reply.ack == top,
                   f"the probe in frame {i + 1} is not answered")
    return check


def fast_open(packets):
    """First a request for a cookie and a grant, then data in a SYN, acknowledged at once."""
    first, second = connections(packets)
    expect(first[0].option(OPTION_FAST_OPEN) == b"", "no cookie asked for")
    expect(first[1].option(OPTION_FAST_OPEN), "no cookie granted")
    expect(second[0].option(OPTION_FAST_OPEN) == first[1].option(OPTION_FAST_OPEN),
           "the second SYN does not carry the cookie granted")
    expect(second[0].payload and second[1].ack == second[0].end, "the data was not accepted")


def same_ports(packets):
    """Both connections use the same addresses and ports."""
    keys = {frozenset([(p.src, p.sport), (p.dst, p.dport)]) for p in packets}
    expect(len(keys) == 1 and len(connections(packets)) == 2, "not twice the same ports")


def crossing_syns(packets):
    """Two SYNs without ACK, one of each side, before anything else."""
    expect(all(p.letters == "S" for p in packets[:2]) and packets[0].src != packets[1].src,
           "the SYNs do not cross")


def reset_answers_data(packets):
    """The reset is the server's reply to the client's last data: same number as its ACK."""
    reset = next(p for p in packets if p.has(RST))
    data = [p for p in packets if p.payload and side(p) == "client"][-1]
    expect(side(reset) == "server" and packets.index(data) < packets.index(reset),
           "the reset does not answer the data")
    expect(reset.seq == data.ack, "the reset's number is not what the data acknowledged")


def icmp_quotes_syn(packets):
    """The ICMP error quotes the very SYN it follows."""
    syn, error = packets
    expect(error.quoted == (syn.src, syn.dst, syn.sport, syn.dport, syn.seq),
           "the ICMP error does not quote the SYN")
