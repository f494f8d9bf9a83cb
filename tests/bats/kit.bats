#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-secret kit: the recovery sheet, and that it does what it promises.

load helper
load restic

setup_file() {
	restic_setup_file
	quick_restic
}
setup() {
	restic_setup
	conf_repo "program=$QUICK"
}

# keys: how many the repository has; restic may leave temporary files there.
keys() { find "$T/repo/keys" -type f ! -name '*-*' | wc -l; }

# password FILE: that of the first repository on a sheet in text.
password() { sed -n 's/^Password  *//p' "$1" | head -1; }

# sheet FILE [OPERAND...]: makes one for [repo main].
sheet() {
	run_bk 0 bk-secret kit main
	cp "$out" "$1"
	password "$1" | grep -qxE '([0-9A-HJKMNP-TV-Z]{5}-){6}[0-9A-HJKMNP-TV-Z]{5}' ||
		fail "no password on it:" "$(cat "$1")"
}

# verify STATUS TEXT: the text is what is typed, on stdin.
verify() {
	printf '%s\n' "$2" >typed
	run_bk "$1" bk-secret kit verify main <typed
}

kit_state() {
	jq -r "$1" "$BK_STATE_DIR/state/bk-secret.kit-main.json"
}

# recovery_keys: the ids of those of sheets, the oldest first.
recovery_keys() {
	bk-restic --json key list main |
		jq -r 'select(.user == "recovery").id'
}

# second_repo: one more in the configuration, in $T/repo2.
second_repo() {
	cp -r "$REPO0" "$T/repo2"
	cat >>"$BK_CONFIG" <<-END
		[repo other]
		url = $T/repo2
		password = file:$T/pw
		program = $QUICK
		retries = 0
	END
}

# bats test_tags=long
@test "what is on the sheet opens the repository, with plain restic alone" {
	mkdir bare
	while IFS=$'\t' read -r version program; do
		echo "restic $version"
		conf_repo "program=$program"
		rm -rf repo state cache && cp -r "$REPO0" repo
		backup 0 -- "root $T/src/a"
		sheet sheet
		run_bk 0 bk-restic --json key list main
		assert_json "$out" '[.[] | select(.user == "recovery")] |
			length == 1 and .[0].host == "testhost"'
		# the commands of the sheet, as they stand there
		for verb in snapshots 'restore latest'; do
			sed -n "s|/mnt/back|$T/bare/back|; s/^    \\(restic .* $verb.*\\)/\\1/p" \
				sheet | head -1 >line
			assert_has line "$verb"
			password sheet | run_bk 0 env -i \
				PATH="${program%/*}:/usr/bin:/bin" HOME="$T/bare" \
				sh -c "$(cat line)"
			[ -z "${first:-}" ] && first=$stdout
		done
		assert_has <(echo "$first") testhost
		diff -r src/a "bare/back$T/src/a"
		rm -rf bare/back
		unset first
		verify 0 "$(password sheet)"
	done < <(restic_versions)
}

@test "the sheet says what an empty machine needs" {
	cat >>"$BK_CONFIG" <<-END
		[backup sys]
		repo = main
		path = /etc
	END
	run_bk 0 bk-secret kit
	assert_has "$out" 'Recovery sheet of testhost'
	assert_has "$out" "$(cat /etc/machine-id)"
	assert_has "$out" "$(date -u +%Y-%m-%d)"
	assert_has "$out" "URL            $T/repo"
	assert_has "$out" "Key            $(recovery_keys)"
	assert_has "$out" "file:$T/pw"
	assert_has "$out" 'Whoever has this sheet can read the backups'
	assert_has "$out" 'bk-secret kit verify'
	assert_has "$out" \
		"restore latest --host testhost --tag bk,sys --include /etc/bk --target /"
	assert_has "$out" "--tag bk,home --target /mnt/back"
	assert_hasnt "$out" open-sesame
	assert_has "$err" 'not verified yet'
	# it keeps nothing of it
	[ ! -e "$BK_STATE_DIR/state" ]
}

@test "the sheet says what it has not: the key of encrypted cold storage" {
	cat >>"$BK_CONFIG" <<-END
		[box fsn]
		url = dir:$T/cold
		[cold]
		boxes = fsn
		[cold photos]
		path = /srv/photos
	END
	run_bk 0 bk-secret kit
	assert_has "$out" 'bk-cold rebuild fsn'
	assert_hasnt "$out" 'encrypted with age'
	echo "encrypt = age:$T/to" >>"$BK_CONFIG"
	run_bk 0 bk-secret kit
	assert_has "$out" 'Some of it is encrypted with age'
	assert_has "$out" '--identity FILE'
}

@test "older keys are counted and named" {
	sheet one
	assert_hasnt "$err" older
	old=$(recovery_keys)
	sheet two
	assert_has "$err" "1 older key of sheets of this host: ${old:0:8}."
	[ "$(password one)" != "$(password two)" ]
	assert_is "$(keys)" 3
}

@test "verify: small letters, blanks, O and l; the date is kept" {
	sheet sheet
	p=$(password sheet)
	verify 0 "$p"
	assert_has "$err" 'no sheet was verified yet'
	assert_is "$(kit_state .result)" ok
	assert_is "$(kit_state .host)" testhost
	assert_is "$(kit_state .key)" "$(recovery_keys)"
	assert_is "$(kit_state .last_ok)" "$(kit_state .end)"
	assert_is "$(stat -c %a "$BK_STATE_DIR/state/bk-secret.kit-main.json")" 600
	verify 0 "$(echo "$p" | tr 'A-Z01-' 'a-zOl ')"
	assert_has "$err" 'a sheet was verified last on 20'
	verify 0 "${p//-/}"
}

@test "verify: a slip is found by its group, and not tried" {
	sheet sheet
	p=$(password sheet)
	c=${p:18:1}
	other=$(echo 123456789 | tr -d "$c" | cut -c 1)
	verify 65 "${p:0:18}$other${p:19}"
	assert_has "$err" 'a slip in group 4 of 7'
	verify 65 "${p:0:40}"
	assert_has "$err" 'no password of a sheet'
	verify 65 "${p}0"
	verify 65 open-sesame
	verify 66 ''
	[ ! -e "$BK_STATE_DIR/state" ]
	run_bk 66 bk-secret kit verify main </dev/null
}

@test "verify: another password is 77, and that is recorded" {
	sheet sheet
	verify 0 "$(password sheet)"
	last=$(kit_state .last_ok) key=$(kit_state .key)
	verify 77 00000-00000-00000-00000-00000-00000-00000
	assert_has "$err" 'does not open it'
	assert_is "$(kit_state .result)" failed
	assert_is "$(kit_state .exit)" 77
	assert_is "$(kit_state .last_ok)" "$last"
	assert_is "$(kit_state .key)" "$key"
	# what the network does is no proof either way
	rm -r repo
	verify 66 "$(password sheet)"
	assert_is "$(kit_state .exit)" 66
	assert_is "$(kit_state .key)" "$key"
}

@test "verify: the repository's own password proves no sheet" {
	own=1234Y-1234Y-1234Y-1234Y-1234Y-1234Y-1234Y
	printf %s $own >in
	run_bk 0 bk-restic key add main <in
	verify 1 $own
	assert_has "$err" 'is not that of a sheet'
	run_bk 0 bk-restic key add main --user recovery --host elsewhere <in
	# restic takes either of the two
	verify 1 $own
	assert_is "$(kit_state .result)" failed
	assert_is "$(kit_state 'has("key")')" false
	run_bk 1 bk-secret kit revoke main
}

@test "verify: one after the other, a line of stdin each" {
	second_repo
	run_bk 0 bk-secret kit
	sed -n 's/^Password  *//p' "$out" >typed
	assert_is "$(wc -l <typed)" 2
	run_bk 0 bk-secret kit verify <typed
	[ -e "$BK_STATE_DIR/state/bk-secret.kit-other.json" ]
	head -1 typed >first
	run_bk 3 bk-secret kit verify <first
	run_bk 0 bk-secret kit verify other < <(tail -1 typed)
	run_bk 77 bk-secret kit verify other <first
	run_bk 64 bk-secret kit verify main other <typed
}

# bats test_tags=long
@test "verify at a terminal asks again, three times at most" {
	need_program script
	sheet sheet
	p=$(password sheet)
	mkfifo keyboard
	# asked N: so many questions were asked
	asked() { [ "$(grep -ao 'repository main: ' log | wc -l)" -ge "$1" ]; }
	: >log
	script -qefc 'bk-secret kit verify main' log <keyboard >screen 3>&- &
	pid=$!
	exec 7>keyboard
	wait_for 20 asked 1
	assert_has log 'sheet of testhost'
	printf '%s\n' "$(echo "$p" | tr 1-9 2-91)" >&7
	wait_for 20 asked 2
	assert_has log 'a slip in group'
	printf '%s\n' "$p" >&7
	wait_for 60 grep -qa 'verified: the sheet with key' log
	exec 7>&-
	wait "$pid"
	assert_hasnt log "$p"
	assert_is "$(kit_state .result)" ok

	: >log
	script -qefc 'bk-secret kit verify main' log <keyboard >screen 3>&- &
	pid=$!
	exec 7>keyboard
	for n in 1 2 3; do
		wait_for 20 asked $n
		echo nonsense >&7
	done
	exec 7>&-
	status=0
	wait "$pid" || status=$?
	assert_is "$status" 65
}

# bats test_tags=long
@test "a sheet that cannot be written leaves no key" {
	status=0
	bk-secret kit main >/dev/full 2>err || status=$?
	assert_is "$status" 74
	assert_has err 'taken away again'
	assert_is "$(keys)" 1
	# closed
	status=0
	bk-secret kit main >&- 2>err || status=$?
	assert_is "$status" 74
	assert_is "$(keys)" 1
	# nobody reads it
	mkfifo p
	: <p 3>&- &
	status=0
	bk-secret kit main >p 2>err || status=$?
	wait $!
	assert_is "$status" 74
	assert_is "$(keys)" 1
}

# restic has stored the key, and does not come to tell
stuck_restic() {
	fake_restic <<-'END'
		case "$*" in
		*"key add"*)
			trap 'exit 130' INT
			"$RESTIC" "$@" >/dev/null || exit
			touch "$T/added"
			sleep 100 3>&- >/dev/null 2>&1 &
			wait $!
			kill $!
			exit 1 ;;
		esac
		exec "$RESTIC" "$@"
	END
	export T
}

# bats test_tags=long
@test "a signal in the middle takes the new keys away" {
	second_repo
	for sig in TERM INT; do
		# the first gets its key, the second one waits
		cp "$BK_CONFIG" "$BK_CONFIG.save"
		stuck_restic
		sed -i -e "/^program/d" -e "/^\[repo other\]/a program = $T/fake" \
			"$BK_CONFIG"
		rm -f added
		# INT is ignored in what a script starts in the background
		env --default-signal=INT bk-secret kit >sheet 2>err 3>&- &
		pid=$!
		wait_for 60 test -e added
		kill -$sig "$pid"
		status=0
		wait "$pid" || status=$?
		assert_is "$status" $((128 + $(kill -l $sig)))
		[ ! -s sheet ]
		assert_is "$(keys)" 1
		assert_is "$(find "$T/repo2/keys" -type f | wc -l)" 1
		cp "$BK_CONFIG.save" "$BK_CONFIG"
	done
}

@test "a signal is heard while nobody takes the sheet" {
	mkfifo p
	head -c 65536 /dev/zero >full
	# its other end is open, and full
	exec 7<>p
	timeout 1 cat full >&7 || :
	bk-secret kit main >&7 2>err 3>&- &
	pid=$!
	stuck() { [ "$(keys)" = 2 ] && ! pgrep -P "$pid" >/dev/null; }
	wait_for 60 stuck
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	exec 7>&-
	assert_is "$status" 143
	assert_is "$(keys)" 1
}

@test "one of two repositories cannot be reached: 3, and the sheet says so" {
	second_repo
	rm -r repo2
	run_bk 3 bk-secret kit
	assert_has "$out" 'This sheet does not open it'
	assert_is "$(grep -c '^Password ' "$out")" 1
	verify 0 "$(password "$out")"
	run_bk 66 bk-secret kit other
	assert_is "$stdout" ''
	run_bk 66 bk-secret kit nix
	sed -i '/^\[repo/,$d' "$BK_CONFIG"
	run_bk 78 bk-secret kit
}

# bats test_tags=long
@test "revoke keeps the sheet that was verified last, and that alone" {
	sheet one
	sheet two
	sheet three
	# as from another host
	echo x >in
	run_bk 0 bk-restic key add main --user recovery --host elsewhere <in
	assert_is "$(keys)" 5
	run_bk 1 bk-secret kit revoke main
	assert_has "$err" 'bk-secret kit verify main'
	assert_is "$(keys)" 5
	verify 0 "$(password two)"
	run_bk 0 bk-secret -n kit revoke main
	assert_is "$(wc -l <"$out")" 2
	assert_is "$(keys)" 5
	run_bk 0 bk-secret --json kit revoke
	assert_json "$out" '[.[] | select(.type == "key" and .repo == "main" and
		.user == "recovery" and .host == "testhost")] | length == 2'
	assert_json "$out" 'last == {v: 1, type: "end", status: 0, count: 2}'
	assert_is "$(keys)" 3
	verify 0 "$(password two)"
	verify 77 "$(password one)"
	verify 77 "$(password three)"
	run_bk 0 bk-secret kit revoke
	assert_has "$err" 'the only sheet'
	run_bk 0 bk-restic key test main <in
}

@test "revoke refuses where the proof is not about this repository" {
	sheet one
	verify 0 "$(password one)"
	rm -r repo && cp -r "$REPO0" repo
	sheet two
	run_bk 1 bk-secret kit revoke
	assert_has "$err" 'no key there any more'
	assert_is "$(keys)" 2
	# nor where it failed from the first time on
	rm -r state
	verify 77 "$(password one)"
	run_bk 1 bk-secret kit revoke
	echo rubbish >"$BK_STATE_DIR/state/bk-secret.kit-main.json"
	run_bk 1 bk-secret kit revoke
	assert_has "$err" 'is damaged'
	assert_is "$(keys)" 2
}

@test "revoke leaves the key that the configuration uses" {
	sheet one
	password one >pw
	sheet two
	verify 0 "$(password two)"
	run_bk 0 bk-secret kit revoke
	assert_has "$err" 'that of the configuration'
	assert_is "$(keys)" 3
	run_bk 0 bk-restic snapshots
}

@test "-n says what it would do, and adds nothing" {
	run_bk 0 bk-secret -n kit
	assert_has "$out" 'key add main --user=recovery --host=testhost'
	assert_is "$(keys)" 1
	run_bk 0 bk-secret -n --json kit
	assert_json "$out" '.[0].type == "command" and last.status == 0'
	sheet one
	password one >typed
	run_bk 0 bk-secret -n kit verify <typed
	[ ! -e "$BK_STATE_DIR/state" ]
	echo wrong >pw
	run_bk 77 bk-secret -n kit
}

@test "options that have no place are refused" {
	run_bk 64 bk-secret kit verify --html </dev/null
	run_bk 64 bk-secret kit revoke --with-master
	run_bk 64 bk-secret list --html
}

@test "HTML: one whole page, whatever is put on it" {
	need_program python3
	mkdir -p $'r\'"&<b>\xc3\xa4'
	cp -r "$REPO0"/. $'r\'"&<b>\xc3\xa4'
	conf_repo 'option=s3.region=<img src=x onerror=y>'
	conf_repo "url=$T/"$'r\'"&<b>\xc3\xa4'
	cat >>"$BK_CONFIG" <<-END
		[backup x]
		repo = main
		path = /etc
		[repo far]
		url = rest:http://<script>alert(1)</script>@127.0.0.1:1/&lt;
		password = file:$T/pw
		retries = 0
	END
	run_bk 3 bk-secret kit --html
	cat >check.py <<-'END'
		import sys
		from html.parser import HTMLParser
		void = {'meta', 'br'}
		class P(HTMLParser):
		    def __init__(self):
		        super().__init__()
		        self.open, self.tags, self.text = [], set(), ''
		    def handle_starttag(self, tag, attrs):
		        self.tags.add(tag)
		        for k, v in attrs:
		            assert k in ('class', 'charset', 'content', 'lang', 'name'), k
		        if tag not in void:
		            self.open.append(tag)
		    def handle_endtag(self, tag):
		        assert self.open.pop() == tag
		    def handle_data(self, data):
		        self.text += data
		p = P()
		p.feed(open(sys.argv[1], encoding='utf-8').read())
		p.close()
		assert not p.open, p.open
		extra = p.tags - {'html', 'head', 'meta', 'style', 'title', 'body',
		    'h1', 'h2', 'p', 'b', 'code', 'pre'}
		assert not extra, extra
		for want in sys.argv[2:]:
		    assert want in p.text, want
	END
	run_bk 0 bk-secret -q kit --html main
	cp "$out" page.html
	run_bk 0 python3 check.py page.html "$T/"$'r\'"&<b>\xc3\xa4' \
		'Recovery sheet of testhost'
	run_bk 3 bk-secret kit --html
	cp "$out" page.html
	run_bk 0 python3 check.py page.html '<script>alert(1)</script>' '&lt;'
	p=$(sed -n 's|.*<b>Password</b><code>\([^<]*\).*|\1|p' page.html)
	verify 0 "$p"
	assert_has page.html 'size: A4'
	run_bk 1 grep -q 'url(\|<link\|<script\|<img' page.html
}

@test "sftp: where the server is, and the keys by which it is known" {
	need_root
	need_program ssh ssh-keygen
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	ssh-keygen -q -t ed25519 -N '' -C '' -f host1
	ssh-keygen -q -t ecdsa -N '' -C '' -f host2
	# restic reaches it in a folder, our tools see a box
	fake_restic <<-'END'
		args=()
		for a; do
			case $a in
			sftp:*) a=$T/repo ;;
			--repository-file=*) a=--repo=$T/repo ;;
			esac
			args+=("$a")
		done
		exec "$RESTIC" "${args[@]}"
	END
	export T
	conf_repo 'url=sftp:box-fsn:a dir'
	cat >run.sh <<-'END'
		set -eu
		mkdir ov
		mount -t tmpfs tmpfs ov
		mkdir ov/up ov/work
		mount -t overlay overlay -o "lowerdir=/etc,upperdir=$T/ov/up,workdir=$T/ov/work" /etc
		mkdir -p /etc/bk
		printf '%s\n' 'Host box-fsn' ' HostName box.example.org' ' Port 23' \
			' User u1-sub2' " UserKnownHostsFile /etc/bk/hosts" \
			" IdentityFile $T/host2" >/etc/bk/ssh_config
		bk-secret kit main >none
		mkdir -p /etc/apt/sources.list.d
		printf '%s\n' 'Types: deb' 'URIs: https://packages.example.org/bk/deb' \
			'Suites: stable' >/etc/apt/sources.list.d/bk.sources
		{
			echo "[box.example.org]:23 $(cut -d' ' -f 1,2 host1.pub)"
			echo "@revoked [box.example.org]:23 $(cut -d' ' -f 1,2 host2.pub)"
			echo "other.example.org $(cut -d' ' -f 1,2 host2.pub)"
		} >/etc/bk/hosts
		bk-secret kit main >plain
		ssh-keygen -q -H -f /etc/bk/hosts
		bk-secret kit main >hashed
		sed -i 's|^url = .*|url = sftp://u9:word@[2001:db8::1]:2222/r|' "$BK_CONFIG"
		bk-secret kit main >six
		sed -i 's|^url = .*|url = sftp:-oProxyCommand=date:r|' "$BK_CONFIG"
		bk-secret kit main >dash
		{
			sed 's/^Host .*/&\n ProxyJump hop,u8@10.0.0.3/' /etc/bk/ssh_config
			printf '%s\n' 'Host hop' ' HostName hop.example.org' ' User u7' \
				' Port 24' ' ProxyJump none' 'Match host 10.0.0.3' \
				" UserKnownHostsFile /etc/bk/hosts"
		} >config
		cp config /etc/bk/ssh_config
		echo "10.0.0.3 $(cut -d' ' -f 1,2 host2.pub)" >>/etc/bk/hosts
		sed -i 's|^url = .*|url = sftp:box-fsn:r|' "$BK_CONFIG"
		bk-secret kit main >jump
		sed -i 's|ProxyJump hop.*|ProxyCommand nc -x "p q" %h %p|' /etc/bk/ssh_config
		bk-secret kit main >proxy
	END
	run_bk 0 unshare -m bash run.sh
	assert_has six "'sftp.command=ssh -p 2222 -l u9 2001:db8::1 -s sftp'"
	assert_has dash 'The server could not be looked up'
	assert_has none 'No host key of the server is pinned'
	assert_hasnt none Through
	# what is on the way is as much needed as the box
	way=u7@hop.example.org:24,u8@10.0.0.3:22
	assert_has jump "-o '\"sftp.command=ssh -J $way -p 23 -l u1-sub2 box.example.org -s sftp\"'"
	assert_has jump 'Through        u7@hop.example.org, port 24'
	assert_has jump 'Through        u8@10.0.0.3, port 22'
	assert_has jump "    10.0.0.3 $(cut -d' ' -f 1,2 host2.pub)"
	sed -n 's/^ *ssh-copy-id -s //p' jump >logins
	assert_is "$(cat logins)" "-p 24 u7@hop.example.org
-o ProxyJump=u7@hop.example.org:24 -p 22 u8@10.0.0.3
-o ProxyJump=$way -p 23 u1-sub2@box.example.org"
	assert_has proxy 'Through        nc -x "p q" %h %p'
	assert_has proxy "-o 'ProxyCommand=nc -x \"p q\" %h %p' -p 23 u1-sub2@"
	# restic takes them apart again as they were meant
	mkdir bin
	printf '#!/bin/sh\nprintf "<%%s>" "$@" >%s/argv\nexit 1\n' "$T" >bin/ssh
	chmod +x bin/ssh
	for f in jump proxy; do
		run_bk 1 env PATH="$T/bin:$PATH" sh -c \
			"$(sed -n 's/^ *\(restic .*\) snapshots/exec \1 --password-file pw snapshots/p' $f)"
		grep -o '<-[oJ]><[^>]*>' argv
	done >taken
	assert_is "$(cat taken)" "<-J><$way>
<-o><ProxyCommand=nc -x \"p q\" %h %p>"
	for f in plain hashed; do
		assert_has $f 'Server         box.example.org'
		assert_has $f 'ssh port       23'
		assert_has $f 'ssh user       u1-sub2'
		assert_is "$(grep -c '    ssh-copy-id -s -p 23 u1-sub2@box.example.org$' $f)" 1
		assert_has $f 'had bk from https://packages.example.org/bk/deb'
		assert_has $f "ssh key        $T/host2"
		assert_has $f "    [box.example.org]:23 $(cut -d' ' -f 1,2 host1.pub)"
		assert_has $f "$(ssh-keygen -lf host1.pub | cut -d' ' -f 2) (ssh-ed25519)"
		assert_has $f "@revoked [box.example.org]:23 ecdsa"
		assert_hasnt $f other.example.org
		assert_has $f "restic -r 'sftp:box-fsn:a dir' -o 'sftp.command=ssh -p 23 -l u1-sub2 box.example.org -s sftp' snapshots"
	done
}

@test "--with-master: the keyring's master, proved, before a key is made" {
	argon2_memo
	cat >>"$BK_CONFIG" <<-END
		[keyring]
		path = $T/ring.cfg
		unlock = file:$T/master
	END
	run_bk 66 bk-secret kit --with-master
	assert_is "$(keys)" 1
	(umask 077 && echo 'correct horse  battery staple' >master)
	echo open-sesame >in
	run_bk 0 bk-secret set keyring:restic/main <in
	conf_repo password=keyring:restic/main
	run_bk 0 bk-secret kit --with-master
	# two blanks are not to be seen on paper
	assert_has "$out" "$(printf 'correct horse  battery staple' | base64) (in base64"
	assert_has "$out" keyring:restic/main
	assert_has "$out" "Keyring        $T/ring.cfg"
	run_bk 0 bk-secret kit
	assert_hasnt "$out" horse
	echo wrong >master
	have=$(keys)
	run_bk 77 bk-secret kit --with-master
	assert_is "$stdout" ''
	assert_is "$(keys)" "$have"
}

@test "the password of a sheet is nowhere but on the sheet" {
	# whatever runs meanwhile, with its arguments and its environment
	cat >watch.sh <<-'END'
		while [ ! -e stop ]; do
			cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null |
				tr '\0' '\n' | grep -av '^$' | sort -u >seen.one
			sort -u seen seen.one >seen.all && mv seen.all seen
		done
	END
	: >seen
	bash watch.sh 3>&- &
	watch=$!
	run_bk 0 bk-secret -v -v kit main
	cp "$err" log
	p=$(password "$out") sheet=$(cat "$out")
	rm "$out"
	echo "$p" >typed
	run_bk 0 bk-secret -v -v kit verify main <typed
	cat "$err" "$out" >>log
	rm typed
	touch stop
	wait "$watch"
	assert_has seen recovery
	assert_has seen key
	assert_hasnt seen "$p"
	assert_hasnt seen "${p//-/}"
	assert_hasnt log "$p"
	! grep -raqF "$p" "$T" || fail "it is in a file"
	[ -n "$sheet" ]
}

@test "no HOME, no terminal, closed descriptors" {
	run_bk 0 env -u HOME bk-secret kit main
	p=$(password "$out")
	echo "$p" >typed
	run_bk 0 env -u HOME bk-secret kit verify main <typed
	run_bk 0 setsid -w bk-secret kit verify main <typed
	status=0
	bk-secret kit verify main <&- 2>err || status=$?
	assert_is "$status" 66
	run_bk 0 bk-secret kit verify main <typed 2>&-
}
