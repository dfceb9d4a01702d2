#!/usr/bin/env bash
# That the core needs nothing around it, in seconds and on any machine: `tests/bare` is a program without std over it,
# which would not compile if a crate of its tree linked std. With `http`, which needs std, it must not: so the check is
# known to see it. tests/scripts/wasm.sh builds and runs the same program for a target that has no system.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}

cp Cargo.lock tests/bare/Cargo.lock # the versions of the workspace
bare=(cargo check --quiet --manifest-path tests/bare/Cargo.toml)
"${bare[@]}"
if said=$("${bare[@]}" --features wharf/http 2>&1); then
  echo "a crate that links std went unnoticed" >&2
  exit 1
fi
grep -q "duplicate lang item" <<<"$said" || { echo "$said" >&2; exit 1; }
crates=$(cargo tree --manifest-path tests/bare/Cargo.toml -p wharf-core -e normal,no-proc-macro --prefix none | sed 's/ .*//' | sort -u)
echo "no std in $(wc -l <<<"$crates") crates:" $crates
