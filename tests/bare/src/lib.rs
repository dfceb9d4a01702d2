//! A program with nothing around it. A program has one panic handler; std brings its own, so a crate below that linked
//! std would make this one fail to compile (`duplicate lang item`).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use core::panic::PanicInfo;
use wharf::base::{CloseCode, Entropy, Input, Instant, Message, Wall};
use wharf::link::{Config, Event, Link};

#[cfg(target_family = "wasm")]
#[global_allocator]
static MEMORY: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// The letters that come back of `ahoy`, over a WebSocket from its opening to its close, at a time and with
/// randomness that the caller makes up; 0 if anything went wrong.
pub extern "C" fn letters_echoed(nanoseconds: u64, seed: u8) -> u32 {
    let (now, wall, config) = (Instant::from_nanos(nanoseconds), Wall::default(), Config::default().into());
    let Ok(target) = "ws://localhost/".parse() else { return 0 };
    let Ok(mut client) = Link::client(now, wall, &config, &target, Entropy::from_seed([seed; 32])) else {
        return 0;
    };
    let mut server = Link::server(now, wall, &config);
    let (mut letters, mut clean) = (0, false);
    for _ in 0..4 {
        let mut wire = alloc::vec::Vec::new();
        client.output(now).drain_into(&mut wire);
        let mut input = Input::new(&mut wire);
        while let Some(event) = server.receive(now, &mut input) {
            match event {
                Event::Request(_) => drop(server.accept(now, &Default::default())),
                Event::Message(message) => drop(server.send(now, message)),
                _ => {}
            }
        }
        let mut wire = alloc::vec::Vec::new();
        server.output(now).drain_into(&mut wire);
        let mut input = Input::new(&mut wire);
        while let Some(event) = client.receive(now, &mut input) {
            match event {
                Event::Opened(_) => drop(client.send(now, Message::text("ahoy"))),
                Event::Message(message) => {
                    letters += message.payload().len() as u32;
                    let _ = client.close(now, CloseCode::NORMAL, "");
                }
                Event::Closed(closed) => clean = closed.is_clean(),
                _ => {}
            }
        }
    }
    if clean { letters } else { 0 }
}
