#!/bin/sh
# A restart storm on this machine: clients that stay up, whose server is killed by SIGKILL and started again.
#   restart_storm.sh                               1,000 clients on tokio, the server away for 20 s
#   restart_storm.sh --clients 500 --away 60 --runtime smol
set -eu
cd "$(dirname "$0")/../.."
ulimit -n 16384 2>/dev/null || ulimit -n "$(ulimit -Hn)"
cargo build --release --quiet -p wharf-cli --bin wharf
WHARF_BINARY="$PWD/target/release/wharf" cargo run --release --quiet -p wharf-tests --bin restart-storm -- "$@"
