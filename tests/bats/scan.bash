# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about the walk and the cache of bk-scan share, beside
# helper.bash.
# shellcheck disable=SC2034,SC2154

# The one [scan] root is $T/home, and every .backup is in the set "home".
scan_setup() {
	bk_setup
	mkdir home
	cache=$BK_CACHE_DIR/scan/tree
	scan_conf "$T/home"
	rigs=$BATS_TEST_DIRNAME/../rigs
	export T cache rigs
	export -f fail run_bk assert_has assert_hasnt assert_is assert_json \
		settle same proved as_user wait_for need_program ahead
}

# scan_conf ROOT: the configuration, with another root.
scan_conf() {
	cat >"$BK_CONFIG" <<-END
		[scan]
		root = $1
		[repo main]
		url = $T/repo
		password = file:$T/pw
		[backup home]
		repo = main
		markers = yes
	END
}

# settle: everything is old enough for its times to be believed.
settle() {
	sleep 3.2
	bk-scan list >/dev/null 2>&1 || [ $? = 3 ]
}

# same, [STATUS=N] same: a re-scan gives the plan of a full scan. Its -v messages are
# in $err, its plan in $out.
same() {
	run_bk "${STATUS:-0}" bk-scan -n --full --json list
	jq -c 'del(.time)' "$out" >"$T/want"
	run_bk "${STATUS:-0}" bk-scan -v --json list
	jq -c 'del(.time)' "$out" | diff "$T/want" -
}

# proved N: that many folders were not read.
proved() {
	assert_has "$err" "known folders, $1 were proved"
}

# in_mounts SCRIPT: in a mount namespace of its own.
in_mounts() {
	need_root
	need_program unshare
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	unshare -m bash -euc "$1"
}

# on_image SCRIPT FSTYPE MKFS...: the same, with home on an image that this
# command makes.
on_image() {
	local script=$1 fstype=$2
	shift 2
	need_program "$1"
	truncate -s 320M image
	"$@" image >mkfs.log 2>&1 || fail "$(cat mkfs.log)" || return
	export fstype
	in_mounts "mount -t $fstype -o loop image home 2>mount.log || exit 99
		$script" || {
		[ $? != 99 ] || skip "$fstype cannot be mounted: $(cat mount.log)"
		return 1
	}
}

# as_user COMMAND...: as nobody, who owns everything below $T.
as_user() {
	local d=$T
	[ -d "$T/bin" ] || {
		mkdir "$T/bin"
		cp "$BK_BIN/bk-scan" "$T/bin/"
	}
	# not what is his: that would move its times
	find "$T" ! -uid 65534 -exec chown -h 65534:65534 {} +
	while [ "$d" ] && [ "$d" != /tmp ] && [ "$d" != /var/tmp ]; do
		chmod a+x "$d"
		d=${d%/*}
	done
	PATH=$T/bin:$PATH setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# ahead NS COMMAND...: with a time of day that is that far ahead, or behind.
ahead() {
	need_program "${CC:-cc}"
	[ -e clock.so ] || "${CC:-cc}" -shared -fPIC -o clock.so \
		"$rigs/clock.c"
	AHEAD_NS=$1 LD_PRELOAD=$T/clock.so \
		ASAN_OPTIONS=verify_asan_link_order=0 "${@:2}"
}
