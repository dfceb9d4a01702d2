use crate::http::{Headers, Request};
use crate::link::{Address, Admission, Config, Forwarding, Framing, Place, Refused};
use alloc::sync::Arc;
use proptest::prelude::*;
use std::vec::Vec;

const PEERS: [&str; 5] = ["192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1", "[2001:db8::2]:1", "unix:/a"];

fn peer(at: usize) -> Address {
    PEERS[at % PEERS.len()].parse().unwrap()
}

fn limited() -> Config {
    let mut config = Config::default();
    (config.max_connections, config.max_connections_per_address) = (5, Some(2));
    (config.max_handshakes, config.max_refusals) = (3, 2);
    config
}

#[test]
fn a_handshake_that_settles_or_rests_leaves_room_for_the_next() {
    let (mut admission, config) = (Admission::new(), limited());
    let mut places: Vec<Place> =
        (0..3).map(|_| admission.admit(&peer(4), &config, &config).unwrap()).collect();
    let told = admission.admit(&peer(4), &config, &config).unwrap();
    assert_eq!(told.refusal(), Some(Refused::TooManyHandshakes));
    admission.recount(&mut places[0], true);
    assert_eq!((admission.handshakes(), places[0].is_resting()), (2, true));
    admission.settle(&mut places[1]);
    // Once it is open, it is between no two requests.
    admission.recount(&mut places[1], false);
    admission.recount(&mut places[1], true);
    assert_eq!((admission.handshakes(), admission.connections(), admission.refusals()), (1, 3, 1));
    places.push(admission.admit(&peer(4), &config, &config).unwrap());
    assert_eq!(places[3].refusal(), None);
    // One that asks again is in one, even where there is no room for it.
    admission.recount(&mut places[0], false);
    places.push(admission.admit(&peer(4), &config, &config).unwrap());
    assert_eq!(places[4].refusal(), Some(Refused::TooManyHandshakes));
    for place in places.into_iter().chain([told]) {
        admission.leave(&peer(4), place);
    }
    assert_eq!((admission.handshakes(), admission.connections(), admission.refusals()), (0, 0, 0));
}

/// The limits of all together are one configuration's, whom to trust and what is spoken is another's.
#[test]
fn what_a_listener_speaks_lifts_no_limit_but_that_of_its_hops() {
    let (mut admission, limits) = (Admission::new(), limited());
    let forwarding = Arc::new(Forwarding::trusting(["192.0.2.1".parse().unwrap()]));
    let mut speaking = Config { forwarding: Some(forwarding), ..Config::default() };
    for _ in 0..3 {
        let mut place = admission.admit(&peer(0), &limits, &speaking).unwrap();
        admission.settle(&mut place);
        assert_eq!(place.refusal(), None);
    }
    for _ in 0..2 {
        assert_eq!(admission.admit(&peer(1), &limits, &speaking).unwrap().refusal(), None);
    }
    speaking.framing = Framing::codec(crate::framed::Lines::new());
    assert_eq!(admission.admit(&peer(2), &limits, &speaking).unwrap_err(), Refused::TooMany);
    assert_eq!(admission.stats().turned_away, 0);
}

#[test]
fn nobody_is_taken_nor_told_so_in_a_drain() {
    let (mut admission, config) = (Admission::new(), limited());
    admission.drain();
    assert_eq!(admission.admit(&peer(0), &config, &config).unwrap_err(), Refused::Draining);
    assert_eq!((admission.stats().refused, admission.stats().refused_draining), (1, 1));
}

fn fields(fields: &str) -> Headers {
    let head = std::format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    Request::parse(head.as_bytes()).unwrap().headers().clone()
}

/// Each request is one client's, so the hop that brings it is no reason to do without the limit of an address.
#[test]
fn behind_an_http_server_the_client_counts_that_a_trusted_hop_names() {
    let (mut admission, mut config) = (Admission::new(), limited());
    config.forwarding = Some(Arc::new(Forwarding::trusting(["192.0.2.1".parse().unwrap()])));
    let (hop, other) = (peer(0), peer(1));
    let named = |at: u8| fields(&std::format!("X-Forwarded-For: 203.0.113.{at}\r\n"));
    let mut places = Vec::new();
    for (peer, headers, expected) in [
        (&hop, named(7), Ok("203.0.113.7:0")),
        (&hop, named(7), Ok("203.0.113.7:0")),
        (&hop, named(7), Err(Refused::TooManyFromAddress)),
        (&hop, named(8), Ok("203.0.113.8:0")),
        (&hop, fields(""), Ok("192.0.2.1:0")),
        // Who is not trusted is himself, whatever he says.
        (&other, named(9), Ok("192.0.2.2:1")),
        (&other, named(10), Err(Refused::TooMany)),
    ] {
        let admitted = admission.admit_request(Some(peer), &headers, &config, &config);
        let source = admitted.as_ref().map(|(_, source)| source.clone()).map_err(|refused| *refused);
        assert_eq!(source, expected.map(|source| source.parse().unwrap()));
        if let Ok((mut place, source)) = admitted {
            admission.settle(&mut place);
            places.push((place, source));
        }
    }
    let stats = admission.stats();
    assert_eq!((stats.accepted, stats.refused, stats.turned_away, admission.refusals()), (5, 2, 2, 0));
    for (place, source) in places {
        admission.leave(&source, place);
    }
    assert_eq!(admission.connections(), 0);
    let again = admission.admit_request(Some(&hop), &named(7), &config, &config);
    assert_eq!(again.unwrap().0.refusal(), None);
}

/// An HTTP server that tells no address would have the limit of an address be none, and each client a trusted hop or none.
#[test]
fn behind_an_http_server_that_tells_no_address_a_limit_is_not_forgotten() {
    let (mut admission, mut config) = (Admission::new(), Config::default());
    let fields = fields("X-Forwarded-For: 203.0.113.7\r\n");
    assert!(admission.admit_request(None, &fields, &config, &config).is_ok());
    let limits = limited();
    assert_eq!(admission.admit_request(None, &fields, &limits, &config).unwrap_err(), Refused::NoAddress);
    config.forwarding = Some(Arc::new(Forwarding { trust_unix: true, ..Forwarding::default() }));
    let refused = admission.admit_request(None, &fields, &config, &config).unwrap_err();
    assert_eq!((refused, admission.stats().refused), (Refused::NoAddress, 2));
    assert_eq!(refused.response(config.retry_after).status(), 500);
}

/// A place that is another's is a mistake of the program, by which nothing falls over.
#[test]
fn a_place_of_another_admission_takes_no_more_than_there_is() {
    let (mut one, mut other, config) = (Admission::new(), Admission::new(), limited());
    let place = one.admit(&peer(0), &config, &config).unwrap();
    other.leave(&peer(0), place);
    assert_eq!((other.connections(), other.handshakes(), one.connections()), (0, 0, 1));
}

proptest! {
    /// No limit is passed, whatever comes and goes, and nothing is left of those who are gone.
    #[test]
    fn no_place_is_lost_or_given_twice(acts in proptest::collection::vec((0..4_u8, 0..16_usize), 0..200)) {
        let (mut admission, config) = (Admission::new(), limited());
        let mut places: Vec<(usize, Place)> = Vec::new();
        let mut asked = 0;
        for (act, at) in acts {
            let known = at % places.len().max(1);
            match act {
                0 => {
                    asked += 1;
                    places.extend(admission.admit(&peer(at), &config, &config).ok().map(|place| (at, place)));
                }
                1 if !places.is_empty() => {
                    let (at, place) = places.swap_remove(known);
                    admission.leave(&peer(at), place);
                }
                2 if !places.is_empty() => admission.settle(&mut places[known].1),
                3 if !places.is_empty() => {
                    let is_resting = places[known].1.is_resting();
                    admission.recount(&mut places[known].1, !is_resting);
                }
                _ => {}
            }
            let taken: Vec<usize> =
                places.iter().filter(|(_, place)| place.refusal().is_none()).map(|(at, _)| at % PEERS.len()).collect();
            prop_assert_eq!(admission.connections(), taken.len());
            prop_assert_eq!(admission.refusals(), places.len() - taken.len());
            prop_assert!(taken.len() <= config.max_connections && admission.refusals() <= config.max_refusals);
            let of = |whose: &[usize]| taken.iter().filter(|at| whose.contains(at)).count();
            prop_assert!(of(&[0]) <= 2 && of(&[1]) <= 2 && of(&[2, 3]) <= 2);
            let stats = admission.stats();
            let reasons = stats.refused_full + stats.refused_address + stats.refused_handshakes;
            prop_assert_eq!((stats.accepted + stats.refused, reasons), (asked, stats.refused));
        }
        for (at, place) in places {
            admission.leave(&peer(at), place);
        }
        let counts = (admission.connections(), admission.handshakes(), admission.refusals());
        prop_assert_eq!(counts, (0, 0, 0));
        let left = std::format!("{admission:?}");
        prop_assert!(left.contains("addresses: {}"), "{}", left);
    }
}
