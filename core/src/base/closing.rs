//! How a connection comes to its end: one table, blind to role and protocol.

use super::Shutdown;

/// Where a connection stands.
///
/// ```text
/// Open ──close()──▶ Closing ──peer's close──▶ Flushing      Open ──peer's close──▶ Flushing
/// Open, Closing ──violation──▶ Flushing       Open, Closing ──end of stream──▶ Flushing (reading over)
/// Flushing ──output empty──▶ Lingering ──end of stream──▶ Finished(Both)
/// Flushing ──output empty, reading over or no need to linger──▶ Finished(Both)
/// any ──abort, deadline──▶ Finished(Abort)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Messages both ways.
    Open,
    /// Our close is queued; the peer's messages are still handed up.
    Closing,
    /// Nothing is read any more but to discard it; what is queued is written.
    Flushing,
    /// All is written and our side is shut; the peer's end of stream is awaited, so that a close code arrives.
    Lingering,
    /// Over.
    Finished(Shutdown),
}

/// The table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    phase: Phase,
    read_over: bool,
    /// Nothing more can come that a reset could overtake.
    settled: bool,
}

impl Closing {
    pub(crate) const fn new() -> Self {
        Self { phase: Phase::Open, read_over: false, settled: false }
    }

    /// The phase, given whether the output is empty.
    #[inline]
    pub(crate) fn phase(&self, output_empty: bool) -> Phase {
        match self.phase {
            Phase::Flushing if output_empty && (self.read_over || self.settled) => {
                Phase::Finished(Shutdown::Both)
            }
            Phase::Flushing if output_empty => Phase::Lingering,
            phase => phase,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether messages are still read.
    #[inline]
    pub(crate) fn is_receiving(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing)
    }

    /// Whether all that waited was given up.
    pub(crate) fn is_aborted(&self) -> bool {
        self.phase == Phase::Finished(Shutdown::Abort)
    }

    pub(crate) fn read_over(&self) -> bool {
        self.read_over
    }

    /// This side closed.
    pub(crate) fn close(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Closing;
        }
    }

    /// Messages are over: both sides closed, or the peer broke the protocol. With `settled` there is no need to
    /// linger, because the peer is known to have read our close or to send nothing more.
    pub(crate) fn flush(&mut self, settled: bool) {
        if self.is_receiving() {
            self.phase = Phase::Flushing;
            self.settled = settled;
        }
    }

    /// The peer's stream ended.
    pub(crate) fn end_of_stream(&mut self, output_empty: bool) {
        if self.phase(output_empty) == Phase::Lingering {
            self.phase = Phase::Finished(Shutdown::Both);
        }
        self.read_over = true;
        self.flush(true);
    }

    /// The peer's stream ended while something is still owed to it: reading is over, the rest goes on.
    pub(crate) fn note_end_of_stream(&mut self) {
        self.read_over = true;
    }

    /// Over at once.
    pub(crate) fn abort(&mut self) {
        if !matches!(self.phase, Phase::Finished(_)) {
            self.phase = Phase::Finished(Shutdown::Abort);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_lingers_until_the_end_of_stream() {
        let mut closing = Closing::new();
        closing.flush(false);
        assert_eq!(closing.phase(false), Phase::Flushing);
        assert_eq!(closing.phase(true), Phase::Lingering);
        closing.end_of_stream(true);
        assert_eq!(closing.phase(true), Phase::Finished(Shutdown::Both));
        closing.abort();
        assert_eq!(closing.phase(true), Phase::Finished(Shutdown::Both));
    }

    #[test]
    fn an_end_of_stream_still_flushes() {
        let mut closing = Closing::new();
        closing.close();
        closing.end_of_stream(false);
        assert_eq!(closing.phase(false), Phase::Flushing);
        assert_eq!(closing.phase(true), Phase::Finished(Shutdown::Both));
    }

    #[test]
    fn a_close_behind_the_end_of_the_messages_opens_nothing() {
        let mut closing = Closing::new();
        closing.flush(false);
        closing.close();
        assert!(!closing.is_receiving() && closing.phase(true) == Phase::Lingering);
    }

    #[test]
    fn abort_is_final() {
        let mut closing = Closing::new();
        closing.abort();
        closing.flush(true);
        closing.end_of_stream(true);
        assert_eq!(closing.phase(true), Phase::Finished(Shutdown::Abort));
    }

    #[test]
    fn who_is_known_to_have_read_our_close_is_not_waited_for() {
        let mut closing = Closing::new();
        assert!(closing.is_open() && closing.is_receiving());
        closing.close();
        assert!(!closing.is_open() && closing.is_receiving());
        closing.flush(true);
        assert!(!closing.is_receiving() && !closing.read_over());
        closing.close();
        closing.flush(false);
        assert_eq!(closing.phase(false), Phase::Flushing);
        assert_eq!(closing.phase(true), Phase::Finished(Shutdown::Both));
        assert!(!closing.is_aborted());
        closing.abort();
        assert!(closing.is_aborted());
    }

    #[test]
    fn an_end_of_stream_that_is_noted_leaves_the_rest_to_go_on() {
        let mut closing = Closing::new();
        closing.note_end_of_stream();
        assert!(closing.read_over() && closing.is_receiving());
        closing.flush(false);
        assert_eq!(closing.phase(true), Phase::Finished(Shutdown::Both));
    }
}
