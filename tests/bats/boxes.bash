# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Boxes behind a real sshd on loopback, and tools that reach them as root:
# load helper before. Of box b1 the data lie in $T/r/b1/data; its hosts in
# $T/r/ssh_config are b1, as a Storage Box's port 22, and b1-shell, as 23.

rig=$BATS_TEST_DIRNAME/../rigs

# boxes_up NAME...: and their ports in the file ports.NAME.
boxes_up() {
	local name
	need_root
	need_program sshd
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	for name; do
		"$rig/box.sh" up "$T/r" "$name" >"ports.$name" || fail "no box"
	done
	ssh_setup
}

boxes_down() {
	local f
	for f in "$T"/ports.*; do
		[ ! -e "$f" ] || "$rig/box.sh" down "$T/r" "${f##*/ports.}"
	done
	end_proxy
}

# What bk's ssh reads as root is below /etc: boxed STATUS COMMAND... runs it
# where that is $T/r/ssh_config.
ssh_setup() {
	cat >etc.sh <<-END
		set -e
		[ -d $T/ov ] || mkdir $T/ov
		mount -t tmpfs tmpfs $T/ov
		mkdir $T/ov/up $T/ov/work
		mount -t overlay overlay -o "lowerdir=/etc,upperdir=$T/ov/up,workdir=$T/ov/work" /etc
		mkdir -p /etc/bk
		cp $T/r/ssh_config /etc/bk/ssh_config
		exec "\$@"
	END
}

boxed() {
	local want=$1
	shift
	run_bk "$want" unshare -m sh etc.sh "$@"
}

# through FAULT...: box b1 is reached by a proxy with that fault.
through() {
	local port
	port=$(cut -d' ' -f2 ports.b1)
	: >proxy.log
	python3 "$rig/faultproxy.py" $((port + 1)) "$port" "$@" >proxy.log 2>&1 3>&- &
	echo $! >proxy.pid
	port_of_b1 $((port + 1))
	wait_for 30 bash -c ": <>/dev/tcp/127.0.0.1/$((port + 1))" 2>/dev/null
}

# straight: again without.
straight() {
	end_proxy
	port_of_b1 "$(cut -d' ' -f2 ports.b1)"
}

end_proxy() {
	[ ! -s "$T/proxy.pid" ] || kill "$(cat "$T/proxy.pid")" 2>/dev/null || :
	rm -f "$T/proxy.pid"
}

port_of_b1() {
	sed -i "/^Host b1-shell\$/,/Port/s/Port .*/Port $1/" r/ssh_config
}
