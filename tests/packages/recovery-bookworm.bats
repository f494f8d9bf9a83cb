#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# The worst day of a Debian bookworm; see recovery.bash.

load ../bats/helper
load packages
load life
load recovery

setup_file() { recovery_begins; }
teardown_file() { recovery_ends; }
setup() { a_day; }

@test "a host, backed up, its sheet printed" { day_backed_up; }
@test "the fire" { day_fire; }
@test "what the sheet says, on an empty machine: all is back" { day_back; }
@test "and it goes on as before" { day_after; }
