#!/bin/sh
# Runs clients that stay up against a server that crashes, hangs, refuses and lies, over seeds, on all cores:
#   simulate_client.sh            10,000 of them
#   simulate_client.sh 17..18     one, printed as it goes
set -eu
cd "$(dirname "$0")/../.."
WHARF_SEEDS="${1:-10000}" cargo test --release -p wharf-tests --no-default-features --test client_world whatever -- --nocapture
