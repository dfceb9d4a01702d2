#!/bin/sh
# A thousand people in one room, over three nodes of `wharf chat` and beside it over one: the same PostgreSQL, the same NATS server. The kernel
# hands connections to the nodes, which share a port. Needs PostgreSQL, nats-server and, as PostgreSQL does, a user that is not root to run it
# as where this runs as root (nobody).
#   nodes.sh [--rounds 5] [--seconds 30] [--size 100] [--people 1000] [--idlers 0] [--rate 10]
# What is told as CPU and memory is that of one node; that of all three stands below, as `ps` has it at the end.
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet -p wharf-cli -p wharf-benches --features wharf-cli/nats,wharf-benches/servers --bin wharf --bin room-bench
folder=$(mktemp -d "${TMPDIR:-/tmp}/nodes.XXXXXX")
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
PATH=$PATH:/usr/sbin:${programs:-/usr/bin}
export PATH
as=
if [ "$(id -u)" = 0 ]; then
  chown nobody "$folder"
  as="setpriv --reuid nobody --regid nogroup --clear-groups"
fi
port=$((20000 + $$ % 10000))
$as initdb -D "$folder/data" -U wharf -E UTF8 --locale=C --auth=trust >/dev/null
$as postgres -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= 2>"$folder/log" &
pids=$!
nats-server -a 127.0.0.1 -p $((port + 1)) 2>/dev/null &
pids="$pids $!"
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; wait; rm -r "$folder"' EXIT
until psql -h 127.0.0.1 -p "$port" -U wharf -d postgres -c 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done
for database in one three; do psql -q -h 127.0.0.1 -p "$port" -U wharf -d postgres -c "CREATE DATABASE $database"; done
bin=$PWD/${CARGO_TARGET_DIR:-target}/release
cat >"$folder/nodes" <<END
#!/bin/sh
# nodes COUNT DATABASE --listen ADDR: so many nodes at one port, of which the first is this process.
count=\$1 database=\$2 address=\$4
set -- chat --log error --reuse-port --database postgres://wharf@127.0.0.1:$port/\$database --mesh nats://127.0.0.1:$((port + 1))/\$database
if [ "\${address##*:}" = 0 ]; then address=127.0.0.1:\$((30000 + \$\$ % 10000)); fi
parent=\$\$
while [ "\$count" -gt 1 ]; do
  # It ends with the first.
  ("$bin/wharf" "\$@" --listen "\$address" >/dev/null & node=\$!
   while kill -0 \$parent 2>/dev/null; do sleep 0.2; done; ps -o rss=,cputimes= -p \$node >>"$folder/others"; kill \$node) &
  count=\$((count - 1))
done
exec "$bin/wharf" "\$@" --listen "\$address"
END
chmod +x "$folder/nodes"
"$bin/room-bench" --folder "$folder" --idlers 0 --only nodes \
  --also "one of nodes=$folder/nodes 1 one" --also "three nodes=$folder/nodes 3 three" "$@"
echo "the other two nodes of each round: resident KiB, CPU seconds"
cat "$folder/others"
