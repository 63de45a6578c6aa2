//! A place of its own for each test's sandboxes, and what the tests ask of the host.

use std::path::{Path, PathBuf};

use std::sync::atomic::{AtomicU16, Ordering};

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

    /// A twin with users that no other test's twin has: tests run side by side, each below a parent of its own.
    pub(crate) fn twin(&self, name: &str) -> Plan {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let slot = NEXT.fetch_add(1, Ordering::Relaxed);
        Plan::twin(
            name,
            &self.parent().join(name),
            IdMap::slot(slot).expect("few tests"),
        )
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
