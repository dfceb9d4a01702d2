//! A way to the server that is cut at the worst moment.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

const WHOLE: u8 = 0;
const BEFORE: u8 = 1;
const BEHIND: u8 = 2;

/// Carries connections to a server, and cuts one where it is told to.
pub(crate) struct Wire {
    pub(crate) port: u16,
    cut: Arc<AtomicU8>,
}

impl Wire {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        let cut = Arc::new(AtomicU8::new(WHOLE));
        let shared = cut.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                carry(&client, &server, &shared);
            }
        });
        Self { port, cut }
    }

    /// The next commit does not reach the server.
    pub(crate) fn cut_before_a_commit(&self) {
        self.cut.store(BEFORE, Ordering::SeqCst);
    }

    /// The answer to the next commit does not come back.
    pub(crate) fn cut_behind_a_commit(&self) {
        self.cut.store(BEHIND, Ordering::SeqCst);
    }

    /// Whether it was cut since.
    pub(crate) fn is_whole(&self) -> bool {
        self.cut.load(Ordering::SeqCst) == WHOLE
    }
}

fn carry(client: &TcpStream, server: &TcpStream, cut: &Arc<AtomicU8>) {
    let clone = |stream: &TcpStream| stream.try_clone().expect("a stream");
    let (mut answers, mut asker) = (clone(server), clone(client));
    thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut asker);
        let _ = asker.shutdown(Shutdown::Both);
    });
    let (mut client, mut server, cut) = (clone(client), clone(server), cut.clone());
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(n @ 1..) = client.read(&mut buffer) {
            let is_commit = buffer[..n].windows(6).any(|word| word == b"COMMIT");
            let what = if is_commit { cut.swap(WHOLE, Ordering::SeqCst) } else { WHOLE };
            if what == BEHIND {
                // The answer has no way back from here on.
                let _ = client.shutdown(Shutdown::Both);
            }
            if what == BEFORE || server.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        // What was written comes to the server before the end does.
        let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Write));
    });
}
