//! Ways in: what a proxy says in front of a connection.

use wharf::base::Input;
use wharf::proxy::{HeaderReader, ProxyHeader, ProxyHeaderError};

/// What is held of a header at the most.
const MOST: usize = 4096;

type Outcome = Option<Result<ProxyHeader, ProxyHeaderError>>;

/// The beginning of a connection, cut as the first byte says: one outcome, the same at any cut, bytes behind a header are
/// left alone, and whom it names a line of version 1 can name too.
pub fn proxy_header(data: &[u8]) {
    let Some((at, stream)) = data.split_first() else { return };
    let (outcome, taken) = read(stream, usize::MAX);
    assert!(taken <= MOST);
    for length in [1, usize::from(*at) + 1] {
        let (cut, n) = read(stream, length);
        assert_eq!(cut, outcome);
        // How much of what is no header was looked at does not matter.
        assert!(n == taken || matches!(outcome, Some(Err(_))));
    }
    let Some(Ok(header)) = outcome else { return };
    assert_eq!(read(&stream[..taken], usize::MAX), (outcome, taken), "nothing behind it matters");
    assert_eq!(read(&stream[..taken - 1], usize::MAX).0, None, "nor is it one before its end");
    if let ProxyHeader::Proxied { source, destination } = header {
        let name = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let ips = format!("{} {}", source.ip(), destination.ip());
        let line = format!("PROXY {name} {ips} {} {}\r\n", source.port(), destination.port());
        assert_eq!(read(line.as_bytes(), usize::MAX), (outcome, line.len()));
    }
}

/// The outcome, and how many bytes were taken.
fn read(stream: &[u8], length: usize) -> (Outcome, usize) {
    let (mut reader, mut bytes, mut taken) = (HeaderReader::default(), stream.to_vec(), 0);
    for piece in bytes.chunks_mut(length) {
        let mut input = Input::new(piece);
        let before = input.len();
        let outcome = reader.receive(&mut input);
        taken += before - input.len();
        if outcome.is_some() {
            return (outcome, taken);
        }
        assert!(input.is_empty(), "it waits for more");
    }
    (None, taken)
}
