#!/usr/bin/env bash
# Each fuzz target for five minutes: fuzz/run.sh [SECONDS, default 300] [TARGET…, default all]
# Needs a nightly toolchain and `cargo install cargo-fuzz`. What it finds is in fuzz/artifacts; new inputs grow a copy
# of the corpus under target, so that the one checked in stays small.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
seconds=${1:-300}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
for target in "${targets[@]}"; do
  grown=fuzz/target/corpus/$target
  mkdir -p "$grown"
  echo "== $target for $seconds s"
  # rustls asserts that no damaged input follows our close_notify, but a peer may send some: not with its assertions.
  checks=(--debug-assertions)
  [ "$target" != tls ] || checks=(--release)
  cargo +nightly fuzz run "${checks[@]}" --sanitizer none "$target" "$grown" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 2>&1 |
    grep -E '^(==|stat::|#.*DONE|thread|SUMMARY|ERROR|.*panicked|artifact)' || true
  if compgen -G "fuzz/artifacts/$target/*" >/dev/null; then
    echo "== $target: found something, see fuzz/artifacts/$target"
    exit 1
  fi
done
