# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what tcplife, and Wireshark's own flags, say with what other stacks said of their segments.

Nothing here runs a program: rows of fields come from tests/lab/score or from a test.  Captures and
labels are those of tests/lab/scoring; scored are the segments of the ends that are not Linux.
"""

import bisect
import collections
from dataclasses import dataclass, field

from frames import SYN
from scoring import BASIC, FAMILY, NO_CAUSE, READINGS, cause_right, load_corpus, seconds
from states import shown_as_client

__all__ = ["FAMILIES", "FIELDS", "Tally", "load_corpus", "score_capture"]

FIELDS = tuple(dict.fromkeys(
    BASIC + tuple(name for _, names in READINGS.values() for name in names)
    + ("tcplife.client.state", "tcplife.server.state")))
# What a segment is judged by; the order of the tables.
FAMILIES = ("RST cause", "retransmission cause", "spurious", "window probe", "keep-alive",
            "sent again after a window probe", "FIN again with an ACK", "neither of these", "state")
PLAIN = "neither of these"
VERDICTS = ("right", "unknown", "wrong", "wrong certain")
QUIET = 0.1             # seconds without a segment, after which an end is where it will stay
SETTLED = 0.09          # seconds after a segment within which its effect is told, on a busy machine
NOT_TOLD = ""

REPLIES = {"refused", "refused_bad", "synack_bad_ack", "synack_unsolicited", "synack_rejected",
           "ack_rejected", "half_open_syn", "tw_old_syn", "abort_repeat", "syn_in_window",
           "data_after_close", "after_close", "linger2", "half_open", "half_open_probe",
           "no_connection"}
# Reason of a reset (reasons.py) -> causes of tcplife that say the same.
CAUSES_OF = {
    "abort": {"abort"},
    "abort_after_fin": {"abort_after_fin"},
    "keepalive_timeout": {"keepalive_timeout"},
    "retransmission_timeout": {"retransmission_timeout"},
    "bad_number": {"synack_bad_ack", "half_open_syn", "tw_old_syn", "ack_rejected"},
    "data_after_close": {"data_after_close"},
    "syn_in_time_wait": {"syn_in_window"},
    "reply_after_close": {"data_after_close", "after_close", "linger2"},
    "reply": REPLIES,
}
# Class of a label -> family, where the class names no cause.
PROBES = {"zwp": ("window probe", "window_probe"), "keepalive": ("keep-alive", "keepalive")}
ANSWERS = {"plain", "keepalive_answer", "window_probe_answer", "challenge"}


@dataclass
class Tally:
    """{(reading, stack, where, family, word of the truth, verdict): number}, and the errors."""

    counts: collections.Counter = field(default_factory=collections.Counter)
    errors: list = field(default_factory=list)      # (scenario, host, frame, text)


def reading(name, row):
    """What a reading says; a probe with an octet is a probe before it is a retransmission."""
    said = READINGS[name][0](row)
    for family in ("window_probe", "keepalive"):
        if name == "tcplife" and not said.rst and row.get(f"tcplife.{family}.kind") == "probe":
            said.family = family
            said.certain = row.get(f"tcplife.{family}.confidence") == "certain"
    return said


def verdict_of(right, answered, certain):
    """The word for a judgement."""
    if right:
        return "right"
    return "unknown" if not answered else "wrong certain" if certain else "wrong"


def judge_reset(label, said):
    """(family, word, verdict) of a reset."""
    reason = label["reason"]
    refused = reason == "reply" and label.get("trigger") == "syn"
    right = said.rst in CAUSES_OF[reason] and (said.rst == "refused") == refused
    return "RST cause", "refused" if refused else reason, verdict_of(
        right, said.rst not in NO_CAUSE, said.certain)


def judge_again(label, where, said):
    """The same of a retransmission; None where it left no trace in the capture."""
    if where == "receiver" and label.get("seen") == "no" and "arrival" not in label:
        return None
    name = FAMILY[label["cls"]][1]
    answered = said.family == "rtx" and said.word
    right = cause_right(label, name, said) or name == "fast/sack" and label.get("after_timeout") \
        and said.word == "rto_recovery"
    return "retransmission cause", name, verdict_of(answered and right, answered, said.certain)


def judge_spurious(capture, label, said):
    """The same of whether it was spurious, where DSACK or timestamps can tell and it arrived."""
    if "needed" not in label or "part" in label or label.get("fate") == "drop" \
            or label["pair"] not in capture.timestamps | capture.sack:
        return None
    if label["needed"]:
        return ("spurious", "needed", "wrong") if said.spurious else None
    return "spurious", "spurious", "right" if said.spurious else "unknown"


def judge_rest(label, said):
    """The same of a segment that is neither a reset nor a retransmission."""
    cls = label["cls"]
    if cls in PROBES:
        family, wanted = PROBES[cls]
        return family, cls, verdict_of(said.family == wanted, said.family not in ANSWERS,
                                       said.certain)
    if cls == "resume":
        right = said.family == "plain" or said.word == "window_probe"
        return "sent again after a window probe", cls, verdict_of(right, True, said.certain)
    if cls == "fin_again":
        return "FIN again with an ACK", cls, verdict_of(
            said.family != "rtx" or said.word in ("", "fin_again"), True, said.certain)
    allowed = ANSWERS | {"late", "duplicate"} if cls in ("late", "net_dup") else ANSWERS
    right = said.family in allowed or said.family == "window_probe" and cls == "zwp_data"
    return PLAIN, cls if cls in ("late", "net_dup", "tlp_new") else "plain", verdict_of(
        right, True, said.certain)


def judgements(capture, label, where, said):
    """All judgements of a frame, without None."""
    if label["cls"].startswith("rst."):
        return [judge_reset(label, said)]
    if label["cls"].startswith("rtx_"):
        return [one for one in (judge_again(label, where, said),
                                judge_spurious(capture, label, said)) if one]
    return [judge_rest(label, said)]


def score_frame(tally, capture, row, names):
    """One segment, for each reading."""
    host = "client" if (row.get("ip.src") or row.get("ipv6.src")) \
        in capture.truth["addresses"]["c"] else "server"
    stack = capture.truth["stacks"][host][0]
    number = row["frame.number"]
    label = dict(capture.labels.get(number, {"cls": "plain"}), frame=int(number))
    if stack == "linux" or label["cls"] in ("unknown", "net_dup_ack"):
        return
    label["pair"] = frozenset(int(row[name] or 0) for name in ("tcp.srcport", "tcp.dstport"))
    where = capture.position(row)
    for name in names:
        said = reading(name, row)
        for family, word, verdict in judgements(capture, label, where, said):
            if name == "wireshark" and family == "RST cause":
                continue            # it has no word for it
            tally.counts[name, stack, where, family, word, verdict] += 1
            if verdict != "right" and name == "tcplife":
                shown = said.rst or (f"{said.family} {said.word}".strip())
                tally.errors.append((capture.scenario, capture.host, int(number),
                                     f"{stack}, {where}, {family}: {word} called {shown}, "
                                     f"{verdict}"))


def pair_of(row, addresses):
    """(own, peer's) port of the client's host."""
    ports = int(row["tcp.srcport"] or 0), int(row["tcp.dstport"] or 0)
    return ports if (row.get("ip.src") or row.get("ipv6.src")) in addresses["c"] else ports[::-1]


def told_states(capture):
    """{(port of the client's host, of the server's): ([times], [states])} of this capture's host.

    netstack calls its state FIN-WAIT-1 whenever it sends a FIN, so in LAST-ACK, too, when it sends
    it again; what it says from there on is no state of RFC 9293, and counts as not told.
    """
    result = collections.defaultdict(lambda: ([], []))
    for when, host, text in capture.truth["states"]:
        own, peer, state = text.split()
        if host == capture.host:
            pair = (int(own), int(peer)) if host == "client" else (int(peer), int(own))
            before = result[pair][1][-1] if result[pair][1] else ""
            lost = before in ("LAST-ACK", NOT_TOLD) and state.startswith("FIN-WAIT")
            result[pair][0].append(when / 1e9)
            result[pair][1].append(NOT_TOLD if lost else state)
    return result


def is_untold(times, names, opening, when):
    """True where the last of the told states says nothing: netstack tells none from a SYN until it is
    ESTABLISHED, only that the connection before it has closed.

    opening  times of the SYNs of these ports
    """
    alive = max((time for time, name in zip(times, names) if name != "CLOSED"), default=0.0)
    return names[-1] == NOT_TOLD or names[-1] == "CLOSED" \
        and any(alive < syn <= when for syn in opening)


def score_states(tally, capture, rows, whole=True):
    """The state of this capture's own end, whenever its connection then rests for a while.

    whole  False where frames are missing from the capture: a state that is past is then unknown
    """
    stack, addresses = capture.truth["stacks"][capture.host][0], capture.truth["addresses"]
    if stack == "linux":
        return
    told, following, client, opening = told_states(capture), {}, {}, {}
    for row in rows:
        if int(row["tcp.flags"], 16) & SYN:
            opening.setdefault(pair_of(row, addresses), []).append(seconds(row["frame.time_epoch"]))
        client[row["tcplife.conn"]] = shown_as_client(row, addresses) \
            or client.get(row["tcplife.conn"])
    for row in reversed(rows):
        pair, when = pair_of(row, addresses), seconds(row["frame.time_epoch"])
        later, following[pair] = following.get(pair, when + 1), when
        times, names = told.get(pair, ([], []))
        place = bisect.bisect(times, when + SETTLED)
        shown = client[row["tcplife.conn"]]
        if later - when < QUIET or not place or not shown \
                or is_untold(times[:place], names[:place], opening.get(pair, ()), when):
            continue
        side = "client" if shown == capture.host[0] else "server"
        said = row[f"tcplife.{side}.state"]
        behind = not whole and said in names[:place]
        verdict = verdict_of(said == names[place - 1], said != "unknown" and not behind, False)
        tally.counts["tcplife", stack, "sender", "state", names[place - 1], verdict] += 1
        if verdict != "right":
            tally.errors.append((capture.scenario, capture.host, int(row["frame.number"]),
                                 f"{stack}, state: {names[place - 1]} called {said}, {verdict}"))


def score_capture(tally, capture, rows, names=tuple(READINGS)):
    """All segments of a capture, for each reading; and the states, by tcplife's fields."""
    segments = [row for row in rows if row.get("tcp.srcport")]
    for row in segments:
        score_frame(tally, capture, row, names)
    if "tcplife" in names:
        score_states(tally, capture, segments)
