//! README's programs, letter for letter, do what is said of them. The server that stands between them runs by
//! `tests/scripts/first_server.py`.

mod pure_echo {
    include!("pure_echo.rs");

    pub(super) fn run(peer: std::net::TcpStream, now: impl Fn() -> Instant) -> std::io::Result<()> {
        echo(peer, now)
    }
}

mod staying_up {
    include!("staying_up.rs");

    pub(super) async fn run(url: &str) -> Result<(), Box<dyn std::error::Error>> {
        tell(url).await
    }
}

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::{fs, thread};
use wharf::base::Instant;
use wharf_tests::adapter::Peer;
use wharf_tests::code_block::code_blocks;
use wharf_tests::door::run;
use wharf_tests::wire::first;
use wharf_tokio::{Error, Socket, Tokio, bind, serve};

#[test]
fn they_are_those_of_the_readme() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(tests.join("../README.md")).unwrap();
    let programs = ["pure_echo", "staying_up"].map(|name| {
        fs::read_to_string(tests.join(format!("tests/examples/readme_programs/{name}.rs"))).unwrap()
    });
    assert_eq!(code_blocks(&readme, "rust"), programs);
}

#[test]
fn an_echo_without_a_runtime_echoes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let begin = std::time::Instant::now();
        let (stream, _) = listener.accept().unwrap();
        pure_echo::run(stream, || Instant::ORIGIN + begin.elapsed()).unwrap();
    });
    let mut peer = Peer::open(address);
    for text in ["ahoy", "", &"long ".repeat(100_000)] {
        peer.send(first::TEXT, text.as_bytes());
        assert_eq!(peer.frame().unwrap().payload, text.as_bytes());
    }
    peer.close(1000);
    assert_eq!(peer.closed(), 1000);
    peer.rest();
    serving.join().unwrap();
}

#[test]
fn a_client_that_stays_up_says_who_it_is_and_what_it_has_to_say() {
    run::<Tokio>(async {
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let ears = heard.clone();
        let server =
            serve(bind(([127, 0, 0, 1], 0)).await.unwrap(), Arc::default(), move |mut socket: Socket| {
                let ears = ears.clone();
                async move {
                    while let Some(message) = socket.next().await {
                        ears.lock().unwrap().extend(message?.as_text().map(str::to_owned));
                    }
                    Ok::<_, Error>(())
                }
            });
        staying_up::run(&format!("ws://{}/", server.local_addr())).await.unwrap();
        server.drain().await;
        assert_eq!(*heard.lock().unwrap(), ["login", "important"]);
    });
}
