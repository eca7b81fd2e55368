//! What is compressed is inflated again.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrows_protocol::fuzzing::deflate(data));
