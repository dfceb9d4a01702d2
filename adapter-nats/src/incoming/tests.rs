use super::*;

fn subject() -> Arc<str> {
    "a".into()
}

fn message(incoming: &Incoming, text: &'static str) {
    incoming.message(&subject(), Bytes::from_static(text.as_bytes()));
}

fn messages(incoming: &Incoming, texts: &[&'static str]) {
    texts.iter().for_each(|text| message(incoming, text));
}

fn delivered(text: &'static str) -> Notice {
    Notice::Delivered { subject: subject(), bytes: Bytes::from_static(text.as_bytes()) }
}

fn all(incoming: &Incoming) -> Vec<Notice> {
    std::iter::from_fn(|| incoming.take()).collect()
}

fn stats(incoming: &Incoming) -> Stats {
    let mut stats = Stats::default();
    incoming.count(&mut stats);
    stats
}

#[test]
fn what_is_too_much_is_dropped_and_told_in_its_place() {
    let incoming = Incoming::new(2, 100);
    messages(&incoming, &["1", "2", "3", "4"]);
    assert_eq!(incoming.take(), Some(delivered("1")));
    message(&incoming, "5");
    assert_eq!(all(&incoming), [delivered("2"), Notice::Slow { dropped: 2 }, delivered("5")]);
    let stats = stats(&incoming);
    assert_eq!((stats.received, stats.dropped_slow, stats.incoming), (3, 2, 0));
}

#[test]
fn bytes_are_bounded_too_but_one_message_always_fits() {
    let incoming = Incoming::new(100, 4);
    message(&incoming, "larger");
    message(&incoming, "1");
    assert_eq!(all(&incoming), [delivered("larger"), Notice::Slow { dropped: 1 }]);
    messages(&incoming, &["1234", "", "5"]);
    assert_eq!(all(&incoming), [delivered("1234"), delivered(""), Notice::Slow { dropped: 1 }]);
}

#[test]
fn news_that_nobody_takes_are_told_in_brief() {
    let incoming = Incoming::new(10, 100);
    message(&incoming, "first");
    for _ in 0..1_000 {
        incoming.tell(Notice::Up);
        incoming.dropped(2);
        incoming.tell(Notice::Down);
        incoming.tell(Notice::Trouble { what: "refused".into() });
    }
    assert!(incoming.lock().queue.len() <= NEWS_MAX + 1);
    let told = all(&incoming);
    let lost = told.iter().map(|notice| if let Notice::Slow { dropped } = notice { *dropped } else { 0 });
    assert_eq!(lost.sum::<u64>(), 2_000);
    assert_eq!(told[0], delivered("first"));
    let states: Vec<_> = told.iter().filter(|notice| matches!(notice, Notice::Up | Notice::Down)).collect();
    assert!(states.chunks(2).all(|pair| pair == [&Notice::Up, &Notice::Down]), "{states:?}");
}

#[test]
fn one_that_was_up_and_is_again_is_told_of_the_time_between() {
    let incoming = Incoming::new(10, 100);
    incoming.tell(Notice::Up);
    assert_eq!(incoming.take(), Some(Notice::Up));
    for _ in 0..1_000 {
        incoming.tell(Notice::Down);
        incoming.tell(Notice::Up);
    }
    let told = all(&incoming);
    assert!(
        told.len() <= NEWS_MAX && told.chunks(2).all(|pair| pair == [Notice::Down, Notice::Up]),
        "{told:?}"
    );
}

#[test]
fn whoever_waits_is_woken_and_told_of_the_end() {
    let incoming = Arc::new(Incoming::new(10, 100));
    let other = incoming.clone();
    let waits = std::thread::spawn(move || [other.wait(None), other.wait(None)]);
    message(&incoming, "1");
    incoming.end();
    assert_eq!(waits.join().unwrap(), [Some(delivered("1")), None]);
    assert_eq!(incoming.poll(Waker::noop()), Poll::Ready(None));
    assert_eq!(incoming.wait(Some(Instant::now())), None);
}

#[test]
fn nothing_is_kept_for_nobody() {
    let incoming = Incoming::new(1, 100);
    message(&incoming, "1");
    incoming.abandon();
    messages(&incoming, &["2", "3"]);
    incoming.tell(Notice::Up);
    assert_eq!(incoming.take(), None);
    assert_eq!(stats(&incoming).incoming, 0);
}
