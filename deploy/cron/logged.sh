#!/usr/bin/env bash
# Run a command with its output appended to a log file. Nothing is printed if it succeeds; if it fails: what its exit
# code means, and the end of its output, so that cron sends a mail exactly then. The exit code is that of the command.
#
#   deploy/cron/logged.sh LOG COMMAND [ARGUMENT...]
set -uo pipefail

LINES_SHOWN=40

meaning() {
    case $1 in
    1) echo "some videos failed, the others are finished; their reports say why" ;;
    2) echo "wrong usage or a wrong setting; nothing was done" ;;
    3) echo "refused input: take what is named below out of the inbox" ;;
    75) echo "the run before is still going on; this one was left out" ;;
    130) echo "cancelled; finished steps are kept, and the next run goes on from there" ;;
    *) echo "it was killed or could not be started; finished steps are kept" ;;
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
