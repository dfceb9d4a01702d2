#!/usr/bin/env bash
# All that BENCHMARKS.md tells, measured here: tests/benches/run.sh [--quick] [echo syscalls memory fanout engine counts]
# Tables go to target/bench/*.md and the plot to target/bench/echo.svg. On two cores that do nothing else the whole takes an
# hour, --quick ten minutes once it is built: fewer rounds, the libraries that come closest, the sizes that tell most.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
out=$target/bench
bin=$target/release

quick=
[ "${1:-}" != --quick ] || { quick=yes && shift; }
[ $# -gt 0 ] || set -- counts memory fanout syscalls echo engine

cargo build --release --bins -p wharf-cli -p wharf-benches --features wharf-benches/peers
mkdir -p "$out"

for part in "$@"; do
  echo "== $part" >&2
  case $part in
    counts) core/examples/engine_counts.sh | tee "$out/counts.txt" ;;
    memory) "$bin/idle-memory" ${quick:+--connections 1000} | tee "$out/memory.md" ;;
    fanout)
      "$bin/fanout-bench" ${quick:+--rounds 5} | tee "$out/fanout.md"
      "$bin/groups-latency" ${quick:+--rounds 3} | tee "$out/latency.md"
      ;;
    syscalls) "$bin/echo-bench" --syscalls --cells 64x16x16 | tee "$out/syscalls.md" ;;
    echo)
      nearest='raw-mio,raw-tokio,wharf-*,fastwebsockets-batched,tokio-websockets-batched,web-socket-batched'
      "$bin/echo-bench" ${quick:+--rounds 4 --seconds 0.2 --servers "$nearest"} --out "$out/echo.json" >/dev/null
      "$bin/bench-report" "$out/echo.json" --svg "$out/echo.svg" | tee "$out/echo.md"
      ;;
    engine)
      cargo bench --quiet -p wharf-benches --features peers --bench engine -- ${quick:+'(receive binary|send as).*(16 B|1 KiB)'} >/dev/null
      "$bin/engine-report" "$target/criterion" | tee "$out/engine.md"
      ;;
    *) echo "no such part: $part" >&2 && exit 2 ;;
  esac
done
