//! Logs go to stderr.

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{DefaultFields, Format};
use tracing_subscriber::fmt::{MakeWriter, SubscriberBuilder};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What the client of NATS logs: each event and each attempt, which the mesh tells once, in its words.
const TALKATIVE: &str = "async_nats";

/// Begins to log from `level` on. A second call changes nothing.
pub(crate) fn start(level: Level) {
    begin(level, tracing_subscriber::fmt().with_writer(std::io::stderr));
}

/// As [`start`], and hands each line to `writer`, without colours.
pub(crate) fn start_on<W>(level: Level, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    begin(level, tracing_subscriber::fmt().with_ansi(false).with_writer(writer));
}

fn begin<W>(level: Level, builder: SubscriberBuilder<DefaultFields, Format, LevelFilter, W>)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let subscriber = builder.with_max_level(level).with_target(false);
    let targets = Targets::new().with_default(level).with_target(TALKATIVE, LevelFilter::OFF);
    // Another subscriber may be there already, in tests.
    let _ = subscriber.finish().with(targets).try_init();
}
