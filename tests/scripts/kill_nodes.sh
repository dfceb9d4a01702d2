#!/bin/sh
# Kills nodes of a chat again and again under load, and the NATS server between them: nobody hears a message twice, and every log is
# what the database has. Needs PostgreSQL and nats-server.
#   kill_nodes.sh        30 times each
#   kill_nodes.sh 200
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet -p wharf-cli --features nats --bin wharf
WHARF_BINARY="$PWD/target/release/wharf" WHARF_KILL_ROUNDS="${1:-30}" WHARF_REQUIRE=all \
  cargo test --release -p wharf-tests --test chat_nodes -- --nocapture
