#!/bin/sh
# Runs nodes of a mesh and a fan-out that drops, doubles, delays and mixes up what it carries, over seeds, on all cores:
#   simulate_mesh.sh            10,000 of them
#   simulate_mesh.sh 17..18     one, printed as it goes
set -eu
cd "$(dirname "$0")/../.."
WHARF_SEEDS="${1:-10000}" cargo test --release -p wharf-tests --no-default-features --test mesh_world whatever -- --nocapture
