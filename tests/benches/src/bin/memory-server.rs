//! A server whose heap is counted: the `wharf` binary as it is shipped, with its own command line, or one of the others.
//! Each line on stdin is answered by what it weighs; where stdin ends, so does it.
#![forbid(unsafe_code)]

use peak_alloc::PeakAlloc;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use wharf_benches::memory::gauge;
use wharf_benches::raw;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    if let Err(e) = gauge::answer(|| HEAP.current_usage()) {
        eprintln!("memory-server: {e}");
        return ExitCode::FAILURE;
    }
    let served = match std::env::args().nth(1).as_deref() {
        Some("raw-mio") => listener().and_then(|listener| raw::mio_echo(listener, raw::BUFFER)),
        Some("raw-tokio") => listener().and_then(|listener| raw::tokio_echo(listener, raw::BUFFER)),
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

/// One on a free port, told.
fn listener() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}
