//! What the bus's machine costs a message, from the frame that hands it in to the one that acknowledges it: taken, stored in memory,
//! accepted, delivered, acknowledged, and removed. So many messages come while the store is at work.
//!
//! `cargo bench -p wharf-benches --features peers --bench bus`

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wharf::base::{Instant, Wall};
use wharf::service::bus::{Action, Batch, Broker, BusConfig, Memory};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Conn {
    Shop,
    Mail,
}

struct Bus {
    broker: Broker<Conn>,
    memory: Memory,
    batch: Option<Batch>,
    accepted: usize,
    delivered: usize,
}

impl Bus {
    fn new() -> Self {
        let (broker, memory) = (Broker::new(BusConfig::default()), Memory::default());
        let mut bus = Self { broker, memory, batch: None, accepted: 0, delivered: 0 };
        for (conn, id) in [(Conn::Shop, "shop"), (Conn::Mail, "mail")] {
            bus.broker.opened(Instant::ORIGIN, conn);
            bus.hear(conn, &format!(r#"{{"type":"register","serviceId":"{id}"}}"#));
        }
        bus
    }

    fn hear(&mut self, conn: Conn, frame: &str) {
        self.broker.receive(Instant::ORIGIN, Wall::default(), conn, frame);
        self.act();
    }

    fn act(&mut self) {
        while let Some(action) = self.broker.poll_action() {
            match action {
                Action::Store(batch) => self.batch = Some(batch),
                Action::Send { conn: Conn::Shop, .. } => self.accepted += 1,
                Action::Send { conn: Conn::Mail, .. } => self.delivered += 1,
                _ => {}
            }
        }
    }

    fn store(&mut self) {
        while let Some(batch) = self.batch.take() {
            self.memory.carry_out(&batch).expect("it fits");
            self.broker.stored(Instant::ORIGIN, Wall::default());
            self.act();
        }
    }
}

/// Frames that hand messages in, and those that acknowledge them.
struct Frames {
    messages: Vec<String>,
    acks: Vec<String>,
}

impl Frames {
    fn next(count: usize, last: &mut u64) -> Self {
        let payload = "x".repeat(100);
        let numbers = *last + 1..=*last + count as u64;
        *last += count as u64;
        let message = |n| {
            format!(
                r#"{{"type":"message","message":{{"id":"p-{n}","from":"shop","to":"mail","type":"t","payload":"{payload}","timestamp":0}}}}"#
            )
        };
        let ack = |n| format!(r#"{{"type":"ack","messageId":"p-{n}"}}"#);
        Self { messages: numbers.clone().map(message).collect(), acks: numbers.map(ack).collect() }
    }
}

fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bus");
    for count in [1, 16, 256] {
        let (mut bus, mut last) = (Bus::new(), 0);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("machine", count), |bencher| {
            let round = |frames: Frames| {
                frames.messages.iter().for_each(|frame| bus.hear(Conn::Shop, frame));
                bus.store();
                frames.acks.iter().for_each(|frame| bus.hear(Conn::Mail, frame));
                bus.store();
            };
            bencher.iter_batched(|| Frames::next(count, &mut last), round, BatchSize::SmallInput);
        });
        // One answer is that to the registration.
        assert_eq!((bus.accepted - 1, bus.delivered - 1), (last as usize, last as usize));
    }
    group.finish();
}

criterion_group!(buses, messages);
criterion_main!(buses);
