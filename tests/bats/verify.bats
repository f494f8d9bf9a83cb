#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-verify: repositories, proved by restic and by their own names.

load helper
load restic
load verify

setup_file() { verify_setup_file; }
setup() { verify_setup repo packs; }

@test "what was never proved is proved, told, and not due again" {
	run_bk 0 bk-verify status
	assert_has "$out" $'repo:main\tnever\t0 %'
	run_bk 1 bk-status
	assert_has "$out" 'verify packs:main'
	run_bk 0 bk-verify run
	assert_has "$out" $'repo:main\tok\t100 % proved within 30 d'
	assert_has "$out" $'packs:main\tok\t100 % proved within 30 d'
	[ -z "$stderr" ]
	assert_is "$(state repo:main .result)" ok
	assert_is "$(state packs:main '[.exit, .counts.failures] | @csv')" 0,0
	assert_is "$(stat -c %a "$BK_STATE_DIR/verify/repo:main.json")" 600
	run_bk 0 bk-verify run
	[ -z "$stdout" ]
	run_bk 0 bk-verify status --json
	assert_json "$out" 'map(select(.type == "subject")) | length == 2 and
		all(.share == 1 and .failures == [] and .result == "ok")'
	run_bk 0 bk-verify run packs --json
	assert_json "$out" '.[0].type == "proof" and .[0].subject == "packs:main"
		and .[0].result == "ok" and .[0].bytes > 0'
}

@test "each kind of damage is found, and named" {
	run_bk 0 bk-verify run
	data=$(one data) gone=$(files data | grep -v "$data" | sed -n 1p)
	index=$(one index) snapshot=$(one snapshots)
	flip "$data"
	truncate -s -1 "$index"
	rm "$gone" "$snapshot"
	echo x >repo/keys/tmp
	run_bk 1 bk-verify run packs --all
	failures packs:main >got
	sort >want <<-END
		damaged ${data#repo/}
		damaged ${index#repo/}
		missing ${gone#repo/}
		gone snapshot ${snapshot##*/}
		extra keys/tmp
	END
	diff -u want got
	assert_has "$err" "[repo main] ${data#repo/} is damaged"
	assert_is "$(state packs:main .result)" failed
	run_bk 1 bk-status
	assert_has "$out" 'failed   verify packs:main'
	run_bk 1 bk-verify status
	assert_has "$out" 'see "A damaged or missing pack" under REPAIR'
}

@test "restic finds what hashes cannot: config, and what is not named" {
	conf_verify skip=packs
	run_bk 0 bk-verify run
	assert_is "$(state repo:main .how)" 'restic check'
	cp repo/config config
	flip repo/config
	run_bk 1 bk-verify run repo
	assert_has "$err" 'looking again with the lock'
	cp config repo/config
	run_bk 0 bk-verify run repo
	f=$(one data)
	flip "$f"
	run_bk 1 bk-verify run --all
	assert_has "$out" "${f##*/}"
}

@test "a proof that failed stays failed until the same is proved" {
	run_bk 0 bk-verify run
	f=$(one data)
	cp "$f" good
	flip "$f"
	run_bk 1 bk-verify run packs --all
	assert_is "$(state packs:main .exit)" 1
	# not reached is not healed
	mv repo away
	run_bk 1 bk-verify run
	assert_is "$(state packs:main .exit)" 1
	assert_is "$(failures packs:main)" "damaged ${f#repo/}"
	mv away repo
	run_bk 1 bk-verify run
	cp good "$f"
	run_bk 1 bk-verify status
	run_bk 0 bk-verify run
	assert_has "$out" $'packs:main\tok'
	assert_is "$(state packs:main .result)" ok
	run_bk 0 bk-verify status
}

# is_health JOB HEALTH: as bk-status has it.
is_health() {
	bk-status --json | jq -es --arg j "$1" --arg h "$2" \
		'any(.job == $j and .health == $h)' >/dev/null
}

@test "what cannot be reached is unknown, and late only after max-age" {
	run_bk 0 bk-verify run
	age packs:main $((20 * 86400))
	age repo:main $((20 * 86400))
	mv repo away
	run_bk 75 bk-verify run
	assert_has "$out" $'packs:main\tunknown'
	assert_has "$err" 'is its disk mounted?'
	assert_is "$(state packs:main .exit)" 75
	run_bk 1 bk-status --json
	assert_json "$out" 'map(select(.job == "verify packs:main")) |
		.[0].health == "delayed"'
	conf_verify max-age=1s
	wait_for 20 is_health 'verify packs:main' failed
	mkdir repo
	run_bk 75 bk-verify run
	rmdir repo && mv away repo
	run_bk 0 bk-verify run
}

@test "snapshots that bk-restic forgot are not missed, others are" {
	conf_repo 'keep=last 2'
	plan "root $SRC1" | bk-restic backup home - >/dev/null
	run_bk 0 bk-verify run
	run_bk 0 bk-restic forget --prune
	[ "$(snapshots)" = 2 ]
	run_bk 0 bk-verify run packs
	run_bk 0 bk-restic exec main -- -q forget --prune latest
	run_bk 1 bk-verify run packs
	assert_has "$out" 'is gone, and bk-restic did not remove it'
	run_bk 64 bk-verify accept
	run_bk 0 bk-verify accept packs:main
	assert_is "$(state packs:main .result)" ok
	run_bk 0 bk-verify run packs
}

@test "keys: one that is taken away is not missed, one that vanishes is" {
	echo other | bk-restic key add --host testhost main >id
	echo third | bk-restic key add --host testhost main >id3
	echo fourth | bk-restic key add --host elsewhere main >id4
	run_bk 0 bk-verify run
	run_bk 0 bk-restic key remove main "$(cat id)"
	rm repo/keys/"$(cut -c -8 id4)"*
	run_bk 0 bk-verify run packs
	rm repo/keys/"$(cut -c -8 id3)"*
	run_bk 1 bk-verify run packs
	assert_has "$out" "key $(cut -c -8 id3)"
}

@test "keys: missed also where restic may not write its lock" {
	need_root
	echo other | bk-restic key add --host testhost main >id
	mount --bind repo repo
	mount -o remount,ro,bind repo
	run_bk 0 bk-verify run packs
	umount repo
	rm repo/keys/"$(cut -c -8 id)"*
	# one that is damaged is damaged, and not gone as well
	flip "$(one keys)"
	mount --bind repo repo
	mount -o remount,ro,bind repo
	run_bk 1 bk-verify run --all packs
	umount repo
	failures packs:main >got
	assert_has got "gone key $(cut -c -8 id)"
	assert_is "$(wc -l <got)" 2
}

@test "a small budget proves a part each time, until all is proved" {
	conf_verify budget-bytes=300k
	conf_verify skip=repo
	runs=0
	until bk-verify run packs >/dev/null &&
		[ "$(progress packs:main '[.parts[] | select(. == 0)] | length')" = 0 ]; do
		runs=$((runs + 1))
		[ $runs -lt 40 ]
	done
	[ $runs -gt 2 ]
	# and what is not proved within the cycle is told
	jq '.parts["07"] = 0 | .since -= 40 * 86400' \
		state/verify/packs:main.json >p
	cat p >state/verify/packs:main.json
	conf_verify skip=packs
	run_bk 66 bk-verify run packs
	sed -i '/^skip/d' "$BK_CONFIG"
	run_bk 1 bk-verify status
	assert_has "$out" $'packs:main\tbehind\t99 %'
}

@test "the parts of repo follow the size, and each byte is read once" {
	conf_verify skip=packs
	fake_restic <<-'END'
		case " $* " in
		*' check '*) echo "$*" >>"${0%/*}/checks"; exit 0 ;;
		*' list packs '*) seq 300; exit 0 ;;
		esac
		exec "$RESTIC" "$@"
	END
	conf_verify budget-bytes=1200M
	for _ in $(seq 8); do run_bk 0 bk-verify run repo; done
	grep -o 'read-data-subset=[0-9/]*' checks | sort -u >got
	printf 'read-data-subset=%d/8\n' 1 2 3 4 5 6 7 8 | diff -u - got
	run_bk 0 bk-verify status
	assert_has "$out" $'repo:main\tok\t100 %'
}

gone() { ! kill -0 "$1" 2>/dev/null; }

@test "a check that takes too long is stopped, and its part halved" {
	conf_verify skip=packs
	fake_restic <<-'END'
		case " $* " in
		*' check '*) echo "$*" >>"${0%/*}/checks"; echo $$ >"${0%/*}/pid"
			exec sleep 600 ;;
		esac
		exec "$RESTIC" "$@"
	END
	bk-verify run >/dev/null 2>err &
	wait_for 20 [ -s pid ]
	run_bk 75 bk-verify run
	assert_has "$err" 'is locked by process'
	kill -TERM $!
	wait $! || status=$?
	assert_is $status 143
	wait_for 20 gone "$(cat pid)"
	run_bk 0 bk-verify status
	assert_has "$out" $'repo:main\tdue\t0 %'
	# the part takes longer than there is time
	jq '.own.t = 4' state/verify/repo:main.json >p
	cat p >state/verify/repo:main.json
	conf_verify budget=1s
	run_bk 75 bk-verify run
	assert_has "$err" 'took too long and was stopped'
	assert_is "$(progress repo:main .own.t)" 8
	wait_for 20 gone "$(cat pid)"
}

@test "kill -9 anywhere loses no proof and leaves nothing behind" {
	conf_verify skip=repo
	for n in $(seq 25); do
		bk-verify run packs --all >/dev/null 2>&1 &
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
		kill -9 $! 2>/dev/null || :
		wait $! 2>/dev/null || :
		[ ! -e state/verify/packs:main.json ] ||
			jq -e .v state/verify/packs:main.json >/dev/null
	done
	run_bk 0 bk-verify run
	run_bk 0 bk-verify status
	assert_has "$out" $'packs:main\tok\t100 %'
	assert_is "$(ls run)" lock
}

@test "kill -9 while restic checks: nothing is proved, nobody is locked out" {
	local n job
	conf_verify skip=packs
	for n in 1 2 3 4 5 6 7 8; do
		bk-verify run repo --all >/dev/null 2>&1 3>&- &
		job=$!
		sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
		kill -9 $job 2>/dev/null || :
		wait $job 2>/dev/null || :
		[ ! -e state/verify/repo:main.json ] ||
			jq -e .v state/verify/repo:main.json >/dev/null
	done
	flip "$(one data)"
	run_bk 1 bk-verify run repo --all
	assert_is "$(state repo:main .result)" failed
	run_bk 0 bk-restic unlock
	run_bk 0 bk-restic exec main -- list locks --no-lock
	[ -z "$stdout" ]
}

@test "a clock that was ahead proves nothing" {
	run_bk 0 bk-verify run
	age packs:main -864000
	run_bk 0 bk-verify status
	assert_has "$out" $'packs:main\tnever\t0 %'
	run_bk 0 bk-verify run
	assert_has "$out" $'packs:main\tok\t100 %'
}

@test "another place, a damaged record: proved anew, and said" {
	run_bk 0 bk-verify run
	cp -r repo other
	conf_repo "url=$T/other"
	run_bk 0 bk-verify status
	assert_has "$err" 'is about another place than before'
	assert_has "$out" $'packs:main\tnever'
	run_bk 0 bk-verify run
	echo '{"v":1' >state/verify/packs:main.json
	run_bk 0 bk-verify run
	assert_has "$err" 'all of packs:main is to be proved anew'
	# that of a newer bk is not thrown away: failures may be in it
	echo '{"v":2}' >state/verify/packs:main.json
	run_bk 65 bk-verify run packs:main
	assert_has "$err" 'was written by a newer bk: install that one'
	assert_is "$(cat state/verify/packs:main.json)" '{"v":2}'
}

@test "what is asked for wrongly, and what would be done" {
	run_bk 64 bk-verify
	run_bk 64 bk-verify prove
	run_bk 64 bk-verify status --all
	run_bk 66 bk-verify run nosuch
	run_bk 66 bk-verify status packs:other
	run_bk 0 bk-verify run -n
	assert_has "$out" $'packs:main\thashed where it lies'
	[ ! -e state/verify ] || [ -z "$(ls state/verify)" ]
	[ ! -e state/state ]
	sed -i '/^\[verify/,$d' "$BK_CONFIG"
	run_bk 78 bk-verify run
	assert_has "$err" 'has no [verify]'
	printf '[verify]\nskip = x\n' >>"$BK_CONFIG"
	run_bk 78 bk-verify run
	chmod 600 pw
}

@test "an unused packet in the repository is no damage, a strange file is" {
	run_bk 0 bk-verify run
	# as a backup that was interrupted leaves it
	head -c 5000 /dev/urandom >pack
	id=$(sha256sum <pack | cut -c-64)
	cp pack "repo/data/${id:0:2}/$id"
	: >"repo/data/${id:0:2}/$id-tmp-123"
	run_bk 0 bk-verify run packs --all
	rm "repo/data/${id:0:2}/$id"
	run_bk 0 bk-verify run packs --all
	mkdir repo/data/zz
	cp pack "repo/data/zz/$id"
	run_bk 1 bk-verify run packs
	assert_is "$(failures packs:main)" "extra data/zz/$id"
	rm -r repo/data/zz
	run_bk 0 bk-verify run packs
	rm -r repo/keys
	run_bk 1 bk-verify run packs
	assert_has "$out" 'its folder keys is gone'
}

@test "age: the newest snapshot that the repository has, not what was said" {
	sed -i '/^skip=age/d' "$BK_CONFIG"
	sed -i '/^\[backup home\]/a max-age = 1d' "$BK_CONFIG"
	run_bk 0 bk-verify run age
	assert_has "$out" $'age:home\tok'
	sed -i 's/^max-age = 1d/max-age = 1s/' "$BK_CONFIG"
	sleep 1.5
	run_bk 1 bk-verify run age
	assert_has "$out" 'ago, which is more than 1 s'
	assert_has "$out" 'first: bk-restic backup'
	assert_is "$(failures age:home)" newest
	sed -i 's/^max-age = 1s/max-age = 1d/' "$BK_CONFIG"
	run_bk 0 bk-verify run
	assert_is "$(state age:home .result)" ok
	# one of which there is none, and one from a clock that was ahead
	printf '[backup other]\nrepo = main\npath = %s\n' "$SRC1" >>"$BK_CONFIG"
	run_bk 1 bk-verify run age:other
	assert_has "$out" 'there is no snapshot of it'
	run_bk 0 bk-restic exec main -- -q backup --host testhost \
		--tag bk,other --time '2036-01-01 00:00:00' "$SRC1"
	run_bk 1 bk-verify run age:other
	assert_has "$out" 'a clock is or was wrong'
}
