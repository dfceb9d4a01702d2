//! The example of typed frames does what it says.

#[allow(dead_code)]
#[path = "../../examples/typed_frames.rs"]
mod typed_frames;

use wharf::base::Message;

#[tokio::test]
async fn every_type_is_a_message() {
    let heard = typed_frames::talk().await.unwrap();
    let expected = [(1, &b"are you there?"[..]), (2, b"HELLO"), (0, b"no such type: 77")]
        .map(|(t, p)| Message::typed(t, p));
    assert_eq!(heard, expected);
}
