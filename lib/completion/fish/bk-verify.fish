# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for bk-verify(1)

# The subjects of the configuration that is named so far, and their kinds.
function __bk_verify_subjects
    set -l words (commandline -opc)
    set -l config
    for i in (seq (count $words))
        if contains -- $words[$i] -c --config
            set -q words[(math $i + 1)]; and set config -c $words[(math $i + 1)]
        end
    end
    set -l names (bk-verify $config -q -0 status 2>/dev/null | string split0)
    printf '%s\n' $names (string replace -r ':.*' '' -- $names) | sort -u
end

complete -c bk-verify -f
complete -c bk-verify -n __fish_use_subcommand -a run -d 'Prove what is due'
complete -c bk-verify -n __fish_use_subcommand -a status -d 'What is proved, how, and when'
complete -c bk-verify -n __fish_use_subcommand -a accept -d 'What is gone was removed on purpose'
complete -c bk-verify -n '__fish_seen_subcommand_from run status accept' -a '(__bk_verify_subjects)' -d subject
complete -c bk-verify -n '__fish_seen_subcommand_from run' -l all -d 'Everything, whatever it takes'
complete -c bk-verify -s c -l config -r -F -d 'Read this configuration only'
complete -c bk-verify -s n -l dry-run -d 'Prove nothing, say what is due'
complete -c bk-verify -s q -l quiet -d 'Warnings and errors only'
complete -c bk-verify -s v -l verbose -d 'Say more'
complete -c bk-verify -s 0 -l null -d 'First fields, each with a NUL byte'
complete -c bk-verify -l json -d 'Records, see bk-records(5)'
complete -c bk-verify -s h -l help -d 'Show the usage'
complete -c bk-verify -s V -l version -d 'Show the version'
