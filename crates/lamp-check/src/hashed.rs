//! The maps and sets of this crate: most keys are names of the tree, looked up so often that how one is hashed counts.
//!
//! Each process hashes with a seed of its own, which a tree cannot see: whoever writes one does not know which names
//! collide. Nothing that is told depends on the order of a map, which differs from one process to the next.

use foldhash::fast::RandomState;

/// [`std::collections::HashMap`] with a faster hash; made by `default()`.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

/// [`std::collections::HashSet`] with a faster hash; made by `default()`.
pub(crate) type HashSet<T> = std::collections::HashSet<T, RandomState>;
