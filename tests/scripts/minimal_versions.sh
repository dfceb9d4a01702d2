#!/usr/bin/env bash
# Whether the published crates build with the oldest versions that their manifests allow, by the compiler at hand. What
# cargo has for it is unstable (`-Z direct-minimal-versions`); RUSTC_BOOTSTRAP lets a stable cargo do it, for the
# resolver alone. Works on a copy of the tree, which has none of the crates that are not published.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
mkdir -p "${CARGO_TARGET_DIR:-target}"
export CARGO_TARGET_DIR=$(readlink -f "${CARGO_TARGET_DIR:-target}")/minimal

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | tar --null --create --files-from - | tar --extract --directory "$copy"
cd "$copy"
sed -i '/^members = /s/, "tests[^"]*"//g' Cargo.toml
rm Cargo.lock
RUSTC_BOOTSTRAP=1 cargo generate-lockfile --quiet -Z direct-minimal-versions
cargo check --quiet --locked --workspace --all-features
cargo check --quiet --locked -p wharf-core --no-default-features
echo "all published crates build with the oldest direct dependencies that they allow"
