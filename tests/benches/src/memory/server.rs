//! A server under measurement: a process that listens and tells what it weighs.

use super::gauge::Reading;
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The process. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts a program that prints `listening on ADDR` once it is ready, with one thread for its connections.
    ///
    /// # Errors
    /// If it does not start, or says something else first.
    pub fn start(program: &Path, arguments: &[String]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env("ASYNC_STD_THREAD_COUNT", "1")
            .env("SMOL_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(asks), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes to the server"));
        };
        let mut answers = BufReader::new(answers).lines();
        let line = answers.next().transpose()?.unwrap_or_default();
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| io::Error::other(format!("the server says {line:?}")))?;
        Ok(Self { address, child, asks, answers })
    }

    /// What it weighs now.
    ///
    /// # Errors
    /// If it is gone.
    pub fn weigh(&mut self) -> io::Result<Reading> {
        writeln!(self.asks)?;
        let line = self.answers.next().transpose()?.unwrap_or_default();
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
