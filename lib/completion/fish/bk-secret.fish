# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for bk-secret(1)

# The configuration that was named, if any: -c and FILE.
function __bk_secret_config
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] -c --config
            set -q words[(math $i + 1)]; and printf '%s\n' -c $words[(math $i + 1)]
        else if string match -q -- '--config=*' $words[$i]
            printf '%s\n' -c (string replace -- --config= '' $words[$i])
        end
    end
end

# Names of entries of a kind; a keyring is not opened for that.
function __bk_secret_names
    bk-secret (__bk_secret_config) -q -0 list $argv 2>/dev/null | string split0
end

# References of the kinds given, "ask" among them.
function __bk_secret_refs
    set -l word (commandline -ct)
    switch $word
        case 'file:*'
            set -l path (string replace -- file: '' $word)
            printf '%s\n' file:(complete -C "x $path" | string split -f1 \t)
        case 'keyring:*'
            __bk_secret_names keyring
        case 'credential:*'
            __bk_secret_names credential
        case '*'
            printf '%s\n' $argv
    end
end

# Names of the repositories, from the configuration that would be read.
function __bk_secret_repos
    set -l files (__bk_secret_config)[2]
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
        sed -n "s/^[[:space:]]*\[[[:space:]]*repo[[:space:]][[:space:]]*\([A-Za-z0-9._-]*\)[[:space:]]*\].*/\1/p" $f 2>/dev/null
    end | sort -u
end

# The command and its operands so far, one a line.
function __bk_secret_operands
    set -l skip 1
    for w in (commandline -opc)
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch $w
            case -c --config --with-key
                set skip 1
            case '-?*'
            case '*'
                echo -- $w
        end
    end
end

# Is the command one of these, with n operands (-1: any number)?
function __bk_secret_at
    set -l words (__bk_secret_operands)
    contains -- "$words[1]" $argv[2..-1]; or return 1
    test $argv[1] -lt 0; or test (count $words) -eq (math $argv[1] + 1)
end

function __bk_secret_no_command
    test -z "$(__bk_secret_operands)"
end

complete -c bk-secret -f
complete -c bk-secret -n __bk_secret_no_command -a get -d 'Print a secret'
complete -c bk-secret -n __bk_secret_no_command -a set -d 'Store a secret'
complete -c bk-secret -n __bk_secret_no_command -a del -d 'Remove a secret'
complete -c bk-secret -n __bk_secret_no_command -a list -d 'Names of secrets'
complete -c bk-secret -n __bk_secret_no_command -a check -d 'Is all there that is referred to?'
complete -c bk-secret -n __bk_secret_no_command -a import -d 'Take entries of another store'
complete -c bk-secret -n __bk_secret_no_command -a enroll -d 'Let this host open the keyring'
complete -c bk-secret -n __bk_secret_no_command -a kit -d 'The recovery sheet'

complete -c bk-secret -n '__bk_secret_at -1 get check' -a '(__bk_secret_refs keyring: secret-service: credential: command: file: ask)' -d reference
complete -c bk-secret -n '__bk_secret_at 0 set del' -a '(__bk_secret_refs keyring: secret-service: credential: file:)' -d reference
complete -c bk-secret -n '__bk_secret_at -1 list' -a 'keyring secret-service credential' -d kind
complete -c bk-secret -n '__bk_secret_at 0 import' -F
complete -c bk-secret -n '__bk_secret_at -1 import; and not __bk_secret_at 0 import' -a '(__bk_secret_refs keyring:)' -d entry
complete -c bk-secret -n '__bk_secret_at 0 kit' -a verify -d 'Type the password of a sheet'
complete -c bk-secret -n '__bk_secret_at 0 kit' -a revoke -d 'Remove keys of older sheets'
complete -c bk-secret -n '__bk_secret_at -1 kit' -a '(__bk_secret_repos)' -d repository

complete -c bk-secret -s c -l config -r -F -d 'Read this configuration only'
complete -c bk-secret -s n -l dry-run -d 'Change nothing, say what would be done'
complete -c bk-secret -s q -l quiet -d 'Warnings and errors only'
complete -c bk-secret -s v -l verbose -d 'Say more'
complete -c bk-secret -s 0 -l null -d 'First fields, each with a NUL byte'
complete -c bk-secret -l json -d 'Records, see bk-records(5)'
complete -c bk-secret -s h -l help -d 'Show the usage'
complete -c bk-secret -s V -l version -d 'Show the version'
complete -c bk-secret -n '__bk_secret_at -1 get' -s f -l force -d 'Also to a terminal'
complete -c bk-secret -n '__bk_secret_at -1 get' -l batch -d 'Requests on stdin'
complete -c bk-secret -n '__bk_secret_at -1 set enroll' -l generate -d 'Make a strong one up'
complete -c bk-secret -n '__bk_secret_at -1 set' -l exact -d 'Keep a newline at the end'
complete -c bk-secret -n '__bk_secret_at -1 check' -l unlock -d 'Only whether the keyring opens'
complete -c bk-secret -n '__bk_secret_at -1 import' -l overwrite -d 'Replace entries that are there'
complete -c bk-secret -n '__bk_secret_at -1 enroll' -l with-key -x -a 'host tpm2 host+tpm2' -d 'What seals'
complete -c bk-secret -n '__bk_secret_at -1 kit' -l html -d 'A page to print'
complete -c bk-secret -n '__bk_secret_at -1 kit' -l with-master -d 'With the master of the keyring'
