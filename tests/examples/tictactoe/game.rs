//! One game and its rules.

use std::collections::BTreeMap;
use std::fmt;
use wharf::base::Instant;
use wharf::link::ConnId;

/// Why nothing came of what was said, as the one who said it is told.
pub(crate) type Obeyed = Result<(), &'static str>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    X,
    O,
}

impl Side {
    fn other(self) -> Self {
        if self == Self::X { Self::O } else { Self::X }
    }
}

pub(crate) struct Seat {
    pub(crate) key: u64,
    /// Where the player is, or until when it is waited for.
    pub(crate) at: Result<ConnId, Instant>,
    pub(crate) wants_rematch: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waits,
    Turn(Side),
    Over(Option<Side>),
}

pub(crate) struct Game {
    pub(crate) seats: BTreeMap<Side, Seat>,
    cells: [Option<Side>; 9],
    stage: Stage,
    began: Side,
}

impl Game {
    const LINES: [[usize; 3]; 8] =
        [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]];

    pub(crate) fn new() -> Self {
        Self { seats: BTreeMap::new(), cells: [None; 9], stage: Stage::Waits, began: Side::O }
    }

    pub(crate) fn side_at(&self, conn: ConnId) -> Option<Side> {
        self.seats.iter().find(|(_, seat)| seat.at == Ok(conn)).map(|(side, _)| *side)
    }

    /// As soon as there are two.
    pub(crate) fn begin(&mut self) {
        self.cells = [None; 9];
        self.stage = Stage::Waits;
        if self.seats.len() == 2 {
            self.began = self.began.other();
            self.stage = Stage::Turn(self.began);
            self.seats.values_mut().for_each(|seat| seat.wants_rematch = false);
        }
    }

    /// The seat is for whoever comes next, and what was played is won by the other.
    pub(crate) fn vacate(&mut self, side: Side) {
        self.seats.remove(&side);
        if let Stage::Turn(_) = self.stage {
            self.stage = Stage::Over(Some(side.other()));
        }
    }

    pub(crate) fn rematch(&mut self, side: Side) -> Obeyed {
        let Stage::Over(_) = self.stage else { return Err("the game is not over") };
        self.seats.entry(side).and_modify(|seat| seat.wants_rematch = true);
        if self.seats.len() == 2 && self.seats.values().all(|seat| seat.wants_rematch) {
            self.begin();
        }
        Ok(())
    }

    pub(crate) fn play(&mut self, side: Side, cell: &str) -> Obeyed {
        match self.stage {
            Stage::Waits => return Err("nobody plays against you yet"),
            Stage::Over(_) => return Err("the game is over"),
            Stage::Turn(turn) if turn != side => return Err("it is not your turn"),
            Stage::Turn(_) => {}
        }
        let place = cell.parse::<usize>().ok().and_then(|cell| cell.checked_sub(1));
        let cell =
            place.and_then(|place| self.cells.get_mut(place)).ok_or("a cell is a number from 1 to 9")?;
        if cell.is_some() {
            return Err("that cell is taken");
        }
        *cell = Some(side);
        let has_won = Self::LINES.iter().any(|line| line.iter().all(|at| self.cells[*at] == Some(side)));
        self.stage = match has_won {
            true => Stage::Over(Some(side)),
            false if self.cells.iter().all(Option::is_some) => Stage::Over(None),
            false => Stage::Turn(side.other()),
        };
        Ok(())
    }
}

impl fmt::Display for Game {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("board ")?;
        for cell in self.cells {
            f.write_str(cell.map_or(".", |side| if side == Side::X { "X" } else { "O" }))?;
        }
        match self.stage {
            Stage::Waits => f.write_str(" waits"),
            Stage::Turn(side) => write!(f, " turn {side:?}"),
            Stage::Over(Some(side)) => write!(f, " won {side:?}"),
            Stage::Over(None) => f.write_str(" draw"),
        }?;
        self.seats.iter().try_for_each(|(side, seat)| match seat.at {
            Ok(_) => write!(f, " {side:?}:{}", if seat.wants_rematch { "again" } else { "here" }),
            Err(_) => write!(f, " {side:?}:away"),
        })
    }
}
