#!/bin/sh
# Kills a real chat again and again under load, on SQLite and on PostgreSQL, and PostgreSQL under it: nothing acknowledged is lost, nothing
# is there twice, nothing is invented.
#   kill_chat.sh        100 times each
#   kill_chat.sh 1000
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet -p wharf-cli --bin wharf
WHARF_BINARY="$PWD/target/release/wharf" WHARF_KILL_ROUNDS="${1:-100}" \
  cargo test --release -p wharf-tests --test chat_killed -- --nocapture
