//! Any steps at all.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Open(u32, bool),
    Close(u32),
    Say(u32, String),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let conn = 0..6u32;
    let room = prop::sample::select(vec!["general", "a", "b", "c"]);
    let kind = prop::sample::select(vec!["join", "leave", "message", "user_list", "name", "typing"]);
    let text = (kind, room).prop_map(|(kind, room)| {
        json!({"type": kind, "roomId": room, "content": "x", "name": room}).to_string()
    });
    prop_oneof![
        2 => (conn.clone(), any::<bool>()).prop_map(|(conn, auto)| Step::Open(conn, auto)),
        1 => conn.clone().prop_map(Step::Close),
        1 => (0..300u64).prop_map(Step::Pass),
        6 => (conn, text).prop_map(|(conn, text)| Step::Say(conn, text)),
    ]
}

proptest! {
    /// What each client hears is enough to know who is where, and the same steps are heard the same way.
    #[test]
    fn the_lists_are_right_whatever_happens(steps in prop::collection::vec(step(), 1..80)) {
        let mut all = Vec::new();
        for _ in 0..2 {
            let limits = Limits { rooms_per_user: 3, max_users: 5, ..Limits::default() };
            let mut site = Site::new(limits);
            for step in &steps {
                match step {
                    Step::Open(conn, auto) => site.open(*conn, *auto),
                    Step::Close(conn) => {
                        site.close(*conn);
                        site.heard.remove(conn);
                    }
                    Step::Say(conn, text) => site.say_text(*conn, text),
                    Step::Pass(millis) => site.pass(*millis),
                }
                prop_assert!(site.rooms.poll_timeout().is_none_or(|at| at > site.now));
            }
            for (conn, heard) in &site.heard {
                prop_assert_eq!(places_heard(heard), places(&site.rooms, *conn));
            }
            let members: usize = site.rooms.users.values().map(|user| user.places.len()).sum();
            prop_assert_eq!(members, site.rooms.list().map(|(_, n)| n).sum::<usize>());
            prop_assert!(site.rooms.list().all(|(id, n)| n > 0 || id == GENERAL));
            all.push((site.heard, site.closed));
        }
        prop_assert_eq!(&all[0], &all[1]);
    }
}

type Places = BTreeMap<String, Vec<String>>;

/// Who is where, as a client that heard all this knows it.
fn places_heard(heard: &[Value]) -> Places {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut places = Places::new();
    let mut me = String::new();
    for message in heard {
        let (room, user) = (text(&message["roomId"]), text(&message["userId"]));
        match message["type"].as_str() {
            Some("welcome") => (me, places) = (user, Places::new()),
            Some("user_list") => {
                let members = message["members"].as_array().into_iter().flatten();
                places.insert(room, members.map(|member| text(&member["userId"])).collect());
            }
            Some("join") if user != me => places.entry(room).or_default().push(user),
            Some("leave") if user == me => drop(places.remove(&room)),
            Some("leave") => places.entry(room).or_default().retain(|other| *other != user),
            _ => {}
        }
    }
    places
}

fn places(rooms: &Rooms<u32>, conn: u32) -> Places {
    let id = |member: &u32| rooms.users[member].id.to_string();
    let here = rooms.rooms.iter().filter(|(_, members)| members.contains(&conn));
    here.map(|(room, members)| (room.to_string(), members.iter().map(id).collect())).collect()
}
