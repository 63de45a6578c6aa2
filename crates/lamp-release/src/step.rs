//! The effect of each step of a plan.
//!
//! Each may be run twice with the effect of once, and run again after a crash in its middle. None of them
//! decides anything: the plan did.

use lamp_fleet::DirError;
use lamp_model::ReleaseId;
use lamp_model::port::Switch as _;

use crate::error::StoreError;
use crate::plan::{Refusal, check_space};
use crate::store::{Incoming, Store, StoredRelease, Supply, Survey};
use crate::switch::{LinkSwitch, SwitchError};
use crate::verify::{self, Difference};

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The disk does not hold it any more.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The links.
    #[error(transparent)]
    Switch(#[from] SwitchError),
    /// A stored release is not what was stored.
    #[error("release {release} is not what was stored: {}", first_of(differences))]
    Differs {
        /// Which.
        release: ReleaseId,
        /// Every difference; never empty.
        differences: Vec<Difference>,
    },
}

/// How many differences an error names; `lamp release verify` names all.
const NAMED_MAX: usize = 3;

fn first_of(differences: &[Difference]) -> String {
    let named: Vec<_> = differences
        .iter()
        .take(NAMED_MAX)
        .map(ToString::to_string)
        .collect();
    let more = differences.len().saturating_sub(NAMED_MAX);
    if more == 0 {
        named.join("; ")
    } else {
        format!("{}; and {more} more", named.join("; "))
    }
}

impl StepError {
    /// What to do about it, as a sentence for people.
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.way_out(),
            Self::Store(error) => error.way_out(),
            Self::Switch(SwitchError::Stale { .. }) => {
                "make the plan again: something else was switched to since"
            }
            Self::Switch(SwitchError::NotArmed { .. }) => "`lamp rollback --to` a release that verifies",
            Self::Switch(SwitchError::NoRelease { .. }) => "`lamp release list` names those that are stored",
            Self::Switch(SwitchError::File(_)) => {
                "look at the owner and the mode of that path, and at the disk's health"
            }
            Self::Differs { .. } => {
                "`lamp release verify` names every difference; deploy from a whole source, or name another release"
            }
        }
    }
}

impl From<DirError> for StepError {
    fn from(error: DirError) -> Self {
        StoreError::from(error).into()
    }
}

/// `check-disk`: refuses what would fill the disk.
pub fn check_disk(store: &Store, needed_bytes: u64, needed_inodes: u64) -> Result<(), StepError> {
    Ok(check_space(needed_bytes, needed_inodes, store.space()?)?)
}

/// `stage`: builds the tree where nothing serves it.
pub fn stage(
    store: &Store,
    incoming: &Incoming,
    survey: &Survey,
    supply: &mut dyn Supply,
) -> Result<(), StepError> {
    Ok(store.stage(incoming, survey, supply)?)
}

/// `seal`: durable, immutable, named.
pub fn seal(store: &Store, release: &ReleaseId) -> Result<StoredRelease, StepError> {
    Ok(store.seal(release)?)
}

/// `verify`: holds a stored release against its manifest, every byte.
pub fn verify(store: &Store, release: &ReleaseId) -> Result<(), StepError> {
    let differences = verify::verify(store, release)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(StepError::Differs {
        release: release.clone(),
        differences,
    })
}

/// `arm`: the way back lies ready on disk.
pub fn arm(links: &LinkSwitch, back_to: Option<&ReleaseId>) -> Result<(), StepError> {
    Ok(links.arm(back_to)?)
}

/// `switch`: from here on `to` answers. A plan made on something else than what is live is refused.
pub fn switch(links: &LinkSwitch, from: Option<&ReleaseId>, to: &ReleaseId) -> Result<(), StepError> {
    links.refuse_stale(from, to)?;
    Ok(links.switch(Some(to))?)
}

/// `confirm`: it counts as good, and the way back is taken away.
pub fn confirm(links: &LinkSwitch, release: &ReleaseId) -> Result<(), StepError> {
    links.set_last_good(release)?;
    Ok(links.disarm()?)
}
