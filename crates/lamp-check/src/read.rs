//! Every PHP file of a tree into its facts, by a few threads.

use std::cmp::Reverse;
use std::hint::black_box;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bumpalo::Bump;

use crate::Limits;
use crate::cache::{FactsCache, Taken, Watched, recalled, remembered};
use crate::facts::FileFacts;
use crate::meantime::discard;
use crate::parse::{STACK_BYTES, arena, not_checked, parse};
use crate::source::Source;
use crate::tree::{Tree, Unreadable};

/// Memory that the facts which one thread reads may well take, in bytes.
const ROOM_BYTES: usize = 16 << 20;

/// Where the facts come from.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'t> {
    pub(crate) tree: &'t dyn Tree,
    pub(crate) limits: &'t Limits,
    pub(crate) cache: Option<&'t dyn FactsCache>,
}

/// The facts of each source, in order.
pub(crate) fn read_all(reader: Reader<'_>, sources: &[Source]) -> Vec<FileFacts> {
    // The longest first, so that all threads end together.
    let mut by_length: Vec<&Source> = sources.iter().collect();
    by_length.sort_by_key(|source| Reverse(source.size_bytes));
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(sources.len()));
    let work = || {
        let mut arena = arena();
        set_room_aside();
        while let Some(source) = by_length.get(next.fetch_add(1, Ordering::Relaxed)) {
            let facts = reader.read(source, &mut arena);
            lock(&done).push((source.entry, facts));
        }
        discard(arena);
    };
    let started: io::Result<()> = thread::scope(|scope| {
        for _ in 0..reader.limits.threads.clamp(1, sources.len().max(1)) {
            thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, work)?;
        }
        Ok(())
    });
    let mut facts = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    facts.sort_unstable_by_key(|(entry, _)| *entry);
    let of = |source: &Source| {
        let found = facts.binary_search_by_key(&source.entry, |(entry, _)| *entry);
        found.map(|at| std::mem::take(&mut facts[at].1))
    };
    let missing = match started {
        Ok(()) => "the thread that was to parse it ended".to_owned(),
        Err(error) => format!("no thread to parse it: {error}"),
    };
    let each = sources.iter().map(of);
    each.map(|facts| facts.unwrap_or_else(|_| not_checked(&missing)))
        .collect()
}

/// Has the allocator of this thread take room from the kernel in one piece, which it keeps. Left alone, it asks for each
/// page, and all threads wait while the kernel answers.
fn set_room_aside() {
    drop(black_box(Vec::<u8>::with_capacity(ROOM_BYTES)));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Reader<'_> {
    fn read(self, source: &Source, arena: &mut Bump) -> FileFacts {
        let limits = self.limits;
        if source.size_bytes > limits.file_max_bytes {
            return not_checked(&too_long(limits));
        }
        // Whether it is PHP at all, its bytes say and not its facts.
        if !source.only_if_opened
            && let Some(facts) = recalled(self.cache, source.entry)
        {
            return facts;
        }
        let (tree, cache) = (self.tree, self.cache.filter(|_| source.only_if_opened));
        let bytes = Watched { tree, cache }.bytes(source.entry);
        // It may have grown since it was listed.
        let bytes = bytes.and_then(|bytes| match u64::try_from(bytes.len()) {
            Ok(length) if length <= limits.file_max_bytes => Ok(bytes),
            Ok(_) | Err(_) => Err(Unreadable(too_long(limits))),
        });
        match bytes {
            Ok(bytes) if source.only_if_opened && !opens_php(&bytes) => FileFacts::default(),
            Ok(bytes) => remembered(self.cache, (source.entry, &bytes), || parse(arena, &bytes)),
            Err(why) => {
                if let Some(cache) = self.cache {
                    cache.takes(source.entry, Taken::Unread);
                }
                not_checked(&why.to_string())
            }
        }
    }
}

fn too_long(limits: &Limits) -> String {
    format!("it is longer than {} bytes", limits.file_max_bytes)
}

fn opens_php(bytes: &[u8]) -> bool {
    const TAG: &[u8] = b"<?php";
    bytes
        .windows(TAG.len())
        .any(|window| window.eq_ignore_ascii_case(TAG))
}
