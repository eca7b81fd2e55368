//! Calls in an odd order.

use super::*;

#[test]
fn of_calls_after_the_end_does_not_matter() {
    for end in [&b"\x88\x00"[..], b"\xff\xff"] {
        let mut decoder = Decoder::new(with_limits(CLIENT, |limits| {
            limits.max_buffered_chunks = 1;
        }));
        assert!(!matches!(
            decoder.poll_event(&mut end.to_vec(), &mut 0),
            Ok(None)
        ));
        assert!(decoder.is_finished());
        for _ in 0..3 {
            let mut at = 1;
            assert_eq!(decoder.handle_chunk(), Ok(()));
            assert_eq!(
                decoder.poll_event(&mut [0x81, 0, 0x81, 0], &mut at),
                Ok(None)
            );
            assert_eq!(at, 4);
        }
    }
}

#[test]
fn takes_a_position_beyond_the_chunk_as_its_end() {
    let (mut decoder, mut at) = (Decoder::new(CLIENT), 7);
    assert_eq!(decoder.poll_event(&mut [0x81, 0], &mut at), Ok(None));
    assert_eq!((at, decoder.is_idle()), (2, true));
}
