# SPDX-License-Identifier: GPL-2.0-or-later
"""All scenarios, in the order in which they are played and listed in the manifest."""

import scenarios_close
import scenarios_open

SCENARIOS = scenarios_close.NC + scenarios_open.SCENARIOS + scenarios_close.SCENARIOS
