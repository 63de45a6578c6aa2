//! What the site of a stage runs: a fixture application, or a real one.

use std::path::{Path, PathBuf};

use lamp_lab::load::Target;
use lamp_lab::wordpress::{self, Unpacked};
use lamp_lab::{App, Breakage, Lab, LabError};

use super::{Probe, SITE};
use crate::drill::DrillError;

/// What the site is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Application {
    /// The fixture whose pages show the release in each of the four ways; small and quick.
    Markers,
    /// The WordPress that stands at this path, with a database, installed by its own installer.
    WordPress(PathBuf),
}

/// The same, ready to write releases.
#[derive(Debug)]
pub(super) enum Ready {
    Markers(App),
    WordPress(Unpacked),
}

impl Application {
    pub(super) fn ready(&self) -> Result<Ready, DrillError> {
        Ok(match self {
            Self::Markers => Ready::Markers(lamp_lab::apps::with_all_ways()?),
            Self::WordPress(path) => Ready::WordPress(Unpacked::at(path.clone())?),
        })
    }
}

impl Ready {
    pub(super) fn docroot(&self) -> &str {
        match self {
            Self::Markers(app) => &app.facts.docroot,
            Self::WordPress(_) => ".",
        }
    }

    /// A path that answers whether or not the application is installed yet.
    pub(super) const fn probe(&self, probe: Probe) -> &'static str {
        match (self, probe) {
            (Self::Markers(_), Probe::Page) => "/",
            (Self::Markers(_), Probe::File) => "/static.txt",
            (Self::WordPress(_), _) => "/readme.html",
        }
    }

    pub(super) const fn has_database(&self) -> bool {
        matches!(self, Self::WordPress(_))
    }

    pub(super) fn targets(&self) -> Vec<Target> {
        match self {
            Self::Markers(app) => app.targets(),
            Self::WordPress(_) => wordpress::targets(),
        }
    }

    pub(super) fn breakages(&self) -> Result<Vec<Breakage>, LabError> {
        match self {
            Self::Markers(app) => Ok(app.facts.breakages.clone()),
            Self::WordPress(_) => wordpress::breakages(),
        }
    }

    pub(super) fn is_reached_by_breakages(&self, target: &Target) -> bool {
        match self {
            Self::Markers(_) => App::is_reached_by_breakages(target),
            Self::WordPress(_) => wordpress::is_reached_by_breakages(target),
        }
    }

    pub(super) fn write_release(&self, dir: &Path, marker: &str, host: &str) -> Result<(), LabError> {
        match self {
            Self::Markers(app) => app.write_release(dir, marker),
            Self::WordPress(unpacked) => unpacked.write_release(dir, marker, host),
        }
    }

    /// What must be there before a first release can answer.
    pub(super) fn make_ready(&self, lab: &Lab) -> Result<(), LabError> {
        match self {
            Self::Markers(_) => Ok(()),
            Self::WordPress(_) => wordpress::make_database(lab),
        }
    }

    /// What is left to do once a first release answers.
    pub(super) fn install(&self, lab: &Lab) -> Result<(), DrillError> {
        match self {
            Self::Markers(_) => Ok(()),
            Self::WordPress(_) => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                Ok(runtime.block_on(wordpress::install(lab, SITE))?)
            }
        }
    }
}
