//! Where messages and remarks go.

use std::fmt::Debug;
use std::io::{self, Write, stderr, stdout};
use std::sync::Arc;
use tracing_subscriber::fmt::MakeWriter;

/// A place to print on, from any thread.
pub trait Surface: Debug + Send + Sync {
    /// Prints what came.
    ///
    /// # Errors
    /// Nobody reads it any more.
    fn out(&self, bytes: &[u8]) -> io::Result<()>;

    /// Says something beside it; whether anybody hears it is not told.
    fn remark(&self, line: &str);
}

/// Stdout for messages, stderr for remarks.
///
/// ```
/// use wharf_cli::connect::{Streams, Surface};
///
/// Streams.out(b"ahoy\n").unwrap();
/// Streams.remark("that was all");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Streams;

impl Surface for Streams {
    fn out(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    fn remark(&self, line: &str) {
        let _ = writeln!(stderr(), "{line}");
    }
}

/// Has log lines go the way of remarks, so that they do not run into a line that is being edited.
#[derive(Clone, Debug)]
pub(super) struct Remarks(pub(super) Arc<dyn Surface>);

impl<'a> MakeWriter<'a> for Remarks {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Remarks {
    /// A log line comes in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.remark(String::from_utf8_lossy(bytes).trim_end_matches('\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
