#!/bin/sh
# Appends a line for each failed run to $FAILURES (default: ~/clip-failures.txt).
#
#   clip config set hooks.failed '["/path/to/hook.sh"]' && clip daemon restart
#
# A hook reads one line of JSON on its standard input (docs/configuration.md#hooks).
set -eu
jq -r '"\(.at) run \(.run.number) \(.run.status): \(.run.error // .run.errorCode)"' >>"${FAILURES:-$HOME/clip-failures.txt}"
