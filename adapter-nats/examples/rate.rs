//! What a NATS server carries: one publishes, several subscribe, each over a connection of its own.
//!
//! `cargo run --release -p wharf-nats --example rate -- nats://HOST:PORT/NAME [MESSAGES] [BYTES] [SUBSCRIBERS]`

use std::thread;
use std::time::{Duration, Instant};
use wharf_nats::{Nats, NatsConfig, Notice, Notices, PublishError};

const SUBJECT: &str = "rate";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("where is the server? nats://HOST:PORT/NAME")?;
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (messages, bytes, subscribers) = (number(1_000_000)?, number(200)?, number(3)?);
    let mut config = NatsConfig::default();
    // As much as comes is to be counted, however late.
    (config.max_incoming, config.max_incoming_bytes) = (messages, messages * bytes);
    let mut listeners = Vec::new();
    for _ in 0..subscribers {
        let (nats, mut notices) = Nats::connect_with(&url, &config)?;
        nats.subscribe(SUBJECT)?;
        wait_until_up(&mut notices);
        listeners.push((nats, notices));
    }
    let (publisher, mut notices) = Nats::connect_with(&url, &config)?;
    wait_until_up(&mut notices);
    // Until the subscriptions stand.
    thread::park_timeout(Duration::from_millis(500));

    let began = Instant::now();
    let counting: Vec<_> = listeners
        .into_iter()
        .map(|(nats, notices)| thread::spawn(move || count(&nats, notices, messages)))
        .collect();
    let payload = bytes::Bytes::from(vec![b'x'; bytes]);
    for _ in 0..messages {
        while let Err(error) = publisher.publish(SUBJECT, payload.clone()) {
            if error != PublishError::Full {
                return Err(error.into());
            }
            thread::park_timeout(Duration::from_micros(100));
        }
    }
    let sent = began.elapsed();
    let counts: Vec<(usize, u64)> =
        counting.into_iter().map(|counts| counts.join().expect("it counts")).collect();
    let took = began.elapsed().as_secs_f64();
    let (came, lost) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    println!(
        "{messages} messages of {bytes} B to {subscribers} subscribers: published in {sent:.2?}, heard in {took:.2} s"
    );
    println!(
        "{:.0} messages/s published, {:.0} deliveries/s, {lost} dropped",
        messages as f64 / took,
        came as f64 / took
    );
    Ok(())
}

fn wait_until_up(notices: &mut Notices) {
    while notices.recv().is_some_and(|notice| notice != Notice::Up) {}
}

/// Counts what comes, and what was dropped, until both make up the whole.
fn count(nats: &Nats, mut notices: Notices, messages: usize) -> (usize, u64) {
    let (mut came, mut lost) = (0, 0);
    while came + usize::try_from(lost).unwrap_or(usize::MAX) < messages && nats.is_up() {
        match notices.recv() {
            Some(Notice::Delivered { .. }) => came += 1,
            Some(Notice::Slow { dropped }) => lost += dropped,
            Some(_) => {}
            None => break,
        }
    }
    (came, lost)
}
