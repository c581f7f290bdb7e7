# SPDX-License-Identifier: GPL-2.0-or-later
"""Statistics tree, table of servers, flow graph, conversations: what tshark and sharkd show of them.

Expected numbers come from the lives that test_captures.py holds (written by reading the packets), from MANIFEST.tsv (what the
applications did), or from how a capture is made here. How the windows look is the matter of the tests of the GUI."""

import json
import re
from collections import Counter
from functools import cache

import pytest

from handmade import ACK, RST, SYN, Talk, ethernet, ipv4, join_captures, udp, write_pcap
from test_captures import LIVES, MANIFEST, per_connection

# Two captures of a connection that another file holds too: joined they would be one connection.
TWINS = {"synack-lost-client", "handshake-ack-lost-server"}
HOSTS_MAX = 40  # columns of a flow graph: MAX_NUM_NODES of Wireshark's sequence_analysis.h

# ---- help ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def joined(captures, sandbox):
    """All shipped captures but the twins in one file, five minutes apart."""
    frames, times = join_captures(path for path in sorted(captures.glob("*.pcap")) if path.stem not in TWINS)
    return write_pcap(sandbox.new_path(".pcap"), frames, times)


@pytest.fixture(scope="module")
def view(tshark):
    """view("tcplife,tree", capture, *args) -> standard output of tshark -z."""

    @cache
    def run(argument, capture, *args):
        result = tshark(["-q", "-z", argument, *args], capture)
        assert result.returncode == 0, result.stderr
        assert "CRITICAL" not in result.stderr, result.stderr
        return result.stdout

    return run


def tree_of(text):
    """A statistics tree as {path: count}, a path being ("title",), ("title", "leaf") or ("title", "leaf", "leaf")."""
    counts, path = {}, []
    for line in text.splitlines():
        match = re.match(r"( *)(\S.*?) {2,}(\d+) ", line)
        if match:
            depth = len(match[1])
            path[depth:] = [match[2]]
            assert tuple(path) not in counts, "a node twice"
            counts[tuple(path)] = int(match[3])
    return counts


def branch(tree, title):
    """The leaves right below a title."""
    return {path[1]: count for path, count in tree.items() if path[0] == title and len(path) == 2}


def table_of(text):
    """A table as a list of dictionaries."""
    lines = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    assert len({len(cells) for cells in lines}) == 1, "a row has lost a cell"
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[1:]]


def servers_of(text):
    """The rows by server; counts as numbers."""
    return {row["Server"]: {name: int(cell) for name, cell in row.items() if cell.isdecimal()} for row in table_of(text)}


def attempt(talk, *answers):
    """A SYN of the client, and answers: (sender, flags, seq, ack)."""
    return [talk.frame(0, SYN, 0), *(talk.frame(*answer) for answer in answers)]


SYNACK = (1, SYN | ACK, 0, 1)
ACK_3 = (0, ACK, 1, 1)

# ---- statistics tree -------------------------------------------------------------------------------------------------

PHASES = {
    "handshake": "Handshake",
    "established": "Established",
    "half_closed": "Half closed",
    "teardown": "Teardown",
    "time_wait": "After the close",
    "closed": "Closed",
}
# The only resets of the shipped captures, by what MANIFEST.tsv says that the applications did.
RESETS = {
    "refused": ("refused", "server"),
    "peer-killed-rst": ("abort", "server"),
    "peer-restarted": ("end lost the connection", "server"),
    "data-after-close": ("data after the close", "server"),
    "linger-reset": ("abort", "client"),
    "abort-unread": ("abort", "client"),
    "keepalive-unanswered": ("keep-alive timed out", "client"),
}
OUTCOMES = {"complete": "complete", "refused": "refused", "unreachable": "unreachable", "unanswered": "unanswered"} | {
    "simultaneous": "simultaneous open"
}
KINDS = {
    "three_segment": "three segments",
    "four_segment": "four segments",
    "simultaneous": "simultaneous close",
    "half_close": "half-close",
    "rst": "reset",
    "fin_rst": "FIN, then reset by the same end",
}
# What tl_names.def calls the connections that did not go the ordinary way; the others closed in an orderly way.
VERDICTS = {
    "refused": "refused",
    "syn-unanswered": "unanswered",  # its first connection
    "icmp-unreachable": "unreachable",
    "peer-killed-rst": "aborted",
    "linger-reset": "aborted",
    "abort-unread": "aborted",
    "peer-restarted": "one end lost it",
    "data-after-close": "closed, then reset",
    "keepalive-unanswered": "timed out",
}


def lives():
    return {name: life for name, life in LIVES.items() if name not in TWINS}


def lives_of(name):
    """[sender, phase, step, states] of each TCP frame; "-" stands for another frame."""
    return [line.split() for line in LIVES[name].splitlines() if line.strip(" -")]


def manifest_values(column):
    rows = [row for row in MANIFEST if row["file"].removesuffix(".pcap") not in TWINS]
    return Counter(value for row in rows for value in per_connection(row[column]))


def test_tree_phases(view, joined):
    tree = tree_of(view("tcplife,tree", joined))
    expected = Counter(PHASES[line[1]] for name in lives() for line in lives_of(name))
    assert branch(tree, "Segments by phase") == expected
    assert tree[("Segments by phase",)] == sum(expected.values())


def test_tree_resets_and_their_senders(view, joined):
    tree = tree_of(view("tcplife,tree", joined))
    title = "Resets by cause and sender"
    assert branch(tree, title) == Counter(cause for cause, _ in RESETS.values())
    senders = {path[1:]: count for path, count in tree.items() if path[0] == title and len(path) == 3}
    assert senders == Counter(RESETS.values())
    assert tree[(title,)] == len(RESETS)


def test_tree_retransmissions(view, joined):
    """The applications send so little that only SYNs and SYN-ACKs were lost."""
    steps = Counter(line[2] for name in lives() for line in lives_of(name))
    expected = {"SYN again": steps["syn_retransmission"], "SYN-ACK again": steps["synack_retransmission"]}
    assert branch(tree_of(view("tcplife,tree", joined)), "Retransmissions by cause") == expected


def test_tree_connections(view, joined):
    tree = tree_of(view("tcplife,tree", joined))
    outcomes, kinds = manifest_values("handshake.outcome"), manifest_values("teardown.kind")
    assert branch(tree, "Connections by outcome of the handshake") == {OUTCOMES[name]: n for name, n in outcomes.items()}
    # "open" in the MANIFEST are the two that nobody answered: what never was open is not still open.
    assert kinds.pop("open") == 2
    assert branch(tree, "Connections by kind of close") == {KINDS[name]: n for name, n in kinds.items()}
    verdicts = Counter(VERDICTS.values())
    verdicts["orderly"] = sum(outcomes.values()) - len(VERDICTS)
    assert branch(tree, "Connections by verdict") == verdicts


def test_tree_counts_what_the_filter_finds(view, fields, joined):
    """The sum over all captures, now by display filters."""
    tree = tree_of(view("tcplife,tree", joined))
    filters = {
        ("Segments by phase", "Teardown"): 'tcplife.phase == "teardown"',
        ("Resets by cause and sender", "abort"): 'tcplife.rst.cause == "abort"',
        ("Resets by cause and sender", "abort", "client"): 'tcplife.rst.cause == "abort" && tcplife.sender == "client"',
        ("Retransmissions by cause", "SYN again"): 'tcplife.retransmission.cause == "syn"',
    }
    for path, text in filters.items():
        assert tree[path] == len(fields(joined, "frame.number", display_filter=text)), text


def test_tree_behind_a_filter(view, fields, joined):
    """Segments are those that pass; connections those of which one passes, as a whole."""
    text = "tcp.flags.reset == 1"
    tree = tree_of(view(f"tcplife,tree,{text}", joined))
    passing = fields(joined, "tcplife.conn", "tcplife.phase", display_filter=text)
    assert branch(tree, "Segments by phase") == Counter(PHASES[row["tcplife.phase"]] for row in passing)
    assert branch(tree, "Connections by verdict") == Counter(VERDICTS[name] for name in RESETS)
    assert tree[("Retransmissions by cause",)] == 0


def test_two_trees_do_not_disturb_each_other(tshark, view, joined):
    text = "tcp.flags.reset == 1"
    both = tshark(["-q", "-z", "tcplife,tree", "-z", f"tcplife,tree,{text}"], joined).stdout
    alone = view("tcplife,tree", joined), view(f"tcplife,tree,{text}", joined)
    # tshark draws the listener first that came last.
    assert both == alone[1] + alone[0]


def test_tree_has_rates(view, sandbox):
    """Two SYNs within 2 s: 0.0010 in a ms."""
    path = write_pcap(sandbox.new_path(".pcap"), [Talk().frame(0, SYN, 0)] * 2, [0, 2])
    line = next(line for line in view("tcplife,tree", path).splitlines() if "Handshake" in line)
    assert line.split()[:3] == ["Handshake", "2", "0.0010"]


# ---- one pass and two ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["tcplife,tree", "tcplife,servers", "flow,tcplife,standard", "conv,tcplife"])
def test_one_pass_equals_two(argument, view, joined):
    once, twice = view(argument, joined), view(argument, joined, "-2")
    if argument == "conv,tcplife":  # Wireshark does not order conversations of equal length
        once, twice = sorted(once.splitlines()), sorted(twice.splitlines())
    assert once == twice


@pytest.mark.parametrize("passes", [(), ("-2",)])
@pytest.mark.parametrize("silence_s, word, column", [(1, "pending", "Other"), (300, "unanswered", "Unanswered")])
def test_silence_until_the_end_of_the_capture(silence_s, word, column, passes, view, sandbox):
    """The last frame is not TCP, so no TCP header tells the views that time went on."""
    last = ethernet(ipv4("10.0.0.1", "10.0.0.9", udp((1000, 2000), b"x"), protocol=17))
    path = write_pcap(sandbox.new_path(".pcap"), [Talk().frame(0, SYN, 0), last], [0, silence_s])
    tree = tree_of(view("tcplife,tree", path, *passes))
    assert branch(tree, "Connections by outcome of the handshake") == {word: 1}
    assert servers_of(view("tcplife,servers", path, *passes))["10.0.0.2:80"][column] == 1


def test_capture_that_goes_on_in_another_file(sandbox, joined):
    """tshark -b forgets the connections with each file. Those that go on are new ones in the next; no segment is lost."""
    arguments = ["tcplife,tree", "tcplife,servers", "tcplife,csv"]
    taps = [word for argument in arguments for word in ("-z", argument)]
    ring = ["tshark", "-n", "-q", "-i", "-", "-b", "packets:100", "-w", sandbox.home / "ring.pcap", *taps]
    result = sandbox.run(["sh", "-c", 'pipe=$1; shift; cat "$pipe" | "$@"', "sh", joined, *ring])
    if "Permission denied" in result.stderr or "Couldn't run" in result.stderr:
        pytest.skip("dumpcap is not for this user")
    assert result.returncode == 0, result.stderr
    tree = tree_of(result.stdout)
    assert tree[("Segments by phase",)] == sum(len(lives_of(name)) for name in lives())
    whole = sum(manifest_values("handshake.outcome").values())
    began = tree[("Connections by outcome of the handshake",)]
    assert whole < began <= whole + 2  # 271 frames are three files
    assert re.search(rf"^all +{began} ", result.stdout, re.M)
    assert len(re.findall(r"^\d+,", result.stdout, re.M)) == began
    assert result.stdout.count("conn,incarnation,") == 1


# ---- servers ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def attack(sandbox):
    """A SYN flood on 10.0.0.2:80, a scan of 10.0.0.3, and a little ordinary traffic, with an hour of silence after it."""
    frames, times = [], []

    def add(time_s, more):
        frames.extend(more)
        times.extend(time_s + i / 1000 for i in range(len(more)))

    for i in range(30):  # 20 within the second that begins at 0 s, 10 within the next; two of a client
        talk = Talk(client=f"10.1.0.{max(i, 1)}", ports=(1000 + i, 80))
        add(i / 20, attempt(talk, SYNACK))
    for port in (21, 22, 23):  # refused: RFC 9293 3.10.7.1
        add(2, attempt(Talk(server="10.0.0.3", ports=(50000, port)), (1, RST | ACK, -5000, 1)))
    add(3, attempt(Talk(server="10.0.0.3", ports=(50001, 443)), SYNACK, (0, RST, 1)))  # a half-open scan that found something
    # The answer to an ACK that the listener does not take: no ACK flag, the number acknowledged (RFC 9293 3.10.7.1).
    add(4, attempt(Talk(server="10.0.0.3", ports=(50002, 443)), SYNACK, ACK_3, (1, RST, 1)))
    add(5, attempt(Talk(server="10.0.0.3", ports=(50003, 25))))
    add(6, Talk(ports=(50004, 80)).conversation())
    add(3600, Talk(ports=(50005, 80)).conversation())
    return write_pcap(sandbox.new_path(".pcap"), frames, times)


def test_servers_at_a_glance(view, attack):
    rows = servers_of(view("tcplife,servers", attack))
    flooded = rows["10.0.0.2:80"]
    # 29 clients that flood (10.1.0.1 twice) and 10.0.0.1.
    assert (flooded["Connections"], flooded["Clients"]) == (32, 30)
    assert (flooded["Half-open"], flooded["Complete"]) == (30, 2)
    for port in (21, 22, 23):
        assert (rows[f"10.0.0.3:{port}"]["Refused"], rows[f"10.0.0.3:{port}"]["Connections"]) == (1, 1)
    assert (rows["10.0.0.3:443"]["Client RST"], rows["10.0.0.3:443"]["Server RST"]) == (1, 1)
    assert rows["10.0.0.3:25"]["Unanswered"] == 1
    assert len(rows) == 7  # those and the sum


def test_servers_begun_within_a_second(view, attack, sandbox):
    assert servers_of(view("tcplife,servers", attack))["10.0.0.2:80"]["Most/s"] == 20
    frames = [Talk(ports=(1000 + i, 80)).frame(0, SYN, 0) for i in range(4)]
    split = write_pcap(sandbox.new_path(".pcap"), frames, [0, 0.9, 1.0, 1.9])  # two in each second
    assert servers_of(view("tcplife,servers", split))["10.0.0.2:80"]["Most/s"] == 2


def test_servers_sum(view, attack, joined):
    for capture in (attack, joined):
        rows = servers_of(view("tcplife,servers", capture))
        total = rows.pop("all")
        for column in total.keys() - {"Clients", "Most/s"}:
            assert total[column] == sum(row[column] for row in rows.values()), column
        fates = total.keys() - {"Connections", "Clients", "Most/s"}
        assert total["Connections"] == sum(total[column] for column in fates)
    assert servers_of(view("tcplife,servers", attack))["all"]["Clients"] == 30


def test_servers_times(view, attack):
    rows = {row["Server"]: row for row in table_of(view("tcplife,servers", attack))}
    # The second attempt on port 443 began 1 s after the first, and its fourth segment came 3 ms later.
    assert (rows["10.0.0.3:443"]["First"], rows["10.0.0.3:443"]["Last"]) == ("3.000000", "4.003000")
    assert (rows["10.0.0.2:80"]["First"], rows["10.0.0.2:80"]["Last"]) == ("0.000000", "3600.007000")


def test_servers_order(view, attack):
    """Most failures first, then most connections, then by name; the sum last."""
    names = [row["Server"] for row in table_of(view("tcplife,servers", attack))]
    singles = [f"10.0.0.3:{port}" for port in (21, 22, 23, 25)]
    assert names == ["10.0.0.2:80", "10.0.0.3:443", *singles, "all"]


def test_servers_behind_a_filter(view, attack):
    rows = servers_of(view("tcplife,servers,tcp.flags.reset == 1", attack))
    assert set(rows) == {"10.0.0.3:21", "10.0.0.3:22", "10.0.0.3:23", "10.0.0.3:443", "all"}
    assert rows["all"]["Connections"] == 5


def test_servers_of_the_captures(view, joined):
    """All captures have one server, over IPv4 but for one; after a simultaneous open neither end is a server."""
    rows = servers_of(view("tcplife,servers", joined))
    outcomes = manifest_values("handshake.outcome")
    assert set(rows) == {"192.168.1.123:7788", "[fd00:7c::123]:7788", "(no server)", "all"}
    assert rows["(no server)"]["Connections"] == outcomes["simultaneous"] == 1
    assert rows["[fd00:7c::123]:7788"]["Complete"] == 1
    total = rows["all"]
    assert total["Complete"] == outcomes["complete"] + outcomes["simultaneous"]
    assert [total[name] for name in ("Refused", "Unanswered", "Unreachable")] == [1, 1, 1]


def test_no_tcp(view, sandbox):
    frame = ethernet(ipv4("10.0.0.1", "10.0.0.9", udp((1000, 2000), b"x"), protocol=17))
    path = write_pcap(sandbox.new_path(".pcap"), [frame])
    (total,) = table_of(view("tcplife,servers", path))
    assert (total["Connections"], total["First"], total["Last"]) == ("0", "-", "-")
    assert set(tree_of(view("tcplife,tree", path)).values()) == {0}


# ---- wrong arguments -------------------------------------------------------------------------------------------------

WRONG = [
    ("tcplife,bogus", "tcplife,bogus"),
    ("tcplife", "tcplife"),
    ("tcplife,treehouse", '"-z tcplife,treehouse"'),
    ("tcplife,serversx", '"-z tcplife,serversx"'),
    ("tcplife,tree,foo bar", '"foo bar"'),
    ("tcplife,servers,tcp.flags.reset ==", '"tcp.flags.reset =="'),
    ("tcplife,connections", "in tshark use -z tcplife,conn"),
    ("tcplife,server-table", "in tshark use -z tcplife,servers"),
    ("flow,tcplife,sideways", "Invalid address type"),
    ("flow,tcplife,standard,foo bar", " tap"),  # "Error registering tap listener"; 4.6 names the tap and the filter
]


@pytest.mark.parametrize("argument, message", WRONG)
def test_wrong_argument(argument, message, tshark, captures):
    result = tshark(["-q", "-z", argument], captures / "refused.pcap")
    assert result.returncode != 0
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("argument", ["tcplife,tree", "tcplife,servers"])
def test_output_that_was_cut_short_is_an_error(argument, sandbox, captures):
    capture = sandbox.readable(captures / "refused.pcap")
    result = sandbox.run(["sh", "-c", 'exec tshark -n -q -r "$1" -z "$2" > /dev/full', "sh", capture, argument])
    assert result.returncode != 0
    assert "cannot write" in result.stderr


@pytest.mark.parametrize("argument", ["tcplife,tree", "tcplife,servers"])
def test_empty_filter_is_no_filter(argument, view, captures):
    assert view(argument + ",", captures / "refused.pcap") == view(argument, captures / "refused.pcap")


# ---- flow graph ------------------------------------------------------------------------------------------------------


def arrows_of(text):
    """(label on the arrow, what stands beside it) of each arrow of a graph of one connection."""
    lines = text.splitlines()[2:]
    assert len(lines) % 2 == 0 and all("----" in arrow for arrow in lines[1::2])
    return [(row[20:40].strip(" |"), row[51:]) for row in lines[::2]]


# States by RFC 9293 figures 6 and 12: what each segment means for the end that sends it and the end that receives it; the close
# takes three segments because the listening nc closes on the FIN (MANIFEST.tsv).
LADDER = """\
SYN 1/3              client SYN-SENT, server LISTEN; frame 1, Handshake
SYN-ACK 2/3          client SYN-SENT -> ESTABLISHED, server LISTEN -> SYN-RECEIVED; frame 2, Handshake
ACK 3/3              server SYN-RECEIVED -> ESTABLISHED; frame 3, Handshake
10 bytes             frame 4, Established
ACK                  frame 5, Established
6 bytes              frame 6, Established
ACK                  frame 7, Established
FIN 1                client ESTABLISHED -> FIN-WAIT-1, server ESTABLISHED -> CLOSE-WAIT; frame 8, Teardown
FIN 2 with ACK of FI client FIN-WAIT-1 -> FIN-WAIT-2 -> TIME-WAIT, server CLOSE-WAIT -> LAST-ACK; FIN 2 with ACK of FIN 1; frame 9, Teardown
ACK of FIN 2         server LAST-ACK -> CLOSED; frame 10, Teardown
"""


def ladder_of(arrows):
    return "".join(f"{label:<20} {comment}\n" for label, comment in arrows)


@pytest.mark.parametrize("addresses", ["standard", "network"])
def test_flow_is_a_ladder(addresses, view, captures):
    assert ladder_of(arrows_of(view(f"flow,tcplife,{addresses}", captures / "nc-three-segment-close.pcap"))) == LADDER


def test_flow_reason_of_a_reset(view, captures):
    """RFC 9293 3.10.7.1: the SYN in frame 1 met no listener; no connection is left at either end."""
    syn, reset = arrows_of(view("flow,tcplife,standard", captures / "refused.pcap"))
    assert reset[0] == "RST: refused"
    assert reset[1] == (
        "client SYN-SENT -> CLOSED, server LISTEN -> CLOSED; "
        "why: Nothing listens there, or a firewall says so (likely, see frame 1); frame 2, Handshake"
    )


def test_flow_reason_of_a_retransmission(view, captures):
    """MANIFEST.tsv: the first SYN-ACK was lost. Frame 3 shows that the client never got it, frame 4 answers frame 3."""
    arrows = arrows_of(view("flow,tcplife,standard", captures / "synack-lost.pcap"))
    assert arrows[2] == (
        "SYN again",
        "client not ESTABLISHED but SYN-SENT; why: The SYN was not answered in time, or the client tries again after a refusal (certain, see frame 1); frame 3, Handshake",
    )
    assert arrows[3] == (
        "SYN-ACK again",
        "client SYN-SENT -> ESTABLISHED; "
        "why: A repeated SYN was captured since the last SYN-ACK (certain, see frame 2); frame 4, Handshake",
    )


def test_flow_of_peers_names_addresses(view, captures):
    """Neither is the client after a simultaneous open (RFC 9293 figure 8)."""
    text = view("flow,tcplife,standard", captures / "simultaneous-open.pcap")
    assert "192.168.1.116:40001 SYN-SENT -> SYN-RECEIVED" in text
    assert "server" not in text.split("crossing SYN", 1)[1]


def test_flow_comments_end_with_frame_and_phase(view, joined):
    rows = re.findall(r"frame (\d+), ([A-Z][a-z]+(?: [a-z]+)*)$", view("flow,tcplife,standard", joined), re.M)
    in_order = sorted(lives(), key=lambda name: name + ".pcap")  # as the files were joined
    phases = [PHASES[line[1]] for name in in_order for line in lives_of(name)]
    assert [phase for _, phase in rows] == phases
    frames = [int(frame) for frame, _ in rows]
    assert frames == sorted(set(frames))


@pytest.mark.parametrize("hosts", [HOSTS_MAX, HOSTS_MAX + 1])
def test_flow_of_many_hosts(hosts, tshark, sandbox):
    """Wireshark draws 40 hosts and spoils the arrows of others: those are left out, and the graph says so."""
    frames = [Talk(client=f"10.1.0.{i}").frame(0, SYN, 0) for i in range(1, hosts)]
    path = write_pcap(sandbox.new_path(".pcap"), [*frames, frames[0]])
    result = tshark(["-q", "-z", "flow,tcplife,standard"], path)
    assert (result.returncode, "CRITICAL" in result.stderr) == (0, False), result.stderr
    shown = re.findall(r"frame (\d+), Handshake\b", result.stdout)
    missing = [] if hosts == HOSTS_MAX else [HOSTS_MAX]
    assert [int(frame) for frame in shown] == [frame for frame in range(1, hosts + 1) if frame not in missing]
    assert ("left out" in result.stdout) == bool(missing)


def test_flow_behind_a_filter(view, captures):
    arrows = arrows_of(view("flow,tcplife,standard,tcp.flags.fin == 1", captures / "nc-three-segment-close.pcap"))
    assert [label for label, _ in arrows] == ["FIN 1", "FIN 2 with ACK of FI"]


# ---- conversations ---------------------------------------------------------------------------------------------------


def test_conversations_tell_reuse_of_the_ports(view, captures):
    """Two connections of ten frames each on the same ports (MANIFEST.tsv)."""
    text = view("conv,tcplife", captures / "time-wait-reuse-server.pcap")
    rows = [line.split() for line in text.splitlines() if "<->" in line]
    assert [(row[0], row[2]) for row in rows] == [("192.168.1.116:40002", "192.168.1.123:7788")] * 2
    assert [int(row[9]) for row in rows] == [10, 10]


def test_endpoints(view, captures):
    text = view("endpoints,tcplife", captures / "time-wait-reuse-server.pcap")
    rows = [line.split()[:3] for line in text.splitlines() if line.startswith("192.")]
    assert rows == [["192.168.1.116", "40002", "20"], ["192.168.1.123", "7788", "20"]]


# ---- a tunnel --------------------------------------------------------------------------------------------------------


def test_addresses_are_those_beside_the_tcp_header(view, sandbox):
    """IP in IP."""
    talk = Talk(client="10.9.0.1", server="10.9.0.2")
    frames = [ethernet(ipv4("172.16.0.1", "172.16.0.2", packet, protocol=4)) for packet in talk.conversation(talk.ip)]
    path = write_pcap(sandbox.new_path(".pcap"), frames)
    assert set(servers_of(view("tcplife,servers", path))) == {"10.9.0.2:80", "all"}
    assert "172.16" not in view("flow,tcplife,standard", path)
    assert "10.9.0.1:40000" in view("conv,tcplife", path)


# ---- sharkd: the tables behind the windows ---------------------------------------------------------------------------


def test_sharkd_tree(sharkd, view, joined):
    (answer,) = sharkd(joined, ("tap", {"tap0": "stat:tcplife"}))
    (tap,) = answer["taps"]

    def leaves(nodes, path=()):
        for node in nodes:
            yield (*path, node["name"]), node["count"]
            yield from leaves(node.get("sub", ()), (*path, node["name"]))

    assert dict(leaves(tap["stats"])) == tree_of(view("tcplife,tree", joined))


def test_sharkd_flow(sharkd, view, captures):
    path = captures / "nc-three-segment-close.pcap"
    (answer,) = sharkd(path, ("tap", {"tap0": "seqa:tcplife"}))
    (tap,) = answer["taps"]
    assert tap["nodes"] == ["192.168.1.116", "192.168.1.123"]
    assert [flow["c"] for flow in tap["flows"]] == [comment for _, comment in arrows_of(view("flow,tcplife,standard", path))]


def rows_of_window(tap):
    """The cells of a table of the Statistics menu, as texts without padding."""
    names = [field["c"] for field in tap["fields"]]
    (table,) = tap["tables"]
    return [dict(zip(names, (str(cell).strip() for cell in row), strict=True)) for row in table["i"]]


def test_window_of_connections(sharkd, view, joined):
    """The window has the cells of -z tcplife,conn, blank where that has "-", and a display filter."""
    (answer,) = sharkd(joined, ("tap", {"tap0": "nstat:tcplife,connections"}))
    rows = rows_of_window(answer["taps"][0])
    filters = [row.pop("Filter") for row in rows]
    expected = table_of(view("tcplife,conn", joined))
    assert rows == [{name: "" if cell == "-" else cell for name, cell in row.items()} for row in expected]
    assert filters == [f"tcplife.conn == {row['Conn']}" for row in rows]


def test_filter_of_a_row_finds_the_connection(sharkd, fields, joined):
    (answer,) = sharkd(joined, ("tap", {"tap0": "nstat:tcplife,connections"}))
    everything = Counter(row["tcplife.conn"] for row in fields(joined, "tcplife.conn") if row["tcplife.conn"])
    for row in rows_of_window(answer["taps"][0])[:3]:
        found = fields(joined, "tcplife.conn", display_filter=row["Filter"])
        assert len(found) == everything[row["Conn"]] == int(row["Seg >"]) + int(row["Seg <"])


def test_window_of_servers(sharkd, view, attack):
    (answer,) = sharkd(attack, ("tap", {"tap0": "nstat:tcplife,server-table"}))
    *expected, _ = table_of(view("tcplife,servers", attack))
    rows = rows_of_window(answer["taps"][0])
    assert sorted(rows, key=lambda row: row["Server"]) == sorted(expected, key=lambda row: row["Server"])


def test_windows_filled_again(sharkd, joined, attack):
    """The same table twice in a session, and after another file was loaded."""
    look = ("tap", {"tap0": "nstat:tcplife,connections"}), ("tap", {"tap0": "nstat:tcplife,server-table"})
    first = sharkd(joined, *look)
    load = ("load", {"file": str(attack)})
    results = sharkd(joined, *look, *look, load, *look)
    assert results[:2] == results[2:4] == first
    assert results[5:] == sharkd(attack, *look)


def test_sharkd_conversations(sharkd, captures):
    (answer,) = sharkd(captures / "time-wait-reuse-server.pcap", ("tap", {"tap0": "conv:TCP Lifecycle"}))
    (tap,) = answer["taps"]
    assert [(row["saddr"], row["rxf"] + row["txf"]) for row in tap["convs"]] == [("192.168.1.116", 10)] * 2
    filters = [row["filter"] for row in tap["convs"]]
    assert [re.findall(r"tcplife\.conn==(\d+)", text) for text in filters] == [["0", "0"], ["1", "1"]]


def test_views_are_listed(sharkd, captures):
    (info,) = sharkd(captures / "refused.pcap", "info")
    assert {"stat:tcplife", "seqa:tcplife", "nstat:tcplife,connections", "nstat:tcplife,server-table"} <= set(
        re.findall(r"(?:stat|seqa|nstat):tcplife[a-z,-]*", json.dumps(info))
    )
