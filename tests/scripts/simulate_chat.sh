#!/bin/sh
# Runs people in rooms, a server that is killed and a store that fails, over seeds, on all cores:
#   simulate_chat.sh            10,000 of them
#   simulate_chat.sh 17..18     one, printed as it goes
set -eu
cd "$(dirname "$0")/../.."
WHARF_SEEDS="${1:-10000}" cargo test --release -p wharf-tests --test chat_world whatever -- --nocapture
