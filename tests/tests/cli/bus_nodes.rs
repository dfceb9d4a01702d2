//! Several `wharf bus` on one database.

use super::bus::{Service, dead, dead_letters, sold, start};
use super::{RUNTIMES, complains};
use wharf_tests::folder::Folder;
use wharf_tests::postgres::{PASSWORD, Postgres};
use wharf_tests::program::run;

#[test]
fn what_one_bus_accepts_another_one_delivers() {
    let Some(server) = Postgres::shared("what_one_bus_accepts") else { return };
    let database = server.database();
    for (at, runtime) in RUNTIMES.into_iter().enumerate() {
        let [(one, [at_one, _]), (other, [at_other, _])] =
            [0, 1].map(|_| start(&database, &["--runtime", runtime, "--heartbeat", "0.5"]));
        let (shop, mail) = (format!("shop-{at}"), format!("mail-{at}"));
        let mut seller = Service::registered(&at_one, &shop, 0);
        let mut reader = Service::registered(&at_other, &mail, 0);
        seller.sell_as(&shop, "m-1", &mail);
        assert_eq!(reader.hear(), sold("m-1", &mail, 0).replace("\"shop\"", &format!("\"{shop}\"")));
        // It comes to another bus while it is registered, without an acknowledgement: what it was handed comes again.
        let mut moved = Service::connect(&at_one);
        moved.say(&format!(r#"{{"type":"register","serviceId":"{mail}"}}"#));
        assert!(reader.hear().contains(r#""reason":"replaced""#), "{runtime}");
        assert_eq!(reader.hear(), "", "{runtime}");
        assert_eq!(moved.hear(), format!(r#"{{"type":"registered","serviceId":"{mail}","pending":1}}"#));
        assert!(moved.hear().contains(r#""id":"m-1""#), "{runtime}");
        // A bus that ends gives its services up at once: no lease is waited for.
        one.signal("TERM");
        assert_eq!((moved.hear(), seller.hear()), Default::default(), "{runtime}");
        drop((moved, seller, reader));
        let ended = one.wait();
        assert_eq!(ended.code, Some(0), "{runtime} {ended:?}");
        let mut reader = Service::registered(&at_other, &mail, 1);
        assert!(reader.hear().contains(r#""id":"m-1""#), "{runtime}");
        reader.say(r#"{"type":"ack","messageId":"m-1"}"#);
        let mut seller = Service::registered(&at_other, &shop, 0);
        // The same again is no other, wherever it was sent first.
        seller.sell_as(&shop, "m-1", &mail);
        seller.sell_as(&shop, "m-2", &mail);
        assert!(reader.hear().contains(r#""id":"m-2""#), "{runtime}");
        reader.say(r#"{"type":"ack","messageId":"m-2"}"#);
        reader.say(r#"{"type":"ack","messageId":"m-3"}"#);
        assert!(reader.hear().contains("unknown message"), "{runtime}");
        other.signal("TERM");
        drop((seller, reader));
        let ended = other.wait();
        assert_eq!(ended.code, Some(0), "{runtime} {ended:?}");
    }
    assert_eq!(server.sql(&database, "SELECT count(*) FROM bus_messages"), "0");
    assert_eq!(server.sql(&database, "SELECT count(*) FROM bus_nodes WHERE is_in"), "0");
}

#[test]
fn dead_letters_in_a_database_are_listed_shown_requeued_and_purged() {
    let Some(server) = Postgres::shared("dead_letters_in_a_database") else { return };
    dead_letters(&server.database());
    let empty = server.database();
    complains(&dead(&empty, &["list"]), 1, &["there is no bus in it"]);
    complains(&dead(&empty, &["purge", "--all"]), 1, &["there is no bus in it"]);
}

#[test]
fn a_database_that_is_not_there_is_one_line_and_its_password_in_none() {
    let url = "postgres://wharf:s3cret@127.0.0.1:1/bus";
    let ended = run(["bus", "--listen", "tcp://127.0.0.1:0", "--journal", url]);
    complains(&ended, 1, &["--journal postgres://wharf@127.0.0.1:1/bus", "refused"]);
    assert!(!format!("{ended:?}").contains("s3cret"), "{ended:?}");
    let folder = Folder::new();
    let listen = ["bus", "--listen", "tcp://127.0.0.1:0", "--lease", "5", "--journal"];
    let file = folder.path("bus.db");
    complains(&run(listen.into_iter().chain([file.as_str()])), 2, &["--lease"]);
    let short = ["bus", "--listen", "tcp://127.0.0.1:0", "--lease", "0.5", "--journal", url];
    complains(&run(short), 2, &["--lease", "at least 1 s"]);
}

#[test]
fn a_bus_ends_in_order_while_its_database_is_away() {
    let Some(mut server) = Postgres::start("a_bus_ends_in_order") else { return };
    let database = server.database();
    // An async one, and the loop.
    for runtime in [RUNTIMES[0], RUNTIMES[3]] {
        let (bus, [tcp, ws]) = start(&database, &["--runtime", runtime]);
        let mut shop = Service::registered(&tcp, "shop", 0);
        shop.sell(&format!("m-{runtime}"), "mail");
        server.kill();
        let told = bus.complaint_with("the database is away");
        assert!(!told.contains(PASSWORD), "{told}");
        let mut peer = wharf_tests::adapter::Peer::connect(ws.parse::<wharf::link::Address>().unwrap());
        peer.ask("/status", false);
        let (status, body) = peer.answer();
        assert!(status == 200 && body.contains(r#""accepted":1"#), "{runtime} {body}");
        assert!(body.contains(r#""awaySince":"20"#), "{runtime} {body}");
        bus.signal("TERM");
        assert_eq!(shop.hear(), "", "{runtime}");
        drop((shop, peer));
        let ended = bus.wait();
        assert_eq!(ended.code, Some(0), "{runtime} {ended:?}");
        server.restart();
    }
}
