#!/usr/bin/env bash
# Puts the table of what is tested in combination into README.md, made from the names of the tests.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
WHARF_README=write cargo test --quiet -p wharf-tests --test matrix -- the_table
