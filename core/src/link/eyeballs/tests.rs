use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::format;

const START: Instant = Instant::from_nanos(7_000_000_000);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn address(v6: bool, number: u8) -> Address {
    let text = if v6 { format!("[2001:db8::{number:x}]:80") } else { format!("192.0.2.{number}:80") };
    text.parse().unwrap()
}

/// What comes of an address, so long after it was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Connects(Duration),
    Fails(Duration),
    Hangs,
    /// It has no room so many times, and then connects at once.
    Busy(u8),
}

/// A run to its end.
#[derive(Debug, Default)]
struct Run {
    /// Each attempt that was begun: where to and when.
    begun: BTreeMap<usize, (Address, Vec<Instant>)>,
    failed: Vec<Instant>,
    cancelled: Vec<usize>,
    /// Attempts that were told that they won.
    winners: Vec<usize>,
    outcome: Option<Result<usize, Unconnected<usize>>>,
    ended: Option<Instant>,
}

/// What happens next to an attempt that is under way.
type Coming = BTreeMap<usize, (Instant, Fate)>;

fn run(addresses: &[Address], fates: &[Fate], timeout: Duration, delay: Duration) -> Run {
    let fate_of = |address: &Address| fates[addresses.iter().position(|a| a == address).unwrap()];
    let mut eyeballs = Eyeballs::<usize>::new(START, addresses.to_vec(), START + timeout, delay);
    let (mut run, mut coming, mut now) = (Run::default(), Coming::new(), START);
    loop {
        while let Some(action) = eyeballs.poll_action() {
            match action {
                Action::Connect(attempt, address) => {
                    let fate = fate_of(&address);
                    let times = &mut run.begun.entry(attempt).or_insert((address, Vec::new())).1;
                    times.push(now);
                    match fate {
                        Fate::Busy(times_busy) if times.len() <= usize::from(times_busy) => {
                            eyeballs.handle_busy(now, attempt);
                        }
                        Fate::Busy(_) => drop(coming.insert(attempt, (now, fate))),
                        Fate::Connects(after) | Fate::Fails(after) => {
                            coming.insert(attempt, (now + after, fate));
                        }
                        Fate::Hangs => {}
                    }
                }
                Action::Cancel(attempt) => {
                    coming.remove(&attempt);
                    run.cancelled.push(attempt);
                }
            }
        }
        if let Some(outcome) = eyeballs.poll_outcome() {
            assert!(run.outcome.replace(outcome).is_none(), "told once");
            run.ended = Some(now);
        }
        let happens = coming.iter().map(|(attempt, (at, fate))| (*at, *attempt, *fate)).min_by_key(|h| h.0);
        match (happens, eyeballs.poll_timeout()) {
            (None, None) => return run,
            (Some((at, attempt, fate)), due) if due.is_none_or(|due| at <= due) => {
                now = at;
                coming.remove(&attempt);
                if matches!(fate, Fate::Fails(_)) {
                    run.failed.push(now);
                    eyeballs.handle_failed(now, attempt, Fault::Refused, attempt);
                } else if eyeballs.handle_connected(now, attempt) {
                    run.winners.push(attempt);
                }
            }
            (_, due) => {
                now = due.unwrap();
                eyeballs.handle_timeout(now);
                assert!(eyeballs.poll_timeout().is_none_or(|next| next > now), "time goes on");
            }
        }
    }
}

/// The order of RFC 8305 section 4, said otherwise: whose turn it is by what has been taken of each family.
fn expected_order(addresses: &[Address]) -> Vec<Address> {
    let first = addresses.first().is_some_and(is_v6);
    let mut left = addresses.to_vec();
    let (mut out, mut turn) = (Vec::new(), first);
    while !left.is_empty() {
        let at = left.iter().position(|a| is_v6(a) == turn).unwrap_or(0);
        out.push(left.remove(at));
        turn = !turn;
    }
    out
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => (0..3000u64).prop_map(|after| Fate::Connects(ms(after))),
        4 => prop_oneof![Just(0), 0..3000u64].prop_map(|after| Fate::Fails(ms(after))),
        4 => Just(Fate::Hangs),
        1 => (0..5u8).prop_map(Fate::Busy),
    ]
}

fn hosts() -> impl Strategy<Value = (Vec<Address>, Vec<Fate>)> {
    proptest::collection::vec((any::<bool>(), fate()), 0..12).prop_map(|all| {
        let numbered = all.into_iter().zip(1u8..).map(|((v6, fate), number)| (address(v6, number), fate));
        numbered.unzip()
    })
}

proptest! {
    #[test]
    fn the_laws_of_a_race(
        (addresses, fates) in hosts(), timeout in 1..12_000u64, delay in 0..3000u64,
    ) {
        let (timeout, delay) = (ms(timeout), ms(delay));
        let run = run(&addresses, &fates, timeout, delay);
        let order: Vec<_> = run.begun.values().map(|(address, _)| address.clone()).collect();
        // The order is that of the RFC, and numbers are given in it.
        prop_assert_eq!(&order[..], &expected_order(&addresses)[..order.len()]);
        prop_assert!(run.begun.keys().copied().eq(0..order.len()));

        // One outcome, at most one winner, and whoever was begun ended: by itself, or because it was given up.
        let outcome = run.outcome.as_ref().unwrap();
        prop_assert!(run.winners.len() <= 1);
        prop_assert_eq!(run.winners.first(), outcome.as_ref().ok());
        let fate_of = |attempt: usize| fates[addresses.iter().position(|a| *a == order[attempt]).unwrap()];
        let mut given_up = run.cancelled.clone();
        given_up.sort_unstable();
        given_up.dedup();
        prop_assert_eq!(given_up.len(), run.cancelled.len(), "given up once");
        for attempt in &given_up {
            prop_assert!(!run.winners.contains(attempt));
            prop_assert!(!matches!(fate_of(*attempt), Fate::Hangs) || run.begun.contains_key(attempt));
        }
        let hanging = (0..order.len()).filter(|attempt| fate_of(*attempt) == Fate::Hangs);
        prop_assert!(hanging.clone().all(|attempt| given_up.contains(&attempt)), "nothing is left open");

        // Its time: never past the deadline, and at the deadline only where somebody did not answer.
        let ended = run.ended.unwrap();
        prop_assert!(ended <= START + timeout);
        if let Err(unconnected) = outcome {
            prop_assert_eq!(unconnected.failures().len(), run.failed.len(), "each error is kept");
            let all_failed = !addresses.is_empty() && unconnected.failures().len() == addresses.len();
            prop_assert_eq!(unconnected.is_timed_out(), !all_failed && !addresses.is_empty());
            let had_none = unconnected.most_telling().is_none() && !unconnected.is_timed_out();
            prop_assert_eq!(had_none, addresses.is_empty());
        }

        // No address waits longer than the delay, and one begins the moment that another fails.
        let delay = delay.clamp(ms(100), ms(2000));
        let begun: Vec<Instant> = run.begun.values().map(|(_, times)| times[0]).collect();
        for pair in begun.windows(2) {
            prop_assert!(pair[1] - pair[0] <= delay);
            let by_failure = run.failed.contains(&pair[1]);
            let share = timeout / 12;
            prop_assert!(by_failure || pair[1] - pair[0] >= delay.min(share).max(ms(10)).min(timeout));
        }
        for failed in run.failed.iter().filter(|_| order.len() < addresses.len()) {
            prop_assert!(begun.contains(failed), "a failure begins the next one at once");
        }
        // All are tried before one gives up, if each can have its 10 ms.
        if outcome.is_err() && timeout >= ms(10) * 12 {
            prop_assert_eq!(order.len(), addresses.len());
        }
    }

    /// With one address that answers and any number that hang, it takes what it takes alone and a delay for each before it.
    #[test]
    fn an_address_that_hangs_costs_the_others_no_more_than_the_delay(
        hang in 0..8usize, behind in 0..4usize, after in 0..500u64,
    ) {
        let addresses: Vec<_> = (1..=hang + 1 + behind).map(|n| address(false, n as u8)).collect();
        let mut fates = std::vec![Fate::Hangs; addresses.len()];
        fates[hang] = Fate::Connects(ms(after));
        let run = run(&addresses, &fates, ms(10_000), ms(250));
        prop_assert_eq!(run.winners, [hang]);
        prop_assert_eq!(run.ended.unwrap() - START, ms(250) * hang as u32 + ms(after));
    }
}

#[test]
fn no_address_is_an_outcome_at_once() {
    let run = run(&[], &[], ms(10_000), ms(250));
    let unconnected = run.outcome.unwrap().unwrap_err();
    assert_eq!((unconnected.most_telling(), unconnected.is_timed_out()), (None, false));
    assert_eq!(run.ended, Some(START));
}

#[test]
fn where_the_time_is_short_each_has_its_share() {
    let addresses = [address(true, 1), address(true, 2), address(false, 3)];
    let fates = [Fate::Hangs, Fate::Hangs, Fate::Connects(ms(10))];
    let run = run(&addresses, &fates, ms(60), ms(250));
    assert_eq!((run.winners, run.ended.unwrap()), (std::vec![1], START + ms(30)));
}

#[test]
fn one_that_has_no_room_is_asked_again_and_holds_nobody_up() {
    let addresses = [Address::Unix("/x".into()), address(false, 1)];
    let alone = run(&addresses[..1], &[Fate::Busy(3)], ms(10_000), ms(250));
    assert_eq!(alone.begun[&0].1, [0, 10, 20, 30].map(|after| START + ms(after)));
    assert_eq!(alone.winners, [0]);
    let never = run(&addresses[..1], &[Fate::Busy(200)], ms(100), ms(250));
    assert!(never.outcome.unwrap().unwrap_err().is_timed_out());
    let both = run(&addresses, &[Fate::Busy(200), Fate::Connects(ms(5))], ms(10_000), ms(250));
    assert_eq!((both.winners, both.ended.unwrap()), (std::vec![1], START + ms(255)));
    assert!(both.cancelled.is_empty(), "there is nothing of it to be closed");
}

#[test]
fn who_is_connected_after_the_end_has_lost() {
    let addresses = std::vec![address(true, 1), address(false, 1)];
    let mut eyeballs = Eyeballs::<()>::new(START, addresses, START + ms(10_000), ms(250));
    eyeballs.poll_action();
    eyeballs.handle_timeout(START + ms(250));
    eyeballs.poll_action();
    let now = START + ms(300);
    assert!(eyeballs.handle_connected(now, 1));
    assert!(!eyeballs.handle_connected(now, 0), "it is given up, though nobody was told yet");
    assert!(!eyeballs.handle_connected(now, 7) && !eyeballs.handle_connected(now, 1));
    eyeballs.handle_failed(now, 0, Fault::Refused, ());
    eyeballs.handle_busy(now, 0);
    assert_eq!(eyeballs.poll_action(), Some(Action::Cancel(0)));
    assert_eq!((eyeballs.poll_action(), eyeballs.poll_timeout()), (None, None));
    assert_eq!((eyeballs.poll_outcome(), eyeballs.poll_outcome()), (Some(Ok(1)), None));
}

#[test]
fn too_many_addresses_are_left_out_and_counted() {
    let mut addresses: Vec<_> = (1..=100).map(|n| address(false, n)).collect();
    addresses.extend((1..=10).map(|n| address(false, n)));
    let eyeballs = Eyeballs::<()>::new(START, addresses, START + ms(10_000), ms(250));
    assert_eq!((eyeballs.attempts.len(), eyeballs.left_out()), (64, 36));
}

#[test]
fn the_most_telling_error_is_the_hosts_own() {
    let addresses: Vec<_> = (1..=4).map(|n| address(n % 2 == 0, n)).collect();
    let mut eyeballs = Eyeballs::<usize>::new(START, addresses, START + ms(10_000), ms(250));
    let faults = [Fault::Unreachable, Fault::Other, Fault::Refused, Fault::Refused];
    for (attempt, fault) in faults.into_iter().enumerate() {
        assert!(matches!(eyeballs.poll_action(), Some(Action::Connect(..))));
        eyeballs.handle_failed(START, attempt, fault, attempt);
    }
    let unconnected = eyeballs.poll_outcome().unwrap().unwrap_err();
    assert_eq!(unconnected.most_telling().map(|(_, fault, e)| (*fault, *e)), Some((Fault::Refused, 2)));
    assert!(!unconnected.is_timed_out());
}
