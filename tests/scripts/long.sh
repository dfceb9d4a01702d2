#!/usr/bin/env bash
# All that takes too long for CI, one after another, most of a day on two cores; its figures are for the README.
# What each says is left in target/long/NAME.log. Goes on after a failure, and ends with 1 if there was one.
#   long.sh                  all of them
#   long.sh coverage wasm    these
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
scripts=tests/scripts
mkdir -p target/long
wanted=" $* "
failed=0

job() { # name, command…
  local name=$1 began=$SECONDS
  shift
  [ "$wanted" = "  " ] || [[ $wanted == *" $name "* ]] || return 0
  if "$@" >"target/long/$name.log" 2>&1; then
    echo "ok $name: $((SECONDS - began)) s, $(date +%F)"
  else
    echo "FAILED $name: see target/long/$name.log"
    failed=1
  fi
}

job first_server "$scripts/first_server.py"
job coverage "$scripts/coverage.py"
job wasm "$scripts/wasm.sh"
job minimal_versions "$scripts/minimal_versions.sh"
job msrv "$scripts/msrv.sh"
job deny "$scripts/deny.sh"
job simulate_chat "$scripts/simulate_chat.sh"
job simulate_client "$scripts/simulate_client.sh"
job simulate_bus "$scripts/simulate_bus.sh"
job simulate_nodes "$scripts/simulate_nodes.sh"
job simulate_bus_nodes "$scripts/simulate_bus_nodes.sh"
job simulate_mesh "$scripts/simulate_mesh.sh"
job kill_bus "$scripts/kill_bus.sh"
job kill_nodes "$scripts/kill_nodes.sh"
job kill_chat "$scripts/kill_chat.sh"
job restart_storm "$scripts/restart_storm.sh"
job differential "$scripts/differential.sh"
job simulate "$scripts/simulate.sh" 1000000
job fuzz fuzz/run.sh
job mutants "$scripts/mutants.sh"
exit $failed
