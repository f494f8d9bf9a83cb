#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A storage box on 127.0.0.1: two real sshd, one as a box's port 22 (chroot,
# sftp only), one as its port 23 (a few commands, and sftp).
#   box.sh up DIR NAME [PORT_SFTP PORT_SHELL]
#       prints PORT_SFTP PORT_SHELL; free ones are taken where not given.
#       In DIR: ssh_config, with the hosts NAME and NAME-shell; known_hosts;
#       the client's key. In DIR/NAME: data/ (what lies on the box),
#       commands.log, sftp.log, shell.log, *.pid; bin/, in which commands of
#       port 23 are looked for first, sftp-server too (it is told the real
#       one), and faults/, which they may write to.
#   box.sh down DIR NAME
# restic:  -o "sftp.command=ssh -F DIR/ssh_config NAME -s sftp" -r sftp:NAME:repo
#
# Needs root: the box's user exists in a mount namespace of its own only.
# DIR must be an absolute path without blanks. BOX_USER, BOX_UID: another user;
# BOX_SESSIONS: channels of a connection. BOX_KEYS=home: port 23 takes the keys
# of data/.ssh/authorized_keys, with the commands that they force, and has
# rclone; port 22 takes none. It allows what restrict has to forbid: a terminal,
# forwarding, the variable EVIL. BOX_KEYS=both: port 22 takes the same keys, and
# forgets the commands. BOX_SFTP=-R: port 22 only reads, as a sub-account that
# is read-only does.
set -eu

usage() {
	echo "usage: box.sh up DIR NAME [PORT_SFTP PORT_SHELL] | down DIR NAME" >&2
	exit 64
}
[ $# -ge 3 ] || usage
verb=$1 top=$2 name=$3 dir=$2/$3
user=${BOX_USER:-u100001} uid=${BOX_UID:-20001}
sshd=/usr/sbin/sshd
case $top in /*) ;; *) usage ;; esac

alive() {
	[ -r "/proc/$1/stat" ] && ! grep -qs ') Z ' "/proc/$1/stat"
}

down() {
	local f pid kids all=
	for f in "$dir"/sftp.pid "$dir"/shell.pid; do
		[ -s "$f" ] || continue
		pid=$(cat "$f")
		rm -f "$f"
		case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
		*sshd*) ;;
		*) continue ;;
		esac
		kids=$pid
		while [ -n "$kids" ]; do
			all="$all ${kids//,/ }"
			kids=$(pgrep -d , -P "$kids" || :)
		done
	done
	# shellcheck disable=SC2086
	[ -z "$all" ] || kill $all 2>/dev/null || :
	for pid in $all; do
		for _ in $(seq 100); do
			alive "$pid" || continue 2
			sleep 0.05
		done
		kill -9 "$pid" 2>/dev/null || :
	done
}

# A port of 127.0.0.1 that nobody answers on.
free_port() {
	local p
	while :; do
		p=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		(: <>/dev/tcp/127.0.0.1/$p) 2>/dev/null || break
	done
	echo $p
}

# Runs on the box as its shell: a list of commands, no pipes, no globs.
write_shell() {
	local sftp
	for sftp in /usr/lib/openssh/sftp-server \
		/usr/libexec/openssh/sftp-server; do
		[ ! -x $sftp ] || break
	done
	cat <<E
#!/bin/bash
set -f
PATH=/run/box/bin:\$PATH
cmd=\${SSH_ORIGINAL_COMMAND:-}
[ "\${1:-}" != -c ] || cmd=\$2 # as the shell of a login
printf '%s\n' "\$cmd" >>/run/box/commands.log
no() {
	echo "Command not found. Use 'help' to get a list of available commands." >&2
	exit 8
}
case \$cmd in
'') echo "interactive shell is not available" >&2; exit 1 ;;
*[\;\&\|\<\>\\\`\\\$\(\)\{\}]* | *\$'\n'*) no ;;
esac
eval "set -- \$cmd" # quoting only: metacharacters were refused above
case \$1 in
*/sftp-server | internal-sftp | sftp-server)
	[ ! -x /run/box/bin/sftp-server ] || exec /run/box/bin/sftp-server $sftp
	exec $sftp
	;;
ls | mkdir | rmdir | rm | mv | cp | touch | chmod | dd | df | du | pwd | \
	stat | cat | unlink | tree | md5sum | sha1sum | sha256sum | \
	sha512sum | rsync | scp | rclone) exec "\$@" ;;
*) no ;;
esac
E
}

# write_conf MODE PORT
write_conf() {
	local forward=no keys=/run/box/authorized_keys
	case $1:${BOX_KEYS:-} in
	shell:home | *:both) keys=.ssh/authorized_keys ;;
	sftp:home) keys=none ;;
	esac
	[ -z "${BOX_KEYS:-}" ] || forward=yes
	cat <<E
Port $2
ListenAddress 127.0.0.1
HostKey $dir/hostkey
PidFile $dir/$1.pid
AuthorizedKeysFile $keys
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers $user
PermitRootLogin no
AllowTcpForwarding $forward
AllowStreamLocalForwarding $forward
AllowAgentForwarding $forward
X11Forwarding no
PermitTTY $forward
AcceptEnv EVIL
MaxSessions ${BOX_SESSIONS:-10}
MaxStartups 100
LogLevel VERBOSE
E
	if [ "$1" = sftp ]; then
		echo 'Subsystem sftp internal-sftp'
		echo 'ChrootDirectory /srv'
		echo "ForceCommand internal-sftp -d /home ${BOX_SFTP:-}"
	else
		echo 'Subsystem sftp sftp-server'
		[ -n "${BOX_KEYS:-}" ] || echo 'ForceCommand /run/box/shell'
	fi
	# newer ones refuse, for a while, a client that failed
	if $sshd -T -f /dev/null -h "$dir/hostkey" 2>/dev/null |
		grep -qi '^persourcepenalties '; then
		echo 'PerSourcePenalties no'
	fi
}

# In the mount namespace: data/ is /srv/home for the chroot, /home else.
write_start() {
	local login=/bin/bash
	[ -z "${BOX_KEYS:-}" ] || login=/run/box/shell
	cat <<E
set -e
mount --make-rprivate /
mkdir -p /run/sshd /run/box
mount -t tmpfs -o mode=755 tmpfs /run/sshd
mount -t tmpfs -o mode=755 tmpfs /run/box
install -m 644 $top/client.pub /run/box/authorized_keys
install -m 755 $dir/shell /run/box/shell
touch /run/box/commands.log
mount --bind $dir/commands.log /run/box/commands.log
mkdir /run/box/bin /run/box/faults
mount --bind $dir/bin /run/box/bin
mount --bind $dir/faults /run/box/faults
for f in passwd group shadow; do cp -p /etc/\$f /run/box/\$f; done
echo '$user:x:$uid:$uid::/home:$login' >>/run/box/passwd
echo '$user:x:$uid:' >>/run/box/group
echo '$user:*:19000:0:99999:7:::' >>/run/box/shadow
for f in passwd group shadow; do mount --bind /run/box/\$f /etc/\$f; done
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/home
mount --bind $dir/data /srv/home
mount --bind $dir/data /home
cd /
for mode in sftp shell; do
	$sshd -f $dir/\$mode.conf -E $dir/\$mode.log 3>&- 4>&-
done
E
}

listening() {
	grep -qs "Server listening on 127.0.0.1 port $2" "$dir/$1.log" &&
		[ -s "$dir/$1.pid" ]
}

# try PORT_SFTP PORT_SHELL
try() {
	write_conf sftp "$1" >"$dir/sftp.conf"
	write_conf shell "$2" >"$dir/shell.conf"
	rm -f "$dir/sftp.log" "$dir/shell.log"
	unshare -m sh "$dir/start" </dev/null >"$dir/start.log" 2>&1 || return 1
	for _ in $(seq 100); do
		if listening sftp "$1" && listening shell "$2"; then
			return
		fi
		sleep 0.05
	done
	return 1
}

client_config() {
	local key
	key=$(cut -d' ' -f1,2 "$dir/hostkey.pub")
	touch "$top/known_hosts" "$top/ssh_config"
	# a host's name comes once: the first entry would win
	sed -i "/^$name /d" "$top/known_hosts"
	sed -i "/^# $name\$/,/^# end $name\$/d" "$top/ssh_config"
	echo "$name $key" >>"$top/known_hosts"
	cat >>"$top/ssh_config" <<E
# $name
Host $name
	Port $1
Host $name-shell
	Port $2
Host $name $name-shell
	HostName 127.0.0.1
	User $user
	HostKeyAlias $name
	IdentityFile $top/client
	IdentitiesOnly yes
	IdentityAgent none
	BatchMode yes
	StrictHostKeyChecking yes
	UserKnownHostsFile $top/known_hosts
	GlobalKnownHostsFile /dev/null
	ServerAliveInterval 3
	ServerAliveCountMax 2
	ConnectTimeout 5
# end $name
E
}

up() {
	if [ "$(id -u)" != 0 ]; then
		echo "box.sh: needs root" >&2
		exit 77
	fi
	mkdir -p "$dir/data" "$dir/bin" "$dir/faults"
	chmod 755 "$dir/bin"
	[ -f "$dir/hostkey" ] ||
		ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$dir/hostkey"
	[ -f "$top/client" ] ||
		ssh-keygen -q -t ed25519 -N '' -C client -f "$top/client"
	chown "$uid:$uid" "$dir/data" "$dir/faults"
	if [ -n "${BOX_KEYS:-}" ] && [ ! -e "$dir/data/.ssh" ]; then
		install -d -m 700 -o "$uid" -g "$uid" "$dir/data/.ssh"
		install -m 600 -o "$uid" -g "$uid" "$top/client.pub" \
			"$dir/data/.ssh/authorized_keys"
	fi
	: >>"$dir/commands.log"
	chown "$uid" "$dir/commands.log"
	write_shell >"$dir/shell"
	write_start >"$dir/start"
	for _ in 1 2 3 4 5; do
		a=${1:-$(free_port)} b=${2:-$(free_port)}
		if try "$a" "$b"; then
			client_config "$a" "$b"
			echo "$a $b"
			return
		fi
		down
	done
	cat "$dir"/*.log >&2
	echo "box.sh: $name does not start" >&2
	exit 1
}

case $verb in
up) up "${4:-}" "${5:-}" ;;
down) down ;;
*) usage ;;
esac
