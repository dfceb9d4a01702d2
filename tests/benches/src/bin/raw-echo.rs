//! `raw-echo --runtime mio|tokio|async-std --listen ADDR`: plain TCP echo on one thread, the ceiling of every echo.
#![forbid(unsafe_code)]

use clap::{Parser, ValueEnum};
use std::io;
use std::net::{SocketAddr, TcpListener};
use wharf_benches::raw;

/// Plain TCP echo on one thread.
#[derive(Debug, Parser)]
struct Args {
    /// What drives the sockets.
    #[arg(long, value_enum, default_value_t = Runtime::Mio)]
    runtime: Runtime,
    /// Where to listen; port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:9100", value_name = "ADDR")]
    listen: SocketAddr,
    /// Bytes that are read at once.
    #[arg(long, default_value_t = raw::BUFFER, value_name = "BYTES", value_parser = buffer)]
    buffer: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Runtime {
    /// A loop on mio, edge-triggered.
    Mio,
    /// A task a connection, on tokio's current thread.
    Tokio,
    /// A task a connection, on async-std's threads.
    AsyncStd,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.listen)?;
    listener.set_nonblocking(true)?;
    println!("listening on {}", listener.local_addr()?);
    match args.runtime {
        Runtime::Mio => raw::mio_echo(listener, args.buffer),
        Runtime::Tokio => raw::tokio_echo(listener, args.buffer),
        Runtime::AsyncStd => raw::async_std_echo(listener, args.buffer),
    }
}

fn buffer(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "not a whole number from 1 on".to_owned())
}
