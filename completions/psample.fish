# SPDX-License-Identifier: MIT
# fish completion for psample. What there is to complete is asked of psample
# itself, so that it is always that of the version that is installed.

function __psample_reports # the reports, which are commands, too
    psample report --help 2>/dev/null | sed '/--format/,$d' |
        sed -n 's/^  *--\([a-z][a-z]*\).*/\1/p'
end

# The command of a line: record, if it is a program. Of processes top is one of
# record, of files one of report.
function __psample_command
    set -l words (commandline -opc)
    switch "$words[2] $words[3]"
        case 'top -p*' 'top -n*' 'top --pid*' 'top --name*' 'top 1*' \
            'top 2*' 'top 3*' 'top 4*' 'top 5*' 'top 6*' 'top 7*' 'top 8*' \
            'top 9*'
            echo record
            return
    end
    switch "$words[2]"
        case record report serve help
            echo $words[2]
        case dump
            echo record
        case merge convert diff
            echo report
        case ''
            echo record
        case '*'
            if contains -- $words[2] (__psample_reports)
                echo report
            else
                echo record
            end
    end
end

function __psample_is_first
    test (count (commandline -opc)) = 1
end

function __psample_is_before_program
    not contains -- -- (commandline -opc)
end

# "--name<tab>what it is for"
function __psample_options
    psample (__psample_command) --help 2>/dev/null |
        sed -n 's/^ *\(-[A-Za-z], \)\{0,1\}\(--[a-z][a-z-]*\)\( [A-Z][^ ]*\)\{0,1\}  *\(.*\)/\2\t\4/p;
            s/^ *\(-[A-Za-z], \)\{0,1\}\(--[a-z][a-z-]*\)\( [A-Z][^ ]*\)\{0,1\}$/\2/p'
    set -l words (commandline -opc)
    if test "$words" = 'psample top'
        printf '%s\n' --pid --name
    end
end

function __psample_values
    set -l words (commandline -opc)
    switch "$words[-1]"
        case -p --pid
            __fish_complete_pids
        case -e --event
            printf '%s\n' cpu wall alloc heap mmap {cpu,wall},{alloc,heap,mmap}
        case --unwind
            printf '%s\n' auto dwarf fp libunwind
        case --demangle
            printf '%s\n' simple templates full none
        case --symbolize
            printf '%s\n' none local fastlocal remote
        case --sort
            printf '%s\n' flat cum
        case --granularity
            printf '%s\n' functions filefunctions files lines addresses
        case -f --format
            if test (__psample_command) = report
                __psample_reports
                echo auto
            else
                printf '%s\n' pprof folded text stacks flamegraph \
                    speedscope
            end
    end
end

complete -c psample -n __psample_is_first -a 'record dump report serve help merge convert diff'
complete -c psample -n __psample_is_first -a '(__psample_reports)'
complete -c psample -n __psample_is_before_program -a '(__psample_values)'
complete -c psample -n '__psample_is_before_program; and string match -q -- "-*" (commandline -ct)' -a '(__psample_options)'
