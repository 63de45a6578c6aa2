//! What one site needs: its group, its store's filesystem, its Apache with our module, its logs.

use lamp_fleet::Host;
use lamp_model::name::SiteName;
use lamp_release::store::Sharing;
use lamp_release::{Owner, SiteConfig, Store};

use super::{Check, logs};

/// The module's file name, as it stands in the memory map of an Apache that has loaded it.
const MODULE: &str = "mod_lamp.so";

/// Every check of one site.
pub(super) async fn checks(name: &SiteName, section: &SiteConfig) -> Vec<Check> {
    let host = section
        .inside
        .as_ref()
        .map_or_else(Host::local, |inside| Host::inside(inside.as_path()));
    let area = name.as_str();
    let mut checks = vec![store(area, &host, section), module(area, &host, section)];
    checks.extend(database(area, &host, section));
    checks.extend(logs::checks(name, section, &host).await);
    checks
}

fn store(area: &str, host: &Host, section: &SiteConfig) -> Check {
    let path = section.store.as_path().display();
    let gid = match host.gid_of(&section.group) {
        Ok(gid) => gid,
        Err(error) => {
            let mend = "name the group that PHP runs in as `group` in lamp.toml";
            return Check::lacking(area, "group", error.to_string(), mend);
        }
    };
    let opened = host
        .dir(section.store.as_path())
        .map_err(|error| error.to_string());
    let opened =
        opened.and_then(|root| Store::open(root, Owner { uid: 0, gid }).map_err(|error| error.to_string()));
    match opened.and_then(|store| store.sharing().map_err(|error| error.to_string())) {
        Ok(Sharing::Reflink) => Check::fine(area, "store", format!("{path} shares files by reflink")),
        Ok(Sharing::HardLink) => Check::fine(
            area,
            "store",
            format!("{path} shares files by guarded hard links"),
        ),
        Ok(Sharing::Copy) => Check::lacking(
            area,
            "store",
            format!("{path} lies on a filesystem that shares nothing: every release is a full copy"),
            "put it on XFS, btrfs or ext4",
        ),
        Err(why) => Check::lacking(
            area,
            "store",
            why,
            "the agent makes it at its start: start one as root",
        ),
    }
}

/// What the gate's twin copies.
fn database(area: &str, host: &Host, section: &SiteConfig) -> Option<Check> {
    let datadir = section.database.as_ref()?.datadir.as_path();
    let found = host.dir(datadir).map_err(|error| error.to_string());
    Some(
        match found.and_then(|dir| dir.find("ibdata1").map_err(|error| error.to_string())) {
            Ok(Some(_)) => Check::fine(area, "database", format!("{} is a datadir", datadir.display())),
            Ok(None) => Check::lacking(
                area,
                "database",
                format!(
                    "{} holds no ibdata1: it is no datadir of MariaDB or MySQL",
                    datadir.display()
                ),
                "name the server's datadir in lamp.toml: `mysqladmin variables` tells it",
            ),
            Err(why) => Check::lacking(area, "database", why, "name the server's datadir in lamp.toml"),
        },
    )
}

fn module(area: &str, host: &Host, section: &SiteConfig) -> Check {
    let mend = "put in what `lamp apache lines` prints (after `lamp apache install`), then type `apachectl configtest && apachectl graceful`";
    match maps_module(host, section) {
        Ok(true) => Check::fine(area, "mod_lamp", "Apache has loaded it"),
        Ok(false) => Check::lacking(area, "mod_lamp", "Apache runs without it", mend),
        Err(why) => Check::lacking(
            area,
            "mod_lamp",
            why,
            "start Apache, or name its pid file in lamp.toml",
        ),
    }
}

fn maps_module(host: &Host, section: &SiteConfig) -> Result<bool, String> {
    let pid = host
        .pid_in(section.apache_pid_file.as_path())
        .map_err(|error| error.to_string())?;
    let maps = fs_err::read_to_string(format!("/proc/{pid}/maps")).map_err(|error| error.to_string())?;
    Ok(maps.lines().any(|line| line.ends_with(MODULE)))
}
