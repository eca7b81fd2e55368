//! permessage-deflate for JavaScript.
//!
//! `deflate` works where it is called. The `start` functions put a job into a
//! batch, which `submitJobs` has done on another thread; what comes of it is
//! fetched with `takeFinished`, once the function given to `watchJobs` was
//! called. What a job works with belongs to it until it is fetched: meanwhile its
//! handle finds nothing.

use ferrows_engine::spare_buffers;
use ferrows_protocol::ProtocolError;
use ferrows_protocol::deflate::{
    Compressor, CompressorSettings, Decompressor, DecompressorSettings, Progress, Strategy,
    USUAL_RATIO,
};
use napi_sys as sys;

use crate::codecs::{Codecs, Scratch};
use crate::jobs::Finished;
use crate::raw::{Call, Exports, callback};
use crate::values::{js_error, new_buffer, set_element};

/// Exports the functions below.
pub(crate) fn export(exports: &Exports, codecs: &Codecs) -> napi::Result<()> {
    let data = codecs.data();
    exports.bound(c"createDeflater", create_deflater_shell, data)?;
    exports.bound(c"createInflater", create_inflater_shell, data)?;
    exports.bound(c"deflate", deflate_shell, data)?;
    exports.bound(c"jobsSilence", jobs_silence_shell, data)?;
    exports.bound(c"poolThreads", pool_threads_shell, data)?;
    exports.bound(c"releaseDeflater", release_deflater_shell, data)?;
    exports.bound(c"releaseInflater", release_inflater_shell, data)?;
    exports.bound(c"startDecompress", start_decompress_shell, data)?;
    exports.bound(c"startDeflate", start_deflate_shell, data)?;
    exports.bound(c"startInflate", start_inflate_shell, data)?;
    exports.bound(c"submitJobs", submit_jobs_shell, data)?;
    exports.bound(c"takeFinished", take_finished_shell, data)?;
    exports.bound(c"watchJobs", watch_jobs_shell, data)
}

callback!(create_deflater_shell, create_deflater, 6);
callback!(create_inflater_shell, create_inflater, 4);
callback!(deflate_shell, deflate, 4);
callback!(jobs_silence_shell, jobs_silence, 0);
callback!(pool_threads_shell, pool_threads, 0);
callback!(release_deflater_shell, release_deflater, 1);
callback!(release_inflater_shell, release_inflater, 1);
callback!(start_decompress_shell, start_decompress, 4);
callback!(start_deflate_shell, start_deflate, 4);
callback!(start_inflate_shell, start_inflate, 2);
callback!(submit_jobs_shell, submit_jobs, 1);
callback!(take_finished_shell, take_finished, 3);
callback!(watch_jobs_shell, watch_jobs, 1);

/// `createDeflater(level, memLevel, strategy, windowBits, takeover, dictionary)`.
fn create_deflater(call: &Call) -> Option<sys::napi_value> {
    let settings = CompressorSettings {
        level: within(call.u32(0)?, 0, 9)?,
        mem_level: within(call.u32(1)?, 1, 9)?,
        strategy: match call.u32(2)? {
            0 => Strategy::Default,
            1 => Strategy::Filtered,
            2 => Strategy::HuffmanOnly,
            3 => Strategy::Rle,
            4 => Strategy::Fixed,
            _ => return None,
        },
        window_bits: within(call.u32(3)?, 8, 15)?,
        context_takeover: call.u32(4)? != 0,
        // SAFETY: only read, and copied at once.
        dictionary: unsafe { call.bytes(5)? }.into(),
    };
    let compressor = Compressor::new(settings);
    Codecs::of(call).compressors.insert(call, compressor)
}

/// `createInflater(windowBits, takeover, maxPayload, dictionary)`: a limit of 0
/// stands for none.
fn create_inflater(call: &Call) -> Option<sys::napi_value> {
    let settings = DecompressorSettings {
        window_bits: within(call.u32(0)?, 8, 15)?,
        context_takeover: call.u32(1)? != 0,
        max_payload: call.length(2)?,
        // SAFETY: as above.
        dictionary: unsafe { call.bytes(3)? }.into(),
    };
    let decompressor = Box::new(Decompressor::new(settings));
    Codecs::of(call).decompressors.insert(call, decompressor)
}

fn within(value: u32, min: u8, max: u8) -> Option<u8> {
    let value = u8::try_from(value).ok()?;
    (min..=max).contains(&value).then_some(value)
}

/// `deflate(deflater, data, flags, target)`: compresses a frame's payload to
/// the front of `target` and gives its length. A target that is too small is an
/// argument of the wrong type: 64 bytes more than a nineth of the data will do.
fn deflate(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    let mut scratch = state.scratch.borrow_mut();
    let Scratch { text, compressed } = &mut *scratch;
    let (slot, flags) = (call.handle(0)?, call.u32(2)?);
    let data = call.payload(1, flags & IS_STRING != 0, text)?;
    compressed.clear();
    let done = state
        .compressors
        .borrow_mut()
        .compress(slot, data, flags & FIN != 0, compressed);
    // SAFETY: `data` is not used any more; no JavaScript runs.
    let target = unsafe { call.bytes_mut(3)? }.get_mut(..compressed.len());
    if let (true, Some(target)) = (done, target) {
        target.copy_from_slice(compressed);
        return call.number(target.len() as u32);
    }
    None
}

/// `releaseDeflater(deflater)`: the connection is over; its memory is given back
/// before `deflater` is collected.
fn release_deflater(call: &Call) -> Option<sys::napi_value> {
    let mut compressors = Codecs::of(call).compressors.borrow_mut();
    compressors.release(call.handle(0)?);
    call.nothing()
}

/// `releaseInflater(inflater)`: as `releaseDeflater`.
fn release_inflater(call: &Call) -> Option<sys::napi_value> {
    let mut decompressors = Codecs::of(call).decompressors.borrow_mut();
    if let Some(decompressor) = decompressors.get_mut(call.handle(0)?) {
        decompressor.reset();
    }
    call.nothing()
}

/// `startDeflate(deflater, id, data, flags)`: what comes of it is a `Buffer`.
fn start_deflate(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    let (slot, id, flags) = (call.handle(0)?, call.u32(1)?, call.u32(3)?);
    let data = owned_payload(call, 2, flags)?;
    let mut compressors = state.compressors.borrow_mut();
    let (mut compressor, encoders) = (compressors.take(slot)?, compressors.spare());
    let fin = flags & FIN != 0;
    state.jobs.borrow_mut().add(id, move |go_on| {
        let mut bytes = spare_buffers::take(data.len() / USUAL_RATIO);
        encoders.lend_to(&mut compressor);
        compressor.compress(&data, fin, &mut bytes, go_on);
        encoders.take_from(&mut compressor);
        give_back(data, flags);
        Finished::Deflated {
            slot,
            compressor,
            bytes,
        }
    });
    call.nothing()
}

/// `startInflate(decoder, id)`: does what `decode` has been suspended for; it is
/// then called again. Nothing comes of it by itself.
fn start_inflate(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    let (slot, id) = (call.handle(0)?, call.u32(1)?);
    let (inflater, mut work) = {
        let mut all = state.receiving.borrow_mut();
        let receiving = all.get_mut(slot)?;
        (receiving.inflater?, receiving.inbound.take_work()?)
    };
    let mut decompressor = state.decompressors.take(inflater)?;
    state.jobs.borrow_mut().add(id, move |go_on| {
        work.run(&mut decompressor, go_on);
        Finished::Inflated {
            slot,
            work,
            inflater,
            decompressor,
        }
    });
    call.nothing()
}

/// `startDecompress(inflater, id, data, flags)`: what comes of it is a `Buffer`
/// or an `Error`.
fn start_decompress(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    let (slot, id, flags) = (call.handle(0)?, call.u32(1)?, call.u32(3)?);
    let data = owned_payload(call, 2, flags)?;
    let mut decompressor = state.decompressors.take(slot)?;
    let fin = flags & FIN != 0;
    state.jobs.borrow_mut().add(id, move |go_on| {
        let (mut bytes, mut at) = (Vec::new(), 0);
        let result = loop {
            match decompressor.inflate(&data, &mut at, fin, &mut bytes, SLICE) {
                Ok(Progress::More) if go_on() => {}
                Ok(_) => break Ok(bytes),
                Err(error) => break Err(error.into()),
            }
        };
        give_back(data, flags);
        Finished::Decompressed {
            slot,
            decompressor,
            result,
        }
    });
    call.nothing()
}

/// `submitJobs(wait)`: has the jobs done that were started since the last call. If `wait` is 1 it waits
/// for them, for a short time at most, and gives 1 if any job has finished: then the function given to
/// `watchJobs` is not called for it.
fn submit_jobs(call: &Call) -> Option<sys::napi_value> {
    let wait = call.u32(0)? != 0;
    let finished = Codecs::of(call).jobs.borrow_mut().submit(call, wait)?;
    call.number(finished.into())
}

/// `takeFinished(words, target, owned)`: takes jobs that have finished, as many
/// as `words` has room for, and gives their number. Each has three words: its
/// id, and where in `target` what came of it is, with the length; or one of the
/// lengths below. Repeated until there are none.
fn take_finished(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    let memory = call.memory(1)?;
    // SAFETY: no JavaScript runs before the last use of this borrow and the next:
    // the Node-API calls below only make new values.
    let words = unsafe { call.words_mut(0)? };
    if memory.overlaps(words) {
        return None;
    }
    // SAFETY: as above, and the two are different memory.
    let target = unsafe { memory.slice_mut() };
    let (mut count, mut used, mut owned) = (0, 0, Vec::new());
    for place in words.chunks_exact_mut(3) {
        let Some((id, finished)) = state.jobs.borrow_mut().next_finished(call) else {
            break;
        };
        count += 1;
        place.copy_from_slice(&[id, 0, NOTHING]);
        let Some(settled) = settle(call, finished) else {
            continue;
        };
        let value = match settled {
            Ok(bytes) => {
                let room = target.get_mut(used..used + bytes.len());
                if let Some(room) = room.filter(|room| room.len() < LARGE) {
                    room.copy_from_slice(&bytes);
                    place[1..].copy_from_slice(&[used as u32, bytes.len() as u32]);
                    used += bytes.len();
                    spare_buffers::give(bytes);
                    continue;
                }
                new_buffer(call, bytes)?
            }
            Err(error) => js_error(call, &error)?,
        };
        place[1..].copy_from_slice(&[owned.len() as u32, OWNED]);
        owned.push(value);
    }
    for (index, value) in (0..).zip(owned) {
        set_element(call, call.value(2), index, value)?;
    }
    call.number(count)
}

/// Puts back what a job had taken; gives what came of it, if that is anything by
/// itself.
fn settle(call: &Call, finished: Finished) -> Option<Result<Vec<u8>, ProtocolError>> {
    let state = Codecs::of(call);
    match finished {
        Finished::Deflated {
            slot,
            compressor,
            bytes,
        } => {
            state.compressors.borrow_mut().put_back(slot, compressor);
            Some(Ok(bytes))
        }
        Finished::Inflated {
            slot,
            work,
            inflater,
            decompressor,
        } => {
            state.decompressors.put_back(inflater, decompressor);
            let mut all = state.receiving.borrow_mut();
            all.get_mut(slot)?.inbound.handle_work(work);
            None
        }
        Finished::Decompressed {
            slot,
            decompressor,
            result,
        } => {
            state.decompressors.put_back(slot, decompressor);
            Some(result)
        }
    }
}

/// `jobsSilence()`: for how many milliseconds none of the jobs under way has been done.
fn jobs_silence(call: &Call) -> Option<sys::napi_value> {
    let silence = Codecs::of(call).jobs.borrow().silence();
    call.number(u32::try_from(silence.as_millis()).unwrap_or(u32::MAX))
}

/// `poolThreads()`: how many threads jobs are done on at most.
fn pool_threads(call: &Call) -> Option<sys::napi_value> {
    call.number(ferrows_engine::pool_threads() as u32)
}

/// `watchJobs(callback)`: has `callback` called whenever jobs have finished. To
/// be called once, before the first job.
fn watch_jobs(call: &Call) -> Option<sys::napi_value> {
    Codecs::of(call).jobs.borrow_mut().watch(call, 0)?;
    call.nothing()
}

/// A copy of the payload in argument `index`: whoever gave it may do with it
/// what he likes.
fn owned_payload(call: &Call, index: usize, flags: u32) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    if flags & IS_STRING == 0 {
        let data = call.payload(index, false, &mut text)?;
        let mut copy = spare_buffers::take(data.len());
        copy.extend_from_slice(data);
        return Some(copy);
    }
    let length = call.utf8(index, &mut text)?;
    text.truncate(length);
    Some(text)
}

/// Keeps the memory of a payload for others. That of a string is as large as it could have been at most,
/// and would be taken for a larger one.
fn give_back(data: Vec<u8>, flags: u32) {
    if flags & IS_STRING == 0 {
        spare_buffers::give(data);
    }
}

// Flags.
const FIN: u32 = 0x80;
const IS_STRING: u32 = 0x200;

// Lengths that `takeFinished` gives where there is none: what came of the job is
// an element of `owned`, or nothing.
const OWNED: u32 = 0xffff_fffe;
const NOTHING: u32 = 0xffff_ffff;

/// Bytes from which on a result is no part of the target.
const LARGE: usize = 8 * 1024;

/// Bytes between two questions whether to go on: about a millisecond's work.
const SLICE: usize = 1024 * 1024;
