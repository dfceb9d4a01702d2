//! A store that others read as well.

use super::*;

fn site() -> Site {
    Site::new(DeskConfig { withdraws: false, ..DeskConfig::default() })
}

/// Others may have told it by then, so it can neither go again nor be said not to be stored.
#[test]
fn a_draft_that_others_may_have_read_is_never_handed_back() {
    let mut site = site();
    site.push(1);
    let asked = site.asked.clone().expect("a write");
    site.memory.carry_out(&asked);
    site.fail(Failure::Away("it is stored, and nobody hears of it".into()));
    for _ in 0..100 {
        site.pass(500);
        if site.asked.is_some() {
            site.fail(Failure::Away("gone".into()));
        }
    }
    assert_eq!(site.told, []);
    assert!(site.desk.poll_timeout().is_some_and(|due| due > site.now), "it is due for ever");
    site.pass(500);
    site.answer();
    assert_eq!(site.told, [(1, "stored")]);
    assert_eq!(site.memory.entries().count(), 1);
}

#[test]
fn one_of_which_no_write_was_asked_is() {
    let mut site = site();
    site.push(1);
    site.push(2);
    // The write of the first is under way all the time.
    site.pass(10_000);
    assert_eq!(site.told, [(2, "unavailable")]);
    site.answer();
    assert_eq!(site.told[1..], [(1, "stored")]);
}

/// It may be stored all the same, so what the store refuses is asked for again.
#[test]
fn one_of_which_that_is_not_known_is_not_handed_back_when_it_is_refused() {
    let mut site = site();
    site.push(1);
    let asked = site.asked.clone().expect("a write");
    site.memory.carry_out(&asked);
    site.fail(Failure::Away("it is stored, and nobody hears of it".into()));
    site.pass(500);
    site.fail(Failure::Refused("not now".into()));
    assert!(site.desk.is_away() && site.told.is_empty());
    site.pass(500);
    site.answer();
    assert_eq!(site.told, [(1, "stored")]);
    assert_eq!(site.memory.entries().count(), 1);
    // One that nobody can have stored is.
    site.push(2);
    site.fail(Failure::Refused("not now".into()));
    assert_eq!(site.told[1..], [(2, "refused")]);
}
