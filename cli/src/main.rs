//! The `wharf` binary.
#![forbid(unsafe_code)]

fn main() {
    println!("wharf {}", env!("CARGO_PKG_VERSION"));
}
