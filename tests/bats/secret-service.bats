#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# bk-secret-service against a real gnome-keyring-daemon, and against services
# and buses that behave badly.

load helper

setup() {
	bk_setup
	# no program of a user: installed it is not in the path
	[ "$BK_BIN" != /usr/bin ] || PATH=$PATH:/usr/libexec/bk
	need_program bk-secret-service dbus-daemon gnome-keyring-daemon \
		secret-tool python3
	need_module jeepney
	rigs=$BATS_TEST_DIRNAME/../rigs
	k=$T/k pids=
}

teardown() {
	local pid
	for pid in ${pids:-}; do
		kill "$pid" 2>/dev/null || :
	done
	[ ! -d "${k:-/nonexistent}" ] || "$rigs/keyring.sh" down "$k"
}

need_module() {
	python3 -c "import $1" 2>/dev/null || skip "python3 has no $1"
}

# keyring STATE: the rig, and what it says of where it is
keyring() {
	"$rigs/keyring.sh" "$1" "$k"
	# shellcheck source=/dev/null
	. "$k/env"
}

# service ARGUMENT...: a service that behaves badly, in the keyring's place
service() {
	"$rigs/keyring.sh" bus "$k"
	# shellcheck source=/dev/null
	. "$k/env"
	python3 "$rigs/keyring-service.py" "$@" >service.txt 2>&1 3>&- &
	pids="$pids $!"
	wait_for 30 grep -qs ready service.txt
}

sv() { bk-secret-service "$@"; }

# store SECRET ATTRIBUTE...
store() {
	local secret=$1
	shift
	printf %s "$secret" >in
	run_bk 0 sv set "$@" <in
	[ ! -s "$out" ] && [ ! -s "$err" ]
}

# assert_secret SECRET ATTRIBUTE...: just that, and no message
assert_secret() {
	local secret=$1
	shift
	run_bk 0 sv get "$@"
	assert_is "$(cat "$out"; echo .)" "$secret."
	assert_is "$stderr" ''
}

# as secret-tool and others do it: nothing but these attributes
tool_store() {
	local secret=$1
	shift
	printf %s "$secret" | secret-tool store --label test "$@"
}

# the secrets of all items that match, of our own attributes
count() { secret-tool search --all "$@" 2>/dev/null | grep -c '^secret = '; }

# python backend SecretService or libsecret: py BACKEND CALL
py() {
	python3 -c "
import sys
from keyring.backends.$1 import Keyring
r = Keyring().$2
if r is not None: sys.stdout.write(r)"
}

# Modification is told in seconds.
next_second() {
	local now
	now=$(date +%s)
	wait_for 3 later_than "$now"
}
later_than() { [ "$(date +%s)" -gt "$1" ]; }

@test "what secret-tool stores is found, by these attributes and by fewer" {
	keyring unlocked
	tool_store one service nas username backup
	tool_store two service nas username other url http://x
	assert_secret one service=nas username=backup
	assert_secret two username=other service=nas
	assert_secret two url=http://x
	run_bk 66 sv get service=nas username=nobody
	[ ! -s "$out" ]
	assert_has "$err" 'service=nas username=nobody: there is no such item'
	assert_is "$(wc -l <"$err")" 1
	run_bk 66 sv get service=nas username=backup url=http://x
}

@test "what keyring of Python stores is found, and ours by it" {
	need_module secretstorage
	need_module keyring.backends.SecretService
	keyring unlocked
	py SecretService 'set_password("nas", "backup", "from python")'
	assert_secret 'from python' service=nas username=backup
	store 'from us' service=nas username=ours
	assert_is "$(py SecretService 'get_password("nas", "ours")')" 'from us'
	# each replaces the other's
	store 'again us' service=nas username=backup
	assert_is "$(py SecretService 'get_password("nas", "backup")')" 'again us'
	py SecretService 'set_password("nas", "ours", "again python")'
	assert_secret 'again python' service=nas username=ours
	assert_is "$(count service nas)" 2
	run_bk 0 sv del service=nas username=backup
	assert_is "$(py SecretService 'get_password("nas", "backup")')" ''
	py SecretService 'delete_password("nas", "ours")'
	run_bk 66 sv get service=nas username=ours
}

@test "the same for keyring's libsecret backend" {
	need_module gi
	need_module keyring.backends.libsecret
	python3 -c 'import gi; gi.require_version("Secret", "1")' 2>/dev/null ||
		skip "there is no typelib of libsecret"
	keyring unlocked
	py libsecret 'set_password("nas", "backup", "from python")'
	assert_secret 'from python' service=nas username=backup
	store 'from us' service=nas username=ours
	assert_is "$(py libsecret 'get_password("nas", "ours")')" 'from us'
	store 'again us' service=nas username=backup
	assert_is "$(py libsecret 'get_password("nas", "backup")')" 'again us'
	py libsecret 'set_password("nas", "ours", "again python")'
	assert_secret 'again python' service=nas username=ours
	assert_is "$(count service nas)" 2
	# one that had but service and username becomes findable
	tool_store tool service nas username tool
	assert_is "$(py libsecret 'get_password("nas", "tool")')" ''
	store us service=nas username=tool
	assert_is "$(py libsecret 'get_password("nas", "tool")')" us
	assert_is "$(count service nas username tool)" 1
}

@test "what we store, secret-tool finds; label and attributes are as told" {
	keyring unlocked
	store one service=nas username=backup
	assert_is "$(secret-tool lookup service nas username backup)" one
	secret-tool search service nas >found 2>&1
	assert_has found "label = Password for 'backup' on 'nas'"
	assert_has found 'attribute.application = Python keyring library'
	store two --label 'my box' Path=/Backup/box
	assert_is "$(secret-tool lookup Path /Backup/box)" two
	secret-tool search Path /Backup/box >found 2>&1
	assert_has found 'label = my box'
	assert_hasnt found 'attribute.application'
	store three Path=/Backup/box
	secret-tool search Path /Backup/box >found 2>&1
	assert_has found 'label = my box'
	store four --label new Path=/Backup/box
	secret-tool search Path /Backup/box >found 2>&1
	assert_has found 'label = new'
	assert_is "$(count Path /Backup/box)" 1
}

@test "entries of KeePassXC are found by service and username" {
	keyring unlocked
	tool_store kp Title nas UserName backup URL http://x Path /a/nas \
		Uuid 0123
	assert_secret kp service=nas username=backup
	assert_secret kp Path=/a/nas
	run_bk 66 sv get service=nas username=x
	run_bk 66 sv get service=nas
	# one of its own comes first, and takes nothing from KeePassXC
	store own service=nas username=backup
	assert_secret own service=nas username=backup
	assert_secret kp Title=nas
	run_bk 0 sv del service=nas username=backup
	run_bk 66 sv del service=nas username=backup
	assert_secret kp service=nas username=backup
}

@test "set replaces what get finds alone; where several are meant it asks" {
	keyring unlocked
	tool_store kp Title nas UserName backup Path /a/nas
	store new Path=/a/nas
	assert_is "$(count Path /a/nas)" 1
	assert_secret new Title=nas UserName=backup
	tool_store one service box username a
	tool_store two service box username b
	printf three >in
	run_bk 64 sv set service=box <in
	assert_has "$err" '2 items have these attributes and more'
	run_bk 64 sv del service=box
	assert_secret one service=box username=a
	assert_secret two service=box username=b
	run_bk 0 sv del service=box username=a
	run_bk 66 sv get service=box username=a
	assert_secret two service=box
	# just these are there: the others are not touched
	printf '%s' three >in
	tool_store c service box username c
	python3 -c '
import secretstorage as s
c = s.get_default_collection(s.dbus_init())
c.create_item("x", {"service": "box"}, b"old", replace=False)'
	run_bk 0 sv set service=box <in
	assert_secret two service=box username=b
	assert_secret c service=box username=c
	next_second
	tool_store newer service box username c
	assert_secret three service=box
	run_bk 0 sv del service=box
	assert_is "$(count service box)" 2
}

@test "of several the one changed last is taken, and set leaves one" {
	need_module secretstorage
	keyring unlocked
	tool_store old a 1 b 1
	next_second
	tool_store new a 1 b 2
	assert_secret new a=1
	run_bk 0 sv -v get a=1
	assert_has "$err" 'a=1: 2 items, and 0 that are locked; taken is the'
	next_second
	tool_store newest a 1 b 1
	assert_secret newest a=1
	for i in 1 2 3; do
		python3 -c '
import secretstorage as s
c = s.get_default_collection(s.dbus_init())
c.create_item("x", {"service": "S", "username": "U"}, b"twin", replace=False)'
	done
	assert_is "$(count service S)" 3
	store one service=S username=U
	assert_is "$(count service S)" 1
	assert_secret one service=S username=U
}

# assert_bytes FILE: it comes back as it was stored
assert_bytes() {
	run_bk 0 sv set service=bytes username=u <"$1"
	run_bk 0 sv get service=bytes username=u
	cmp "$1" "$out"
	[ ! -s "$err" ]
}

@test "secrets of any bytes survive, and a restart of the keyring" {
	keyring unlocked
	printf 'a\0b' >nul
	printf 'two\nlines\n' >lines
	: >empty
	printf '\xff\xfe\x80' >noutf8
	printf ' blanks\t' >blanks
	head -c 8192 /dev/urandom >random
	head -c 32768 /dev/zero | tr '\0' x >longest
	printf '\n' >newline
	for f in nul lines empty noutf8 blanks newline longest random; do
		assert_bytes $f
	done
	keyring unlocked
	run_bk 0 sv get service=bytes username=u
	cmp random "$out"
	printf x >>longest
	run_bk 65 sv set service=bytes username=u <longest
	assert_has "$err" 'longer than 32768 bytes'
	run_bk 0 sv get service=bytes username=u
	cmp random "$out"
	need_module secretstorage
	python3 -c '
import secretstorage as s
c = s.get_default_collection(s.dbus_init())
c.create_item("x", {"long": "y"}, open("longest", "rb").read())'
	run_bk 65 sv get long=y
	[ ! -s "$out" ]
}

@test "attributes of any text, and none that are not" {
	keyring unlocked
	local v i=0
	# shellcheck disable=SC2016
	for v in $'new\nline' $'tab\there' $'esc\e[31m' -dash ' space ' = a=b '' \
		'*' '%s%n' 'back\slash' '"quote' "'single" '$HOME' '../../x' \
		$'\xc3\xa4\xe2\x82\xac' "$(head -c 5000 /dev/zero | tr '\0' x)"; do
		i=$((i + 1))
		store "secret $i" service="$v" "username=u$i"
		assert_secret "secret $i" service="$v" username=u$i
		# it takes what starts with a dash for an option
		[ "$v" = -dash ] ||
			assert_is "$(LC_ALL=C.UTF-8 secret-tool lookup \
				service "$v" username u$i)" "secret $i"
		run_bk 66 sv get service="$v" username=none
		assert_hasnt "$err" $'\e'
		assert_is "$(wc -l <"$err")" 1
	done
	store dash -- -k=v --user=x
	assert_secret dash -- -k=v --user=x
	run_bk 65 sv get service=$'\xff\xfe'
	assert_has "$err" "'service=\\xff\\xfe' is not UTF-8"
	run_bk 64 sv get service
	run_bk 64 sv get =x
	run_bk 64 sv get a=1 b=2 a=3
	run_bk 0 sv list
	assert_is "$(tr '\0' '\n' <"$out" | grep -c '^username=')" 17
}

@test "list shows all items, by NUL; locked ones too" {
	keyring unlocked
	run_bk 0 sv list
	[ ! -s "$out" ]
	store one service=b username=u
	tool_store two path $'/x\ny'
	printf '%s\0' 'application=Python keyring library' service=b \
		username=u '' $'path=/x\ny' '' >want
	run_bk 0 sv list
	# gnome-keyring adds a schema where none was given, at times
	grep -zv '^xdg:schema=' "$out" >got
	cmp want got
	keyring locked
	run_bk 0 sv list
	# two empty records end two items
	assert_is "$(tr '\0' '\n' <"$out" | grep -c '^$')" 2
}

@test "a locked keyring is told at once, and nothing asks" {
	keyring unlocked
	store one service=S username=U
	keyring locked
	printf two >in
	run_bk 75 timeout 2 bk-secret-service get service=S username=U
	assert_has "$err" 'service=S username=U: the keyring is locked'
	assert_is "$(wc -l <"$err")" 1
	[ ! -s "$out" ]
	run_bk 66 timeout 2 bk-secret-service get service=S username=nobody
	run_bk 75 timeout 2 bk-secret-service set service=S username=U <in
	run_bk 75 timeout 2 bk-secret-service set service=new username=U <in
	run_bk 75 timeout 2 bk-secret-service del service=S username=U
	keyring unlocked
	assert_secret one service=S username=U
	run_bk 66 sv get service=new username=U
}

@test "a keyring that was never made: no such item, and set says so" {
	keyring empty
	run_bk 66 sv get service=S username=U
	printf x >in
	run_bk 69 timeout 2 bk-secret-service set service=S username=U <in
	assert_has "$err" 'there is no default keyring'
	run_bk 0 sv list
}

@test "what would need a prompt is locked, and no prompt is started" {
	service prompting "$T/prompts"
	# GLib frees what watches a prompt in a main loop only, and none follows
	export ASAN_OPTIONS=detect_leaks=0
	printf x >in
	run_bk 75 timeout 2 bk-secret-service get service=S username=U
	run_bk 75 timeout 2 bk-secret-service del service=S username=U
	run_bk 75 timeout 2 bk-secret-service set service=S username=U <in
	run_bk 75 timeout 2 bk-secret-service set service=T username=U <in
	assert_has "$err" 'service=T username=U: the keyring is locked, or asks'
	[ ! -e prompts ]
	run_bk 0 sv list
	assert_is "$(tr '\0' ' ' <"$out")" 'service=S username=U  '
}

@test "no bus, a dead socket, no service: not here" {
	keyring unlocked
	printf x >in
	"$rigs/keyring.sh" off "$k"
	run_bk 69 timeout 2 bk-secret-service get service=S username=U
	assert_has "$err" 'there is no Secret Service on the session bus'
	run_bk 69 sv list
	run_bk 69 sv set service=S username=U <in
	run_bk 69 sv del service=S username=U
	"$rigs/keyring.sh" down "$k"
	run_bk 69 timeout 2 bk-secret-service get service=S username=U
	assert_has "$err" 'cannot connect to the session bus'
	# a socket that nobody listens on
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/dead"
	DBUS_SESSION_BUS_ADDRESS=unix:path=$T/dead \
		run_bk 69 timeout 2 bk-secret-service get service=S username=U
	DBUS_SESSION_BUS_ADDRESS=nonsense \
		run_bk 69 sv get service=S username=U
	unset DBUS_SESSION_BUS_ADDRESS
	DISPLAY=:0 run_bk 69 sv get service=S username=U
	XDG_RUNTIME_DIR=/nonexistent run_bk 69 sv get service=S username=U
	DISPLAY=:0 DBUS_SESSION_BUS_ADDRESS=autolaunch: \
		run_bk 69 sv get service=S username=U
}

@test "a bus or a service that never answers is given up" {
	python3 "$rigs/keyring-service.py" mute "$T/mute" 3>&- &
	pids="$pids $!"
	wait_for 30 test -S mute
	local t=$SECONDS
	DBUS_SESSION_BUS_ADDRESS=unix:path=$T/mute \
		run_bk 75 timeout 8 bk-secret-service get service=S username=U
	assert_has "$err" 'service=S username=U: the Secret Service does not answer'
	[ $((SECONDS - t)) -ge 4 ]
	service silent
	run_bk 75 timeout 8 bk-secret-service get service=S username=U
	assert_has "$err" 'the Secret Service does not answer'
	[ ! -s "$out" ]
}

@test "a bus that ends meanwhile is no signal, and tells no secret" {
	service silent
	printf canary-7d1f >in
	bk-secret-service set service=S username=U <in >o 2>e 3>&- &
	local pid=$! status=0
	pids="$pids $pid"
	wait_for 30 connected $pid
	assert_has "/proc/$pid/cmdline" service=S
	assert_hasnt "/proc/$pid/cmdline" canary
	# who runs it cannot look there, root can
	! cat "/proc/$pid/environ" >environ 2>/dev/null || assert_hasnt environ canary
	"$rigs/keyring.sh" down "$k"
	wait $pid || status=$?
	assert_is $status 75
	assert_has e 'the Secret Service does not answer'
	assert_hasnt e canary
}

# Has the process more than one thread, and so gone on to the bus?
connected() { [ "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)" -gt 2 ]; }

@test "the environment changes nothing" {
	keyring unlocked
	store one service=S username=U
	printf x >fake
	export G_MESSAGES_DEBUG=all G_DBUS_DEBUG=all G_DEBUG=fatal-warnings \
		SECRET_BACKEND=file SECRET_FILE_TEST_PATH=$T/fake \
		SECRET_FILE_TEST_PASSWORD=x SECRET_SERVICE_BUS_NAME=x.y \
		SNAP_NAME=x GIO_EXTRA_MODULES=/nonexistent DISPLAY=:99 LANG=de
	assert_secret one service=S username=U
	run_bk 66 sv get service=S username=X
	assert_is "$(wc -l <"$err")" 1
	local m power=
	# root may lock memory in any case
	[ "$(id -u)" != 0 ] ||
		power="setpriv --inh-caps=-all --bounding-set=-ipc_lock"
	for m in 0 4096 20000 100000; do
		# shellcheck disable=SC2086
		prlimit --memlock=$m:$m $power \
			bk-secret-service get service=S username=U >o 2>e
		assert_is "$(cat o)" one
		assert_is "$(cat e)" ''
	done
}

@test "closed descriptors, full disks, usage" {
	keyring unlocked
	store one service=S username=U
	run_bk 74 bash -c 'exec bk-secret-service get service=S username=U >&-'
	run_bk 74 bash -c \
		'exec bk-secret-service get service=S username=U >/dev/full'
	run_bk 74 bash -c 'exec bk-secret-service list >/dev/full'
	run_bk 0 bash -c 'exec bk-secret-service get service=S username=U 2>&- <&-'
	assert_is "$stdout" one
	run_bk 0 sv -h
	assert_has "$out" 'Usage: bk-secret-service'
	run_bk 0 sv -V
	run_bk 64 sv
	run_bk 64 sv get
	run_bk 64 sv frob a=b
	run_bk 64 sv list a=b
	run_bk 64 sv get --label x a=b
	run_bk 64 sv --frob
	run_bk 64 sv set --label $'\xff' a=b </dev/null
	run_bk 0 env -u HOME bk-secret-service get service=S username=U
	assert_is "$stdout" one
}

# in_session: runs the script on stdin in a mount namespace of its own, where
# there is a user alice, and no other's session. In it: session STATE is the
# rig, as alice, where systemd would have it; as_alice COMMAND...; want STATUS
# COMMAND..., whose output is in o and e.
in_session() {
	need_root
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	mkdir -m 755 etc
	cp /etc/passwd /etc/group etc
	echo 'alice:x:20077:20077::/nonexistent:/bin/sh' >>etc/passwd
	printf '%s\n' alice:x:20077: extra:x:20078:alice >>etc/group
	chmod 644 etc/*
	cat - /dev/fd/3 >session.sh 3<&0 <<E
set -eu
mount --make-rprivate /
mount --bind $T/etc/passwd /etc/passwd
mount --bind $T/etc/group /etc/group
mount -t tmpfs -o mode=755 tmpfs /run
install -d -m 755 /run/rigs /run/user
install -m 755 $rigs/keyring* $(command -v bk-secret-service) /run/rigs
unset DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR DISPLAY
as_alice() {
	setpriv --reuid 20077 --regid 20077 --init-groups "\$@"
}
session() {
	[ -e /run/user/20077 ] ||
		install -d -o 20077 -g 20077 -m 700 /run/user/20077
	as_alice /run/rigs/keyring.sh "\$1" /run/user/20077/k \
		/run/user/20077/bus
}
want() {
	local want=\$1 status=0
	shift
	"\$@" >o 2>e </dev/null || status=\$?
	[ \$status = \$want ] || {
		echo "\\$ \$*: \$status, not \$want" >&2
		cat o e >&2
		exit 1
	}
}
has() {
	grep -qF -e "\$2" "\$1" || { echo "no \$2 in:" >&2; cat "\$1" >&2; exit 1; }
}
no() {
	if "\$@" >/dev/null 2>&1; then
		echo "this works: \$*" >&2
		exit 1
	fi
}
trap 'session down' EXIT
E
	run_bk 0 unshare -m bash session.sh
}

@test "root gets what is in the keyring of a user who is logged in" {
	in_session <<'E'
want 69 bk-secret-service --user alice get service=S username=U
has e "alice is not logged in: there is no bus '/run/user/20077/bus'"
has e 'service=S username=U: '
session bus
want 69 bk-secret-service --user alice get service=S username=U
has e 'there is no Secret Service'
session unlocked
printf 'from root' | HOME=/root bk-secret-service --user alice set \
	service=S username=U
want 0 bk-secret-service --user alice get service=S username=U
[ "$(cat o e)" = 'from root' ]
printf 'from alice' | as_alice /run/rigs/bk-secret-service \
	set service=S username=U
want 0 bk-secret-service --user alice get service=S username=U
[ "$(cat o e)" = 'from alice' ]
want 0 bk-secret-service --user alice list
want 66 bk-secret-service --user alice get service=S username=V
session locked
want 75 timeout 2 bk-secret-service --user alice get service=S username=U
want 77 bk-secret-service --user nobody-of-this-name get a=b
has e "there is no user 'nobody-of-this-name'"
want 69 bk-secret-service --user root get a=b
# alice's bus does not serve root as root
export DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/20077/bus
want 77 bk-secret-service get service=S username=U
has e '--user'
E
}

@test "a user gets nobody's but the own, with or without --user" {
	in_session <<'E'
session unlocked
as_alice sh -c 'printf one | /run/rigs/bk-secret-service set a=b'
want 0 as_alice /run/rigs/bk-secret-service --user alice get a=b
[ "$(cat o e)" = one ]
want 77 as_alice /run/rigs/bk-secret-service --user root get a=b
has e 'only root'
want 77 as_alice /run/rigs/bk-secret-service --user nobody get a=b
# no address, but where systemd has it; another's runtime folder is no use
want 0 as_alice env -u XDG_RUNTIME_DIR /run/rigs/bk-secret-service get a=b
want 69 as_alice env XDG_RUNTIME_DIR=/run /run/rigs/bk-secret-service get a=b
# a bus that someone else put there
mkdir /run/false
python3 -c 'import socket
socket.socket(socket.AF_UNIX).bind("/run/false/bus")'
want 69 as_alice env XDG_RUNTIME_DIR=/run/false \
	/run/rigs/bk-secret-service get a=b
has e 'is of another user'
E
}

@test "as another user all of root's power is gone, and nobody looks in" {
	in_session <<'E'
session bus
as_alice env DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/20077/bus \
	python3 /run/rigs/keyring-service.py silent >ready 3>&- &
for _ in $(seq 200); do [ ! -s ready ] || break; sleep 0.05; done
printf canary-93b4 >in
bk-secret-service --user alice set service=S username=U <in >o 2>e 3>&- &
pid=$!
for _ in $(seq 200); do
	[ "$(ls /proc/$pid/task | wc -l)" -lt 3 ] || break
	sleep 0.05
done
cat /proc/$pid/status >status
grep -q '^Uid:.20077.20077.20077.20077$' status
grep -q '^Gid:.20077.20077.20077.20077$' status
grep -q '^Groups:.20077 20078 *$' status
grep -q '^CapPrm:.0*$' status
grep -q '^CapEff:.0*$' status
# alice neither reads its memory nor traces it
no as_alice cat /proc/$pid/environ
no as_alice cat /proc/$pid/maps
no as_alice ls /proc/$pid/fd
[ "$(stat -c %u /proc/$pid/mem)" = 0 ]
no grep -qa canary-93b4 /proc/$pid/cmdline /proc/$pid/environ
grep -q '^Max core file size *0 *0 ' /proc/$pid/limits
session off
status=0
wait $pid || status=$?
[ $status = 75 ]
E
}
