//! How a stop treats what is on its way.

use super::driver::Driver;
use crate::service::client::{ClientConfig, Fate, Stopped};

#[test]
fn what_the_connection_has_goes_out_before_the_end_and_the_rest_comes_back() {
    let mut driver = Driver::new(ClientConfig { window: 1, ..Default::default() });
    driver.open();
    let [given, waits] = ["given", "waits"].map(|text| driver.send(text, false).unwrap());
    let wants_word = driver.send("acknowledged", true).unwrap();
    driver.stop();
    assert!(matches!(driver.fates.get(&waits), Some(Fate::Unsent { .. })));
    assert!(matches!(driver.fates.get(&wants_word), Some(Fate::Unsent { .. })));
    assert_eq!((driver.fates.get(&given), driver.stopped()), (None, None));
    driver.write(100);
    assert_eq!(driver.fates.get(&given), Some(&Fate::Written));
    driver.bury();
    assert_eq!(driver.stopped(), Some(&Stopped::Asked));
}

#[test]
fn an_acknowledgement_may_still_come_while_it_closes() {
    let mut driver = Driver::new(ClientConfig::default());
    driver.open();
    let [soon, never] = ["soon", "never"].map(|text| driver.send(text, true).unwrap());
    driver.write(100);
    driver.stop();
    driver.acknowledge(soon);
    driver.bury();
    assert_eq!(driver.fates.get(&soon), Some(&Fate::Acknowledged));
    assert!(matches!(driver.fates.get(&never), Some(Fate::Unknown { .. })));
}
