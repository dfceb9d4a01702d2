//! What a test's process logs, from whatever thread: some runtimes have threads of their own, which start with the first task.

use crate::adapter::PATIENCE;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use tracing::Level;

/// What is logged from the level `DEBUG` on, to the one test that has it.
#[derive(Debug)]
pub struct Log(#[allow(dead_code, reason = "held")] MutexGuard<'static, ()>);

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static MORE: Condvar = Condvar::new();

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        written().extend_from_slice(bytes);
        MORE.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written() -> MutexGuard<'static, Vec<u8>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// The log, empty, once no other test of the process has it.
    ///
    /// # Panics
    /// The process logs elsewhere.
    #[must_use]
    pub fn alone() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        static BEGUN: Once = Once::new();
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        BEGUN.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(Level::DEBUG)
                .without_time()
                .with_ansi(false)
                .with_writer(|| Writer)
                .finish();
            tracing::subscriber::set_global_default(subscriber).expect("it logs nowhere else");
        });
        written().clear();
        Self(alone)
    }

    /// All lines that have all of `words`.
    #[must_use]
    pub fn lines(&self, words: &[&str]) -> Vec<String> {
        lines(&written(), words)
    }

    /// Waits until `count` lines have all of `words`, and tells them.
    ///
    /// # Panics
    /// There are more, or no more come in time.
    pub fn has(&self, count: usize, words: &[&str]) -> Vec<String> {
        let missing = |written: &mut Vec<u8>| lines(written, words).len() < count;
        let waited = MORE.wait_timeout_while(written(), PATIENCE, missing);
        let (written, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let found = lines(&written, words);
        assert_eq!(found.len(), count, "{words:?} in\n{}", String::from_utf8_lossy(&written));
        found
    }
}

fn lines(written: &[u8], words: &[&str]) -> Vec<String> {
    let log = String::from_utf8_lossy(written);
    let has_all = |line: &&str| words.iter().all(|word| line.contains(word));
    log.lines().filter(has_all).map(str::to_owned).collect()
}
