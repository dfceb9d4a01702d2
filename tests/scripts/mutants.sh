#!/usr/bin/env bash
# Whether the core's tests notice when its frames, connections, handshakes and endings are changed at random places
# (cargo-mutants over `core/src/base` and `core/src/ws`): at least 90 in a hundred changes must make a test fail.
#   mutants.sh            all of them, which takes most of a day on two cores
#   mutants.sh 3/50       the fourth of fifty even shares, which all see every file
#   mutants.sh 0/1 FILE…  those of these files, such as core/src/ws/closing.rs
# What was not noticed is left in target/mutants.out/missed.txt. The tests are those of the core alone: the laws and the
# simulations notice more, and take longer.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
tools=${WHARF_TOOLS:-$HOME/.cache/wharf-tools}
export PATH=$PATH:$tools/bin
command -v cargo-mutants >/dev/null || cargo install --quiet --locked --root "$tools" cargo-mutants

share=${1:-0/1}
shift || true
files=()
for file in "${@:-}"; do files+=(--file "$file"); done
[ $# -gt 0 ] || files=(--file 'core/src/base/**' --file 'core/src/ws/**')
# A change of one function is built again in part, and what it costs to optimise is more than what it saves.
export CARGO_INCREMENTAL=1 CARGO_PROFILE_TEST_OPT_LEVEL=0 CARGO_PROFILE_TEST_DEBUG=false
status=0
# Timeouts count as noticed: a change that never ends is one that a test would not pass.
cargo mutants --package wharf-core "${files[@]}" --shard "$share" --sharding round-robin --output target \
  --no-default-features --features deflate,http,json,sim,simd --exclude '**/tests/**' --exclude '**/tests.rs' \
  --minimum-test-timeout 60 --timeout-multiplier 4 --no-times -- --lib -- base:: ws:: link:: || status=$?
[ $status -le 3 ] && [ $status != 1 ] || exit $status

count() { wc -l <"target/mutants.out/$1.txt"; }
noticed=$(($(count caught) + $(count timeout)))
all=$((noticed + $(count missed)))
echo "$noticed of $all changes noticed, $(count unviable) that did not compile"
[ $((noticed * 100)) -ge $((all * 90)) ]
