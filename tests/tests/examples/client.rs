//! The example of a client that stays up does what it says, on each runtime.

#[allow(dead_code)]
#[path = "../../examples/client.rs"]
mod client;

use wharf_cli::runner::RuntimeKind;

fn what_is_said_while_the_server_is_away_arrives_when_it_is_back(runtime: RuntimeKind) {
    let expected = [
        "heard: hello",
        "sent while the server is away",
        "heard: hello again",
        "heard: waited",
        "connected again 1 time",
        "stopped by the local program",
    ];
    assert_eq!(client::play(runtime).unwrap(), expected);
}

wharf_tests::on_every_runtime!({ what_is_said_while_the_server_is_away_arrives_when_it_is_back });
