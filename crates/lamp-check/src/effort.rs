//! A bound on the work of a decision. It counts looks and not time, so that what is decided follows from the input alone.

use std::cell::Cell;

/// What is left of a number of looks; when none is, nothing is told of what is still undecided.
#[derive(Debug)]
pub(crate) struct Effort(Cell<u64>);

impl Effort {
    pub(crate) const fn new(looks: u64) -> Self {
        Self(Cell::new(looks))
    }

    /// Takes so many looks; whether there were as many.
    pub(crate) fn spend(&self, looks: u64) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(looks));
        left >= looks
    }

    /// How many looks are left.
    #[cfg(test)]
    pub(crate) const fn left(&self) -> u64 {
        self.0.get()
    }

    pub(crate) const fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_stays_spent() {
        let effort = Effort::new(3);
        assert!(effort.spend(2) && !effort.is_spent());
        assert!(!effort.spend(2) && effort.is_spent());
        assert!(!effort.spend(1));
    }
}
