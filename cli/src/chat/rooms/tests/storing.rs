//! Messages that are stored, or cannot be.

use super::*;

/// Fault of the sketch: no acknowledgement. Whoever says something never learns whether it is stored, and the room is told before it is.
#[test]
fn a_message_is_acknowledged_once_it_is_stored_and_told_to_nobody_before() {
    let mut site = Site::of(2);
    site.mood = Mood::Slow;
    site.say(1, json!({"type": "message", "content": "a", "ref": "r"}));
    assert!(site.heard.is_empty());
    site.answer();
    let (one, two) = (site.heard(1), site.heard(2));
    assert_eq!(one, two);
    let entry = site.memory.entries().next().unwrap().clone();
    assert_eq!(one[0]["id"], entry.id);
    let (user, name) = (&*entry.user, &*entry.name);
    assert_eq!(
        one[0],
        json!({"type": "message", "id": entry.id, "roomId": "general", "userId": user, "name": name, "content": "a",
            "timestamp": 1000, "ref": "r"})
    );
}

/// Fault of the sketch: an error of the database ends the connection of whoever wrote.
#[test]
fn a_database_error_kills_no_connection_and_is_told_to_the_sender() {
    let mut site = Site::of(2);
    site.mood = Mood::Slow;
    site.say(1, json!({"type": "message", "content": "a", "ref": "r"}));
    site.fail(Failure::Refused("constraint".into()));
    site.drain();
    assert_eq!(site.heard[&1][0]["ref"], "r");
    assert_eq!(site.code(1), "unavailable");
    assert!(site.closed.is_empty() && site.heard(2).is_empty());
    site.heal();
    site.say(1, json!({"type": "message", "content": "b"}));
    assert_eq!((site.types(1), site.types(2)), (vec!["message".into()], vec!["message".into()]));
}

/// Fault of the sketch: no batch, but each message by itself.
#[test]
fn what_gathers_while_the_database_writes_is_one_batch() {
    let mut site = Site::of(2);
    site.mood = Mood::Slow;
    for conn in [1, 2, 1, 2, 1] {
        site.say(conn, json!({"type": "message", "content": "a"}));
    }
    let drafts = |site: &Site| match &site.asked {
        Some(StoreAsk::Write(batch)) => batch.drafts.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(drafts(&site), 1);
    site.answer();
    assert_eq!(drafts(&site), 4);
    site.answer();
    assert_eq!((site.ids(1), site.ids(2)), ((1..=5).collect(), (1..=5).collect()));
}

#[test]
fn while_the_database_is_away_messages_wait_and_are_told_in_order() {
    let mut site = Site::of(2);
    site.mood = Mood::Away;
    for content in ["a", "b", "c"] {
        site.say(1, json!({"type": "message", "content": content}));
        site.pass(1_000);
    }
    assert!(site.heard.is_empty() && site.rooms.is_away());
    site.say(2, json!({"type": "user_list", "roomId": "general"}));
    assert_eq!(site.types(2), ["user_list"]);
    site.heal();
    assert!(!site.rooms.is_away());
    let contents: Vec<_> = site.heard(2).iter().map(|m| m["content"].clone()).collect();
    assert_eq!(contents, ["a", "b", "c"]);
}

#[test]
fn after_ten_seconds_without_the_database_a_message_is_unavailable_with_its_ref() {
    let mut site = Site::of(2);
    site.mood = Mood::Away;
    site.say(1, json!({"type": "message", "content": "a", "ref": "r"}));
    for _ in 0..99 {
        site.pass(100);
        assert!(site.heard.is_empty());
    }
    site.pass(100);
    assert_eq!(site.heard[&1][0]["ref"], "r");
    assert_eq!(site.code(1), "unavailable");
    site.heal();
    assert!(site.heard.is_empty() && site.memory.entries().count() == 0);
}

#[test]
fn five_hundred_messages_wait_and_no_more() {
    let mut site = Site::of(30);
    site.mood = Mood::Away;
    for conn in 1..=30 {
        for _ in 0..20 {
            site.say(conn, json!({"type": "message", "content": "a"}));
        }
    }
    let refused: usize = site.heard.values().map(Vec::len).sum();
    assert_eq!(refused, 100);
    assert!(site.heard.values().flatten().all(|m| m["code"] == "unavailable"));
    site.heard.clear();
    site.heal();
    assert_eq!(site.ids(1).len(), 500);
}

#[test]
fn the_same_ref_of_the_same_user_is_stored_once_and_told_to_the_sender_alone() {
    let mut site = Site::of(2);
    let message = json!({"type": "message", "content": "a", "ref": "r"});
    site.say(1, message.clone());
    let first = site.heard(1);
    site.heard.clear();
    site.say(1, json!({"type": "message", "content": "other", "ref": "r"}));
    assert_eq!(site.heard(1), first);
    assert!(site.heard(2).is_empty());
    site.say(2, message);
    assert_eq!((site.ids(1), site.ids(2)), (vec![2], vec![2]));
}

#[test]
fn a_sender_who_has_gone_is_heard_all_the_same() {
    let mut site = Site::of(2);
    site.mood = Mood::Slow;
    site.say(1, json!({"type": "message", "content": "last words"}));
    site.close(1);
    site.answer();
    assert_eq!(site.types(2), ["leave", "message"]);
}

#[test]
fn nothing_is_told_to_one_who_left() {
    let mut site = Site::of(2);
    site.mood = Mood::Slow;
    site.say(1, json!({"type": "message", "content": "a"}));
    site.say(2, json!({"type": "leave", "roomId": "general"}));
    site.heal();
    assert_eq!(
        (site.types(1), site.types(2)),
        (vec!["leave".into(), "message".into()], vec!["leave".into()])
    );
}

#[test]
fn an_end_in_order_stores_what_was_accepted_and_accepts_no_more() {
    let mut site = Site::of(1);
    site.mood = Mood::Slow;
    site.say(1, json!({"type": "message", "content": "a"}));
    site.rooms.drain();
    site.say(1, json!({"type": "message", "content": "b"}));
    assert_eq!(site.code(1), "unavailable");
    assert!(!site.rooms.is_drained());
    site.answer();
    assert!(site.rooms.is_drained());
    assert_eq!(site.types(1), ["message"]);
}

#[test]
fn pages_come_from_the_database() {
    use wharf::service::history::{PageAsk, Span};
    let mut site = Site::of(1);
    for _ in 0..5 {
        site.say(1, json!({"type": "message", "content": "a"}));
    }
    let page = |site: &mut Site, room: &str, below| {
        let ask = PageAsk::new(vec![room.into()], Span::Newest { below }, 2);
        site.rooms.handle_page(site.now, site.wall(), 9, ask);
        site.drain();
        match site.pages.pop().expect("an outcome").1 {
            Paged::Found(page) => Ok((page.entries.iter().map(|e| e.id).collect::<Vec<_>>(), page.more)),
            Paged::NoRoom => Err("no room"),
            Paged::Failed(_) => Err("failed"),
        }
    };
    assert_eq!(page(&mut site, "general", None), Ok((vec![4, 5], true)));
    assert_eq!(page(&mut site, "general", Some(2)), Ok((vec![1], false)));
    assert_eq!(page(&mut site, "general", Some(1)), Ok((vec![], false)));
    assert_eq!(page(&mut site, "nowhere", None), Err("no room"));
    assert_eq!(page(&mut site, "nowhere", Some(7)), Err("no room"));
    // A room that nobody is in any more, but something was said in it.
    site.restart();
    assert_eq!(page(&mut site, "general", Some(1)), Ok((vec![], false)));
    site.mood = Mood::Away;
    assert_eq!(page(&mut site, "general", None), Err("failed"));
    site.heal();
    assert_eq!(page(&mut site, "general", None), Ok((vec![4, 5], true)));
}

#[test]
fn a_page_that_does_not_come_fails_after_ten_seconds() {
    use wharf::service::history::{PageAsk, Span};
    let mut site = Site::of(1);
    site.mood = Mood::Slow;
    let ask = PageAsk::new(vec!["general".into()], Span::Newest { below: None }, 2);
    site.rooms.handle_page(site.now, site.wall(), 9, ask);
    site.pass(9_999);
    assert!(site.pages.is_empty());
    site.pass(1);
    assert!(matches!(site.pages[..], [(9, Paged::Failed(_))]));
    site.heal();
    assert_eq!(site.pages.len(), 1);
}

#[test]
fn too_many_pages_fail_at_once() {
    use wharf::service::history::{PageAsk, Span};
    let mut site = Site::new(Limits { max_pages: 2, ..Limits::default() });
    site.mood = Mood::Slow;
    for conn in 1..=3 {
        let ask = PageAsk::new(vec!["general".into()], Span::Newest { below: None }, 2);
        site.rooms.handle_page(site.now, site.wall(), conn, ask);
        site.drain();
    }
    assert!(matches!(site.pages[..], [(3, Paged::Failed(_))]));
    site.answer();
    site.answer();
    assert_eq!(site.pages.len(), 3);
}

#[test]
fn an_answer_that_nobody_asked_for_changes_nothing() {
    let mut site = Site::of(1);
    site.rooms.handle_answer(site.now, site.wall(), Ok(Answer::Written(vec![])));
    site.drain();
    assert!(site.heard.is_empty() && !site.rooms.is_away());
}
