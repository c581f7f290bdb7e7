# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts, each with a TCP of its own kind, and all plays at once between them."""

import os
import sys
import threading
import time
import traceback

from ends import LinuxEnd, StackEnd
from link import Capture, StackForwarder
from netlab import ADDRESS, HOSTS, Lab, Namespace, configure
from plays import Talk
from trial import port_number

OPTIONS = {"lwip": ("lwip",), "lwipfull": ("lwipfull",), "slirp": ("slirp",),
           "gvisor": ("gvisor",), "gvisorplain": ("gvisor", "nosack")}
APART = 0.12            # seconds between the starts of plays
LONGEST = 120           # seconds for all plays
# Small buffers between libslirp and its applications, so that a window closes soon.
LOOPBACK = {"net.ipv4.tcp_wmem": "4096 16384 16384", "net.ipv4.tcp_rmem": "4096 16384 16384"}


class StackLab(Lab):
    """A Lab whose hosts have the given kinds of TCP.

    kinds     (client's, server's): "linux" or a key of OPTIONS
    programs  folder of what `build` made;  captures  {host: path of its capture}
    """

    def __init__(self, kinds, family, delay, seed, programs, captures):
        super().__init__("tap", family, delay)
        self.kinds = dict(zip(HOSTS, kinds))
        self.ends, self.talks, self.failures = {}, {}, []
        self._seed, self.programs, self._paths = seed, programs, captures
        self._captures = {}

    def _build(self):
        """Namespaces, ends, link."""
        for number, host in enumerate(HOSTS):
            namespace = self.namespaces[host] = Namespace()
            own, peer = (ADDRESS[self.family][h] for h in (host, HOSTS[1 - number]))
            if self.kinds[host] == "linux":
                self._taps[host] = namespace.make_tap()
                configure(namespace, host, self.family)
                self.ends[host] = LinuxEnd(namespace, own)
                continue
            for name, value in LOOPBACK.items():
                namespace.sysctl(name, value)
            namespace.ip("link set lo up\n")
            program, *more = OPTIONS[self.kinds[host]]
            self.ends[host] = StackEnd(self.kinds[host], [os.path.join(self.programs, program),
                                                          *more], namespace, (own, peer),
                                       self._seed + number)
            self._taps[host] = self.ends[host].link.fileno()
        self._start_forwarder()

    def _start_forwarder(self):
        self._captures = {host: Capture(self._paths[host]) for host in HOSTS}
        self.forwarder = StackForwarder(self._taps, self._delay, (self._rule,), self.ends,
                                        self._captures)
        self.forwarder.start()

    def _rule(self, sender, segment):
        """The link's rule: that of the connection."""
        talk = self.talks.get(port_number(segment))
        return talk.rule(sender, segment) if talk and talk.rule else None

    def play(self, plays):
        """Play everything, each several times and with each actor; failures are kept, not raised."""
        threads = []
        jobs = [(play, actor) for play in plays for actor in play.actors
                for _ in range(play.times)]
        for number, (play, actor) in enumerate(jobs):
            talk = self.talks[number] = Talk(self, number, actor, self._seed)
            talk.play_name = play.name
            threads.append(threading.Thread(target=self._guarded, args=(play, talk), daemon=True))
            threads[-1].start()
            time.sleep(APART)
        end = time.monotonic() + LONGEST
        for thread in threads:
            thread.join(max(0.1, end - time.monotonic()))

    def _guarded(self, play, talk):
        try:
            play.play(talk)
        except Exception as error:          # a play that fails still has a truth
            self.failures.append(f"{play.name}, {talk.actor} acts: {error}")
            if os.environ.get("TCPLIFE_LAB_TRACE"):
                traceback.print_exc(file=sys.stderr)

    def stop(self):
        """Stop the link, so that captures and trips are final."""
        self.forwarder.close()
        for capture in self._captures.values():
            capture.close()

    def close(self):
        """As in Lab; and the ends."""
        if self.forwarder is not None and self.forwarder.is_alive():
            self.forwarder.close()
        for host, end in self.ends.items():
            end.close()
            if end.kind != "linux":
                self._taps.pop(host, None)
        super().close()
