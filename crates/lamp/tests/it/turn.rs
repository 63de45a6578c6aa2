//! Whose turn it is: a test that sends load runs alone, others may run side by side.
//!
//! Two cores serve the stack and the load; a neighbour's compiler of a test would make a run invalid.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static TURN: RwLock<()> = RwLock::new(());

/// No other test of this program runs while this is held.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    TURN.write().unwrap_or_else(PoisonError::into_inner)
}

/// Others may run beside, but none that needs to be alone.
pub(crate) fn beside_others() -> RwLockReadGuard<'static, ()> {
    TURN.read().unwrap_or_else(PoisonError::into_inner)
}
