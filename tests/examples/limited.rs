//! A service behind a limiter, on any runtime: an echo that lets each address connect three times a minute, and says to the
//! fourth when to come again. `cargo run -p wharf-tests --example limited -- --runtime mio` plays five clients.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use wharf::base::Message;
use wharf::link::{Address, Config, ConnId, Context, Service};
use wharf::service::limiter::{self, Limited, Limits, Over, Rate};
use wharf_cli::runner::{Control, RuntimeKind, run_telling};

/// The application. It knows of no limits.
struct Echo;

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        // A client that is gone misses nothing.
        let _ = cx.send(conn, message);
    }
}

fn limits() -> Limits {
    let mut connections = limiter::Config::default();
    connections.limit = 3;
    connections.allow = vec!["192.0.2.0/24".parse().expect("a block of addresses")];
    let mut limits = Limits::default();
    limits.connections = Some(connections);
    // Whoever is in and says too much is read more slowly, and loses nothing.
    limits.bytes = Some(Rate { per_second: 1 << 20, burst: 4 << 20 });
    limits.over = Over::Slow;
    limits
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in play(RuntimeKind::from_args()?)? {
        println!("{line}");
    }
    Ok(())
}

/// What five clients of one address are told, and what the log says.
pub(crate) fn play(runtime: RuntimeKind) -> Result<Vec<String>, Box<dyn Error>> {
    let (log, logged) = mpsc::channel();
    let service = Limited::new(Echo, limits()).on_refused(move |attempt| {
        let _ = log.send(format!("log: {}: {}", attempt.address, attempt.refusal));
    });
    let (control, controls) = async_channel::bounded(1);
    let (tell, told) = mpsc::channel();
    let server = thread::spawn(move || {
        let listen = [Address::from(([127, 0, 0, 1], 0)).into()];
        let config = Arc::new(Config::default());
        let listening = |address: &Address| {
            let _ = tell.send(address.tcp());
        };
        run_telling(runtime, &listen, service, &config, &controls, listening)
    });
    let address = told.recv()?.ok_or("no TCP address")?;
    let mut lines = Vec::new();
    let mut open = Vec::new();
    for _ in 0..5 {
        let (answer, stream) = ask(address)?;
        lines.push(answer);
        open.push(stream);
    }
    drop(open);
    control.send_blocking(Control::<()>::Drain)?;
    server.join().expect("the server's thread has not panicked")?;
    lines.extend(logged.iter());
    Ok(lines)
}

/// Asks for a WebSocket; the status, and when to come again.
fn ask(address: SocketAddr) -> Result<(String, TcpStream), Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )?;
    let mut told = Vec::new();
    for line in BufReader::new(&stream).lines() {
        match line? {
            line if line.is_empty() => break,
            line if line.starts_with("HTTP/") || line.starts_with("Retry-After") => told.push(line),
            _ => {}
        }
    }
    Ok((told.join(", "), stream))
}
