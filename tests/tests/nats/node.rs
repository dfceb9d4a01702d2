//! A connection as a test drives it.

use std::time::{Duration, Instant};
use wharf_nats::{Nats, NatsConfig, Notice, Notices};
use wharf_tests::adapter::PATIENCE;

/// A connection, and what it tells.
pub(crate) struct Node {
    pub(crate) nats: Nats,
    pub(crate) notices: Notices,
}

/// The usual configuration, but that closing may take as long as it does on a busy machine.
pub(crate) fn patient() -> NatsConfig {
    let mut config = NatsConfig::default();
    config.close_timeout = PATIENCE;
    config
}

/// The same, where a server that stands still is noticed soon.
pub(crate) fn quick() -> NatsConfig {
    let mut config = patient();
    config.ping_interval = Duration::from_millis(100);
    config
}

impl Node {
    /// Connects, and waits for nothing.
    pub(crate) fn begin(url: &str, config: &NatsConfig) -> Self {
        let (nats, notices) = Nats::connect_with(url, config).expect("a URL");
        Self { nats, notices }
    }

    /// Connects, and subscribes.
    pub(crate) fn connect(url: &str, subjects: &[&str]) -> Self {
        let mut node = Self::begin(url, &patient());
        subjects.iter().for_each(|subject| node.nats.subscribe(subject).expect("a subject"));
        assert_eq!(node.next(), Notice::Up);
        node
    }

    pub(crate) fn next(&mut self) -> Notice {
        self.notices.recv_timeout(PATIENCE).expect("something happens")
    }

    /// The next one that is no [`Notice::Trouble`].
    pub(crate) fn next_but_trouble(&mut self) -> Notice {
        loop {
            match self.next() {
                Notice::Trouble { .. } => {}
                other => return other,
            }
        }
    }

    /// The next one is a message: its subject and what it says.
    pub(crate) fn delivered(&mut self) -> (String, String) {
        match self.next() {
            Notice::Delivered { subject, bytes } => {
                (subject.to_string(), String::from_utf8(bytes.to_vec()).expect("text"))
            }
            other => panic!("{other:?}"),
        }
    }

    /// Publishes, and again while it is full.
    pub(crate) fn publish(&self, subject: &str, text: &str) {
        let until = Instant::now() + PATIENCE;
        while let Err(error) = self.nats.publish(subject, text.to_owned().into()) {
            assert!(error == wharf_nats::PublishError::Full && Instant::now() < until, "{error}");
            std::thread::yield_now();
        }
    }

    /// Publishes to another until it hears something: a subscription that is made while the server runs takes effect some time.
    pub(crate) fn until_heard(&self, subject: &str, other: &mut Self) {
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "nothing is heard");
            self.publish(subject, "ready");
            if let Some(notice) = other.notices.recv_timeout(Duration::from_millis(20)) {
                assert!(matches!(&notice, Notice::Delivered { bytes, .. } if bytes == "ready"), "{notice:?}");
                break;
            }
        }
        // More of them may be on their way.
        self.publish(subject, "go");
        loop {
            match &*other.delivered().1 {
                "go" => break,
                text => assert_eq!(text, "ready"),
            }
        }
    }
}
