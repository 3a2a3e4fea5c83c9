#!/bin/sh
# Runs two commands side by side. The first that fails stops the other, with everything that it started.
#
#   pipeline.sh 'npm run lint' 'npm test'
set -eu
label="pipeline=$$"
first=$(clip run -q --label "$label" -- sh -c "$1")
second=$(clip run -q --label "$label" -- sh -c "$2")
for run in "$first" "$second"; do
  (clip wait -q "$run" || clip cancel --label "$label") >/dev/null 2>&1 &
done
wait
exec clip wait "$first" "$second"
