//! Connections that share encoders, and the other sides that read them.

use std::collections::HashSet;

use ferrows_protocol::deflate::{
    CompressorSettings, Decompressor, DecompressorSettings, Progress, Strategy,
};

use super::*;

/// zlib's default settings.
fn usual() -> CompressorSettings {
    CompressorSettings {
        level: 6,
        mem_level: 8,
        strategy: Strategy::Default,
        window_bits: 15,
        context_takeover: true,
        dictionary: (*b"").into(),
    }
}

fn without_takeover() -> CompressorSettings {
    CompressorSettings {
        context_takeover: false,
        ..usual()
    }
}

/// A connection, with its other side.
struct Connection {
    slot: usize,
    settings: CompressorSettings,
    decompressor: Decompressor,
    /// Messages sent.
    count: usize,
}

impl Connection {
    fn new(compressors: &mut Compressors, settings: CompressorSettings) -> Self {
        Self {
            slot: compressors.insert(Compressor::new(settings.clone())),
            decompressor: decompressor(&settings),
            settings,
            count: 0,
        }
    }

    /// Sends a frame, which must be read as what it was; gives the length of its payload.
    fn send(&mut self, compressors: &mut Compressors, fin: bool) -> usize {
        let data = self.next_data();
        let mut payload = Vec::new();
        assert!(compressors.compress(self.slot, &data, fin, &mut payload));
        check_bounds(compressors);
        self.read(&payload, &data, fin);
        payload.len()
    }

    fn read(&mut self, payload: &[u8], data: &[u8], fin: bool) {
        let mut out = Vec::new();
        let result = self
            .decompressor
            .inflate(payload, &mut 0, fin, &mut out, usize::MAX);
        assert_eq!(result, Ok(Progress::Done));
        assert!(out == data, "slot {}", self.slot);
    }

    /// Each connection says something else, and much the same each time.
    fn next_data(&mut self) -> Vec<u8> {
        self.count += 1;
        let line = format!(r#"{{"slot":{},"text":"message""#, self.slot * 7919);
        format!("{}{}}}", line.repeat(3), self.count).into_bytes()
    }

    /// The connection begins anew.
    fn restart(&mut self) {
        self.decompressor = decompressor(&self.settings);
    }
}

fn decompressor(settings: &CompressorSettings) -> Decompressor {
    Decompressor::new(DecompressorSettings {
        window_bits: settings.window_bits,
        context_takeover: settings.context_takeover,
        max_payload: 0,
        dictionary: settings.dictionary.clone(),
    })
}

/// Encoders are few, and the list of who has one is right.
fn check_bounds(compressors: &mut Compressors) {
    assert!(compressors.live.len() <= MAX_LIVE);
    assert!(compressors.spare.lock().len() <= MAX_SPARE);
    let live: HashSet<usize> = compressors.live.iter().map(|entry| entry.0).collect();
    assert_eq!(live.len(), compressors.live.len());
    for slot in live {
        let compressor = compressors.slots.get_mut(slot).expect("it is not away");
        assert!(compressor.has_encoder() && !compressor.is_at_rest());
    }
}

fn has_encoder(compressors: &mut Compressors, slot: usize) -> bool {
    let compressor = compressors.slots.get_mut(slot);
    compressor.expect("it is there").has_encoder()
}

/// One connection for each of the settings, over and over.
fn connect(
    compressors: &mut Compressors,
    count: usize,
    settings: &[CompressorSettings],
) -> Vec<Connection> {
    let settings = settings.iter().cycle().take(count);
    settings
        .map(|settings| Connection::new(compressors, settings.clone()))
        .collect()
}

#[test]
fn keep_the_streams_of_more_connections_apart_than_have_encoders() {
    let mut compressors = Compressors::new();
    let mut all = connect(&mut compressors, 2 * MAX_LIVE, &[usual()]);
    let lengths = [0, 1, 2].map(|_| {
        let sent = all.iter_mut().map(|it| it.send(&mut compressors, true));
        sent.sum::<usize>()
    });
    assert_eq!(compressors.live.len(), MAX_LIVE);
    // What was said before is referred to, whoever has the encoder.
    assert!(lengths[1] < lengths[0] / 3 && lengths[2] < lengths[0] / 3);
}

#[test]
fn keep_streams_apart_whose_messages_are_sent_at_the_same_time() {
    let mut compressors = Compressors::new();
    let settings = [usual(), without_takeover()];
    let mut all = connect(&mut compressors, MAX_LIVE + 40, &settings);
    for round in 0..6 {
        for (index, connection) in all.iter_mut().enumerate() {
            connection.send(&mut compressors, (index + round) % 3 == 0);
        }
    }
}

#[test]
fn keep_streams_of_different_settings_apart() {
    let mut compressors = Compressors::new();
    let settings: Vec<CompressorSettings> = [0, 1, 6, 9]
        .into_iter()
        .flat_map(|level| [9, 15].map(|window_bits| (level, window_bits)))
        .map(|(level, window_bits)| CompressorSettings {
            level,
            window_bits,
            context_takeover: level != 9,
            dictionary: (*b"message").into(),
            ..usual()
        })
        .collect();
    let mut all = connect(&mut compressors, MAX_LIVE + 60, &settings);
    for _ in 0..3 {
        all.iter_mut().for_each(|connection| {
            connection.send(&mut compressors, true);
        });
    }
}

#[test]
fn leave_encoders_to_those_who_sent_last() {
    let mut compressors = Compressors::new();
    let mut all = connect(&mut compressors, MAX_LIVE + 2, &[usual()]);
    for connection in &mut all[..MAX_LIVE] {
        connection.send(&mut compressors, true);
    }
    let live = |compressors: &mut Compressors| -> Vec<bool> {
        let slots = all.iter().map(|connection| connection.slot);
        slots.map(|slot| has_encoder(compressors, slot)).collect()
    };
    let everybody = live(&mut compressors);
    assert_eq!(everybody, [vec![true; MAX_LIVE], vec![false; 2]].concat());
    // The first one sends again, so it is the second and the third that lose theirs.
    for index in [0, MAX_LIVE, MAX_LIVE + 1] {
        let data = all[index].next_data();
        compressors.compress(all[index].slot, &data, true, &mut Vec::new());
    }
    let mut expected = vec![true; MAX_LIVE + 2];
    expected[1..3].fill(false);
    let slots: Vec<usize> = all.iter().map(|connection| connection.slot).collect();
    let now: Vec<bool> = slots
        .iter()
        .map(|&slot| has_encoder(&mut compressors, slot))
        .collect();
    assert_eq!(now, expected);
    assert_eq!(
        (compressors.live.len(), compressors.spare.lock().len()),
        (MAX_LIVE, 0)
    );
}

#[test]
fn take_encoders_back_that_hold_nothing() {
    let mut compressors = Compressors::new();
    let mut all = connect(&mut compressors, 20, &[without_takeover()]);
    for connection in &mut all {
        connection.send(&mut compressors, true);
        let slot = connection.slot;
        assert!(!has_encoder(&mut compressors, slot));
        assert_eq!(
            (compressors.live.len(), compressors.spare.lock().len()),
            (0, 1)
        );
        // In the middle of a message it is needed.
        connection.send(&mut compressors, false);
        assert!(has_encoder(&mut compressors, slot));
        assert_eq!(
            (compressors.live.len(), compressors.spare.lock().len()),
            (1, 0)
        );
        connection.send(&mut compressors, true);
        assert!(!has_encoder(&mut compressors, slot));
        assert_eq!(
            (compressors.live.len(), compressors.spare.lock().len()),
            (0, 1)
        );
    }
}

#[test]
fn need_no_encoder_for_empty_frames() {
    let mut compressors = Compressors::new();
    let slot = compressors.insert(Compressor::new(usual()));
    let mut payload = Vec::new();
    assert!(compressors.compress(slot, b"", true, &mut payload));
    assert_eq!(payload, [0x00]);
    assert!(!has_encoder(&mut compressors, slot));
}

#[test]
fn begin_anew_after_a_release() {
    let mut compressors = Compressors::new();
    let mut connection = Connection::new(&mut compressors, usual());
    let first = connection.send(&mut compressors, true);
    for fin in [true, false] {
        assert!(connection.send(&mut compressors, fin) < first / 2);
        compressors.release(connection.slot);
        assert!(compressors.live.is_empty());
        assert_eq!(compressors.spare.lock().len(), 1);
        let compressor = compressors.slots.get_mut(connection.slot);
        assert_eq!(compressor.expect("it is there").memory(), 0);
        connection.restart();
        assert!(connection.send(&mut compressors, true) >= first);
    }
    compressors.release(connection.slot);
    compressors.release(connection.slot);
    compressors.release(1000);
}

#[test]
fn begin_anew_after_a_release_of_what_was_away() {
    let mut compressors = Compressors::new();
    let mut connection = Connection::new(&mut compressors, usual());
    connection.send(&mut compressors, true);
    let compressor = compressors.take(connection.slot).unwrap();
    compressors.release(connection.slot);
    compressors.put_back(connection.slot, compressor);
    assert!(!has_encoder(&mut compressors, connection.slot));
    connection.restart();
    connection.send(&mut compressors, true);
}

#[test]
fn forget_a_release_together_with_the_number() {
    let mut compressors = Compressors::new();
    let slot = compressors.insert(Compressor::new(usual()));
    let compressor = compressors.take(slot).unwrap();
    compressors.release(slot);
    compressors.remove(slot);
    compressors.put_back(slot, compressor);

    let mut next = Connection::new(&mut compressors, usual());
    assert_eq!(next.slot, slot);
    let first = next.send(&mut compressors, true);
    let compressor = compressors.take(slot).unwrap();
    compressors.put_back(slot, compressor);
    assert!(next.send(&mut compressors, true) < first / 2);
}

#[test]
fn find_nothing_by_a_number_that_is_not_in_use() {
    let mut compressors = Compressors::new();
    let slot = compressors.insert(Compressor::new(usual()));
    compressors.compress(slot, b"data", true, &mut Vec::new());
    compressors.remove(slot);
    assert!(compressors.live.is_empty());
    assert_eq!(
        compressors.spare.lock().len(),
        1,
        "its encoder is of use to others"
    );
    for slot in [slot, slot + 1, usize::MAX] {
        let mut payload = Vec::new();
        assert!(!compressors.compress(slot, b"data", true, &mut payload));
        assert!(payload.is_empty());
        assert!(compressors.take(slot).is_none());
        compressors.remove(slot);
    }
}

#[test]
fn lend_the_encoders_of_those_who_have_gone() {
    let mut compressors = Compressors::new();
    for _ in 0..10 {
        let mut connection = Connection::new(&mut compressors, usual());
        connection.send(&mut compressors, true);
        assert!(compressors.spare.lock().is_empty());
        compressors.remove(connection.slot);
        assert_eq!(compressors.spare.lock().len(), 1);
    }
    let mut other = Connection::new(
        &mut compressors,
        CompressorSettings {
            level: 1,
            ..usual()
        },
    );
    other.send(&mut compressors, true);
    assert_eq!(compressors.spare.lock().len(), 1, "it was of no use");
    let mut all = connect(&mut compressors, 2 * MAX_SPARE, &[usual()]);
    for connection in &mut all {
        connection.send(&mut compressors, true);
    }
    all.iter().for_each(|it| compressors.remove(it.slot));
    assert_eq!(compressors.spare.lock().len(), MAX_SPARE);
}

#[test]
fn can_be_worked_with_elsewhere() {
    let mut compressors = Compressors::new();
    let mut all = connect(
        &mut compressors,
        MAX_LIVE + 30,
        &[usual(), without_takeover()],
    );
    for round in 0..4 {
        // Several are away at the same time, and come back in another order.
        for group in all.chunks_mut(7) {
            let taken: Vec<_> = group
                .iter_mut()
                .map(|it| (compressors.take(it.slot).unwrap(), it.next_data()))
                .collect();
            check_bounds(&mut compressors);
            for (connection, (mut compressor, data)) in group.iter_mut().zip(taken).rev() {
                let slot = connection.slot;
                assert!(compressors.take(slot).is_none());
                assert!(!compressors.compress(slot, &data, true, &mut Vec::new()));
                let mut payload = Vec::new();
                let fin = round % 2 == 1;
                let done = std::thread::spawn(move || {
                    let done = compressor.compress(&data, fin, &mut payload, || true);
                    (compressor, data, payload, done)
                });
                let (compressor, data, payload, done) = done.join().unwrap();
                assert!(done);
                compressors.put_back(slot, compressor);
                check_bounds(&mut compressors);
                connection.read(&payload, &data, fin);
            }
        }
    }
}

#[test]
fn give_a_number_out_again_only_when_its_compressor_is_back() {
    let mut compressors = Compressors::new();
    let slot = compressors.insert(Compressor::new(usual()));
    compressors.compress(slot, b"data", true, &mut Vec::new());
    let compressor = compressors.take(slot).unwrap();
    compressors.remove(slot);
    assert_ne!(compressors.insert(Compressor::new(usual())), slot);
    compressors.put_back(slot, compressor);
    assert!(compressors.live.is_empty());
    assert!(!compressors.compress(slot, b"data", true, &mut Vec::new()));

    let mut next = Connection::new(&mut compressors, usual());
    assert_eq!(next.slot, slot);
    next.send(&mut compressors, true);
}

#[test]
fn share_an_encoder_where_they_work() {
    let settings = CompressorSettings {
        context_takeover: false,
        ..usual()
    };
    let mut compressors = Compressors::new();
    let encoders = compressors.spare();
    let slots = [(); 10].map(|()| compressors.insert(Compressor::new(settings.clone())));
    let away = slots.map(|slot| compressors.take(slot).expect("it is there"));
    let mut first = None;
    for (slot, mut compressor) in slots.into_iter().zip(away) {
        assert!(!compressor.has_encoder(), "it would be one of many");
        encoders.lend_to(&mut compressor);
        assert_eq!(compressor.has_encoder(), first.is_some());
        let mut out = Vec::new();
        compressor.compress(b"the same for all of them", true, &mut out, || true);
        assert_eq!(first.get_or_insert_with(|| out.clone()), &out);
        encoders.take_from(&mut compressor);
        assert!(!compressor.has_encoder());
        compressors.put_back(slot, compressor);
    }
    assert_eq!(encoders.lock().len(), 1);
}
