#!/bin/sh
# Durable messages a second through `wharf bus`, from one sender to one receiver, its journal in a folder of this disk. Where `nats-server` is
# installed, the same through its JetStream: as it comes, and in a folder whose files are written synchronously (chattr +S, on ext4), since
# 2.9.10 cannot be told to sync a message before it acknowledges it.
#   bus.sh [--seconds 5] [--rounds 3] [--in-flight 1 --in-flight 256] [--size 100]
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet -p wharf-cli -p wharf-benches --features wharf-benches/servers --bin wharf --bin bus-load
folder=$(mktemp -d "$PWD/target/bus.XXXXXX")
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -r "$folder"' EXIT
"$PWD/target/release/wharf" bus --listen tcp://127.0.0.1:0 --journal "$folder/bus.db" --log error >"$folder/out" &
pids=$!
until address=$(sed -n 's|^listening on tcp://||p' "$folder/out" 2>/dev/null) && [ -n "$address" ]; do kill -0 $pids && sleep 0.1; done
set -- --bus "$address" "$@"
for name in "JetStream, synchronous files" JetStream; do
  server=$(PATH=$PATH:/usr/sbin command -v nats-server) || continue
  store=$folder/$(echo "$name" | tr -dc A-Za-z)
  mkdir "$store"
  case $name in *synchronous*) chattr +S "$store" || continue ;; esac
  "$server" --jetstream --store_dir "$store" --addr 127.0.0.1 --port -1 --ports_file_dir "$store" --log "$store/log" &
  pids="$pids $!"
  ports=$store/nats-server_$!.ports
  until address=$(sed -n 's|.*"nats://\([0-9.:]*\)".*|\1|p' "$ports" 2>/dev/null) && [ -n "$address" ]; do kill -0 $! && sleep 0.1; done
  set -- --jetstream "$name=$address" "$@"
done
"$PWD/target/release/bus-load" "$@"
