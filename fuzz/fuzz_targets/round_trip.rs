//! What is encoded is decoded again.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrows_protocol::fuzzing::round_trip(data));
