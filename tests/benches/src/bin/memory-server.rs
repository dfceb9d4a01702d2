//! A server whose heap is counted: the `wharf` binary as it is shipped, with its own command line; `raw-mio` and `raw-tokio`; or
//! `peer NAME`, built with the feature `peers`. Each line on stdin is answered by what it weighs; where stdin ends, so does it.
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
        #[cfg(feature = "peers")]
        Some("peer") => serve_peer(&std::env::args().nth(2).unwrap_or_default()),
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

/// As `peer-echo` does it.
#[cfg(feature = "peers")]
fn serve_peer(name: &str) -> io::Result<()> {
    let peer = wharf_benches::peers::Peer::named(name).ok_or(io::ErrorKind::NotFound)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { peer.serve(tokio::net::TcpListener::from_std(listener()?)?).await })
}

/// One on a free port, told.
fn listener() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}
