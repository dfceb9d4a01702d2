//! The service. It depends on `wharf-core` alone, and has no idea of what it runs on.

use super::game::{Game, Obeyed, Seat, Side};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Instant, Message};
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, Service, Verdict};
use wharf::service::groups::{self, Groups, To};
use wharf::ws::Prepared;

/// Most games at once; past it none is begun.
pub(crate) const MAX_GAMES: usize = 1_000;
/// Most connections at one game; past it nobody comes to watch. Players always can come back.
pub(crate) const MAX_MEMBERS: usize = 50;
/// How long a player is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const RULES: &str = "\
Tic-tac-toe over a WebSocket, a line of text each way. You say:
  join GAME        the first two play X and O, whoever comes then watches
  join GAME KEY    a player comes back
  move N           1 to 9, row by row
  rematch          once both have said so; then begins who did not begin before
  leave            for good, while a player whose connection ends has 30 s to come back
You hear `you X KEY`, `you O KEY` or `you watch`; after each change `board CELLS STATUS PLAYERS`: nine of X, O and dots;
`waits`, `turn X`, `won X` or `draw`; `X:here`, `X:again` (who wants a rematch) or `X:away`; and `error WHY`.
";

/// Nobody says more than a few words.
pub(crate) fn config() -> Config {
    let mut ws = wharf::ws::Config::default();
    (ws.max_message, ws.queue_limit) = (128, 128 * 1024);
    let mut config = Config::default();
    config.ws = ws.into();
    config
}

/// All games.
pub(crate) struct Games {
    /// By name, at most [`MAX_GAMES`].
    pub(crate) games: BTreeMap<String, Game>,
    /// Who is at which, players and others. Whoever is too slow for it is closed.
    pub(crate) groups: Groups,
    /// Players that are waited for: at most two a game.
    pub(crate) away: BTreeSet<(Instant, String, Side)>,
}

impl Games {
    pub(crate) fn new() -> Self {
        let mut config = groups::Config::default();
        config.max_name = 32;
        Self { games: BTreeMap::new(), groups: Groups::new(config), away: BTreeSet::new() }
    }

    fn obey(&mut self, cx: &mut Context<'_>, conn: ConnId, text: &str) -> Obeyed {
        let mut words = text.split_whitespace();
        let (verb, first, second) = (words.next(), words.next().unwrap_or_default(), words.next());
        let name = self.groups.groups_of(conn).next().map(str::to_owned);
        match (verb, name) {
            (Some("join"), None) => match second {
                Some(key) => self.come_back(cx, conn, first, key),
                None => self.join(cx, conn, first),
            },
            (Some("join"), Some(_)) => Err("you are at a game: leave it first"),
            (Some(verb @ ("move" | "rematch" | "leave")), Some(name)) => {
                let game = self.games.get_mut(&name).ok_or("the game is gone")?;
                match (verb, game.side_at(conn)) {
                    ("move", Some(side)) => game.play(side, first)?,
                    ("rematch", Some(side)) => game.rematch(side)?,
                    ("leave", side) => {
                        self.groups.unsubscribe(conn, &name);
                        side.into_iter().for_each(|side| game.vacate(side));
                    }
                    _ => return Err("you only watch"),
                }
                self.show(cx, &name);
                Ok(())
            }
            (Some("move" | "rematch" | "leave"), None) => Err("you are at no game: join one first"),
            _ => Err("say join, move, rematch or leave"),
        }
    }

    fn join(&mut self, cx: &mut Context<'_>, conn: ConnId, name: &str) -> Obeyed {
        if !self.games.contains_key(name) && self.games.len() >= MAX_GAMES {
            return Err("there are too many games: try again later");
        }
        if self.groups.members_of(name).count() >= MAX_MEMBERS {
            return Err("too many are at this game");
        }
        self.groups
            .subscribe(cx, conn, name)
            .map_err(|_| "a game is called by a word of at most 32 bytes")?;
        let game = self.games.entry(name.to_owned()).or_insert_with(Game::new);
        let Some(side) = [Side::X, Side::O].into_iter().find(|side| !game.seats.contains_key(side)) else {
            let board = game.to_string();
            self.tell(cx, conn, "you watch".to_owned());
            self.tell(cx, conn, board);
            return Ok(());
        };
        let key = cx.entropy().next_u64();
        game.seats.insert(side, Seat { key, at: Ok(conn), wants_rematch: false });
        game.begin();
        self.tell(cx, conn, format!("you {side:?} {key:016x}"));
        self.show(cx, name);
        Ok(())
    }

    fn come_back(&mut self, cx: &mut Context<'_>, conn: ConnId, name: &str, key: &str) -> Obeyed {
        let mut seats = self.games.get_mut(name).into_iter().flat_map(|game| &mut game.seats);
        let is_its = |seat: &Seat| u64::from_str_radix(key, 16) == Ok(seat.key);
        let (side, seat) = seats.find(|(_, seat)| is_its(seat)).ok_or("that is no key of a player there")?;
        self.groups.subscribe(cx, conn, name).map_err(|_| "you are about to be closed")?;
        match std::mem::replace(&mut seat.at, Ok(conn)) {
            // It may be dead, which is noticed later than the player comes back.
            Ok(before) => drop(cx.close(before, CloseCode::from(4001), "you came back elsewhere")),
            Err(due) => drop(self.away.remove(&(due, name.to_owned(), *side))),
        }
        let you = format!("you {side:?} {key}");
        self.tell(cx, conn, you);
        self.show(cx, name);
        Ok(())
    }

    /// Tells all that are at a game how it stands. One without anybody is gone.
    fn show(&mut self, cx: &mut Context<'_>, name: &str) {
        let Some(game) = self.games.get(name) else { return };
        if game.seats.is_empty() && self.groups.members_of(name).next().is_none() {
            self.games.remove(name);
        } else {
            self.groups.broadcast(cx, To::Group(name), None, &Prepared::text(game.to_string()));
        }
    }

    fn tell(&mut self, cx: &mut Context<'_>, conn: ConnId, text: String) {
        self.groups.send(cx, conn, &Prepared::text(text));
    }
}

impl Service for Games {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        if request.is_websocket() {
            Verdict::accept()
        } else {
            Verdict::Respond(Response::new(200).text(RULES))
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if let Err(why) = self.obey(cx, conn, message.as_text().unwrap_or_default()) {
            self.tell(cx, conn, format!("error {why}"));
        }
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.groups.handle_drained(cx, conn);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, _: &Closed) {
        for name in self.groups.leave_all(conn).groups {
            let Some(game) = self.games.get_mut(&*name) else { continue };
            if let Some(side) = game.side_at(conn) {
                let due = cx.now() + PATIENCE;
                game.seats.entry(side).and_modify(|seat| seat.at = Err(due));
                self.away.insert((due, name.to_string(), side));
            }
            self.show(cx, &name);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let away = self.away.first().map(|(due, ..)| *due);
        [away, self.groups.poll_timeout()].into_iter().flatten().min()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.groups.handle_timeout(cx);
        while self.away.first().is_some_and(|(due, ..)| *due <= cx.now()) {
            let Some((_, name, side)) = self.away.pop_first() else { break };
            self.games.get_mut(&name).into_iter().for_each(|game| game.vacate(side));
            self.show(cx, &name);
        }
    }
}
