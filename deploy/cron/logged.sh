#!/usr/bin/env bash
# Runs a command and appends its output to a log file. After success it prints nothing. After a failure it prints the
# meaning of the exit code and the end of the output, so that cron sends a mail. It keeps the exit code of the command.
#
#   deploy/cron/logged.sh LOG COMMAND [ARGUMENT...]
set -uo pipefail

LINES_SHOWN=40

meaning() {
    case $1 in
    1) echo "some videos failed, the others are finished; the reports name the reasons" ;;
    2) echo "wrong usage or a wrong setting; nothing ran" ;;
    3) echo "refused input: remove the deliveries below from the inbox" ;;
    75) echo "the previous run is still running; this one was skipped" ;;
    130) echo "cancelled; finished steps keep their results, and the next run continues" ;;
    *) echo "the command was killed or could not start; finished steps keep their results" ;;
    esac
}

log=$1
shift
mkdir -p "$(dirname "$log")" && touch "$log" || exit
before=$(stat --format %s "$log")
{
    echo "== $(date --iso-8601=seconds) $*"
    "$@"
} >>"$log" 2>&1 </dev/null
code=$?
[ $code -ne 0 ] || exit 0
echo "exit code $code: $(meaning $code)"
echo "The end of $log:"
tail --bytes "+$((before + 1))" "$log" | tail --lines $LINES_SHOWN
exit $code
