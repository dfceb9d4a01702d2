//! A server whose heap is counted: the `wharf` binary as it is shipped, with its own command line, or one of the others.
//! Each line on stdin is answered by what it weighs; where stdin ends, so does it.
#![forbid(unsafe_code)]

use peak_alloc::PeakAlloc;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use wharf_benches::memory::gauge;
use wharf_benches::raw::{mio_echo, tokio_echo};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    if let Err(e) = gauge::answer(|| HEAP.current_usage()) {
        eprintln!("memory-server: {e}");
        return ExitCode::FAILURE;
    }
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listening = |address| println!("listening on {address}");
    let served: io::Result<()> = match std::env::args().nth(1).as_deref() {
        Some("raw-mio") => mio_echo::serve(free, listening),
        Some("raw-tokio") => tokio_echo::serve(free, listening),
        _ => return wharf_cli::run(),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("memory-server: {e}");
            ExitCode::FAILURE
        }
    }
}
