#!/bin/sh
# A thousand people in one room of `wharf chat`, one in ten of whom never reads, and beside it, in the same run and in turn, the same
# load on a server of node's `ws` that tells each member in a loop (room_ws.js): without a journal, and with one that is synced before a
# message is told, as wharf's SQLite is. `ws` is installed into ~/.cache once. Databases and journal are in a folder of this disk.
#   room.sh [--rounds 5] [--seconds 30] [--size 100] [--people 1000] [--idlers 100] [--rate 10] [--runtime tokio]
set -eu
cd "$(dirname "$0")/../.."
modules=$HOME/.cache/wharf-ws
if [ ! -f "$modules/.complete" ]; then
  mkdir -p "$modules"
  echo '{"private": true}' >"$modules/package.json"
  (cd "$modules" && npm install --no-audit --no-fund --ignore-scripts --silent ws@8)
  echo ws@8 >"$modules/.complete"
fi
export NODE_PATH="$modules/node_modules"
cargo build --release --quiet -p wharf-cli -p wharf-benches --features wharf-benches/servers --bin wharf --bin room-bench
folder=$(mktemp -d target/room.XXXXXX)
trap 'rm -r "$folder"' EXIT
node=tests/benches/room_ws.js
"${CARGO_TARGET_DIR:-target}/release/room-bench" --folder "$folder" \
  --also "node's ws=node $node" --also "node's ws, a journal=node $node --journal $folder/journal" "$@"
