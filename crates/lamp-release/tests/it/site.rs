//! A small PHP site, and storing it.

use std::path::Path;

use fs_err as fs;
use lamp_fleet::Host;
use lamp_model::ReleaseId;
use lamp_model::plan::StepName;
use lamp_release::source::{Source, StatCache};
use lamp_release::store::{Incoming, release_id, tree_hash};
use lamp_release::verify::verify;
use lamp_release::{Store, StoreError};
use tempfile::TempDir;

/// The moment of the first release.
pub(crate) const FIRST: &str = "2026-11-22T10:00:00Z";

/// A source directory.
pub(crate) struct Site(pub(crate) TempDir);

impl Site {
    /// Twenty-odd files, two of them equal, one executable, one link.
    pub(crate) fn new() -> Self {
        let site = Self(tempfile::tempdir().expect("a temporary directory"));
        site.write("index.php", "<?php require 'lib/a.php';");
        site.write("lib/silence.php", "<?php // Silence is golden.");
        site.write("img/silence.php", "<?php // Silence is golden.");
        site.write("empty.txt", "");
        for number in 0..16 {
            site.write(
                &format!("lib/part/{number}.php"),
                &format!("<?php return {number};"),
            );
        }
        site.write("img/big.bin", &"lamp".repeat(50_000));
        site.write("bin/run.sh", "#!/bin/sh\n");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(site.path().join("bin/run.sh"), mode).expect("a mode");
        fs::os::unix::fs::symlink("../img/big.bin", site.path().join("lib/big")).expect("a link");
        site
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("its directory");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self) -> Source {
        let dir = Host::local().dir(self.path()).expect("the source");
        Source::read(dir, &mut StatCache::default(), FIRST.parse().expect("a time")).expect("a site")
    }
}

/// What is stored when `source` is deployed at second `second`.
pub(crate) fn incoming(source: &Source, second: i64) -> Incoming {
    let first: jiff::Timestamp = FIRST.parse().expect("a time");
    let at = first + jiff::SignedDuration::from_secs(second);
    Incoming {
        release: release_id(at, &tree_hash(&source.manifest)).expect("an id"),
        manifest: source.manifest.clone(),
        source: "the test's directory".to_owned(),
        provenance: None,
        at,
    }
}

/// Stores the site, step by step, each step twice: a second run of a step changes nothing.
pub(crate) fn store_site(store: &Store, site: &Site, second: i64) -> ReleaseId {
    try_store(store, site, second).expect("stored")
}

/// The same, for a store where it may fail.
pub(crate) fn try_store(store: &Store, site: &Site, second: i64) -> Result<ReleaseId, StoreError> {
    let mut source = site.read();
    let incoming = incoming(&source, second);
    let survey = store.survey(&incoming.manifest, None)?;
    for _twice in 0..2 {
        store.stage(&incoming, &survey, &mut source)?;
    }
    for _twice in 0..2 {
        store.seal(&incoming.release)?;
    }
    store.stage(&incoming, &survey, &mut source)?;
    Ok(incoming.release)
}

/// Fails with every difference by name.
#[track_caller]
pub(crate) fn assert_whole(store: &Store, release: &ReleaseId) {
    let differences = verify(store, release).expect("a stored release");
    assert!(differences.is_empty(), "{}: {differences:#?}", StepName::Verify);
}
