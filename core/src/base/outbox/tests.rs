use super::*;
use crate::base::Scratch;

const NOW: Instant = Instant::ORIGIN;

fn contents(outbox: &Outbox) -> Vec<u8> {
    let mut slices: [&[u8]; 16] = [&[]; 16];
    let n = outbox.slices(&mut slices);
    slices[..n].concat()
}

fn filled() -> Outbox {
    let mut outbox = Outbox::new();
    outbox.cork(NOW).extend_from_slice(b"ab");
    outbox.push_shared(NOW, Bytes::from_static(b"CDE"));
    outbox.push_shared(NOW, Bytes::from_static(b"F"));
    outbox.cork(NOW).extend_from_slice(b"gh");
    outbox
}

#[test]
fn any_steps_write_the_same() {
    for first in 0..=8 {
        for second in 0..=8 - first {
            let mut outbox = filled();
            outbox.advance(NOW, first);
            assert_eq!(contents(&outbox), b"abCDEFgh"[first..]);
            let mut scratch = Scratch::new();
            outbox.reclaim(&mut scratch);
            outbox.lend(&mut scratch);
            outbox.advance(NOW, second);
            assert_eq!(contents(&outbox), b"abCDEFgh"[first + second..]);
            assert_eq!(outbox.len(), 8 - first - second);
        }
    }
}

#[test]
fn control_frames_step_in_at_boundaries() {
    let mut outbox = Outbox::new();
    outbox.cork(NOW).extend_from_slice(&[b'a'; Outbox::BOUNDARY]);
    outbox.mark_boundary();
    outbox.cork(NOW).extend_from_slice(b"bc");
    outbox.push_shared(NOW, Bytes::from_static(b"DE"));
    outbox.mark_boundary();
    outbox.cork(NOW).extend_from_slice(b"f");
    let mut slices: [&[u8]; 9] = [&[]; 9];
    assert_eq!(outbox.slices(&mut slices), 3);
    outbox.advance(NOW, 1);
    outbox.insert_at_boundary(NOW, b"1");
    outbox.insert_at_boundary(NOW, b"2");
    outbox.advance(NOW, Outbox::BOUNDARY - 2);
    assert_eq!(contents(&outbox), b"a12bcDEf");
    outbox.advance(NOW, 4);
    assert_eq!(contents(&outbox), b"cDEf");
    outbox.insert_at_boundary(NOW, b"3");
    assert_eq!(contents(&outbox), b"cDE3f");
    outbox.advance(NOW, 4);
    outbox.insert_at_boundary(NOW, b"4");
    assert_eq!(contents(&outbox), b"4f");
}

/// A queue that is never quite empty, as under a steady broadcast to a slow reader.
#[test]
fn what_was_written_does_not_stay() {
    let mut outbox = Outbox::new();
    outbox.cork(NOW).push(0);
    let mut last = 0;
    for i in 0..10_000_u32 {
        outbox.mark_boundary();
        let piece = [i as u8; 100];
        outbox.cork(NOW).extend_from_slice(&piece);
        assert_eq!(contents(&outbox)[0], last);
        outbox.advance(NOW, 100);
        last = i as u8;
    }
    assert_eq!(contents(&outbox), [last]);
    assert!(outbox.cork.capacity() <= 64 * 1024, "{} bytes are kept", outbox.cork.capacity());
}

#[test]
fn drained_and_reclaimed_owns_no_heap() {
    let (mut outbox, mut scratch) = (filled(), Scratch::new());
    outbox.advance(NOW, 99);
    outbox.reclaim(&mut scratch);
    assert_eq!((outbox.cork.capacity(), outbox.references.capacity()), (0, 0));
    assert!(scratch.capacity() > 0);
}

#[test]
fn what_is_queued_outside_of_a_turn_makes_one_buffer_of_its_size() {
    let mut outbox = Outbox::new();
    let cork = outbox.cork_behind(NOW, 0, 20);
    let buffer = cork.as_ptr();
    cork.extend_from_slice(&[7; 4]);
    cork.extend_from_slice(&[7; 16]);
    assert_eq!((cork.as_ptr(), cork.capacity()), (buffer, 20));
    // In a turn it has the thread's, and as much of that as there is.
    let (mut outbox, mut scratch) = (Outbox::new(), Scratch::new());
    scratch.cork.reserve_exact(8);
    outbox.lend(&mut scratch);
    assert_eq!(outbox.cork_behind(NOW, 0, 20).capacity(), 8);
}
