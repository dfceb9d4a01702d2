//! Logs go to stderr.

use tracing::Level;

/// Begins to log from `level` on. A second call changes nothing.
pub(crate) fn start(level: Level) {
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
    // Another subscriber may be there already, in tests.
    let _ = subscriber.try_init();
}
