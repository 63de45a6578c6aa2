//! Bad sources and full disks: what was stored stays whole, and the message names thing, cause and way out.

use std::error::Error;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use fs_err as fs;
use lamp_fleet::Host;
use lamp_model::port::{Live, Switch as _};
use lamp_model::{DeploymentId, SiteName};
use lamp_release::plan::{Coming, Facts, GateTerms, Terms, Watch, deploy};
use lamp_release::source::{Source, SourceError, StatCache};
use lamp_release::{Store, StoreError};

use crate::disk::{Disk, Kind, need_root};
use crate::site::{FIRST, Site, assert_whole, incoming, store_site, try_store};

/// What a person reads: the error, all that it stems from, and the way out.
fn told(error: &dyn Error, way_out: &str, root: &Path) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    format!("{text}\n{way_out}").replace(&root.display().to_string(), "SOURCE")
}

fn read(path: &Path) -> Result<Source, SourceError> {
    let dir = Host::local().dir(path).expect("the source");
    Source::read(dir, &mut StatCache::default(), FIRST.parse().expect("a time"))
}

#[track_caller]
fn refused(site: &Site) -> String {
    let error = read(site.path()).expect_err("no source of a release");
    told(&error, &error.way_out(), site.path())
}

#[test]
fn a_directory_without_php_is_refused() {
    let site = Site(tempfile::tempdir().expect("a temporary directory"));
    site.write("index.html", "<p>");
    insta::assert_snapshot!(refused(&site));
    site.write("index.PHP", "<?php");
    assert!(read(site.path()).is_ok(), "the control");
}

#[test]
fn a_pipe_a_socket_and_a_name_that_is_no_text_are_refused() {
    let site = Site::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, site.path().join("lib/pipe"), 0o600.into()).expect("a pipe");
    let pipe = refused(&site);
    fs::remove_file(site.path().join("lib/pipe")).expect("the pipe");
    let socket = std::os::unix::net::UnixListener::bind(site.path().join("lib/sock")).expect("a socket");
    let socket_text = refused(&site);
    drop(socket);
    fs::remove_file(site.path().join("lib/sock")).expect("the socket");
    fs::write(site.path().join(OsStr::from_bytes(b"caf\xe9.php")), "<?php").expect("a latin name");
    insta::assert_snapshot!(format!("{pipe}\n\n{socket_text}\n\n{}", refused(&site)));
}

#[test]
fn a_link_that_leaves_is_refused() {
    let site = Site::new();
    fs::os::unix::fs::symlink("/etc/passwd", site.path().join("lib/users")).expect("a link");
    insta::assert_snapshot!(refused(&site));
}

/// Root may read everything, so a child that is not root reads the source.
#[test]
fn an_unreadable_file_is_refused() {
    need_root();
    let site = Site::new();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(site.path(), mode(0o755)).expect("a mode");
    fs::set_permissions(site.path().join("lib/part/7.php"), mode(0o600)).expect("a mode");
    let child = Command::new(std::env::current_exe().expect("this very test"))
        .args(["--exact", "faults::reads_a_source_as_its_caller", "--nocapture"])
        .env(READ_THIS, site.path())
        .uid(65_534)
        .gid(65_534)
        .output()
        .expect("this very test again");
    let text = String::from_utf8_lossy(&child.stdout);
    let told = text.split(FENCE).nth(1).unwrap_or_else(|| panic!("{text}"));
    insta::assert_snapshot!(told);
}

const READ_THIS: &str = "LAMP_TEST_SOURCE";
const FENCE: &str = "=====";

/// The child of the test above; by itself it reads a source that is whole.
#[test]
fn reads_a_source_as_its_caller() {
    let Some(path) = std::env::var_os(READ_THIS) else {
        assert!(read(Site::new().path()).is_ok(), "the control");
        return;
    };
    let path = Path::new(&path);
    let error = read(path).expect_err("a file is not readable");
    println!("{FENCE}{}{FENCE}", told(&error, &error.way_out(), path));
}

#[test]
fn a_repository_is_left_out_and_said() {
    let site = Site::new();
    site.write(".git/HEAD", "ref: refs/heads/main");
    site.write("lib/.git", "gitdir: ../.git/modules/lib");
    let source = read(site.path()).expect("a site");
    let left_out: Vec<_> = source.left_out.iter().map(|path| path.as_str()).collect();
    assert_eq!(left_out, [".git", "lib/.git"]);
    assert_eq!(source.tree, Site::new().read().tree, "and nothing of it counts");
}

#[test]
fn a_source_that_changes_while_it_is_stored_is_refused() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Disk::new(kind);
        let store = disk.store();
        let site = Site::new();
        let live = store_site(&store, &site, 0);
        site.write("index.php", "<?php // new");
        let mut source = site.read();
        let incoming = incoming(&source, 1);
        let survey = store.survey(&incoming.manifest, None).expect("a survey");
        site.write("index.php", "<?php // NEW");
        let error = store
            .stage(&incoming, &survey, &mut source)
            .expect_err("other bytes than announced");
        if kind == Kind::Ext4 {
            insta::assert_snapshot!(told(&error, error.way_out(), site.path()));
        }
        assert!(matches!(
            store.seal(&incoming.release),
            Err(StoreError::NotStaged { .. })
        ));
        assert_eq!(store.list().expect("listed"), vec![live.clone()]);
        store.recover().expect("recovered");
        assert_whole(&store, &live);
    }
}

/// Files that the source announced as small and regular, and that are neither when they are handed over.
#[test]
fn a_lying_source_is_refused_and_never_waited_for() {
    let disk = Disk::new(Kind::Xfs);
    let store = disk.store();
    let site = Site::new();
    let source = site.read();
    let incoming = incoming(&source, 0);
    let survey = store.survey(&incoming.manifest, None).expect("a survey");
    for (path, why) in [
        ("/dev/zero", "it is a device now"),
        ("/proc/self/fd", "it is a directory now"),
    ] {
        let mut lie = |_: &lamp_release::store::NewFile| Ok(fs::File::open(path)?.into_parts().0);
        let error = store
            .stage(&incoming, &survey, &mut lie)
            .expect_err("no regular file");
        assert!(error.to_string().ends_with(why), "{error}");
    }
    assert!(store.list().expect("listed").is_empty());
}

fn facts(store: &Store) -> Facts {
    Facts {
        live: store.switch().expect("the links").live().expect("live"),
        last_good: None,
        rollback_target: None,
        stored: store.list().expect("listed"),
        space: store.space().expect("space"),
    }
}

#[test]
fn a_release_larger_than_the_disk_is_refused_before_anything_is_written() {
    let disk = Disk::new(Kind::Ext4);
    let store = disk.store();
    let site = Site::new();
    let live = store_site(&store, &site, 0);
    store
        .switch()
        .expect("the links")
        .switch(Some(&live))
        .expect("switched");
    let big = fs::File::create(site.path().join("huge.bin")).expect("a file");
    big.set_len(70 * 1024 * 1024).expect("a hole is enough");
    let source = site.read();
    let survey = store.survey(&source.manifest, Some(&live)).expect("a survey");
    let release = incoming(&source, 1).release;
    let coming = Coming::New { release, survey };
    let terms = Terms {
        gate: GateTerms::default(),
        watch: Watch {
            bake: std::time::Duration::ZERO,
            probes: Vec::new(),
        },
    };
    let deployment = DeploymentId::new(SiteName::parse("shop").expect("a name"), 2);
    let refusal = deploy(deployment, &coming, &terms, &facts(&store)).expect_err("larger than the disk");
    let lamp_release::plan::Refusal::DiskTooSmall {
        needed_bytes,
        free_bytes,
        total_bytes,
    } = &refusal
    else {
        panic!("{refusal}");
    };
    assert!(*needed_bytes > 70 * 1024 * 1024 && free_bytes <= total_bytes && *total_bytes < 64 * 1024 * 1024);
    assert!(
        store
            .root()
            .open_dir("staging")
            .expect("a part")
            .names()
            .expect("names")
            .is_empty()
    );
    assert_whole(&store, &live);
}

/// The disk fills up in the middle, past every check: what answers stays, and the message says so.
#[test]
fn a_disk_that_fills_up_while_storing_harms_nothing() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Disk::new(kind);
        let store = disk.store();
        let site = Site::new();
        let live = store_site(&store, &site, 0);
        store
            .switch()
            .expect("the links")
            .switch(Some(&live))
            .expect("switched");
        // No two blocks alike, so that nothing but space is missing.
        let noise: String = (0..600_000)
            .map(|n: u32| format!("{:08x}", n.wrapping_mul(2_654_435_761)))
            .collect();
        for part in 0..80 {
            site.write(&format!("big/{part}.bin"), &format!("{part}{noise}"));
        }
        let error = try_store(&store, &site, 1).expect_err("the disk is too small");
        assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
        if kind == Kind::Ext4 {
            let told = told(&error, error.way_out(), site.path());
            let file = told
                .split("/big/")
                .nth(1)
                .and_then(|rest| rest.split(':').next())
                .unwrap_or_default();
            insta::assert_snapshot!(told.replace(file, "N.bin"));
        }
        assert_eq!(
            store.switch().expect("the links").live().expect("live"),
            Live::Release(live.clone())
        );
        store.recover().expect("recovered");
        assert_eq!(store.list().expect("listed"), vec![live.clone()]);
        assert_whole(&store, &live);
        fs::remove_dir_all(site.path().join("big")).expect("smaller now");
        site.write("index.php", "<?php // smaller");
        assert_whole(&store, &store_site(&store, &site, 2));
    }
}

/// Going back is a rename of a link that lies ready: it works with no block and no inode left.
#[test]
fn going_back_works_on_a_full_disk() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Disk::new(kind);
        let store = disk.store();
        let site = Site::new();
        let a = store_site(&store, &site, 0);
        site.write("index.php", "<?php // b");
        let b = store_site(&store, &site, 1);
        let links = store.switch().expect("the links");
        links.switch(Some(&a)).expect("a answers");
        links.arm(Some(&a)).expect("armed");
        links.switch(Some(&b)).expect("b answers");
        fill(&disk);
        let refused = links
            .switch(Some(&a))
            .expect_err("the control: a switch makes a link, and there is no room");
        assert!(matches!(refused, lamp_release::switch::SwitchError::File(error) if error.is_full()));
        links.go_back(Some(&a)).expect("back");
        links.go_back(Some(&a)).expect("back twice is back once");
        assert_eq!(links.live().expect("live"), Live::Release(a.clone()));
        links.disarm().expect("disarmed");
    }
}

/// Uses up every block and every inode.
fn fill(disk: &Disk) {
    let top = disk.dir("fill");
    let path = disk.path().join("fill");
    for size in [1 << 20, 1 << 12, 1] {
        let Ok(mut file) = fs::File::create(path.join(format!("blocks-{size}"))) else {
            break;
        };
        let block = vec![7_u8; size];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        // What the filesystem promised to delayed writes is claimed.
        let _ = file.sync_all();
    }
    // A directory of long names grows until neither inode nor block is left for one more.
    let full = (0..2_000_000).find(|n| {
        let name = format!("{n:0>200}");
        rustix::fs::symlinkat("x".repeat(1_000), &top, name).is_err()
    });
    assert!(full.is_some(), "the disk is full");
    let full =
        (0..2_000_000).find(|n| rustix::fs::symlinkat("x", disk.dir("store"), format!(".f{n}")).is_err());
    assert!(full.is_some(), "the store's own directory too");
}
