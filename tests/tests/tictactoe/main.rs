//! The example of tic-tac-toe: played in a simulated network whatever goes wrong, move by move under virtual time, and over
//! sockets on each runtime, by the same service.
#![forbid(unsafe_code)]

mod by_hand;
mod by_scripts;
#[allow(dead_code)]
#[path = "../../examples/tictactoe/main.rs"]
mod tictactoe;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use wharf::link::Address;

async fn heard(socket: &mut wharf_tokio::Socket) -> Result<String, Box<dyn std::error::Error>> {
    let message = socket.next().await.ok_or("the server hung up")??;
    Ok(message.as_text().ok_or("no text")?.to_owned())
}

/// Over sockets: three people, a game, one who comes back, a rematch.
async fn in_person(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut people = Vec::new();
    for _ in 0..3 {
        let mut socket = wharf_tokio::connect(url).await?;
        socket.send("join us").await?;
        let you = heard(&mut socket).await?;
        people.push((socket, you));
    }
    assert_eq!(people[2].1, "you watch");
    let key = people[0].1.strip_prefix("you X ").ok_or("not X")?.to_owned();
    let mut sockets: Vec<_> = people.into_iter().map(|(socket, _)| socket).collect();
    let mut watcher = sockets.pop().ok_or("nobody")?;
    // What they say on different connections has no order but by what they have heard.
    for (who, cell, answer) in [
        (0, 1, "board X........ turn O"),
        (1, 1, "error that cell is taken"),
        (1, 2, "board XO....... turn X"),
        (0, 4, "board XO.X..... turn O"),
        (1, 5, "board XO.XO.... turn X"),
        (0, 7, "board XO.XO.X.. won X"),
    ] {
        sockets[who].send(format!("move {cell}")).await?;
        while !heard(&mut sockets[who]).await?.starts_with(answer) {}
    }
    drop(sockets.remove(0));
    let mut seen = Vec::new();
    while seen.last().is_none_or(|text: &String| !text.contains("away")) {
        seen.push(heard(&mut watcher).await?);
    }
    assert_eq!(
        seen,
        [
            "board ......... turn X X:here O:here",
            "board X........ turn O X:here O:here",
            "board XO....... turn X X:here O:here",
            "board XO.X..... turn O X:here O:here",
            "board XO.XO.... turn X X:here O:here",
            "board XO.XO.X.. won X X:here O:here",
            "board XO.XO.X.. won X X:away O:here",
        ]
    );
    let mut back = wharf_tokio::connect(url).await?;
    back.send(format!("join us {key}")).await?;
    back.send("rematch").await?;
    sockets[0].send("rematch").await?;
    while !heard(&mut watcher).await?.starts_with("board ......... turn O") {}
    Ok(())
}

fn is_played_over_sockets(
    serve: impl FnOnce(std::net::SocketAddr, &dyn Fn(&Address)) -> std::io::Result<()>,
) {
    let until = |address: &Address| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = format!("ws://{address}/");
        let played = async { tokio::time::timeout(Duration::from_secs(60), in_person(&url)).await };
        runtime.block_on(played).expect("it comes to an end").unwrap();
        let mut browser = TcpStream::connect(address.to_string()).unwrap();
        browser.write_all(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        browser.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("join GAME"), "{answer}");
    };
    serve(([127, 0, 0, 1], 0).into(), &until).unwrap();
}

#[test]
fn over_sockets_on_tokio() {
    is_played_over_sockets(|listen, until| tictactoe::on_tokio::serve(listen, until));
}

#[test]
fn over_sockets_on_async_std() {
    is_played_over_sockets(|listen, until| tictactoe::on_async_std::serve(listen, until));
}

#[test]
fn over_sockets_on_mio() {
    is_played_over_sockets(|listen, until| tictactoe::on_mio::serve(listen, until));
}
