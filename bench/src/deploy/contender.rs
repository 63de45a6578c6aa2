//! Those who deploy: lamp with its agent, Debian's capistrano, and rsync with a symlink.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::source::Source;

/// One way to bring a tree live.
pub(super) trait Contender {
    /// As the table names it.
    fn name(&self) -> &'static str;
    /// What is not measured: nothing, for most.
    fn prepare(&mut self, _round: u32) -> Result<()> {
        Ok(())
    }
    /// What is measured.
    fn deploy(&mut self, round: u32) -> Result<()>;
    /// Where its releases stand.
    fn home(&self) -> &Path;
    /// Whether `current` answers with this round's tree.
    fn is_live(&self, round: u32) -> Result<bool> {
        Source::is_round(&self.home().join("current"), round)
    }
    /// Bytes on disk, shared ones once.
    fn disk_bytes(&self) -> Result<u64> {
        disk_bytes(self.home())
    }
    /// Bytes written so far by every process that the bench has waited for.
    fn written_bytes(&self) -> Result<u64> {
        written_bytes("self")
    }
    /// Ends what it started.
    fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// All of them, each in a directory of its own under `place`.
pub(super) fn contenders(place: &Path, source: &Source, lamp: &Path) -> Result<Vec<Box<dyn Contender>>> {
    Ok(vec![
        Box::new(Lamp::start(place.join("lamp"), source.path(), lamp)?),
        Box::new(Capistrano::set_up(place.join("capistrano"), source.path())?),
        Box::new(Rsync::set_up(place.join("rsync"), source.path(), Sharing::None)?),
        Box::new(Rsync::set_up(
            place.join("rsync-link-dest"),
            source.path(),
            Sharing::LinkDest,
        )?),
    ])
}

/// lamp with a running agent, as on a host in service; without the gate and the watcher, which no other contender has.
struct Lamp {
    home: PathBuf,
    source: PathBuf,
    lamp: PathBuf,
    config: PathBuf,
    agent: Child,
}

impl Lamp {
    fn start(place: PathBuf, source: &Path, lamp: &Path) -> Result<Self> {
        fs_err::create_dir_all(place.join("state"))?;
        let home = place.join("store");
        let config = place.join("lamp.toml");
        let text = format!(
            "[agent]\nstate_dir = \"{place}/state\"\nsocket = \"{place}/agent.sock\"\n\n\
             [site.shop]\nstore = \"{home}\"\nprobes = []\nkeep = 100\nhostname = \"shop.example\"\n\
             gate = \"off\"\nwatch = \"off\"\n\
             address = \"127.0.0.1:443\"\naccess_log = \"{place}/access.log\"\napache_pid_file = \"{place}/no.pid\"\n",
            place = place.display(),
            home = home.display(),
        );
        fs_err::write(&config, text)?;
        let log = fs_err::File::create(place.join("agent.log"))?.into_parts().0;
        let agent = Command::new(lamp)
            .arg("--config")
            .arg(&config)
            .arg("agent")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()?;
        wait_for(&place.join("agent.sock"))?;
        Ok(Self {
            home,
            source: source.to_owned(),
            lamp: lamp.to_owned(),
            config,
            agent,
        })
    }
}

impl Contender for Lamp {
    fn name(&self) -> &'static str {
        "lamp"
    }

    fn deploy(&mut self, _round: u32) -> Result<()> {
        let args: [OsString; 9] = [
            "--config".into(),
            self.config.clone().into(),
            "deploy".into(),
            "shop".into(),
            "--from".into(),
            self.source.clone().into(),
            "--bake".into(),
            "0s".into(),
            "--format=json".into(),
        ];
        run_quietly(&self.lamp, args)
    }

    fn home(&self) -> &Path {
        &self.home
    }

    fn written_bytes(&self) -> Result<u64> {
        Ok(written_bytes("self")? + written_bytes(&self.agent.id().to_string())?)
    }

    fn stop(mut self: Box<Self>) -> Result<()> {
        run_quietly("kill", [self.agent.id().to_string().into()])?;
        self.agent.wait()?;
        Ok(())
    }
}

/// Debian's capistrano: local backend, git plugin, file repository.
struct Capistrano {
    home: PathBuf,
    project: PathBuf,
}

impl Capistrano {
    fn set_up(place: PathBuf, source: &Path) -> Result<Self> {
        let (home, project) = (place.join("srv"), place.join("project"));
        fs_err::create_dir_all(project.join("config/deploy"))?;
        fs_err::write(project.join("Capfile"), CAPFILE)?;
        let settings = format!(
            "set :application, 'shop'\nset :repo_url, 'file://{}'\nset :branch, 'main'\nset :deploy_to, '{}'\n\
             set :keep_releases, 100\nset :format_options, log_file: '/dev/null'\n",
            source.display(),
            home.display(),
        );
        fs_err::write(project.join("config/deploy.rb"), settings)?;
        fs_err::write(
            project.join("config/deploy/production.rb"),
            "server :local, roles: %w{app}\n",
        )?;
        Ok(Self { home, project })
    }
}

const CAPFILE: &str = "require 'capistrano/setup'\nrequire 'capistrano/deploy'\nrequire 'capistrano/scm/git'\n\
                       install_plugin Capistrano::SCM::Git\n";

impl Contender for Capistrano {
    fn name(&self) -> &'static str {
        "capistrano"
    }

    /// Its releases are named by the second.
    fn prepare(&mut self, _round: u32) -> Result<()> {
        run_quietly("sleep", ["1".into()])
    }

    fn deploy(&mut self, _round: u32) -> Result<()> {
        run_in(&self.project, "cap", ["production".into(), "deploy".into()])
    }

    fn home(&self) -> &Path {
        &self.home
    }
}

/// Whether rsync shares unchanged files with the release before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    None,
    LinkDest,
}

/// `rsync -a` into a new directory, then `ln -s` and `mv -T`.
struct Rsync {
    home: PathBuf,
    source: PathBuf,
    sharing: Sharing,
}

impl Rsync {
    fn set_up(home: PathBuf, source: &Path, sharing: Sharing) -> Result<Self> {
        fs_err::create_dir_all(home.join("releases"))?;
        Ok(Self {
            home,
            source: source.to_owned(),
            sharing,
        })
    }
}

impl Contender for Rsync {
    fn name(&self) -> &'static str {
        match self.sharing {
            Sharing::None => "rsync + symlink",
            Sharing::LinkDest => "rsync --link-dest + symlink",
        }
    }

    fn deploy(&mut self, round: u32) -> Result<()> {
        let link_dest = match self.sharing {
            Sharing::None => "",
            Sharing::LinkDest => "--link-dest=../../current/",
        };
        let script = format!(
            "set -e; rsync -a --exclude .git {link_dest} '{}/' releases/{round}/; ln -s releases/{round} next; mv -T next current",
            self.source.display()
        );
        run_in(&self.home, "sh", ["-c".into(), script.into()])
    }

    fn home(&self) -> &Path {
        &self.home
    }
}

/// Runs a command to its end; its output is shown only if it fails.
pub(crate) fn run_quietly(program: impl AsRef<Path>, args: impl IntoIterator<Item = OsString>) -> Result<()> {
    run_in(Path::new("."), program, args)
}

fn run_in(dir: &Path, program: impl AsRef<Path>, args: impl IntoIterator<Item = OsString>) -> Result<()> {
    let name = program.as_ref().display().to_string();
    let output = Command::new(program.as_ref())
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{name} is not there: run `make bench-packages`"))?;
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    ensure!(
        output.status.success(),
        "{name} failed ({}): {said}",
        output.status
    );
    Ok(())
}

fn disk_bytes(dir: &Path) -> Result<u64> {
    if !dir.exists() {
        return Ok(0);
    }
    let output = Command::new("du")
        .args(["-s", "--block-size=1"])
        .arg(dir)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace()
        .next()
        .and_then(|bytes| bytes.parse().ok())
        .context("du said nothing")
}

/// `write_bytes` of a process and of every child that it has waited for (proc(5), `/proc/PID/io`).
fn written_bytes(pid: &str) -> Result<u64> {
    let text = fs_err::read_to_string(format!("/proc/{pid}/io"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok())
        .with_context(|| format!("/proc/{pid}/io has no write_bytes"))
}

fn wait_for(path: &Path) -> Result<()> {
    for _ in 0..500 {
        if path.exists() {
            return Ok(());
        }
        run_quietly("sleep", ["0.02".into()])?;
    }
    anyhow::bail!("the agent did not come up: {} is missing", path.display())
}
