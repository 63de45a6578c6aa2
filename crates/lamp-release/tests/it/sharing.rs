//! What is equal is shared, and what is shared cannot be altered through another release.

use std::io::Write as _;
use std::path::Path;
use std::sync::Barrier;
use std::time::Duration;

use fs_err as fs;
use lamp_fleet::file::{Guard, flags, guard};
use lamp_model::ReleaseId;
use lamp_release::Store;
use lamp_release::store::Sharing;
use lamp_release::verify::verify;

use crate::disk::{Disk, GROUP, Kind};
use crate::site::{Site, assert_whole, store_site};

/// How often a passing moment is met.
const ROUNDS: usize = 20;

/// Two releases that differ in one file.
fn two_releases(store: &Store) -> (ReleaseId, ReleaseId) {
    let site = Site::new();
    let a = store_site(store, &site, 0);
    site.write("index.php", "<?php require 'lib/b.php';");
    (a, store_site(store, &site, 1))
}

fn ino(store: &Store, release: &ReleaseId, path: &str) -> u64 {
    store
        .tree(release)
        .expect("a release")
        .meta(path)
        .expect("a file")
        .ino
}

fn open_path(disk: &Disk, release: &ReleaseId, path: &str) -> std::path::PathBuf {
    disk.path()
        .join("store/releases")
        .join(release.as_str())
        .join(path)
}

fn append(path: &Path) -> std::io::Result<()> {
    fs::OpenOptions::new()
        .append(true)
        .open(path)?
        .write_all(b"altered")
}

#[test]
fn each_filesystem_shares_in_its_best_way() {
    for (kind, best) in [
        (Kind::Ext4, Sharing::HardLink),
        (Kind::XfsPlain, Sharing::HardLink),
        (Kind::Xfs, Sharing::Reflink),
    ] {
        assert_eq!(
            Disk::new(kind).store().sharing().expect("tried"),
            best,
            "{kind:?}"
        );
    }
}

#[test]
fn an_unchanged_file_is_one_inode_where_hard_links_share() {
    let disk = Disk::new(Kind::Ext4);
    let store = disk.store();
    let (a, b) = two_releases(&store);
    assert_eq!(ino(&store, &a, "img/big.bin"), ino(&store, &b, "img/big.bin"));
    assert_eq!(
        ino(&store, &a, "img/silence.php"),
        ino(&store, &b, "lib/silence.php")
    );
    assert_ne!(ino(&store, &a, "index.php"), ino(&store, &b, "index.php"));
}

#[test]
fn one_changed_file_costs_a_fraction_of_the_tree() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Disk::new(kind);
        let store = disk.store();
        let site = Site::new();
        site.write("img/more.bin", &"x".repeat(8 * 1024 * 1024));
        let free = |store: &Store| {
            store.root().sync_filesystem().expect("synced");
            store.space().expect("space").free_bytes
        };
        let empty = free(&store);
        store_site(&store, &site, 0);
        let (one, whole) = (free(&store), empty - free(&store));
        site.write("index.php", "<?php // another");
        store_site(&store, &site, 1);
        let second = one - free(&store);
        assert!(
            whole > 8 * 1024 * 1024,
            "the control: {whole} bytes for a whole tree"
        );
        assert!(second < whole / 10, "{kind:?}: {second} of {whole} bytes");
    }
}

#[test]
fn appending_as_root_to_a_file_of_one_release_leaves_the_other_verifying() {
    for kind in [Kind::Ext4, Kind::XfsPlain, Kind::Xfs] {
        let disk = Disk::new(kind);
        let store = disk.store();
        let (a, b) = two_releases(&store);
        let target = open_path(&disk, &a, "img/big.bin");
        let appended = append(&target);
        match store.sharing().expect("tried") {
            Sharing::HardLink => {
                let refused = appended.expect_err("an immutable file");
                assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
                assert_whole(&store, &a);
            }
            Sharing::Reflink | Sharing::Copy => {
                appended.expect("nothing guards a file that shares no inode");
                let differences = verify(&store, &a).expect("a release");
                assert_eq!(differences.len(), 1, "the control: {differences:?}");
            }
        }
        assert_whole(&store, &b);
    }
}

/// The control: it is the flag that keeps the other release whole.
#[test]
fn without_the_flag_one_release_alters_the_other_and_verify_names_it() {
    let disk = Disk::new(Kind::Ext4);
    let store = disk.store();
    let (a, b) = two_releases(&store);
    let path = open_path(&disk, &a, "img/big.bin");
    let (open, _) = store
        .tree(&a)
        .expect("a release")
        .open_file("img/big.bin")
        .expect("a file");
    guard(&open, Guard::Lifted).expect("root lifts it");
    append(&path).expect("now it can be written");
    let named: Vec<_> = verify(&store, &b)
        .expect("a release")
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(named.join("\n"), @r"
    img/big.bin has 200007 bytes, and 200000 were stored
    img/big.bin lacks the immutable flag
    ");
}

#[test]
fn an_altered_file_is_not_shared_into_the_next_release() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Disk::new(kind);
        let store = disk.store();
        let site = Site::new();
        let a = store_site(&store, &site, 0);
        let (open, _) = store
            .tree(&a)
            .expect("a release")
            .open_file("lib/part/3.php")
            .expect("a file");
        if kind == Kind::Ext4 {
            guard(&open, Guard::Lifted).expect("root lifts it");
        }
        fs::write(open_path(&disk, &a, "lib/part/3.php"), "<?php return 9;").expect("same length");
        if kind == Kind::Ext4 {
            guard(&open, Guard::Immutable).expect("and sets it");
        }
        assert_eq!(verify(&store, &a).expect("a release").len(), 1, "the control");
        site.write("index.php", "<?php // another");
        let b = store_site(&store, &site, 1);
        assert_whole(&store, &b);
    }
}

#[test]
fn a_flag_that_someone_lifted_is_set_again_when_the_file_is_shared() {
    let disk = Disk::new(Kind::Ext4);
    let store = disk.store();
    let site = Site::new();
    let a = store_site(&store, &site, 0);
    let (open, _) = store
        .tree(&a)
        .expect("a release")
        .open_file("lib/part/3.php")
        .expect("a file");
    guard(&open, Guard::Lifted).expect("root lifts it");
    assert_eq!(verify(&store, &a).expect("a release").len(), 1, "the control");
    site.write("index.php", "<?php // another");
    let b = store_site(&store, &site, 1);
    assert_whole(&store, &b);
    assert_whole(&store, &a);
}

/// Where nothing can be shared, everything is copied and nothing else is different.
#[test]
fn without_any_way_of_sharing_releases_are_whole_copies() {
    let disk = Disk::new(Kind::Xfs);
    let store = disk.store().with_sharing(Sharing::Copy);
    let (a, b) = two_releases(&store);
    append(&open_path(&disk, &a, "img/big.bin")).expect("nothing guards it");
    assert_eq!(verify(&store, &a).expect("a release").len(), 1, "the control");
    assert_whole(&store, &b);
}

#[test]
fn t19_no_release_file_is_writable_by_others_or_not_owned_as_planned() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Disk::new(kind);
        let store = disk.store();
        let site = Site::new();
        for (path, mode) in [("lib/part/1.php", 0o666), ("lib", 0o777), ("bin/run.sh", 0o4777)] {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(site.path().join(path), mode).expect("a loose mode in the source");
        }
        let release = store_site(&store, &site, 0);
        let mut modes = std::collections::BTreeMap::new();
        let tree = store.tree(&release).expect("a release");
        tree.walk::<lamp_fleet::DirError>(&mut |item| {
            let meta = item.meta()?;
            assert_eq!((meta.uid, meta.gid), (0, GROUP), "{}", item.path.display());
            *modes.entry((item.kind.word(), meta.mode)).or_insert(0) += 1;
            Ok(lamp_fleet::walk::Enter::Yes)
        })
        .expect("walked");
        let planned = [
            (("directory", 0o750), 4),
            (("file", 0o640), 21),
            (("file", 0o740), 1),
            (("symbolic link", 0o777), 1),
        ];
        assert_eq!(modes.into_iter().collect::<Vec<_>>(), planned);
        assert_whole(&store, &release);
    }
}

#[test]
fn verify_names_every_kind_of_difference() {
    let disk = Disk::new(Kind::Xfs);
    let store = disk.store();
    let release = store_site(&store, &Site::new(), 0);
    let at = |path: &str| open_path(&disk, &release, path);
    fs::remove_file(at("lib/part/0.php")).expect("missing");
    fs::write(at("lib/part/1.php"), "<?php return 2;").expect("other bytes");
    fs::write(at("lib/part/2.php"), "longer than it was").expect("another length");
    fs::write(at("lib/extra.php"), "<?php").expect("extra");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(at("lib/part/4.php"), mode).expect("a mode");
    std::os::unix::fs::chown(at("lib/part/5.php"), Some(33), Some(0)).expect("an owner");
    fs::remove_file(at("lib/big")).expect("the link");
    fs::os::unix::fs::symlink("../img/other", at("lib/big")).expect("another text");
    std::os::unix::fs::lchown(at("lib/big"), Some(0), Some(GROUP)).expect("owned as planned");
    fs::remove_file(at("lib/part/6.php")).expect("a file");
    fs::create_dir(at("lib/part/6.php")).expect("in its place a directory");
    let named: Vec<_> = verify(&store, &release)
        .expect("a release")
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(named.join("\n"));
}

#[test]
fn pruning_one_release_leaves_the_files_that_another_shares_guarded() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Disk::new(kind);
        let store = disk.store();
        let (a, b) = two_releases(&store);
        store.prune(&a).expect("pruned");
        store.prune(&a).expect("pruned twice is pruned once");
        assert_eq!(store.list().expect("listed"), vec![b.clone()]);
        assert_whole(&store, &b);
        let (open, _) = store
            .tree(&b)
            .expect("a release")
            .open_file("img/big.bin")
            .expect("a file");
        assert_eq!(
            flags(&open).expect("its flags").is_immutable(),
            kind == Kind::Ext4
        );
        assert!(
            store.root().names().expect("the store").len() == 4,
            "nothing but its four parts"
        );
        store.prune(&b).expect("pruned");
        assert!(store.list().expect("listed").is_empty());
        assert_eq!(
            store
                .root()
                .open_dir("manifests")
                .expect("a part")
                .names()
                .expect("names"),
            []
        );
    }
}

/// A flag is lifted for the moment in which a link is made: that is no difference, and a flag that stays
/// lifted is one.
#[test]
fn a_flag_that_is_lifted_only_for_a_moment_is_no_difference() {
    let disk = Disk::new(Kind::Ext4);
    let store = disk.store();
    let release = store_site(&store, &Site::new(), 0);
    let file = fs::File::open(open_path(&disk, &release, "index.php")).expect("a file");
    for _ in 0..ROUNDS {
        guard(&file, Guard::Lifted).expect("lifted");
        let begun = Barrier::new(2);
        let found = std::thread::scope(|scope| {
            scope.spawn(|| {
                begun.wait();
                // The moment: what is verified meanwhile finds the flag lifted.
                std::thread::sleep(Duration::from_millis(2));
                guard(&file, Guard::Immutable).expect("set");
            });
            begun.wait();
            verify(&store, &release).expect("verified")
        });
        assert_eq!(found, Vec::new());
    }
    guard(&file, Guard::Lifted).expect("lifted");
    let found = verify(&store, &release).expect("verified");
    assert_eq!(found.len(), 1, "the control: {found:?}");
}
