# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for bk-restic(1)

# Names of the sections of a kind, from the configuration that would be read.
function __bk_restic_names
    set -l files
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] -c --config
            set files $words[(math $i + 1)]
        else if string match -q -- '--config=*' $words[$i]
            set files (string replace -- --config= '' $words[$i])
        end
    end
    if test -z "$files"; and set -q BK_CONFIG; and test -n "$BK_CONFIG"
        set files $BK_CONFIG
    end
    if test -z "$files"
        set -l dir /etc/bk
        if test (id -u) -ne 0
            set dir ~/.config/bk
            set -q XDG_CONFIG_HOME; and set dir $XDG_CONFIG_HOME/bk
        end
        set files $dir/bk.conf $dir/conf.d/*.conf
    end
    for f in $files
        test -f $f -a -r $f; or continue
        sed -n "s/^[[:space:]]*\[[[:space:]]*$argv[1][[:space:]][[:space:]]*\([A-Za-z0-9._-]*\)[[:space:]]*\].*/\1/p" $f 2>/dev/null
    end | sort -u
end

# The command and its operands so far, one a line; nothing behind "--".
function __bk_restic_operands
    set -l words (commandline -opc)
    set -l skip 1
    for w in $words
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch $w
            case --
                return
            case -c --config --stdin --at --snapshot --target --host --user --subset
                set skip 1
            case '-?*'
            case '*'
                echo -- $w
        end
    end
end

# Is the command one of these, with n operands (-1: any number)?
function __bk_restic_at
    set -l words (__bk_restic_operands)
    contains -- -- (commandline -opc); and return 1
    contains -- "$words[1]" $argv[2..-1]; or return 1
    test $argv[1] -lt 0; or test (count $words) -eq (math $argv[1] + 1)
end

function __bk_restic_no_command
    test -z "$(__bk_restic_operands)"
end

complete -c bk-restic -f
complete -c bk-restic -n __bk_restic_no_command -a init -d 'Create the repository'
complete -c bk-restic -n __bk_restic_no_command -a backup -d 'Back up sets, or a stream'
complete -c bk-restic -n __bk_restic_no_command -a snapshots -d 'List snapshots'
complete -c bk-restic -n __bk_restic_no_command -a find -d 'Search names in snapshots'
complete -c bk-restic -n __bk_restic_no_command -a restore -d 'Get files back'
complete -c bk-restic -n __bk_restic_no_command -a forget -d 'Remove old snapshots'
complete -c bk-restic -n __bk_restic_no_command -a prune -d 'Give back their space'
complete -c bk-restic -n __bk_restic_no_command -a check -d 'Is it whole?'
complete -c bk-restic -n __bk_restic_no_command -a unlock -d 'Remove locks of dead processes'
complete -c bk-restic -n __bk_restic_no_command -a key -d 'Passwords of a repository'
complete -c bk-restic -n __bk_restic_no_command -a exec -d 'Run restic with everything set'

complete -c bk-restic -n '__bk_restic_at -1 init prune check unlock' -a '(__bk_restic_names repo)' -d repository
complete -c bk-restic -n '__bk_restic_at 0 key' -a list -d 'Print them'
complete -c bk-restic -n '__bk_restic_at 0 key' -a add -d 'One from standard input'
complete -c bk-restic -n '__bk_restic_at 0 key' -a remove -d 'Take one away'
complete -c bk-restic -n '__bk_restic_at 0 key' -a test -d 'Does it open the repository?'
complete -c bk-restic -n '__bk_restic_at 1 key' -a '(__bk_restic_names repo)' -d repository
complete -c bk-restic -n '__bk_restic_at 0 exec' -a '(__bk_restic_names repo)' -d repository
complete -c bk-restic -n '__bk_restic_at 1 exec' -a --
complete -c bk-restic -n '__bk_restic_at -1 backup snapshots forget' -a '(__bk_restic_names backup)' -d set
complete -c bk-restic -n '__bk_restic_at -1 snapshots forget' -a 'mariadb:(__bk_restic_names mariadb)' -d dumps
complete -c bk-restic -n '__bk_restic_at -1 backup' -a - -d 'Plan from a pipe'
complete -c bk-restic -n '__bk_restic_at 0 find restore' -a '(__bk_restic_names backup)' -d set
complete -c bk-restic -n '__bk_restic_at 0 find restore' -a 'mariadb:(__bk_restic_names mariadb)' -d dumps
complete -c bk-restic -n '__bk_restic_at -1 restore; and not __bk_restic_at 0 restore' -F
complete -c bk-restic -n 'contains -- -- (commandline -opc)' -F

complete -c bk-restic -s c -l config -r -F -d 'Read this configuration only'
complete -c bk-restic -s n -l dry-run -d 'Change nothing, say what would be done'
complete -c bk-restic -s q -l quiet -d 'Warnings and errors only'
complete -c bk-restic -s v -l verbose -d 'Say more'
complete -c bk-restic -s 0 -l null -d 'First fields, each with a NUL byte'
complete -c bk-restic -l json -d 'Records, see bk-records(5)'
complete -c bk-restic -s h -l help -d 'Show the usage'
complete -c bk-restic -s V -l version -d 'Show the version'
complete -c bk-restic -n '__bk_restic_at -1 backup' -l accept -d 'The set is as it shall be'
complete -c bk-restic -n '__bk_restic_at -1 backup' -l stdin -x -d 'Back up a stream under this name'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l at -x -d 'As of this time'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l snapshot -x -d 'This snapshot'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l target -x -a '(__fish_complete_directories)' -d 'Into this folder'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l overwrite -d 'The folder need not be empty'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l in-place -d 'To where the files were'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l yes -d 'Do not ask'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l no-verify -d 'Do not read back'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l no-space-check -d 'Although it may not fit'
complete -c bk-restic -n '__bk_restic_at -1 restore' -l patterns -r -d 'What these patterns choose'
complete -c bk-restic -n '__bk_restic_at -1 restore snapshots find' -l host -x -a '(__fish_print_hostnames)' -d 'Of another host'
complete -c bk-restic -n '__bk_restic_at -1 key' -l user -x -a '(__fish_complete_users)' -d 'What the new key is called'
complete -c bk-restic -n '__bk_restic_at -1 key' -l host -x -a '(__fish_print_hostnames)' -d 'Of this host'
complete -c bk-restic -n '__bk_restic_at -1 forget' -l prune -d 'Then prune what is due'
complete -c bk-restic -n '__bk_restic_at -1 check restore snapshots' -l no-lock -d 'Beside all others'
complete -c bk-restic -n '__bk_restic_at -1 check' -l subset -x -d 'Read part N of T of the data'
complete -c bk-restic -n '__bk_restic_at -1 check' -l with-cache -d 'Believe the cache'
complete -c bk-restic -n '__bk_restic_at -1 prune' -l due -d 'Only where prune-every has passed'
