//! A running lab.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use lamp_http::{Builder, Client, Protocol, Scheme, Trust};
use lamp_model::ReleaseId;
use lamp_sandbox::{Child, InitProgram, Sandbox};

use crate::error::LabError;
use crate::layout::{self, DATADIR, Users};
use crate::load::Visitors;
use crate::plan::{LabPlan, SitePlan};
use crate::programs::{self, INSTALL_DB, MARIADB};
use crate::service::{self, Service};
use crate::tls::LastDay;
use crate::{tls, tree_copy};

/// A running lab. Dropping it ends it; the death of its process does as well.
#[derive(Debug)]
pub struct Lab {
    plan: LabPlan,
    sandbox: Sandbox,
    users: Users,
    authority: Vec<u8>,
    running: BTreeMap<Service, Child>,
}

impl Lab {
    /// Makes a lab as planned and starts its services. No release is in it yet: Apache answers, and every
    /// page is an error. `init` is the program that becomes the sandbox's keeper. What killed labs left in
    /// the same parent is removed first.
    pub fn start(plan: LabPlan, init: &InitProgram) -> Result<Self, LabError> {
        programs::check(&programs::needed(plan.sapi, plan.database), Path::new("/"))?;
        let hosts = plan
            .sites
            .iter()
            .map(SitePlan::host)
            .chain(["localhost".to_owned()]);
        let certificates = tls::make(hosts.collect(), None)?;
        fs::create_dir_all(&plan.parent)?;
        lamp_sandbox::reap(&plan.parent)?;
        let sandbox = lamp_sandbox::start(&plan.sandbox(), init)?;
        let users = layout::write(&plan, &certificates)?;
        let mut lab = Self {
            plan,
            sandbox,
            users,
            authority: certificates.authority,
            running: BTreeMap::new(),
        };
        if lab.plan.database {
            lab.initialise_database()?;
        }
        lab.start_services()?;
        Ok(lab)
    }

    /// What it was made after.
    pub const fn plan(&self) -> &LabPlan {
        &self.plan
    }

    /// The sandbox that it lives in.
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Its directory: what `inside` in lamp.toml names.
    pub fn state_dir(&self) -> PathBuf {
        self.plan.state_dir()
    }

    /// Where a path of the lab's own stands on the host; `None` for what is the host's.
    pub fn on_host(&self, inside: &Path) -> Option<PathBuf> {
        self.plan.on_host(inside)
    }

    /// Its certificate authority, as DER.
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// The site called `name`.
    pub fn site(&self, name: &str) -> Result<&SitePlan, LabError> {
        let found = self.plan.sites.iter().find(|site| site.name.as_str() == name);
        found.ok_or_else(|| LabError::NoSite {
            site: name.to_owned(),
        })
    }

    /// A client of `site` inside the lab, believing its authority.
    pub fn client(&self, site: &str, scheme: Scheme) -> Result<Builder, LabError> {
        let builder = Client::at(scheme, self.site(site)?.host(), address(scheme));
        Ok(builder
            .trust(Trust::Authority(self.authority.clone()))
            .inside(self.sandbox.net()?))
    }

    /// Visitors of `site` inside the lab, with TLS.
    pub fn visitors(&self, site: &str, protocol: Protocol) -> Result<Visitors, LabError> {
        Ok(Visitors {
            net: Some(self.sandbox.net()?),
            scheme: Scheme::Https,
            host: self.site(site)?.host(),
            address: address(Scheme::Https),
            protocol,
            trust: Trust::Authority(self.authority.clone()),
        })
    }

    /// Starts every service that does not run, in order, and waits until each answers.
    pub fn start_services(&mut self) -> Result<(), LabError> {
        for service in Service::of(&self.plan) {
            self.start_service(service)?;
        }
        Ok(())
    }

    /// Starts a service unless it runs, and waits until it answers.
    pub fn start_service(&mut self, service: Service) -> Result<(), LabError> {
        if !self.running.contains_key(&service) {
            let child = service::start(&self.plan, &self.sandbox, service)?;
            self.running.insert(service, child);
        }
        Ok(())
    }

    /// Gives Apache another certificate, for these hosts and until the beginning of this day, and starts it anew with it.
    pub fn show_certificate(&mut self, hosts: Vec<String>, until: LastDay) -> Result<(), LabError> {
        let certificates = tls::make(hosts, Some(until))?;
        layout::write_certificates(&self.plan, &certificates)?;
        self.authority = certificates.authority;
        self.stop_service(Service::Apache)?;
        self.start_service(Service::Apache)
    }

    /// Asks a service to end and waits for it; one that does not run has ended.
    pub fn stop_service(&mut self, service: Service) -> Result<(), LabError> {
        match self.running.remove(&service) {
            Some(main) => service::stop(&self.sandbox, service, &main),
            None => Ok(()),
        }
    }

    /// Kills every process of a service.
    pub fn kill_service(&mut self, service: Service) -> Result<(), LabError> {
        self.running.remove(&service);
        service::kill(&self.sandbox, service)
    }

    /// Kills every process of the lab and empties its /run, as a crash of its host would.
    pub fn kill_everything(&mut self) -> Result<(), LabError> {
        self.running.clear();
        service::kill_everything(&self.sandbox)
    }

    /// The main process of a service that runs, as the host counts.
    pub fn pid(&self, service: Service) -> Option<i32> {
        self.running.get(&service).map(Child::pid)
    }

    /// Ends the lab: no process, mount, control group nor file of it is left.
    pub fn end(self) -> Result<(), LabError> {
        Ok(self.sandbox.kill()?)
    }

    /// Puts a release into a site's store without Lamplighter, for the control: `write` fills its directory.
    pub fn put_release(
        &self,
        site: &str,
        id: &ReleaseId,
        write: impl FnOnce(&Path) -> Result<(), LabError>,
    ) -> Result<(), LabError> {
        let releases = self.store(site)?.join("releases");
        fs::create_dir_all(&releases)?;
        self.hand_to_group(&releases)?;
        let dir = releases.join(id.as_str());
        fs::create_dir(&dir)?;
        write(&dir)?;
        Ok(self.hand_over(&dir)?)
    }

    /// Switches a site by its link alone, as most tools do. For the control: nothing of ours takes part.
    pub fn switch_by_link(&self, site: &str, id: &ReleaseId) -> Result<(), LabError> {
        let store = self.store(site)?;
        let (new, current) = (store.join(".current-new"), store.join("current"));
        if new.is_symlink() {
            fs::remove_file(&new)?;
        }
        fs_err::os::unix::fs::symlink(Path::new("releases").join(id.as_str()), &new)?;
        Ok(fs::rename(new, current)?)
    }

    /// Runs statements in the lab's database as its root and gives what it printed.
    pub fn sql(&self, statements: &str) -> Result<String, LabError> {
        let call =
            self.sandbox
                .command(MARIADB.path)
                .args(["--batch", "--skip-column-names", "-e", statements]);
        let said = call.output()?;
        if said.status.success() {
            return Ok(String::from_utf8_lossy(&said.stdout).into_owned());
        }
        Err(failed("a statement", &said.stderr))
    }

    fn store(&self, site: &str) -> Result<PathBuf, LabError> {
        let store = self.site(site)?.store();
        let lacking = || std::io::Error::other(format!("{} is not in the lab", store.display()));
        Ok(self.on_host(&store).ok_or_else(lacking)?)
    }

    /// root:www-data, readable and no more, as Lamplighter's own releases are.
    fn hand_over(&self, path: &Path) -> std::io::Result<()> {
        self.hand_to_group(path)?;
        if path.is_dir() {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                if !entry.file_type()?.is_symlink() {
                    self.hand_over(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    fn hand_to_group(&self, path: &Path) -> std::io::Result<()> {
        tree_copy::own(path, 0, self.users.www_data.gid)?;
        let mode = if path.is_dir() { 0o750 } else { 0o640 };
        fs::set_permissions(path, PermissionsExt::from_mode(mode))
    }

    fn initialise_database(&self) -> Result<(), LabError> {
        let call = self
            .sandbox
            .command(INSTALL_DB.path)
            .args([
                "--user=mysql",
                "--skip-test-db",
                "--auth-root-authentication-method=socket",
            ])
            .arg(format!("--datadir={DATADIR}"));
        let said = call.output()?;
        if said.status.success() {
            return Ok(());
        }
        Err(failed(INSTALL_DB.name, &[said.stdout, said.stderr].concat()))
    }
}

/// Where the lab's Apache listens, inside.
const fn address(scheme: Scheme) -> SocketAddr {
    let port = match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    };
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

fn failed(doing: &str, said: &[u8]) -> LabError {
    let from = said.len().saturating_sub(2000);
    LabError::Failed {
        doing: doing.to_owned(),
        said: String::from_utf8_lossy(&said[from..]).trim().to_owned(),
    }
}
