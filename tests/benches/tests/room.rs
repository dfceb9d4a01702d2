//! The load of a room, against the chat itself.
#![forbid(unsafe_code)]

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use wharf::base::Entropy;
use wharf::link::Address;
use wharf::service::history::Memory;
use wharf_benches::room::crowd::{Crowd, Talk};
use wharf_cli::chat::access::Access;
use wharf_cli::chat::{ChatService, Limits};
use wharf_cli::runner::{Control, Listen, RuntimeKind, run_with};

const PEOPLE: usize = 20;
const IDLERS: usize = 2;

#[test]
fn all_who_read_hear_every_message_and_those_who_do_not_are_no_trouble() {
    let (control, controls) = async_channel::bounded(1);
    let (tell, told) = mpsc::channel();
    let chat = thread::spawn(move || {
        let service = ChatService::new(Access::default(), Limits::default(), Entropy::from_seed([7; 32]));
        let config = Arc::new(ChatService::config(&Limits::default(), None));
        let listen = [Listen::from(Address::from(([127, 0, 0, 1], 0)))];
        let mut memory = Memory::new(1000);
        let listening = |address: &Address| tell.send(address.tcp().unwrap()).unwrap();
        let carry_out = move |ask| Ok(memory.carry_out(&ask));
        run_with(RuntimeKind::Mio, &listen, service, &config, &controls, listening, carry_out)
    });
    let talk = Talk { senders: 3, interval: Duration::from_millis(10), size: 100 };
    let mut crowd = Crowd::gather(told.recv().unwrap(), PEOPLE, IDLERS, talk).unwrap();
    assert_eq!(crowd.readers(), PEOPLE - IDLERS);
    crowd.talk(5).unwrap();
    crowd.begin_measuring(20);
    crowd.talk(20).unwrap();
    crowd.hear_all().unwrap();
    assert_eq!(crowd.heard().deliveries(), 25 * (PEOPLE - IDLERS));
    assert_eq!(crowd.heard().left(), 0);
    assert_eq!(crowd.into_delays().len(), 20 * (PEOPLE - IDLERS));
    control.send_blocking(Control::Drain).unwrap();
    chat.join().unwrap().unwrap();
}
