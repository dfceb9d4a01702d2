#!/usr/bin/env bash
# Instructions a frame by callgrind: the counts of two runs, subtracted, so that start-up falls out.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet --release -p wharf --features simd --example engine_counts
target=${CARGO_TARGET_DIR:-target}
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$target/release/examples/engine_counts" "$@" 2>&1 |
    awk '/Collected/ {print $4}'
}
for work in receive-binary receive-text send-server send-client; do
  for size in 16 1024; do
    few=$(count $work $size 1600)
    many=$(count $work $size 3200)
    echo "$work $size $(((many - few) / 1600))"
  done
done
