//! A place of its own for each test's sandboxes, and what the tests ask of the host.

use std::path::{Path, PathBuf};

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use lamp_sandbox::plan::RootPlan;
use lamp_sandbox::{IdMap, InitProgram, Output, OwnDir, Plan, Sandbox, start};

/// A directory of the machine's disk: a memory filesystem would hide what ext4 or XFS refuse.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests need root: run them with sudo -E"
        );
        let dir = tempfile::Builder::new()
            .prefix("lamp-sandbox-it-")
            .tempdir_in("/var/tmp")
            .expect("made");
        Self { dir }
    }

    /// Where sandboxes of this test have their state directories.
    pub(crate) fn parent(&self) -> PathBuf {
        self.dir.path().join("sandboxes")
    }

    /// The test's directory; only root may enter it unless the test opens it.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A twin with an own /srv, and users that no other test's twin has: tests run side by side.
    pub(crate) fn twin(&self, name: &str) -> Plan {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let slot = NEXT.fetch_add(1, Ordering::Relaxed);
        let state = self.parent().join(name);
        let mut plan = Plan::twin(name, &state, IdMap::slot(slot).expect("few tests"));
        if let RootPlan::Overlay { own, .. } = &mut plan.root {
            own.push(OwnDir::at(state.join("own/srv"), "/srv"));
        }
        plan
    }

    pub(crate) fn lab(&self, name: &str) -> Plan {
        let state = self.parent().join(name);
        let own = ["etc", "var", "srv", "home", "root", "tmp"];
        let own = own.map(|dir| OwnDir::at(state.join("own").join(dir), Path::new("/").join(dir)));
        Plan::lab(name, &state, own.into())
    }
}

/// This crate's own init program.
pub(crate) fn init() -> InitProgram {
    InitProgram::new(env!("CARGO_BIN_EXE_lamp-sandbox-init"))
}

#[track_caller]
pub(crate) fn started(plan: &Plan) -> Sandbox {
    start(plan, &init()).expect("started")
}

/// Runs a shell line inside.
#[track_caller]
pub(crate) fn sh(sandbox: &Sandbox, line: &str) -> Output {
    sandbox
        .command("/bin/sh")
        .args(["-c", line])
        .output()
        .expect("ran")
}

/// What a shell line inside wrote, without the last newline; it must have succeeded.
#[track_caller]
pub(crate) fn says(sandbox: &Sandbox, line: &str) -> String {
    let output = sh(sandbox, line);
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim_end()
        .to_owned()
}

/// Puts the probe into the sandbox's own /srv.
pub(crate) fn give_probe(plan: &Plan) {
    fs_err::copy(PROBE, plan.state_dir.join("own/srv/probe")).expect("copied");
}

/// What the kernel answers the probe outside.
#[track_caller]
pub(crate) fn probe_outside(args: [&str; 2]) -> String {
    let output = std::process::Command::new(PROBE)
        .args(args)
        .output()
        .expect("ran");
    answer(output.status.success(), &output.stdout, args)
}

/// What the kernel answers the probe inside.
#[track_caller]
pub(crate) fn probe_inside(sandbox: &Sandbox, args: [&str; 2]) -> String {
    let output = sandbox.command(PROBE_INSIDE).args(args).output().expect("ran");
    answer(output.status.success(), &output.stdout, args)
}

#[track_caller]
fn answer(success: bool, stdout: &[u8], args: [&str; 2]) -> String {
    assert!(success, "the probe {args:?} did not run");
    String::from_utf8_lossy(stdout).trim().to_owned()
}

pub(crate) const PROBE_INSIDE: &str = "/srv/probe";
pub(crate) const PROBE: &str = env!("CARGO_BIN_EXE_lamp-sandbox-probe");

/// Waits until `holds`, at most 30 s.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
