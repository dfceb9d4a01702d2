//! SIGINT and SIGTERM.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Calls `act` on each SIGINT and SIGTERM, in a thread of its own.
///
/// # Errors
/// As the operating system says.
pub(crate) fn on_termination(mut act: impl FnMut() + Send + 'static) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            act();
        }
    });
    Ok(())
}
