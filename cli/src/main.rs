//! The `wharf` binary.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    wharf_cli::run()
}
