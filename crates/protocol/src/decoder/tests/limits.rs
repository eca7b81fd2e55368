//! `max_payload`, `max_fragments` and `max_buffered_chunks`.

use super::*;

#[test]
fn stop_a_message_at_the_header_that_goes_over_max_payload() {
    let config = with_limits(SERVER, |limits| limits.max_payload = 9);
    let too_long = ProtocolError::MessageTooLong;
    assert_eq!(error(config, b"\x82\x8a"), (too_long, 2));
    assert_eq!(error(config, b"\x82\xfe\x01\x00"), (too_long, 4));
    assert_eq!(
        error(config, b"\x82\xff\0\0\0\0\0\0\x01\x00"),
        (too_long, 10)
    );
    let fragments = b"\x02\x85\0\0\0\0abcde\x80\x85";
    assert_eq!(error(config, fragments), (too_long, fragments.len()));
}

#[test]
fn allow_exactly_max_payload_and_longer_control_frames() {
    let config = with_limits(CLIENT, |limits| limits.max_payload = 4);
    let stream = b"\x82\x04abcd\x02\x03abc\x89\x05hello\x00\x01d\x80\x00";
    let fragmented = message(MessageKind::Binary, b"abcd", &[3, 1]);
    assert_eq!(
        events(config, stream),
        [binary(b"abcd"), ping(b"hello"), fragmented]
    );
}

#[test]
fn cannot_be_outrun_by_lengths_that_overflow() {
    let config = with_limits(CLIENT, |limits| limits.max_payload = u64::MAX);
    let stream = b"\x02\x01a\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff";
    let (error, _) = error(config, stream);
    assert_eq!(error, ProtocolError::UnsupportedPayloadLength(u64::MAX));
}

#[test]
fn count_frames_when_their_payload_is_there() {
    let config = with_limits(CLIENT, |limits| limits.max_fragments = 2);
    let too_many = ProtocolError::TooManyFragments;
    assert_eq!(
        error(config, b"\x02\x01a\x00\x01b\x80\x02cd"),
        (too_many, 10)
    );
    assert_eq!(error(config, b"\x02\x00\x00\x00\x80\x00"), (too_many, 6));
    assert_eq!(
        error(config, b"\x01\x01a\x00\x01b\x80\x02\xff\xff"),
        (too_many, 10)
    );
    assert_eq!(
        events(config, b"\x01\x01a\x89\x00\x80\x01b\x81\x00").len(),
        3
    );
}

/// `refused` is the chunk refused for each `max_buffered_chunks` from 1 to 4, as ws does it.
fn check_chunks(chunks: &[&[u8]], refused: [Option<usize>; 4]) {
    for (limit, refused) in (1..).zip(refused) {
        let config = with_limits(SERVER, |limits| limits.max_buffered_chunks = limit);
        let error = |end: usize| Transcript::new(config, chunks[..end].iter().copied()).error;
        let first = (1..=chunks.len()).find(|&end| error(end).is_some());
        assert_eq!(first.map(|end| end - 1), refused, "{chunks:x?}, {limit}");
        let expected = refused.map(|_| ProtocolError::TooManyBufferedChunks);
        assert_eq!(error(chunks.len()), expected);
    }
}

#[test]
fn refuse_a_chunk_when_too_many_wait_for_a_piece_of_a_header() {
    let bytewise: Vec<&[u8]> = b"\x82\x85\0\0\0\0aaaaa".chunks(1).collect();
    check_chunks(&bytewise, [Some(1), Some(4), Some(5), Some(10)]);
    let bytewise: Vec<&[u8]> = b"\x89\x80\0\0\0\0".chunks(1).collect();
    check_chunks(&bytewise, [Some(1), Some(4), Some(5), None]);
    check_chunks(
        &[b"\x82\x85", b"\0", b"\0", b"\0", b"\0", b"aaaaa"],
        [Some(2), Some(3), Some(4), None],
    );
    check_chunks(
        &[b"\x82\xfe", b"\0", b"\x05", b"\0\0\0\0", b"aaaaa"],
        [Some(2), None, None, None],
    );
    check_chunks(
        &[
            b"\x82\xff",
            b"\0",
            b"\0",
            b"\0",
            b"\0",
            b"\0",
            b"\0",
            b"\0\x05",
        ],
        [Some(2), Some(3), Some(4), Some(5)],
    );
}

#[test]
fn refuse_a_chunk_when_too_many_wait_for_a_payload() {
    check_chunks(
        &[b"\x82\x85\0\0\0\0", b"a", b"a", b"a", b"a", b"a"],
        [Some(2), Some(3), Some(4), Some(5)],
    );
    check_chunks(
        &[b"\x82\x85\0\0\0\0a", b"a", b"a", b"a", b"a"],
        [Some(1), Some(2), Some(3), Some(4)],
    );
    check_chunks(
        &[
            b"\x82\x85\0\0\0\0aaaa",
            b"a\x82\x85\0\0\0\0a",
            b"a",
            b"a",
            b"a",
            b"a",
        ],
        [Some(1), Some(3), Some(4), Some(5)],
    );
    check_chunks(
        &[b"\x02\x82\0\0\0\0a", b"a", b"\x80\x82\0\0\0\0a", b"a"],
        [Some(1), None, None, None],
    );
}

#[test]
fn count_empty_chunks() {
    check_chunks(
        &[b"\x82\x85\0\0\0\0", b"", b"", b"", b"", b"a"],
        [Some(2), Some(3), Some(4), Some(5)],
    );
    check_chunks(
        &[b"", b"", b"", b"", b"\x82\x85\0\0\0\0", b"aaaaa"],
        [Some(1), Some(2), Some(3), Some(4)],
    );
}
