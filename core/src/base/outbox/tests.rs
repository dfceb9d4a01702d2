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

/// A queue of so many bytes that are copied.
fn corked(len: usize) -> Outbox {
    let mut outbox = Outbox::new();
    outbox.cork(NOW).resize(len, 0);
    outbox
}

#[test]
fn boundaries_are_marked_at_the_first_frame_behind_their_distance() {
    let (mut outbox, step) = (corked(200), Outbox::BOUNDARY);
    outbox.advance(NOW, 100);
    let places = |outbox: &Outbox| Vec::from_iter(outbox.references.iter().map(|r| r.at));
    for begin in [200, step + 99, step + 100, step + 101, 2 * step + 99, 2 * step + 100, 3 * step + 100] {
        outbox.cork(NOW).resize(begin, 0);
        outbox.mark_boundary();
    }
    assert_eq!(places(&outbox), [step + 100, 2 * step + 100, 3 * step + 100]);
    // A frame behind what is referenced may be stepped in before only where that ends, or as far from there.
    let end = 3 * step + 110;
    outbox.cork(NOW).resize(end, 0);
    outbox.push_shared(NOW, Bytes::from_static(b"x"));
    outbox.cork(NOW).push(0);
    outbox.mark_boundary();
    outbox.cork(NOW).resize(end + step, 0);
    outbox.mark_boundary();
    assert_eq!(places(&outbox)[3..], [end, end + step]);
    outbox.advance(NOW, outbox.len());
    assert!(outbox.references.is_empty());
}

#[test]
fn what_steps_in_counts_and_is_known_to_be_written() {
    let mut outbox = corked(Outbox::BOUNDARY);
    assert!(outbox.has_written_inserted());
    outbox.mark_boundary();
    outbox.cork(NOW).extend_from_slice(b"abc");
    outbox.insert_at_boundary(NOW, b"ping");
    assert_eq!(outbox.len(), Outbox::BOUNDARY + 7);
    outbox.advance(NOW, Outbox::BOUNDARY + 6);
    assert!(!outbox.has_written_inserted());
    outbox.advance(NOW, 1);
    assert!(outbox.has_written_inserted());
}

#[test]
fn progress_is_what_leaves_or_comes_into_nothing() {
    let at = Instant::from_nanos;
    let mut outbox = Outbox::new();
    outbox.cork(at(1)).push(0);
    outbox.cork(at(2)).push(0);
    outbox.push_shared(at(3), Bytes::from_static(b"ab"));
    outbox.advance(at(4), 0);
    assert_eq!((outbox.progress(), outbox.written()), (at(1), 0));
    outbox.advance(at(5), 2);
    outbox.advance(at(6), 1);
    assert_eq!((outbox.progress(), outbox.written(), outbox.queued_to()), (at(6), 3, 4));
    outbox.advance(at(7), 9);
    outbox.push_own(at(8), Vec::from(*b"c"));
    assert_eq!((outbox.progress(), outbox.written(), outbox.queued_to()), (at(8), 4, 5));
}

#[test]
fn what_is_sealed_counts_as_unwritten_until_it_is_credited() {
    let (mut outbox, at) = (filled(), Instant::from_nanos);
    outbox.seal(3);
    outbox.seal(2);
    assert_eq!((outbox.len(), &contents(&outbox)[..]), (8, &b"Fgh"[..]));
    outbox.credit(at(1), 0, 0);
    assert_eq!(outbox.progress(), NOW);
    outbox.credit(at(2), 1, 0);
    assert_eq!((outbox.progress(), outbox.len(), outbox.written()), (at(2), 8, 0));
    outbox.credit(at(3), 9, 2);
    outbox.credit(at(4), 9, 2);
    assert_eq!((outbox.len(), outbox.written(), outbox.queued_to()), (4, 4, 8));
    outbox.seal(99);
    assert!(contents(&outbox).is_empty());
    outbox.credit(at(5), 9, 99);
    assert_eq!((outbox.len(), outbox.written()), (0, 8));
}

#[test]
fn what_is_given_up_is_all_but_what_is_in_flight_and_what_was_counted() {
    let (mut outbox, mut scratch, later) = (filled(), Scratch::new(), Instant::from_nanos(7));
    outbox.lend(&mut scratch);
    outbox.insert_at_boundary(NOW, b"pong");
    outbox.advance(later, 1);
    outbox.seal(2);
    outbox.clear();
    assert_eq!((outbox.len(), outbox.written(), outbox.progress()), (2, 1, later));
    assert!(contents(&outbox).is_empty() && outbox.spares().is_some() && !outbox.has_written_inserted());
    outbox.credit(later, 9, 2);
    assert_eq!((outbox.len(), outbox.written()), (0, 3));
}

#[test]
fn fewer_places_than_pieces_show_the_first_pieces() {
    let outbox = filled();
    for places in 0..4 {
        let mut slices = [&b""[..]; 4];
        assert_eq!(outbox.slices(&mut slices[..places]), places);
        assert_eq!(slices[..places], [&b"ab"[..], b"CDE", b"F"][..places]);
    }
    assert_eq!(corked(0).slices(&mut [&[]]), 0);
}

/// Else a queue of many small frames would cost the square of them.
#[test]
fn no_more_is_moved_than_was_written() {
    let mut small = corked(100);
    small.advance(NOW, 99);
    assert_eq!(small.head, 99);
    let mut outbox = corked(3 * Outbox::WRITTEN);
    for (n, head) in
        [(Outbox::WRITTEN, Outbox::WRITTEN), (Outbox::WRITTEN / 2, Outbox::WRITTEN / 2 * 3), (1, 0)]
    {
        outbox.advance(NOW, n);
        assert_eq!(outbox.head, head);
    }
    let mut least = corked(Outbox::WRITTEN + 1);
    least.advance(NOW, Outbox::WRITTEN);
    assert_eq!((least.head, least.cork.len()), (0, 1));
}

#[test]
fn a_message_is_gathered_in_a_buffer_that_was_written() {
    let (mut outbox, mut scratch) = (Outbox::new(), Scratch::new());
    assert_eq!(outbox.take_buffer(100).capacity(), 100);
    outbox.lend(&mut scratch);
    for (capacity, suits) in [(200, true), (201, false), (99, false)] {
        let mut buffer = Vec::with_capacity(capacity);
        buffer.push(7);
        outbox.push_own(NOW, buffer);
        outbox.advance(NOW, 1);
        let taken = outbox.take_buffer(100);
        assert_eq!((taken.len(), taken.capacity()), (100, if suits { capacity } else { 100 }));
    }
}

#[test]
fn masks_are_of_ones_own_stream_in_a_turn_and_outside_of_one() {
    let mut scratch = Scratch::new();
    let mut all =
        [1, 2].map(|seed| (Outbox::new(), Entropy::from_seed([seed; 32]), Entropy::from_seed([seed; 32])));
    for _ in 0..3 {
        for (outbox, entropy, same) in &mut all {
            outbox.lend(&mut scratch);
            outbox.bind_masks(entropy);
            assert_eq!(outbox.next_mask(entropy), same.bytes::<4>());
            outbox.reclaim(&mut scratch);
            assert!(scratch.spares.is_some());
            assert_eq!(outbox.next_mask(entropy), same.bytes::<4>());
        }
    }
    let [(outbox, ..), _] = &mut all;
    let mut scratch = Scratch::new();
    outbox.reclaim(&mut scratch);
    assert!(scratch.spares.is_none(), "what a client made for itself knows its masks");
}

/// What a turn leaves behind: the capacity of the cork, and of the scratch's.
fn left_of(capacity: usize, len: usize, written: usize) -> (usize, usize) {
    let (mut outbox, mut scratch) = (Outbox::new(), Scratch::new());
    scratch.cork.reserve_exact(capacity);
    outbox.lend(&mut scratch);
    outbox.cork(NOW).resize(len, 0);
    outbox.advance(NOW, written);
    outbox.reclaim(&mut scratch);
    assert_eq!(outbox.len(), len - written);
    (outbox.cork.capacity(), scratch.cork.capacity())
}

#[test]
fn what_is_not_written_stays_in_a_buffer_that_is_not_much_larger() {
    assert_eq!(left_of(200, 100, 0), (200, 0));
    assert_eq!(left_of(201, 100, 0), (100, 201));
    assert_eq!(left_of(100, 100, 49), (100, 0));
    assert_eq!(left_of(100, 100, 50), (50, 100));
    assert_eq!(left_of(Scratch::KEEP, 1, 0), (1, Scratch::KEEP));
    assert_eq!(left_of(Scratch::KEEP + 1, 1, 0), (1, 0));
    assert_eq!(left_of(Scratch::KEEP, 1, 1), (0, Scratch::KEEP));
    assert_eq!(left_of(Scratch::KEEP + 1, 1, 1), (0, 0));
}

#[test]
fn the_thread_keeps_the_larger_cork() {
    for (own, kept) in [(50, 80), (90, 90)] {
        let (mut outbox, mut scratch) = (Outbox::new(), Scratch::new());
        outbox.cork.reserve_exact(own);
        scratch.cork.reserve_exact(80);
        outbox.reclaim(&mut scratch);
        assert_eq!((outbox.cork.capacity(), scratch.cork.capacity()), (0, kept));
    }
}
