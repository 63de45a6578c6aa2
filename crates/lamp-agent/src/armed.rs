//! An armed switch on disk: written and durable before the switch, taken away after the end of the
//! deployment stands in the log. Whoever finds one knows that a switch may be unconfirmed.

use std::io::Write;
use std::path::{Path, PathBuf};

use fs_err as fs;
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use serde::{Deserialize, Serialize};

/// Longest file that is read as one, in bytes.
const ARMED_MAX_BYTES: u64 = 64 << 10;

/// One armed switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Armed {
    /// The deployment that armed it.
    pub deployment: DeploymentId,
    /// What it switches to.
    pub to: ReleaseId,
    /// Where the way back leads; `None`: no release answers then.
    pub back_to: Option<ReleaseId>,
    /// The boot during which it was armed.
    pub boot_id: String,
}

impl Armed {
    /// Whether the way that is armed leads back. A rollback arms its own target: its way leads on.
    pub fn leads_back(&self) -> bool {
        self.back_to.as_ref() != Some(&self.to)
    }
}

/// Where armed switches stand: one file a site.
#[derive(Debug, Clone)]
pub struct ArmedDir(PathBuf);

impl ArmedDir {
    /// In this directory.
    pub const fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// Puts it on disk, durably. Again: replaces what stands there.
    pub fn put(&self, armed: &Armed) -> std::io::Result<()> {
        let site = armed.deployment.site();
        let ready = self.0.join(format!(".{site}.tmp"));
        let mut file = fs::File::create(&ready)?;
        file.write_all(&serde_json::to_vec(armed)?)?;
        file.sync_all()?;
        fs::rename(&ready, self.path(site))?;
        sync_dir(&self.0)
    }

    /// What stands there for the site.
    pub fn get(&self, site: &SiteName) -> std::io::Result<Option<Armed>> {
        let path = self.path(site);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let bounded = std::io::Read::take(file, ARMED_MAX_BYTES);
        Ok(Some(serde_json::from_reader(bounded)?))
    }

    /// Takes it away, durably. Again: nothing.
    pub fn take_away(&self, site: &SiteName) -> std::io::Result<()> {
        match fs::remove_file(self.path(site)) {
            Ok(()) => sync_dir(&self.0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn path(&self, site: &SiteName) -> PathBuf {
        self.0.join(format!("{site}.json"))
    }
}

fn sync_dir(dir: &Path) -> std::io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_found_until_it_is_taken_away() {
        let dir = tempfile::tempdir().expect("a directory");
        let armed_dir = ArmedDir::new(dir.path().to_owned());
        let site = SiteName::parse("shop").expect("valid");
        let armed = Armed {
            deployment: DeploymentId::new(site.clone(), 3),
            to: ReleaseId::parse("b").expect("valid"),
            back_to: Some(ReleaseId::parse("a").expect("valid")),
            boot_id: "boot".into(),
        };
        assert_eq!(armed_dir.get(&site).expect("readable"), None);
        for _ in 0..2 {
            armed_dir.put(&armed).expect("put");
            assert_eq!(armed_dir.get(&site).expect("readable"), Some(armed.clone()));
        }
        for _ in 0..2 {
            armed_dir.take_away(&site).expect("taken away");
            assert_eq!(armed_dir.get(&site).expect("readable"), None);
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("shop.json"), "{").expect("written");
        let site = SiteName::parse("shop").expect("valid");
        assert!(ArmedDir::new(dir.path().to_owned()).get(&site).is_err());
    }
}
