#!/bin/sh
# Runs the simulated network over seeds: simulate.sh 10000, or simulate.sh 17..18 to see one.
set -eu
cd "$(dirname "$0")/../.."
WHARF_SEEDS="${1:-10000}" cargo test --release -p wharf-tests --no-default-features --test simulation any_world -- --nocapture
