//! A running twin.

use std::path::Path;

use lamp_fleet::file::Ownership;
use lamp_fleet::{Dir, Host};
use lamp_http::{Builder, Client, Scheme, Trust};
use lamp_model::ReleaseId;
use lamp_model::port::Switch;
use lamp_release::{LinkSwitch, SiteConfig, config, switch};
use lamp_sandbox::{Child, IdMap, InitProgram, Sandbox, StartError};

use crate::error::TwinError;
use crate::form::{Form, NewFile};
use crate::outside::Outside;
use crate::plan::RehearsalPlan;
use crate::redact;
use crate::services::{self, Ground};
use crate::up::GivenUp;

/// A twin whose services answer. Dropping it ends it, and nothing of it is left.
#[derive(Debug)]
pub struct Twin {
    /// First, so that it is dropped first: with it everything inside ends.
    sandbox: Sandbox,
    host: Host,
    users: IdMap,
    site: SiteConfig,
    differs: Vec<String>,
    outside: Outside,
    _services: Vec<Child>,
}

/// What becomes a twin: it is built, and nothing runs in it yet.
#[derive(Debug)]
pub(crate) struct Shell {
    sandbox: Sandbox,
    host: Host,
    users: IdMap,
}

impl Shell {
    /// Builds the sandbox and puts the twin's own files into it.
    pub(crate) fn build(form: &Form, users: IdMap, init: &InitProgram) -> Result<Self, StartOrTwin> {
        let sandbox = lamp_sandbox::start(&form.sandbox, init).map_err(StartOrTwin::Start)?;
        let shell = Self {
            host: Host::inside(sandbox.state_dir()),
            sandbox,
            users,
        };
        form.files
            .iter()
            .try_for_each(|file| shell.put(file))
            .map_err(StartOrTwin::Twin)?;
        Ok(shell)
    }

    /// Nothing has run inside yet, so whatever stands there is production's.
    fn put(&self, file: &NewFile) -> Result<(), TwinError> {
        let (dir, name) = self.host.dir_of(&file.path).map_err(TwinError::Inside)?;
        let owned = Ownership {
            uid: self.on_host(file.uid),
            gid: self.on_host(file.gid),
            mode: file.mode,
        };
        Ok(dir.put_file(name, file.text.as_bytes(), owned)?)
    }

    /// The sandbox, to put more into it.
    pub(crate) const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    fn on_host(&self, inside: u32) -> u32 {
        self.users.on_host(inside).unwrap_or_else(|| self.users.base())
    }

    /// Starts the services and waits until each answers.
    pub(crate) fn start(
        self,
        form: Form,
        outside: Outside,
        plan: &RehearsalPlan,
        given_up: &GivenUp,
    ) -> Result<Twin, TwinError> {
        let ground = Ground {
            sandbox: &self.sandbox,
            host: &self.host,
            root: self.users.base(),
            given_up,
        };
        let started = services::start_all(&ground, &form.services, plan.bounds.start_max)?;
        Ok(Twin {
            sandbox: self.sandbox,
            host: self.host,
            users: self.users,
            site: plan.site.clone(),
            differs: form.differs,
            outside,
            _services: started,
        })
    }
}

/// Why a sandbox was not built: the caller tries other users if these were taken meanwhile.
#[derive(Debug)]
pub(crate) enum StartOrTwin {
    Start(StartError),
    Twin(TwinError),
}

impl Twin {
    /// Ends it: nothing of it is left when this returns.
    pub fn end(self) -> Result<(), TwinError> {
        Ok(self.sandbox.kill()?)
    }

    /// The sandbox that it lives in: a command run in it is under the same bounds as everything else inside.
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// In what it differs from production, in words.
    pub fn differs(&self) -> &[String] {
        &self.differs
    }

    /// Calls to other machines so far, as in `203.0.113.7:443/tcp`; each was refused.
    pub fn outside_calls(&self) -> Vec<String> {
        self.outside.calls()
    }

    /// The end of a file of the twin's, at most `max_bytes`, secrets taken out. A link, a pipe, anything but a regular file is
    /// refused, wherever it leads.
    pub fn log(&self, path: &Path, max_bytes: u64) -> Result<String, TwinError> {
        services::tail(&self.host, path, max_bytes).map(|text| redact::secrets(&text))
    }

    /// Switches the site as production does, on the twin's copy of the link.
    pub fn switch(&self, release: &ReleaseId) -> Result<(), TwinError> {
        let store = self
            .host
            .dir(self.site.store.as_path())
            .map_err(TwinError::Inside)?;
        let link = store.try_clone()?;
        LinkSwitch::new(store)
            .switch(Some(release))
            .map_err(TwinError::Switch)?;
        // Inside, the link is root's, as it is in production.
        Ok(link.own_link(Path::new(switch::CURRENT), (self.users.base(), self.users.base()))?)
    }

    /// A client of the site in the twin: it speaks to an address of the twin's own and nowhere else.
    pub fn client(&self) -> Result<Builder, TwinError> {
        let scheme = match self.site.scheme {
            config::Scheme::Http => Scheme::Http,
            config::Scheme::Https => Scheme::Https,
        };
        let builder = Client::at(scheme, &*self.site.hostname, services::own_address(&self.site));
        Ok(builder.trust(Trust::AnyCertificate).inside(self.sandbox.net()?))
    }

    /// Its files and processes.
    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }

    /// The tree of a release as the twin sees it.
    pub(crate) fn release(&self, release: &ReleaseId) -> Result<Dir, TwinError> {
        let releases = self.site.store.as_path().join(lamp_release::store::RELEASES);
        self.host
            .dir(releases.join(release.as_str()))
            .map_err(TwinError::Inside)
    }
}
