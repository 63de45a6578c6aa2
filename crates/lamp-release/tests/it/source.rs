//! An unchanged source is not read again, and a changed one always is.

use std::path::Path;

use fs_err as fs;
use jiff::Timestamp;
use lamp_fleet::Host;
use lamp_release::source::{Source, StatCache};

use crate::site::{FIRST, Site};

/// Long after any file of these tests was touched.
const LATER: &str = "2100-01-01T00:00:00Z";

/// Reads the site with the cache kept in `kept`, as a caller does; answers the bytes that were hashed.
fn read(site: &Site, kept: &Path, now: &str) -> (Source, u64) {
    let now: Timestamp = now.parse().expect("a time");
    let kept = Host::local().dir(kept).expect("the cache's directory");
    let mut cache = StatCache::load(&kept, "site.stat");
    let dir = Host::local().dir(site.path()).expect("the source");
    let source = Source::read(dir, &mut cache, now).expect("a site");
    cache.save(&kept, "site.stat").expect("kept");
    let hashed = source.hashed_bytes;
    (source, hashed)
}

#[test]
fn only_what_changed_is_read_again() {
    let (site, kept) = (Site::new(), tempfile::tempdir().expect("a temporary directory"));
    let (first, hashed) = read(&site, kept.path(), LATER);
    assert_eq!(
        hashed,
        first.manifest.size_bytes(),
        "the control: at first everything is read"
    );
    let (second, hashed) = read(&site, kept.path(), LATER);
    assert_eq!((second.tree, hashed), (first.tree, 0));
    site.write("index.php", "<?php // 13 bytes");
    let (third, hashed) = read(&site, kept.path(), LATER);
    assert_eq!(hashed, 17);
    assert_ne!(third.tree, first.tree);
    assert_eq!(third.tree, site.read().tree, "as without a cache");
}

#[test]
fn a_file_touched_at_the_time_of_reading_is_never_trusted() {
    let (site, kept) = (Site::new(), tempfile::tempdir().expect("a temporary directory"));
    let (_, first) = read(&site, kept.path(), FIRST);
    let (_, second) = read(&site, kept.path(), FIRST);
    assert_eq!(
        first, second,
        "touched later than the clock says: everything is read again"
    );
    assert!(first > 0);
}

#[test]
fn a_damaged_cache_is_no_cache() {
    let (site, kept) = (Site::new(), tempfile::tempdir().expect("a temporary directory"));
    let (whole, all) = read(&site, kept.path(), LATER);
    let path = kept.path().join("site.stat");
    let text = fs::read(&path).expect("the cache");
    for damaged in [b"".as_slice(), b"\0\xff 1 2", &text[5..], &text[..text.len() / 2]] {
        fs::write(&path, damaged).expect("damaged");
        let (source, hashed) = read(&site, kept.path(), LATER);
        assert_eq!(source.tree, whole.tree);
        assert!(hashed > 0 && hashed <= all);
    }
}
