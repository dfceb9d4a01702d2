use wharf::{base::{Input, Instant, Wall}, link::{Event, Link}};

fn echo(mut peer: impl std::io::Read + std::io::Write, now: impl Fn() -> Instant) -> std::io::Result<()> {
    let (mut link, mut bytes) = (Link::server(now(), Wall::default(), &Default::default()), [0; 65536]);
    while let n @ 1.. = if link.wants().read { peer.read(&mut bytes)? } else { 0 } {
        let (mut input, mut out) = (Input::new(&mut bytes[..n]), Vec::new());
        while let Some(event) = link.receive(now(), &mut input) {
            if let Event::Request(_) = event { link.accept(now(), &Default::default()).unwrap() }
            else if let Event::Message(message) = event { link.send(now(), message).unwrap(); }
            link.output(now()).drain_into(&mut out);
        }
        link.output(now()).drain_into(&mut out);
        peer.write_all(&out)?;
    }
    Ok(())
}
