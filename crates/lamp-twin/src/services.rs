//! The twin's services: how each is started and known to answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lamp_fleet::file::Ownership;
use lamp_fleet::{Host, Kind};
use lamp_http::Way;
use lamp_release::SiteConfig;
use lamp_sandbox::{Child, Sandbox};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::TwinError;
use crate::recipe::{Fpm, Recipe};
use crate::redact;
use crate::up::GivenUp;

/// Between two looks whether one answers.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What is shown of a log, in bytes.
const LAST_WORDS_MAX_BYTES: u64 = 2_000;
/// Where everything that a service writes past its own log goes, inside.
const LOG_DIR: &str = "/run";

/// One service of a twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServicePlan {
    /// For people.
    pub(crate) name: String,
    /// A line for the shell that becomes it.
    pub(crate) script: String,
    /// What says that it answers.
    pub(crate) answers: Vec<Answers>,
    /// Its own log, if it has one.
    pub(crate) log: Option<PathBuf>,
}

/// A place that takes connections once a service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answers {
    /// An address of the twin's own.
    Address(SocketAddr),
    /// A socket of the twin.
    Socket(PathBuf),
}

impl ServicePlan {
    /// What production runs, in the order in which it is started.
    pub(crate) fn of(recipe: &Recipe, site: &SiteConfig) -> Vec<Self> {
        let database = site.database.as_ref().map(|database| {
            let (datadir, socket) = (database.datadir.as_path(), database.socket.as_path());
            mariadb(datadir, &without_var_run(socket))
        });
        let fpm = recipe.fpm.iter().map(php_fpm);
        database
            .into_iter()
            .chain(fpm)
            .chain([apache(own_address(site))])
            .collect()
    }
}

/// Debian's /var/run is a link to /run, and no link is followed inside a twin.
fn without_var_run(path: &Path) -> PathBuf {
    path.strip_prefix("/var/run")
        .map_or_else(|_| path.to_owned(), |rest| Path::new("/run").join(rest))
}

/// What would act by itself, reach for other servers, or take long is off; sizes fit into the twin.
fn mariadb(datadir: &Path, socket: &Path) -> ServicePlan {
    let (datadir, socket_text) = (quoted(datadir), quoted(socket));
    let run = quoted(socket.parent().unwrap_or(Path::new("/run/mysqld")));
    let script = format!(
        "install -d -o \"$(stat -c %u {datadir})\" -m 0755 {run}; exec /usr/sbin/mariadbd \
         --user=\"$(stat -c %U {datadir})\" --datadir={datadir} --socket={socket_text} \
         --event-scheduler=OFF --skip-slave-start --skip-log-bin --loose-wsrep-on=OFF \
         --innodb-buffer-pool-load-at-startup=OFF --innodb-buffer-pool-dump-at-shutdown=OFF \
         --innodb-buffer-pool-size=128M --innodb-log-file-size=16M --innodb-flush-log-at-trx-commit=0 \
         --sync-binlog=0"
    );
    ServicePlan {
        name: "mariadbd".to_owned(),
        script,
        answers: vec![Answers::Socket(socket.to_owned())],
        log: Some("/var/log/mysql/error.log".into()),
    }
}

fn php_fpm(fpm: &Fpm) -> ServicePlan {
    let version = &fpm.version;
    ServicePlan {
        name: format!("php-fpm{version}"),
        script: format!(
            "install -d -m 0755 /run/php; exec /usr/sbin/php-fpm{version} --nodaemonize --fpm-config \
             /etc/php/{version}/fpm/php-fpm.conf"
        ),
        answers: fpm
            .sockets
            .iter()
            .map(|path| Answers::Socket(without_var_run(path)))
            .collect(),
        log: Some(format!("/var/log/php{version}-fpm.log").into()),
    }
}

fn apache(address: SocketAddr) -> ServicePlan {
    ServicePlan {
        name: "apache2".to_owned(),
        script: "set -e; . /etc/apache2/envvars; install -d -m 1777 /run/lock; install -d \"$APACHE_RUN_DIR\" \
                 \"$APACHE_LOG_DIR\"; install -d -o \"$APACHE_RUN_USER\" \"$APACHE_LOCK_DIR\"; exec /usr/sbin/apache2 \
                 -D FOREGROUND"
            .to_owned(),
        answers: vec![Answers::Address(address)],
        log: Some("/var/log/apache2/error.log".into()),
    }
}

/// As one word of a shell's line.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}

/// The twin that services are started in.
pub(crate) struct Ground<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) host: &'a Host,
    /// Who root of the twin is on the host.
    pub(crate) root: u32,
    pub(crate) given_up: &'a GivenUp,
}

/// Starts all of them at once, for none needs another to start; then waits until each answers.
pub(crate) fn start_all(
    ground: &Ground<'_>,
    plans: &[ServicePlan],
    most: Duration,
) -> Result<Vec<Child>, TwinError> {
    let begun = Instant::now();
    let children = plans
        .iter()
        .map(|plan| start(ground, plan))
        .collect::<Result<Vec<_>, _>>()?;
    for (plan, child) in plans.iter().zip(&children) {
        while !answers(ground, plan)? {
            ground.given_up.check()?;
            if begun.elapsed() > most || has_ended(child) {
                return Err(silent(ground, plan, begun.elapsed()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
    Ok(children)
}

fn start(ground: &Ground<'_>, plan: &ServicePlan) -> Result<Child, TwinError> {
    let log = open_log(ground, plan)?;
    let both = log
        .try_clone()
        .map_err(|error| TwinError::system("share a file", error))?;
    let command = ground.sandbox.command("/bin/sh").args(["-c", &plan.script]);
    let command = command
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdout(log)
        .stderr(both);
    Ok(command.outlive_caller().spawn()?)
}

fn open_log(ground: &Ground<'_>, plan: &ServicePlan) -> Result<OwnedFd, TwinError> {
    let owned = Ownership {
        uid: ground.root,
        gid: ground.root,
        mode: 0o640,
    };
    let dir = ground.host.dir(LOG_DIR).map_err(TwinError::Inside)?;
    Ok(dir.create_file(said_by(plan), owned)?.into())
}

fn said_by(plan: &ServicePlan) -> String {
    format!("lamp-twin-{}.log", plan.name)
}

fn answers(ground: &Ground<'_>, plan: &ServicePlan) -> Result<bool, TwinError> {
    for place in &plan.answers {
        let accepts = match place {
            Answers::Address(address) => accepts(ground, Way::Address(*address))?,
            Answers::Socket(path) => socket_accepts(ground, path)?,
        };
        if !accepts {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where the site listens, which is an address of the twin's own too.
pub(crate) fn own_address(site: &SiteConfig) -> SocketAddr {
    let anywhere = site.address.ip().is_unspecified();
    let ip = if anywhere {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        site.address.ip()
    };
    SocketAddr::new(ip, site.address.port())
}

fn accepts(ground: &Ground<'_>, way: Way) -> Result<bool, TwinError> {
    let net = Some(ground.sandbox.net()?);
    Ok(lamp_http::inside::accepts(net, way, Duration::from_secs(1)).unwrap_or(false))
}

/// Reached beneath its directory's descriptor: no link leads elsewhere.
fn socket_accepts(ground: &Ground<'_>, path: &Path) -> Result<bool, TwinError> {
    let Ok((dir, name)) = ground.host.dir_of(path) else {
        return Ok(false);
    };
    if dir.find(name)?.is_none_or(|meta| meta.kind != Kind::Socket) {
        return Ok(false);
    }
    let fd = std::os::fd::AsFd::as_fd(&dir).as_raw_fd();
    accepts(
        ground,
        Way::Unix(Path::new("/proc/self/fd").join(fd.to_string()).join(name)),
    )
}

fn has_ended(child: &Child) -> bool {
    let mut watched = [PollFd::new(child.pidfd(), PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut watched, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

fn silent(ground: &Ground<'_>, plan: &ServicePlan, waited: Duration) -> TwinError {
    let own = Path::new(LOG_DIR).join(said_by(plan));
    let tails = [Some(own), plan.log.clone()];
    let said: Vec<String> = tails
        .into_iter()
        .flatten()
        .map(|path| tail(ground.host, &path, LAST_WORDS_MAX_BYTES).unwrap_or_default())
        .collect();
    TwinError::Silent {
        service: plan.name.clone(),
        seconds: waited.as_secs(),
        said: redact::secrets(said.join(" ").trim()),
    }
}

/// The end of a file of the twin's, at most `max_bytes`; only of a regular file.
pub(crate) fn tail(host: &Host, path: &Path, max_bytes: u64) -> Result<String, TwinError> {
    let (dir, name) = host.dir_of(path).map_err(TwinError::Inside)?;
    let (file, meta) = dir.open_file(name)?;
    let from = meta.size.saturating_sub(max_bytes);
    let mut bytes = vec![0; usize::try_from(meta.size - from).unwrap_or_default()];
    let read = std::os::unix::fs::FileExt::read_at(&file, &mut bytes, from);
    let read = read.map_err(|error| TwinError::system("read a log of the twin", error))?;
    Ok(String::from_utf8_lossy(bytes.get(..read).unwrap_or_default())
        .trim()
        .to_owned())
}
