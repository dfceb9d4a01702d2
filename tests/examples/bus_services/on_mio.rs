//! On mio: each service has a loop, and in it a service of the loop that has the client's machine inside. This program talks to it by
//! commands; one whose work is done in the loop would do it where this one tells.

use super::{Outcome, Store};
use serde::Serialize;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wharf::base::{Closed, Instant, Message};
use wharf::framed::Lines;
use wharf::link::{Address, Config, ConnId, Context, DialError, DialId, Framing, Service, Target};
use wharf::service::bus::client::{
    BusClient, BusClientEvent, Delivery, DeliveryId, Outcome as Fate, Outgoing,
};
use wharf::service::bus::{BusService, Name};
use wharf::service::client::Kept;
use wharf_mio::{Clock, Handle, Server, entropy};

/// How long it waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the services have to tell.
pub(crate) fn talk() -> Outcome<Vec<String>> {
    let mut told = Vec::new();
    let store = Arc::default();
    let any: Address = ([127, 0, 0, 1], 0).into();
    let bus = Bus::start(&[any.clone(), any], &store)?;
    let addresses = bus.addresses.clone();
    let orders = Desk::connect(&format!("tcp://{}", addresses[0]), "order-service")?;
    // The other service is not there yet; its messages wait.
    orders.send("user-service", "user.lookup", &["ada"])?;
    told.push("accepted before its receiver is there".into());
    let users = Desk::connect(&format!("ws://{}/", addresses[1]), "user-service")?;
    let lookup = users.delivery()?;
    let [name] = lookup.payload::<[String; 1]>()?;
    told.push(format!("user-service looks {name} up"));
    // The bus goes away before it hears that this is done, and comes back with what it has stored.
    bus.end()?;
    users.wait(|told| matches!(told, Told::Lost).then_some(()))?;
    users.ask(Ask::Ack(lookup.id))?;
    users.post("order-service", "user.found", &(name, 36))?;
    let bus = Bus::start(&addresses, &store)?;
    users.accepted()?;
    let found = orders.delivery()?;
    let (name, age): (String, u32) = found.payload()?;
    told.push(format!("order-service hears that {name} is {age}"));
    orders.ask(Ask::Ack(found.id))?;
    // What is refused comes again, and in the end its sender hears that it is dead.
    orders.send("user-service", "user.delete", &"ada")?;
    let refused = users.delivery()?;
    told.push(format!("user-service refuses {}", refused.envelope.kind));
    users.ask(Ask::Refuse(refused.id, "not by order"))?;
    let again = users.delivery()?;
    told.push(format!("it comes again, after {} attempt", again.envelope.retry_count));
    users.ask(Ask::Ack(again.id))?;
    orders.drain()?;
    told.push(users.drain()?);
    let stats = bus.end()?.broker().stats();
    told.push(format!("{} acknowledged since it came back", stats.acknowledged));
    Ok(told)
}

/// What the program asks of its client.
enum Ask {
    Connect,
    Send(Outgoing),
    Ack(DeliveryId),
    Refuse(DeliveryId, &'static str),
    Drain,
}

/// What it is told.
enum Told {
    Accepted,
    Delivery(Delivery),
    Lost,
    Stopped(String),
}

/// The client in its loop.
struct Postman {
    kept: Kept<BusClient>,
    tell: mpsc::Sender<Told>,
}

impl Postman {
    fn tell(&self, told: Told) {
        // Nobody may listen any more.
        let _ = self.tell.send(told);
    }

    /// After anything that happens.
    fn settle(&mut self, cx: &mut Context<'_>) {
        while let Some(event) = self.kept.poll_event(cx) {
            match event {
                BusClientEvent::Sent { outcome: Fate::Accepted, .. } => self.tell(Told::Accepted),
                BusClientEvent::Disconnected { was_connected: true, .. } => self.tell(Told::Lost),
                BusClientEvent::Stopped(why) => self.tell(Told::Stopped(why.to_string())),
                _ => {}
            }
        }
        while let Some(delivery) = self.kept.act(cx, |client, _| client.poll_delivery()) {
            self.tell(Told::Delivery(delivery));
        }
    }
}

impl Service for Postman {
    type Job = ();
    type Done = ();
    type Command = Ask;

    fn command(&mut self, cx: &mut Context<'_>, ask: Ask) {
        self.kept.act(cx, |client, now| match ask {
            Ask::Connect => {}
            // The outbox has room for a thousand.
            Ask::Send(outgoing) => drop(client.send(now, outgoing)),
            Ask::Ack(delivery) => drop(client.ack(now, delivery)),
            Ask::Refuse(delivery, reason) => drop(client.nack(now, delivery, reason)),
            Ask::Drain => client.drain(now, now + Duration::from_secs(5)),
        });
        self.settle(cx);
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.kept.opened(cx, conn);
        self.settle(cx);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if self.kept.progressed(cx, conn) {
            self.kept.act(cx, |client, now| client.receive(now, &message));
        }
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

/// A hand on the client, and its loop.
struct Desk {
    handle: Handle<Postman>,
    told: mpsc::Receiver<Told>,
    thread: JoinHandle<io::Result<Postman>>,
}

impl Desk {
    fn connect(url: &str, service: &str) -> Outcome<Self> {
        let target: Target = url.parse()?;
        let mut limits = Config::client();
        if target.request().is_none() {
            limits.framing = Framing::codec(Lines::new());
        }
        let client = BusClient::new(Instant::ORIGIN, super::config(service)?, entropy()?);
        let (tell, told) = mpsc::channel();
        let postman = Postman { kept: Kept::around(target, client), tell };
        let server = Server::new(postman, limits.into())?;
        let handle = server.handle();
        let desk = Self { handle, told, thread: thread::spawn(move || server.run()) };
        desk.ask(Ask::Connect)?;
        Ok(desk)
    }

    fn ask(&self, ask: Ask) -> Outcome<()> {
        self.handle.command(ask).map_err(|_| "the loop takes no command".into())
    }

    /// Waits until it is told this.
    fn wait<T>(&self, is_it: impl Fn(Told) -> Option<T>) -> Outcome<T> {
        loop {
            if let Some(it) = is_it(self.told.recv_timeout(PATIENCE)?) {
                return Ok(it);
            }
        }
    }

    fn post(&self, to: &str, kind: &str, payload: &impl Serialize) -> Outcome<()> {
        self.ask(Ask::Send(Outgoing::new(Name::new(to)?, kind, payload, Clock::new().wall())?))
    }

    fn accepted(&self) -> Outcome<()> {
        self.wait(|told| matches!(told, Told::Accepted).then_some(()))
    }

    /// Sends, and waits until the bus has it.
    fn send(&self, to: &str, kind: &str, payload: &impl Serialize) -> Outcome<()> {
        self.post(to, kind, payload)?;
        self.accepted()
    }

    fn delivery(&self) -> Outcome<Delivery> {
        self.wait(|told| if let Told::Delivery(delivery) = told { Some(delivery) } else { None })
    }

    /// Ends in order; why it stopped.
    fn drain(self) -> Outcome<String> {
        self.ask(Ask::Drain)?;
        let why = self.wait(|told| if let Told::Stopped(why) = told { Some(why) } else { None })?;
        self.handle.drain();
        self.thread.join().expect("the loop has not panicked")?;
        Ok(why)
    }
}

/// A bus in a loop of its own.
struct Bus {
    addresses: [Address; 2],
    handle: Handle<BusService>,
    thread: JoinHandle<io::Result<BusService>>,
}

impl Bus {
    fn start([tcp, web]: &[Address; 2], store: &Store) -> Outcome<Self> {
        let (service, limits, lines) = super::bus(store)?;
        let server =
            Server::new(service, limits)?.listen(tcp.clone())?.speaking(&lines)?.listen(web.clone())?;
        let mut addresses = server.local_addrs().cloned();
        let (Some(tcp), Some(web)) = (addresses.next(), addresses.next()) else {
            return Err("nowhere".into());
        };
        drop(addresses);
        let (handle, store) = (server.handle(), store.clone());
        let thread = thread::spawn(move || server.run_with(move |batch| super::carry_out(&store, &batch)));
        Ok(Self { addresses: [tcp, web], handle, thread })
    }

    fn end(self) -> Outcome<BusService> {
        self.handle.drain();
        Ok(self.thread.join().expect("the loop has not panicked")?)
    }
}
