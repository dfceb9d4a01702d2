//! Commands that were not taken.

use std::fmt;

/// A command that a service was not given, given back.
///
/// ```
/// use wharf_std::CommandError;
///
/// let error = CommandError::Ended("the ferry leaves at nine");
/// assert_eq!(error.to_string(), "the service has ended");
/// assert_eq!(error.into_command(), "the ferry leaves at nine");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError<C> {
    /// Too many wait for the loop of mio's adapter. Try again later.
    #[error("too many commands wait for the service")]
    Full(C),
    /// The service is drained, and takes none any more.
    #[error("the service has ended")]
    Ended(C),
}

impl<C> CommandError<C> {
    /// The command.
    pub fn into_command(self) -> C {
        match self {
            Self::Full(command) | Self::Ended(command) => command,
        }
    }
}

impl<C> fmt::Debug for CommandError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Ended(_) => "Ended(..)",
        })
    }
}
