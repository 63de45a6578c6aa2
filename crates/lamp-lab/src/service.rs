//! The servers of a lab: how each is started, known to answer, stopped and killed.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs_err as fs;
use lamp_http::Way;
use lamp_sandbox::{Child, Sandbox};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::plan::{LabPlan, MARK_VARIABLE, Sapi};
use crate::programs::{APACHE, FIND, MARIADBD, PHP_FPM, SH};

/// A service answers this soon, or does not start.
const START_MAX: Duration = Duration::from_secs(30);
/// A stopped or killed process is gone this soon.
const END_MAX: Duration = Duration::from_secs(30);
/// Between two looks at what is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What is shown of a log when its service does not start.
const LAST_WORDS_MAX_BYTES: usize = 2000;

/// One of a lab's servers, in the order in which they are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// MariaDB.
    Database,
    /// php-fpm.
    Fpm,
    /// Apache.
    Apache,
}

/// How one is known to answer.
enum Answers {
    /// It takes connections at this port of the lab's own loopback.
    Port(u16),
    /// It takes connections at this socket, given without the first slash.
    Socket(&'static str),
}

impl Service {
    /// The services of a lab, in the order in which they are started.
    pub fn of(plan: &LabPlan) -> Vec<Self> {
        let there = |service: &Self| match service {
            Self::Database => plan.database,
            Self::Fpm => plan.sapi == Sapi::Fpm,
            Self::Apache => true,
        };
        [Self::Database, Self::Fpm, Self::Apache]
            .into_iter()
            .filter(there)
            .collect()
    }

    /// The name of its processes, as the kernel has it.
    const fn process_name(self) -> &'static str {
        match self {
            Self::Database => MARIADBD.name,
            Self::Fpm => PHP_FPM.name,
            Self::Apache => APACHE.name,
        }
    }

    /// What starts it, as Debian's units and init scripts do: its directory in /run is made first.
    const fn script(self) -> &'static str {
        match self {
            Self::Database => {
                "install -d -o mysql -g root -m 0755 /run/mysqld && exec /usr/sbin/mariadbd --user=mysql"
            }
            Self::Fpm => {
                "install -d -o www-data -g www-data -m 0755 /run/php && \
                 exec /usr/sbin/php-fpm8.2 --nodaemonize --fpm-config /etc/php/8.2/fpm/php-fpm.conf"
            }
            Self::Apache => {
                "set -e; . /etc/apache2/envvars; install -d -m 1777 /run/lock; install -d /run/apache2; \
                 install -d -o www-data /run/lock/apache2; \
                 exec /usr/sbin/apache2 -D FOREGROUND"
            }
        }
    }

    const fn answers(self) -> Answers {
        match self {
            Self::Database => Answers::Port(3306),
            Self::Fpm => Answers::Socket("run/php/php8.2-fpm.sock"),
            Self::Apache => Answers::Port(80),
        }
    }

    /// What it says before it has a log of its own, inside the lab.
    fn log(self) -> PathBuf {
        Path::new("/var/log").join(format!("lamp-lab-{}.log", self.process_name()))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.process_name())
    }
}

/// Starts a service and waits until it answers.
pub(crate) fn start(plan: &LabPlan, sandbox: &Sandbox, service: Service) -> Result<Child, LabError> {
    let log = plan.on_host(&service.log()).unwrap_or_default();
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(log)?
        .into_parts()
        .0;
    let child = sandbox
        .command(SH.path)
        .args(["-c", service.script()])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env(MARK_VARIABLE, plan.name.as_str())
        .stdout(log.try_clone()?)
        .stderr(log)
        .outlive_caller()
        .spawn()?;
    let begun = Instant::now();
    while !answers(sandbox, service)? {
        if begun.elapsed() > START_MAX || has_ended(&child)? {
            return Err(silent(plan, service, begun.elapsed()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(child)
}

fn answers(sandbox: &Sandbox, service: Service) -> Result<bool, LabError> {
    let way = match service.answers() {
        Answers::Port(port) => Way::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        // The lab is a trusted fixture: no link in it leads anywhere.
        Answers::Socket(path) => Way::Unix(
            Path::new("/proc")
                .join(sandbox.init_pid().to_string())
                .join("root")
                .join(path),
        ),
    };
    Ok(lamp_http::inside::accepts(Some(sandbox.net()?), way, START_MAX)?)
}

fn has_ended(child: &Child) -> io::Result<bool> {
    let mut watched = [rustix::event::PollFd::new(
        child.pidfd(),
        rustix::event::PollFlags::IN,
    )];
    let at_once = rustix::event::Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Ok(rustix::event::poll(&mut watched, Some(&at_once))? > 0)
}

fn silent(plan: &LabPlan, service: Service, waited: Duration) -> LabError {
    let own_log = match service {
        Service::Database => "/var/log/mysql/error.log",
        Service::Fpm => "/var/log/php8.2-fpm.log",
        Service::Apache => "/var/log/apache2/error.log",
    };
    let tail = |inside: &Path| {
        let bytes = plan
            .on_host(inside)
            .and_then(|path| fs::read(path).ok())
            .unwrap_or_default();
        let from = bytes.len().saturating_sub(LAST_WORDS_MAX_BYTES);
        String::from_utf8_lossy(&bytes[from..]).trim().to_owned()
    };
    LabError::Silent {
        service,
        seconds: waited.as_secs(),
        said: format!("{} {}", tail(&service.log()), tail(Path::new(own_log))),
    }
}

/// Asks a service to end by its main process, and waits until none of its processes is left.
pub(crate) fn stop(sandbox: &Sandbox, service: Service, main: &Child) -> Result<(), LabError> {
    main.signal(Signal::TERM)?;
    until_gone(
        sandbox,
        |process| process.name == service.process_name(),
        |_| Ok(()),
    )
}

/// Kills every process of a service.
pub(crate) fn kill(sandbox: &Sandbox, service: Service) -> Result<(), LabError> {
    kill_those(sandbox, |process| process.name == service.process_name())
}

/// Kills every process of the lab but its first, and empties its /run: what a crash of the host leaves.
pub(crate) fn kill_everything(sandbox: &Sandbox) -> Result<(), LabError> {
    kill_those(sandbox, |_| true)?;
    let emptied = sandbox
        .command(FIND.path)
        .args(["/run", "-mindepth", "1", "-delete"])
        .output()?;
    if emptied.status.success() {
        return Ok(());
    }
    Err(LabError::Failed {
        doing: "emptying /run".to_owned(),
        said: String::from_utf8_lossy(&emptied.stderr).into_owned(),
    })
}

/// One process of a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) name: String,
}

/// The processes of a lab but its first, as the host counts.
pub(crate) fn processes(sandbox: &Sandbox) -> io::Result<Vec<Process>> {
    let first = sandbox.init_pid();
    let namespace = fs::read_link(format!("/proc/{first}/ns/pid"))?;
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        // A process may end between two looks; then it is no process of the lab.
        let same = fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|its| its == namespace);
        if same && pid != first {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            all.push(Process {
                pid,
                name: name.trim_end().to_owned(),
            });
        }
    }
    Ok(all)
}

fn kill_those(sandbox: &Sandbox, which: impl Fn(&Process) -> bool) -> Result<(), LabError> {
    // A killed server may just have made a child: look again until there is none.
    until_gone(sandbox, which, |process| signal(process, Signal::KILL))
}

/// Does `act` to every process that is still there, again and again, until none is.
fn until_gone(
    sandbox: &Sandbox,
    which: impl Fn(&Process) -> bool,
    act: impl Fn(&Process) -> io::Result<()>,
) -> Result<(), LabError> {
    let begun = Instant::now();
    loop {
        let left: Vec<_> = processes(sandbox)?.into_iter().filter(&which).collect();
        if left.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > END_MAX {
            return Err(still_there(&left));
        }
        left.iter().try_for_each(&act)?;
        std::thread::sleep(LOOK_EVERY);
    }
}

fn still_there(left: &[Process]) -> LabError {
    let names: Vec<_> = left
        .iter()
        .map(|process| format!("{} {}", process.name, process.pid))
        .collect();
    LabError::Failed {
        doing: format!("ending {}", names.join(", ")),
        said: format!("still there after {} s", END_MAX.as_secs()),
    }
}

/// One that has ended meanwhile is as good.
fn signal(process: &Process, signal: Signal) -> io::Result<()> {
    let Some(pid) = Pid::from_raw(process.pid) else {
        return Ok(());
    };
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
