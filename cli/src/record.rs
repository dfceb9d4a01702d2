//! `wharf echo --record DIR`: a file a connection.

use crate::program::complain;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use wharf::link::Recorder;

/// Bytes of recordings that wait for the disk at most; what comes past it is given up.
const WAITING: usize = 256 << 20;

/// Writes each recording into a file of its own, in a thread beside the server.
#[derive(Debug)]
pub(crate) struct Files {
    note: Vec<u8>,
    writer: Mutex<Option<Writer>>,
    waiting: Arc<AtomicUsize>,
    has_complained: AtomicBool,
}

#[derive(Debug)]
struct Writer {
    /// Bounded by what [`WAITING`] lets in.
    recordings: Sender<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl Files {
    /// Into this folder, which is made if it is not there.
    pub(crate) fn new(folder: &Path, note: Vec<u8>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let (recordings, taken) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (folder, counted) = (folder.to_owned(), waiting.clone());
        let thread = std::thread::Builder::new().name("record".to_owned());
        let thread = thread.spawn(move || write_all(&folder, &taken, &counted))?;
        Ok(Self {
            note,
            writer: Mutex::new(Some(Writer { recordings, thread })),
            waiting,
            has_complained: AtomicBool::new(false),
        })
    }

    /// Waits until all that was taken is written.
    pub(crate) fn finish(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Writer { recordings, thread }) = writer {
            drop(recordings);
            // It has said what went wrong.
            let _ = thread.join();
        }
    }
}

impl Recorder for Files {
    fn take(&self, recording: Vec<u8>) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Writer { recordings, .. }) = &*writer else { return };
        let len = recording.len();
        if self.waiting.fetch_add(len, Ordering::Relaxed) + len <= WAITING
            && recordings.send(recording).is_ok()
        {
            return;
        }
        self.waiting.fetch_sub(len, Ordering::Relaxed);
        if !self.has_complained.swap(true, Ordering::Relaxed) {
            tracing::warn!("recordings come faster than they can be written; some are given up");
        }
    }

    fn note(&self) -> Vec<u8> {
        self.note.clone()
    }
}

fn write_all(folder: &Path, recordings: &Receiver<Vec<u8>>, waiting: &AtomicUsize) {
    let mut number = 0_u64;
    let mut has_complained = false;
    for recording in recordings {
        waiting.fetch_sub(recording.len(), Ordering::Relaxed);
        if let Err(error) = write(folder, &mut number, &recording)
            && !std::mem::replace(&mut has_complained, true)
        {
            complain(format_args!("--record: cannot write into {}: {error}", folder.display()));
        }
    }
}

/// Under the next number that is free. What is recorded is what was said, so it is for its owner alone.
fn write(folder: &Path, number: &mut u64, recording: &[u8]) -> io::Result<()> {
    loop {
        let path: PathBuf = folder.join(format!("{number:06}.record"));
        *number += 1;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => return file.write_all(recording),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
