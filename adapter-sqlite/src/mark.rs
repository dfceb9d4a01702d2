//! How many batches there were, kept apart from them.
//!
//! The write-ahead log cannot tell a flipped bit in its last commit from a write that a power cut has torn. So the number of each
//! batch is written here once the batch is on disk, and a journal that has come to less is damaged. It is not synced each
//! time: killing the process takes nothing away from it, and a power cut can only set it back to a number that was true.

use crate::error::Failure;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Each of two numbers in turn has a sector of its own, so that a torn write leaves one of them.
const SECTOR: u64 = 512;
const SLOT: usize = 16;
const SEED: u64 = u64::from_le_bytes(*b"wharfbus");

/// The file of it, open for writing.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    path: PathBuf,
}

impl Mark {
    /// A file that says this number and nothing else, in place of what was there.
    pub(crate) fn create(path: &Path, number: u64) -> Result<Self, Failure> {
        let make = || -> io::Result<File> {
            let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
            file.set_len(2 * SECTOR)?;
            Ok(file)
        };
        let file = make().map_err(|cause| Failure::new(path, "the mark cannot be made", cause))?;
        let mut mark = Self { file, path: path.to_owned() };
        mark.write(number)?;
        mark.sync()?;
        Ok(mark)
    }

    /// The file that is there.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::options().read(true).write(true).open(path);
        let file = file.map_err(|cause| Failure::new(path, "the mark cannot be opened", cause))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Writes down that there were so many batches.
    pub(crate) fn write(&mut self, number: u64) -> Result<(), Failure> {
        let mut write = || {
            self.file.seek(SeekFrom::Start(number % 2 * SECTOR))?;
            self.file.write_all(&slot(number))
        };
        write().map_err(|cause| Failure::new(&self.path, "the mark cannot be written", cause))
    }

    /// Makes it last.
    pub(crate) fn sync(&self) -> Result<(), Failure> {
        let done = self.file.sync_data();
        done.map_err(|cause| Failure::new(&self.path, "the mark cannot be synced", cause))
    }
}

/// The greatest number in a mark's bytes.
pub(crate) fn number_in(bytes: &[u8]) -> Option<u64> {
    let at = |offset: usize| {
        let kept = bytes.get(offset..offset + SLOT)?;
        let number = u64::from_le_bytes(kept[..8].try_into().ok()?);
        (kept == slot(number)).then_some(number)
    };
    at(0).max(at(SECTOR as usize))
}

/// The greatest number in a mark's file; none if there is no file, or none in it.
pub(crate) fn number_at(path: &Path) -> Result<Option<u64>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(2 * SECTOR).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(number_in(&bytes)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Failure::new(path, "the mark cannot be read", cause)),
    }
}

fn slot(number: u64) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..8].copy_from_slice(&number.to_le_bytes());
    slot[8..].copy_from_slice(&xxh3_64_with_seed(&number.to_le_bytes(), SEED).to_le_bytes());
    slot
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(slots: [Option<u64>; 2]) -> Vec<u8> {
        let mut bytes = vec![0; 2 * SECTOR as usize];
        for (at, number) in slots.into_iter().enumerate().filter_map(|(at, n)| Some((at, n?))) {
            bytes[at * SECTOR as usize..][..SLOT].copy_from_slice(&slot(number));
        }
        bytes
    }

    #[test]
    fn the_greater_of_two_numbers_counts() {
        assert_eq!(number_in(&bytes([Some(8), Some(7)])), Some(8));
        assert_eq!(number_in(&bytes([Some(6), Some(7)])), Some(7));
        assert_eq!(number_in(&bytes([Some(0), None])), Some(0));
        assert_eq!(number_in(&bytes([None, None])), None);
        assert_eq!(number_in(&bytes([Some(6), Some(7)])[..520]), Some(6));
        assert_eq!(number_in(&[]), None);
    }

    #[test]
    fn a_flipped_bit_takes_one_number_away() {
        let whole = bytes([Some(6), Some(7)]);
        for at in (0..SLOT).chain(512..512 + SLOT) {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(number_in(&flipped), Some(if at < 512 { 7 } else { 6 }));
            }
        }
    }
}
