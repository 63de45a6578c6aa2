//! From what production is to what its twin will be. Pure: a test reads the value.

use std::path::{Path, PathBuf};

use lamp_release::SiteConfig;
use lamp_sandbox::plan::{Hidden, HiddenAs, Layer, NewDir, RootPlan};
use lamp_sandbox::{IdMap, OwnDir, Plan};

use crate::certificate::Certificate;
use crate::recipe::{FoundDir, KeptFile, Recipe};
use crate::services::ServicePlan;

/// Beside what the sandbox hides in every twin.
const HIDDEN_TOO: [&str; 8] = [
    "/var/tmp",
    "/var/lib/mysql",
    "/var/lib/mysql-files",
    "/var/lib/postgresql",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/cache/apache2",
    "/etc/letsencrypt/accounts",
];
/// Names are asked there: an address of documentation (RFC 5737), outside, so that asking is seen and refused.
const RESOLV_CONF: &str = "nameserver 192.0.2.53\noptions attempts:1 timeout:1\n";
/// The twin's copy of the database, in its state directory's own part.
const DATABASE: &str = "own/database";

/// Where a twin is made.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) state_dir: PathBuf,
    pub(crate) users: IdMap,
}

impl Place {
    /// The directory that the database is copied into.
    pub(crate) fn database(&self) -> PathBuf {
        self.state_dir.join(DATABASE)
    }
}

/// All that a twin will be.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) sandbox: Plan,
    /// Put in place before anything runs.
    pub(crate) files: Vec<NewFile>,
    /// In the order in which they are started.
    pub(crate) services: Vec<ServicePlan>,
    /// In what it differs from production, for people.
    pub(crate) differs: Vec<String>,
}

/// A file of the twin's own; owner as seen inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
}

/// What the twin of `site` will be.
pub(crate) fn form(
    recipe: &Recipe,
    site: &SiteConfig,
    hide: &[PathBuf],
    place: &Place,
    certificate: &Certificate,
) -> Form {
    let services = ServicePlan::of(recipe, site);
    Form {
        sandbox: sandbox(recipe, site, hide, place),
        files: files(recipe, site, certificate),
        differs: differs(recipe, site),
        services,
    }
}

fn sandbox(recipe: &Recipe, site: &SiteConfig, hide: &[PathBuf], place: &Place) -> Plan {
    let mut plan = Plan::twin(&place.name, &place.state_dir, place.users);
    plan.hostname.clone_from(&recipe.hostname);
    let all_hidden = hidden(recipe, site, hide);
    let mut to_make: Vec<&FoundDir> = recipe.log_dirs.iter().chain(&recipe.run_dirs).collect();
    to_make.retain(|dir| plan.dirs.iter().all(|made| made.path != dir.path));
    plan.dirs.extend(to_make.into_iter().map(new_dir));
    if let RootPlan::Overlay {
        layers, hidden, own, ..
    } = &mut plan.root
    {
        *layers = shown(&recipe.layers, &all_hidden);
        *hidden = all_hidden.iter().map(|hidden| on_host(hidden, layers)).collect();
        let datadir = site.database.as_ref().map(|database| database.datadir.as_path());
        own.extend(datadir.map(|datadir| OwnDir::at(place.database(), datadir)));
    }
    plan
}

/// Everything that does not show, paths as seen inside.
fn hidden(recipe: &Recipe, site: &SiteConfig, hide: &[PathBuf]) -> Vec<Hidden> {
    let mut all = Hidden::twin();
    all.extend(HIDDEN_TOO.map(Hidden::empty_dir));
    let datadir = site.database.as_ref().map(|database| database.datadir.as_path());
    all.extend(datadir.map(Hidden::empty_dir));
    all.extend(recipe.keys.iter().map(|key| Hidden::absent(&key.path)));
    let others = hide.iter().chain(&recipe.docroots);
    all.extend(
        others
            .filter(|path| is_anothers(path, site))
            .map(Hidden::empty_dir),
    );
    all
}

/// Whether a path neither holds the site nor is part of it.
fn is_anothers(path: &Path, site: &SiteConfig) -> bool {
    let store = site.store.as_path();
    path.parent().is_some() && !store.starts_with(path) && !path.starts_with(store)
}

/// The layers that are not hidden as a whole.
fn shown(layers: &[Layer], hidden: &[Hidden]) -> Vec<Layer> {
    let hides = |layer: &Layer, hidden: &Hidden| {
        hidden.shows == HiddenAs::EmptyDir && layer.target.starts_with(&hidden.path)
    };
    let shows = |layer: &&Layer| !hidden.iter().any(|hidden| hides(layer, hidden));
    layers.iter().filter(shows).cloned().collect()
}

/// The same with its path on the host: the nearest layer that it lies in says where that is.
fn on_host(hidden: &Hidden, layers: &[Layer]) -> Hidden {
    let holding = layers
        .iter()
        .filter(|layer| hidden.path.starts_with(&layer.target));
    let nearest = holding.max_by_key(|layer| layer.target.components().count());
    let path = nearest.and_then(|layer| Some(layer.host.join(hidden.path.strip_prefix(&layer.target).ok()?)));
    Hidden {
        path: path.unwrap_or_else(|| hidden.path.clone()),
        shows: hidden.shows,
    }
}

fn new_dir(found: &FoundDir) -> NewDir {
    NewDir {
        path: found.path.clone(),
        mode: found.mode,
        uid: found.uid,
        gid: found.gid,
    }
}

fn files(recipe: &Recipe, site: &SiteConfig, certificate: &Certificate) -> Vec<NewFile> {
    let kept = |file: &KeptFile, text: &str| NewFile {
        path: file.path.clone(),
        text: text.to_owned(),
        uid: file.uid,
        gid: file.gid,
        mode: file.mode,
    };
    let keys = recipe.keys.iter().map(|file| kept(file, &certificate.key));
    let certificates = recipe.certificates.iter();
    let certificates = certificates.filter(|file| recipe.keys.iter().all(|key| key.path != file.path));
    let certificates = certificates.map(|file| kept(file, &certificate.with_key));
    let of_root = |path: &str, text: String| NewFile {
        path: PathBuf::from(path),
        text,
        uid: 0,
        gid: 0,
        mode: 0o644,
    };
    let own = [
        of_root("/etc/hosts", hosts(recipe, site)),
        of_root("/etc/resolv.conf", RESOLV_CONF.to_owned()),
    ];
    keys.chain(certificates).chain(own).collect()
}

/// The machine's own name and the site's lead to the twin itself: asking for them is no call outside.
fn hosts(recipe: &Recipe, site: &SiteConfig) -> String {
    format!(
        "{}\n127.0.0.1 localhost {} {}\n",
        recipe.hosts.trim_end(),
        recipe.hostname,
        site.hostname
    )
}

fn differs(recipe: &Recipe, site: &SiteConfig) -> Vec<String> {
    let mut all = vec![
        "no way to the network: calls outside are refused and listed".to_owned(),
        "logs, sessions, mails, backups, homes, other sites and /var/tmp are empty".to_owned(),
        "a certificate of its own, self-signed".to_owned(),
        format!(
            "{} and this machine's name lead to the twin itself",
            site.hostname
        ),
        "memory 1 GiB, 512 processes, 512 MiB of changed files, 256 MiB of /tmp".to_owned(),
        "no system manager: services are started as Debian's units start them, without cron and timers"
            .to_owned(),
    ];
    if site.database.is_some() {
        all.push(
            "the database: a copy, event scheduler, replication, binary log and buffer-pool load off, buffer pool 128 \
             MiB, commits not durable"
                .to_owned(),
        );
    }
    all.extend(
        recipe
            .not_shown
            .iter()
            .map(|path| format!("{} is not mounted", path.display())),
    );
    all
}
