//! Whole games between two scripts before a third, with whatever a seed makes go wrong.

use crate::tictactoe::games::{Games, config};
use std::time::Duration;
use wharf::base::{CloseCode, Message};
use wharf::sim::{Act, Faults, Habit, Script, Visit, World};
use wharf_tests::seeds::Seeds;

/// What `board CELLS STATUS PLAYERS` says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Board<'t> {
    cells: &'t str,
    status: &'t str,
    players: &'t str,
}

impl<'t> Board<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let (cells, rest) = text.strip_prefix("board ")?.split_at_checked(9)?;
        let end = rest.find(" X:").or_else(|| rest.find(" O:")).unwrap_or(rest.len());
        Some(Self { cells, status: rest[..end].trim(), players: rest[end..].trim() })
    }

    fn is_over(self) -> bool {
        self.status == "draw" || self.status.starts_with("won")
    }

    fn has(self, side: char) -> bool {
        self.players.contains(side)
    }

    /// Three that make 15 in a magic square are a line.
    fn has_line(self, side: char) -> bool {
        const SQUARE: [u32; 9] = [2, 7, 6, 9, 5, 1, 4, 3, 8];
        let own: Vec<u32> =
            self.cells.chars().zip(SQUARE).filter(|(cell, _)| *cell == side).map(|(_, n)| n).collect();
        own.iter()
            .enumerate()
            .any(|(i, a)| own[..i].iter().enumerate().any(|(j, b)| own[..j].iter().any(|c| a + b + c == 15)))
    }

    /// Whether it may be seen after `before`.
    fn follows(self, before: Self) -> bool {
        let other = |side: char| if side == 'X' { 'O' } else { 'X' };
        let changed: Vec<(char, char)> =
            before.cells.chars().zip(self.cells.chars()).filter(|(was, is)| was != is).collect();
        let turn = before.status.strip_prefix("turn ").and_then(|side| side.chars().next());
        match (&*changed, turn) {
            // Somebody came, went or wants a rematch; who is waited for in vain has lost.
            ([], Some(_)) => {
                let has_won = |side| self.status == format!("won {side}") && !self.has(other(side));
                self.status == before.status || has_won('X') || has_won('O')
            }
            ([], None) => self.status == before.status || self.cells == ".........",
            ([('.', side)], Some(turn)) if *side == turn => {
                let is_full = !self.cells.contains('.');
                let next = match (self.has_line(turn), is_full) {
                    (true, _) => format!("won {turn}"),
                    (false, true) => "draw".to_owned(),
                    (false, false) => format!("turn {}", other(turn)),
                };
                self.status == next
            }
            (_, None) => self.cells == "........." && !self.is_over(),
            _ => false,
        }
    }
}

/// Plays so many games, each move any that is free, and now and then one that is not.
struct Player {
    side: Option<char>,
    left: usize,
    /// The board that was answered last.
    answered: String,
    was_over: bool,
    /// Illegal moves that are not refused yet.
    illegal: usize,
    refused: usize,
}

impl Player {
    fn of(games: usize) -> Visit {
        let answered = String::new();
        Visit::by(Self { side: None, left: games, answered, was_over: false, illegal: 0, refused: 0 })
    }

    fn answer(&mut self, act: &mut Act<'_>, board: Board<'_>) {
        let Some(side) = self.side else { return };
        let other = if side == 'X' { 'O' } else { 'X' };
        if board.is_over() && !self.was_over {
            self.left -= 1;
            if self.left > 0 {
                let _ = act.send("rematch");
            }
        }
        self.was_over = board.is_over();
        if board.is_over() && (self.left == 0 || !board.has(other)) {
            let _ = act.close(CloseCode::NORMAL, "");
        }
        if board.status != format!("turn {side}") || self.answered == board.cells {
            return;
        }
        board.cells.clone_into(&mut self.answered);
        let free: Vec<usize> = (1..=9).filter(|n| &board.cells[n - 1..*n] == ".").collect();
        let taken: Vec<usize> = (0..=10).filter(|n| !free.contains(n)).collect();
        if act.dice().percent(20) {
            let bad = act.dice().pick(&taken);
            self.illegal += usize::from(act.send(format!("move {bad}")).is_ok());
        }
        let good = act.dice().pick(&free);
        let _ = act.send(format!("move {good}"));
    }
}

impl Script for Player {
    fn opened(&mut self, act: &mut Act<'_>) {
        let _ = act.send("join us");
    }

    fn message(&mut self, act: &mut Act<'_>, message: Message<'_>) {
        let text = message.as_text().expect("text");
        if let Some(board) = Board::read(text) {
            self.answer(act, board);
        } else if let Some(you) = text.strip_prefix("you ") {
            self.side = you.chars().next();
        } else {
            assert!(
                text == "error that cell is taken" || text == "error a cell is a number from 1 to 9",
                "{text}"
            );
            self.illegal = self.illegal.checked_sub(1).expect("an illegal move was refused");
            self.refused += 1;
        }
    }
}

/// Sees that each board follows from the one before, until nobody plays any more.
#[derive(Default)]
struct Spectator {
    last: String,
    won: usize,
    drawn: usize,
    moves: usize,
}

impl Script for Spectator {
    fn opened(&mut self, act: &mut Act<'_>) {
        let _ = act.send("join us");
    }

    fn message(&mut self, act: &mut Act<'_>, message: Message<'_>) {
        let text = message.as_text().expect("text");
        let Some(board) = Board::read(text) else { return assert_eq!(text, "you watch") };
        if let Some(before) = Board::read(&self.last) {
            assert!(board.follows(before), "{text:?} after {:?}", self.last);
            let ended = board.is_over() && !before.is_over();
            self.won += usize::from(ended && board.status != "draw");
            self.drawn += usize::from(ended && board.status == "draw");
            self.moves += usize::from(board.cells != before.cells && board.cells != ".........");
        }
        text.clone_into(&mut self.last);
        if board.players.is_empty() {
            let _ = act.close(CloseCode::NORMAL, "");
        }
    }
}

/// What came of the worlds of all seeds.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    won: usize,
    drawn: usize,
    moves: usize,
    refused: usize,
    gone: usize,
    hash: u64,
}

/// Two players and a spectator; in every third world one player is gone at some moment.
fn played(seed: u64) -> Sum {
    const GAMES: usize = 4;
    let mut world = World::new(seed);
    let faults = Faults::any(world.dice());
    world.set_faults(faults, Duration::from_secs(20));
    let server = world.serve("games", Games::new(), &config().into());
    let target = "ws://games/".parse().unwrap();
    let players = [GAMES, GAMES].map(|games| world.visit(&target, Player::of(games)).unwrap());
    let side = |world: &World, player| world.script::<Player>(player).unwrap().side;
    world.run_until(|world| players.iter().all(|player| side(world, *player).is_some())).unwrap();
    let spectator = world.visit(&target, Visit::by(Spectator::default())).unwrap();
    let is_left = world.dice().percent(33);
    if is_left {
        let (habit, after) = (Habit::any(world.dice()), world.dice().below(3_000));
        world.advance(Duration::from_millis(after as u64));
        world.misbehave(players[0], habit);
    }
    assert_eq!(world.run(), Ok(()));
    let games = world.service(server);
    assert!(games.games.is_empty() && games.away.is_empty() && games.groups.stats().members == 0);
    let (player, seen) =
        (world.script::<Player>(players[1]).unwrap(), world.script::<Spectator>(spectator).unwrap());
    assert!(player.illegal == 0 || is_left, "an illegal move that was not refused");
    let all_ended = players.iter().all(|player| world.script::<Player>(*player).unwrap().left == 0);
    assert!(all_ended || is_left, "a game was not played to its end");
    Sum {
        won: seen.won,
        drawn: seen.drawn,
        moves: seen.moves,
        refused: player.refused,
        gone: usize::from(!all_ended),
        hash: world.transcript().hash(),
    }
}

#[test]
fn games_are_played_by_the_rules_whatever_the_network_does() {
    let seeds = Seeds::asked(100);
    seeds.repeat(3, played);
    let sum = seeds.sum(played, |sum: &mut Sum, more| {
        sum.won += more.won;
        sum.drawn += more.drawn;
        sum.moves += more.moves;
        sum.refused += more.refused;
        sum.gone += more.gone;
    });
    println!("{sum:?}");
    let is_rich = sum.won > 0 && sum.drawn > 0 && sum.refused > 0 && sum.gone > 0;
    assert!(is_rich || seeds.count() < 100, "{sum:?}");
}
