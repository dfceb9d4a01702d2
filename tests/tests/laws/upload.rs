//! 64 MiB up to an echo, read all along, through sockets that hold little: nobody waits for ever.

use std::sync::Arc;
use wharf::base::{Engine, Entropy, Event, Input, Instant, Message, Scratch};
use wharf::ws::{Config, Connection, Role};

const NOW: Instant = Instant::ORIGIN;
const TOTAL: usize = 64 << 20;
/// What a socket takes before it is full.
const SOCKET: usize = 200_000;

struct End {
    connection: Connection,
    scratch: Scratch,
    inbox: Vec<u8>,
    heard: usize,
}

impl End {
    fn new(role: Role, config: &Arc<Config>) -> Self {
        let connection = Connection::new(NOW, role, config, Entropy::from_seed([2; 32]), &[]);
        Self { connection, scratch: Scratch::new(), inbox: Vec::new(), heard: 0 }
    }

    fn moved(&self) -> (u64, u64) {
        let stats = self.connection.stats();
        (stats.bytes_in, stats.bytes_out)
    }

    /// One turn: reads what is there if it wants to, writes what the peer's socket takes.
    fn turn(&mut self, echo: bool, peer: &mut Vec<u8>) {
        self.connection.lend(&mut self.scratch);
        if self.connection.wants().read {
            let mut bytes = std::mem::take(&mut self.inbox);
            let mut input = Input::new(&mut bytes);
            while let Some(event) = self.connection.receive(NOW, &mut input) {
                let Event::Message(message) = event else { continue };
                self.heard += message.payload().len();
                if echo {
                    self.connection.send(NOW, message).expect("one answer always fits");
                }
            }
            self.inbox.extend_from_slice(input.as_slice());
        }
        let mut output = self.connection.output(NOW);
        let mut room = SOCKET.saturating_sub(peer.len());
        while room > 0 && !output.is_empty() {
            let mut slices: [&[u8]; 4] = [&[]; 4];
            let filled = output.slices(&mut slices);
            let before = room;
            for slice in &slices[..filled] {
                let n = slice.len().min(room);
                peer.extend_from_slice(&slice[..n]);
                room -= n;
            }
            output.advance(before - room);
        }
        self.connection.reclaim(&mut self.scratch);
    }
}

fn upload(uploader: Role, size: usize, marks: (usize, usize)) {
    let (mut up, mut echoing) = (Config::client(), Config::default());
    for config in [&mut up, &mut echoing] {
        (config.high_mark, config.low_mark) = marks;
    }
    let mut asker = End::new(uploader, &Arc::new(up));
    let mut echo = End::new(uploader.peer(), &Arc::new(echoing));
    let (payload, mut sent, mut idle) = (vec![0x5a; size], 0, 0);
    while asker.heard < TOTAL {
        let before = (sent, asker.moved(), echo.moved());
        while sent < TOTAL && asker.connection.send(NOW, Message::binary(&payload[..])).is_ok() {
            sent += size;
            if asker.connection.queued() > marks.0 {
                break;
            }
        }
        asker.turn(false, &mut echo.inbox);
        echo.turn(true, &mut asker.inbox);
        let after = (sent, asker.moved(), echo.moved());
        idle = if before == after { idle + 1 } else { 0 };
        assert!(idle < 4, "stands still at {after:?}");
    }
    assert_eq!((sent, asker.heard, echo.heard), (TOTAL, TOTAL, TOTAL));
}

#[test]
fn a_client_uploads() {
    upload(Role::Client, 64 << 10, (64 << 10, 16 << 10));
    upload(Role::Client, 1 << 20, (1000, 0));
}

#[test]
fn a_server_uploads() {
    upload(Role::Server, 64 << 10, (64 << 10, 16 << 10));
    upload(Role::Server, 4 << 20, (1 << 20, 1 << 20));
}
