# SPDX-License-Identifier: GPL-2.0-or-later
"""TCPs other than Linux's: how their traffic is recorded, and what tcplife says of it."""
