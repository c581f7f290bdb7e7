# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP where captures hold it: under every link layer and tunnel, several headers in a frame, in pieces, cut short, and quoted.

The conversation of handmade.Talk is the same everywhere, and so is what RFC 9293 says of it."""

import struct

import pytest

from handmade import (
    ACK, CONVERSATION, COOKED, COOKED_2, ETHERNET, FIN, LIFE_FIELDS, LOOPBACK_NULL, PPP, PSH, RAW_IP, SYN,
    Talk, ethernet, ipv4, join_captures, life, tcp, tcp_header, udp, write_pcap,
)  # fmt: skip

IEEE_802_11, IEEE_802_11_RADIOTAP, LOOPBACK_BSD = 105, 127, 108
GRE, IP_IN_IP, IPV6_IN_IPV4, ICMP, ICMPV6, UDP, AH = 47, 4, 41, 1, 58, 17, 51
MORE_FRAGMENTS = 0x2000
HEADER_UP_TO_WINDOW = 16  # bytes of a TCP header without which nothing is said


def words(*numbers):
    return struct.pack(f"!{len(numbers)}H", *numbers)


def ipv6(payload, *, next_header=6, sender=0):
    ends = [bytes.fromhex("fd" + "00" * 14 + end) for end in ("01", "02")]
    return struct.pack("!IHBB", 6 << 28, len(payload), next_header, 64) + ends[sender] + ends[1 - sender] + payload


def in_ipv6(packet, *headers):
    """The TCP segment of an IPv4 packet in IPv6 instead. `headers`: numbers of 8-byte extension headers before it."""
    segment = packet[20:]
    sender = 0 if packet[12:16] < packet[16:20] else 1
    for at in range(len(headers) - 1, -1, -1):
        following = 6 if at == len(headers) - 1 else headers[at + 1]
        segment = bytes([following, 0, 1, 4, 0, 0, 0, 0]) + segment  # PadN
    return ipv6(segment, next_header=headers[0] if headers else 6, sender=sender)


def tunnel(payload, protocol):
    return ethernet(ipv4("192.0.2.1", "192.0.2.2", payload, protocol=protocol))


def by_udp(port, payload):
    return tunnel(udp((50000, port), payload), UDP)


def ieee_802_11(payload):
    """An open data frame to the access point, with LLC and SNAP in front of the packet (IEEE 802.11, 9.3.2.1; RFC 1042)."""
    station, access_point = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")
    header = bytes.fromhex("08010000") + access_point + station + access_point + bytes(2)
    return header + bytes.fromhex("AAAA03000000 0800") + payload


# Name -> (link type, IPv4 packet -> frame). Numbers are EtherTypes, protocols and ports as IANA and IEEE assign them.
LINKS = {
    "ethernet": (ETHERNET, ethernet),
    "vlan": (ETHERNET, lambda ip: ethernet(words(100, 0x0800) + ip, 0x8100)),
    "qinq": (ETHERNET, lambda ip: ethernet(words(7, 0x8100, 100, 0x0800) + ip, 0x88A8)),
    "mpls": (ETHERNET, lambda ip: ethernet(bytes.fromhex("0001 0140") + ip, 0x8847)),
    "pppoe": (ETHERNET, lambda ip: ethernet(words(0x1100, 1, len(ip) + 2, 0x0021) + ip, 0x8864)),
    "snap": (ETHERNET, lambda ip: ethernet(bytes.fromhex("AAAA03000000 0800") + ip, len(ip) + 8)),
    "gre": (ETHERNET, lambda ip: tunnel(words(0, 0x0800) + ip, GRE)),
    "gre-ethernet": (ETHERNET, lambda ip: tunnel(words(0, 0x6558) + ethernet(ip), GRE)),
    "erspan-1": (ETHERNET, lambda ip: tunnel(words(0, 0x88BE) + ethernet(ip), GRE)),
    "erspan-2": (ETHERNET, lambda ip: tunnel(bytes.fromhex("100088BE 00000001 10640001 00000000") + ethernet(ip), GRE)),
    "ip-in-ip": (ETHERNET, lambda ip: tunnel(ip, IP_IN_IP)),
    "ip-in-ip-in-ip": (ETHERNET, lambda ip: tunnel(ipv4("198.51.100.1", "198.51.100.2", ip, protocol=IP_IN_IP), IP_IN_IP)),
    "6in4": (ETHERNET, lambda ip: tunnel(in_ipv6(ip), IPV6_IN_IPV4)),
    "ah": (ETHERNET, lambda ip: ethernet(ip[:9] + bytes([AH]) + ip[10:20] + bytes([6, 4]) + bytes(22) + ip[20:])),
    "ipv6": (ETHERNET, lambda ip: ethernet(in_ipv6(ip), 0x86DD)),
    "ipv6-hop-by-hop": (ETHERNET, lambda ip: ethernet(in_ipv6(ip, 0), 0x86DD)),
    "ipv6-two-extensions": (ETHERNET, lambda ip: ethernet(in_ipv6(ip, 0, 60), 0x86DD)),
    "vxlan": (ETHERNET, lambda ip: by_udp(4789, bytes.fromhex("08000000 00000100") + ethernet(ip))),
    "geneve": (ETHERNET, lambda ip: by_udp(6081, bytes.fromhex("00006558 00000100") + ethernet(ip))),
    "gtp-u": (ETHERNET, lambda ip: by_udp(2152, bytes.fromhex("30FF") + words(len(ip), 0, 1) + ip)),
    "ieee-802.11": (IEEE_802_11, ieee_802_11),
    "radiotap": (IEEE_802_11_RADIOTAP, lambda ip: bytes.fromhex("0000080000000000") + ieee_802_11(ip)),
    "cooked": (COOKED, lambda ip: words(0, 1, 6) + bytes(8) + words(0x0800) + ip),
    "cooked-2": (COOKED_2, lambda ip: words(0x0800, 0, 0, 2, 1) + bytes([0, 6]) + bytes(8) + ip),
    "loopback-null": (LOOPBACK_NULL, lambda ip: struct.pack("<I", 2) + ip),
    "loopback-bsd": (LOOPBACK_BSD, lambda ip: struct.pack("!I", 2) + ip),
    "raw-ip": (RAW_IP, lambda ip: ip),
    "ppp": (PPP, lambda ip: bytes.fromhex("FF030021") + ip),
}


def longer_ah(packet):
    """AH adds 24 bytes: the total length has to say so."""
    at = packet.index(b"\x45\x00", 14)
    (total,) = struct.unpack_from("!H", packet, at + 2)
    return packet[: at + 2] + words(total + 24) + packet[at + 4 :]


@pytest.mark.parametrize("name", LINKS)
def test_link(name, fields, sandbox):
    link, wrap = LINKS[name]
    talk = Talk()
    frames = [wrap(packet) for packet in talk.conversation(talk.ip)]
    frames = [longer_ah(frame) for frame in frames] if name == "ah" else frames
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames, link=link), *LIFE_FIELDS, "tcplife.conn", "frame.protocols")
    assert all("tcp" in row["frame.protocols"].split(":") for row in rows), "the packet is not what it should be"
    assert [life(row) for row in rows] == CONVERSATION
    assert {row["tcplife.conn"] for row in rows} == {"0"}


def test_capture_file_with_two_link_types(fields, sandbox):
    """A pcapng file with an Ethernet and a raw IP interface, as a capture on a VPN gateway gives; one connection on each."""
    talks = Talk(), Talk(client="10.0.0.3")
    parts = [
        write_pcap(sandbox.new_path(".pcap"), talks[0].conversation()),
        write_pcap(sandbox.new_path(".pcap"), talks[1].conversation(talks[1].ip), link=RAW_IP),
    ]
    merged = sandbox.home / "two-links.pcapng"  # the only folder that the user of the tests can write to
    done = sandbox.run(["mergecap", "-a", "-F", "pcapng", "-w", merged, *parts])
    assert done.returncode == 0, done.stderr
    rows = fields(merged, *LIFE_FIELDS, "tcplife.conn")
    assert [life(row) for row in rows] == CONVERSATION * 2
    assert [row["tcplife.conn"] for row in rows] == ["0"] * 8 + ["1"] * 8


# ---- several TCP headers in one frame --------------------------------------------------------------------------------


def a_msdu(packets):
    """An 802.11 QoS frame that carries several packets (IEEE 802.11, 9.3.2.2)."""
    station, access_point = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")
    frame = bytes.fromhex("88020000") + station + access_point + access_point + bytes.fromhex("0000 8000")
    for at, packet in enumerate(packets):
        body = bytes.fromhex("AAAA03000000 0800") + packet
        subframe = station + access_point + words(len(body)) + body
        frame += subframe + (bytes(-len(subframe) % 4) if at < len(packets) - 1 else b"")
    return frame


def ppp_mux(packets):
    """A PPP frame that carries several packets (RFC 3153)."""
    return bytes.fromhex("FF030059") + b"".join(words(0xC000 | len(packet) + 2, 0x0021) + packet for packet in packets)


MULTIPLEXED = {"a-msdu": (IEEE_802_11, a_msdu), "ppp-mux": (PPP, ppp_mux)}


@pytest.mark.parametrize("name", MULTIPLEXED)
def test_two_connections_in_each_frame(name, fields, sandbox):
    link, pack = MULTIPLEXED[name]
    talks = Talk(), Talk(client="10.0.0.3", isn=(70000, 90000))
    frames = [pack(pair) for pair in zip(*(talk.conversation(talk.ip) for talk in talks), strict=True)]
    path = write_pcap(sandbox.new_path(".pcap"), frames, link=link)
    for two_pass in (False, True):
        rows = fields(path, *LIFE_FIELDS, "tcplife.conn", "tcp.srcport", two_pass=two_pass)
        assert [row["tcp.srcport"].count("|") for row in rows] == [1] * 8, "Wireshark does not see two TCP headers"
        expected = [tuple(f"{word}|{word}" if word else "" for word in one) for one in CONVERSATION]
        assert [life(row) for row in rows] == expected
        assert {row["tcplife.conn"] for row in rows} == {"0|1"}


def test_two_segments_of_one_connection_in_a_frame(fields, sandbox):
    """The client's ACK and its data in the same frame: the first completes the handshake, the second is data."""
    talk = Talk()
    packets = talk.conversation(talk.ip)
    frames = [ppp_mux([packets[0]]), ppp_mux([packets[1]]), ppp_mux(packets[2:4]), *(ppp_mux([p]) for p in packets[4:])]
    path = write_pcap(sandbox.new_path(".pcap"), frames, link=PPP)
    for two_pass in (False, True):
        rows = fields(path, "tcplife.phase", "tcplife.handshake.step", "tcplife.conn", two_pass=two_pass)
        assert rows[2] == {
            "tcplife.phase": "handshake|established",
            "tcplife.handshake.step": "ack",
            "tcplife.conn": "0|0",
        }


RPCAP_PACKET = 7  # message type of the WinPcap remote protocol
RPCAP_ETHERNET = ("-o", f"rpcap.linktype:{ETHERNET}")


def rpcap(frame, number):
    """A packet message of the remote capture protocol: a whole Ethernet frame inside TCP."""
    packet = struct.pack("!IIIII", 1_700_000_000, 0, len(frame), len(frame), number) + frame
    return struct.pack("!BBHI", 0, RPCAP_PACKET, 0, len(packet)) + packet


def test_tcp_inside_tcp(fields, sandbox):
    """A connection that carries another one: the outer header comes first, and each has a life of its own."""
    outer, inner = Talk("192.0.2.1", "192.0.2.2", ports=(50000, 2002)), Talk()
    frames = outer.conversation()[:3]
    sent = 1
    for number, frame in enumerate(inner.conversation(), 1):
        message = rpcap(frame, number)
        frames.append(outer.frame(1, PSH | ACK, sent, 1, payload=message))
        sent += len(message)
    path = write_pcap(sandbox.new_path(".pcap"), frames)
    for two_pass in (False, True):
        rows = fields(path, "tcp.port", *LIFE_FIELDS, "tcplife.conn", two_pass=two_pass, extra=RPCAP_ETHERNET)[3:]
        assert all(row["tcp.port"].count("|") == 3 for row in rows), "Wireshark does not see two TCP headers"
        assert {row["tcplife.conn"] for row in rows} == {"0|1"}
        expected = [(step, f"ESTABLISHED|{client}", f"ESTABLISHED|{server}") for step, client, server in CONVERSATION]
        assert [life(row) for row in rows] == expected


# ---- quoted and sampled headers --------------------------------------------------------------------------------------


def icmp_error(kind, code, quoted, source="192.0.2.1", destination="10.0.0.1", rest=0):
    return ethernet(ipv4(source, destination, struct.pack("!BBHI", kind, code, 0, rest) + quoted, protocol=ICMP))


def icmpv6_error(kind, code, quoted, rest=0):
    return ethernet(ipv6(struct.pack("!BBHI", kind, code, 0, rest) + quoted, next_header=ICMPV6, sender=1), 0x86DD)


OUTCOME_FIELDS = (
    "tcplife", "tcplife.handshake.outcome", "tcplife.handshake.icmp_in", "tcplife.handshake.icmp_type",
    "tcplife.handshake.icmp_code", "tcplife.conn",
)  # fmt: skip

# (kind, code, bytes of TCP quoted): RFC 792 asks for 8, RFC 1812 4.3.2.3 for as much as fits.
ICMP_ERRORS = [(3, 1, 8), (3, 3, 8), (3, 13, 20), (11, 0, 20), (12, 0, 8)]


@pytest.mark.parametrize("kind, code, quoted", ICMP_ERRORS)
def test_icmp_error_answers_syn(kind, code, quoted, fields, sandbox):
    talk = Talk()
    syn = talk.ip(0, SYN, 0)
    frames = [ethernet(syn), icmp_error(kind, code, syn[: 20 + quoted])]
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *OUTCOME_FIELDS, two_pass=True)
    assert list(rows[0].values())[1:] == ["unreachable", "2", str(kind), str(code), "0"]
    assert set(rows[1].values()) == {""}, "a quoted header is not a segment"


@pytest.mark.parametrize("quoted", [8, 20])
def test_icmpv6_error_answers_syn(quoted, fields, sandbox):
    syn = in_ipv6(Talk().ip(0, SYN, 0))
    frames = [ethernet(syn, 0x86DD), icmpv6_error(1, 4, syn[: 40 + quoted])]
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *OUTCOME_FIELDS, two_pass=True)
    assert list(rows[0].values())[1:] == ["unreachable", "2", "1", "4", "0"]
    assert set(rows[1].values()) == {""}


def test_icmp_that_does_not_mean_unreachable(fields, sandbox):
    """Fragmentation needed (3/4), source quench (4), redirect (5): the packet can still arrive (RFC 1122 3.2.2, RFC 1191)."""
    syn = Talk().ip(0, SYN, 0)
    frames = [ethernet(syn), *(icmp_error(kind, code, syn) for kind, code in ((3, 4), (4, 0), (5, 1)))]
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *OUTCOME_FIELDS, two_pass=True)
    assert rows[0]["tcplife.handshake.outcome"] == "pending"
    assert all(set(row.values()) == {""} for row in rows[1:])


TOO_BIG_FIELDS = (
    "tcplife.retransmission.cause", "tcplife.retransmission.icmp_in", "tcplife.path_mtu", "tcplife.path_mtu.bytes",
)  # fmt: skip


@pytest.mark.parametrize("quoted", [8, 20])
@pytest.mark.parametrize("family", [4, 6])
def test_too_big_draws_what_is_sent_again(family, quoted, fields, sandbox):
    """A segment of 1400 bytes, the error about it (RFC 1191 4, RFC 4443 3.2), and its bytes again in 1300 and 100: packets of 1340 and
    1360 bytes at most."""
    talk = Talk()
    mtu, size, kind = (1340, 20, 0x0800) if family == 4 else (1360, 40, 0x86DD)
    wrap = (lambda packet: packet) if family == 4 else in_ipv6
    packets = [
        talk.ip(0, SYN, 0), talk.ip(1, SYN | ACK, 0, 1), talk.ip(0, ACK, 1, 1), talk.ip(0, ACK, 1, 1, payload=b"x" * 1400),
        talk.ip(0, ACK, 1, 1, payload=b"x" * 1300), talk.ip(0, ACK, 1301, 1, payload=b"x" * 100),
    ]  # fmt: skip
    frames = [ethernet(wrap(packet), kind) for packet in packets]
    about = wrap(packets[3])[: size + quoted]
    frames.insert(4, icmp_error(3, 4, about, rest=mtu) if family == 4 else icmpv6_error(2, 0, about, rest=mtu))
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *TOO_BIG_FIELDS, two_pass=True)
    assert [list(row.values()) for row in rows[5:]] == [["pmtu", "5", "icmp", str(mtu)]] * 2
    assert set(rows[4].values()) == {""}, "a quoted header is not a segment"


def test_icmp_error_changes_nothing_else(fields, sandbox):
    """Errors that quote data, another connection's SYN, or a segment nobody sent: every life goes on as it was."""
    talk = Talk()
    packets = talk.conversation(talk.ip)
    strange = Talk(client="10.9.9.9").ip(0, SYN, 0)
    frames = [ethernet(packet) for packet in packets]
    for at, quoted in ((7, packets[5]), (5, strange), (4, packets[3]), (2, packets[1][:28])):
        frames.insert(at, icmp_error(3, 1, quoted))
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *LIFE_FIELDS, "tcplife.conn", "icmp.type", two_pass=True)
    assert [life(row) for row in rows if not row["icmp.type"]] == CONVERSATION
    assert {row["tcplife.conn"] for row in rows if row["icmp.type"]} == {""}


def sflow(frame):
    """An sFlow 5 datagram with one flow sample: the header of a sampled Ethernet frame."""
    header = frame + bytes(-len(frame) % 4)
    record = struct.pack("!IIIIII", 1, 16 + len(header), 1, len(frame), 0, len(frame)) + header
    sample = struct.pack("!IIIIIIII", 1, 1, 100, 1000, 0, 1, 2, 1) + record
    datagram = struct.pack("!II4sIIII", 5, 1, bytes([192, 0, 2, 1]), 0, 1, 1000, 1)
    return by_udp(6343, datagram + struct.pack("!II", 1, len(sample)) + sample)


def test_sflow_sample_has_no_verdict(fields, sandbox):
    """One frame in a hundred: a life cannot be told from that."""
    frames = [sflow(frame) for frame in Talk().conversation()]
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), "tcp.srcport", "tcplife", "tcplife.conn", two_pass=True)
    assert [row["tcp.srcport"] for row in rows] == ["40000", "80"] * 4 or all(row["tcp.srcport"] for row in rows)
    assert {row["tcplife.conn"] for row in rows} == {row["tcplife"] for row in rows} == {""}


def test_sflow_sample_does_not_disturb_the_connection(fields, sandbox):
    talk = Talk()
    frames = [both for frame in talk.conversation() for both in (frame, sflow(frame))]
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *LIFE_FIELDS)
    assert [life(row) for row in rows[::2]] == CONVERSATION


# ---- fragments -------------------------------------------------------------------------------------------------------

PAYLOAD = bytes(range(256)) * 5  # 1280 bytes
PIECE_BYTES = 512


def ipv4_fragments(packet, ident):
    """The packet in fragments of 512 bytes (RFC 791 3.2)."""
    header, body = packet[:20], packet[20:]
    frames = []
    for at in range(0, len(body), PIECE_BYTES):
        more = MORE_FRAGMENTS if at + PIECE_BYTES < len(body) else 0
        piece = body[at : at + PIECE_BYTES]
        fields = struct.pack("!HHH", 20 + len(piece), ident, more | at // 8)
        frames.append(ethernet(header[:2] + fields + header[8:] + piece))
    return frames


def ipv6_fragments(packet, ident):
    """The same for an IPv6 packet (RFC 8200 4.5)."""
    header, body = packet[:40], packet[40:]
    frames = []
    for at in range(0, len(body), PIECE_BYTES):
        more = 1 if at + PIECE_BYTES < len(body) else 0
        piece = struct.pack("!BBHI", 6, 0, at | more, ident) + body[at : at + PIECE_BYTES]
        frames.append(ethernet(header[:4] + words(len(piece)) + bytes([44]) + header[7:] + piece, 0x86DD))
    return frames


def fragmented_talk(version, order):
    """Handshake, 1280 bytes in three fragments, their ACK."""
    talk = Talk()
    packets = talk.conversation(talk.ip)[:3]
    data = talk.ip(0, PSH | ACK, 1, 1, payload=PAYLOAD)
    ack = talk.ip(1, ACK, 1, 1 + len(PAYLOAD))
    if version == 4:
        whole, pieces = [ethernet(packet) for packet in (*packets, ack)], ipv4_fragments(data, 77)
    else:
        whole = [ethernet(in_ipv6(packet), 0x86DD) for packet in (*packets, ack)]
        pieces = ipv6_fragments(in_ipv6(data), 77)
    return whole[:3] + [pieces[i] for i in order] + whole[3:]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)], ids=str)
@pytest.mark.parametrize("version", [4, 6])
def test_fragments(version, order, fields, sandbox):
    """One verdict, on the frame that completes the packet."""
    path = write_pcap(sandbox.new_path(".pcap"), fragmented_talk(version, order))
    rows = fields(path, "tcp.len", "tcplife.phase", "tcplife.segment", "tcplife.client.state")
    assert [row["tcp.len"] for row in rows[3:6]] == ["", "", str(len(PAYLOAD))]
    assert [row["tcplife.phase"] for row in rows] == ["handshake"] * 3 + ["", ""] + ["established"] * 2
    assert rows[5]["tcplife.segment"] in ("new", "")


@pytest.mark.parametrize("version", [4, 6])
def test_fragments_that_are_not_reassembled(version, fields, sandbox):
    """The first fragment has the TCP header but not the length: nothing is said of it, and the ACK is right all the same."""
    path = write_pcap(sandbox.new_path(".pcap"), fragmented_talk(version, (0, 1, 2)))
    off = ("-o", f"ip{'v6' * (version == 6)}.defragment:FALSE")
    rows = fields(path, "tcplife.phase", "tcplife.client.state", extra=off)
    assert [row["tcplife.phase"] for row in rows] == ["handshake"] * 3 + ["", "", ""] + ["established"]
    assert rows[-1]["tcplife.client.state"] == "ESTABLISHED"


# ---- cut frames ------------------------------------------------------------------------------------------------------


CUT_CAPTURES = ("nc-four-segment-close", "keepalive-answered", "refused", "data-after-close")
CUT_FIELDS = (*LIFE_FIELDS, "tcplife.phase", "tcplife.rst.cause", "tcplife.keepalive.n", "tcplife.teardown.kind")


@pytest.fixture(scope="module")
def uncut(captures, sandbox, fields):
    """Frames and times of some captures, and what tcplife says of them when nothing is cut."""
    frames, times = join_captures(captures / f"{name}.pcap" for name in CUT_CAPTURES)
    path = write_pcap(sandbox.new_path(".pcap"), frames, times)
    return frames, times, fields(path, *CUT_FIELDS, two_pass=True)


@pytest.mark.parametrize("snaplen", [50, 54, 60, 68, 96])
def test_snaplen(snaplen, uncut, fields, sandbox):
    """Ethernet and IPv4 take 34 bytes and TCP's first 16 hold all that a life needs; lengths come from the headers."""
    frames, times, expected = uncut
    path = write_pcap(sandbox.new_path(".pcap"), frames, times, snaplen=snaplen)
    assert fields(path, *CUT_FIELDS, two_pass=True) == expected


def test_snaplen_within_the_tcp_header(fields, uncut, sandbox):
    """Less than those 16 bytes: nothing is said, and Wireshark's own complaint is the only one."""
    cuts = list(range(34, 34 + HEADER_UP_TO_WINDOW))
    path = write_pcap(sandbox.new_path(".pcap"), [uncut[0][0]] * len(cuts), snaplen=cuts)
    for row in fields(path, "tcplife", "_ws.malformed", "_ws.short"):
        assert row["tcplife"] == "" and row["_ws.malformed"] == ""
        assert row["_ws.short"].count("|") == 0


def test_header_shorter_than_tcp(fields, sandbox):
    """IP says that there are only n bytes of TCP."""
    frames = []
    for size in range(20):
        segment = tcp((40000, 80), SYN, 1000)[:size]
        frames.append(ethernet(ipv4("10.0.0.1", "10.0.0.2", segment)))
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), "tcplife", "tcplife.conn")
    assert {value for row in rows for value in row.values()} == {""}


def test_ethernet_padding_is_no_payload(fields, sandbox):
    """Ethernet pads to 60 bytes; the length of the segment is what IP says."""
    frames = [frame.ljust(60, b"\0") for frame in Talk().conversation()]
    rows = fields(write_pcap(sandbox.new_path(".pcap"), frames), *LIFE_FIELDS)
    assert [life(row) for row in rows] == CONVERSATION
    assert tcp_header(frames[5]).flags == FIN | ACK
