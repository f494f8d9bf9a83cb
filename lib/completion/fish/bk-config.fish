# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for bk-config(1)

# The configuration that was named, if any: -c and FILE.
function __bk_config_config
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] -c --config
            set -q words[(math $i + 1)]; and printf '%s\n' -c $words[(math $i + 1)]
        else if string match -q -- '--config=*' $words[$i]
            printf '%s\n' -c (string replace -- --config= '' $words[$i])
        end
    end
end

# "KIND NAME" of the sections that the configuration has, or the kinds.
function __bk_config_sections
    bk-config (__bk_config_config) -q show 2>/dev/null | string replace -rf '^\[(.*)\]$' '$1'
end

# The command and its operands so far, one a line.
function __bk_config_operands
    set -l skip 1
    for w in (commandline -opc)
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch $w
            case -c --config --box --full-key --full-key-to --host-key --keep --mark --master-to --monitor-token-from --monitor-type --monitor-url --password-ref --path --repo-url --root
                set skip 1
            case '-?*'
            case '*'
                echo -- $w
        end
    end
end

function __bk_config_no_command
    test -z "$(__bk_config_operands)"
end

# Is the command this one?
function __bk_config_is
    set -l words (__bk_config_operands)
    test "$words[1]" = $argv[1]
end

# Is it show, with so many operands?
function __bk_config_show
    set -l words (__bk_config_operands)
    test "$words[1]" = show; and test (count $words) -eq (math $argv[1] + 1)
end

# Names of the kind that is the operand before.
function __bk_config_names
    set -l words (__bk_config_operands)
    __bk_config_sections | string replace -rf "^$words[2] " ''
end

complete -c bk-config -f
complete -c bk-config -n __bk_config_no_command -a check -d 'Every problem that a run would meet'
complete -c bk-config -n __bk_config_no_command -a show -d 'The configuration with its defaults'
complete -c bk-config -n __bk_config_no_command -a init -d 'Guided first set-up'
complete -c bk-config -n __bk_config_no_command -a append-only -d 'Let this host add, and remove nothing'
complete -c bk-config -n '__bk_config_is append-only' -a "(__bk_config_sections | string replace -rf '^repo ' '')" -d repository
complete -c bk-config -n '__bk_config_is append-only' -l full-key-to -x -a '(__fish_complete_directories)' -d 'A new folder to carry away'
complete -c bk-config -n '__bk_config_is append-only' -l full-key -r -F -d 'The full key'
complete -c bk-config -n '__bk_config_is append-only' -l undo -d 'Back to what was before'
complete -c bk-config -n '__bk_config_is append-only' -l yes -d 'Ask nothing'
complete -c bk-config -n '__bk_config_show 0' -a "(__bk_config_sections | string replace -r ' .*' '' | sort -u)" -d section
complete -c bk-config -n '__bk_config_show 1' -a '(__bk_config_names)' -d section

complete -c bk-config -s c -l config -r -F -d 'Read this configuration only'
complete -c bk-config -s n -l dry-run -d 'Change nothing, say what would be done'
complete -c bk-config -s q -l quiet -d 'Warnings and errors only'
complete -c bk-config -s v -l verbose -d 'Say more'
complete -c bk-config -s 0 -l null -d 'First fields, each with a NUL byte'
complete -c bk-config -l json -d 'Records, see bk-records(5)'
complete -c bk-config -s h -l help -d 'Show the usage'
complete -c bk-config -s V -l version -d 'Show the version'
complete -c bk-config -n '__bk_config_is check' -l offline -d 'Nothing that leaves this host'
complete -c bk-config -n '__bk_config_is check' -l push -d 'Send a test to each monitor'
complete -c bk-config -n '__bk_config_is init' -l yes -d 'Ask nothing'
complete -c bk-config -n '__bk_config_is init' -l repo-url -x -a '(__fish_complete_directories)' -d 'Where backups go'
complete -c bk-config -n '__bk_config_is init' -l password-ref -x -d 'Where its password is kept'
complete -c bk-config -n '__bk_config_is init' -l keep -x -d 'What is kept'
complete -c bk-config -n '__bk_config_is init' -l path -r -F -d 'Back this up'
complete -c bk-config -n '__bk_config_is init' -l root -x -a '(__fish_complete_directories)' -d 'Look for markers below it'
complete -c bk-config -n '__bk_config_is init' -l mark -x -a '(__fish_complete_directories)' -d 'Put a marker there'
complete -c bk-config -n '__bk_config_is init' -l box -x -d 'Add a box'
complete -c bk-config -n '__bk_config_is init' -l host-key -x -d 'Accept this key of a server'
complete -c bk-config -n '__bk_config_is init' -l monitor-url -x -d 'Who is told'
complete -c bk-config -n '__bk_config_is init' -l monitor-type -x -a 'kuma healthchecks ntfy webhook' -d 'What it is'
complete -c bk-config -n '__bk_config_is init' -l monitor-token-from -r -F -d 'A file with its token'
complete -c bk-config -n '__bk_config_is init' -l master-to -r -F -d 'Write the master of a new keyring there'
complete -c bk-config -n '__bk_config_is init' -l no-backup -d 'No first backup'
complete -c bk-config -n '__bk_config_is init' -l no-timers -d 'Enable no timers'
