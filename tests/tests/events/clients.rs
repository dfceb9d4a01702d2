//! A client that stays up: of the async runtimes alone.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use wharf::framed::Lines;
use wharf::link::{Config, Framing, Target};
use wharf::service::client::{ClientConfig, Failure, State};
use wharf::service::schedule::Schedule;
use wharf_async_std::Client;
use wharf_tests::door::{Door, run};
use wharf_tests::log::Log;
use wharf_tests::on_every_door;

fn a_client_that_stays_up_tells_what_becomes_of_it<D: Door>() {
    let log = Log::alone();
    run::<D>(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::tcp("127.0.0.1", listener.local_addr().unwrap().port());
        let mut dialing = Config::client();
        dialing.framing = Framing::codec(Lines::new());
        let mut config = ClientConfig::default();
        config.schedule = Schedule::spaced(Duration::from_millis(5));
        (config.heartbeat, config.reply_timeout) =
            (Some(Duration::from_millis(50)), Some(Duration::from_millis(50)));
        let (client, _messages) = Client::connect_with::<D, _, _>(
            target,
            &Arc::new(dialing),
            config,
            |mut socket, again| async move {
                socket.send(if again { "a secret again" } else { "a secret" }).await?;
                Ok(socket)
            },
        )
        .unwrap();
        let mut watch = client.watch();
        assert!(watch.connected().await);
        drop(listener.accept().unwrap());
        // This one is never answered, and the one behind it is refused.
        let silent = listener.accept().unwrap();
        drop(listener);
        let refused = |state: &State| matches!(state.last_error, Some(Failure::Dial(_)));
        while !refused(&watch.changed().await.unwrap()) {}
        client.stop().await;
        drop(silent);
    });
    log.has(1, &["INFO", " connected", "target=tcp://127.0.0.1:"]);
    log.has(1, &["WARN", "connection lost", "target=tcp://127.0.0.1:"]);
    log.has(1, &["WARN", "reconnected", "target=tcp://127.0.0.1:"]);
    log.has(1, &["WARN", "heartbeat timeout", "target=tcp://127.0.0.1:"]);
    assert!(!log.lines(&["WARN", "retry"]).is_empty());
    log.has(1, &["INFO", "client stopped", "target=tcp://127.0.0.1:"]);
    log.has(0, &["secret"]);
}

on_every_door!({ a_client_that_stays_up_tells_what_becomes_of_it });
