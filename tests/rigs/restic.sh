#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# restic.sh [CACHE]: makes restic as other Debian releases have it available,
# beside the one installed; prints a line VERSION<TAB>PATH for each. They are
# fetched by a private apt, from the archive this machine uses already, into
# CACHE (default ~/.cache/bk-tests), once. What cannot be had is told on
# stderr; the exit status is 0 all the same.
set -u

cache=$(realpath -m "${1:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/bk-tests}")
cache=$cache/restic

version_of() { "$1" version 2>/dev/null | sed -n 's/^restic \([0-9.]*\).*/\1/p'; }

# The machine's own archive: "URI<TAB>keyring", from deb822 or one-line files.
archive() {
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '
	function flush() {
		if (types ~ /(^| )deb( |$)/ && uri ~ /debian\/*$/ &&
		    comp ~ /(^| )main( |$)/) {
			print uri "\t" key
			exit
		}
		types = uri = comp = key = ""
	}
	/^[ \t]*$/ { flush(); next }
	{ field = tolower($1); value = $0; sub(/^[^:]*:[ \t]*/, "", value) }
	field == "types:" { types = value }
	field == "uris:" { split(value, u, " "); uri = u[1] }
	field == "components:" { comp = value }
	field == "signed-by:" && value ~ /^\// { key = value }
	END { flush() }'
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		awk '$1 == "deb" {
		key = ""
		if (match($0, /signed-by=[^] ]*/))
			key = substr($0, RSTART + 10, RLENGTH - 10)
		sub(/\[[^]]*\] */, "")
		if ($2 ~ /debian\/*$/ && $4 == "main") print $2 "\t" key
	}'
}

# fetch SUITE: leaves $cache/SUITE/restic, or says why not.
fetch() {
	local dir=$cache/$1 uri key log
	log=$dir/log
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" || return
	IFS=$'\t' read -r uri key < <(archive)
	if [ -z "$uri" ]; then
		echo "no Debian archive among apt's sources" >"$log"
		return 1
	fi
	for key in "$key" /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[ ! -r "$key" ] || break
	done
	echo "deb [signed-by=$key] $uri $1 main" >"$dir/sources.list"
	: >"$dir/status"
	local apt=(timeout 300 apt-get -qq -o Dir::Etc::SourceList="$dir/sources.list"
		-o Dir::Etc::SourceParts=/dev/null
		-o Dir::State::Status="$dir/status"
		-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache"
		-o Acquire::Languages=none -o Acquire::Retries=2
		-o Acquire::http::Timeout=30 -o APT::Sandbox::User=
		-o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any)
	(
		cd "$dir" && "${apt[@]}" update && "${apt[@]}" download restic &&
			dpkg-deb -x restic_*.deb x &&
			mv x/usr/bin/restic restic
	) >"$log" 2>&1 </dev/null
	local status=$?
	rm -rf "$dir/lists" "$dir/cache" "$dir"/restic_*.deb "$dir/x"
	[ $status = 0 ] && [ -n "$(version_of "$dir/restic")" ]
}

seen=' '
list() {
	local v
	v=$(version_of "$1")
	case $seen in *" $v "*) return ;; esac
	[ -n "$v" ] || return
	seen="$seen$v "
	printf '%s\t%s\n' "$v" "$1"
}

if command -v restic >/dev/null; then
	list "$(command -v restic)"
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
	echo "restic.sh: no apt here: only the restic installed" >&2
	exit 0
fi
mkdir -p "$cache" && exec 9>"$cache/lock" && flock -w 900 9 || exit 0
own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
for suite in bookworm trixie sid; do
	[ "$suite" != "$own" ] || continue
	if [ ! -x "$cache/$suite/restic" ]; then
		# do not ask again at once: without a network it takes long
		if [ -n "$(find "$cache/$suite/failed" -mmin -30 2>/dev/null)" ] ||
			! fetch "$suite"; then
			echo "restic.sh: no restic of $suite:" \
				"$(tail -n 1 "$cache/$suite/log")" >&2
			[ -e "$cache/$suite/failed" ] ||
				touch "$cache/$suite/failed"
			continue
		fi
		rm -f "$cache/$suite/failed"
	fi
	list "$cache/$suite/restic"
done
exit 0
