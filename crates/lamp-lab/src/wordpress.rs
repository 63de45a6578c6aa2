//! WordPress in a lab: releases of the unpacked Debian package, each with its markers, installed through
//! WordPress's own installer into the lab's MariaDB.
//!
//! Everything that is known of WordPress stands in this file and in the PHP beside it.

use std::path::{Path, PathBuf};

use fs_err as fs;
use lamp_http::{Request, Scheme};

use crate::breakage::Breakage;
use crate::error::LabError;
use crate::lab::Lab;
use crate::load::{Target, Way};
use crate::tree_copy;

/// What stands for the release in our own files.
const PLACEHOLDER: &str = "@RELEASE@";
/// What stands for the site's address in its configuration.
const ADDRESS: &str = "@ADDRESS@";
/// A file without which a tree is no WordPress.
const TELLTALE: &str = "wp-includes/version.php";
/// The theme that must be there: without one the home page is empty.
const THEME: &str = "wp-content/themes/twentytwentythree/theme.json";
/// The title that the installer is given and the home page shows.
pub const TITLE: &str = "Lamplighter lab";

/// Our own files in each release: the configuration, and what shows the markers.
const OWN_FILES: [(&str, &str); 7] = [
    ("wp-config.php", include_str!("wordpress/wp-config.php")),
    (
        "wp-content/mu-plugins/lamp-markers.php",
        include_str!("wordpress/lamp-markers.php"),
    ),
    ("wp-content/lamp/dir.php", include_str!("wordpress/part.php")),
    ("wp-content/lamp/relative.php", include_str!("wordpress/part.php")),
    ("wp-content/lamp/root.php", include_str!("wordpress/part.php")),
    (
        "wp-content/lamp/static.txt",
        "lamp-markers static=@RELEASE@ end\n",
    ),
    ("lamp-small.php", include_str!("wordpress/lamp-small.php")),
];

/// What makes the database; the password guards nothing, the database listens inside the lab alone.
const DATABASE: &str = "CREATE DATABASE IF NOT EXISTS wordpress CHARACTER SET utf8mb4; \
    CREATE USER IF NOT EXISTS wordpress@localhost IDENTIFIED BY 'lab'; \
    GRANT ALL ON wordpress.* TO wordpress@localhost;";

/// What the installer's form is filled with; the title is [`TITLE`].
const FORM: &str = "weblog_title=Lamplighter+lab&user_name=keeper&admin_password=lab-keeper-1871\
    &admin_password2=lab-keeper-1871&pw_weak=1&admin_email=keeper%40lab.example&blog_public=0\
    &Submit=Install+WordPress&language=";

/// An unpacked WordPress on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked(PathBuf);

impl Unpacked {
    /// The WordPress that `make packages` has unpacked below `packages`, the workspace's `.packages`.
    pub fn below(packages: &Path) -> Result<Self, LabError> {
        Self::at(packages.join("root/usr/share/wordpress"))
    }

    /// The WordPress that stands at `path`.
    pub fn at(path: PathBuf) -> Result<Self, LabError> {
        for (what, file) in [("WordPress", TELLTALE), ("WordPress's theme", THEME)] {
            if !path.join(file).is_file() {
                return Err(LabError::NotUnpacked { what, path });
            }
        }
        Ok(Self(path))
    }

    /// Writes one release into `dir`, which is made: the package's files and ours, which name `release`.
    /// `host` is the site's host name.
    pub fn write_release(&self, dir: &Path, release: &str, host: &str) -> Result<(), LabError> {
        fs::create_dir_all(dir)?;
        tree_copy::copy(&self.0, dir, &["wp-config.php", ".htaccess"])?;
        for (path, text) in OWN_FILES {
            let file = dir.join(path);
            fs::create_dir_all(file.parent().unwrap_or(dir))?;
            fs::write(file, text.replace(PLACEHOLDER, release).replace(ADDRESS, host))?;
        }
        Ok(())
    }
}

/// Makes the database, empty, unless it is there. Without it WordPress answers nothing but errors; with it, the way to
/// its installer.
pub fn make_database(lab: &Lab) -> Result<(), LabError> {
    lab.sql(DATABASE).map(drop)
}

/// Makes the database and runs WordPress's own installer on `site`, whose live release is a WordPress.
pub async fn install(lab: &Lab, site: &str) -> Result<(), LabError> {
    make_database(lab)?;
    let client = lab.client(site, Scheme::Https)?.timeout(INSTALL_MAX).build()?;
    let path = "/wp-admin/install.php?step=2";
    let answer = client.post(Request::new(path), FORM).await;
    let answer = answer.map_err(|source| LabError::Page {
        path: path.to_owned(),
        source,
    })?;
    // The page after a success leads to the login; every failure shows the form again.
    let text = answer.text();
    if answer.status.is_success() && text.contains("wp-login.php") {
        return Ok(());
    }
    Err(LabError::PageSays {
        path: path.to_owned(),
        status: answer.status.as_u16(),
        said: text.chars().take(2000).collect(),
    })
}

/// The installer makes a dozen tables, each durably.
const INSTALL_MAX: std::time::Duration = std::time::Duration::from_secs(60);

/// How a release of WordPress may be broken; the first one is the misspelt name of the outage that all of this is
/// measured against.
pub fn breakages() -> Result<Vec<Breakage>, LabError> {
    let all = serde_json::from_str(include_str!("wordpress/breakages.json"));
    Ok(all.map_err(std::io::Error::from)?)
}

/// WordPress's own page among the targets.
const FRONT_PAGE: &str = "/";

/// Whether each of the [`breakages`] makes this one of the [`targets`] fail: they are all of WordPress's own files.
pub fn is_reached_by_breakages(target: &Target) -> bool {
    target.path == FRONT_PAGE
}

/// What visitors of a WordPress ask for: 6 of 100 a page of WordPress itself, which costs a core 40 ms, the
/// rest small pages and static files of the same release. At 200 a second that is 12 pages a second.
pub fn targets() -> Vec<Target> {
    let all = [Way::Entry, Way::Dir, Way::Relative, Way::Root];
    vec![
        Target::new(FRONT_PAGE, 6, &all),
        Target::new("/lamp-small.php", 60, &all),
        Target::new("/wp-content/lamp/static.txt", 34, &[Way::Static]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lacking_wordpress_is_named_with_the_mend() {
        let nowhere = tempfile::tempdir().expect("a directory");
        let error = Unpacked::below(nowhere.path()).expect_err("nothing is there");
        let path = nowhere.path().join("root/usr/share/wordpress");
        let words = format!(
            "WordPress is not unpacked at {}; type: make packages",
            path.display()
        );
        assert_eq!(error.to_string(), words);
    }
}
