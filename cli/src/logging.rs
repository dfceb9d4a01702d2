//! Logs go to stderr.

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What the client of NATS logs: each event and each attempt, which the mesh tells once, in its words.
const TALKATIVE: &str = "async_nats";

/// Begins to log from `level` on. A second call changes nothing.
pub(crate) fn start(level: Level) {
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
    let targets = Targets::new().with_default(level).with_target(TALKATIVE, LevelFilter::OFF);
    // Another subscriber may be there already, in tests.
    let _ = subscriber.finish().with(targets).try_init();
}
