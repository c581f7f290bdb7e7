# SPDX-License-Identifier: GPL-2.0-or-later
"""What connections wait for: traffic with its truth, recorded over a link with two legs."""
