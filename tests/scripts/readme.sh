#!/usr/bin/env bash
# Puts the tables of README.md that tests make into it: what is tested in combination, and the limits with their defaults.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
WHARF_README=write cargo test --quiet -p wharf-tests --test matrix --test examples -- in_the_readme
