# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices on the path that reset, forget, swallow and rewrite; and two queues of the server."""

import socket
import threading
import time

from devices.boxes import (MODES, Balancer, IdleTable, Injector, Renumbered, SackBlanked, SmallPipe,
                           Straggler, StrictWindow)
from devices.trial import HTTP, TLS, Trial, quietly, receive, reset
from devices.trials_end import CALM_S, keep_alive, syn_proxy
from packets import RST

TCP_DEFER_ACCEPT = socket.TCP_DEFER_ACCEPT
CONNTRACK = {"conntrack": "conntrack"}
# Half a minute is about the shortest idle timeout that devices in the field are set to.
IDLE_S = (25.5, 30.0)


def reject_rule(match):
    """An nftables rule of a router that answers by a reset."""
    return ("table inet f { chain c { type filter hook forward priority 0; "
            f"{match} reject with tcp reset; }} }}")


def same_ttl(play, node):
    """The router's own TTL so that, at the client, it looks like the server's."""
    if node == "r2":
        play.sysctl("r2", "net.ipv4.ip_default_ttl", 63 - play.shape.hops[2])


def reject_new(play, node, equal=False):
    """A router refuses new connections to some ports."""
    if equal:
        same_ttl(play, node)
    play.path.nft(node, reject_rule("tcp dport 22-25"))
    listener, _ = play.listen(), play.listen(22)
    client, server = play.pair(listener)
    play.talk(client, server, 2)
    for port in (22, 23, 24):
        play.try_connect(port, situation="refused")
    play.finish(client, server)


def drop_new(play):
    """A router drops new connections without a word."""
    play.path.nft("r1", "table inet f { chain c { type filter hook forward priority 0; "
                        "tcp dport 22-25 drop; } }")
    listener, _ = play.listen(), play.listen(22)
    client, server = play.pair(listener)
    play.talk(client, server, 2)
    threads = [play.background(play.try_connect, port, None, "no_answer", 4)
               for port in (22, 23, 24)]
    for thread in threads:
        thread.join()
    play.finish(client, server)


def reject_open(play, node, to="server", equal=False, streaming=False):
    """A policy begins while connections are open: what goes `to` an end is rejected."""
    if equal:
        same_ttl(play, node)
    listener = play.listen()
    for number in range(5):
        client, server = play.pair(listener, situation="policy")
        client.settimeout(2)
        play.talk(client, server, play.some())
        if streaming:
            play.background(client.sendall, b"q" * 100000)
            receive(server, 5000 + 5000 * number)
        time.sleep(0 if streaming else 0.08)
        play.path.nft(node, reject_rule(f"{play.ip} daddr {play.address[to]} tcp flags & rst == 0"))
        one, other = (client, server) if to == "server" else (server, client)
        quietly(one.sendall, b"q" * 400)
        time.sleep(2 * CALM_S)
        play.path.command(node, "nft", "delete", "table", "inet", "f")
        if number % 2:
            quietly(other.sendall, b"r" * 200)      # who knows nothing goes on
            time.sleep(CALM_S)
        client.close()
        server.close()
        time.sleep(CALM_S)


def injected(play, mode, wire=1, inline=False):
    """An injector that looks for a word."""
    play.path.attach(wire, Injector(play.chance, mode, inline))
    listener = play.listen(TLS)
    for number in range(4):
        if mode.startswith("syn"):
            play.try_connect(TLS, situation="refused", wait=0.6)
            continue
        client, server = play.pair(listener, situation="policy")
        play.talk(client, server, play.some())
        quietly(client.sendall, b"GET /BAD" + b"q" * 300)
        time.sleep(CALM_S)
        if number % 2:
            quietly(server.sendall, b"r" * 2500)
        time.sleep(CALM_S)
        quietly(server.sendall, b"late" * 50)
        time.sleep(CALM_S)
        client.close()
        server.close()


def idle(play, begin):
    """Connections that talk and are then silent until the device has forgotten them.

    `begin(seconds)` sets the device's timeout.  The sockets then go on, from either end.
    """
    timeout = play.chance.uniform(*IDLE_S)
    begin(timeout)
    listener = play.listen(TLS)
    pairs = [play.pair(listener, situation="idle_timeout") for _ in range(6)]
    for number, (client, server) in enumerate(pairs):
        play.talk(client, server, (1, 2, 3, 0, 4, 1)[number])
    time.sleep(timeout + play.chance.uniform(2.5, 6))
    for number, (client, server) in enumerate(pairs):
        quietly((server if number == 4 else client).sendall, b"q" * 300)
        time.sleep(CALM_S)
    time.sleep(3)


def idle_conntrack(play, node, verdict):
    """A stateful packet filter forgets an idle connection, then rejects or drops its segments."""
    def begin(seconds):
        play.path.nft(node, "table inet f { chain c { type filter hook forward priority 0; "
                            "ct state established,related accept; "
                            "tcp flags & (syn|ack) == syn accept; "
                            f"tcp flags & rst == rst drop; meta l4proto tcp {verdict}; }} }}")
        play.sysctl(node, "net.netfilter.nf_conntrack_tcp_loose", 0)
        play.sysctl(node, "net.netfilter.nf_conntrack_tcp_timeout_established", int(seconds))

    idle(play, begin)


def idle_table(play, how, **values):
    """A load balancer forgets an idle connection."""
    idle(play, lambda seconds: play.path.attach(1, IdleTable(seconds, how, **values)))


def idle_keepalive(play):
    """Keep-alives come too late: the device has forgotten, their sender gives up."""
    timeout = play.chance.uniform(*IDLE_S)
    play.path.attach(1, IdleTable(timeout, "drop"))
    listener = play.listen(TLS)
    pairs = [play.pair(listener, situation="idle_timeout") for _ in range(4)]
    for client, server in pairs:
        play.talk(client, server, 1 + play.some())
        keep_alive(client, int(timeout) + 3, 1, 3)
    time.sleep(timeout + 8)


def masquerade(play):
    """r1 translates the client's address to its own."""
    play.path.nft("r1", "table ip n { chain p { type nat hook postrouting priority 100; "
                        "oifname \"b0\" masquerade; } }")
    play.owners[play.path.address["b0"]] = "client"


def nat_forgets(play):
    """A translation is deleted in mid-connection: the server's data meet the router itself."""
    masquerade(play)
    listener = play.listen()
    for _ in range(4):
        client, server = play.pair(listener, situation="state_lost")
        play.talk(client, server, 1 + play.some())
        time.sleep(CALM_S)
        play.path.command("r1", "conntrack", "-D", "-p", "tcp")
        quietly(server.sendall, b"r" * 900)
        time.sleep(2 * CALM_S)
        client.close()
        time.sleep(CALM_S)
        server.close()


def late_segment(play):
    """One segment comes once more, long after: a strict firewall calls it invalid and rejects it.

    Linux 6.18's connection tracking lets such a segment pass, so this firewall is in user space.
    """
    play.sysctl("client", "net.ipv4.tcp_rmem", "4096 8192 8192")
    play.path.attach(2, Straggler(4, 1.2))
    play.path.attach(1, StrictWindow(8192))
    listener = play.listen()
    for _ in range(4):
        client, server = play.pair(listener, situation="invalid")
        play.talk(client, server, 1)
        play.background(server.sendall, b"r" * 60000)
        play.background(receive, client, 60000)
        time.sleep(2.2)
        quietly(server.sendall, b"r" * 400)
        time.sleep(CALM_S)
        client.close()
        server.close()
        time.sleep(CALM_S)


def proxied_closed_port(play):
    """A SYN proxy opens for a server that does not listen: the client's data are lost."""
    syn_proxy(play)
    for _ in range(3):
        client = play.caller()
        quietly(client.connect, (play.address["server"], 81))
        quietly(client.sendall, b"q" * 100)
        time.sleep(1)
        client.close()
        time.sleep(CALM_S)


def black_hole(play, where):
    """Large segments are swallowed in silence; small ones pass."""
    to_server = where.endswith("up")
    if where.startswith("icmp"):
        play.path.nft("r2", "table inet i { chain c { type filter hook output priority 0; "
                            "icmp type destination-unreachable drop; "
                            "icmpv6 type packet-too-big drop; } }")
        play.path.namespaces["r2"].ip("link set a1 mtu 1400\n")
    else:
        play.path.attach(1, SmallPipe(1400, to_server))
    listener = play.listen()
    pairs = [play.pair(listener, situation="black_hole") for _ in range(4)]
    for client, server in pairs:
        client.sendall(b"q" * 300)
        receive(server, 300)
        server.sendall(b"r" * 500)
        receive(client, 500)
        sender = client if to_server else server
        play.background(sender.sendall, b"d" * play.chance.randrange(5000, 20000))
    time.sleep(10)
    for client, server in pairs:
        reset(server if to_server else client)


def probing(play):
    """A black hole that the sender finds: it goes on with smaller segments."""
    play.path.attach(1, SmallPipe(1400, False))
    play.sysctl("server", "net.ipv4.tcp_mtu_probing", 1)
    play.sysctl("server", "net.ipv4.tcp_base_mss", 1024)
    listener = play.listen()
    pairs = [play.pair(listener, situation="black_hole") for _ in range(4)]
    for client, server in pairs:
        play.talk(client, server, 1, most=1000)
        play.background(server.sendall, b"d" * 20000)
        play.background(receive, client, 20000)
    time.sleep(14)
    for client, server in pairs:
        play.finish(client, server)


def rewritten(play, box, situation):
    """Downloads with losses through a device that spoils SACK."""
    play.path.attach(1, box)
    rates = {}

    def lost(wire, segment, right):
        """About 5 % of the data to the client, never a repeated segment: recovery goes on."""
        if wire != 0 or right or not segment.payload or segment.seq in rates:
            return False
        rates[segment.seq] = True
        return play.chance.random() < 0.05

    play.path.losses.append(lost)
    listener = play.listen()
    for _ in range(3):
        client, server = play.pair(listener, situation=situation)
        play.talk(client, server, 1)
        play.background(server.sendall, b"r" * 120000)
        receive(client, 120000)
        play.finish(client, server)


def upload_rewritten(play, box, situation):
    """The same, for uploads: the ACKs with SACK blocks go to the client."""
    play.path.attach(1, box)
    seen = set()

    def lost(wire, segment, right):
        if wire != 2 or not right or not segment.payload or segment.seq in seen:
            return False
        seen.add(segment.seq)
        return play.chance.random() < 0.05

    play.path.losses.append(lost)
    listener = play.listen()
    for _ in range(3):
        client, server = play.pair(listener, situation=situation)
        play.talk(client, server, 1)
        play.background(client.sendall, b"r" * 120000)
        receive(server, 120000)
        play.finish(client, server)


def health_checks(play, node, close):
    """A load balancer asks every other second whether the port is open, beside real clients."""
    listener = play.listen()
    every = play.chance.uniform(1.0, 1.8)
    stop = threading.Event()
    play.background(real_clients, play, listener, stop)
    checked = play.listen(8080)
    for _ in range(8):
        caller = play.caller("health_check", node)
        caller.connect((play.address["server"], 8080))
        server = play.accept(checked)
        if close == "reset":
            reset(caller)
            time.sleep(CALM_S)
            server.close()
        else:
            play.finish(caller, server)
        time.sleep(every)
    stop.set()


def real_clients(play, listener, stop):
    """Requests to another port meanwhile."""
    while not stop.is_set():
        client, server = play.pair(listener)
        play.talk(client, server, 1)
        play.finish(client, server)
        time.sleep(play.chance.uniform(0.3, 2))


def queue_full(play, overflow):
    """More clients than the accept queue holds, while the program does not accept.

    All but three are let in one by one; those three meet one free place, and the ACKs of two of
    them are ignored.  Some clients send at once, some wait for the server.
    """
    play.sysctl("server", "net.ipv4.tcp_abort_on_overflow", int(overflow))
    backlog, situation = 4, "overflow_abort" if overflow else "accept_queue_full"
    listeners = [play.listen(port, backlog=backlog) for port in (80, 81, 82)]
    late = []
    for listener in listeners:
        to = (play.address["server"], listener.getsockname()[1])
        for _ in range(backlog):
            play.caller().connect(to)
        callers = [play.caller(situation) for _ in range(3)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(to)
        late += callers
    time.sleep(0.5)
    for caller in late[::2]:
        quietly(caller.send, b"q" * 200)
    time.sleep(play.chance.uniform(4, 6))
    for listener in listeners:
        listener.settimeout(1.5)
        for _ in range(backlog + 3):
            server = quietly(play.accept, listener)
            if server is not None:
                quietly(server.sendall, b"r" * 100)
    time.sleep(3)
    for caller in late:
        caller.close()


def queue_cookies(play):
    """A backlog of one: SYN cookies, so that nothing is sent again after the ignored ACK."""
    play.listen(backlog=1)
    callers = [play.caller("accept_queue_full") for _ in range(6)]
    for caller in callers:
        caller.setblocking(False)
        caller.connect_ex((play.address["server"], HTTP))
    time.sleep(0.5)
    for caller in callers:
        quietly(caller.send, b"q" * 200)
    time.sleep(4)


def defer_accept(play):
    """A server that wants data first looks at the ACK and says nothing, or repeats its SYN-ACK."""
    callers = []
    for port, seconds in ((80, 2), (81, 8)):
        listener = play.listen(port)
        listener.setsockopt(socket.IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds)
        for wait in (0.3, 1.5, 2.5, 4, 6, 8):
            caller = play.caller("defer_accept")
            caller.connect((play.address["server"], port))
            callers.append((wait, caller, listener))
    began = time.monotonic()
    for wait, caller, listener in sorted(callers, key=lambda one: one[0]):
        time.sleep(max(0.0, began + wait - time.monotonic()))
        caller.sendall(b"q" * 200)
        play.background(answer, play, listener)
    time.sleep(1.5)
    for _, caller, _ in callers:
        caller.close()


def answer(play, listener):
    """Accept one connection, answer it, close."""
    server = play.accept(listener)
    receive(server, 200)
    server.sendall(b"r" * 300)
    quietly(server.recv, 10)
    server.close()


def _many():
    """Trials that differ in one word."""
    for node in ("r1", "r2"):
        yield Trial(f"dev_reject_new_{node}", lambda p, n=node: reject_new(p, n),
                    f"{node} refuses new connections", least=3)
        yield Trial(f"dev_reject_open_{node}", lambda p, n=node: reject_open(p, n),
                    f"{node} rejects open connections", least=5)
        yield Trial(f"dev_reject_stream_{node}",
                    lambda p, n=node: reject_open(p, n, streaming=True),
                    f"{node} rejects in the middle of an upload", least=5)
        yield Trial(f"dev_idle_reset_{node}",
                    lambda p, n=node: idle_conntrack(p, n, "reject with tcp reset"),
                    f"connection tracking on {node} forgets, then rejects", least=6)
        yield Trial(f"dev_idle_drop_{node}", lambda p, n=node: idle_conntrack(p, n, "drop"),
                    f"connection tracking on {node} forgets, then drops", least=5)
    for mode in MODES:
        yield Trial(f"dev_injected_{mode}", lambda p, m=mode: injected(p, m),
                    f"an injector in the middle: {mode}", least=4)
    for where in ("icmp_down", "box_down", "box_up"):
        yield Trial(f"dev_black_hole_{where}", lambda p, w=where: black_hole(p, w),
                    "large segments are swallowed in silence", least=4)
    for node, close in (("client", "reset"), ("client", "fin"), ("r2", "reset"), ("r2", "fin")):
        yield Trial(f"dev_health_{node}_{close}",
                    lambda p, n=node, c=close: health_checks(p, n, c),
                    f"health checks from {node} that end by {close}", least=8)


def _six():
    """Some of them over IPv6: a hop limit, but no identification of packets."""
    for name, play, least in (
            ("reject_new_r1", lambda p: reject_new(p, "r1"), 3),
            ("reject_open_r1", lambda p: reject_open(p, "r1"), 5),
            ("reject_open_r2", lambda p: reject_open(p, "r2"), 5),
            ("idle_reset_r1", lambda p: idle_conntrack(p, "r1", "reject with tcp reset"), 6),
            ("idle_push", lambda p: idle_table(p, "push"), 6),
            ("injected_one255", lambda p: injected(p, "one255"), 4),
            ("injected_both128", lambda p: injected(p, "both128"), 4),
            ("injected_perfect", lambda p: injected(p, "perfect"), 4),
            ("injected_syn", lambda p: injected(p, "syn"), 4),
            ("black_hole_icmp_down", lambda p: black_hole(p, "icmp_down"), 4),
            ("health_client_reset", lambda p: health_checks(p, "client", "reset"), 8),
            ("queue_full", lambda p: queue_full(p, False), 6)):
        yield Trial(f"dev_v6_{name}", play, f"IPv6: {name.replace('_', ' ')}", least=least,
                    family=6)


TRIALS = (
    *_many(),
    Trial("dev_reject_new_equal", lambda p: reject_new(p, "r2", equal=True),
          "r2 refuses with the server's TTL", least=3),
    Trial("dev_reject_open_equal", lambda p: reject_open(p, "r2", equal=True),
          "r2 rejects with the server's TTL", least=5),
    Trial("dev_reject_open_back", lambda p: reject_open(p, "r1", to="client"),
          "r1 rejects what goes to the client", least=5),
    Trial("dev_drop_new", drop_new, "r1 drops new connections", least=3),
    Trial("dev_injected_inline", lambda p: injected(p, "both64", inline=True),
          "a device resets both ends and swallows the rest", least=4),
    Trial("dev_injected_near_server", lambda p: injected(p, "counted", wire=2),
          "an injector beside the server", least=4),
    Trial("dev_injected_perfect_near", lambda p: injected(p, "perfect", wire=2),
          "an injector beside the server that looks like it", least=4),
    Trial("dev_idle_push", lambda p: idle_table(p, "push"),
          "a device resets idle connections both ways, unasked", least=6),
    Trial("dev_idle_reply64", lambda p: idle_table(p, "reply", ttl=64, flags=RST),
          "a device answers the segment after a silence by a bare reset", least=6),
    Trial("dev_idle_reply255", lambda p: idle_table(p, "reply"),
          "a device answers the segment after a silence by a reset", least=6),
    Trial("dev_idle_balancer", lambda p: idle(p, lambda seconds: p.path.attach(
        1, Balancer(seconds, "push", ttl=p.chance.choice((64, 128, 250))))),
          "a load balancer, whose SYN-ACKs are its own, resets idle connections", least=6),
    Trial("dev_idle_keepalive", idle_keepalive, "keep-alives that come after the device's timeout",
          least=4),
    Trial("dev_nat_forgets", nat_forgets, "a translation is lost in mid-connection",
          tools=CONNTRACK, least=3),
    Trial("dev_late_rejected", late_segment, "a firewall rejects a late segment", least=3),
    Trial("dev_syn_proxy_closed", proxied_closed_port, "a SYN proxy before a closed port"),
    Trial("dev_black_hole_probing", probing, "a black hole that the sender gets around", least=4),
    Trial("dev_sack_blanked", lambda p: rewritten(p, SackBlanked(True), "sack_blanked"),
          "a device blanks SACK blocks", least=2),
    Trial("dev_sack_renumbered", lambda p: upload_rewritten(p, Renumbered(p.chance),
                                                            "sack_renumbered"),
          "a device changes sequence numbers but not those in SACK blocks", least=3),
    Trial("dev_queue_full", lambda p: queue_full(p, False), "the accept queue is full", least=6),
    Trial("dev_queue_cookies", queue_cookies, "the accept queue is full, with SYN cookies"),
    Trial("dev_queue_abort", lambda p: queue_full(p, True),
          "the accept queue is full and the server says so by a reset"),
    Trial("dev_defer_accept", defer_accept, "TCP_DEFER_ACCEPT, no fault"),
    *_six(),
)
