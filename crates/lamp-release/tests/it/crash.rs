//! SIGKILL while a release is stored or removed: what is live stays whole, and running it again converges.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use lamp_fleet::file::{Guard, guard};
use lamp_model::ReleaseId;
use lamp_release::Store;
use lamp_release::store::NewFile;
use lamp_release::verify::{What, verify};
use rustix::process::{Signal, getpid, kill_process};

use crate::disk::{Disk, Kind, OWNER, dir_of};
use crate::site::{Site, assert_whole, incoming, store_site, try_store};

/// Random instants per filesystem.
const INSTANTS: u64 = 40;
const SEED: u64 = 20_261_122;

const DISK: &str = "LAMP_TEST_DISK";
const SOURCE: &str = "LAMP_TEST_SITE";
const PRUNE: &str = "LAMP_TEST_PRUNE";
const DIE_AT: &str = "LAMP_TEST_DIE_AT";

fn child(disk: &Disk, site: &Site) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this very test"));
    command
        .args(["--exact", "crash::stores_or_prunes_as_told", "--nocapture"])
        .env(DISK, disk.path())
        .env(SOURCE, site.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The child of the tests below; by itself it has nothing to do.
#[test]
fn stores_or_prunes_as_told() {
    let (Some(disk), Some(site)) = (std::env::var_os(DISK), std::env::var_os(SOURCE)) else {
        return;
    };
    let mount = fs::File::open(Path::new(&disk)).expect("the disk");
    let store = Store::create(dir_of(&mount, "store"), OWNER).expect("the store");
    if let Some(release) = std::env::var_os(PRUNE) {
        let release = ReleaseId::parse(release.to_str().expect("text")).expect("a release");
        return store.prune(&release).expect("pruned");
    }
    let die_at = std::env::var_os(DIE_AT).map(|n| n.to_str().expect("text").parse().expect("a number"));
    let site = SiteAt(Path::new(&site));
    site.store(&store, die_at);
}

struct SiteAt<'a>(&'a Path);

impl SiteAt<'_> {
    /// Stores what is there; dies on being asked for the `die_at`-th new file.
    fn store(&self, store: &Store, die_at: Option<u64>) {
        let dir = lamp_fleet::Host::local().dir(self.0).expect("the source");
        let now = crate::site::FIRST.parse().expect("a time");
        let source = lamp_release::source::Source::read(dir, &mut Default::default(), now).expect("a site");
        let incoming = incoming(&source, 1);
        let survey = store.survey(&incoming.manifest, None).expect("a survey");
        let mut asked = 0;
        let mut supply = |wanted: &NewFile| {
            asked += 1;
            if Some(asked) == die_at {
                kill_process(getpid(), Signal::KILL)?;
            }
            source.open(&wanted.path).map_err(std::io::Error::other)
        };
        store.stage(&incoming, &survey, &mut supply).expect("staged");
        store.seal(&incoming.release).expect("sealed");
    }
}

/// A live release, and a source in which many files are new.
fn stand(kind: Kind) -> (Disk, Site, ReleaseId) {
    let disk = Disk::new(kind);
    let site = Site::new();
    let live = store_site(&disk.store(), &site, 0);
    for n in 0..60 {
        site.write(&format!("new/{n}.php"), &format!("<?php return 'new {n}';"));
    }
    (disk, site, live)
}

/// What lies there half built.
fn staged(store: &Store) -> Vec<(OsString, lamp_fleet::Kind)> {
    let staging = store.root().open_dir("staging").expect("a part");
    staging.names().expect("names")
}

/// Right after the kill every byte of the live release is whole; only a flag may be lifted until recovery.
#[track_caller]
fn assert_bytes_whole(store: &Store, live: &ReleaseId) {
    let mut differences = verify(store, live).expect("a release");
    differences.retain(|difference| difference.what != What::NotImmutable);
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn killed_at_any_new_file_the_live_release_is_whole_and_a_second_run_converges() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let (disk, site, live) = stand(kind);
        for die_at in [1, 7, 30, 60] {
            let died = child(&disk, &site)
                .env(DIE_AT, die_at.to_string())
                .status()
                .expect("a child");
            assert!(!died.success(), "killed");
            let store = disk.store();
            assert_eq!(
                store.list().expect("listed"),
                vec![live.clone()],
                "no half release has a name"
            );
            assert_bytes_whole(&store, &live);
        }
        let store = disk.store();
        let second = try_store(&store, &site, 1).expect("a second run converges");
        assert_whole(&store, &live);
        assert_whole(&store, &second);
        assert_eq!(staged(&store), []);
    }
}

#[test]
fn killed_at_random_instants_the_live_release_is_whole_and_recovery_converges() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let (disk, site, live) = stand(kind);
        let mut random = SEED;
        let mut interrupted = 0;
        let longest = uninterrupted(&disk, &site);
        for instant in 0..INSTANTS {
            let store = disk.store();
            for release in store
                .list()
                .expect("listed")
                .into_iter()
                .filter(|release| *release != live)
            {
                store.prune(&release).expect("pruned");
            }
            let after = longest.mul_f64(unit(&mut random));
            let killed = kill_after(child(&disk, &site), after);
            interrupted += u32::from(killed);
            let store = disk.store();
            assert_bytes_whole(&store, &live);
            store.recover().expect("recovered");
            assert_whole(&store, &live);
            for release in store.list().expect("listed") {
                assert_whole(&store, &release);
            }
            assert_eq!(staged(&store), [], "seed {SEED}, instant {instant}");
        }
        assert!(
            interrupted > 0,
            "the control: some children were killed in the middle"
        );
        let store = disk.store();
        assert_whole(
            &store,
            &try_store(&store, &site, 1).expect("a last run converges"),
        );
    }
}

#[test]
fn killed_while_pruning_the_other_release_is_whole_after_recovery() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let (disk, site, live) = stand(kind);
        let mut random = SEED;
        let longest = uninterrupted(&disk, &site);
        for _ in 0..INSTANTS / 2 {
            let store = disk.store();
            let doomed = try_store(&store, &site, 1).expect("stored");
            let mut prune = child(&disk, &site);
            prune.env(PRUNE, doomed.as_str());
            kill_after(prune, longest.mul_f64(unit(&mut random)));
            assert_bytes_whole(&store, &live);
            store.recover().expect("recovered");
            assert_whole(&store, &live);
            store.prune(&doomed).expect("a second run converges");
            assert_eq!(store.list().expect("listed"), vec![live.clone()]);
            assert_whole(&store, &live);
        }
    }
}

/// The instant between lifting a flag and setting it again is too short to be hit by chance.
#[test]
fn a_flag_that_a_kill_left_lifted_is_set_again() {
    let (disk, site, live) = stand(Kind::Ext4);
    let store = disk.store();
    let lift = || {
        let (open, _) = store
            .tree(&live)
            .expect("a release")
            .open_file("img/big.bin")
            .expect("a file");
        guard(&open, Guard::Lifted).expect("root lifts it");
        assert_eq!(verify(&store, &live).expect("a release").len(), 1, "the control");
    };
    let journal = store.root().open_dir("staging").expect("a part");
    lift();
    journal
        .create_dir("20261122-100001-00000000", OWNER.dir())
        .expect("what was being built");
    let recovered = store.recover().expect("recovered");
    assert_eq!(recovered.abandoned, ["20261122-100001-00000000"]);
    assert_whole(&store, &live);
    let doomed = try_store(&store, &site, 1).expect("stored");
    lift();
    let releases = store.root().open_dir("releases").expect("a part");
    let gone = format!("{doomed}.pruned");
    releases
        .rename_into(doomed.as_str(), &journal, &gone)
        .expect("what was being removed");
    assert_eq!(store.recover().expect("recovered").pruned, [doomed.to_string()]);
    assert_whole(&store, &live);
    let manifests = store.root().open_dir("manifests").expect("a part");
    assert_eq!(
        manifests.names().expect("names").len(),
        1,
        "its manifest went with it"
    );
}

/// How long a child takes that nobody kills.
fn uninterrupted(disk: &Disk, site: &Site) -> Duration {
    let begun = Instant::now();
    assert!(child(disk, site).status().expect("a child").success());
    begun.elapsed()
}

/// Whether the child was killed before it was done.
fn kill_after(mut command: Command, after: Duration) -> bool {
    let mut running = command.spawn().expect("a child");
    std::thread::sleep(after);
    running.kill().expect("killed, or done already");
    !running.wait().expect("a child").success()
}

/// The next of a row of numbers from 0 to 1 (xorshift64, Marsaglia 2003).
fn unit(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}
