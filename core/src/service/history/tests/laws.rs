//! Any calls at all, over a store that fails at random, before or after it did what it was asked.

use super::*;
use alloc::format;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Push,
    Read,
    Answer,
    Lose { carried_out: bool },
    Refuse,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Push),
        1 => Just(Step::Read),
        5 => Just(Step::Answer),
        3 => any::<bool>().prop_map(|carried_out| Step::Lose { carried_out }),
        1 => Just(Step::Refuse),
        4 => (0..4_000u64).prop_map(Step::Pass),
    ]
}

/// What became of each draft, and how a read came out.
#[derive(Default)]
struct Seen {
    pushed: u64,
    fates: BTreeMap<u64, &'static str>,
    stored: Vec<(u64, u64)>,
    /// What was told to be stored instead.
    before: Vec<u64>,
}

/// Some have a reference that another one has.
fn draft_of(n: u64) -> Draft {
    let reference = (n % 5 < 2).then(|| format!("{}", n / 5).into());
    Draft { reference, ..draft(n) }
}

fn drain(site: &mut Site, seen: &mut Seen) {
    while let Some(action) = site.desk.poll_action() {
        let (draft, fate) = match action {
            Action::Ask(ask) => {
                assert!(site.asked.replace(ask).is_none(), "two at once");
                continue;
            }
            Action::Stored(draft, Stored::New(id)) => {
                seen.stored.push((draft.at.as_millis(), id));
                (draft, "stored")
            }
            Action::Stored(draft, Stored::Before(entry)) => {
                seen.before.push(entry.id);
                (draft, "stored before")
            }
            Action::Unavailable(draft) => (draft, "unavailable"),
            Action::Refused(draft, _) => (draft, "refused"),
        };
        let before = seen.fates.insert(draft.at.as_millis(), fate);
        assert_eq!(before, None, "two fates of {draft:?}");
    }
}

fn act(site: &mut Site, seen: &mut Seen, step: Step) {
    let (now, asked) = (site.now, matches!(step, Step::Answer | Step::Lose { .. } | Step::Refuse));
    let ask = if asked { site.asked.take() } else { None };
    match (step, ask) {
        (Step::Push, _) => {
            seen.pushed += 1;
            if site.desk.push(now, draft_of(seen.pushed)).is_err() {
                seen.fates.insert(seen.pushed, "full");
            }
        }
        (Step::Read, _) => {
            let ask = Ask::Page(PageAsk::new(vec!["general".into()], Span::After(0), MAX_PAGE));
            let _ = site.desk.read(now, ask);
        }
        (Step::Pass(millis), _) => {
            site.now += Duration::from_millis(millis);
            site.desk.handle_timeout(site.now);
        }
        (Step::Answer, Some(ask)) => {
            let answer = site.memory.carry_out(&ask);
            let read = site.desk.handle_answer(now, Ok(answer));
            if let Some(Ok(Answer::Page(page))) = read {
                // A read sees what was told to be stored, all of it and nothing else.
                let ids: Vec<u64> = page.entries.iter().map(|entry| entry.id).collect();
                let told: Vec<u64> = seen.stored.iter().map(|(_, id)| *id).take(MAX_PAGE).collect();
                assert_eq!(ids, told);
            }
        }
        (Step::Lose { carried_out }, Some(ask)) => {
            if carried_out {
                site.memory.carry_out(&ask);
            }
            site.desk.handle_answer(now, away());
        }
        // No store refuses to forget.
        (Step::Refuse, Some(Ask::Write(batch))) if batch.drafts.is_empty() => {
            site.desk.handle_answer(now, away());
        }
        (Step::Refuse, Some(_)) => {
            site.desk.handle_answer(now, Err(Failure::Refused("no".into())));
        }
        _ => {}
    }
    drain(site, seen);
}

proptest! {
    #[test]
    fn each_draft_has_one_fate_and_the_store_agrees(
        steps in prop::collection::vec(step(), 1..200),
        max_waiting in 1..20usize,
    ) {
        let config = DeskConfig { max_waiting: 2 * max_waiting, max_waiting_away: max_waiting, ..DeskConfig::default() };
        let (mut site, mut seen) = (Site::new(config), Seen::default());
        for step in steps {
            act(&mut site, &mut seen, step);
            prop_assert!(site.desk.poll_timeout().is_none_or(|at| at > site.now));
            prop_assert!(site.desk.stats().waiting <= 2 * max_waiting);
        }
        // The store is well again.
        for _ in 0..20 {
            act(&mut site, &mut seen, Step::Answer);
            act(&mut site, &mut seen, Step::Pass(600));
        }
        act(&mut site, &mut seen, Step::Answer);
        prop_assert!(site.desk.is_settled() && !site.desk.is_away());
        prop_assert_eq!(seen.fates.len() as u64, seen.pushed);
        // In order, each once, and nothing else.
        prop_assert!(seen.stored.is_sorted_by(|a, b| a.1 < b.1));
        let plain = seen.stored.iter().map(|(n, _)| *n).filter(|n| n % 5 >= 2);
        prop_assert!(plain.is_sorted_by(|a, b| a < b));
        let there: Vec<(u64, u64)> = site.memory.entries().map(|entry| (entry.at.as_millis(), entry.id)).collect();
        prop_assert!(seen.before.iter().all(|id| there.iter().any(|(_, there)| there == id)));
        prop_assert_eq!(there, seen.stored);
    }

    #[test]
    fn the_same_calls_come_out_the_same(steps in prop::collection::vec(step(), 1..60)) {
        let run = || {
            let (mut site, mut seen) = (Site::new(DeskConfig::default()), Seen::default());
            for step in &steps {
                act(&mut site, &mut seen, *step);
            }
            (seen.fates, seen.stored, site.memory)
        };
        prop_assert_eq!(run(), run());
    }
}
