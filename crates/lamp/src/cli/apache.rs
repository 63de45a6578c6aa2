//! `lamp apache install|lines`: mod_lamp onto this host, and the lines that let Apache use it.
//!
//! Apache's own configuration is printed to, never written to: whoever keeps it puts the lines in.

use std::path::{Path, PathBuf};

use fs_err as fs;
use lamp_apache::{ConfigPath, Docroot, DoorKey, HostLines, SiteLines, TextError};
use lamp_fleet::Host;
use lamp_fleet::file::Ownership;
use lamp_model::SiteName;
use lamp_release::SiteConfig;

use super::Exit;
use super::args::{ApacheVerb, LinesArgs};
use crate::app::door;
use crate::config::Config;
use crate::errors::{Trouble, apache as told};
use crate::screen::{out, say};

/// Where the module stands unless someone says otherwise.
pub const MODULE_PATH: &str = "/usr/lib/lamp/mod_lamp.so";
/// Random bytes of the side door's key.
const KEY_BYTES: usize = 32;

/// Installs, or prints.
pub fn run(config: &Config, verb: &ApacheVerb) -> Result<Exit, Trouble> {
    match verb {
        ApacheVerb::Install { module } => install(config, module),
        ApacheVerb::Lines(args) => lines(config, args),
    }
}

fn install(config: &Config, module: &Path) -> Result<Exit, Trouble> {
    let key = key_file(config);
    write_whole(module, lamp_apache::MODULE, 0o644).map_err(|error| told::not_installed(module, &error))?;
    if !key.exists() {
        new_key(&key).map_err(|error| told::no_key(&key, &error))?;
    }
    out(&format!(
        "mod_lamp stands at {}; Apache does not load it yet",
        module.display()
    ));
    say("next, each printed for you to put in:");
    say("  lamp apache lines         once, in Apache's own configuration");
    for site in config.sites.keys() {
        say(&format!(
            "  lamp apache lines {site}    in each virtual host of {site}"
        ));
    }
    say("then: apachectl configtest && apachectl graceful");
    Ok(Exit::Yes)
}

fn lines(config: &Config, args: &LinesArgs) -> Result<Exit, Trouble> {
    let text = match &args.site {
        Some(site) => {
            let known = config
                .sites
                .get(site)
                .ok_or_else(|| told::no_site(site, config.sites.keys()))?;
            site_lines(known, &args.module).map_err(|error| told::no_line(Some(site), &error))?
        }
        None => host_lines(config, &args.module)?,
    };
    out(&text);
    Ok(Exit::Yes)
}

fn host_lines(config: &Config, module: &Path) -> Result<String, Trouble> {
    let module = ConfigPath::parse(module).map_err(|error| told::no_line(None::<&SiteName>, &error))?;
    let key = key_file(config);
    let door = match door::read_key(&key) {
        Ok(key) => Some(key.hash()),
        Err(error) => {
            say(&format!(
                "without the side door: {error}; `lamp apache install` as root makes its key"
            ));
            None
        }
    };
    Ok(HostLines { module, door }.render())
}

fn site_lines(site: &SiteConfig, module: &Path) -> Result<String, TextError> {
    let lines = SiteLines {
        module: ConfigPath::parse(module)?,
        store: ConfigPath::parse(site.store.as_path())?,
        docroot: Docroot::parse(site.docroot.as_str())?,
        fallback: None,
        access_log: ConfigPath::parse(site.access_log.as_path())?,
        error_log: site
            .error_log
            .as_ref()
            .map(|path| ConfigPath::parse(path.as_path()))
            .transpose()?,
    };
    Ok(lines.render())
}

fn key_file(config: &Config) -> PathBuf {
    door::key_file(&config.agent.state_dir)
}

fn new_key(path: &Path) -> std::io::Result<()> {
    let mut bytes = [0; KEY_BYTES];
    // The kernel gives up to 256 bytes whole, once it is seeded (getrandom(2)).
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    let key = DoorKey::from_random(&bytes);
    write_whole(path, format!("{}\n", key.reveal()).as_bytes(), 0o600)
}

/// Whole or not at all: a half-written module would keep Apache from starting.
fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let path = std::path::absolute(path)?;
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    let owned = Ownership {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        mode,
    };
    let (dir, name) = Host::local().dir_of(&path).map_err(std::io::Error::other)?;
    dir.put_file(name, bytes, owned).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config(dir: &Path) -> Config {
        let text = format!(
            "[agent]\nstate_dir = \"{}\"\n[site.shop]\nstore = \"/srv/shop\"\ndocroot = \"public\"\n\
             access_log = \"/var/log/apache2/lamp-shop.log\"\naddress = \"127.0.0.1:443\"\nhostname = \"shop.example\"\n",
            dir.display()
        );
        Config::parse("lamp.toml", &text).expect("valid")
    }

    #[test]
    fn installed_twice_the_key_stays_and_is_for_root_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let (config, module) = (config(dir.path()), dir.path().join("lib/mod_lamp.so"));
        install(&config, &module).expect("installed");
        let key = door::read_key(&key_file(&config)).expect("a key");
        install(&config, &module).expect("installed again");

        assert_eq!(fs::read(&module).expect("read"), lamp_apache::MODULE);
        assert_eq!(
            door::read_key(&key_file(&config)).expect("a key").reveal(),
            key.reveal()
        );
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&key_file(&config)), mode(&module)), (0o600, 0o644));
        let beside = fs::read_dir(dir.path().join("lib")).expect("listed").count();
        assert_eq!(beside, 1, "nothing is left beside the module");
        let lines = host_lines(&config, &module).expect("lines");
        assert!(lines.contains(&format!("LampDoorHash {}", key.hash())), "{lines}");
        assert!(
            !lines.contains(key.reveal()),
            "the secret itself stands nowhere but in its file"
        );
    }

    #[test]
    fn the_lines_of_a_site_follow_its_configuration() {
        let dir = tempfile::tempdir().expect("a directory");
        let config = config(dir.path());
        let site = config.sites.values().next().expect("one");
        insta::assert_snapshot!(site_lines(site, Path::new(MODULE_PATH)).expect("lines"));
    }
}
