#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bk-dbdump on a private MariaDB against the server's own SELECT of every row,
# mariadb-dump and, where it is installed, mydumper: in turns, medians, as
# ratios; its memory; and what restic adds after one deleted row. ROWS=1715000
# ROUNDS=5 REPOS=9. The data are beside $BK_BENCH_DIR (/var/tmp/bk-bench) for as
# long as it runs.
set -euo pipefail
export LC_ALL=C TZ=UTC PATH=$PATH:/usr/sbin

here=$(cd "$(dirname "$0")" && pwd)
bin=$(realpath "${BK_BIN:-$here/../../build}")
rows=${ROWS:-1715000}
rounds=${ROUNDS:-5}
repos=${REPOS:-9}
mdb=$here/../rigs/mdb.sh
for p in mariadbd mariadb-dump restic python3; do
	command -v "$p" >/dev/null || { echo "skip: $p is not installed"; exit 0; }
done
[ -x "$bin/bk-dbdump" ] || { echo "skip: no bk-dbdump in $bin"; exit 0; }
top=$(mktemp -d "${BK_BENCH_DIR:-/var/tmp/bk-bench}-db.XXXXXX")
trap '"$mdb" kill "$top/s"; rm -rf "$top"' EXIT
export BK_CONFIG=$top/bk.conf BK_STATE_DIR=$top/state BK_RUN_DIR=$top/run \
	BK_CACHE_DIR=$top/cache
mkdir -m 700 "$BK_STATE_DIR" "$BK_RUN_DIR" "$BK_CACHE_DIR"
unset "${!RESTIC_@}"
sock=$("$mdb" up "$top/s" --innodb-buffer-pool-size=1G \
	--innodb-log-file-size=256M)
(umask 077 && printf '[mariadb main]\nsocket = %s\n' "$sock" >"$BK_CONFIG")
sql() { mariadb --no-defaults -S "$sock" -N -B "$@"; }

# Text in which nothing comes twice.
text() { seq 14 | sed 's/.*/SHA2(seq * 20 + &, 512)/' | paste -sd,; }

# As a shop has them: many numbers, texts, a log, a few blobs.
sql <<END
CREATE DATABASE bench CHARACTER SET utf8mb4; USE bench;
SET sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0;
CREATE TABLE metrics (id INT PRIMARY KEY, host SMALLINT, at DATETIME, v FLOAT, w DOUBLE, n INT);
INSERT INTO metrics SELECT seq, seq % 300, '2026-01-01' + INTERVAL seq SECOND, RAND(seq) * 1e4, RAND(-seq), CRC32(seq) >> 2 FROM seq_1_to_$((rows * 58 / 100));
CREATE TABLE log (id BIGINT PRIMARY KEY, user INT, kind ENUM('view', 'order', 'error'), ip VARCHAR(40), line VARCHAR(200));
INSERT INTO log SELECT seq * 3, CRC32(seq) % 10000, 1 + seq % 3, INET_NTOA(CRC32(seq)), CONCAT('it''s ', SHA1(seq)) FROM seq_1_to_$((rows * 29 / 100));
CREATE TABLE posts (id INT PRIMARY KEY, user INT, title VARCHAR(100), body TEXT, changed TIMESTAMP);
INSERT INTO posts SELECT seq, CRC32(seq) % 9999, MD5(seq), LEFT(CONCAT($(text)), 200 + CRC32(seq) % 1550), '2026-01-01' + INTERVAL seq MINUTE FROM seq_1_to_$((rows * 12 / 100));
CREATE TABLE files (id INT PRIMARY KEY, name VARCHAR(60), b BLOB);
INSERT INTO files SELECT seq, SHA1(seq), UNHEX(REPEAT(SHA2(seq, 512), 16)) FROM seq_1_to_$((rows / 100));
CREATE DATABASE huge; USE huge;
CREATE TABLE blobs (id INT PRIMARY KEY, b LONGBLOB);
END
total=$(sql -e 'SELECT SUM(n) FROM (SELECT COUNT(*) n FROM bench.metrics UNION ALL
	SELECT COUNT(*) FROM bench.log UNION ALL SELECT COUNT(*) FROM bench.posts
	UNION ALL SELECT COUNT(*) FROM bench.files) x')

# measure NAME COMMAND...: a line "wall cpu KiB server" to NAME; milliseconds,
# of the command and of the server.
measure() {
	local name=$1
	shift
	python3 - "$top/$name" "$(cat "$top/s/pid")" "$@" <<'END'
import os, resource, subprocess, sys, time
def server():
    with open(f"/proc/{sys.argv[2]}/stat") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
before, start = server(), time.monotonic()
subprocess.run(sys.argv[3:], stdout=subprocess.DEVNULL, check=True)
wall = time.monotonic() - start
u = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "a") as f:
    f.write(f"{wall * 1e3:.2f} {(u.ru_utime + u.ru_stime) * 1e3:.2f} "
            f"{u.ru_maxrss} {(server() - before) * 1e3:.2f}\n")
END
}

# median NAME COLUMN
median() {
	[ -e "$top/$1" ] || { echo 0; return; }
	cut -d' ' -f"$2" "$top/$1" | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# report WHAT VALUE GOAL UNIT
report() {
	awk -v what="$1" -v v="$2" -v goal="$3" -v unit="$4" 'BEGIN {
		printf "%-52s %8.3f %-4s goal %-5s %s\n", what, v, unit, goal,
			v <= goal ? "met" : "missed" }'
}

# ratio NAME COLUMN NAME GOAL WHAT
ratio() {
	local b
	b=$(median "$3" "$2")
	[ "$b" != 0 ] || return 0
	report "$5" "$(awk -v a="$(median "$1" "$2")" -v b="$b" \
		'BEGIN { print a / b }')" "$4" ""
}

floor=(mariadb --no-defaults -S "$sock" --quick -N -B -D bench -e
	'SELECT * FROM metrics; SELECT * FROM log; SELECT * FROM posts; SELECT * FROM files')
how="mariadb --quick"
read -ra lib < <(pkg-config --cflags --libs libmariadb 2>/dev/null) || :
if "${CC:-cc}" -O2 -o "$top/selectall" "$here/selectall.c" "${lib[@]}" \
	2>/dev/null; then
	floor=("$top/selectall" "$sock" bench)
	how="mysql_use_result"
fi
stock=(mariadb-dump --no-defaults -S "$sock" --single-transaction --quick
	--routines --events --triggers --databases)
dump=("$bin/bk-dbdump" -q dump)
# Where files go that are only timed.
fast=$top
! [ -w /dev/shm ] || fast=$(mktemp -d /dev/shm/bk-bench.XXXXXX)
trap '"$mdb" kill "$top/s"; rm -rf "$top" "$fast"' EXIT

sql -e 'SET GLOBAL innodb_max_dirty_pages_pct = 0'
for _ in $(seq 200); do
	[ "$(sql -e "SELECT variable_value < 100 FROM information_schema.global_status
		WHERE variable_name = 'Innodb_buffer_pool_pages_dirty'")" = 0 ] || break
	sleep 0.2
done
"${floor[@]}" >/dev/null
for _ in $(seq "$rounds"); do
	measure floor "${floor[@]}"
	measure one "${dump[@]}" -j 1 main bench
	measure two "${dump[@]}" -j 2 main bench
	measure stock "${stock[@]}" bench
	measure stockhex "${stock[@]}" bench --hex-blob --order-by-primary
	measure folder "${dump[@]}" -j 2 -o "$fast/d" main bench
	rm -rf "$fast/d"
	if command -v mydumper >/dev/null; then
		measure mydumper mydumper -S "$sock" -u "$(id -un)" -B bench -t 2 \
			-r 100000 -v 0 -o "$fast/d"
		rm -rf "$fast/d"
	fi
done

echo "dbdump: $total rows, $rounds rounds, ms: SELECT by $how $(median floor 1)," \
	"one $(median one 1), two $(median two 1), folder $(median folder 1)," \
	"mariadb-dump $(median stock 1), mydumper $(median mydumper 1)"
ratio one 1 floor 1.3 "one connection: wall time, of SELECT's"
ratio two 1 floor 0.65 "two connections: wall time, of SELECT's"
# Server and client share the cores: all of them, busy all the time, take this.
report "    at best, with $(nproc) cores for server and client" \
	"$(awk -v c="$(median two 2)" -v s="$(median two 4)" -v n="$(nproc)" \
		-v f="$(median floor 1)" 'BEGIN { print (c + s) / n / f }')" 0.65 ""
ratio two 1 stock 0.5 "two connections: wall time, of mariadb-dump's"
ratio two 1 stockhex 0.5 "the same, of mariadb-dump --hex-blob's"
ratio folder 1 mydumper 1 "a folder, two connections: of mydumper -t 2's"
ratio two 2 stock 1 "CPU time, of mariadb-dump's"

# memory: many rows, then rows of 256 MiB
report "memory, one connection, $total rows" \
	"$(awk "BEGIN { print $(median one 3) / 1024 }")" 64 MiB
report "memory, two connections, the same" \
	"$(awk "BEGIN { print $(median two 3) / 1024 }")" 128 MiB
sql -D huge -e "INSERT INTO blobs VALUES (1, REPEAT('x', 268435456)), (2, 'small')"
measure huge "${dump[@]}" -j 1 main huge
report "memory, one connection, a row of 256 MiB" \
	"$(awk "BEGIN { print $(median huge 3) / 1024 }")" 64 MiB
sql -e 'DROP DATABASE huge'

# What restic stores of a table after its third row is gone. That is the chunk
# it was in, and of a stream the last one too, for the trailer; a chunk has 0.5
# to 8 MiB, 1.5 on average, and where one ends is another matter of chance in
# each repository: so it is asked of several.
export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$top/cache/restic
added() {
	restic -q -r "$top/repo" backup --json "$@" |
		python3 -c 'import json, sys
for line in sys.stdin:
    o = json.loads(line)
    if o.get("message_type") == "summary":
        print(o["data_added"] / 1e6)'
}
for turn in first second; do
	"${dump[@]}" main bench.posts >"$top/ours.$turn"
	"${dump[@]}" -o "$top/folder.$turn" main bench.posts
	mariadb-dump --no-defaults -S "$sock" --single-transaction --quick \
		--hex-blob --order-by-primary --skip-dump-date bench posts \
		>"$top/stock.$turn"
	[ $turn = second ] || sql -e 'DELETE FROM bench.posts WHERE id = 3'
done
for way in ours folder stock; do
	for _ in $(seq "$([ $way = stock ] && echo 1 || echo "$repos")"); do
		rm -rf "$top/repo" "$top/x"
		restic -q -r "$top/repo" init >/dev/null
		for turn in first second; do
			before=$(du -sb "$top/repo" | cut -f1)
			if [ $way = folder ]; then
				mv "$top/folder.$turn" "$top/x"
				added "$top/x"
				mv "$top/x" "$top/folder.$turn"
			else
				added --stdin --stdin-filename x.sql <"$top/$way.$turn"
			fi >"$top/added"
			[ $turn = first ] || echo "$(cat "$top/added")" \
				"$((($(du -sb "$top/repo" | cut -f1) - before) / 1000))" \
				>>"$top/added-$way"
		done
	done
done
size=$(($(stat -c %s "$top/ours.first") / 1000000))
report "restic adds after one deleted row, of $size MB, stream" \
	"$(median added-ours 1)" 5 MB
report "the same, a folder" "$(median added-folder 1)" 5 MB
for way in ours folder; do
	report "    $way: in the repository, compressed" \
		"$(awk -v n="$(median added-$way 2)" 'BEGIN { print n / 1e3 }')" 5 MB
	echo "    each time, in $repos repositories: $(cut -d' ' -f1 "$top/added-$way" |
		sort -g | xargs printf '%.1f ')MB"
done
echo "    the same with mariadb-dump: $(cut -d' ' -f1 "$top/added-stock") MB"
