//! Senders and receivers, each a process of its own as far as anybody can see.

use crate::ledger::{IN_ORDER, Ledger, Named, RECEIVERS};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use wharf::service::bus::Name;
use wharf::service::bus::client::{BusClientConfig, Seen};
use wharf::service::schedule::Schedule;
use wharf_tokio::{BusClient, Tokio};

/// Messages of a sender that are not accepted yet.
const LANES: u32 = 16;

fn config(service: &str, seen: Seen) -> BusClientConfig {
    let mut config = BusClientConfig::new(Name::new(service).unwrap());
    config.schedule = Schedule::spaced(Duration::from_millis(10)).jittered();
    config.retry = Schedule::spaced(Duration::from_millis(10)).jittered();
    config.seen = seen;
    config
}

/// A process's worth of runtime. Dropped in the background, what ran on it is cut off wherever it was.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

pub(crate) fn send(ledger: &Arc<Ledger>, url: &str, sender: u32) -> Runtime {
    let runtime = runtime();
    let (client, _deliveries) = runtime
        .block_on(async { BusClient::connect::<Tokio>(url, config(&format!("s{sender}"), Seen::default())) })
        .unwrap();
    for _ in 0..LANES {
        let (ledger, client) = (ledger.clone(), client.clone());
        runtime.spawn(async move {
            while !ledger.is_over.load(Ordering::SeqCst) {
                let named = (sender, ledger.numbers[sender as usize].fetch_add(1, Ordering::SeqCst));
                ledger.books().sent.insert(named);
                client.send(&format!("r{}", named.1 % RECEIVERS), "t", &named).await.expect("it is accepted");
                ledger.books().accepted.insert(named);
                ledger.news.notify_all();
            }
        });
    }
    // One who sends the next when the last one is accepted: in which order they are is known.
    let ledger = ledger.clone();
    runtime.spawn(async move {
        for number in 0.. {
            if ledger.is_over.load(Ordering::SeqCst) {
                return;
            }
            let named = (sender + IN_ORDER, number);
            ledger.books().sent.insert(named);
            client.send(&format!("r{}", sender % RECEIVERS), "t", &named).await.expect("it is accepted");
            ledger.books().accepted.insert(named);
            ledger.news.notify_all();
        }
    });
    runtime
}

pub(crate) fn receive(ledger: &Arc<Ledger>, url: &str, receiver: u32) -> Runtime {
    let runtime = runtime();
    let seen = ledger.books().seen.get(&receiver).cloned().unwrap_or_default();
    let connect = async { BusClient::connect::<Tokio>(url, config(&format!("r{receiver}"), seen)) };
    let (client, mut deliveries) = runtime.block_on(connect).unwrap();
    let ledger = ledger.clone();
    runtime.spawn(async move {
        let _client = client;
        while let Some(delivery) = deliveries.next().await {
            let named: Named = delivery.payload().unwrap();
            let envelope = delivery.envelope();
            {
                // One transaction: the effect, and that it is there.
                let mut books = ledger.books();
                books.apply(named);
                let of = if named.0 < IN_ORDER { named.1 } else { named.0 - IN_ORDER };
                assert_eq!(of % RECEIVERS, receiver);
                books.seen.entry(receiver).or_default().insert(&envelope.from, &envelope.id);
            }
            ledger.news.notify_all();
            delivery.ack();
        }
    });
    runtime
}
