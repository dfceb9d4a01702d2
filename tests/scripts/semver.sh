#!/usr/bin/env bash
# Whether a change of the published interface fits the version that it will have (cargo-semver-checks):
#   semver.sh        since the last tag v*
#   semver.sh REV    since that revision
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
tools=${WHARF_TOOLS:-$HOME/.cache/wharf-tools}
export PATH=$PATH:$tools/bin
command -v cargo-semver-checks >/dev/null || cargo install --quiet --locked --root "$tools" cargo-semver-checks

since=${1:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
[ -n "$since" ] || { echo "nothing is released; name a revision to compare with" >&2; exit 2; }
cargo semver-checks --workspace --exclude wharf-tests --exclude wharf-agnostic --exclude wharf-benches --all-features \
  --baseline-rev "$since"
