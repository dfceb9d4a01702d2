//! A client that stays up, on any runtime: its server goes away, what is said meanwhile waits, and goes out once the server is there
//! again. On tokio, async-std and smol a handle does it; on mio a service does, by the machine that the others have inside.
//! `cargo run -p wharf-tests --example client -- --runtime mio`

use std::error::Error;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use wharf::base::{Closed, Entropy, Instant, Message};
use wharf::link::{Address, Config, ConnId, Context, DialError, DialId, Service, Target};
use wharf::service::client::{ClientConfig, ClientEvent, Fate, Kept};
use wharf::service::schedule::Schedule;
use wharf_async_std::{AsyncStd, Client, Runtime, Smol};
use wharf_cli::runner::{Control, RuntimeKind, run, run_telling};
use wharf_tokio::Tokio;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    for line in play(RuntimeKind::from_args()?)? {
        println!("{line}");
    }
    Ok(())
}

/// What the client has to tell.
pub(crate) fn play(runtime: RuntimeKind) -> Outcome<Vec<String>> {
    let server = Server::start(([127, 0, 0, 1], 0).into())?;
    match runtime {
        RuntimeKind::Tokio => tokio::runtime::Runtime::new()?.block_on(talk::<Tokio>(server)),
        RuntimeKind::AsyncStd => async_std::task::block_on(talk::<AsyncStd>(server)),
        RuntimeKind::Smol => smol::block_on(talk::<Smol>(server)),
        RuntimeKind::Mio => keep(server),
    }
}

fn config() -> ClientConfig {
    let mut config = ClientConfig::default();
    // An example has no time; the default is 1 s, 2 s, 4 s and so on.
    config.schedule = Schedule::spaced(Duration::from_millis(20)).jittered();
    config
}

/// By a handle.
async fn talk<R: Runtime>(server: Server) -> Outcome<Vec<String>> {
    let mut told = Vec::new();
    let url = server.url();
    let (client, mut messages) = Client::connect_with::<R, _, _>(
        &*url,
        &Arc::new(Config::client()),
        config(),
        |mut socket, again| {
            async move {
                // Log in, subscribe again, resume from the last message: what was sent goes out behind it.
                socket.send(if again { "hello again" } else { "hello" }).await?;
                Ok(socket)
            }
        },
    )?;
    let mut watch = client.watch();
    told.extend(messages.next().await.as_ref().map(heard));
    let server = server.restart(|| while_away(&client, &mut watch, &mut told)).await?;
    for _ in 0..2 {
        told.extend(messages.next().await.as_ref().map(heard));
    }
    told.push(format!("connected again {} time", client.state().reconnect_count));
    told.push(client.stop().await.to_string());
    server.end()?;
    Ok(told)
}

/// Waits for the connection to be lost, and sends something that waits in its turn.
async fn while_away(client: &Client, watch: &mut wharf_async_std::Watch, told: &mut Vec<String>) {
    while watch.state().is_connected && watch.changed().await.is_some() {}
    // To be told its fate, one would await it instead.
    if client.send("waited").detach().is_ok() {
        told.push("sent while the server is away".into());
    }
}

fn heard(message: &Message<'_>) -> String {
    format!("heard: {}", message.as_text().unwrap_or_default())
}

/// By a service, on mio.
fn keep(server: Server) -> Outcome<Vec<String>> {
    let target: Target = server.url().parse()?;
    let (tell, tidings) = mpsc::channel();
    let (control, controls) = async_channel::bounded(8);
    let kept = Kept::new(Instant::ORIGIN, target, config(), Entropy::from_seed([7; 32]));
    let service = Keeper { kept, tell, control: control.clone() };
    let running = thread::spawn(move || run(RuntimeKind::Mio, &[], service, &Arc::default(), &controls));
    control.send_blocking(Control::Command(Ask::Connect))?;
    let mut told = vec![tidings.recv()?];
    let server = smol::block_on(server.restart(|| async {
        // It is told when the connection is lost.
        let _ = tidings.recv();
        let _ = control.send(Control::Command(Ask::Say("waited"))).await;
        told.push("sent while the server is away".into());
    }))?;
    told.extend([tidings.recv()?, tidings.recv()?]);
    control.send_blocking(Control::Command(Ask::Stop))?;
    told.extend(tidings.iter());
    running.join().expect("the loop's thread has not panicked")?;
    server.end()?;
    Ok(told)
}

/// What the program asks of the service.
enum Ask {
    Connect,
    Say(&'static str),
    Stop,
}

struct Keeper {
    kept: Kept,
    tell: mpsc::Sender<String>,
    control: async_channel::Sender<Control<Ask>>,
}

impl Keeper {
    fn settle(&mut self, cx: &mut Context<'_>) {
        while let Some(event) = self.kept.poll_event(cx) {
            match event {
                ClientEvent::Connected { attempt, again } => {
                    if let Some(conn) = self.kept.conn() {
                        let hello = if again { "hello again" } else { "hello" };
                        // One that has closed meanwhile is told by its end.
                        let _ = cx.send(conn, Message::text(hello));
                    }
                    self.kept.act(cx, |client, now| client.ready(now, attempt));
                }
                ClientEvent::Disconnected { failure, was_connected: true, .. } => {
                    self.say(failure.to_string())
                }
                // Nothing is lost in silence.
                ClientEvent::Fate { fate: Fate::Unsent { why, .. }, .. } => self.say(why.to_string()),
                ClientEvent::Stopped(reason) => {
                    let again = self.kept.client().state().reconnect_count;
                    self.say(format!("connected again {again} time"));
                    self.say(reason.to_string());
                    self.control.close();
                }
                _ => {}
            }
        }
    }

    fn say(&self, line: String) {
        // Nobody may listen any more.
        let _ = self.tell.send(line);
    }
}

impl Service for Keeper {
    type Job = ();
    type Done = ();
    type Command = Ask;

    fn command(&mut self, cx: &mut Context<'_>, ask: Ask) {
        match ask {
            Ask::Connect => {}
            Ask::Say(text) => {
                // The outbox has room for a thousand.
                let _ = self.kept.act(cx, |client, now| client.send(now, text));
            }
            Ask::Stop => self.kept.act(cx, |client, now| client.stop(now)),
        }
        self.settle(cx);
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.kept.opened(cx, conn);
        self.settle(cx);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        self.kept.progressed(cx, conn);
        self.say(heard(&message));
        self.settle(cx);
    }

    fn written(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.kept.progressed(cx, conn);
        self.settle(cx);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        self.kept.closed(cx, conn, closed);
        self.settle(cx);
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
        self.kept.dial_failed(cx, dial, error);
        self.settle(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.kept.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.kept.timeout(cx);
        self.settle(cx);
    }
}

/// An echo in a thread of its own.
struct Server {
    address: Address,
    control: async_channel::Sender<Control<()>>,
    thread: thread::JoinHandle<Result<(), wharf_cli::runner::RunError>>,
}

struct Echo;

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let _ = cx.send(conn, message);
    }
}

impl Server {
    fn start(address: Address) -> Outcome<Self> {
        let (control, controls) = async_channel::bounded(1);
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let listening = |address: &Address| drop(tell.send(address.clone()));
            run_telling(RuntimeKind::Mio, &[address.into()], Echo, &Arc::default(), &controls, listening)
        });
        Ok(Self { address: told.recv()?, control, thread })
    }

    fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// It goes away, and is there again once `meanwhile` is over.
    async fn restart<F: Future<Output = ()>>(self, meanwhile: impl FnOnce() -> F) -> Outcome<Self> {
        let address = self.address.clone();
        self.end()?;
        meanwhile().await;
        Self::start(address)
    }

    fn end(self) -> Outcome<()> {
        self.control.close();
        Ok(self.thread.join().expect("the server's thread has not panicked")?)
    }
}
