#!/bin/sh
# Kills a real bus again and again under load, and starts it again: nothing accepted is lost, nothing applied twice, nothing invented. Also
# either of two buses on one PostgreSQL, and that under them a quarter as often.
#   kill_bus.sh        200 times
#   kill_bus.sh 1000
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet -p wharf-cli --bin wharf
WHARF_BINARY="$PWD/target/release/wharf" WHARF_KILL_ROUNDS="${1:-200}" \
  cargo test --release -p wharf-tests --test bus_kill -- --nocapture
