//! How the client is set up.

use crate::address::{Address, Login};
use crate::bell::Bell;
use crate::config::NatsConfig;
use async_nats::{ClientError, ConnectOptions, Event, ServerError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wharf::base::{Entropy, Instant};

/// Messages that the client itself keeps for a server, and keeps over a reconnect.
const CLIENT_CAPACITY: usize = 64;
/// What a complaint is cut to, in characters.
const COMPLAINT_MAX: usize = 200;
/// In place of a delay of a schedule that ends.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// A connection that is lost sooner after it was dialed counts as an attempt that failed: the server may refuse it each time.
const LASTING: Duration = Duration::from_secs(5);

/// What the client has told and nobody has looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Complaints>);

/// What the client and the server complain of.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    /// Messages that the client dropped.
    pub(crate) dropped: u64,
    /// The server dropped some.
    pub(crate) is_server_slow: bool,
    /// The last of the others.
    pub(crate) trouble: Option<Box<str>>,
}

impl Heard {
    pub(crate) fn take(&self) -> Complaints {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn hear(&self, event: &Event) {
        let mut complaints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = match event {
            Event::SlowConsumer(_) => return complaints.dropped += 1,
            Event::ServerError(ServerError::Other(what)) if is_slow(what) => {
                return complaints.is_server_slow = true;
            }
            Event::ServerError(ServerError::Other(what)) | Event::ClientError(ClientError::Other(what)) => {
                what
            }
            Event::ServerError(other) => &other.to_string(),
            _ => return,
        };
        complaints.trouble = Some(trouble.trim_matches('\'').chars().take(COMPLAINT_MAX).collect());
    }
}

fn is_slow(what: &str) -> bool {
    what.to_ascii_lowercase().contains("slow consumer")
}

/// The client's options. What it tells is kept in `heard`, and rings the bell.
pub(crate) fn options(
    address: &Address,
    config: &NatsConfig,
    heard: Arc<Heard>,
    bell: Arc<Bell>,
) -> std::io::Result<ConnectOptions> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let start = std::time::Instant::now();
    let options = ConnectOptions::new()
        .name("wharf")
        .custom_inbox_prefix(format!("{}_inbox", address.prefix))
        .connection_timeout(config.connect_timeout)
        .ping_interval(config.ping_interval.max(Duration::from_millis(1)))
        .client_capacity(CLIENT_CAPACITY)
        .no_echo()
        .retry_on_initial_connect()
        // Whoever is asked is the one who was named: a name may have several addresses.
        .ignore_discovered_servers()
        .reconnect_delay_callback(delays(config, Entropy::from_seed(seed), move || start.elapsed()))
        .event_callback(move |event| {
            heard.hear(&event);
            bell.ring();
            std::future::ready(())
        });
    let options = match &config.certificates {
        Some(path) => options.add_root_certificates(path.clone()),
        None => options,
    };
    Ok(match address.login.clone() {
        Login::Nobody => options,
        Login::User { name, password } => options.user_and_password(name, password),
        Login::Token(token) => options.token(token),
    })
}

/// How long to wait before each attempt; the first of a row is made at once, unless the connection before it was lost as soon as it was
/// there. `clock` says how much time has passed.
fn delays(
    config: &NatsConfig,
    entropy: Entropy,
    clock: impl Fn() -> Duration + Send + Sync + 'static,
) -> impl Fn(usize) -> Duration + Send + Sync + 'static {
    let now = Instant::default();
    // The last is when the last attempt was due.
    let pace = Mutex::new((config.retry.begin(now), entropy, None::<Duration>));
    move |attempt| {
        let (pace, entropy, last) = &mut *pace.lock().unwrap_or_else(PoisonError::into_inner);
        let time = clock();
        let delay = if attempt <= 1 && last.is_none_or(|last| time.saturating_sub(last) >= LASTING) {
            pace.reset(now);
            Duration::ZERO
        } else {
            let due = pace.next(now, entropy);
            due.map_or(LONGEST_DELAY, |due| due.saturating_duration_since(now))
        };
        *last = Some(time + delay);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use wharf::service::schedule::Schedule;

    #[test]
    fn delays_grow_to_a_cap_and_begin_again_with_each_loss() {
        let (clock, set) = clock();
        let delays = delays(&NatsConfig::default(), Entropy::from_seed([7; 32]), clock);
        for round in 0..2 {
            set(100 * round);
            assert_eq!(delays(1), Duration::ZERO);
            assert!((40..=60).contains(&delays(2).as_millis()));
            assert!((80..=120).contains(&delays(3).as_millis()));
            let late: Vec<u128> = (4..40).map(|attempt| delays(attempt).as_millis()).collect();
            assert!(late[10..].iter().all(|delay| (1_600..=2_400).contains(delay)), "{late:?}");
        }
    }

    /// A clock, and what sets it, in seconds.
    fn clock() -> (impl Fn() -> Duration + Send + Sync + 'static, impl Fn(u64)) {
        let time = Arc::new(AtomicU64::new(0));
        let set = time.clone();
        (
            move || Duration::from_secs(time.load(Ordering::Relaxed)),
            move |secs| set.store(secs, Ordering::Relaxed),
        )
    }

    #[test]
    fn a_server_that_hangs_up_each_time_is_dialed_more_and_more_slowly() {
        let (clock, set) = clock();
        let delays = delays(&NatsConfig::default(), Entropy::from_seed([7; 32]), clock);
        assert_eq!(delays(1), Duration::ZERO);
        assert!((40..=60).contains(&delays(1).as_millis()));
        assert!((80..=120).contains(&delays(1).as_millis()));
        let late: Vec<u128> = (0..40).map(|_| delays(1).as_millis()).collect();
        assert!(late[10..].iter().all(|delay| (1_600..=2_400).contains(delay)), "{late:?}");
        set(8);
        assert_eq!(delays(1), Duration::ZERO, "the connection lasted");
    }

    #[test]
    fn a_schedule_that_ends_is_gone_on_with() {
        let config = NatsConfig { retry: Schedule::recurs(1), ..NatsConfig::default() };
        let delays = delays(&config, Entropy::from_seed([7; 32]), clock().0);
        assert_eq!([1, 2, 3, 4].map(|attempt| delays(attempt).as_secs()), [0, 0, 2, 2]);
    }

    #[test]
    fn complaints_are_kept_in_brief() {
        let heard = Heard::default();
        heard.hear(&Event::SlowConsumer(1));
        heard.hear(&Event::SlowConsumer(2));
        heard.hear(&Event::ServerError(ServerError::Other("'Slow Consumer'".into())));
        heard.hear(&Event::ServerError(ServerError::Other("'Stale Connection'".into())));
        heard.hear(&Event::Connected);
        let complaints = heard.take();
        assert_eq!((complaints.dropped, complaints.is_server_slow), (2, true));
        assert_eq!(complaints.trouble.as_deref(), Some("Stale Connection"));
        heard.hear(&Event::ClientError(ClientError::Other("x".repeat(1_000))));
        let complaints = heard.take();
        assert_eq!((complaints.dropped, complaints.is_server_slow), (0, false));
        assert_eq!(complaints.trouble.map(|what| what.len()), Some(COMPLAINT_MAX));
    }
}
