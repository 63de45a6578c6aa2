//! What counts as left behind, decided from text that was read.

use std::fmt;

use super::PREFIX;

/// What was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Process,
    Mount,
    Cgroup,
    LoopDevice,
    Directory,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] = [
        Kind::Process,
        Kind::Mount,
        Kind::Cgroup,
        Kind::LoopDevice,
        Kind::Directory,
    ];

    pub(super) fn plural(self) -> &'static str {
        match self {
            Kind::Process => "processes",
            Kind::Mount => "mounts",
            Kind::Cgroup => "cgroups",
            Kind::LoopDevice => "loop devices",
            Kind::Directory => "directories",
        }
    }
}

/// One thing that was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leak {
    pub(super) kind: Kind,
    pub(super) name: String,
}

impl Leak {
    pub(super) fn new(kind: Kind, name: impl fmt::Display) -> Self {
        Leak {
            kind,
            name: name.to_string(),
        }
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "left behind, of {}: {}", self.kind.plural(), self.name)
    }
}

/// Whether a file's name bears the mark, hidden or not.
pub(super) fn is_marked_name(name: &str) -> bool {
    name.trim_start_matches('.').trim_end().starts_with(PREFIX)
}

/// What /proc says of a process; fields are parted by NUL as the kernel writes them.
#[derive(Debug, Default)]
pub(super) struct ProcessFacts {
    pub(super) environment: String,
    pub(super) cgroup: String,
    pub(super) command: String,
}

/// A process is the run's by an entry of its environment that begins with `mark`, by its cgroup, or by
/// being a program of ours.
pub(super) fn process(pid: u32, facts: &ProcessFacts, mark: &str) -> Option<Leak> {
    let by_environment = facts.environment.split('\0').any(|entry| entry.starts_with(mark));
    let by_cgroup = facts.cgroup.split(['/', '\n']).any(is_marked_name);
    let program = facts.command.split('\0').next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let by_program = program == "lamp" || is_marked_name(program);
    let command = facts.command.replace('\0', " ");
    (by_environment || by_cgroup || by_program)
        .then(|| Leak::new(Kind::Process, format_args!("{pid} {}", command.trim())))
}

/// Mount points and sources of /proc/self/mountinfo, see proc(5).
pub(super) fn mounts(mountinfo: &str) -> Vec<Leak> {
    let marked = |line: &&str| {
        let fields = line.split_whitespace();
        fields.skip(3).any(|field| field.split('/').any(is_marked_name))
    };
    let point = |line: &str| line.split_whitespace().nth(4).unwrap_or_default().to_owned();
    mountinfo
        .lines()
        .filter(marked)
        .map(|line| Leak::new(Kind::Mount, point(line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_process(environment: &str, cgroup: &str, command: &str, expected: bool) {
        let text = str::to_owned;
        let facts = ProcessFacts {
            environment: text(environment),
            cgroup: text(cgroup),
            command: text(command),
        };
        assert_eq!(
            process(7, &facts, "LAMP_RUN_MARK=").is_some(),
            expected,
            "{facts:?}"
        );
    }

    #[test]
    fn a_process_of_the_run_is_known_by_environment_cgroup_or_program() {
        check_process("A=1\0LAMP_RUN_MARK=lamp-3\0", "0::/", "sleep\u{0}9", true);
        check_process("", "0::/lamp-lab-7/inner", "apache2", true);
        check_process("", "0::/", "/opt/lamp\0agent", true);
        check_process("", "0::/", "target/debug/lamp-sandbox-init", true);
        check_process("NOT_LAMP_RUN_MARK=1\0", "0::/user.slice", "clamp\0lamp-x", false);
    }

    #[test]
    fn a_mount_is_known_by_its_point_or_its_source() {
        let line =
            |point: &str, source: &str| format!("36 35 98:0 / {point} rw,noatime - ext4 {source} rw\n");
        let found = mounts(
            &(line("/tmp/lamp-x/root", "/dev/a")
                + &line("/mnt", "/tmp/.lamp-y")
                + &line("/home/clamp-z", "/dev/a")),
        );
        let names: Vec<String> = found.into_iter().map(|leak| leak.name).collect();
        assert_eq!(names, ["/tmp/lamp-x/root", "/mnt"]);
    }
}
