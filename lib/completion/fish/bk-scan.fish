# SPDX-License-Identifier: GPL-3.0-or-later
set -l commands list show why files uncovered diff mark unmark
set -l classes restic cold delete redundant
set -l markers backup nobackup coldstorage coldstorage_redundant coldstorage_delete

complete -c bk-scan -f
complete -c bk-scan -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c bk-scan -n "__fish_seen_subcommand_from list files uncovered" -a "$classes"
complete -c bk-scan -n "__fish_seen_subcommand_from show why" -F
complete -c bk-scan -n "__fish_seen_subcommand_from mark unmark" -a "$markers (__fish_complete_directories)"
complete -c bk-scan -s c -l config -r -F -d "Configuration file"
complete -c bk-scan -s n -l dry-run -d "Change nothing"
complete -c bk-scan -s 0 -l null -d "Paths with NUL bytes"
complete -c bk-scan -l json -d "Records"
complete -c bk-scan -l accept -d "Keep nothing that cannot be seen"
complete -c bk-scan -l full -d "Read all, whatever the cache knows"
complete -c bk-scan -l cached -d "Read nothing but the cache"
complete -c bk-scan -l no-size -d "Do not ask for sizes"
complete -c bk-scan -l color -x -a "auto always never" -d "Colours"
complete -c bk-scan -s q -l quiet -d "Warnings and errors only"
complete -c bk-scan -s v -l verbose -d "Say more"
complete -c bk-scan -s h -l help -d "Usage"
complete -c bk-scan -s V -l version -d "Version"
