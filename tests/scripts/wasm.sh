#!/usr/bin/env bash
# The core where there is no system: builds `tests/bare` for wasm32-unknown-unknown with all that lies below it kept, sees
# that it imports nothing, and has it echo over a WebSocket inside of node.
# Takes std's `core` and `alloc` for the target if the compiler has them; else builds them, with compiler and sources of
# Debian's packages rustc-web and rust-web-src, which it unpacks into a cache and does not install.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
cache=${WHARF_RUST_CACHE:-$HOME/.cache/wharf-rust}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}

debian() { # a compiler with its library's sources
  if [ ! -f "$cache/.complete" ]; then
    mkdir -p "$cache/debs"
    (
      cd "$cache/debs"
      apt-get download -qq rustc-web rust-web-src libstd-rust-web-dev \
        "$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\).*/\1/p' | head -n 1)"
      for package in *.deb; do dpkg -x "$package" ..; done
    )
    rm -r "$cache/debs"
    touch "$cache/.complete"
  fi
  export RUSTC=$cache/usr/bin/rustc RUSTC_BOOTSTRAP=1
  export LD_LIBRARY_PATH=$cache/usr/lib/x86_64-linux-gnu
}

build() { # target, cargo command, what it is told besides
  local target=$1 command=$2
  shift 2
  local more=()
  if [ ! -d "$("${RUSTC:-rustc}" --print target-libdir --target "$target")" ]; then
    [ -n "${RUSTC_BOOTSTRAP:-}" ] || debian
    more=(-Z build-std=core,alloc)
  fi
  cargo "$command" --quiet --release --manifest-path tests/bare/Cargo.toml --target "$target" "${more[@]}" "$@"
}

linker() { # the one that comes with the compiler, or Debian's
  local own
  own=$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/wasm-ld
  [ -x "$own" ] && echo "$own" || compgen -c wasm-ld | head -n 1
}

cp Cargo.lock tests/bare/Cargo.lock # the versions of the workspace
build wasm32-unknown-unknown rustc --lib --crate-type lib,staticlib
folder=$CARGO_TARGET_DIR/wasm32-unknown-unknown/release
# Whatever is in there stays, used or not; a symbol that nobody defines is an error.
"$(linker)" --no-entry --export-all --whole-archive "$folder/libwharf_bare.a" -o "$folder/bare.wasm"
node - "$folder/bare.wasm" <<'JS'
const bytes = require("fs").readFileSync(process.argv[2]);
const module = new WebAssembly.Module(bytes);
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) throw new Error("it imports " + JSON.stringify(imports));
const { exports } = new WebAssembly.Instance(module, {});
const name = Object.keys(exports).find((name) => name.includes("letters_echoed"));
if (!name) throw new Error("the echo is not in it");
const letters = exports[name](1_000_000_000n, 7);
if (letters !== 4) throw new Error(`${letters} letters came back, not 4`);
console.log(`wasm32-unknown-unknown: ${bytes.length} bytes with everything kept, no import, ${letters} letters echoed in node`);
JS
