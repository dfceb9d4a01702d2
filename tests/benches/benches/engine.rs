//! Engines side by side. What follows `--` picks some: `cargo bench -p wharf-benches --features peers --bench engine --
//! receive`.
#![forbid(unsafe_code)]

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use std::time::Duration;
use wharf_benches::engine::{
    BROWSERS_REQUEST, Batch, Content, Level, Payload, REQUEST, SIZES, Side, Subject, ThreadTime,
    broadcasters, client_handshakes, deflaters, inflaters, receivers, senders, server_handshakes,
};

/// How large the group that a message is sent to.
const MEMBERS: usize = 1000;

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(ThreadTime)
        .without_plots()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .nresamples(5000)
        .configure_from_args();
    receive(&mut criterion);
    send(&mut criterion);
    handshake(&mut criterion);
    deflate(&mut criterion);
    broadcast(&mut criterion);
    criterion.final_summary();
}

/// One row of a table: the same, done by each of them. `count` of them are done each time.
fn row(c: &mut Criterion<ThreadTime>, group: &str, row: &str, count: u64, subjects: Vec<Subject>) {
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Elements(count));
    for mut subject in subjects {
        let id = BenchmarkId::new(subject.name, row);
        group.bench_function(id, |b| b.iter(|| subject.run()));
    }
    group.finish();
}

fn receive(c: &mut Criterion<ThreadTime>) {
    for (name, content) in [
        ("receive binary", Content::Binary),
        ("receive ASCII text", Content::Ascii),
        ("receive mixed text", Content::Mixed),
    ] {
        for size in SIZES {
            let batch = Batch::new(content, size);
            row(c, name, &shown(size), batch.frames as u64, receivers(&batch));
        }
    }
}

fn send(c: &mut Criterion<ThreadTime>) {
    for (name, side, payload) in [
        ("send as client", Side::Client, Payload::Lent),
        ("send as client, in place", Side::Client, Payload::Given),
        ("send as server", Side::Server, Payload::Lent),
        ("send as server, by reference", Side::Server, Payload::Given),
    ] {
        for size in SIZES {
            let batch = Batch::new(Content::Binary, size);
            row(c, name, &shown(size), batch.frames as u64, senders(side, payload, &batch));
        }
    }
}

fn handshake(c: &mut Criterion<ThreadTime>) {
    for (name, request) in [("plain", REQUEST), ("a browser's", BROWSERS_REQUEST)] {
        row(c, "handshake as server", name, 1, server_handshakes(&Bytes::from_static(request.as_bytes())));
    }
    let mut group = c.benchmark_group("handshake as client");
    group.throughput(Throughput::Elements(1));
    for mut client in client_handshakes() {
        let id = BenchmarkId::new(client.name, "plain");
        group.bench_function(id, |b| b.iter_custom(|count| client.measure(count)));
    }
    group.finish();
}

fn deflate(c: &mut Criterion<ThreadTime>) {
    for size in [1024, 16 * 1024, 64 * 1024] {
        let batch = Batch::new(Content::Json, size);
        row(c, "inflate", &shown(size), batch.frames as u64, inflaters(&batch));
        for (name, level) in [("deflate, level 1", Level::Fastest), ("deflate, level 6", Level::Default)] {
            row(c, name, &shown(size), batch.frames as u64, deflaters(level, &batch));
        }
    }
}

fn broadcast(c: &mut Criterion<ThreadTime>) {
    for size in [125, 1024, 16 * 1024] {
        let payload = Batch::new(Content::Binary, size).payload;
        row(c, "broadcast to 1,000", &shown(size), MEMBERS as u64, broadcasters(MEMBERS, &payload));
    }
}

/// A size as people write it.
fn shown(size: usize) -> String {
    match size {
        ..1024 => format!("{size} B"),
        1024..0x10_0000 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}
