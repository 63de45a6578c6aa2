//! Which control group trees a host has, and what a sandbox gets of them: pure, from the kernel's tables.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{HeldBy, InForce};
use crate::plan::Bounds;

/// The controllers that bounds need, by the name that both versions give them, but for `io`.
const CONTROLLERS: [&str; 4] = ["memory", "pids", "cpu", "io"];

/// What this host has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The version 2 tree.
    pub(crate) v2: Option<Tree2>,
    /// The version 1 groups that this process is in, by controller.
    pub(crate) v1: BTreeMap<String, PathBuf>,
}

/// A version 2 tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree2 {
    /// The group in which new ones can be made.
    pub(crate) parent: PathBuf,
    /// The controllers that its children can have.
    pub(crate) controllers: Vec<String>,
    /// Those of them that must first be switched on.
    pub(crate) enable: Vec<String>,
}

/// What one sandbox gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Written before the groups are made.
    pub(crate) enable: Vec<Write>,
    /// To be made.
    pub(crate) groups: Vec<PathBuf>,
    /// Written once they are made.
    pub(crate) writes: Vec<Write>,
    /// What then holds what.
    pub(crate) in_force: Vec<InForce>,
}

/// A text written to a file of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) file: PathBuf,
    pub(crate) text: String,
    /// Whether a kernel may lack the file without a bound being lost that matters.
    pub(crate) optional: bool,
}

impl Layout {
    /// Reads this host's tables.
    pub(crate) fn of_this_host() -> io::Result<Self> {
        let mounts = fs_err::read_to_string("/proc/self/mountinfo")?;
        let own = fs_err::read_to_string("/proc/self/cgroup")?;
        let mut layout = Self {
            v2: None,
            v1: v1_groups(&mounts, &own),
        };
        if let Some((top, group)) = v2_group(&mounts, &own) {
            layout.v2 = Some(usable_parent(&top, &group)?);
        }
        Ok(layout)
    }

    /// Where a sandbox called `name` gets its groups, and what they hold of `bounds`.
    pub(crate) fn place(&self, name: &str, bounds: &Bounds) -> Placed {
        let mut placed = Placed::default();
        if let Some(tree) = &self.v2 {
            placed.groups.push(tree.parent.join(name));
            placed.say("kill", HeldBy::CgroupV2);
        } else {
            placed.say("kill", HeldBy::Nothing);
        }
        for controller in CONTROLLERS {
            if is_bounded(bounds, controller) {
                self.place_one(&mut placed, name, bounds, controller);
            }
        }
        placed
    }

    fn place_one(&self, placed: &mut Placed, name: &str, bounds: &Bounds, controller: &str) {
        let in_v2 = self
            .v2
            .as_ref()
            .filter(|tree| tree.controllers.iter().any(|c| c == controller));
        if let Some(tree) = in_v2 {
            if tree.enable.iter().any(|c| c == controller) {
                let file = tree.parent.join("cgroup.subtree_control");
                placed.enable.push(Write {
                    file,
                    text: format!("+{controller}"),
                    optional: false,
                });
            }
            placed.bound(&tree.parent.join(name), v2_files(bounds, controller));
            placed.say(controller, HeldBy::CgroupV2);
        } else if let Some(parent) = self.v1.get(controller) {
            let group = parent.join(name);
            placed.bound(&group, v1_files(bounds, controller));
            if !placed.groups.contains(&group) {
                placed.groups.push(group);
            }
            placed.say(controller, HeldBy::CgroupV1);
        } else {
            placed.say(controller, HeldBy::Nothing);
        }
    }
}

impl Placed {
    /// A bound that nothing holds though the sandbox must not run without it.
    pub(crate) fn unheld(&self) -> Option<&str> {
        let unheld =
            |held: &&InForce| held.by == HeldBy::Nothing && ["memory", "pids"].contains(&held.bound.as_str());
        self.in_force.iter().find(unheld).map(|held| held.bound.as_str())
    }

    fn say(&mut self, bound: &str, by: HeldBy) {
        self.in_force.push(InForce {
            bound: bound.to_owned(),
            by,
        });
    }

    fn bound(&mut self, group: &Path, files: Vec<(&str, String, bool)>) {
        let write = |(file, text, optional): (&str, String, bool)| Write {
            file: group.join(file),
            text,
            optional,
        };
        self.writes.extend(files.into_iter().map(write));
    }
}

fn is_bounded(bounds: &Bounds, controller: &str) -> bool {
    match controller {
        "memory" => bounds.memory_bytes.is_some(),
        "pids" => bounds.processes.is_some(),
        "cpu" => bounds.cpu_weight.is_some(),
        _ => bounds.io_weight.is_some(),
    }
}

/// File, text, and whether a kernel may lack the file (swap accounting and weights are built in or not).
fn v2_files(bounds: &Bounds, controller: &str) -> Vec<(&'static str, String, bool)> {
    match controller {
        "memory" => vec![
            ("memory.max", number(bounds.memory_bytes), false),
            ("memory.swap.max", "0".to_owned(), true),
            ("memory.oom.group", "1".to_owned(), true),
        ],
        "pids" => vec![("pids.max", number(bounds.processes), false)],
        "cpu" => vec![("cpu.weight", number(bounds.cpu_weight), true)],
        _ => vec![("io.weight", number(bounds.io_weight), true)],
    }
}

/// Version 1 counts processor shares from 1024 where version 2 counts weight from 100; memory with swap must
/// be set after memory, to the same: no swap.
fn v1_files(bounds: &Bounds, controller: &str) -> Vec<(&'static str, String, bool)> {
    match controller {
        "memory" => vec![
            ("memory.limit_in_bytes", number(bounds.memory_bytes), false),
            ("memory.memsw.limit_in_bytes", number(bounds.memory_bytes), true),
        ],
        "pids" => vec![("pids.max", number(bounds.processes), false)],
        "cpu" => vec![(
            "cpu.shares",
            number(bounds.cpu_weight.map(|w| u32::from(w) * 1024 / 100)),
            true,
        )],
        _ => Vec::new(),
    }
}

fn number(bound: Option<impl ToString>) -> String {
    bound.map_or_else(|| "max".to_owned(), |n| n.to_string())
}

/// One line of mountinfo, as far as control groups need it.
struct Mount<'a> {
    root: &'a str,
    at: &'a str,
    kind: &'a str,
    options: &'a str,
}

fn mounts(text: &str) -> impl Iterator<Item = Mount<'_>> {
    text.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let mut after = after.split(' ');
        Some(Mount {
            root: before.next()?,
            at: before.next()?,
            kind: after.next()?,
            options: after.nth(1)?,
        })
    })
}

fn v1_groups(mountinfo: &str, own: &str) -> BTreeMap<String, PathBuf> {
    let mut groups = BTreeMap::new();
    for line in own.lines() {
        let Some((controllers, group)) = line.split_once(':').and_then(|(_, rest)| rest.split_once(':'))
        else {
            continue;
        };
        for controller in controllers.split(',').filter(|c| CONTROLLERS.contains(c)) {
            let has = |mount: &Mount<'_>| {
                mount.kind == "cgroup" && mount.options.split(',').any(|option| option == controller)
            };
            if let Some(mount) = mounts(mountinfo).find(has) {
                groups.insert(controller.to_owned(), group_path(&mount, group));
            }
        }
    }
    groups
}

/// The version 2 tree's top and this process's group in it.
fn v2_group(mountinfo: &str, own: &str) -> Option<(PathBuf, PathBuf)> {
    let group = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = mounts(mountinfo).find(|mount| mount.kind == "cgroup2")?;
    Some((PathBuf::from(mount.at), group_path(&mount, group)))
}

/// Where `group` shows below `mount`; its top if it lies outside of what is mounted.
fn group_path(mount: &Mount<'_>, group: &str) -> PathBuf {
    let outside = |below: &&Path| below.components().any(|part| part.as_os_str() == "..");
    let below = Path::new(group)
        .strip_prefix(mount.root)
        .ok()
        .filter(|below| !outside(below));
    match below {
        Some(below) if !below.as_os_str().is_empty() => Path::new(mount.at).join(below),
        Some(_) | None => PathBuf::from(mount.at),
    }
}

/// A group with processes of its own cannot give controllers to children (the top can): so the nearest group
/// upwards that gives, or can be made to give, what the top gives; without any controller, one's own.
fn usable_parent(top: &Path, own: &Path) -> io::Result<Tree2> {
    let wanted = known(&top.join("cgroup.controllers"))?;
    for group in own.ancestors().take_while(|group| group.starts_with(top)) {
        let available = known(&group.join("cgroup.controllers"))?;
        let given = known(&group.join("cgroup.subtree_control"))?;
        let enable: Vec<String> = available.iter().filter(|c| !given.contains(c)).cloned().collect();
        let can_enable = enable.is_empty() || group == top || is_without_processes(group)?;
        if available == wanted && can_enable {
            return Ok(Tree2 {
                parent: group.to_owned(),
                controllers: available,
                enable,
            });
        }
    }
    Ok(Tree2 {
        parent: top.to_owned(),
        controllers: Vec::new(),
        enable: Vec::new(),
    })
}

fn known(file: &Path) -> io::Result<Vec<String>> {
    let text = fs_err::read_to_string(file)?;
    let known = text.split_whitespace().filter(|c| CONTROLLERS.contains(c));
    Ok(known.map(str::to_owned).collect())
}

fn is_without_processes(group: &Path) -> io::Result<bool> {
    Ok(fs_err::read_to_string(group.join("cgroup.procs"))?.is_empty())
}

#[cfg(test)]
mod tests;
