//! What goes in comes out, whatever the settings; what a peer may send is judged as zlib does.

mod compressing;
mod ends;
mod errors;
mod examples;
mod hand_made;
mod lending;
mod limits;
mod messages;
mod round_trips;

use super::*;
use crate::fuzzing::{End, Reference};

/// zlib's default settings.
fn usual() -> CompressorSettings {
    CompressorSettings {
        level: 6,
        mem_level: 8,
        strategy: Strategy::Default,
        window_bits: MAX_WINDOW_BITS,
        context_takeover: true,
        dictionary: (*b"").into(),
    }
}

/// The other side of a connection with these settings, without a limit.
fn reading(settings: &CompressorSettings) -> DecompressorSettings {
    DecompressorSettings {
        window_bits: settings.window_bits,
        context_takeover: settings.context_takeover,
        max_payload: 0,
        dictionary: settings.dictionary.clone(),
    }
}

fn decompressor() -> Decompressor {
    Decompressor::new(reading(&usual()))
}

fn compress(compressor: &mut Compressor, data: &[u8], fin: bool) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(compressor.compress(data, fin, &mut out, || true));
    out
}

/// What a message of one frame is inflated to.
fn inflate(decompressor: &mut Decompressor, payload: &[u8]) -> Result<Vec<u8>, InflateError> {
    inflate_frames(decompressor, &[payload])
}

/// What a message of these frames is inflated to.
fn inflate_frames(
    decompressor: &mut Decompressor,
    frames: &[&[u8]],
) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    for (index, payload) in frames.iter().enumerate() {
        let fin = index + 1 == frames.len();
        let mut at = 0;
        let progress = decompressor.inflate(payload, &mut at, fin, &mut out, usize::MAX)?;
        assert_eq!(progress, Progress::Done);
    }
    Ok(out)
}

/// JSON that resembles itself.
fn json(length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for n in 0_u32.. {
        let id = n.wrapping_mul(2_654_435_761) >> 16;
        let line = format!(
            r#"{{"id":{id},"user":"u{}","text":"message {n}"}},"#,
            id % 97
        );
        out.extend_from_slice(line.as_bytes());
        if out.len() >= length {
            break;
        }
    }
    out.truncate(length);
    out
}

/// Bytes that cannot be compressed, all of them `min` or more.
fn noise(length: usize, min: u8) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let range = 256 - u32::from(min);
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        min + ((state >> 16) % range) as u8
    };
    (0..length).map(byte).collect()
}
