//! Two things at once, and what nobody waits for.

use std::panic::resume_unwind;
use std::thread;

/// Does `aside` on a thread of its own while `here` runs; where no thread can be had, one after the other.
pub(crate) fn both<A: Send, B>(aside: impl Fn() -> A + Sync, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let started = thread::Builder::new().spawn_scoped(scope, &aside);
        let here = here();
        let aside = match started {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => aside(),
        };
        (aside, here)
    })
}

/// Frees what has become of no use, which takes its time, while whoever used it goes on.
pub(crate) fn discard<T: Send + 'static>(what: T) {
    // Where no thread can be had, it is freed here.
    let _ = thread::Builder::new().spawn(move || drop(what));
}
