# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about MariaDB share, beside helper.bash.
# shellcheck disable=SC2034,SC2154

MDB=$BATS_TEST_DIRNAME/../rigs/mdb.sh
DATA=$BATS_TEST_DIRNAME/../data/dbdump
CONSUMER=$BATS_TEST_DIRNAME/../rigs/consumer.py

# Installing a server's data takes seconds: each run does it once.
mdb_template() {
	local top=$BATS_RUN_TMPDIR
	[ ! -d "${BK_TEST_RUN:-}" ] || top=$BK_TEST_RUN
	export MDB_TEMPLATE=$top/mdb-template
}

# The folder of the server's plugins; $MDB_PLUGINS may be another one, which has
# these and more.
plugins() {
	[ -z "${MDB_PLUGINS:-}" ] || { echo "$MDB_PLUGINS/" && return; }
	mariadbd --no-defaults --help --verbose 2>/dev/null |
		awk '$1 == "plugin-dir" { print $2 }'
}

# mdb_setup_file [OPTION...]: a server for all tests of a file, at $SOCK; what
# is big goes below $M, which is in memory where that can be had.
mdb_setup_file() {
	command -v mariadbd >/dev/null || skip "mariadbd is not installed"
	mdb_template
	M=$BATS_FILE_TMPDIR/m
	mkdir -m 711 "$M"
	if [ "$(id -u)" = 0 ] && awk '/^MemAvailable/ { exit $2 < 4000000 }' \
		/proc/meminfo; then
		mount -t tmpfs -o size=3g,mode=711 tmpfs "$M" || :
	fi
	SOCK=$("$MDB" up "$M/s" "$@")
	export M SOCK
}

mdb_teardown_file() {
	local d
	[ -n "${M:-}" ] || return 0
	for d in "$M"/*/pid; do
		[ ! -e "$d" ] || "$MDB" kill "${d%/pid}"
	done
	! mountpoint -q "$M" || umount "$M" || umount -l "$M"
}

# mdb_setup: a scratch directory, and a section "main" for that server.
mdb_setup() {
	bk_setup
	cat >"$BK_CONFIG" <<-END
		[mariadb main]
		socket = $SOCK
	END
}

# mdb_big_setup_file [OPTION...]: big.blob is more than a dump holds in memory; a
# and z stand beside it.
mdb_big_setup_file() {
	mdb_setup_file --innodb-buffer-pool-size=256M "$@"
	sql - <<-'END'
		CREATE DATABASE big;
		USE big;
		CREATE TABLE big.blob (id INT PRIMARY KEY, b MEDIUMTEXT);
		INSERT INTO big.blob SELECT seq, REPEAT(SHA2(seq, 256), 16384) FROM seq_1_to_120;
		CREATE DATABASE small;
	END
}

mdb_big_setup() {
	mdb_setup
	cd "$M" || return
	rm -rf "$M"/got* "$M"/d
	sql - <<-'END'
		CREATE OR REPLACE DATABASE small;
		USE small;
		CREATE TABLE a (id INT PRIMARY KEY, v INT);
		INSERT INTO a SELECT seq, seq FROM seq_1_to_1000;
		CREATE TABLE z (id INT PRIMARY KEY, v INT, w INT);
		INSERT INTO z SELECT seq, seq, 7 FROM seq_1_to_1000;
		CREATE TABLE p (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id)
			(PARTITION p1 VALUES LESS THAN (500), PARTITION p2 VALUES LESS THAN MAXVALUE);
		INSERT INTO p SELECT seq, seq FROM seq_1_to_1000;
		CREATE TABLE m (id INT PRIMARY KEY, v INT) ENGINE=MyISAM;
		INSERT INTO m SELECT seq, seq FROM seq_1_to_1000;
	END
}

# mdb_up NAME [OPTION...]: another server, in $M/NAME, at $M/NAME/sock.
mdb_up() {
	local name=$1
	shift
	"$MDB" up "$M/$name" "$@" >/dev/null
}

# mdb_drop NAME...: ends them; nothing of them is left.
mdb_drop() {
	local name
	for name; do
		"$MDB" kill "$M/$name"
		rm -rf "${M:?}/$name"
	done
}

# conf KEY=VALUE: sets a key of [mariadb main].
conf() {
	sed -i -e "/^${1%%=*} = /d" -e "/^\[mariadb main\]/a ${1%%=*} = ${1#*=}" \
		"$BK_CONFIG"
}

# sql [OPTION...] STATEMENTS: by root; with -S another server than $SOCK, with
# a last argument of "-" the statements are stdin's. Rows are raw, in tabs.
sql() {
	local last=${!#} options=("${@:1:$#-1}")
	set -- mariadb --no-defaults --skip-ssl -S "$SOCK" -N --raw --batch \
		--binary-mode --default-character-set=utf8mb4 "${options[@]}"
	if [ "$last" = - ]; then "$@"; else "$@" <<<"$last"; fi
}

# A second session that stays: hand STATEMENT runs one in it and waits until
# it is done; its rows, or its error, are printed.
hand_open() {
	mkfifo "$T/hand.in"
	mariadb --no-defaults -S "$SOCK" -N --raw --batch --force \
		--unbuffered <"$T/hand.in" >"$T/hand.out" 2>&1 3>&- &
	hand_pid=$!
	exec 7>"$T/hand.in"
	hands=0
}
hand() {
	hands=$((hands + 1))
	: >"$T/hand.out"
	printf '%s;\nSELECT "hand %s done";\n' "$1" $hands >&7
	wait_for 30 grep -q "^hand $hands done" "$T/hand.out"
	sed "/^hand $hands done/d" "$T/hand.out"
}
hand_close() {
	[ -n "${hand_pid:-}" ] || return 0
	exec 7>&-
	wait "$hand_pid" || :
	hand_pid=
	rm -f "$T/hand.in"
}

# drop_all: of the databases and users that tests made.
drop_all() {
	local names
	names=$(sql "SET group_concat_max_len = 1048576; SELECT
		GROUP_CONCAT('DROP DATABASE \`', REPLACE(schema_name, '\`',
		'\`\`'), '\`;' SEPARATOR ' ') FROM information_schema.schemata
		WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema',
		'performance_schema')")
	[ "$names" = NULL ] || sql "$names"
	names=$(sql "SELECT GROUP_CONCAT('DROP ', IF(is_role = 'Y', 'ROLE ',
		'USER '), QUOTE(user), IF(is_role = 'Y', '', CONCAT('@',
		QUOTE(host))), ';' SEPARATOR ' ') FROM mysql.user
		WHERE user NOT IN ('root', 'mysql', 'mariadb.sys', '$(id -un)')")
	[ "$names" = NULL ] || sql "$names"
}

# The trailer: the last line of a file.
trailer() { tail -n 1 "$1"; }

# assert_whole FILE: it ends with a trailer, and that is true.
assert_whole() {
	local t counts bytes sum
	t=$(trailer "$1")
	[[ $t =~ ^'-- bk-dbdump: complete '(objects=[0-9]+' rows='[0-9]+' broken='[0-9]+)' sha256='([0-9a-f]{64})' bytes='([0-9]+)$ ]] ||
		fail "no trailer: $(head -c 300 <<<"$t")" || return
	counts=${BASH_REMATCH[1]} sum=${BASH_REMATCH[2]} bytes=${BASH_REMATCH[3]}
	assert_is "$(stat -c %s "$1")" $((bytes + ${#t} + 1)) || return
	assert_is "$(tail -n 2 "$1" | head -n 1)" \
		"-- bk-dbdump: counted $counts" || return
	assert_is "$(head -c "$bytes" "$1" | sha256sum)" "$sum  -"
}

# assert_cut FILE: it has no trailer anywhere.
assert_cut() { assert_hasnt "$1" '-- bk-dbdump: complete'; }

# assert_no_folder PATH: neither it nor a beginning of it is there.
assert_no_folder() {
	local f
	for f in "$1"* "$(dirname "$1")"/.*"$(basename "$1")"*; do
		[ ! -e "$f" ] || fail "it is there: $f" || return
	done
}

# load_into NAME [OPTION...] <DUMP: into another server, as anybody would.
load_into() {
	mariadb --no-defaults -S "$M/$1/sock" "${@:2}" 2>"$T/load.err" ||
		fail "$(cut -c 1-200 "$T/load.err" | tail -n 20)"
}

# portrait [-S SOCKET] [data|users]...: all that can be known of the databases
# of a server, in an order of its own, to be compared with another's. Not what
# is different of itself: when objects were made, estimates of sizes.
portrait() {
	local at=()
	[ "$1" != -S ] || { at=(-S "$2"); shift 2; }
	local part
	for part in "${@:-data}"; do
		sql "${at[@]}" - <"$DATA/portrait-$part.sql" >"$T/portrait.sql"
		mariadb --no-defaults -S "${at[1]:-$SOCK}" -N --batch --raw \
			--force --binary-mode --show-warnings=0 \
			--default-character-set=utf8mb4 \
			<"$T/portrait.sql" 2>&1
	done
}

# held OPTION... -- PATTERN...: a dump by --exec into the file got; it stands
# still after the first 100 kB, until goes.
held() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	# a shell has its background jobs ignore INT
	env --default-signal=INT bk-dbdump dump --exec "${options[@]}" main \
		"$@" -- "$CONSUMER" got --hold 100000 >"$T/out.txt" 2>"$T/err.txt" 3>&- 7>&- &
	dump_pid=$! out=$T/out.txt err=$T/err.txt
	wait_for 60 test -e got.held
}

# goes STATUS: lets it go on, and waits for its end.
goes() {
	touch got.go
	ended "$1"
}
ended() {
	status=0
	wait "$dump_pid" || status=$?
	dump_pid=
	[ "$1" = "$status" ] || fail "status $status, not $1" "$(cat "$err")"
}

# told: the consumer was ended by a signal before its stdin was.
told() {
	[ ! -e got.eof ] || fail "it saw the end of stdin" || return
	assert_is "$(head -n 1 got.signals)" INT
	assert_cut got
}

# sessions: the ids of the dump's connections.
sessions() {
	sql "SELECT id FROM information_schema.processlist WHERE command <>
		'Daemon' AND id <> CONNECTION_ID() ORDER BY id"
}

# locked TABLE: the table's rows are not to be had, by a session of its own.
locked() {
	hand_open
	hand "LOCK TABLES small.$1 WRITE" >/dev/null
}
# stuck: somebody waits for that.
stuck() {
	[ "$(sql "SELECT COUNT(*) FROM information_schema.processlist WHERE
		state LIKE 'Waiting for table%lock'")" -gt 0 ]
}

# as_it_is CHANGE PATTERN...: the complete dump in got is how things are now.
as_it_is() {
	assert_whole got
	run_bk 0 bk-dbdump dump main "${@:2}"
	cmp got "$out" || fail "complete, but not so: $1"
}

# there_and_back CHANGE BACK: a dump of small, in which the tables before z are
# not what they were while they are read, and are so again when they have been:
# nobody waits for a table that has been read.
there_and_back() {
	rm -f got*
	held -j 1 -- big small
	sql "$1"
	locked z
	touch got.go
	wait_for 60 stuck
	timeout 5 mariadb --no-defaults -S "$SOCK" -e "$2" ||
		fail "it had to wait: $2" || return
	hand "UNLOCK TABLES" >/dev/null
	hand_close
	status=0
	wait "$dump_pid" || status=$?
	dump_pid=
}
