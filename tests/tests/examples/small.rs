//! The examples of requests, of a message loop and of streams do what they say, on each runtime.

#[allow(dead_code)]
#[path = "../../examples/message_loop.rs"]
mod message_loop;
#[allow(dead_code)]
#[path = "../../examples/requests.rs"]
mod requests;
#[allow(dead_code)]
#[path = "../../examples/streams.rs"]
mod streams;

use message_loop::Advice;
use wharf_cli::runner::RuntimeKind;

fn requests_are_answered_refused_and_given_up(runtime: RuntimeKind) {
    let expected = [
        "Divide(7, 0): by_zero: nothing can be divided by 0",
        "Add(2, 3) = 5",
        "Divide(42, 6) = 7",
        "Ponder: no reply in time",
    ];
    assert_eq!(requests::talk(runtime).unwrap(), expected);
}

fn a_message_loop_goes_on_after_what_is_no_message(runtime: RuntimeKind) {
    let invalid = |reason: &str| Advice::Invalid(reason.into());
    let expected = [
        Advice::Cool { by: 6.5 },
        invalid("JSON of another shape at line 1 column 36"),
        invalid("not JSON at line 1 column 13"),
        Advice::Cool { by: 1.0 },
    ];
    assert_eq!(message_loop::talk(runtime).unwrap(), expected);
}

fn a_slow_consumer_holds_its_own_source_up_and_loses_nothing(runtime: RuntimeKind) {
    let streams::Report { held_up_at, taken } = streams::flow(runtime).unwrap();
    assert!(held_up_at < streams::READINGS / 2, "{held_up_at} readings wait somewhere");
    for taken in taken {
        assert!(taken.into_iter().eq((0..streams::READINGS).filter(|number| !streams::is_noise(*number))));
    }
}

wharf_tests::on_every_runtime!({
    a_slow_consumer_holds_its_own_source_up_and_loses_nothing
    requests_are_answered_refused_and_given_up
    a_message_loop_goes_on_after_what_is_no_message
});
