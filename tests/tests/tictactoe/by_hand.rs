//! What each word comes to, and when, under virtual time.

use crate::tictactoe::games::{Games, MAX_GAMES, MAX_MEMBERS, PATIENCE, config};
use std::time::Duration;
use wharf::base::CloseCode;
use wharf::sim::{ClientId, Habit, Outcome, ServerId, World};

/// One who says and hears by hand.
struct Table {
    world: World,
    server: ServerId<Games>,
}

impl Table {
    fn new() -> Self {
        let mut world = World::new(1);
        let server = world.serve("games", Games::new(), &config().into());
        Self { world, server }
    }

    fn come(&mut self) -> ClientId {
        let client = self.world.connect("ws://games/").unwrap();
        self.world.settle();
        client
    }

    /// What `client` hears for it.
    fn say(&mut self, client: ClientId, text: &str) -> Vec<String> {
        let before = self.world.texts(client).len();
        self.world.send(client, text).unwrap();
        self.world.settle();
        self.world.texts(client)[before..].iter().map(|text| (*text).to_owned()).collect()
    }

    fn last(&self, client: ClientId) -> &str {
        self.world.texts(client).last().copied().unwrap_or_default()
    }

    /// A player of `game`, and the key.
    fn player(&mut self, game: &str) -> (ClientId, String) {
        let client = self.come();
        let heard = self.say(client, &format!("join {game}"));
        (client, heard[0].split(' ').nth(2).expect("a key").to_owned())
    }

    /// Both players of `us`, X first, and its key.
    fn two(&mut self) -> (ClientId, ClientId, String) {
        let (x, key) = self.player("us");
        (x, self.player("us").0, key)
    }
}

#[test]
fn what_is_not_to_be_is_refused_and_says_why() {
    let mut table = Table::new();
    let a = table.come();
    for (text, why) in [
        ("dance", "say join, move, rematch or leave"),
        ("", "say join, move, rematch or leave"),
        ("move 1", "you are at no game: join one first"),
        ("join", "a game is called by a word of at most 32 bytes"),
        (&format!("join {}", "x".repeat(33)), "a game is called by a word of at most 32 bytes"),
        ("join us 17", "that is no key of a player there"),
    ] {
        assert_eq!(table.say(a, text), [format!("error {why}")], "{text}");
    }
    assert!(table.say(a, "join us")[0].starts_with("you X "));
    assert_eq!(table.last(a), "board ......... waits X:here");
    assert_eq!(table.say(a, "move 1"), ["error nobody plays against you yet"]);
    assert_eq!(table.say(a, "join them"), ["error you are at a game: leave it first"]);
    let (b, _) = table.player("us");
    assert_eq!(table.last(a), "board ......... turn X X:here O:here");
    assert_eq!(table.say(b, "move 1"), ["error it is not your turn"]);
    for bad in ["move", "move 0", "move 10", "move one", "move -1"] {
        assert_eq!(table.say(a, bad), ["error a cell is a number from 1 to 9"], "{bad}");
    }
    assert_eq!(table.say(a, "move 5"), ["board ....X.... turn O X:here O:here"]);
    assert_eq!(table.say(b, "move 5"), ["error that cell is taken"]);
    assert_eq!(table.say(b, "rematch"), ["error the game is not over"]);
    let c = table.come();
    assert_eq!(table.say(c, "join us"), ["you watch", "board ....X.... turn O X:here O:here"]);
    for verb in ["move 1", "rematch"] {
        assert_eq!(table.say(c, verb), ["error you only watch"]);
    }
    assert_eq!(table.say(b, "leave"), [""; 0]);
    assert_eq!(table.last(c), "board ....X.... won X X:here");
    assert_eq!(table.say(a, "move 1"), ["error the game is over"]);
}

#[test]
fn who_goes_is_waited_for_and_then_has_lost() {
    let mut table = Table::new();
    let (x, o, key) = table.two();
    table.world.close(x, CloseCode::NORMAL, "").unwrap();
    table.world.settle();
    assert_eq!(table.last(o), "board ......... turn X X:away O:here");
    table.world.advance(PATIENCE - Duration::from_nanos(1));
    // In the last moment, and with nobody else's key.
    let x = table.come();
    assert_eq!(table.say(x, &format!("join us {key}0")), ["error that is no key of a player there"]);
    assert_eq!(
        table.say(x, &format!("join us {key}")),
        [format!("you X {key}"), "board ......... turn X X:here O:here".to_owned()]
    );
    table.world.advance(PATIENCE);
    assert_eq!(table.say(x, "move 1"), ["board X........ turn O X:here O:here"]);
    // The connection of one who comes back may still be there.
    let again = table.come();
    table.say(again, &format!("join us {key}"));
    assert!(
        matches!(table.world.client(x).outcome(), Some(Outcome::Closed(closed)) if closed.code == CloseCode::from(4001))
    );
    assert_eq!(table.last(o), "board X........ turn O X:here O:here");
    table.world.close(again, CloseCode::NORMAL, "").unwrap();
    table.world.advance(PATIENCE - Duration::from_nanos(1));
    assert_eq!(table.last(o), "board X........ turn O X:away O:here");
    table.world.advance(Duration::from_nanos(1));
    assert_eq!(table.last(o), "board X........ won O O:here");
    // Whoever comes next has the seat, and who has won begins second.
    let (next, _) = table.player("us");
    assert_eq!(table.last(next), "board ......... turn O X:here O:here");
    for client in [o, next] {
        table.world.close(client, CloseCode::NORMAL, "").unwrap();
    }
    table.world.advance(PATIENCE);
    assert!(table.world.service(table.server).games.is_empty());
}

#[test]
fn there_are_so_many_games_and_members_and_no_more() {
    let mut table = Table::new();
    let (x, _, key) = table.two();
    for _ in 2..MAX_MEMBERS {
        let client = table.come();
        assert_eq!(table.say(client, "join us")[0], "you watch");
    }
    let late = table.come();
    assert_eq!(table.say(late, "join us"), ["error too many are at this game"]);
    // A player comes back all the same.
    table.world.misbehave(x, Habit::Vanish);
    assert_eq!(table.say(late, &format!("join us {key}"))[0], format!("you X {key}"));
    for n in 1..MAX_GAMES {
        table.player(&format!("game-{n}"));
    }
    let late = table.come();
    assert_eq!(table.say(late, "join another"), ["error there are too many games: try again later"]);
    assert_eq!(table.say(late, "join game-7")[1], "board ......... turn X X:here O:here");
}
