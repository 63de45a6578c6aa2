//! `lamp check --watch`: what is new and what is fixed, as files change.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use super::readable;

const DEADLINE: Duration = Duration::from_secs(30);

/// A watching `lamp`, and its lines as they come.
struct Watching {
    lamp: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(dir: &tempfile::TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lamp"));
        command
            .args(["check", "--watch"])
            .arg(dir.path().join("tree"))
            .env("XDG_CACHE_HOME", dir.path().join("cache"))
            .stdout(Stdio::piped());
        let mut lamp = command.spawn().expect("lamp runs");
        let stdout: ChildStdout = lamp.stdout.take().expect("piped");
        let (send, lines) = sync_channel(1_000);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { lamp, lines }
    }

    /// The lines up to and with the next summary.
    #[track_caller]
    fn told(&self) -> String {
        let mut told = String::new();
        loop {
            let line = self.lines.recv_timeout(DEADLINE);
            assert!(line.is_ok(), "no more is told after: {told}");
            told += &line.unwrap_or_default();
            told.push('\n');
            if told.contains(" resolved): ") {
                return told;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.lamp.kill();
        let _ = self.lamp.wait();
    }
}

#[test]
fn what_changes_is_told_as_it_changes() {
    let dir = readable();
    let tree = dir.path().join("tree");
    fs_err::create_dir_all(tree.join("lib")).expect("made");
    let write = |path: &str, code: &str| fs_err::write(tree.join(path), code).expect("written");
    write(
        "index.php",
        "<?php\nrequire __DIR__ . '/lib/a.php';\nrequire __DIR__ . '/stays.php';",
    );
    write("lib/a.php", "<?php\n");
    let watching = Watching::start(&dir);
    let first = watching.told();
    assert!(
        first.contains("does not exist: stays.php") && first.contains("1 error"),
        "{first}"
    );
    // A file in a directory.
    write("lib/a.php", "<?php\n\nfoo(;");
    let new = watching.told();
    assert!(
        new.contains("error[syntax-error]") && new.contains("lib/a.php:3"),
        "{new}"
    );
    assert!(!new.contains("stays.php"), "what stands is not told again: {new}");
    // Mended as editors do: another file, renamed.
    write("lib/.a.php.swp", "<?php\n");
    fs_err::rename(tree.join("lib/.a.php.swp"), tree.join("lib/a.php")).expect("renamed");
    let fixed = watching.told();
    assert!(
        fixed.contains("fixed: lib/a.php: PHP cannot parse this"),
        "{fixed}"
    );
    // A directory that was not there before, and what is written in it later.
    fs_err::create_dir(tree.join("new")).expect("made");
    write("new/b.php", "<?php\nrequire __DIR__ . '/c.php';");
    let new = watching.told();
    assert!(new.contains("does not exist: new/c.php"), "{new}");
    write("new/c.php", "<?php\n");
    let fixed = watching.told();
    assert!(fixed.contains("fixed: new/b.php: "), "{fixed}");
    fs_err::remove_file(tree.join("lib/a.php")).expect("removed");
    let new = watching.told();
    assert!(new.contains("does not exist: lib/a.php"), "{new}");
}
