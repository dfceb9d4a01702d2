#!/bin/sh
# A hundred nodes and a million people on the pure mesh, under virtual time: takes some minutes and 9 GB. docs/scale.md says what it is for.
#   mesh_scale.sh [large | small] [PAGES OF A BEAT]
set -eu
cd "$(dirname "$0")/../.."
cargo build --quiet --release -p wharf-core --example mesh_scale
"${CARGO_TARGET_DIR:-target}/release/examples/mesh_scale" "$@"
