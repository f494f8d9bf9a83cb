# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for bk-cold(1)

# Names of the sections of this kind in the configuration that would be read.
function __bk_cold_names
    set -l files
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] -c --config
            set -q words[(math $i + 1)]; and set files $words[(math $i + 1)]
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

function __bk_cold_in
    __fish_seen_subcommand_from $argv
end

complete -c bk-cold -f
complete -c bk-cold -n __fish_use_subcommand -a init -d 'Make a folder a box'
complete -c bk-cold -n __fish_use_subcommand -a probe -d 'What the box can do'
complete -c bk-cold -n __fish_use_subcommand -a push -d 'Copy what is new, and prove it'
complete -c bk-cold -n __fish_use_subcommand -a list -d 'What is in cold storage'
complete -c bk-cold -n __fish_use_subcommand -a get -d 'Bring it back'
complete -c bk-cold -n __fish_use_subcommand -a check -d 'Prove the copies again'
complete -c bk-cold -n __fish_use_subcommand -a status -d 'Boxes, room, copies, proofs'
complete -c bk-cold -n __fish_use_subcommand -a rebuild -d 'Make the catalog anew'
complete -c bk-cold -n __fish_use_subcommand -a release -d 'Take away local files whose copies are proved'
complete -c bk-cold -n __fish_use_subcommand -a undo -d 'Bring back from quarantine'
complete -c bk-cold -n '__bk_cold_in init probe check rebuild' -a '(__bk_cold_names box)' -d box
complete -c bk-cold -n '__bk_cold_in push' -a 'markers (__bk_cold_names cold)' -d set
complete -c bk-cold -n '__bk_cold_in list get' -F
complete -c bk-cold -n '__bk_cold_in list' -l all -d 'Also what is no more'
complete -c bk-cold -n '__bk_cold_in list get' -l at -x -d 'As it was then'
complete -c bk-cold -n '__bk_cold_in get' -l box -x -a '(__bk_cold_names box)' -d 'From this box'
complete -c bk-cold -n '__bk_cold_in get rebuild release' -l identity -r -F -d 'The key of what is encrypted'
complete -c bk-cold -n '__bk_cold_in get' -l in-place -d 'To where it was'
complete -c bk-cold -n '__bk_cold_in get' -l numeric-owner -d 'Owners by number'
complete -c bk-cold -n '__bk_cold_in get' -l to -x -a '(__fish_complete_directories)' -d 'Below this folder'
complete -c bk-cold -n '__bk_cold_in get' -l yes -d 'Do not ask'
complete -c bk-cold -n '__bk_cold_in release' -l yes -d 'Do it'
complete -c bk-cold -n '__bk_cold_in check' -l max-bytes -x -d 'No more than that'
complete -c bk-cold -n '__bk_cold_in check' -l max-time -x -d 'No longer than that'
complete -c bk-cold -n '__bk_cold_in check' -l read-back -d 'By reading the copies here'
complete -c bk-cold -n '__bk_cold_in status' -l offline -d 'Without connecting'
complete -c bk-cold -s c -l config -r -F -d 'Read this configuration only'
complete -c bk-cold -s n -l dry-run -d 'Change nothing, say what would be done'
complete -c bk-cold -s q -l quiet -d 'Warnings and errors only'
complete -c bk-cold -s v -l verbose -d 'Say more'
complete -c bk-cold -s 0 -l null -d 'First fields, each with a NUL byte'
complete -c bk-cold -l json -d 'Records, see bk-records(5)'
complete -c bk-cold -s h -l help -d 'Show the usage'
complete -c bk-cold -s V -l version -d 'Show the version'
