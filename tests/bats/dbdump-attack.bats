#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump against what nobody would do to it on purpose, at random moments.
# shellcheck disable=SC2016

load helper
load mariadb

setup_file() { mdb_setup_file; }
teardown_file() { mdb_teardown_file; }
setup() {
	mdb_setup
	cd "$M" || return
}
teardown() { drop_all; }

@test "definitions that change at random: each dump is of one moment, or none" {
	need_program python3
	need_program jq
	mdb_up twin
	mkdir storm
	seed=${BK_SEED:-$RANDOM}
	"$BATS_TEST_DIRNAME/../rigs/ddlstorm.py" "$SOCK" "$M/twin/sock" "$M/storm" \
		"$seed" "${BK_STORM_SECONDS:-25}" >"$T/storm" 2>&1 3>&- ||
		fail "$(cut -c 1-300 "$T/storm" | head -n 60)" \
			"$(diff storm/was storm/has 2>/dev/null | cut -c 1-200 | head -n 30)"
	echo "# $(cat "$T/storm")" >&3
	mdb_drop twin
}
