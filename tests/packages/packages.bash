# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034
#
# Packages of what this checkout is, built once in a run of the tests, and a
# signed repository of them. BK_PACKAGES=FOLDER keeps them there, or takes those
# that are there.

P=${BK_PACKAGES:-$BK_TEST_RUN/packages}
top=$(realpath "$BATS_TEST_DIRNAME/../..")
rig=$top/tests/rigs
export GNUPGHOME=$P/gpg

# why_not PROGRAM...: says what is missing for these tests, or nothing.
why_not() {
	local p
	for p in "$@"; do
		command -v "$p" >/dev/null || echo "$p is not installed"
	done
	[ "$(id -u)" = 0 ] || echo "needs root"
	[ "$B" = "$BK_BIN" ] || echo "tests what was built, not what is installed"
	! ldd "$BK_BIN/bk-scan" 2>&1 | grep -q libasan ||
		echo "not with sanitizers"
}

# build B [VARIABLE...]: .deb and .rpm, in B; what is said in B.KIND.log.
build() {
	local b=$1 kind
	shift
	mkdir -p "${b%/*}"
	for kind in deb rpm; do
		env -u MAKEFLAGS "$@" make -C "$top" B="$b" $kind \
			>"$b.$kind.log" 2>&1 ||
			fail "not built:" "$(tail -n 30 "$b.$kind.log")" || return
	done
}

# In $P: b with the packages, repo with the repository, key.
build_once() {
	mkdir -p "$P"
	exec 8>"$P/lock"
	flock 8
	if [ ! -e "$P/done" ]; then
		build "$P/b"
		mkdir -m 700 "$P/gpg"
		gpg --batch --passphrase '' --quick-gen-key \
			'packages <packages@example.org>' rsa3072 sign never 2>/dev/null
		put_into "$P/repo" "$P/b"
		gpgconf --kill all
		touch "$P/done"
	fi
	exec 8>&-
}

# put_into REPO B [URL]
put_into() {
	local kind
	for kind in deb rpm; do
		make -s -C "$top" "repo-$kind" B="$2" REPO="$1" URL="${3:-file://$1}" \
			KEY=packages@example.org
	done
}
