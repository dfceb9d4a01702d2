//! The store of a bus's nodes in PostgreSQL: that it answers as the one in memory does, and what becomes of an ask whose connection,
//! server or node is lost; older, newer and foreign databases; damage; and what is never told.
#![forbid(unsafe_code)]

mod asks;
mod faults;
mod game;
mod node;
mod over;
mod wire;

use self::game::Game;
use wharf_tests::postgres::Postgres;
use wharf_tests::seeds::Seeds;

/// So many asks of a game, by up to four nodes.
const ASKS: usize = 400;

#[test]
fn it_answers_as_the_store_in_memory_does() {
    let Some(server) = Postgres::shared("it_answers_as_the_store_in_memory_does") else { return };
    for seed in Seeds::asked(3).first(usize::MAX) {
        let mut game = Game::new(&server.database(), seed);
        for _ in 0..ASKS {
            game.play();
        }
        game.finish();
    }
}
