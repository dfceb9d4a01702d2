//! How an application is tested: a service, its hub and a made-up time. No socket, no clock, no runtime, no thread;
//! half a minute passes in a microsecond, and every run is the same.
//!
//! The service is a vote: whoever connects says `yes` or `no`, all see the count, and 30 s after the first one came
//! all are told the result and dismissed. `cargo run -p wharf-tests --example handler_test` plays one.

use std::sync::Arc;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, End, Entropy, Input, Instant, Kind, Message, Shutdown, Wall};
use wharf::link::{Address, ConnId, Context, Event, Hub, Link, Service};
use wharf::ws::Prepared;
use wharf::ws::handshake::ClientRequest;

/// The application. Nothing here knows that there is a network.
#[derive(Default)]
struct Vote {
    members: Vec<ConnId>,
    yes: u32,
    no: u32,
    ends: Option<Instant>,
}

impl Vote {
    const LASTS: Duration = Duration::from_secs(30);

    fn tell_all(&self, cx: &mut Context<'_>, what: &str) {
        let text = format!("{what} {}:{}", self.yes, self.no);
        if let Ok(prepared) = Prepared::new(Kind::Text, text.into()) {
            // One that cannot keep up misses a count, and gets the next.
            cx.broadcast(self.members.iter().copied(), &prepared, |_, _| {});
        }
    }
}

impl Service for Vote {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.members.push(conn);
        self.ends.get_or_insert(cx.now() + Self::LASTS);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        match message.as_text() {
            Some("yes") => self.yes += 1,
            Some("no") => self.no += 1,
            _ => {
                // One that is closing already needs no second word.
                let _ = cx.close(conn, CloseCode::POLICY_VIOLATION, "yes or no");
                return;
            }
        }
        self.tell_all(cx, "count");
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.members.retain(|member| *member != conn);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.ends
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.ends = None;
        self.tell_all(cx, "result");
        for member in &self.members {
            let _ = cx.close(*member, CloseCode::NORMAL, "the vote is over");
        }
    }
}

/// A hub with the vote, and the clients that talk to it by a wire of two `Vec`s.
struct World {
    now: Instant,
    hub: Hub<Vote>,
    clients: Vec<Client>,
}

/// The other end of a connection: the same engine in the other role.
struct Client {
    conn: ConnId,
    link: Link,
    got: Vec<String>,
}

impl World {
    fn new() -> Self {
        let now = Instant::ORIGIN;
        let entropy = Entropy::from_seed([1; 32]);
        let hub = Hub::new(now, Wall::default(), Vote::default(), &Arc::default(), entropy);
        Self { now, hub, clients: Vec::new() }
    }

    /// A client comes; returns its index.
    fn connect(&mut self) -> usize {
        let conn = self.hub.accept(self.now, Address::Unix(String::new())).expect("there is room");
        let request = ClientRequest::new("ws://vote/").expect("a URL");
        let link = Link::client(
            self.now,
            Wall::default(),
            &Arc::default(),
            &request.into(),
            Entropy::from_seed([2; 32]),
        );
        let link = link.unwrap();
        self.clients.push(Client { conn, link, got: Vec::new() });
        self.settle();
        self.clients.len() - 1
    }

    fn say(&mut self, client: usize, text: &str) {
        self.clients[client].link.send(self.now, Message::text(text)).expect("it is open");
        self.settle();
    }

    /// Time passes, from deadline to deadline, as a loop would sleep.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.next_deadline().filter(|due| *due <= end) {
            self.now = due;
            self.hub.handle_timeout(due);
            self.clients.iter_mut().for_each(|client| client.link.handle_timeout(due));
            self.settle();
        }
        self.now = end;
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        let clients = self.clients.iter().filter_map(|client| client.link.poll_timeout());
        self.hub.poll_timeout().into_iter().chain(clients).min()
    }

    /// Carries bytes both ways until none moves.
    fn settle(&mut self) {
        while self.clients.iter_mut().any(|client| client.exchange(self.now, &mut self.hub)) {}
    }
}

impl Client {
    /// One exchange of bytes; whether there were any.
    fn exchange(&mut self, now: Instant, hub: &mut Hub<Vote>) -> bool {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        self.link.output(now).drain_into(&mut up);
        hub.receive(now, self.conn, &mut up);
        let mut slices = [&[][..]; 16];
        let filled = hub.slices(self.conn, &mut slices);
        slices[..filled].iter().for_each(|slice| down.extend_from_slice(slice));
        hub.handle_written(now, self.conn, down.len());
        let some = !up.is_empty() || !down.is_empty();

        let mut input = Input::new(&mut down);
        while let Some(event) = self.link.receive(now, &mut input) {
            match event {
                Event::Message(message) => self.got.extend(message.as_text().map(String::from)),
                Event::Closed(closed) => self.got.push(format!("closed {} {}", closed.code, closed.reason)),
                _ => {}
            }
        }
        // The server closes first (RFC 6455 section 7.1.1), and both streams are gone.
        if let Some(Shutdown::Both | Shutdown::Abort) = hub.wants(self.conn).and_then(|wants| wants.shutdown)
        {
            hub.release(now, self.conn);
            self.link.receive_end(now, End::Eof);
        }
        some
    }
}

fn main() {
    let mut world = World::new();
    let (a, b) = (world.connect(), world.connect());
    world.say(a, "yes");
    world.say(b, "no");
    world.say(b, "yes");
    world.pass(Vote::LASTS);
    for client in &world.clients {
        println!("{:?}", client.got);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_see_the_count() {
        let mut world = World::new();
        let (a, b) = (world.connect(), world.connect());
        world.say(a, "yes");
        world.say(b, "no");
        assert_eq!(world.clients[a].got, ["count 1:0", "count 1:1"]);
        assert_eq!(world.clients[b].got, ["count 1:0", "count 1:1"]);
    }

    #[test]
    fn nonsense_is_shown_the_door() {
        let mut world = World::new();
        let (a, b) = (world.connect(), world.connect());
        world.say(a, "perhaps");
        world.say(b, "yes");
        assert_eq!(world.clients[a].got, ["closed 1008 yes or no"]);
        assert_eq!(world.clients[b].got, ["count 1:0"]);
        assert_eq!((world.hub.len(), world.hub.service().members.len()), (1, 1));
    }

    #[test]
    fn the_vote_ends_to_the_nanosecond() {
        let mut world = World::new();
        let a = world.connect();
        world.pass(Vote::LASTS - Duration::from_nanos(1));
        assert!(world.clients[a].got.is_empty());
        world.pass(Duration::from_nanos(1));
        assert_eq!(world.clients[a].got, ["result 0:0", "closed 1000 the vote is over"]);
        assert!(world.hub.is_empty());
    }
}
