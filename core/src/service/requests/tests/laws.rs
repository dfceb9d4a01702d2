//! Both machines against naive models: a list of all calls or requests that there ever were.

use super::super::{
    Answers, AnswersConfig, Asked, CallError, CallId, Failure, Received, Requests, RequestsConfig, Ticket,
};
use crate::base::{Cause, Classifier, CloseCode, Closed, Instant, Message, Origin};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

const CAP: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    InFlight,
    Answered,
    GivenUp,
    Withdrawn,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Call { timeout: u64 },
    Reply { id: u64 },
    Cancel { id: u64 },
    Withdraw { id: u64 },
    Pass { nanos: u64 },
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = 0..20_u64;
    let step = prop_oneof![
        6 => (0..50_u64).prop_map(|timeout| Step::Call { timeout }),
        4 => id.clone().prop_map(|id| Step::Reply { id }),
        2 => id.clone().prop_map(|id| Step::Cancel { id }),
        1 => id.prop_map(|id| Step::Withdraw { id }),
        4 => (0..30_u64).prop_map(|nanos| Step::Pass { nanos }),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 0..120)
}

/// Every call that there was, by its id less one: its deadline and what became of it.
#[derive(Default)]
struct Calls {
    all: Vec<(Instant, State)>,
    is_closed: bool,
}

impl Calls {
    fn in_flight(&self) -> Vec<u64> {
        self.with(State::InFlight)
    }

    fn with(&self, state: State) -> Vec<u64> {
        (1..).zip(&self.all).filter(|(_, call)| call.1 == state).map(|(id, _)| id).collect()
    }

    fn get(&mut self, id: u64) -> Option<&mut (Instant, State)> {
        self.all.get_mut(usize::try_from(id).unwrap().checked_sub(1)?)
    }

    /// Ends one that is in flight; whether it was.
    fn end(&mut self, id: u64, state: State) -> bool {
        let Some(call) = self.get(id).filter(|call| call.1 == State::InFlight) else { return false };
        call.1 = state;
        let given_up = self.with(State::GivenUp);
        if given_up.len() > CAP {
            self.get(given_up[0]).unwrap().1 = State::Withdrawn;
        }
        true
    }

    /// The one that fails next.
    fn failing(&self, now: Instant) -> Option<u64> {
        let mut in_flight = self.in_flight();
        if !self.is_closed {
            in_flight.retain(|id| self.all[*id as usize - 1].0 <= now);
            in_flight.sort_by_key(|id| (self.all[*id as usize - 1].0, *id));
        }
        in_flight.first().copied()
    }

    fn timeout(&self) -> Option<Instant> {
        if self.is_closed {
            return None;
        }
        self.in_flight().into_iter().map(|id| self.all[id as usize - 1].0).min()
    }
}

fn closed() -> Closed {
    Closed::new(Origin::Remote, CloseCode::NORMAL, "", Cause::Handshake, Classifier::default())
}

/// One step of both.
fn calls_step(now: &mut Instant, requests: &mut Requests, calls: &mut Calls, step: Step) {
    match step {
        Step::Call { timeout } => {
            let timeout = Duration::from_nanos(timeout);
            match requests.call(*now, &timeout, Some(timeout)) {
                Ok((id, _)) => {
                    assert!(!calls.is_closed && calls.in_flight().len() < CAP);
                    calls.all.push((*now + timeout, State::InFlight));
                    assert_eq!(id, CallId(calls.all.len() as u64), "names count up");
                }
                Err(CallError::TooMany { limit }) => assert!(calls.in_flight().len() == CAP && limit == CAP),
                Err(error) => assert!(calls.is_closed && matches!(error, CallError::Closed(_))),
            }
        }
        Step::Reply { id } => {
            let message = Message::text(format!(r#"{{"id":{id},"data":{id}}}"#));
            let received = requests.receive(&message);
            let state = calls.get(id).map(|call| call.1);
            let is_as_expected = match (state, &received) {
                (Some(State::InFlight), Received::Reply { id: ended, outcome: Ok(data) }) => {
                    *ended == CallId(id) && data.decode::<u64>().unwrap() == id
                }
                (Some(State::GivenUp), Received::Late(late)) => *late == CallId(id),
                (Some(State::Answered | State::Withdrawn), Received::Duplicate(twice)) => {
                    *twice == CallId(id)
                }
                (None, Received::NotOurs) => true,
                _ => false,
            };
            assert!(is_as_expected, "{state:?}: {received:?}");
            if let Some(call) = calls.get(id) {
                call.1 = State::Answered;
            }
        }
        Step::Cancel { id } => {
            assert_eq!(requests.cancel(CallId(id)).is_some(), calls.end(id, State::GivenUp));
        }
        Step::Withdraw { id } => {
            assert_eq!(requests.withdraw(CallId(id)), calls.end(id, State::Withdrawn));
        }
        Step::Pass { nanos } => {
            *now += Duration::from_nanos(nanos);
            requests.handle_timeout(*now);
        }
        Step::Close => {
            requests.handle_closed(&closed());
            calls.is_closed = true;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn calls_do_as_a_list_of_all_calls_does(steps in steps()) {
        let (mut now, mut calls) = (Instant::ORIGIN, Calls::default());
        let mut requests = Requests::new(RequestsConfig { max_in_flight: CAP, ..RequestsConfig::default() });
        requests.handle_timeout(now);
        for step in steps {
            calls_step(&mut now, &mut requests, &mut calls, step);
            while let Some(failed) = requests.poll_failed() {
                prop_assert_eq!(Some(failed.id), calls.failing(now).map(CallId));
                prop_assert_eq!(failed.cancel.is_some(), failed.failure == Failure::TimedOut);
                calls.end(failed.id.0, if calls.is_closed { State::Withdrawn } else { State::GivenUp });
            }
            prop_assert_eq!(calls.failing(now), None);
            prop_assert_eq!(requests.in_flight(), calls.in_flight().len());
            prop_assert_eq!(requests.poll_timeout(), calls.timeout());
            let stats = requests.stats();
            let ended = stats.answered + stats.timed_out + stats.cancelled + stats.withdrawn + stats.closed;
            prop_assert_eq!(stats.calls, ended + requests.in_flight() as u64);
            prop_assert!(requests.given_up.len() <= CAP);
        }
    }

    #[test]
    fn answers_do_as_a_list_of_all_requests_does(
        steps in prop::collection::vec((0..6_u8, 0..3_u8, 0..6_u64), 0..150)
    ) {
        // Every request: whose, its id, its deadline, and whether it is in flight.
        let (mut now, mut all) = (Instant::ORIGIN, Vec::<(u8, u64, Instant, bool)>::new());
        let timeout = Duration::from_nanos(20);
        let mut answers = Answers::new(AnswersConfig {
            max_in_flight: CAP, timeout: Some(timeout), ..AnswersConfig::default()
        });
        answers.handle_timeout(now);
        for (what, conn, id) in steps {
            let of_conn = all.iter().filter(|request| request.0 == conn && request.3).count();
            let found = all.iter().position(|request| (request.0, request.1, request.3) == (conn, id, true));
            match what {
                0 | 1 => match answers.receive(now, conn, &Message::text(format!(r#"{{"id":{id},"data":0}}"#))) {
                    Asked::Request { ticket, .. } => {
                        prop_assert!(of_conn < CAP && found.is_none());
                        all.push((conn, id, now + timeout, true));
                        prop_assert_eq!(ticket, Ticket(all.len() as u64));
                    }
                    asked => prop_assert!(matches!(asked, Asked::Refused(_)) && (of_conn == CAP || found.is_some())),
                },
                2 => match answers.receive(now, conn, &Message::text(format!(r#"{{"id":{id},"cancel":true}}"#))) {
                    Asked::Cancelled(ticket) => {
                        prop_assert_eq!(Some(ticket), found.map(|at| Ticket(at as u64 + 1)));
                        all[found.unwrap()].3 = false;
                    }
                    asked => prop_assert!(asked == Asked::CancelledLate && found.is_none()),
                },
                3 => {
                    let ticket = id * 3 + u64::from(conn);
                    let request = usize::try_from(ticket).unwrap().checked_sub(1).and_then(|at| all.get_mut(at));
                    let is_in_flight = request.is_some_and(|request| std::mem::take(&mut request.3));
                    prop_assert_eq!(answers.answer(Ticket(ticket), &Ok(0)).is_some(), is_in_flight);
                }
                4 if id == 0 => {
                    let mut gone = Vec::new();
                    for (ticket, request) in (1..).zip(&mut all).filter(|(_, r)| r.0 == conn && r.3) {
                        request.3 = false;
                        gone.push(Ticket(ticket));
                    }
                    prop_assert_eq!(answers.handle_closed(conn), gone);
                }
                _ => {
                    now += Duration::from_nanos(id);
                    answers.handle_timeout(now);
                    while let Some(expired) = answers.poll_expired() {
                        let first = all.iter().position(|request| request.3).unwrap();
                        prop_assert_eq!((expired.ticket, expired.conn), (Ticket(first as u64 + 1), all[first].0));
                        prop_assert!(all[first].2 <= now);
                        all[first].3 = false;
                    }
                }
            }
            prop_assert_eq!(answers.in_flight(), all.iter().filter(|request| request.3).count());
            let next = all.iter().filter(|request| request.3).map(|request| request.2).min();
            prop_assert_eq!(answers.poll_timeout(), next);
        }
    }
}
