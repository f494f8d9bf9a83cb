#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Whoever is root on the host has the keys that bk-config append-only leaves
# there, and all of its programs. Real sshd, the forced command, real rclone.

load helper
load config
load append

setup() { append_setup; }
teardown() { append_teardown; }

# all_sums FILE: everything on the box but locks; all_unharmed FILE.
all_sums() {
	(cd b/one/data && find . -path '*/locks' -prune -o -type f -print0 |
		sort -z | xargs -0 sha256sum) >"$1"
}
all_unharmed() {
	(cd b/one/data && sha256sum --quiet -c) <"$1" || return
	# nothing new outside of the repository
	(cd b/one/data && find . -path ./r -prune -o -print) |
		sort | cmp - outside
}

# A: ssh as the attacker has it; denied COMMAND...: fails, or does not end.
denied() {
	! timeout 6 nsenter -t "$ns" -m --wd="$T" "$@" </dev/null \
		>denied.out 2>&1 ||
		fail "it worked: $*" "$(head -c 1000 denied.out)"
}

# at_once COMMAND...: denied, several at the same time, until all_denied.
tried=()
at_once() {
	timeout 12 nsenter -t "$ns" -m --wd="$T" "$@" </dev/null >/dev/null \
		2>&1 3>&- &
	tried+=($!)
}
all_denied() {
	local p
	for p in "${tried[@]}"; do
		! wait "$p" || fail "it worked: one of ${#tried[@]}" || return
	done
	tried=()
}

@test "with the keys of the host nothing goes away and nothing changes" {
	local ssh=(ssh -F /etc/bk/ssh_config -o BatchMode=yes) name=append-main
	local r id here
	here=$(uname -n)
	append_only 0 --full-key-to carry
	mv carry away
	id=$(basename "$repo"/snapshots/*)
	: >b/one/commands.log
	all_sums before
	(cd b/one/data && find . -path ./r -prune -o -print) | sort >outside

	# rclone's own protocol, with questions that restic would not ask
	run_bk 0 there python3 "$rig/append_attack.py" "$T/$repo" \
		"${ssh[@]}" "$name"
	[ "$(grep -c '^403 DELETE /' "$out")" -ge 20 ]
	assert_hasnt "$out" '200 DELETE'
	assert_is "$(grep -cE '^200 (PUT|PATCH|MOVE|COPY|MKCOL)' "$out")" 0
	unharmed_names
	all_unharmed before

	# files
	printf '%s\n' "rm r/$here/config" "put /etc/hosts r/$here/config" \
		"rename r/$here/config r/x" 'rm .ssh/authorized_keys' |
		sed 's/^/-/' >"batch"
	at_once sftp -F /etc/bk/ssh_config -b batch $name
	at_once scp -F /etc/bk/ssh_config /etc/hosts "$name:r/$here/config"
	at_once scp -O -F /etc/bk/ssh_config /etc/hosts "$name:r/$here/config"
	at_once rsync -a --delete -e 'ssh -F /etc/bk/ssh_config' src/ \
		"$name:r/$here/"
	all_denied
	# commands: rclone answers, whatever is asked
	for r in "rm -rf r" "rclone serve restic --stdio r/$here" \
		"install-ssh-key" "/bin/sh"; do
		at_once "${ssh[@]}" $name "$r"
	done
	for r in "${tried[@]}"; do
		wait "$r" || :
	done
	tried=()
	timeout 6 nsenter -t "$ns" -m "${ssh[@]}" -tt $name 'rm -rf r' \
		</dev/null >said 2>&1 || :
	assert_has said 'PTY allocation request failed'
	timeout 6 nsenter -t "$ns" -m "${ssh[@]}" -o SetEnv=EVIL=1 -A $name \
		'rm -rf r' </dev/null >said 2>&1 || :
	assert_is "$(grep -vc 'serve restic --stdio --append-only' \
		b/one/commands.log)" 0
	# ways through
	denied "${ssh[@]}" -W "127.0.0.1:$port" $name
	assert_has denied.out 'prohibited'
	denied "${ssh[@]}" -o ExitOnForwardFailure=yes -N -R 0:127.0.0.1:1 $name
	# the old key
	denied sftp -F /etc/bk/ssh_config -b batch box
	assert_has denied.out 'Permission denied'
	all_unharmed before

	# locks may go: that is all
	echo x >"$repo/locks/of-another"
	chown --reference="$repo" "$repo/locks/of-another"
	run_bk 0 there env LOCK=of-another python3 "$rig/append_attack.py" \
		"$repo" "${ssh[@]}" $name
	assert_is "$stdout" '200 DELETE /locks/'
	[ ! -e "$repo/locks/of-another" ]

	# what was added is garbage, which stops restic among the locks, and
	# may confuse it elsewhere, until one with the full key clears it away
	clear_garbage before
	run_bk 0 there bk-restic backup
	run_bk 0 restic -q -r "$repo" --password-file etc/bk/pw --no-lock \
		restore "$id" --target back
	diff -r "back$T/src" src
}

# restic_attack RESTIC: what it can ask for. Each tries again for a while, of
# which the first time tells all; what it locked meanwhile is unlocked.
restic_attack() {
	local r program="ssh -F /etc/bk/ssh_config append-main"
	for r in "forget $id" "key remove ${key:0:8}" 'rebuild-index' \
		"tag --set x $id" 'prune' 'migrate upgrade_repo_v2' 'recover' \
		'init' 'unlock --remove-all'; do
		# shellcheck disable=SC2086
		timeout -s KILL 5 nsenter -t "$ns" -m "$1" -q \
			-r "rclone:r/$(uname -n)" -o rclone.program="$program" \
			--password-file "$T/etc/bk/pw" --no-cache $r \
			</dev/null >said 2>&1 || :
		rm -f "$repo"/locks/*
	done
}

@test "nor with restic, of any release" {
	local version restic id key
	by_hand
	mv etc/bk/ssh/box etc/bk/ssh/append-main
	sed 's/box$/append-main/' etc/bk/ssh_config >config &&
		sed 's,/box",/append-main",' config >etc/bk/ssh_config
	echo other | restic -q -r "$repo" --password-file etc/bk/pw key add \
		--new-password-file /dev/stdin
	chown -R --reference="$repo" "$repo"
	id=$(basename "$repo"/snapshots/*)
	# shellcheck disable=SC2012
	key=$(ls -t "$repo/keys" | head -n 1)
	(cd b/one/data && find . -path ./r -prune -o -print) | sort >outside
	all_sums before
	while IFS=$'\t' read -r version restic; do
		echo "restic $version"
		restic_attack "$restic"
		assert_hasnt said 'Permission denied ('
		all_unharmed before
		[ -n "${BK_LONG:-}" ] || break
	done < <(restic_versions)
}

# clear_garbage FILE: what is not as all_sums wrote it.
clear_garbage() {
	local f
	(cd b/one/data && find r -type f -print0) |
		while IFS= read -r -d '' f; do
			grep -q "^[0-9a-f]\{64\}  \./${f//./\\.}\$" "$1" || rm "b/one/data/$f"
		done
	find "$repo" -mindepth 1 -type d -empty ! -path "$repo/locks" \
		! -path "$repo/data/??" -delete
	mkdir -p "$repo/locks"
	chown --reference="$repo" "$repo/locks"
}

# No name that restic goes by has come to a file that is not its own.
unharmed_names() {
	local f
	for f in "$repo"/data/??/* "$repo"/snapshots/*; do
		[ ! -f "$f" ] ||
			assert_is "$(sha256sum <"$f" | cut -c1-64)" \
				"$(basename "$f")"
	done
}

# forged TIME: a snapshot of no use, as the host can add it, with any date.
forged() {
	echo garbage | restic -q -r "$repo" --password-file etc/bk/pw backup \
		--stdin --stdin-filename x --host "$(uname -n)" --time "$1" \
		--tag bk,files
}

# kept RESTIC RULE...: would forget leave the good one?
kept() {
	"$1" -r "$repo" --password-file etc/bk/pw --no-lock forget --dry-run \
		--json --host "$(uname -n)" --group-by host,tags "${@:2}" |
		jq -e --arg id "$good" \
			'any(.[].keep[]?; .id == $id)' >/dev/null
}

@test "false dates: what keep = within saves, and what does not" {
	local version restic day n=0
	# a good one of yesterday
	day=$(date -d yesterday +%F)
	rm -f "$repo"/snapshots/*
	forged "$(date -d '9 days ago' +%F) 12:00:00"
	ls "$repo/snapshots" >first
	restic -q -r "$repo" --password-file etc/bk/pw backup src \
		--host "$(uname -n)" --time "$day 12:00:00" --tag bk,files
	good=$(find "$repo/snapshots" -type f -printf '%f\n' |
		grep -vxFf first)
	forged "$day 23:59:59"
	forged "$(date '+%F %T')"
	forged "$(date -d '2 days' +%F) 00:00:00"
	forged '2099-01-01 00:00:00'
	chown -R --reference="$repo" "$repo"
	while IFS=$'\t' read -r version restic; do
		echo "restic $version"
		kept "$restic" --keep-within 90d
		# the rules of the folder that is carried away
		kept "$restic" --keep-within 90d --keep-daily 14
		! kept "$restic" --keep-last 3 || fail 'by count?'
		! kept "$restic" --keep-daily 14 || fail 'by day?'
		! kept "$restic" --keep-within-daily 14d || fail 'within, by day?'
		n=$((n + 1))
	done < <(restic_versions)
	[ $n -gt 0 ]
	# bk-restic forgets nothing while one is dated in the future
	sed -i 's/^keep = hourly.*/keep = within 90d/' etc/bk/bk.conf
	run_bk 1 there bk-restic forget files
	assert_has "$err" 'the clock is behind the newest snapshot'
	[ -e "$repo/snapshots/$good" ]
}
