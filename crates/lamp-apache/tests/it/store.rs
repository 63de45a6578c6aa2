//! A site's store as mod_lamp finds it on disk, filled with releases that tell which they are.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::symlink;

/// Prints the release it belongs to, read from its own directory.
const WHICH: &str = "<?php echo basename(__DIR__);";

/// Prints what a page is told of its release.
const TOLD: &str = "<?php echo $_SERVER['LAMP_RELEASE'] ?? 'nothing';";

/// Prints everything else that a page can know of its request, but what is new in each request or on each address.
const DUMP: &str = r#"<?php
const FRESH = ['REMOTE_PORT', 'REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'SERVER_ADDR', 'LAMP_RELEASE'];
$server = array_filter($_SERVER, fn($key) => !in_array(preg_replace('/^(REDIRECT_)+/', '', $key), FRESH), ARRAY_FILTER_USE_KEY);
ksort($server);
echo json_encode(['server' => $server, 'file' => __FILE__, 'dir' => getcwd(), 'headers' => getallheaders()],
    JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_UNESCAPED_SLASHES);
"#;

/// Tells that it runs, waits for its leave, then fails: Apache answers with the error document.
const SLOW: &str = r#"#!/bin/sh
echo > "$GATE/started"
tries=0
while [ ! -e "$GATE/go" ] && [ $tries -lt 3000 ]; do sleep 0.01; tries=$((tries + 1)); done
"#;

pub(crate) struct Store {
    pub(crate) root: PathBuf,
}

impl Store {
    /// A store with the releases `a`, `b` and `c`, of which `current` names `a`.
    pub(crate) fn create(root: PathBuf) -> Self {
        let store = Self { root };
        ["a", "b", "c"].iter().for_each(|id| store.fill(id));
        store.point("current", "releases/a");
        store
    }

    pub(crate) fn release(&self, id: &str) -> PathBuf {
        self.root.join("releases").join(id)
    }

    /// Makes `link` read `text` as a switch does: by a rename.
    pub(crate) fn point(&self, link: &str, text: &str) {
        self.clear(link);
        let next = self.root.join(".next");
        symlink(text, &next).expect("a link");
        fs::rename(next, self.root.join(link)).expect("a rename over the link");
    }

    /// Removes whatever stands at `link`.
    pub(crate) fn clear(&self, link: &str) {
        let path = self.root.join(link);
        let is_dir = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let removed = if is_dir {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        assert!(
            removed.is_ok() || fs::symlink_metadata(&path).is_err(),
            "{removed:?}"
        );
    }

    fn fill(&self, id: &str) {
        let release = self.release(id);
        put(&release.join("which.txt"), id);
        put(&release.join("which.php"), WHICH);
        put(&release.join("told.php"), TOLD);
        put(&release.join("dump.php"), DUMP);
        put(&release.join("index.php"), DUMP);
        put(&release.join("public/which.txt"), &format!("public of {id}"));
        put(&release.join("slow.cgi"), SLOW);
        put(&release.join("slow.shtml"), PARTS);
        fs::set_permissions(release.join("slow.cgi"), PermissionsExt::from_mode(0o755)).expect("mode");
    }
}

/// One page of four requests: the slow one first, then by URI, by PHP, by file.
const PARTS: &str = concat!(
    "<!--#include virtual=\"which.txt\" -->,<!--#include virtual=\"slow.cgi\" -->,",
    "<!--#include virtual=\"which.txt\" -->,<!--#include virtual=\"which.php\" -->,<!--#include file=\"which.txt\" -->"
);

/// Writes a file and the directories that it stands in.
pub(crate) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}
