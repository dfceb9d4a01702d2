//! A service with a pool of connections to another one, on any runtime: a front that asks a backend for its clients, a line at a time,
//! over two connections at most. `cargo run -p wharf-tests --example pool -- --runtime mio` plays five clients.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Instant, Message};
use wharf::framed::Lines;
use wharf::link::{Address, Config, ConnId, Context, DialError, DialId, Framing, Service, Target};
use wharf::service::pool::{Action, Pool, PoolConfig, SlotId, Ticket};
use wharf::service::schedule::Retryable;
use wharf_cli::runner::{Control, RuntimeKind, run_telling};

/// The application: the pool says what is to be done with its connections, and the hub has them.
struct Front {
    backend: Target,
    config: PoolConfig,
    /// There once the hub is: its time begins there.
    pool: Option<Pool>,
    dials: BTreeMap<DialId, SlotId>,
    slots: BTreeMap<ConnId, SlotId>,
    conns: BTreeMap<SlotId, ConnId>,
    /// Clients whose questions wait for a connection, and those that wait for their answer.
    waiting: BTreeMap<Ticket, (ConnId, String)>,
    asking: BTreeMap<SlotId, ConnId>,
}

impl Front {
    fn new(backend: SocketAddr) -> Self {
        let mut config = PoolConfig::default();
        (config.min, config.max, config.wait_timeout) = (1, 2, Duration::from_secs(10));
        Self {
            backend: Target::tcp(backend.ip().to_string(), backend.port()),
            config,
            pool: None,
            dials: BTreeMap::new(),
            slots: BTreeMap::new(),
            conns: BTreeMap::new(),
            waiting: BTreeMap::new(),
            asking: BTreeMap::new(),
        }
    }

    /// Tells the pool something, and does what it asks for.
    fn with_pool(&mut self, cx: &mut Context<'_>, tell: impl FnOnce(&mut Self, &mut Pool, Instant)) {
        let now = cx.now();
        let mut pool =
            self.pool.take().unwrap_or_else(|| Pool::new(now, self.config.clone(), cx.entropy().fork()));
        tell(self, &mut pool, now);
        while let Some(action) = pool.poll_action() {
            self.obey(cx, &mut pool, action);
        }
        self.pool = Some(pool);
    }

    fn obey(&mut self, cx: &mut Context<'_>, pool: &mut Pool, action: Action) {
        let now = cx.now();
        match action {
            Action::Open { slot } => match cx.dial(self.backend.clone()) {
                Ok(dial) => drop(self.dials.insert(dial, slot)),
                Err(error) => pool.failed(now, slot, error.try_again_after(cx.wall())),
            },
            // What comes while nobody asks has it thrown away at once, so to be open is enough.
            Action::Check { slot } => {
                let conn = self.conns.get(&slot).and_then(|conn| cx.info(*conn));
                let is_sound = conn.is_some_and(|info| info.is_open);
                pool.checked(now, slot, is_sound);
            }
            Action::Serve { ticket, slot } => {
                let (client, question) = self.waiting.remove(&ticket).expect("it waits until now");
                self.asking.insert(slot, client);
                if cx.send(self.conns[&slot], Message::text(question)).is_err() {
                    pool.discard(now, slot);
                }
            }
            Action::Refuse { ticket, why } => {
                let refused = self.waiting.remove(&ticket);
                answer(cx, refused.map(|(client, _)| client), &format!("error: {why}"));
            }
            // Its end is told by `closed`, or that of its dial by `dial_failed`.
            Action::Close { slot } => {
                if let Some(conn) = self.conns.get(&slot) {
                    // One that is closing already goes on.
                    let _ = cx.close(*conn, CloseCode::NORMAL, "");
                }
            }
            _ => {}
        }
    }

    /// A connection of the pool told something.
    fn answered(&mut self, cx: &mut Context<'_>, slot: SlotId, text: &str) {
        let client = self.asking.remove(&slot);
        let was_asked = client.is_some();
        answer(cx, client, text);
        self.with_pool(cx, |_, pool, now| match was_asked {
            true => pool.give_back(now, slot),
            false => pool.discard(now, slot),
        });
    }

    /// A client is gone: nothing of it reaches the next one.
    fn left(&mut self, cx: &mut Context<'_>, client: ConnId) {
        let waits = self.waiting.iter().filter(|(_, (other, _))| *other == client);
        let waits: Vec<Ticket> = waits.map(|(ticket, _)| *ticket).collect();
        let asked = self.asking.iter().filter(|(_, other)| **other == client);
        let asked: Vec<SlotId> = asked.map(|(slot, _)| *slot).collect();
        waits.iter().for_each(|ticket| drop(self.waiting.remove(ticket)));
        self.asking.retain(|_, other| *other != client);
        self.with_pool(cx, |_, pool, now| {
            waits.into_iter().for_each(|ticket| pool.cancel(now, ticket));
            asked.into_iter().for_each(|slot| pool.discard(now, slot));
        });
    }
}

/// One that is gone misses nothing.
fn answer(cx: &mut Context<'_>, client: Option<ConnId>, text: &str) {
    if let Some(client) = client {
        let _ = cx.send(client, Message::text(text));
    }
}

impl Service for Front {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let dial = cx.info(conn).and_then(|info| info.dial);
        if let Some(slot) = dial.and_then(|dial| self.dials.remove(&dial)) {
            self.slots.insert(conn, slot);
            self.conns.insert(slot, conn);
            self.with_pool(cx, |_, pool, now| pool.opened(now, slot));
        }
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
        if let Some(slot) = self.dials.remove(&dial) {
            let again = error.try_again_after(cx.wall());
            self.with_pool(cx, |_, pool, now| pool.failed(now, slot, again));
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let text = message.as_text().unwrap_or_default().to_owned();
        if let Some(slot) = self.slots.get(&conn) {
            return self.answered(cx, *slot, &text);
        }
        let mut refused = None;
        self.with_pool(cx, |front, pool, now| match pool.checkout(now) {
            Ok(ticket) => drop(front.waiting.insert(ticket, (conn, text))),
            Err(error) => refused = Some(error),
        });
        if let Some(error) = refused {
            answer(cx, Some(conn), &format!("error: {error}"));
        }
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, _: &Closed) {
        let Some(slot) = self.slots.remove(&conn) else { return self.left(cx, conn) };
        self.conns.remove(&slot);
        answer(cx, self.asking.remove(&slot), "error: the backend is gone");
        self.with_pool(cx, |_, pool, now| pool.closed(now, slot));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.pool.as_ref().map_or(Some(Instant::ORIGIN), Pool::poll_timeout)
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.with_pool(cx, |_, pool, now| pool.handle_timeout(now));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in play(RuntimeKind::from_args()?)? {
        println!("{line}");
    }
    Ok(())
}

/// What five clients that ask at the same moment hear, and how many connections the backend had at once.
pub(crate) fn play(runtime: RuntimeKind) -> Result<Vec<String>, Box<dyn Error>> {
    let backend = Backend::listen()?;
    let service = Front::new(backend.address);
    let (control, controls) = async_channel::bounded(1);
    let (tell, told) = mpsc::channel();
    let server = thread::spawn(move || {
        let listen = [Address::from(([127, 0, 0, 1], 0)).into()];
        let mut config = Config::default();
        config.framing = Framing::codec(Lines::new());
        let listening = |address: &Address| {
            let _ = tell.send(address.tcp());
        };
        run_telling(runtime, &listen, service, &Arc::new(config), &controls, listening)
    });
    let address = told.recv()?.ok_or("no TCP address")?;
    let together = Arc::new(Barrier::new(5));
    let clients: Vec<_> = (1..=5)
        .map(|n| {
            let together = together.clone();
            thread::spawn(move || -> std::io::Result<String> {
                let mut stream = TcpStream::connect(address)?;
                together.wait();
                writeln!(stream, "ahoy from {n}")?;
                let mut line = String::new();
                BufReader::new(stream).read_line(&mut line)?;
                Ok(line.trim_end().to_owned())
            })
        })
        .collect();
    let mut lines = Vec::new();
    for client in clients {
        lines.push(client.join().expect("a client's thread has not panicked")?);
    }
    control.send_blocking(Control::<()>::Drain)?;
    server.join().expect("the server's thread has not panicked")?;
    lines.push(format!("at most {} connections", backend.end()?));
    Ok(lines)
}

/// A server that knows nothing of Wharf: it says each line louder.
struct Backend {
    address: SocketAddr,
    most: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Backend {
    fn listen() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let is_over = Arc::new(AtomicBool::new(false));
        let (peak, over) = (most.clone(), is_over.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                peak.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let open = open.clone();
                thread::spawn(move || {
                    let _ = louder(stream);
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(Self { address, most, is_over })
    }

    fn end(self) -> std::io::Result<usize> {
        self.is_over.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address)?;
        Ok(self.most.load(Ordering::SeqCst))
    }
}

fn louder(stream: TcpStream) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        writeln!(writer, "{}", line?.to_uppercase())?;
    }
    Ok(())
}
