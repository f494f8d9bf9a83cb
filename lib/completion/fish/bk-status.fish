# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for bk-status(1)

# Names of jobs, or with --fleet of hosts, by the configuration named so far.
function __bk_status_names
    set -l words (commandline -opc)
    set -l config
    for i in (seq (count $words))
        if contains -- $words[$i] -c --config
            set -q words[(math $i + 1)]; and set config -c $words[(math $i + 1)]
        end
    end
    bk-status $config -q -0 $argv 2>/dev/null | string split0
end

complete -c bk-status -f
complete -c bk-status -a '(__bk_status_names)' -d job
complete -c bk-status -l fleet -d 'All hosts, the worst first'
complete -c bk-status -l forget-host -x -a '(__bk_status_names --fleet)' -d 'A host that is no more'
complete -c bk-status -l prom -d 'For Prometheus, on standard output'
complete -c bk-status -l publish -d 'For the fleet and Prometheus'
complete -c bk-status -s c -l config -r -F -d 'Read this configuration only'
complete -c bk-status -s n -l dry-run -d 'Write nothing, say what would be'
complete -c bk-status -s q -l quiet -d 'Only the first line'
complete -c bk-status -s v -l verbose -d 'Messages in full'
complete -c bk-status -s 0 -l null -d 'Names, each with a NUL byte'
complete -c bk-status -l json -d 'Records, see bk-records(5)'
complete -c bk-status -s h -l help -d 'Show the usage'
complete -c bk-status -s V -l version -d 'Show the version'
