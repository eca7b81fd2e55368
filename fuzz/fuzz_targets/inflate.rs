//! What a peer's compressed messages are inflated to is the same however they come.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrows_protocol::fuzzing::inflate(data));
