//! What a `Compressor` gives, and when it stops.

use super::*;

/// The lengths of frames, and the message that they are read as.
fn lengths(frames: &[&[u8]]) -> Vec<usize> {
    let (mut compressor, mut payloads) = (Compressor::new(usual()), Vec::new());
    for (index, frame) in frames.iter().enumerate() {
        let fin = index + 1 == frames.len();
        payloads.push(compress(&mut compressor, frame, fin));
    }
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let read = inflate_frames(&mut decompressor(), &payloads);
    assert_eq!(read.unwrap(), frames.concat());
    payloads.iter().map(|payload| payload.len()).collect()
}

#[test]
fn makes_frames_as_short_as_zlib_does() {
    assert_eq!(lengths(&[b"123", b"12"]), [9, 4]);
    assert_eq!(lengths(&[b"", b"data"]), [5, 6]);
    assert_eq!(lengths(&[b"data", b""]), [10, 1]);
    assert_eq!(lengths(&[b"", b"", b""]), [5, 5, 1]);
}

#[test]
fn ends_each_frame_but_the_last_with_the_tail_of_a_flush() {
    for data in [&b""[..], b"x", &json(1000), &noise(200_000, 0)] {
        for level in [0, 1, 5, 6, 9] {
            let mut compressor = Compressor::new(CompressorSettings { level, ..usual() });
            let open = compress(&mut compressor, data, false);
            assert_eq!(open[open.len() - 4..], FLUSH_TAIL);
            let mut closed = compress(&mut compressor, data, true);
            closed.extend(FLUSH_TAIL);
            let read = Reference::new(&[open, closed].concat(), b"");
            assert_eq!(read.end, End::Open);
            assert!(read.bytes == data.repeat(2), "level {level}");
        }
    }
}

#[test]
fn appends_to_what_is_there() {
    let mut out = b"before".to_vec();
    let mut compressor = Compressor::new(usual());
    compressor.compress(b"Hello", true, &mut out, || true);
    assert_eq!(out, b"before\xf2\x48\xcd\xc9\xc9\x07\x00");
    compressor.compress(b"", true, &mut out, || true);
    assert_eq!(out.last(), Some(&0));
}

#[test]
fn asks_every_now_and_then_whether_to_go_on() {
    let data = json(1 << 20);
    for level in [1, 6] {
        let settings = CompressorSettings { level, ..usual() };
        let mut asked = 0;
        let mut out = Vec::new();
        let done = Compressor::new(settings.clone()).compress(&data, true, &mut out, || {
            asked += 1;
            true
        });
        assert!(done && asked >= data.len() / MOST_BETWEEN_QUESTIONS);
        for answers in 0..3 {
            let (mut asked, mut out) = (0, Vec::new());
            let done = Compressor::new(settings.clone()).compress(&data, true, &mut out, || {
                asked += 1;
                asked <= answers
            });
            assert_eq!((done, asked), (false, answers + 1));
        }
    }
}

#[test]
fn refers_to_its_dictionary_at_the_beginning_of_each_context() {
    let dictionary = json(5000);
    for context_takeover in [true, false] {
        let settings = CompressorSettings {
            dictionary: dictionary[..].into(),
            context_takeover,
            ..usual()
        };
        let mut compressor = Compressor::new(settings.clone());
        let mut decompressor = Decompressor::new(reading(&settings));
        for _ in 0..3 {
            let payload = compress(&mut compressor, &dictionary[1000..1200], true);
            assert!(payload.len() < 12, "{}", payload.len());
            let read = inflate(&mut decompressor, &payload);
            assert_eq!(read.unwrap(), dictionary[1000..1200]);
        }
    }
}

#[test]
fn uses_the_end_of_a_dictionary_beyond_the_window() {
    for window_bits in 8..=15 {
        let settings = CompressorSettings {
            dictionary: [noise(70_000, 0), json(100)].concat().into(),
            window_bits,
            ..usual()
        };
        let mut compressor = Compressor::new(settings.clone());
        assert!(compressor.memory() <= 1 << window_bits.max(9));
        let payload = compress(&mut compressor, &json(100), true);
        assert!(payload.len() < 12, "{}", payload.len());
        let read = inflate(&mut Decompressor::new(reading(&settings)), &payload);
        assert_eq!(read.unwrap(), json(100));
    }
}

#[test]
fn gives_the_same_whether_others_come_in_between() {
    let messages: Vec<Vec<u8>> = (0..30_u32)
        .map(|n| (0..700 * n).map(|i| (i * i % (n + 7)) as u8).collect())
        .collect();
    let mut alone = Compressor::new(usual());
    let expected: Vec<_> = messages
        .iter()
        .map(|message| compress(&mut alone, message, true))
        .collect();
    let mut many = [(); 6].map(|()| Compressor::new(usual()));
    for (message, expected) in messages.iter().zip(&expected) {
        for compressor in &mut many {
            assert_eq!(&compress(compressor, message, true), expected);
        }
    }
}

#[test]
fn begins_a_new_stream_after_a_reset() {
    let settings = CompressorSettings {
        dictionary: json(500).into(),
        ..usual()
    };
    let mut compressor = Compressor::new(settings.clone());
    let first = compress(&mut compressor, &json(2000), true);
    for fin in [true, false] {
        let again = compress(&mut compressor, &json(2000), fin);
        assert!(again.len() < first.len() / 2);
        compressor.reset();
        assert!(compressor.is_at_rest());
        assert_eq!(compress(&mut compressor, &json(2000), true), first);
    }
    let read = inflate(&mut Decompressor::new(reading(&settings)), &first);
    assert_eq!(read.unwrap(), json(2000));
}

/// Bytes of a millisecond's work or so.
const MOST_BETWEEN_QUESTIONS: usize = 64 * 1024;
