//! What the addon keeps for the connections of an environment.
//!
//! JavaScript holds each thing as an `External` that carries the number of its
//! slot and never an address: whatever `External` comes back, and from whom
//! ever, is looked up, and at worst is no number of a slot in use.

use std::cell::{RefCell, RefMut};
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

use ferrows_engine::{Compressors, Inbound, Slots, pool_threads};
use ferrows_protocol::deflate::Decompressor;
use napi_sys as sys;

#[cfg(unix)]
use crate::io::Io;
use crate::jobs::JobQueue;
use crate::raw::Call;
#[cfg(unix)]
use crate::remote::RemoteIo;
use crate::send::Sending;

/// The receiving half of a connection.
pub(crate) struct Receiving {
    pub(crate) inbound: Inbound,
    /// The number of its decompressor, once a compressed message has come.
    pub(crate) inflater: Option<usize>,
}

impl Receiving {
    /// One that is used on the thread of its environment, which threads of the pool help if they have
    /// a processor of their own.
    pub(crate) fn new(mut inbound: Inbound, inflater: Option<usize>) -> Self {
        inbound.set_helpers(pool_threads() > 1);
        Self { inbound, inflater }
    }
}

/// Everything of one environment, used on its thread only. Shared by reference.
#[derive(Clone, Default)]
pub(crate) struct Codecs(Rc<State>);

/// The tables, and what they share.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) receiving: Table<Slots<Box<Receiving>>>,
    pub(crate) decompressors: Table<Slots<Box<Decompressor>>>,
    pub(crate) compressors: Table<Compressors>,
    pub(crate) jobs: RefCell<JobQueue>,
    pub(crate) sending: RefCell<Sending>,
    /// The sockets that are read and written without Node, once there were any.
    #[cfg(unix)]
    pub(crate) io: RefCell<Option<Io>>,
    /// The same on other threads.
    #[cfg(unix)]
    pub(crate) remote: RefCell<Option<RemoteIo>>,
    /// Strings are turned into UTF-8 here, and payloads compressed.
    pub(crate) scratch: RefCell<Scratch>,
}

/// Memory that is used again by each call.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) text: Vec<u8>,
    pub(crate) compressed: Vec<u8>,
}

impl Codecs {
    /// What callbacks are bound to. The value itself must outlive them.
    pub(crate) fn data(&self) -> *mut c_void {
        Rc::as_ptr(&self.0).cast_mut().cast()
    }

    /// The state that a callback was bound to.
    pub(crate) fn of<'a>(call: &'a Call) -> &'a State {
        // SAFETY: `data` gave the address, and the value lives as long as the
        // environment. All of it is behind cells.
        unsafe { &*call.data.cast::<State>() }
    }
}

/// A table whose entries JavaScript holds.
pub(crate) struct Table<T>(Rc<RefCell<T>>);

impl<T: Default> Default for Table<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

/// Something that gives numbers to what it keeps.
pub(crate) trait Numbered {
    type Entry;

    fn insert(&mut self, entry: Self::Entry) -> usize;
    fn remove(&mut self, slot: usize);
}

impl<T> Numbered for Slots<T> {
    type Entry = T;

    fn insert(&mut self, entry: T) -> usize {
        Slots::insert(self, entry)
    }

    fn remove(&mut self, slot: usize) {
        drop(Slots::remove(self, slot));
    }
}

impl Numbered for Compressors {
    type Entry = ferrows_protocol::deflate::Compressor;

    fn insert(&mut self, entry: Self::Entry) -> usize {
        Compressors::insert(self, entry)
    }

    fn remove(&mut self, slot: usize) {
        Compressors::remove(self, slot);
    }
}

impl<T: Numbered + 'static> Table<T> {
    /// Keeps an entry until JavaScript has let go of the `External` that is returned.
    pub(crate) fn insert(&self, call: &Call, entry: T::Entry) -> Option<sys::napi_value> {
        let slot = self.0.borrow_mut().insert(entry);
        let number = ptr::without_provenance_mut(slot + 1);
        // The finalizers may run after the environment's hooks.
        let hint = Rc::into_raw(Rc::clone(&self.0)).cast_mut().cast();
        let mut external = ptr::null_mut();
        // SAFETY: the value is a number, and the hint stays valid until
        // `free` gets both.
        let status = unsafe {
            sys::napi_create_external(call.env, number, Some(free::<T>), hint, &mut external)
        };
        if status != sys::Status::napi_ok {
            // SAFETY: Node did not take them, so they are still ours alone.
            unsafe { free::<T>(call.env, number, hint) };
            return None;
        }
        Some(external)
    }

    pub(crate) fn borrow_mut(&self) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }
}

impl<T> Table<Slots<T>> {
    pub(crate) fn take(&self, slot: usize) -> Option<T> {
        self.0.borrow_mut().take(slot)
    }

    pub(crate) fn put_back(&self, slot: usize, entry: T) {
        self.0.borrow_mut().put_back(slot, entry);
    }
}

/// The finalizer of an `External`.
unsafe extern "C" fn free<T: Numbered>(
    _env: sys::napi_env,
    number: *mut c_void,
    hint: *mut c_void,
) {
    // SAFETY: from `Rc::into_raw` in `insert`; finalizers run once, on the
    // thread of the environment.
    let table = unsafe { Rc::from_raw(hint.cast::<RefCell<T>>()) };
    table.borrow_mut().remove(number.addr() - 1);
}
