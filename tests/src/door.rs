//! The async adapters' socket on any of their runtimes, for tests.

use crate::adapter::PATIENCE;
use futures_util::future::{Either, select};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use wharf::base::Closed;
use wharf_async::Timer;
use wharf_async_std::{Bound, Error, Outcome, Runtime, ServerHandle, Socket, serve};

pub use wharf_async_std::{AsyncStd, Smol};
pub use wharf_tokio::Tokio;

/// A runtime that a test can run on.
pub trait Door: Runtime + Sized {
    /// Runs a future to its end.
    fn block_on<T>(future: impl Future<Output = T>) -> T;

    /// Runs a future to its end, which must come in time, on a runtime that stays: what it made can be awaited again.
    fn wait<T>(future: impl Future<Output = T>) -> T {
        Self::block_on(in_time::<Self, T>(future))
    }
}

impl Door for Tokio {
    fn wait<T>(future: impl Future<Output = T>) -> T {
        static STAYS: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        let runtime = STAYS.get_or_init(|| {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(2).enable_all().build().unwrap()
        });
        runtime.block_on(in_time::<Self, T>(future))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(2).enable_all().build().unwrap().block_on(future)
    }
}

impl Door for AsyncStd {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        async_std::task::block_on(future)
    }
}

impl Door for Smol {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }
}

/// Runs a test to its end, which must come in time.
pub fn run<D: Door>(test: impl Future<Output = ()>) {
    D::block_on(in_time::<D, ()>(test));
}

async fn in_time<D: Door, T>(future: impl Future<Output = T>) -> T {
    // Some timers are made only inside of their runtime.
    let mut timer = D::timer();
    timer.set(Instant::now() + PATIENCE);
    let late = poll_fn(move |cx| timer.poll(cx));
    match select(pin!(future), pin!(late)).await {
        Either::Left((out, _)) => out,
        Either::Right(_) => panic!("it waits for ever"),
    }
}

/// A task whose outcome can be awaited.
pub fn task<D: Door, T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> {
    let (tell, told) = async_channel::bounded(1);
    D::spawn(async move { drop(tell.send(future.await).await) });
    async move { told.recv().await.expect("the task ends well") }
}

/// Serves a handler on a port that is free.
pub async fn listen<D, F, Fut>(handler: F) -> (String, ServerHandle)
where
    D: Door,
    F: Fn(Socket<D>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Outcome> + Send + 'static,
{
    let bound = Bound::<D>::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let server = serve(bound, Arc::default(), handler);
    (format!("ws://{}/", server.local_addr()), server)
}

/// A handler that sends each message back.
///
/// # Errors
/// An end that is not clean.
pub async fn echo<D: Door>(mut socket: Socket<D>) -> Result<(), Error> {
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    Ok(())
}

/// How a socket ended: the report, after the one error of an unclean end and after nothing for a clean one.
pub async fn end_of<D: Door>(socket: &mut Socket<D>) -> Closed {
    let end = loop {
        match socket.next().await {
            Some(Ok(_)) => {}
            end => break end,
        }
    };
    let closed = socket.closed().cloned().expect("a report");
    match end {
        None => assert!(closed.is_clean(), "{closed:?}"),
        Some(Err(Error::Closed(told))) => assert!(!closed.is_clean() && *told == closed, "{closed:?}"),
        other => panic!("no end: {other:?}"),
    }
    assert!(socket.next().await.is_none(), "an end is told once");
    closed
}

/// Makes a `#[test]` of each generic function, for each runtime.
#[macro_export]
macro_rules! on_every_door {
    ($tests:tt) => {
        $crate::on_every_door!(@ tokio Tokio $tests);
        $crate::on_every_door!(@ async_std AsyncStd $tests);
        $crate::on_every_door!(@ smol Smol $tests);
    };
    (@ $module:ident $runtime:ident { $($test:ident)* }) => {
        mod $module {
            $(#[test]
            fn $test() {
                super::$test::<$crate::door::$runtime>();
            })*
        }
    };
}
