# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic with devices on the path, and the truth about it; README.md says what there is."""
