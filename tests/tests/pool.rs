//! Pools on real sockets, on every runtime: of sockets on the async ones, and of a service's connections.
#![forbid(unsafe_code)]

#[allow(dead_code)]
#[path = "../examples/pool.rs"]
mod pool;

use futures_util::future::join_all;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wharf::link::Config;
use wharf::service::pool::PoolConfig;
use wharf::service::schedule::{Retryable, Schedule};
use wharf_async_std::{ConnectError, Error, Pool, Socket, connect_with as connect, repeat, retry, retry_if};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::door::{Door, listen, run, task};
use wharf_tests::on_every_door;

fn a_service_shares_one_connection(runtime: RuntimeKind) {
    let mut lines = pool::play(runtime).unwrap();
    let most = lines.pop().unwrap();
    let answers: Vec<_> = (1..=5).map(|n| format!("AHOY FROM {n}")).collect();
    assert_eq!((lines, &*most), (answers, "at most 2 connections"), "{runtime:?}");
}

#[test]
fn services_share_one_connection() {
    RuntimeKind::ALL.into_iter().for_each(a_service_shares_one_connection);
}

fn users_share_one_socket<D: Door>() {
    run::<D>(async {
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let peak = most.clone();
        let (url, server) = listen::<D, _, _>(move |mut socket: Socket<D>| {
            let (open, peak) = (open.clone(), peak.clone());
            async move {
                peak.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                while let Some(message) = socket.next().await {
                    socket.send(message.map_err(|e| e.to_string())?).await.map_err(|e| e.to_string())?;
                }
                open.fetch_sub(1, Ordering::SeqCst);
                Ok::<(), String>(())
            }
        })
        .await;
        let mut config = PoolConfig::default();
        config.max = 3;
        let pool = Pool::<D>::new(&*url, config).unwrap();
        let users = (0..20).map(|user| {
            let pool = pool.clone();
            task::<D, _>(async move {
                for n in 0..20 {
                    let asked = format!("{user}.{n}");
                    let answered = pool.with_socket(async |socket| {
                        socket.send(&*asked).await?;
                        socket.next().await.expect("it stays open")
                    });
                    let answer: Result<_, Error> = answered.await.unwrap();
                    assert_eq!(answer.unwrap().as_text(), Some(&*asked), "somebody else's answer");
                }
            })
        });
        join_all(users).await;
        let stats = pool.stats();
        assert_eq!((stats.served, stats.running, stats.waiting), (400, 0, 0));
        assert!(stats.size <= 3 && most.load(Ordering::SeqCst) <= 3);
        // A guard outside of the runtime's threads gives back as well.
        let lent = pool.checkout().await.unwrap();
        std::thread::spawn(move || lent.give_back()).join().unwrap();
        assert_eq!(pool.stats().running, 0);
        pool.drain().await;
        assert_eq!(pool.stats().size, 0);
        server.drain().await;
    });
}

fn a_server_that_comes_back_is_not_found<D: Door>() {
    run::<D>(async {
        let (url, server) = listen::<D, _, _>(wharf_tests::door::echo::<D>).await;
        let mut config = PoolConfig::default();
        config.retry = Schedule::spaced(Duration::from_millis(5));
        let pool = Pool::<D>::new(&*url, config).unwrap();
        pool.with_socket(async |socket| socket.send("ahoy").await).await.unwrap().unwrap();
        let address = server.local_addr().clone();
        server.drain().await;
        let again = Schedule::spaced(Duration::from_millis(5)).both(Schedule::recurs(2000));
        let patience = Duration::from_millis(20);
        let gone = retry_if::<D, _, _, _>(
            &again,
            |_| true,
            async || match pool.checkout_within(patience).await {
                Ok(_) => Err("still there"),
                Err(error) => Ok(error),
            },
        );
        assert!(gone.await.unwrap().is_retryable());
        let bound = wharf_async_std::bind::<D>(address).await.unwrap();
        let server = wharf_async_std::serve(bound, Arc::default(), wharf_tests::door::echo::<D>);
        assert!(pool.checkout().await.is_ok(), "whoever waits is served once it is back");
        drop(pool);
        server.drain().await;
    });
}

fn a_retry_gives_up_or_goes_on<D: Door>() {
    run::<D>(async {
        let (url, server) = listen::<D, _, _>(wharf_tests::door::echo::<D>).await;
        let attempts = Cell::new(0);
        let config = Config::client().into();
        let milli = Duration::from_millis(1);
        let again = Schedule::exponential(milli, 2.0).both(Schedule::recurs(5)).jittered();
        let connected = retry::<D, _, _, _>(&again, async || {
            attempts.set(attempts.get() + 1);
            // Nobody listens there, as long as this is so.
            let target = if attempts.get() < 4 { "ws://127.0.0.1:9/" } else { &*url };
            connect::<D>(target, &config).await
        });
        let mut socket = connected.await.unwrap();
        assert_eq!(attempts.get(), 4);
        let sender = socket.sender(8);
        let thrice = Schedule::fixed(milli).both(Schedule::recurs(2));
        let said = repeat::<D, _, _, _>(&thrice, async || {
            attempts.set(attempts.get() + 1);
            sender.send("PING").await.map(|()| attempts.get())
        });
        assert_eq!(said.await.unwrap(), 7);
        for _ in 0..3 {
            assert_eq!(socket.next().await.unwrap().unwrap().as_text(), Some("PING"));
        }
        drop(socket);
        let refused = task::<D, _>(async move {
            let config = Config::client().into();
            retry::<D, _, ConnectError, _>(&again, async || connect::<D>("ws://127.0.0.1:9/", &config).await)
                .await
        });
        assert!(Retryable::is_retryable(&refused.await.unwrap_err()), "it is a task's too");
        server.drain().await;
    });
}

on_every_door!({
    users_share_one_socket
    a_server_that_comes_back_is_not_found
    a_retry_gives_up_or_goes_on
});
