//! Streams that are worked on as they flow: sources pour readings into a stage, which drops the noise and hands the rest on to a
//! consumer. Nothing waits without a bound anywhere on the way: a consumer that takes nothing holds its own source up, two
//! connections further on, and nobody else's.
//!
//! On tokio, async-std and smol a socket is a stream and a sink, and the stage is two combinators of `futures`. On a bare mio loop
//! it is a service, which pauses the one side while the other is congested and goes on once that has drained.
//!
//! `cargo run -p wharf-tests --example streams -- --runtime tokio|async-std|smol|mio`

use async_channel::{Receiver, Sender, bounded};
use clap::Parser;
use futures_util::future::ready;
use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use wharf::base::{Accepted, CloseCode, Closed, Message};
use wharf::link::{Config, ConnId, Context, DialError, DialId, Service, Target};
use wharf_async_std::{Bound, Error as SocketError, Runtime, Socket, connect, serve};
use wharf_cli::runner::{Portable, RuntimeKind};
use wharf_mio::Server;

#[derive(Parser)]
struct Args {
    /// What it runs on.
    #[arg(long, value_enum, default_value = "tokio")]
    runtime: RuntimeKind,
}

/// Readings of one source, many more bytes than all buffers on the way take.
pub(crate) const READINGS: usize = 4096;
const READING: usize = 16 << 10;
const ANYWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Report {
    /// How many readings the slow consumer's source had made when all of the other's had arrived.
    pub(crate) held_up_at: usize,
    /// What the consumers got, the slow one last.
    pub(crate) taken: [Vec<usize>; 2],
}

fn main() -> Result<(), Box<dyn Error>> {
    let Report { held_up_at, taken: [calm, slow] } = flow(Args::parse().runtime)?;
    println!("{} readings arrived, and the other source was held up at {held_up_at}", calm.len());
    println!("{} of its readings arrived in the end", slow.len());
    Ok(())
}

/// Lets two sources flow, one of them to a consumer that takes nothing until all of the other's has arrived.
pub(crate) fn flow(runtime: RuntimeKind) -> Result<Report, Box<dyn Error>> {
    runtime.run(Flow)?
}

fn reading(number: usize) -> Message<'static> {
    Message::text(format!("{number:08}{}", "x".repeat(READING - 8)))
}

/// The number of a reading; the first message of a source is its name and no reading.
fn number(message: &Message<'_>) -> Option<usize> {
    message.as_text()?.get(..8)?.parse().ok()
}

/// What the stage drops.
pub(crate) fn is_noise(number: usize) -> bool {
    number % 8 == 7
}

fn is_worth_it(message: &Message<'_>) -> bool {
    !number(message).is_some_and(is_noise)
}

struct Flow;

impl Portable for Flow {
    type Output = Result<Report, Box<dyn Error>>;

    async fn run_async<R: Runtime>(self) -> Self::Output {
        let ((tell, told), (release, released)) = (bounded(2), bounded(1));
        let bound = Bound::<R>::bind(ANYWHERE).await?;
        let consumers =
            serve(bound, Arc::default(), move |socket| consume::<R>(socket, released.clone(), tell.clone()));
        let to = format!("ws://{}/", consumers.local_addr());
        let bound = Bound::<R>::bind(ANYWHERE).await?;
        let stages = serve(bound, Arc::default(), move |socket| stage::<R>(socket, to.clone()));

        let into = format!("ws://{}/", stages.local_addr());
        let made = Arc::new(AtomicUsize::new(0));
        let pouring = pour::<R>(into.clone(), "slow", made.clone());
        R::spawn(async move {
            if let Err(error) = pouring.await {
                eprintln!("{error}");
            }
        });
        pour::<R>(into, "calm", Arc::default()).await.map_err(|error| error.to_string())?;
        let calm = told.recv().await?;
        let held_up_at = made.load(Ordering::SeqCst);
        drop(release);
        let slow = told.recv().await?;
        stages.drain().await;
        consumers.drain().await;
        Ok(Report { held_up_at, taken: [calm, slow] })
    }

    fn run_mio(self) -> Self::Output {
        let (tell, told) = mpsc::channel();
        let consumers = Server::bind(ANYWHERE, Consumers::new(tell), Arc::default())?;
        let to: Target = format!("ws://{}/", consumers.local_addr().ok_or("no address")?).parse()?;
        let stages = Server::bind(ANYWHERE, Stage::new(to), Arc::default())?;
        let into: Target = format!("ws://{}/", stages.local_addr().ok_or("no address")?).parse()?;
        let (consuming, staging) = (consumers.handle(), stages.handle());
        let loops = [thread::spawn(|| consumers.run().map(drop)), thread::spawn(|| stages.run().map(drop))];

        let made = Arc::new(AtomicUsize::new(0));
        let slow = thread::spawn({
            let (into, made) = (into.clone(), made.clone());
            move || pour_from_a_thread(into, "slow", &made).map_err(|error| error.to_string())
        });
        pour_from_a_thread(into, "calm", &AtomicUsize::new(0))?;
        let calm = told.recv()?;
        let held_up_at = made.load(Ordering::SeqCst);
        consuming.command_blocking(Release)?;
        slow.join().map_err(|_| "the source panicked")??;
        let slow = told.recv()?;
        staging.drain();
        consuming.drain();
        for each in loops {
            each.join().map_err(|_| "a loop panicked")??;
        }
        Ok(Report { held_up_at, taken: [calm, slow] })
    }
}

/// A source: readings are made as the sink takes them, and no sooner.
async fn pour<R: Runtime>(
    into: String,
    name: &'static str,
    made: Arc<AtomicUsize>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut socket = connect::<R>(&into).await?;
    SinkExt::send(&mut socket, Message::text(name)).await?;
    let readings = stream::iter(0..READINGS).map(move |number| {
        made.fetch_add(1, Ordering::SeqCst);
        Ok(reading(number))
    });
    Ok(readings.forward(socket).await?)
}

/// The stage.
async fn stage<R: Runtime>(source: Socket<R>, to: String) -> Result<(), Box<dyn Error + Send + Sync>> {
    let consumer = connect::<R>(&to).await?;
    Ok(hand_on(source, consumer).await?)
}

/// What cannot be handed on yet is not read.
fn hand_on<R: Runtime>(
    source: Socket<R>,
    consumer: Socket<R>,
) -> impl Future<Output = Result<(), SocketError>> + Send {
    let worth_it = source.try_filter_map(|message| ready(Ok(is_worth_it(&message).then_some(message))));
    worth_it.forward(consumer)
}

/// A consumer: the slow one takes nothing until it is released.
async fn consume<R: Runtime>(
    mut socket: Socket<R>,
    released: Receiver<()>,
    tell: Sender<Vec<usize>>,
) -> Result<(), SocketError> {
    let name = TryStreamExt::try_next(&mut socket).await?;
    if name.is_some_and(|name| name.as_text() == Some("slow")) {
        // Its error says that it is released: nothing is ever sent here.
        let _ = released.recv().await;
    }
    let mut taken = Vec::new();
    while let Some(message) = TryStreamExt::try_next(&mut socket).await? {
        taken.extend(number(&message));
    }
    // Nobody listens any more where the program has failed.
    let _ = tell.send(taken).await;
    Ok(())
}

/// The source of a thread: it waits whenever it is told that there is no more room.
fn pour_from_a_thread(into: Target, name: &'static str, made: &AtomicUsize) -> Result<(), Box<dyn Error>> {
    let mut socket = wharf_mio::connect(into, &Arc::new(Config::client()))?;
    socket.send(Message::text(name))?;
    for number in 0..READINGS {
        made.fetch_add(1, Ordering::SeqCst);
        if socket.send(reading(number))? == Accepted::Congested {
            socket.flush();
        }
    }
    socket.close(CloseCode::NORMAL, "")?;
    while let Some(Ok(_)) = socket.next() {}
    Ok(())
}

/// The stage as a service, which any of the runtimes can run. It dials a consumer for each source.
struct Stage {
    to: Target,
    dials: BTreeMap<DialId, ConnId>,
    /// The other side of each, both ways.
    others: BTreeMap<ConnId, ConnId>,
}

impl Stage {
    fn new(to: Target) -> Self {
        Self { to, dials: BTreeMap::new(), others: BTreeMap::new() }
    }
}

impl Service for Stage {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if let Some(dial) = cx.info(conn).and_then(|info| info.dial) {
            match self.dials.remove(&dial).filter(|source| cx.info(*source).is_some()) {
                Some(source) => {
                    self.others.extend([(source, conn), (conn, source)]);
                    cx.resume(source);
                }
                None => drop(cx.close(conn, CloseCode::NORMAL, "the source is gone")),
            }
            return;
        }
        // Until there is somebody to hand it on to, nothing is read.
        cx.pause(conn);
        match cx.dial(self.to.clone()) {
            Ok(dial) => drop(self.dials.insert(dial, conn)),
            Err(error) => drop(cx.close(conn, CloseCode::TRY_AGAIN_LATER, &error.to_string())),
        }
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
        if let Some(source) = self.dials.remove(&dial) {
            // One that is gone needs no reason.
            let _ = cx.close(source, CloseCode::TRY_AGAIN_LATER, &error.to_string());
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let Some(&consumer) = self.others.get(&conn).filter(|_| is_worth_it(&message)) else { return };
        match cx.send(consumer, message) {
            Ok(Accepted::Queued) => {}
            Ok(Accepted::Congested) => cx.pause(conn),
            // A consumer that is going takes its source along.
            Err(_) => drop(cx.close(conn, CloseCode::GOING_AWAY, "the consumer is gone")),
        }
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if let Some(source) = self.others.get(&conn) {
            cx.resume(*source);
        }
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, _: &Closed) {
        if let Some(other) = self.others.remove(&conn) {
            self.others.remove(&other);
            // Behind all that was handed on.
            let _ = cx.close(other, CloseCode::NORMAL, "");
        }
    }
}

/// Consumers as a service. The slow ones are read no further until they are released.
struct Consumers {
    taken: BTreeMap<ConnId, Vec<usize>>,
    tell: mpsc::Sender<Vec<usize>>,
}

impl Consumers {
    fn new(tell: mpsc::Sender<Vec<usize>>) -> Self {
        Self { taken: BTreeMap::new(), tell }
    }
}

/// The command that ends all slowness.
#[derive(Debug)]
struct Release;

impl Service for Consumers {
    type Job = ();
    type Done = ();
    type Command = Release;

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        self.taken.entry(conn).or_default().extend(number(&message));
        if message.as_text() == Some("slow") {
            cx.pause(conn);
        }
    }

    fn command(&mut self, cx: &mut Context<'_>, Release: Release) {
        for conn in self.taken.keys() {
            cx.resume(*conn);
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        // Nobody listens any more where the program has failed.
        let _ = self.tell.send(self.taken.remove(&conn).unwrap_or_default());
    }
}
