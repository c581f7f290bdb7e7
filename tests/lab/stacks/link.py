# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's Forwarder between two ends of which each may be a program that says why it sends.

It takes the reason off every packet, writes both captures itself, and keeps a Trip for each
segment.  So nothing has to be joined: reason, frame numbers and fate belong to one object.
"""

import os
import struct
import time
from dataclasses import dataclass
from types import SimpleNamespace

from forwarder import MAX_FRAME, Forwarder
from netlab import HOSTS, MAC, LabError
from truth import Trip

SNAPLEN = 118           # octets, as tests/lab/record has it
ETHERNET = 14           # octets of the header, which the programs do not know


@dataclass
class StackTrip(Trip):
    """A Trip; `why` is what its sender said of it, "" from Linux."""

    why: str = ""


class Capture:
    """A pcap file with nanoseconds."""

    def __init__(self, path):
        self._file = open(path, "wb")
        self._file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, SNAPLEN, 1))
        self.frames = 0

    def write(self, frame):
        """Add a frame, now; returns its number."""
        seconds, rest = divmod(time.time_ns(), 10**9)
        kept = frame[:SNAPLEN]
        self._file.write(struct.pack("<IIII", seconds, rest, len(kept), len(frame)) + kept)
        self.frames += 1
        return self.frames

    def close(self):
        """Finish the file."""
        self._file.close()


class StackForwarder(Forwarder):
    """See the module's text.

    ends      {"client": end, "server": end}
    captures  {"client": Capture, "server": Capture}
    trips     the StackTrips, in the order in which the link took them
    states    [time in ns since 1970, host, "OWN-PORT PEER-PORT STATE"], as the programs said them
    """

    def __init__(self, taps, delay, rules, ends, captures):
        super().__init__(taps, delay, rules)
        self._ends, self._captures, self._why, self._by_passage = ends, captures, "", {}
        self.journal, self.trips, self.states = [], [], []
        headers = {host: bytes.fromhex(MAC[host].replace(":", "")) for host in HOSTS}
        self._header = {"client": headers["server"] + headers["client"],
                        "server": headers["client"] + headers["server"]}

    def _read(self, sender):
        """A frame of Linux as it is; a message of a program without what it says."""
        message = os.read(self._fds[sender], MAX_FRAME)
        self._why = ""
        if self._ends[sender].kind == "linux":
            return message
        if not message:
            raise LabError(f"the {sender}'s program has ended, {self._ends[sender].last_words()}")
        length = int.from_bytes(message[-2:], "big")
        packet, text = message[:-2 - length], message[-2 - length:-2].decode("ascii")
        if not packet:
            self.states.append([time.time_ns(), sender, text[2:]])
            return b""
        self._why = text
        kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
        return self._header[sender] + kind + packet

    def _note(self, sender, receiver, segment, frame):
        """As in Forwarder; and the sender's capture."""
        passage = super()._note(sender, receiver, segment, frame)
        trip = StackTrip(passage, len(self.trips), why=self._why)
        trip.sent = SimpleNamespace(time=passage.came)
        if sender in HOSTS:
            trip.out_frame = self._captures[sender].write(frame)
        self.trips.append(trip)
        self._by_passage[id(passage)] = trip
        return passage

    def _write(self, receiver, frame, passage):
        """As in Forwarder; and the receiver's capture."""
        if passage is not None:
            trip = self._by_passage[id(passage)]
            number = self._captures[receiver].write(frame)
            trip.in_frames.append((number, len(trip.in_frames), passage.delivered[-1]))
        linux = self._ends[receiver].kind == "linux"
        os.write(self._fds[receiver], frame if linux else frame[ETHERNET:])
