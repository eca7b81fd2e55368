//! Header fields of the handshake can be read, or are refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrows_protocol::fuzzing::headers(data));
