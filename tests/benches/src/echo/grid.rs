//! Which loads are measured.

use std::fmt;
use std::str::FromStr;

/// One load: connections × bytes a message × messages in flight a connection.
///
/// ```
/// use wharf_benches::echo::grid::Cell;
///
/// let cell: Cell = "64x125x16".parse().unwrap();
/// assert_eq!((cell.connections, cell.size, cell.depth), (64, 125, 16));
/// assert_eq!(cell.to_string(), "64×125 B×16");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "servers", derive(serde::Serialize, serde::Deserialize))]
pub struct Cell {
    /// Connections.
    pub connections: u32,
    /// Bytes of payload a message.
    pub size: u32,
    /// Messages in flight a connection.
    pub depth: u32,
}

/// The loads of the whole comparison.
pub const GRID: [Cell; 8] = [
    Cell::new(1, 16, 1),
    Cell::new(1, 16, 64),
    Cell::new(64, 16, 1),
    Cell::new(64, 125, 16),
    Cell::new(512, 16, 1),
    Cell::new(64, 1 << 10, 4),
    Cell::new(16, 64 << 10, 2),
    Cell::new(4, 1 << 20, 1),
];

/// A cell that is none.
///
/// ```
/// assert!("64x125".parse::<wharf_benches::echo::grid::Cell>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellError(String);

impl std::error::Error for CellError {}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not CONNECTIONSxBYTESxDEPTH, such as 64x1KiBx4", self.0)
    }
}

impl Cell {
    /// A cell.
    #[must_use]
    pub const fn new(connections: u32, size: u32, depth: u32) -> Self {
        Self { connections, size, depth }
    }

    /// Whether the messages are so large that the bytes decide and not the frames.
    #[must_use]
    pub const fn is_large(self) -> bool {
        self.size >= 64 << 10
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, size, depth } = self;
        match size {
            size if *size > 0 && size % (1 << 20) == 0 => {
                write!(f, "{connections}×{} MiB×{depth}", size >> 20)
            }
            size if *size > 0 && size % (1 << 10) == 0 => {
                write!(f, "{connections}×{} KiB×{depth}", size >> 10)
            }
            size => write!(f, "{connections}×{size} B×{depth}"),
        }
    }
}

impl FromStr for Cell {
    type Err = CellError;

    fn from_str(text: &str) -> Result<Self, CellError> {
        let error = || CellError(text.to_owned());
        let parts: Vec<&str> = text.split(['x', '×']).map(str::trim).collect();
        let &[connections, size, depth] = &parts[..] else { return Err(error()) };
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(error);
        let (digits, unit) = size.split_at(size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len()));
        let unit = match unit.trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => return Err(error()),
        };
        let size = number(digits)?.checked_mul(unit).ok_or_else(error)?;
        Ok(Self { connections: number(connections)?, size, depth: number(depth)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        for cell in GRID {
            assert_eq!(cell.to_string().parse(), Ok(cell));
        }
        assert_eq!("4x1MiBx1".parse(), Ok(GRID[7]));
        assert_eq!("16x65536x2".parse(), Ok(GRID[6]));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "1x2", "1x2x3x4", "0x16x1", "1x16x0", "1x1GiBx1", "1x4096MiBx1", "ax1x1", "1x-1x1"] {
            assert!(bad.parse::<Cell>().is_err(), "{bad}");
        }
    }

    #[test]
    fn large_is_where_the_bytes_decide() {
        assert_eq!(GRID.iter().filter(|cell| cell.is_large()).count(), 2);
    }
}
