//! Broadcasts of a hub without sockets, to be counted: `fanout_hub MEMBERS BROADCASTS [groups]`.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::sync::Arc;
use wharf::base::{Entropy, Instant, Wall};
use wharf::link::{Address, Config, ConnId, Hub, Service};
use wharf_benches::fanout::{grouped::Grouped, service::FanOut};

const NOW: Instant = Instant::ORIGIN;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise| arguments.next().map_or(otherwise, |a| a.parse().expect("a number"));
    let (members, broadcasts) = (number(1000), number(10));
    match arguments.next() {
        Some(_) => count(Grouped::default(), members, broadcasts),
        None => count(FanOut::default(), members, broadcasts),
    }
}

fn count(service: impl Service<Job = ()>, members: usize, broadcasts: usize) {
    let mut config = Config::default();
    config.proxies = Some(Arc::new(wharf::proxy::Proxies::none()));
    let mut hub = Hub::new(NOW, Wall::default(), service, &config.into(), Entropy::from_seed([1; 32]));
    let mut conns = Vec::new();
    for _ in 0..members {
        let conn = hub.accept(NOW, Address::Tcp(([127, 0, 0, 1], 1).into())).expect("room");
        let mut request =
            *b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        hub.receive(NOW, conn, &mut request);
        conns.push(conn);
    }
    write(&mut hub);
    let mut frame = vec![0x82, 0x80 | 125, 0, 0, 0, 0];
    frame.extend_from_slice(&[7; 125]);
    let speaker = conns[members - 1];
    round(&mut hub, speaker, &frame);
    counted(&mut hub, speaker, &frame, broadcasts);
}

#[inline(never)]
fn counted(hub: &mut Hub<impl Service>, speaker: ConnId, frame: &[u8], broadcasts: usize) {
    for _ in 0..broadcasts {
        round(hub, speaker, frame);
    }
}

fn round(hub: &mut Hub<impl Service>, speaker: ConnId, frame: &[u8]) {
    let mut bytes = [0; 131];
    bytes.copy_from_slice(frame);
    hub.receive(NOW, speaker, &mut bytes);
    write(hub);
}

fn write(hub: &mut Hub<impl Service>) {
    while let Some(conn) = hub.poll_dirty() {
        while hub.wants(conn).is_some_and(|wants| wants.write) {
            let mut slices: [&[u8]; 16] = [&[]; 16];
            let filled = hub.slices(conn, &mut slices);
            let n = slices[..filled].iter().map(|slice| black_box(slice).len()).sum();
            hub.handle_written(NOW, conn, n);
        }
        black_box(hub.wants(conn));
    }
}
