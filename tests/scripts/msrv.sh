#!/usr/bin/env bash
# Whether the published crates build with the Rust that their manifests promise, and no later one. Takes that toolchain from
# rustup, which has to be there.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/msrv
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
rustup toolchain list | grep -q "^$rust" || rustup toolchain install --profile minimal "$rust"
rust=$(rustup toolchain list | grep -m 1 "^$rust" | sed 's/ .*//')

cargo "+$rust" check --quiet --workspace --all-features --exclude wharf-tests --exclude wharf-agnostic --exclude wharf-benches
cargo "+$rust" check --quiet -p wharf-core --no-default-features
echo "all published crates build with $(rustup run "$rust" rustc --version)"
