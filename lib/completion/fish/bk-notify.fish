# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for bk-notify(1)

# Names of the monitors, from the configuration that would be read.
function __bk_notify_monitors
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
        sed -n "s/^[[:space:]]*\[[[:space:]]*monitor[[:space:]][[:space:]]*\([A-Za-z0-9._-]*\)[[:space:]]*\].*/\1/p" $f 2>/dev/null
    end | sort -u
end

# The command and its operands so far, one a line; nothing behind "--".
function __bk_notify_operands
    set -l skip 1
    for w in (commandline -opc)
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch $w
            case --
                return
            case -c --config --ping
                set skip 1
            case '-?*'
            case '*'
                echo -- $w
        end
    end
end

# Is the command one of these, with n operands (-1: any number)?
function __bk_notify_at
    set -l words (__bk_notify_operands)
    contains -- -- (commandline -opc); and return 1
    contains -- "$words[1]" $argv[2..-1]; or return 1
    test $argv[1] -lt 0; or test (count $words) -eq (math $argv[1] + 1)
end

function __bk_notify_no_command
    test -z "$(__bk_notify_operands)"
end

function __bk_notify_units
    systemctl --no-legend --plain list-units --all 'bk-*.service' 2>/dev/null | string split -f1 ' '
end

complete -c bk-notify -f
complete -c bk-notify -n __bk_notify_no_command -a push -d 'Tell a monitor up or down'
complete -c bk-notify -n __bk_notify_no_command -a run -d 'Run a command, tell how it ended'
complete -c bk-notify -n __bk_notify_no_command -a state -d 'Tell how the jobs are'
complete -c bk-notify -n __bk_notify_no_command -a unit -d 'Note how a unit ended, and tell'
complete -c bk-notify -n __bk_notify_no_command -a test -d 'Does it listen?'

complete -c bk-notify -n '__bk_notify_at 0 push run' -a '(__bk_notify_monitors)' -d monitor
complete -c bk-notify -n '__bk_notify_at -1 state test' -a '(__bk_notify_monitors)' -d monitor
complete -c bk-notify -n '__bk_notify_at 1 push' -a 'up down'
complete -c bk-notify -n '__bk_notify_at 1 push' -a - -d 'Records from a pipe'
complete -c bk-notify -n '__bk_notify_at 1 run' -a --
complete -c bk-notify -n '__bk_notify_at 0 unit' -a '(__bk_notify_units)' -d unit
complete -c bk-notify -n 'contains -- -- (commandline -opc)' -F

complete -c bk-notify -s c -l config -r -F -d 'Read this configuration only'
complete -c bk-notify -s n -l dry-run -d 'Send nothing, show what would be sent'
complete -c bk-notify -s q -l quiet -d 'Warnings and errors only'
complete -c bk-notify -s v -l verbose -d 'Say more'
complete -c bk-notify -s 0 -l null -d 'First fields, each with a NUL byte'
complete -c bk-notify -l json -d 'Records, see bk-records(5)'
complete -c bk-notify -s h -l help -d 'Show the usage'
complete -c bk-notify -s V -l version -d 'Show the version'
complete -c bk-notify -n '__bk_notify_at -1 push' -l ping -x -d 'How long it took, in ms'
complete -c bk-notify -n '__bk_notify_at -1 unit' -l record -d 'Note it, and tell nobody'
