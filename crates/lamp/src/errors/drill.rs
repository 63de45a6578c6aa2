//! A drill that could not be held.

use super::{Kind, Trouble};

/// Why the demo did not take place.
pub fn not_held(error: &(dyn std::error::Error + 'static)) -> Trouble {
    Trouble::new(
        Kind::Environment,
        "hold the demo",
        error,
        "type `lamp doctor`: it names what this machine lacks, and the mend",
    )
}
