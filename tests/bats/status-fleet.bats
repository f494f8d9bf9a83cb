#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-status --publish, --fleet, --forget-host on a folder.

load helper
load status

setup() {
	status_setup
	all_well
}

on_folder() {
	mkdir -p "$T/disk"
	on_box "dir:$T/disk"
	fleet=$T/disk/bk-fleet
}

@test "a folder: hosts put their status there and see each other" {
	on_folder
	run_bk 0 bk-status --publish
	[ -z "$stdout$stderr" ]
	assert_is "$(ls -A "$fleet")" web1.json
	assert_json "$fleet/web1.json" '.[0].v == 1 and .[0].type == "status" and
		.[0].host == "web1" and .[0].safe and (.[0].jobs | length) == 3'
	run_bk 0 bk-status --fleet
	assert_is "$(line 1)" 'fleet: all is well. 1 host.'
	assert_is "$(line 3)" 'ok       web1  all is well. 3 jobs, last backup 12 min ago.'
	as_host db1 1800 db1.json
	run_bk 0 bk-status --fleet
	assert_is "$(line 1)" 'fleet: all is well. 2 hosts.'
	run_bk 0 bk-status --fleet -0
	assert_is "$(tr '\0' ,  <"$out")" db1,web1,
}

@test "the worst first, and hosts that are silent before them" {
	on_folder
	run_bk 0 bk-status --publish
	as_host good 60 good.json
	as_host late 60 late.json '.jobs[1].health="late"'
	as_host bad 60 bad.json '.jobs[0].health="failed"'
	as_host gone 14400 gone.json
	run_bk 1 bk-status --fleet
	assert_fits
	assert_is "$(line 1)" 'fleet: NOT SAFE: 3 of 5 hosts.'
	assert_is "$(awk 'NR > 2 && /^[a-z]/ { printf "%s=%s ", $2, $1 }' "$out")" \
		'gone=silent bad=failed late=late good=ok web1=ok '
	assert_has "$out" 'backup home failed'
	assert_has <(line 3) '(4 h); then: all is well'
	run_bk 1 bk-status --fleet -q
	assert_is "$stdout" 'fleet: NOT SAFE: 3 of 5 hosts.'
	run_bk 1 bk-status --fleet --json
	assert_json "$out" 'map(select(.type == "status")) | map([.host, .health, .safe]) ==
		[["gone","silent",false],["bad","failed",false],["late","late",false],
		["good","ok",true],["web1","ok",true]]'
	assert_json "$out" 'map(select(.type == "job" and .host == "bad")) | length == 3'
	assert_json "$out" 'last == {"v":1,"type":"end","status":1,"count":20}'
}

@test "this host as it is now, whatever its file says" {
	on_folder
	run_bk 0 bk-status --publish
	rm "$BK_STATE_DIR/state/bk-restic.backup-etc.json"
	run_bk 1 bk-status --fleet
	assert_has "$out" 'backup etc never ran'
	as_host web1 99999 new
	mv "$fleet/new" "$fleet/web1.json"
	all_well
	run_bk 0 bk-status --fleet
	rm "$fleet/web1.json"
	run_bk 0 bk-status --fleet
	assert_has "$out" 'ok       web1'
}

@test "entries that are hostile, damaged or of another host" {
	local f
	on_folder
	run_bk 0 bk-status --publish
	as_host other 60 mine.json
	as_host future -7200 future.json
	as_host evil 60 evil.json '.jobs[0].job="backup \u001b[31m\n\u202e" |
		.jobs[0].health="failed" | .jobs[0].why=5 | .jobs[0].last_ok=[] |
		.jobs[0].limit=-5 | .jobs[0].duration=1e300'
	as_host lies 60 lies.json '.safe=true | .health="ok" | .jobs[0].health="never"'
	echo '{"v":1,' >"$fleet/cut.json"
	: >"$fleet/empty.json"
	head -c 300000 /dev/zero | tr '\0' '[' >"$fleet/big.json"
	head -c 200000 /dev/zero | tr '\0' '[' >"$fleet/deep.json"
	head -c 1000 /dev/urandom >"$fleet/random.json"
	ln -s /etc/passwd "$fleet/link.json"
	mkfifo "$fleet/fifo.json"
	mkdir "$fleet/dir.json"
	as_host $'new\nline' 60 'new%0Aline.json'
	for f in .hidden.json web1.json.Ab12Cd 'a b.json' $'x\e[31m.json' a%2fb.json; do
		echo x >"$fleet/$f"
	done
	run_bk 1 bk-status --fleet
	assert_fits
	[ "$(tr -d '\n' <"$out" | LC_ALL=C grep -c '[[:cntrl:]]')" = 0 ]
	assert_is "$(line 1)" 'fleet: NOT SAFE: 12 of 14 hosts.'
	assert_has "$out" 'unknown  mine       its entry is that of another host: other'
	assert_has "$out" 'unknown  future     its entry is from the future'
	assert_has "$out" 'unknown  link       its entry is no file'
	assert_has "$out" 'unknown  fifo       its entry is no file'
	assert_has "$out" 'unknown  big        its entry is too large'
	assert_has "$out" 'unknown  cut        its entry is damaged'
	assert_has "$out" 'never    lies       '
	assert_has "$out" 'ok       new\nline  all is well'
	assert_has "$out" 'backup \x1b[31m\n\x'
	assert_hasnt "$out" root:
	run_bk 1 bk-status --fleet --json
	assert_json "$out" 'last.type == "end"'
	assert_json "$out" 'map(select(.host == "evil" and .type == "job" and
		.health == "failed")) | length == 1 and (.[0] | has("why") or
		has("limit") or has("last_ok") or has("duration") | not)'
}

@test "a name that is no name of a file" {
	on_folder
	sed -i 's|^name = web1|name = ..x:%1|' "$BK_CONFIG"
	sed -i 's|"web1"|"..x:%1"|' "$BK_STATE_DIR"/state/*.json
	run_bk 0 bk-status --publish
	assert_is "$(ls -A "$fleet")" %2E.x%3A%251.json
	run_bk 0 bk-status --fleet
	assert_has "$out" 'ok       ..x:%1  all is well'
	sed -i "s|^name = .*|name = $(printf '%0210d' 0)|" "$BK_CONFIG"
	run_bk 78 bk-status --publish
	assert_has "$err" 'too long'
}

@test "a host that is no more is forgotten, by name" {
	on_folder
	run_bk 0 bk-status --publish
	as_host 'a b' 99999 'a%20b.json'
	run_bk 1 bk-status --fleet
	run_bk 0 bk-status -n --forget-host 'a b'
	assert_is "$stdout" "rm $fleet/a%20b.json"
	[ -e "$fleet/a%20b.json" ]
	run_bk 0 bk-status --forget-host 'a b'
	assert_has "$err" 'forgotten: a b'
	run_bk 0 bk-status --fleet
	run_bk 66 bk-status --forget-host 'a b'
	run_bk 66 bk-status --forget-host ../../bk
	run_bk 66 bk-status --forget-host ''
	[ -e "$BK_CONFIG" ]
}

@test "no fleet, no box, a disk that is not mounted" {
	run_bk 78 bk-status --fleet
	assert_has "$err" '[host] fleet names no box'
	run_bk 78 bk-status --forget-host x
	on_folder
	rmdir disk
	run_bk 75 bk-status --publish
	run_bk 75 bk-status --fleet
	assert_has "$err" "box fsn: cannot open '$T/disk'"
	[ ! -e disk ]
	mkdir disk
	run_bk 0 bk-status --fleet
	mkdir elsewhere
	ln -s ../elsewhere disk/bk-fleet
	run_bk 77 bk-status --publish
	run_bk 77 bk-status --fleet
	assert_is "$(ls -A elsewhere)" ''
}

@test "a fleet of a thousand hosts, and no more" {
	local i
	on_folder
	run_bk 0 bk-status --publish
	for ((i = 1000; i < 2002; i++)); do
		ln "$fleet/web1.json" "$fleet/h$i.json"
	done
	run_bk 1 bk-status --fleet -q
	assert_has "$err" '3 more hosts are not shown'
}

@test "Prometheus is served although the box is away" {
	on_folder
	rmdir disk
	conf host "prometheus=$T/bk.prom"
	run_bk 75 bk-status --publish
	[ -s bk.prom ]
	rm bk.prom
	conf host "prometheus=$T/none/bk.prom"
	sed -i "\|^prometheus = $T/bk.prom|d" "$BK_CONFIG"
	mkdir disk
	run_bk 73 bk-status --publish
	[ -s "$fleet/web1.json" ]
}
