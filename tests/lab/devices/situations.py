# SPDX-License-Identifier: GPL-2.0-or-later
"""What befalls a connection, in a word; when a capture can show it; what a program must say then.

`shows(view)` looks at one capture's packets (truth.View) and says whether the situation left
anything there that could be found.  `found` lists field=value pairs of which one is enough, `also`
such as are enough but say less, so that they are not wrong elsewhere; `may` are words of other
situations that would not be wrong either.
"""

from dataclasses import dataclass
from typing import Callable

SILENCE_S = 25          # shorter timeouts are not called idle timeouts
SPOILED_LEAST = 3       # segments with spoiled SACK blocks that a finding needs


def by_device(view):
    """A device's reset was captured."""
    return any(reset["origin"] == "path" for reset in view.resets)


def always(view):
    """Each connection of which anything was captured."""
    return view.frames > 0


def never(_):
    """Not to be found: nothing is wrong, or no capture tells it."""
    return False


@dataclass(frozen=True)
class Situation:
    """One word; see the module's text.  `fault`: to say so of a healthy connection is false."""

    means: str
    shows: Callable
    found: tuple = ()
    may: tuple = ()
    also: tuple = ()
    fault: bool = True


# Words for a reset by a device in mid-connection are near each other: which of them a capture can
# tell apart is scored as the cause of the reset, not here.
CUT = ("tcplife.finding=reset_by_path", "tcplife.verdict=injected", "tcplife.verdict=cut")

SITUATIONS = {
    "none": Situation("nothing that a device or a queue did", never, fault=False),
    "refused": Situation("a device refuses the SYN", by_device,
                         ("tcplife.verdict=refused", "tcplife.finding=refused", *CUT),
                         ("policy", "state_lost", "invalid"), fault=False),
    "no_answer": Situation("a device drops the SYN", lambda view: view.syns >= 2,
                           ("tcplife.verdict=unanswered", "tcplife.finding=no_answer"),
                           fault=False),
    "policy": Situation("a device resets an open connection", by_device,
                        ("tcplife.rst.cause=device_policy", *CUT),
                        ("state_lost", "invalid")),
    "idle_timeout": Situation(
        "a device forgot the connection while it was silent",
        lambda view: view.silence >= SILENCE_S and (by_device(view) or view.swallowed > 0),
        ("tcplife.finding=idle_cut", "tcplife.rst.cause=device_idle"),
        ("policy", "state_lost", "invalid")),
    "state_lost": Situation("a device lost its entry of a connection in use", by_device,
                            ("tcplife.rst.cause=device_state", *CUT), ("policy", "invalid"),
                            ("tcplife.finding=state_lost", "tcplife.verdict=state_lost")),
    "invalid": Situation("a device takes a late segment for an invalid one", by_device,
                         ("tcplife.rst.cause=device_state", *CUT), ("policy", "state_lost")),
    "black_hole": Situation("segments above a size are swallowed in silence",
                            lambda view: view.swallowed > 0,
                            ("tcplife.path_mtu=black_hole", "tcplife.finding=mtu_black_hole")),
    "sack_blanked": Situation("a device blanks SACK blocks",
                              lambda view: view.blanked >= SPOILED_LEAST,
                              ("tcplife.sack_fault=blanked", "tcplife.finding=sack_broken",
                               "tcplife.finding=options_stripped"),
                              ("sack_renumbered",)),
    "sack_renumbered": Situation("SACK blocks keep numbers that a device changed",
                                 lambda view: view.alien >= SPOILED_LEAST,
                                 ("tcplife.sack_fault=renumbered", "tcplife.finding=sack_broken"),
                                 ("sack_blanked",)),
    "accept_queue_full": Situation("the server ignores the ACK of the handshake: no room",
                                   lambda view: view.ignored_acks > 0,
                                   ("tcplife.finding=queue_full",),
                                   also=("tcplife.handshake.synack_why=ack_not_taken",
                                         "tcplife.open_failure=ack_not_taken")),
    "overflow_abort": Situation("no room, and the server resets", never, (),
                                ("accept_queue_full",), fault=False),
    "defer_accept": Situation("the server waits for data before it completes", never, fault=False),
    "health_check": Situation("a load balancer asks whether the port is open", always,
                              ("tcplife.finding=health_check",),
                              also=("tcplife.verdict=checked",)),
}
