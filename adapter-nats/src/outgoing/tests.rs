use super::*;

fn outgoing(set: impl FnOnce(&mut NatsConfig)) -> Outgoing {
    let mut config = NatsConfig::default();
    set(&mut config);
    let outgoing = Outgoing::new("wharf.test.", &config);
    outgoing.up(100);
    outgoing
}

fn change(number: u64, subject: &str, is_wanted: bool) -> Option<Change> {
    Some(Change { number, subject: subject.into(), is_wanted })
}

#[test]
fn subjects_are_those_that_a_server_understands_and_no_wildcards() {
    let longest = "s".repeat(SUBJECT_MAX);
    for subject in ["a", "group.Zm9v_-", "a.b.c", "$a", &longest] {
        assert!(is_subject(subject), "{subject}");
    }
    let too_long = "s".repeat(SUBJECT_MAX + 1);
    for subject in
        ["", ".", "a.", ".a", "a..b", "a b", "a\r\nPUB x 0", "*", "a.>", "é", "a\t", "a\0", &too_long]
    {
        assert!(!is_subject(subject), "{subject}");
    }
}

#[test]
fn subscriptions_are_changed_in_order_and_only_where_they_differ() {
    let outgoing = outgoing(|_| {});
    for subject in ["z", "a", "z", "m"] {
        outgoing.subscribe(subject).unwrap();
    }
    outgoing.unsubscribe("m");
    outgoing.unsubscribe("unknown");
    assert_eq!(outgoing.change(), change(1, "z", true));
    assert_eq!(outgoing.change(), change(2, "a", true));
    assert_eq!(outgoing.change(), None);
    outgoing.unsubscribe("z");
    outgoing.subscribe("z").unwrap();
    assert_eq!(outgoing.change(), change(1, "z", false));
    assert_eq!(outgoing.change(), change(4, "z", true));
    assert_eq!(outgoing.change(), None);
}

#[test]
fn subjects_that_come_and_go_while_the_server_is_away_do_not_pile_up() {
    let outgoing = outgoing(|config| config.max_subscriptions = 2);
    outgoing.down();
    for _ in 0..1_000 {
        outgoing.subscribe("a").unwrap();
        outgoing.unsubscribe("a");
    }
    assert_eq!(outgoing.change(), None);
    outgoing.subscribe("a").unwrap();
    outgoing.subscribe("b").unwrap();
    assert_eq!(outgoing.subscribe("c"), Err(SubscribeError::Full));
    assert_eq!(outgoing.subscribe("a"), Ok(()));
    assert_eq!((outgoing.stats().subscriptions, outgoing.stats().refused_subscriptions), (2, 1));
}

#[test]
fn messages_wait_within_bounds_in_their_order() {
    let outgoing = outgoing(|config| (config.max_outgoing, config.max_outgoing_bytes) = (3, 5));
    outgoing.publish("a", Bytes::from_static(b"1234")).unwrap();
    assert_eq!(outgoing.publish("a", Bytes::from_static(b"56")), Err(PublishError::Full));
    outgoing.publish("b", Bytes::from_static(b"5")).unwrap();
    outgoing.publish("b", Bytes::new()).unwrap();
    assert_eq!(outgoing.publish("b", Bytes::new()), Err(PublishError::Full));
    assert_eq!((outgoing.stats().outgoing, outgoing.stats().dropped_full), (3, 2));
    let message = outgoing.message().unwrap();
    assert_eq!((&*message.subject, &*message.bytes), ("wharf.test.a", &b"1234"[..]));
    assert_eq!(outgoing.message().unwrap().subject, "wharf.test.b");
    outgoing.publish("a", Bytes::from_static(b"12345")).unwrap();
}

#[test]
fn nothing_is_kept_for_a_server_that_is_away() {
    let outgoing = outgoing(|_| {});
    outgoing.publish("a", Bytes::from_static(b"1")).unwrap();
    outgoing.down();
    assert_eq!(outgoing.publish("a", Bytes::new()), Err(PublishError::Down));
    assert!(outgoing.is_empty() && !outgoing.is_up());
    assert_eq!((outgoing.stats().dropped_down, outgoing.stats().published), (2, 0));
    outgoing.up(100);
    assert_eq!(outgoing.message(), None);
}

#[test]
fn what_the_server_does_not_take_is_told() {
    let outgoing = outgoing(|_| {});
    outgoing.publish("a", Bytes::from(vec![0; 100])).unwrap();
    assert_eq!(outgoing.publish("a", Bytes::from(vec![0; 101])), Err(PublishError::TooLarge { limit: 100 }));
    assert_eq!(outgoing.stats().dropped_large, 1);
}

#[test]
fn closed_it_takes_nothing_more() {
    let outgoing = outgoing(|_| {});
    outgoing.publish("a", Bytes::new()).unwrap();
    outgoing.close();
    assert_eq!(outgoing.publish("a", Bytes::new()), Err(PublishError::Closed));
    assert_eq!(outgoing.subscribe("a"), Err(SubscribeError::Closed));
    assert!(outgoing.message().is_some());
}
