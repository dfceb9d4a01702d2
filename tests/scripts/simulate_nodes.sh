#!/bin/sh
# Runs people at three nodes of a chat, over a mesh that loses and a store that fails, over seeds, on all cores:
#   simulate_nodes.sh            10,000 of them
#   simulate_nodes.sh 17..18     one, printed as it goes
set -eu
cd "$(dirname "$0")/../.."
WHARF_SEEDS="${1:-10000}" cargo test --release -p wharf-tests --test nodes_world whatever -- --nocapture
