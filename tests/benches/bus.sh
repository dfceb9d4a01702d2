#!/bin/sh
# Durable messages a second through `wharf bus`, from one sender to one receiver, its journal in a folder of this disk.
#   bus.sh [--seconds 4] [--in-flight 1 --in-flight 256] [--size 100]
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet -p wharf-cli -p wharf-benches --features wharf-benches/servers --bin wharf --bin bus-load
folder=$(mktemp -d "$PWD/target/bus.XXXXXX")
"$PWD/target/release/wharf" bus --listen tcp://127.0.0.1:0 --journal "$folder/bus.db" --log error >"$folder/out" &
bus=$!
trap 'kill $bus 2>/dev/null; wait $bus || true; rm -r "$folder"' EXIT
until address=$(sed -n 's|^listening on tcp://||p' "$folder/out") && [ -n "$address" ]; do kill -0 $bus && sleep 0.1; done
"$PWD/target/release/bus-load" --address "$address" "$@"
