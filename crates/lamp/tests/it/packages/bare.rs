//! The bare machine: how it is made, and what is asked of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lamp_sandbox::plan::{Layer, RootPlan, TmpfsPlan};
use lamp_sandbox::{InitProgram, Output, OwnDir, Plan, Sandbox};

use super::{OUR_MARK, purge};

/// What apt asks before it starts a service.
pub(super) const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Where the checkout shows on the bare machine.
const CHECKOUT: &str = "/srv";
/// The packages weigh half of it.
const UPPER_BYTES: u64 = 3 << 30;
const UPPER_INODES: u32 = 400_000;
/// No step takes longer, not even on a busy machine.
const STEP_MAX: Duration = Duration::from_secs(600);
/// A user with no right to anything.
const NOBODY: u32 = 65_534;
/// What of apt's configuration a container image adds: it throws fetched packages away.
const THROWS_DEBS_AWAY: &str = "/etc/apt/apt.conf.d/docker-clean";

/// The machine.
pub(super) struct Bare {
    sandbox: Sandbox,
    /// Holds what shows beneath [`CHECKOUT`]; removed after the sandbox.
    _place: tempfile::TempDir,
}

impl Bare {
    /// This machine's root without the listed packages; it looks booted, so that services can be started.
    pub(super) fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test needs root: run `sudo -E cargo test`"
        );
        let place = tempfile::Builder::new()
            .prefix("lamp-packages-")
            .tempdir_in("/var/tmp")
            .expect("a directory");
        let checkout = place.path().join("checkout");
        copy(&workspace().join("packaging"), &checkout.join("packaging"));
        copy(
            &workspace().join(".packages/debs"),
            &checkout.join(".packages/debs"),
        );
        let plan = plan(place.path(), &checkout);
        let init = InitProgram::new(env!("CARGO_BIN_EXE_lamp")).arg("sandbox-init");
        let sandbox = lamp_sandbox::start(&plan, &init).expect("the bare machine starts");
        let bare = Self {
            sandbox,
            _place: place,
        };
        bare.make_bare(&checkout);
        bare
    }

    fn make_bare(&self, checkout: &Path) {
        self.sh(
            "printf '#!/bin/sh\\necho N 2\\n' >/usr/sbin/runlevel.lamp && chmod 755 /usr/sbin/runlevel.lamp \
                 && mv /usr/sbin/runlevel.lamp /sbin/runlevel",
        );
        self.sh(&format!("rm -f {THROWS_DEBS_AWAY} {POLICY}"));
        // There is no network to wait for.
        self.sh("echo 'Acquire::Retries::Delay \"false\";' >/etc/apt/apt.conf.d/99-no-delay");
        // The purge itself stops nothing: nothing runs here.
        let installed = self.sh(&format!(
            "dpkg-query -W -f '{}'",
            purge::FORMAT.replace('\t', "\\t").replace('\n', "\\n")
        ));
        let purged: Vec<String> = purge::to_purge(&installed, &listed()).into_iter().collect();
        self.purge(&purged.iter().map(String::as_str).collect::<Vec<_>>());
        self.fetch_debs(&checkout.join("archives"));
    }

    /// What a machine without network cannot fetch: into the host's `.packages/archives`, and from there.
    fn fetch_debs(&self, shown: &Path) {
        let wanted: Vec<String> = listed().into_iter().collect();
        let uris = self.sh(&format!(
            "apt-get -qq -y --print-uris --no-install-recommends --no-upgrade install {}",
            wanted.join(" ")
        ));
        let files: Vec<&str> = uris
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        assert!(
            !files.is_empty(),
            "control: a bare machine has something to fetch"
        );
        let archives = workspace().join(".packages/archives");
        fs_err::create_dir_all(&archives).expect("made");
        fs_err::create_dir_all(shown).expect("made");
        for file in files {
            fetch(&archives, file);
            fs_err::copy(archives.join(file), shown.join(file)).expect("copied");
        }
        self.sh(&format!("cp {CHECKOUT}/archives/*.deb /var/cache/apt/archives/"));
    }

    /// Runs the script to its good end; what it said.
    #[track_caller]
    pub(super) fn run_packages(&self) -> String {
        self.sh(&format!("{CHECKOUT}/packaging/packages.sh 2>&1"))
    }

    /// Kills the script as soon as its policy holds services back, and waits for its end.
    #[track_caller]
    pub(super) fn kill_while_our_policy_is_in_place(&self, signal: &str) {
        self.sh(&format!(
            "{CHECKOUT}/packaging/packages.sh & script=$!
             until grep -qs '{OUR_MARK}' {POLICY}; do kill -0 $script && sleep 0.01 || exit 1; done
             kill -{signal} $script; wait $script; test $? -gt 128"
        ));
    }

    /// Somebody who is not root is told the whole command, and nothing is done.
    #[track_caller]
    pub(super) fn refuses_who_is_not_root(&self) {
        let script = format!("{CHECKOUT}/packaging/packages.sh");
        let command = self
            .sandbox
            .command(script)
            .args(["--then", "make -C /srv demo"])
            .user(NOBODY, NOBODY);
        let output = command.deadline(STEP_MAX).output().expect("ran");
        assert_eq!(output.status, lamp_sandbox::Exit::Code(2), "{output:?}");
        let said = text(output.stderr);
        assert!(said.contains("make -C /srv demo"), "{said}");
        assert!(said.contains("sudo ") || said.contains("su -c "), "{said}");
    }

    /// Nothing of the listed is there, but for the base system.
    #[track_caller]
    pub(super) fn lists_none(&self) {
        let base = self.sh("dpkg-query -W -f '${Package} ${Essential} ${Priority}\\n' | grep -E ' yes | required$' | cut -d' ' -f1");
        let base: BTreeSet<&str> = base.lines().collect();
        let here = self.installed();
        let left: Vec<String> = listed()
            .into_iter()
            .filter(|name| here.contains(name) && !base.contains(name.as_str()))
            .collect();
        assert_eq!(left, Vec::<String>::new());
    }

    /// dpkg lists every package of the list as installed.
    #[track_caller]
    pub(super) fn lists_all(&self) {
        let here = self.installed();
        let missing: Vec<String> = listed().into_iter().filter(|name| !here.contains(name)).collect();
        assert_eq!(missing, Vec::<String>::new());
    }

    fn installed(&self) -> BTreeSet<String> {
        let all = self.sh("dpkg-query -W -f '${Package} ${Status}\\n'");
        all.lines()
            .filter_map(|line| line.strip_suffix(" install ok installed"))
            .map(str::to_owned)
            .collect()
    }

    /// The unpacked WordPress is a plain tree with a theme.
    #[track_caller]
    pub(super) fn holds_wordpress_without_links(&self) {
        self.sh(&format!(
            "cd {CHECKOUT}/.packages/wordpress && test -s wp-includes/certificates/ca-bundle.crt \
             && test -s wp-content/themes/twentytwentythree/style.css && test -z \"$(find . -type l)\""
        ));
    }

    /// Purges packages, whoever needs them.
    #[track_caller]
    pub(super) fn purge(&self, names: &[&str]) {
        self.sh(&format!(
            "DEBIAN_FRONTEND=noninteractive dpkg --purge --force-depends {} 2>&1",
            names.join(" ")
        ));
    }

    /// apt without our script; there is no policy.
    #[track_caller]
    pub(super) fn install_as_anybody_would(&self, name: &str) {
        self.sh(&format!(
            "mkdir -p /run/lock; DEBIAN_FRONTEND=noninteractive apt-get -qq -y install {name} 2>&1"
        ));
    }

    /// A policy of somebody's, with an owner and a mode of its own.
    #[track_caller]
    pub(super) fn put_policy(&self, text: &str) {
        self.sh(&format!(
            "printf %s '{text}' >{POLICY} && chown 33:12 {POLICY} && chmod 0751 {POLICY}"
        ));
    }

    /// The policy in place: inode, mode, owner, group, size, time of its last change, content.
    #[track_caller]
    pub(super) fn policy(&self) -> String {
        self.sh(&format!("stat -c '%i %a %u %g %s %Y' {POLICY} && cat {POLICY}"))
    }

    /// The command lines of all processes but the sandbox's own first one and this question's.
    pub(super) fn running(&self) -> Vec<String> {
        let all = self.sh("for process in /proc/[0-9]*; do
            pid=${process#/proc/}; [ $pid = 1 ] || [ $pid = $$ ] || tr '\\0' ' ' <$process/cmdline && echo; done 2>/dev/null; true");
        all.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("tr "))
            .map(str::to_owned)
            .collect()
    }

    /// Runs a line of shell; its standard output. It must succeed.
    #[track_caller]
    pub(super) fn sh(&self, line: &str) -> String {
        let command = self
            .sandbox
            .command("/bin/sh")
            .args(["-c", line])
            .env("LC_ALL", "C.UTF-8");
        let output: Output = command.deadline(STEP_MAX).output().expect("ran");
        assert!(
            output.status.success(),
            "{line}\n{}\n{}",
            text(output.stdout),
            text(output.stderr)
        );
        text(output.stdout)
    }
}

/// A trusted sandbox whose whole root can be written, and is thrown away.
fn plan(place: &Path, checkout: &Path) -> Plan {
    let mut plan = Plan::lab("packages", &place.join("sandbox"), Vec::new());
    plan.root = RootPlan::Overlay {
        layers: vec![Layer::whole_root()],
        upper: TmpfsPlan {
            target: "/".into(),
            size_bytes: UPPER_BYTES,
            inodes: UPPER_INODES,
            mode: 0o755,
        },
        hidden: Vec::new(),
        own: vec![OwnDir::at(checkout, CHECKOUT)],
    };
    plan.tmpfs.push(TmpfsPlan {
        target: "/tmp".into(),
        size_bytes: 256 << 20,
        inodes: 16_384,
        mode: 0o1777,
    });
    plan
}

fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("crates/lamp is two below the workspace")
        .to_owned()
}

/// The names of `packaging/packages/installed.txt`.
fn listed() -> BTreeSet<String> {
    let list =
        fs_err::read_to_string(workspace().join("packaging/packages/installed.txt")).expect("the list");
    let names = list
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).expect("made");
    let status = Command::new("cp")
        .arg("-a")
        .arg(from.join("."))
        .arg(to)
        .status()
        .expect("cp is everywhere");
    assert!(
        status.success(),
        "{} is not there: run `make packages`",
        from.display()
    );
}

/// One deb, by the name of its file, from apt, which checks its signature chain.
fn fetch(archives: &Path, file: &str) {
    if archives.join(file).exists() {
        return;
    }
    let mut parts = file.split('_');
    let (name, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let wanted = format!("{name}={}", version.replace("%3a", ":"));
    let apt = Command::new("apt-get")
        .args(["-qq", "-o", "APT::Sandbox::User=root", "download", &wanted])
        .current_dir(archives)
        .output();
    let output = apt.expect("apt-get is here");
    assert!(
        output.status.success(),
        "{wanted}: run `apt-get update`; {}",
        text(output.stderr)
    );
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
