# SPDX-License-Identifier: GPL-2.0-or-later
"""Large captures, written in seconds, and what tshark takes to read them."""

import struct
import sys

from handmade import ETHERNET, PCAP_FILE_HEADER, PCAP_MAGIC, PCAP_RECORD_HEADER, START_S, ethernet, ipv4, tcp

# Runs a command and prints the most memory (KiB) and the CPU time (s) that it took: only a parent learns that of its child.
METER = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_maxrss, used.ru_utime + used.ru_stime)
sys.stdout.flush()
sys.stdout.buffer.write(done.stdout)
"""


class Writer:
    """A capture with frames 10 us apart. Frames of one kind differ in a few numbers only: a template and struct make a million
    of them in seconds."""

    def __init__(self, path):
        self.out = path.open("wb", buffering=1 << 20)
        self.out.write(PCAP_FILE_HEADER.pack(PCAP_MAGIC, 2, 4, 0, 0, 262144, ETHERNET))
        self.micros = 0

    def add(self, template, address, ports, seq, ack, payload=0):
        """Sets addresses, ports and numbers in the template. `payload` bytes are not captured, as with a short snaplen."""
        self.micros += 10
        struct.pack_into("!II", template, 14 + 12, *address)
        struct.pack_into("!HHII", template, 14 + 20, *ports, seq % 2**32, ack % 2**32)
        seconds, micros = divmod(self.micros, 10**6)
        size = len(template)
        self.out.write(PCAP_RECORD_HEADER.pack(START_S + seconds, micros, size, size + payload) + template)


def template(flags, payload=0, options=b""):
    """A frame without its payload; addresses, ports and numbers are set by Writer.add."""
    frame = bytearray(ethernet(ipv4("0.0.0.0", "0.0.0.0", tcp((0, 0), flags, 0, options=options))))
    struct.pack_into("!H", frame, 14 + 2, 40 + len(options) + payload)
    return frame


def metered(sandbox, *args, timeout=120):
    """(KiB, CPU seconds, standard output) of a tshark run that must succeed."""
    command = [sys.executable, "-I", "-c", METER, "tshark", "-n", *args]
    done = sandbox.run(command, timeout=timeout)
    first, _, output = done.stdout.partition("\n")
    status, kib, seconds = first.split()
    assert status == "0", done.stderr
    return int(kib), float(seconds), output
