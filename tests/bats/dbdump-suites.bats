#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# bk-dbdump and the MariaDB of other releases of Debian, whose servers run in
# roots of their own. BK_SUITES="trixie" names them; BK_ROOTS=FOLDER keeps them
# there, once fetched. The release of this machine is tested by all the rest.
# shellcheck disable=SC2154

load helper
load mariadb

OWN=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
SUITES=$(tr ' ' '\n' <<<"${BK_SUITES:-}" | grep -vx "$OWN" | xargs)

BATS_TEST_TIMEOUT=300

setup_file() {
	[ -n "$SUITES" ] && [ "$(id -u)" = 0 ] || return 0
	mdb_setup_file
	local suite
	for suite in $SUITES; do
		BK_ROOTS=${BK_ROOTS:+$BK_ROOTS/mariadb} \
			"$BATS_TEST_DIRNAME/../rigs/boot.sh" root "$suite" \
			"$BATS_FILE_TMPDIR/$suite" mariadb-server mariadb-client
		mkdir -p "$BATS_FILE_TMPDIR/$suite$M"
		mount --bind "$M" "$BATS_FILE_TMPDIR/$suite$M"
		mount --bind /proc "$BATS_FILE_TMPDIR/$suite/proc"
		mount --bind /dev "$BATS_FILE_TMPDIR/$suite/dev"
		printf '127.0.0.1 localhost %s\n' "$(uname -n)" \
			>"$BATS_FILE_TMPDIR/$suite/etc/hosts"
		cp "$MDB" "$BATS_FILE_TMPDIR/$suite/srv/mdb.sh"
	done
}
teardown_file() {
	local suite d
	[ -n "$SUITES" ] && [ "$(id -u)" = 0 ] || return 0
	for suite in $SUITES; do
		for d in "$M" /proc /dev; do
			umount -l "$BATS_FILE_TMPDIR/$suite$d" 2>/dev/null || :
		done
	done
	mdb_teardown_file
}
setup() {
	[ -n "$SUITES" ] || skip "BK_SUITES names no other release"
	[ "$(id -u)" = 0 ] || skip "needs root"
	mdb_setup
}

# suite_up SUITE NAME: a server of that release in $M/NAME.
suite_up() {
	mkdir -p "$M/$2"
	chroot "$BATS_FILE_TMPDIR/$1" env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin \
		bash /srv/mdb.sh up "$M/$2" >/dev/null
}

@test "the torture schema goes into such a server, and out of it, unchanged" {
	for suite in $SUITES; do
		suite_up "$suite" "$suite"
		suite_up "$suite" "$suite-2"
		there=$M/$suite/sock
		for part in torture torture-more; do
			sql -S "$there" - <"$DATA/$part.sql" >/dev/null
		done
		run_bk 0 bk-dbdump dump --socket="$there"
		assert_whole "$out"
		mv "$out" "$M/dump.sql"
		load_into "$suite-2" --binary-mode <"$M/dump.sql"
		portrait -S "$there" >want
		portrait -S "$M/$suite-2/sock" >got
		assert_hasnt want ERROR
		diff want got >unlike || fail "$(head -c 4000 unlike)"
		run_bk 0 bk-dbdump dump --socket="$M/$suite-2/sock"
		cmp "$out" "$M/dump.sql"
		run_bk 0 bk-dbdump dump -j 1 --socket="$there"
		cmp "$out" "$M/dump.sql"
		mdb_drop "$suite" "$suite-2"
	done
}

@test "what is dumped here loads there, and is dumped as the same rows" {
	for part in torture torture-more; do
		sql - <"$DATA/$part.sql" >/dev/null
	done
	run_bk 0 bk-dbdump dump main
	mv "$out" "$M/dump.sql"
	for suite in $SUITES; do
		suite_up "$suite" "$suite"
		load_into "$suite" --binary-mode <"$M/dump.sql"
		run_bk 0 bk-dbdump dump --socket="$M/$suite/sock"
		assert_whole "$out"
		diff <(grep -a '^(' "$M/dump.sql") <(grep -a '^(' "$out") >unlike ||
			fail "$(head -c 2000 unlike)"
		mdb_drop "$suite"
	done
}

@test "several connections, a snapshot without a lock, definitions that change" {
	for suite in $SUITES; do
		suite_up "$suite" "$suite"
		suite_up "$suite" "$suite-2"
		sql -S "$M/$suite/sock" "CREATE DATABASE d; CREATE TABLE d.t (a INT)"
		run_bk 0 bk-dbdump -v dump -j 3 --socket="$M/$suite/sock" d
		assert_hasnt "$err" 'one connection'
		assert_hasnt "$err" 'BINLOG ADMIN'
		printf '[mariadb main]\nsocket = %s\n' "$M/$suite/sock" >"$BK_CONFIG"
		mkdir storm
		"$BATS_TEST_DIRNAME/../rigs/ddlstorm.py" "$M/$suite/sock" \
			"$M/$suite-2/sock" "$PWD/storm" $RANDOM 25 >"$T/storm.log" 2>&1 3>&- ||
			fail "$(cut -c 1-300 "$T/storm.log" | head -n 60)"
		rm -r storm
		mdb_drop "$suite" "$suite-2"
	done
}
