//! `lamp check --fix`: what is certain is mended, the rest is left, and nothing outside the tree is touched.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::{json, lamp, readable};

const BROKEN: &str = "<?php\nrequire __DIR__ . '/inc/mial.php';\r\nrequire __DIR__ . '/inc/gone.php';\n";
const MENDED: &str = "<?php\nrequire __DIR__ . '/inc/mail.php';\r\nrequire __DIR__ . '/inc/gone.php';\n";

fn tree(dir: &Path) {
    fs_err::create_dir(dir.join("inc")).expect("made");
    fs_err::write(dir.join("inc/mail.php"), "<?php\n").expect("written");
    fs_err::write(dir.join("index.php"), BROKEN).expect("written");
}

fn read(path: &Path) -> String {
    fs_err::read_to_string(path).expect("read")
}

#[test]
fn a_slip_is_mended_and_owner_and_mode_stay() {
    let dir = readable();
    tree(dir.path());
    let index = dir.path().join("index.php");
    std::os::unix::fs::chown(&index, Some(65_534), Some(65_534)).expect("given away");
    fs_err::set_permissions(&index, std::fs::Permissions::from_mode(0o754)).expect("set");
    let typed = dir.path().to_string_lossy().into_owned();
    let shown = lamp(&["check", "--fix", "--dry-run", &typed]);
    assert_eq!(read(&index), BROKEN);
    let diff = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(
        diff,
        "--- a/index.php\n+++ b/index.php\n@@ -2 +2 @@\n-require __DIR__ . '/inc/mial.php';\n+require __DIR__ . '/inc/mail.php';\n"
    );
    let ended = lamp(&["check", "--fix", &typed]);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(read(&index), MENDED, "{said}");
    assert!(
        said.contains("fixed: index.php:2: inc/mial.php -> inc/mail.php"),
        "{said}"
    );
    let meta = fs_err::metadata(&index).expect("there");
    assert_eq!(
        (meta.uid(), meta.gid(), meta.mode() & 0o7777),
        (65_534, 65_534, 0o754)
    );
    // The other name has no near one, and still counts.
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(json(dir.path()).1["summary"]["errors"], 1);
    assert!(!dir.path().join("index.php.new").exists());
}

#[test]
fn no_link_is_followed_and_nothing_in_the_way_is_lost() {
    let dir = readable();
    let (site, outside) = (dir.path().join("site"), dir.path().join("outside"));
    for place in [&site, &outside] {
        fs_err::create_dir(place).expect("made");
        tree(place);
    }
    // A second name of a file outside: that one stays as it is.
    fs_err::remove_file(site.join("index.php")).expect("removed");
    fs_err::hard_link(outside.join("index.php"), site.join("index.php")).expect("linked");
    fs_err::os::unix::fs::symlink(&outside, site.join("linked")).expect("linked");
    fs_err::write(site.join("other.php"), BROKEN).expect("written");
    fs_err::write(site.join("other.php.new"), "mine").expect("written");
    let ended = lamp(&["check", "--fix", &site.to_string_lossy()]);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(read(&site.join("index.php")), MENDED, "{said}");
    assert_eq!(read(&outside.join("index.php")), BROKEN);
    assert_eq!(read(&site.join("other.php")), BROKEN);
    assert_eq!(read(&site.join("other.php.new")), "mine");
    assert!(
        said.contains("not fixed: other.php: other.php.new is in the way"),
        "{said}"
    );
}
