#!/bin/sh
# Runs the simulated network over seeds, on all cores, and tells how many a second:
#   simulate.sh            10,000 of them
#   simulate.sh 1000000    the long run
#   simulate.sh 17..18     one, printed as it goes
set -eu
cd "$(dirname "$0")/../.."
WHARF_SEEDS="${1:-10000}" cargo test --release -p wharf-tests --no-default-features --test simulation any_world -- --nocapture
