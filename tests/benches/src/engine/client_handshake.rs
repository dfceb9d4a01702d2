//! The client's side of the opening handshake: many at once, so that what answers them is not measured.

use super::ThreadTime;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tungstenite::handshake::derive_accept_key;

/// How many are in flight at once.
const AT_ONCE: u64 = 64;

/// Asks for WebSockets and takes the answers, again and again.
pub struct ClientHandshake {
    /// Whose it is.
    pub name: &'static str,
    measure: Box<dyn FnMut(u64) -> Duration>,
}

impl ClientHandshake {
    /// `ask` writes a request into each stream, `finish` reads the answers; both are measured, what is between is not.
    pub(super) fn new<A>(
        name: &'static str,
        ask: impl Fn(Vec<DuplexStream>) -> A + 'static,
        finish: impl Fn(A) + 'static,
    ) -> Self {
        let measure = move |count: u64| {
            let mut time = Duration::ZERO;
            for from in (0..count).step_by(AT_ONCE as usize) {
                let (clients, mut servers): (Vec<_>, Vec<_>) =
                    (from..count.min(from + AT_ONCE)).map(|_| duplex(8 * 1024)).unzip();
                let start = ThreadTime::now();
                let asked = ask(clients);
                time += ThreadTime::now().saturating_sub(start);
                servers.iter_mut().for_each(answer);
                let start = ThreadTime::now();
                finish(asked);
                time += ThreadTime::now().saturating_sub(start);
            }
            time
        };
        Self { name, measure: Box::new(measure) }
    }

    /// The same for a future that waits for the answer alone.
    pub(super) fn polled<F: Future<Output = ()> + 'static>(
        name: &'static str,
        open: impl Fn(DuplexStream) -> F + 'static,
    ) -> Self {
        let ask = move |streams: Vec<_>| {
            let mut cx = Context::from_waker(Waker::noop());
            let mut futures: Vec<Pin<Box<F>>> =
                streams.into_iter().map(|stream| Box::pin(open(stream))).collect();
            for future in &mut futures {
                assert!(future.as_mut().poll(&mut cx).is_pending(), "it was not answered yet");
            }
            futures
        };
        let finish = |futures: Vec<Pin<Box<F>>>| {
            let mut cx = Context::from_waker(Waker::noop());
            for mut future in futures {
                assert!(future.as_mut().poll(&mut cx).is_ready(), "it was answered");
            }
        };
        Self::new(name, ask, finish)
    }

    /// The same for those that run a task beside, on a runtime of tokio.
    pub(super) fn spawned<F: Future<Output = ()> + Send + 'static>(
        name: &'static str,
        open: impl Fn(DuplexStream) -> F + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let runtime = std::rc::Rc::new(runtime);
        let asking = runtime.clone();
        let ask = move |streams: Vec<_>| {
            asking.block_on(async {
                let tasks: Vec<_> = streams.into_iter().map(|stream| tokio::spawn(open(stream))).collect();
                // The task that opens, the one beside, and what they tell one another.
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
                tasks
            })
        };
        let finish = move |tasks: Vec<tokio::task::JoinHandle<()>>| {
            runtime.block_on(async {
                for task in tasks {
                    task.await.expect("it opens");
                }
            });
        };
        Self::new(name, ask, finish)
    }

    /// The time that `count` of them take.
    ///
    /// # Panics
    /// One does not open.
    #[must_use]
    pub fn measure(&mut self, count: u64) -> Duration {
        (self.measure)(count)
    }
}

impl fmt::Debug for ClientHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandshake").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Answers the request that was written to the other end.
fn answer(stream: &mut DuplexStream) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut bytes = [0; 4096];
    let mut buf = ReadBuf::new(&mut bytes);
    let read = Pin::new(&mut *stream).poll_read(&mut cx, &mut buf);
    assert!(matches!(read, Poll::Ready(Ok(()))), "no request was written");
    let head = std::str::from_utf8(buf.filled()).expect("a head");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    let written = Pin::new(stream).poll_write(&mut cx, &answer_to(head));
    assert!(matches!(written, Poll::Ready(Ok(_))), "there is room");
}

/// The answer to this request.
pub(super) fn answer_to(head: &str) -> Vec<u8> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let accept = derive_accept_key(key.expect("a key").1.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}
