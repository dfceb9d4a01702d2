#!/bin/sh
# Runs nodes of a bus, their store, services and the network between them with all faults, over seeds, on all cores:
#   simulate_bus_nodes.sh            10,000 of them
#   simulate_bus_nodes.sh 17..18     one, printed as it goes
set -eu
cd "$(dirname "$0")/../.."
WHARF_SEEDS="${1:-10000}" cargo test --release -p wharf-tests --no-default-features --test bus_nodes wherever -- --nocapture
