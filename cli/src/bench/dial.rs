//! From a URL to connections that are open.

use super::BenchError;
use super::args::Bench;
use super::ring::Wire;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use wharf::base::{Entropy, Input, Instant};
use wharf::ws::handshake::{Client, ClientRequest};
use wharf::ws::wire::header::Opcode;

/// What is dialed, and what is spoken there.
#[derive(Debug)]
pub(crate) struct Aim {
    /// The framing.
    pub(crate) wire: Wire,
    address: String,
    request: Option<ClientRequest>,
    entropy: Entropy,
}

/// How long a connection may take to open, and its server to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Aim {
    /// As the flags say.
    ///
    /// # Errors
    /// [`BenchError::Use`] for URLs that cannot be measured.
    pub(crate) fn new(args: &Bench) -> Result<Self, BenchError> {
        // It hides nothing from anybody; a run should be like the one before.
        let entropy = Entropy::from_seed([0xbe; 32]);
        if let Some(address) = args.url.strip_prefix("tcp://") {
            let address = address.trim_end_matches('/').to_owned();
            return Ok(Self { wire: Wire::Raw, address, request: None, entropy });
        }
        let request = ClientRequest::new(&args.url).map_err(|e| BenchError::Use(e.to_string()))?;
        let url = request.url();
        if url.is_secure() {
            return Err(BenchError::Use("wss:// cannot be measured; take ws:// or tcp://".to_owned()));
        }
        let host = url.host();
        let address = match host.contains(':') {
            true => format!("[{host}]:{}", url.port()),
            false => format!("{host}:{}", url.port()),
        };
        let opcode = if args.text { Opcode::Text } else { Opcode::Binary };
        let wire = if args.raw { Wire::Raw } else { Wire::WebSocket(opcode) };
        Ok(Self { wire, address, request: Some(request).filter(|_| !args.raw), entropy })
    }

    /// Opens one connection.
    ///
    /// # Errors
    /// [`BenchError::Open`].
    pub(crate) fn open(&mut self) -> Result<TcpStream, BenchError> {
        let opened = self.connect();
        opened.map_err(|error| BenchError::Open { address: self.address.clone(), error })
    }

    fn connect(&mut self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        if let Some(request) = &self.request {
            stream.set_read_timeout(Some(TIMEOUT))?;
            shake_hands(&mut stream, request, &mut self.entropy)?;
        }
        stream.set_nonblocking(true)?;
        Ok(stream)
    }
}

/// Asks, and waits for the answer. The socket's timeout bounds each wait, the size of a head their number.
fn shake_hands(stream: &mut TcpStream, request: &ClientRequest, entropy: &mut Entropy) -> io::Result<()> {
    let now = Instant::ORIGIN;
    let mut client = Client::new(now, request, entropy, TIMEOUT);
    let mut asked = Vec::new();
    client.output(now).drain_into(&mut asked);
    stream.write_all(&asked)?;
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut input = Input::new(&mut buffer[..n]);
        match client.receive(now, &mut input) {
            None => {}
            Some(Err(e)) => return Err(io::Error::other(e)),
            Some(Ok(_)) if input.is_empty() => return Ok(()),
            Some(Ok(_)) => return Err(io::Error::other("the server speaks first, so it is no echo")),
        }
    }
}
