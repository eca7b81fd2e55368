//! Streams that are cut differently decode alike.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrows_protocol::fuzzing::decoder(data));
