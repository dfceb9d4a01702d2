//! The example of two services on a bus does what it says, on each runtime.

#[allow(dead_code)]
#[path = "../../examples/bus_services/main.rs"]
mod bus_services;

use wharf_cli::runner::RuntimeKind;

fn what_is_sent_is_applied_though_the_bus_goes_away(runtime: RuntimeKind) {
    let expected = [
        "accepted before its receiver is there",
        "user-service looks ada up",
        "order-service hears that ada is 36",
        "user-service refuses user.delete",
        "it comes again, after 1 attempt",
        "stopped by the local program",
        "3 acknowledged since it came back",
    ];
    assert_eq!(bus_services::play(runtime).unwrap(), expected);
}

wharf_tests::on_every_runtime!({ what_is_sent_is_applied_though_the_bus_goes_away });
