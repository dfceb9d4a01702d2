//! A cut last write, or damage.

use super::format::{FRAME_HEADER, Frame, HEADER, Header, Sum};
use super::headless;
use std::io::{self, Read, Seek, SeekFrom};

/// What a sound log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Frames up to the end of the last commit, which are those that SQLite goes by. Without any the database stands alone.
    pub(crate) frames: u64,
    /// Commits among them.
    pub(crate) commits: u64,
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its header is not as it was written, and what stands behind it is not in the database.
    Header,
    /// Its pages are of another size than the database's.
    PageSize,
    /// The frame that begins at this byte is not as it was written, and later commits stand behind it.
    Frame { number: u64, offset: u64 },
}

/// Why a log was not found sound.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is damaged.
    Damaged(Fault),
    /// It, or the database, cannot be read.
    Io(io::Error),
}

impl From<io::Error> for Unreadable {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

/// Looks through a log, which belongs to a database of pages of this size.
///
/// Only the last transaction can be unfinished, since each is synced before the next one begins. Of that one any part may be missing
/// after a power cut, the first as well as the last; so a bad frame alone shows nothing. But if a transaction ends behind it, or
/// with it, and an intact frame of the same generation follows, then what is bad was committed. Frames of earlier
/// generations, which have other salts, may stand behind the end.
///
/// What is not found so is a last transaction that was committed and then damaged.
pub(crate) fn check(
    log: &mut (impl Read + Seek),
    database: &mut (impl Read + Seek),
    page_size: u32,
) -> Result<Found, Unreadable> {
    let mut head = [0; HEADER];
    if !fill(log, &mut head)? {
        return Ok(Found::default());
    }
    let Some(header) = Header::read(&head) else {
        let is_obsolete = headless::is_obsolete(log, database, page_size)?;
        return if is_obsolete { Ok(Found::default()) } else { Err(Unreadable::Damaged(Fault::Header)) };
    };
    if header.page_size != page_size {
        return Err(Unreadable::Damaged(Fault::PageSize));
    }
    frames(log, &header)
}

fn frames(log: &mut impl Read, header: &Header) -> Result<Found, Unreadable> {
    let mut found = Found::default();
    let mut frame = Frame { bytes: vec![0; FRAME_HEADER + header.page_size as usize] };
    let mut sum = header.sum;
    let mut number = 0;
    while fill(log, &mut frame.bytes)? {
        if frame.salts() != header.salts || !frame.follows(sum, header.big_endian) {
            return behind(log, header, frame, sum, number).map(|()| found);
        }
        sum = frame.sum();
        number += 1;
        if frame.commit() != 0 {
            found = Found { frames: number, commits: found.commits + 1 };
        }
    }
    Ok(found)
}

/// Looks for what shows that the bad frame, which has this number and comes behind this sum, was committed.
fn behind(
    log: &mut impl Read,
    header: &Header,
    bad: Frame,
    before: Sum,
    number: u64,
) -> Result<(), Unreadable> {
    let mut has_ended = ends(&bad, before, header);
    // Of the bad frame either the sum is right or what it is taken of.
    let mut sums = [bad.sum(), bad.sum_behind(before, header.big_endian)];
    let mut frame = bad;
    while fill(log, &mut frame.bytes)? {
        let is_ours = frame.salts() == header.salts;
        let is_intact = is_ours && sums.iter().any(|sum| frame.follows(*sum, header.big_endian));
        if has_ended && is_intact {
            let offset = HEADER as u64 + number * frame.bytes.len() as u64;
            return Err(Unreadable::Damaged(Fault::Frame { number, offset }));
        }
        has_ended |= is_ours && frame.commit() != 0;
        sums = [frame.sum(); 2];
    }
    Ok(())
}

/// A transaction ends with this bad frame. One bit of its header may be wrong.
fn ends(bad: &Frame, before: Sum, header: &Header) -> bool {
    if bad.commit() != 0 && (bad.salts() == header.salts || bad.follows(before, header.big_endian)) {
        return true;
    }
    bad.salts() == header.salts
        && (0..64).any(|bit| {
            let mut mended = bad.clone();
            mended.bytes[bit / 8] ^= 1 << (bit % 8);
            mended.commit() != 0 && mended.follows(before, header.big_endian)
        })
}

/// Fills the buffer, and says if there was enough for it.
pub(super) fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// Goes to the first frame.
pub(super) fn rewind(log: &mut impl Seek) -> io::Result<()> {
    log.seek(SeekFrom::Start(HEADER as u64)).map(drop)
}
