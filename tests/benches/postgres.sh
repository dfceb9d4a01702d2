#!/bin/bash
# What one PostgreSQL carries of `wharf chat` on 1 to 3 nodes, and of commits in general: a server of its own in a folder of this disk,
# which syncs as it comes, and pgbench with the chat's statements: a transaction that takes the turn, stores so many messages, commits.
# Below it transactions of one row each by many writers, without anything, with a lock that all of them take, and with NOTIFY.
#   postgres.sh [SECONDS=5]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-5}
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$programs" ] || { echo "needs PostgreSQL" >&2; exit 1; }
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/wharf-postgres.XXXXXX")
as=()
if [ "$(id -u)" = 0 ]; then
  # PostgreSQL does not run as root.
  chown 65534:65534 "$folder"
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
# All of it stands in the folder, which the user may enter.
run() { (cd "$folder" && HOME="$folder" "${as[@]}" "$programs/$1" "${@:2}"); }
trap 'run pg_ctl -D data -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
run initdb -D data -U wharf -E UTF8 --locale=C --auth=trust >/dev/null
run pg_ctl -D data -w -l log -o "-c listen_addresses= -c unix_socket_directories=$folder" start >/dev/null
sql() { run psql -h "$folder" -U wharf -d postgres -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
sql -c 'CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 9007199254740991) PRIMARY KEY,
    room_id text COLLATE "C" NOT NULL, user_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
    content text COLLATE "C" NOT NULL, "timestamp" bigint NOT NULL, ref text COLLATE "C", key bytea);
  CREATE INDEX messages_of_room ON messages (room_id, id);
  CREATE UNIQUE INDEX messages_by_ref ON messages (user_id, ref) WHERE ref IS NOT NULL;
  CREATE UNIQUE INDEX messages_by_key ON messages (key);
  CREATE TABLE outbox (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, record bytea NOT NULL);'

turn='SELECT pg_advisory_xact_lock(6298523424906339);'
# Ids are drawn in the turn; key and reference are fresh, as each message's are.
insert="INSERT INTO messages (room_id, user_id, name, content, \"timestamp\", ref, key)
  SELECT 'room ' || d % 100, 'user ' || d, 'User_12345678', repeat('x', 100), 0, gen_random_uuid()::text, uuid_send(gen_random_uuid())
  FROM generate_series(1, :batch) AS d ON CONFLICT DO NOTHING RETURNING id, key;"
row="INSERT INTO outbox (record) VALUES (decode(repeat('00', 200), 'hex'));"
notify='NOTIFY bus;'
write() { local name=$1; shift; printf 'BEGIN;\n%s\nCOMMIT;\n' "$(printf '%s\n' "$@" | tr '\n' ' ' | sed 's/; /;\n/g')" >"$folder/$name.sql"; }
write chat "$turn" "$insert"
write rows "$row"
write turns "$turn" "$row"
write notified "$row" "$notify"

# Transactions a second, and the milliseconds of one.
bench() { # script, clients, batch
  run pgbench -h "$folder" -U wharf -n -M prepared -f "$1.sql" -c "$2" -j 1 -D batch="$3" -T "$seconds" postgres 2>&1 |
    awk '/^latency average/ {ms = $4} /^tps/ {tps = $3} END {printf "%.0f %.2f", tps, ms}'
}
sql -c 'SHOW server_version' | sed 's/^/PostgreSQL /'
echo '| nodes | messages a transaction | transactions/s | messages/s | ms each |'
echo '|--:|--:|--:|--:|--:|'
for clients in 1 2 3; do
  for batch in 1 16 256; do
    read -r tps ms <<<"$(bench chat $clients $batch)"
    echo "| $clients | $batch | $tps | $((tps * batch)) | $ms |"
  done
done
echo
echo '| writers | commits/s | all take one lock | each with NOTIFY |'
echo '|--:|--:|--:|--:|'
for clients in 1 4 16 64; do
  figures=
  for script in rows turns notified; do
    read -r tps ms <<<"$(bench $script $clients 1)"
    figures+=" $tps |"
  done
  echo "| $clients |$figures"
done
