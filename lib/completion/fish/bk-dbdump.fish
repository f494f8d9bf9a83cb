# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for bk-dbdump(1)

# Names of the [mariadb] sections of the configuration that would be read.
function __bk_dbdump_names
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
        sed -n "s/^[[:space:]]*\[[[:space:]]*mariadb[[:space:]][[:space:]]*\([A-Za-z0-9._-]*\)[[:space:]]*\].*/\1/p" $f 2>/dev/null
    end | sort -u
end

# The command and its operands so far, one a line; nothing behind "--".
function __bk_dbdump_operands
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
            case -c --config -o --output -j --connections --broken --max-age \
                    --socket --host --port --user --defaults-file --ssl-ca \
                    --at --snapshot --from --db --table --into
                set skip 1
            case '-?*'
            case '*'
                echo -- $w
        end
    end
end

# Is the command one of these, with n operands (-1: any number)?
function __bk_dbdump_at
    set -l words (__bk_dbdump_operands)
    contains -- -- (commandline -opc); and return 1
    contains -- "$words[1]" $argv[2..-1]; or return 1
    test $argv[1] -lt 0; or test (count $words) -eq (math $argv[1] + 1)
end

function __bk_dbdump_no_command
    test -z "$(__bk_dbdump_operands)"
end

complete -c bk-dbdump -f
complete -c bk-dbdump -n __bk_dbdump_no_command -a list -d 'What would be dumped'
complete -c bk-dbdump -n __bk_dbdump_no_command -a dump -d 'One stream, or a folder'
complete -c bk-dbdump -n __bk_dbdump_no_command -a backup -d 'Dumps into restic'
complete -c bk-dbdump -n __bk_dbdump_no_command -a restore -d 'A dump goes into a server'
complete -c bk-dbdump -n __bk_dbdump_no_command -a check -d 'Is a dump whole?'

complete -c bk-dbdump -n '__bk_dbdump_at -1 list backup' -a '(__bk_dbdump_names)' -d server
complete -c bk-dbdump -n '__bk_dbdump_at 0 dump restore' -a '(__bk_dbdump_names)' -d server
complete -c bk-dbdump -n '__bk_dbdump_at -1 check' -F
complete -c bk-dbdump -n 'contains -- -- (commandline -opc)' -F

complete -c bk-dbdump -s c -l config -r -F -d 'Read this configuration only'
complete -c bk-dbdump -s n -l dry-run -d 'Change nothing, say what would be done'
complete -c bk-dbdump -s q -l quiet -d 'Warnings and errors only'
complete -c bk-dbdump -s v -l verbose -d 'Say more'
complete -c bk-dbdump -s 0 -l null -d 'First fields, each with a NUL byte'
complete -c bk-dbdump -l json -d 'Records, see bk-records(5)'
complete -c bk-dbdump -s h -l help -d 'Show the usage'
complete -c bk-dbdump -s V -l version -d 'Show the version'
complete -c bk-dbdump -n '__bk_dbdump_at -1 dump' -s o -l output -x -a '(__fish_complete_directories)' -d 'Write a folder'
complete -c bk-dbdump -n '__bk_dbdump_at -1 dump' -s j -l connections -x -d 'Read by so many'
complete -c bk-dbdump -n '__bk_dbdump_at -1 dump' -l backup-stage -d 'Hold commits for a moment'
complete -c bk-dbdump -n '__bk_dbdump_at -1 dump' -l broken -x -a 'fail save' -d 'Objects that cannot be shown'
complete -c bk-dbdump -n '__bk_dbdump_at -1 dump' -l max-age -x -d 'Give up after'
complete -c bk-dbdump -n '__bk_dbdump_at -1 dump' -l exec -d 'Into the command behind --'
complete -c bk-dbdump -n '__bk_dbdump_at -1 backup' -l accept -d 'The server is as it shall be'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l at -x -d 'As of this time'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l snapshot -x -d 'This snapshot'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l from -r -F -d 'This file or folder'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l db -x -d 'This database only'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l table -x -d 'This table only'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l into -x -d 'Under this name'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l globals -d 'Users and grants as well'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l overwrite -d 'Replace what is there'
complete -c bk-dbdump -n '__bk_dbdump_at -1 restore' -l yes -d 'Do not ask'
complete -c bk-dbdump -n '__bk_dbdump_at -1 list dump restore' -l socket -r -F -d 'Where the server is'
complete -c bk-dbdump -n '__bk_dbdump_at -1 list dump restore' -l host -x -a '(__fish_print_hostnames)' -d 'Where the server is'
complete -c bk-dbdump -n '__bk_dbdump_at -1 list dump restore' -l port -x -d 'Its port'
complete -c bk-dbdump -n '__bk_dbdump_at -1 list dump restore' -l user -x -d 'As whom'
complete -c bk-dbdump -n '__bk_dbdump_at -1 list dump restore' -l defaults-file -r -F -d 'Option file'
complete -c bk-dbdump -n '__bk_dbdump_at -1 list dump restore' -l ssl-ca -r -F -d 'Certificates that vouch for it'
