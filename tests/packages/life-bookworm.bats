#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# A fresh Debian bookworm, from apt install to purge; see life.bash.

load ../bats/helper
load packages
load life

setup_file() { life_begins; }
teardown_file() { life_ends; }
setup() { a_day; }

@test "installed: nothing is enabled, nothing runs" { day_installed; }
@test "set up by options" { day_set_up; }
@test "the timer fires, and the monitor hears of it" { day_timer; }
@test "files that were lost come back" { day_restore; }
@test "the backups are proved" { day_proved; }
@test "upgraded while a backup runs" { day_upgrade; }
@test "back to the older version: newer state is refused, and kept" { day_downgrade; }
@test "removed, and installed again: it goes on" { day_removed; }
@test "purged: the secrets are gone, the backups are not" { day_purged; }
