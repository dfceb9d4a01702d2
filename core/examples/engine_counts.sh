#!/usr/bin/env bash
# Instructions a frame, and those of a hub's turn with so many messages in it, by callgrind: the counts of two runs,
# subtracted, so that start-up falls out.
#   core/examples/engine_counts.sh            prints them beside those of engine_counts.txt
#   core/examples/engine_counts.sh --check    and fails where one has risen by more than 2 %
#   core/examples/engine_counts.sh --update   writes engine_counts.txt anew
set -euo pipefail
cd "$(dirname "$0")/../.."
kept=core/examples/engine_counts.txt
cargo build --quiet --release -p wharf-core --features simd --example engine_counts --example hub_counts
programs=${CARGO_TARGET_DIR:-target}/release/examples

count() { # program, arguments…
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$programs/$1" "${@:2}" 2>&1 | awk '/Collected/ {print $4}'
}

counts() {
  local line few many size depth
  for line in {receive-binary,receive-text,send-server,send-client}" "{16,1024} "open-server 0"; do
    few=$(count engine_counts $line 1600)
    many=$(count engine_counts $line 3200)
    echo "$line $(((many - few) / 1600))"
  done
  for line in "16 1" "16 64" "1024 4" "65536 2"; do
    read -r size depth <<<"$line"
    few=$(count hub_counts "$size" "$depth" 200)
    many=$(count hub_counts "$size" "$depth" 400)
    echo "hub-turn-of-$depth $size $(((many - few) / 200))"
  done
}

case ${1:-} in
  --update) counts | tee "$kept" ;;
  --check | "")
    counts | awk -v kept="$kept" -v check="${1:-}" '
      BEGIN { while ((getline line < kept) > 0) { split(line, f, " "); was[f[1] " " f[2]] = f[3] } }
      {
        key = $1 " " $2
        if (!(key in was)) { print $0 "  (not in " kept ")"; bad = 1; next }
        rise = ($3 / was[key] - 1) * 100
        printf "%s  (%d kept, %+.1f %%)\n", $0, was[key], rise
        if (rise > 2) { bad = 1; print "  that is a rise of more than 2 %: mend it, or keep it by --update and say why" }
      }
      END { exit check != "" && bad }'
    ;;
  *)
    echo "usage: engine_counts.sh [--check | --update]" >&2
    exit 2
    ;;
esac
