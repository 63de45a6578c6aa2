//! What a drill stands on: a lab with one site, releases to deploy, a configuration, a running agent.
//!
//! All of it lies in the lab's own directory, so that what removes the lab removes it.

mod application;
mod settings;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use lamp_apache::{ConfigPath, Docroot, DoorKey, HostLines, SiteLines};
use lamp_http::Protocol;
use lamp_lab::load::{Target, Visitors};
use lamp_lab::plan::MODULE_PATH;
use lamp_lab::{Breakage, Lab, LabError, LabPlan, Sapi, SitePlan};
use lamp_model::SiteName;
use lamp_sandbox::InitProgram;

use super::DrillError;
pub use application::Application;
use application::Ready;
pub use settings::{Probe, Settings};

/// Longest wait for the agent to listen, in looks of [`LOOK`].
const AGENT_LOOKS_MAX: u32 = 1_000;
/// Between two looks whether the agent listens.
const LOOK: std::time::Duration = std::time::Duration::from_millis(20);
/// The one site of a stage.
pub const SITE: &str = "shop";
/// How much of what a verb said is kept in an error, in bytes.
const SAID_BYTES: usize = 800;

/// Who makes the switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switching {
    /// `lamp deploy` and `lamp rollback`, with mod_lamp in Apache.
    Lamp,
    /// A renamed symlink as the document root, as most tools do it: the control.
    Symlink,
}

/// What is to be set up.
#[derive(Debug, Clone)]
pub struct StagePlan {
    /// Where the lab's directory is made; a real filesystem.
    pub parent: PathBuf,
    /// How PHP is run.
    pub sapi: Sapi,
    /// Who makes the switches.
    pub switching: Switching,
    /// What the site runs.
    pub application: Application,
    /// How many different releases there are.
    pub releases: usize,
    /// The binary that is drilled.
    pub lamp: PathBuf,
    /// How the site is guarded.
    pub settings: Settings,
}

/// A lab with its site, and everything needed to deploy to it. Dropping it ends and removes all of it.
#[derive(Debug)]
pub struct Stage {
    agent: Option<Child>,
    lab: Lab,
    plan: StagePlan,
    application: Ready,
    site: SitePlan,
}

impl Stage {
    /// Sets it up; with [`Switching::Lamp`] an agent runs, and nothing is deployed yet.
    pub fn set_up(plan: StagePlan) -> Result<Self, DrillError> {
        let application = plan.application.ready()?;
        let name = SiteName::parse(SITE).expect("a valid name");
        let site = SitePlan::new(name, application.docroot());
        let site = match plan.switching {
            Switching::Lamp => with_lines(site)?,
            Switching::Symlink => site,
        };
        let key = settings::door_key()?;
        let lab = start_lab(&plan, &site, application.has_database(), &key)?;
        application.make_ready(&lab)?;
        let mut stage = Self {
            agent: None,
            lab,
            plan,
            application,
            site,
        };
        stage.write_releases()?;
        if stage.plan.switching == Switching::Lamp {
            settings::put_keys(&stage.place(), &key)?;
            stage.write_config()?;
            stage.start_agent()?;
        }
        Ok(stage)
    }

    /// The lab.
    pub const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The lab, to be harmed.
    pub const fn lab_mut(&mut self) -> &mut Lab {
        &mut self.lab
    }

    /// What visitors of the site ask for.
    pub fn targets(&self) -> Vec<Target> {
        self.application.targets()
    }

    /// Writes a tree of the site's application into `dir`; its pages name `marker`.
    pub fn write_release(&self, dir: &Path, marker: &str) -> Result<(), LabError> {
        self.application.write_release(dir, marker, &self.site.host())
    }

    /// How a release of the site's application may be broken.
    pub fn breakages(&self) -> Result<Vec<Breakage>, LabError> {
        self.application.breakages()
    }

    /// Whether a broken release of the site's application fails at this target, whichever breakage it bears.
    pub fn is_reached_by_breakages(&self, target: &Target) -> bool {
        self.application.is_reached_by_breakages(target)
    }

    /// What the application needs once a first release of it answers.
    pub fn install(&self) -> Result<(), DrillError> {
        self.application.install(&self.lab)
    }

    /// What was asked for.
    pub const fn plan(&self) -> &StagePlan {
        &self.plan
    }

    /// The site's store, as the host sees it.
    pub fn store(&self) -> PathBuf {
        self.lab
            .on_host(&self.site.store())
            .expect("a lab's /srv is its own")
    }

    /// The marker of the `number`-th release.
    pub fn marker(number: usize) -> String {
        format!("r{number}")
    }

    /// Where the `number`-th release comes from.
    pub fn source(&self, number: usize) -> PathBuf {
        self.place().join("sources").join(Self::marker(number))
    }

    /// The agent's process id, while one runs.
    pub fn agent_pid(&self) -> Option<u32> {
        self.agent.as_ref().map(Child::id)
    }

    /// Runs a verb of the binary to its end; exit 0 or it is an error.
    pub fn lamp(&self, verb: &[&str]) -> Result<String, DrillError> {
        let output = self.command(verb).output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(refused(verb, &output))
    }

    /// A verb of the binary, not yet run.
    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(&self.plan.lamp);
        command
            .arg("--config")
            .arg(self.config())
            .args(verb)
            .stdin(Stdio::null());
        command
    }

    /// Deploys the `number`-th release: `lamp deploy`, without a bake of its own.
    pub fn deploy(&self, number: usize) -> Result<String, DrillError> {
        let source = self.source(number);
        self.lamp(&[
            "deploy",
            SITE,
            "--bake",
            "0s",
            "--format",
            "json",
            "--from",
            &source.to_string_lossy(),
        ])
    }

    /// Visitors of the site, inside the lab's network.
    pub fn visitors(&self, protocol: Protocol) -> Result<Visitors, DrillError> {
        Ok(self.lab.visitors(SITE, protocol)?)
    }

    /// Starts the agent and waits until it listens. It ends with this process.
    pub fn start_agent(&mut self) -> Result<(), DrillError> {
        let (socket, log_file) = (self.place().join("agent.sock"), self.place().join("agent.log"));
        let log = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log_file)?;
        let mut command = self.command(&["agent", "--end-with-parent"]);
        // A group of its own: Ctrl-C is for the drill, which then ends the agent in its turn.
        command
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(log.into_file());
        let agent = self.agent.insert(command.spawn()?);
        for _ in 0..AGENT_LOOKS_MAX {
            if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
                return Ok(());
            }
            if let Some(status) = agent.try_wait()? {
                let said = fs_err::read_to_string(&log_file)?;
                return Err(DrillError::Verb {
                    verb: "agent".into(),
                    status: status.to_string(),
                    said,
                });
            }
            std::thread::sleep(LOOK);
        }
        Err(std::io::Error::other("the agent does not listen").into())
    }

    /// Kills the agent, as a crash would, and waits until it is gone.
    pub fn kill_agent(&mut self) -> Result<(), DrillError> {
        if let Some(mut agent) = self.agent.take() {
            agent.kill()?;
            agent.wait()?;
        }
        Ok(())
    }

    /// Where everything of the drill's own lies: the home of root in the lab, which goes with the lab.
    pub fn place(&self) -> PathBuf {
        self.lab
            .on_host(Path::new("/root"))
            .expect("a lab's /root is its own")
    }

    /// The configuration that the binary is run with.
    pub fn config(&self) -> PathBuf {
        self.place().join("lamp.toml")
    }

    fn write_releases(&self) -> Result<(), DrillError> {
        for number in 0..self.plan.releases {
            fs_err::create_dir_all(self.place().join("sources"))?;
            self.write_release(&self.source(number), &Self::marker(number))?;
        }
        Ok(())
    }

    fn write_config(&self) -> Result<(), DrillError> {
        let text = format!(
            "[agent]\nstate_dir = \"{place}/state\"\nsocket = \"{place}/agent.sock\"\non_demand = false\n\n\
             [site.shop]\nstore = \"{store}\"\ndocroot = \"{docroot}\"\naccess_log = \"{ACCESS_LOG}\"\n\
             address = \"127.0.0.1:443\"\nhostname = \"{host}\"\nprobes = [\"{probe}\"]\nbake = \"0s\"\nkeep = 20\n\
             inside = \"{inside}\"\n{settings}",
            place = self.place().display(),
            store = self.site.store().display(),
            docroot = self.site.docroot,
            host = self.site.host(),
            probe = self.application.probe(self.plan.settings.probe),
            inside = self.lab.state_dir().display(),
            settings = self
                .plan
                .settings
                .lines(&self.place(), self.application.has_database()),
        );
        Ok(fs_err::write(self.config(), text)?)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.kill_agent();
    }
}

/// Our own access log of the site, inside the lab.
const ACCESS_LOG: &str = "/var/log/apache2/lamp-shop.log";
/// Our own error log of the site, inside the lab.
const ERROR_LOG: &str = "/var/log/apache2/lamp-shop-error.log";

/// The site with the lines that mod_lamp needs in its virtual hosts.
fn with_lines(site: SitePlan) -> Result<SitePlan, DrillError> {
    let lines = SiteLines {
        module: ConfigPath::parse(MODULE_PATH)?,
        store: ConfigPath::parse(site.store())?,
        docroot: Docroot::parse(&site.docroot)?,
        fallback: None,
        access_log: ConfigPath::parse(ACCESS_LOG)?,
        error_log: Some(ConfigPath::parse(ERROR_LOG)?),
    };
    Ok(site.lines(lines.render()))
}

fn start_lab(
    plan: &StagePlan,
    site: &SitePlan,
    has_database: bool,
    key: &DoorKey,
) -> Result<Lab, DrillError> {
    let mut lab = LabPlan::new(&plan.parent, plan.sapi).site(site.clone());
    lab.database = has_database;
    let init = InitProgram::new(&plan.lamp).arg("sandbox-init");
    if plan.switching == Switching::Symlink {
        return Ok(Lab::start(lab, &init)?);
    }
    let host = HostLines {
        module: ConfigPath::parse(MODULE_PATH)?,
        door: Some(key.hash()),
    };
    Ok(Lab::start(lab.module(lamp_apache::MODULE, host.render()), &init)?)
}

fn refused(verb: &[&str], output: &Output) -> DrillError {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said[said.len().saturating_sub(SAID_BYTES)..]).into_owned();
    DrillError::Verb {
        verb: verb.join(" "),
        status: output.status.to_string(),
        said,
    }
}

/// This very program.
pub fn own_program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// Where labs are made unless someone says otherwise: a real filesystem on every Debian machine.
pub fn default_parent() -> &'static Path {
    Path::new("/var/tmp")
}
