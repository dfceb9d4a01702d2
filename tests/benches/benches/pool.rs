//! What it costs to have a connection that is idle and to give it back: our pool, its machine alone, and `deadpool` over bare TCP
//! streams, once as it comes and once with the look at the stream that ours has twice.
//!
//! `cargo bench -p wharf-benches --features peers --bench pool`

use criterion::{Criterion, criterion_group, criterion_main};
use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};
use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use wharf::base::Entropy;
use wharf::framed::Lines;
use wharf::link::{Config, Framing, Target};
use wharf::service::pool::{Action, Pool, PoolConfig};

/// Streams for deadpool.
struct Streams {
    address: SocketAddr,
    is_checked: bool,
}

impl Manager for Streams {
    type Type = TcpStream;
    type Error = io::Error;

    async fn create(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.address).await
    }

    async fn recycle(&self, stream: &mut TcpStream, _: &Metrics) -> RecycleResult<io::Error> {
        if !self.is_checked {
            return Ok(());
        }
        match stream.try_read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(RecycleError::Backend(error)),
            Ok(_) => Err(RecycleError::message("something came")),
        }
    }
}

/// Accepts, and keeps what it accepts.
fn server(runtime: &Runtime) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    address
}

/// One that is idle is asked for, checked, lent, given back and checked.
fn machine(criterion: &mut Criterion) {
    let now = wharf::base::Instant::ORIGIN;
    let mut pool = Pool::new(now, PoolConfig::default(), Entropy::from_seed([7; 32]));
    while let Some(action) = pool.poll_action() {
        if let Action::Open { slot } = action {
            pool.opened(now, slot);
        }
    }
    let mut round = || {
        pool.checkout(now).unwrap();
        while let Some(action) = pool.poll_action() {
            match action {
                Action::Check { slot } => pool.checked(now, slot, true),
                Action::Serve { slot, .. } => pool.give_back(now, slot),
                other => panic!("{other:?}"),
            }
        }
    };
    criterion.bench_function("checkout/machine", |bencher| bencher.iter(&mut round));
}

fn timed(runtime: &Runtime, rounds: u64, round: impl AsyncFn()) -> Duration {
    runtime.block_on(async {
        let begin = Instant::now();
        for _ in 0..rounds {
            round().await;
        }
        begin.elapsed()
    })
}

fn ours(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = server(&runtime);
    let mut config = Config::client();
    config.framing = Framing::codec(Lines::new());
    let target = Target::tcp(address.ip().to_string(), address.port());
    let pool = runtime.block_on(async {
        let pool = wharf_tokio::Pool::with(target, &Arc::new(config), PoolConfig::default()).unwrap();
        pool.checkout().await.unwrap().give_back();
        pool
    });
    let round = async || black_box(pool.checkout().await.unwrap()).give_back();
    criterion.bench_function("checkout/wharf", |bencher| {
        bencher.iter_custom(|rounds| timed(&runtime, rounds, round));
    });
    // It is drained in its runtime.
    runtime.block_on(async { drop(pool) });
}

fn theirs(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = server(&runtime);
    for (name, is_checked) in [("checkout/deadpool", false), ("checkout/deadpool, checked", true)] {
        let manager = Streams { address, is_checked };
        let pool = deadpool::managed::Pool::<Streams, Object<Streams>>::builder(manager)
            .max_size(10)
            .build()
            .unwrap();
        let round = async || drop(black_box(pool.get().await.unwrap()));
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| timed(&runtime, rounds, round));
        });
    }
}

criterion_group!(pools, machine, ours, theirs);
criterion_main!(pools);
