//! Tic-tac-toe for whoever comes, players and spectators: a service in one file (`games.rs`), the rules of a game
//! (`game.rs`), and what runs it on tokio, on async-std and on mio. `cargo run -p wharf-tests --example tictactoe -- mio`, then in
//! two terminals or more `wharf connect ws://127.0.0.1:9003/`, and say `join us`. A simulated network plays it in
//! `tests/tests/tictactoe`.

pub(crate) mod game;
pub(crate) mod games;
pub(crate) mod on_async_std;
pub(crate) mod on_mio;
pub(crate) mod on_tokio;

use wharf::link::Address;

fn main() -> std::io::Result<()> {
    let listen = ([127, 0, 0, 1], 9003).into();
    match std::env::args().nth(1).as_deref() {
        None | Some("tokio") => on_tokio::serve(listen, until_enter),
        Some("async-std") => on_async_std::serve(listen, until_enter),
        Some("mio") => on_mio::serve(listen, until_enter),
        Some(other) => Err(std::io::Error::other(format!("no runtime of ours: {other}"))),
    }
}

fn until_enter(address: &Address) {
    println!("listening on {address}; Enter ends it");
    let _ = std::io::stdin().read_line(&mut String::new());
}
