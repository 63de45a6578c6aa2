//! Who is held responsible: the release, and in it the line, ranked by what speaks for it.
//!
//! Three witnesses are heard: the error that visitors met, what the gate had found in the release, and which files
//! differ from the release before. Where no line is known, the release as a whole is named.

use lamp_model::evidence::ErrorSignature;
use lamp_model::finding::{BlastRadius, CodePlace, Finding};
use lamp_model::gate::RehearsalOutcome;
use lamp_model::incident::Culprit;
use lamp_model::name::{DeploymentId, ReleaseId};
use lamp_model::state::{Gated, Site};

use crate::terms::ReleaseFacts;

/// What is known of the release that failed.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The site, as the log tells.
    pub site: &'a Site,
    /// The release.
    pub release: &'a ReleaseId,
    /// The deployment that brought it.
    pub deployment: &'a DeploymentId,
    /// The first error of a kind that the release before never had.
    pub error: Option<&'a ErrorSignature>,
    /// What is known beside the log.
    pub facts: &'a dyn ReleaseFacts,
}

/// What speaks for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ground {
    /// The file differs from the release before.
    FileChanged,
    /// PHP failed there in the twin.
    FailedInTwin,
    /// The gate found an error in the file.
    FoundByGate,
    /// The error that visitors met names a line of the same file.
    SameFileAsError,
    /// The error that visitors met names it.
    NamedByError,
    /// It names what the error says is missing.
    NamesWhatIsMissing,
}

impl Ground {
    /// How much it counts: each more than all below it together.
    const fn weight(self) -> u32 {
        1 << (self as u32)
    }
}

/// A line that may be to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect<'a> {
    /// The line.
    pub place: CodePlace,
    /// What the gate found there.
    pub finding: Option<&'a Finding>,
    /// What speaks for it.
    pub grounds: Vec<Ground>,
}

impl Suspect<'_> {
    fn weight(&self) -> u32 {
        self.grounds.iter().map(|ground| ground.weight()).sum()
    }
}

/// Every line that may be to blame, the likeliest first.
pub fn suspects<'a>(scene: &Scene<'a>) -> Vec<Suspect<'a>> {
    let mut found: Vec<Suspect<'a>> = Vec::new();
    for (place, finding) in places(scene) {
        match found.iter_mut().find(|known| known.place == place) {
            Some(known) => known.finding = known.finding.or(finding),
            None => found.push(Suspect {
                place,
                finding,
                grounds: Vec::new(),
            }),
        }
    }
    for suspect in &mut found {
        suspect.grounds = grounds(scene, suspect);
    }
    // Stable: of two with the same grounds the one found first stays first.
    found.sort_by_key(|suspect| std::cmp::Reverse(suspect.weight()));
    found
}

/// The release and the likeliest line.
pub fn culprit(scene: &Scene<'_>) -> Culprit {
    let suspects = suspects(scene);
    let first = suspects.first();
    let finding = first.and_then(|suspect| suspect.finding);
    Culprit {
        release: scene.release.clone(),
        deployment: scene.deployment.clone(),
        file_changed: first.is_some_and(|suspect| suspect.grounds.contains(&Ground::FileChanged)),
        place: first.map(|suspect| suspect.place.clone()),
        wrong_name: finding.and_then(|finding| finding.target.clone()).or_else(|| {
            scene
                .error
                .and_then(|error| missing(&error.message))
                .map(str::to_owned)
        }),
        right_name: finding.and_then(|finding| finding.suggestion.clone()),
        blast_radius: finding
            .and_then(|finding| finding.blast_radius)
            .or_else(|| first.and_then(|suspect| radius_of_file(scene, &suspect.place.path))),
        error: scene.error.cloned(),
        commit: scene
            .facts
            .commit(scene.deployment.site(), scene.release, path_of(first)),
        overridden: gate(scene).and_then(|gated| gated.overridden.clone()),
    }
}

fn path_of<'a>(suspect: Option<&'a Suspect<'_>>) -> Option<&'a str> {
    suspect.map(|suspect| suspect.place.path.as_str())
}

fn gate<'a>(scene: &Scene<'a>) -> Option<&'a Gated> {
    scene.site.releases.get(scene.release)?.gate.as_deref()
}

fn findings<'a>(scene: &Scene<'a>) -> &'a [Finding] {
    gate(scene).map_or(&[], |gated| &gated.result.findings)
}

/// Where the twin saw PHP fail.
fn failed_in_twin<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a CodePlace> {
    let causes = match gate(scene).map(|gated| &gated.result.rehearsal) {
        Some(RehearsalOutcome::Done { shown }) => shown.causes.as_slice(),
        Some(RehearsalOutcome::SwitchedOff | RehearsalOutcome::Skipped | RehearsalOutcome::Failed { .. })
        | None => &[],
    };
    let blocking = causes.iter().filter(|cause| cause.kind.blocks());
    blocking.filter_map(|cause| cause.place.as_ref())
}

fn places<'a>(scene: &Scene<'a>) -> Vec<(CodePlace, Option<&'a Finding>)> {
    let named = scene.error.and_then(|error| error.place.clone());
    let found = findings(scene);
    let found = found.iter().map(|finding| (finding.place(), Some(finding)));
    let failed = failed_in_twin(scene).map(|place| (place.clone(), None));
    named
        .map(|place| (place, None))
        .into_iter()
        .chain(found)
        .chain(failed)
        .collect()
}

fn grounds(scene: &Scene<'_>, suspect: &Suspect<'_>) -> Vec<Ground> {
    let place = &suspect.place;
    let named = scene.error.and_then(|error| error.place.as_ref());
    let missing = scene.error.and_then(|error| missing(&error.message));
    let names_it = |finding: &Finding| missing.is_some_and(|missing| is_same_file(finding, missing));
    let changed = scene
        .facts
        .is_changed(scene.deployment.site(), scene.release, &place.path);
    let holds = [
        (Ground::NamesWhatIsMissing, suspect.finding.is_some_and(names_it)),
        (Ground::NamedByError, named == Some(place)),
        (
            Ground::SameFileAsError,
            named.is_some_and(|named| named.path == place.path),
        ),
        (Ground::FoundByGate, suspect.finding.is_some()),
        (
            Ground::FailedInTwin,
            failed_in_twin(scene).any(|failed| failed == place),
        ),
        (Ground::FileChanged, changed == Some(true)),
    ];
    holds
        .into_iter()
        .filter_map(|(ground, holds)| holds.then_some(ground))
        .collect()
}

fn radius_of_file(scene: &Scene<'_>, path: &str) -> Option<BlastRadius> {
    let mut of_file = findings(scene).iter().filter(|finding| finding.path == path);
    let site = scene.deployment.site();
    of_file
        .find_map(|finding| finding.blast_radius)
        .or_else(|| scene.facts.blast_radius(site, scene.release, path))
}

/// Whether a finding's target is the file that PHP could not open: PHP may name it by its whole path.
fn is_same_file(finding: &Finding, missing: &str) -> bool {
    let Some(target) = finding.target.as_deref().map(without_lead) else {
        return false;
    };
    let missing = without_lead(missing);
    !target.is_empty()
        && (target == missing
            || missing
                .strip_suffix(target)
                .is_some_and(|lead| lead.ends_with('/'))
            || target
                .strip_suffix(missing)
                .is_some_and(|lead| lead.ends_with('/')))
}

fn without_lead(path: &str) -> &str {
    path.trim_start_matches("./").trim_start_matches('/')
}

/// What PHP says is not there: the file of a failed include, as in `Failed opening required 'x'`, or
/// `require(x): Failed to open stream`.
pub fn missing(message: &str) -> Option<&str> {
    const QUOTED: [&str; 3] = [
        "Failed opening required '",
        "Failed opening '",
        "failed opening required '",
    ];
    let quoted = QUOTED.iter().find_map(|lead| {
        let (_, rest) = message.split_once(lead)?;
        rest.split_once('\'').map(|(name, _)| name)
    });
    let in_brackets = || {
        let (before, _) = message.split_once("): Failed to open stream")?;
        before.rsplit_once('(').map(|(_, name)| name)
    };
    quoted.or_else(in_brackets).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
