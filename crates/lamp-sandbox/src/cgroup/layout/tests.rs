//! Hosts as they are found.

use super::*;

const HYBRID_MOUNTS: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";

const HYBRID_OWN: &str = "\
8:pids:/
4:memory:/session/a
2:cpu,cpuacct:/../outside
0::/";

fn bounded() -> Bounds {
    Bounds {
        memory_bytes: Some(1000),
        processes: Some(9),
        cpu_weight: Some(50),
        io_weight: Some(20),
    }
}

fn said(placed: &Placed) -> Vec<(&str, HeldBy)> {
    placed
        .in_force
        .iter()
        .map(|held| (held.bound.as_str(), held.by))
        .collect()
}

fn writes(placed: &Placed) -> Vec<String> {
    placed
        .writes
        .iter()
        .map(|write| format!("{}={}", write.file.display(), write.text))
        .collect()
}

#[test]
fn version_1_groups_are_found_below_ones_own() {
    let groups = v1_groups(HYBRID_MOUNTS, HYBRID_OWN);
    let of = |controller: &str| groups.get(controller).map(|path| path.display().to_string());
    assert_eq!(of("memory").as_deref(), Some("/sys/fs/cgroup/memory/session/a"));
    assert_eq!(of("pids").as_deref(), Some("/sys/fs/cgroup/pids"));
    assert_eq!(
        of("cpu").as_deref(),
        Some("/sys/fs/cgroup/cpu,cpuacct"),
        "outside of what is mounted: its top"
    );
    assert_eq!(of("io"), None);
}

#[test]
fn a_tree_that_is_mounted_from_below_its_top_is_cut_there() {
    let mounts = "41 31 0:38 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    let (top, own) = v2_group(mounts, "0::/docker/x/inner\n").expect("found");
    assert_eq!(
        (top.as_path(), own.as_path()),
        (Path::new("/sys/fs/cgroup"), Path::new("/sys/fs/cgroup/inner"))
    );
}

#[test]
fn a_hybrid_host_bounds_by_version_1_and_kills_by_version_2() {
    let tree = Tree2 {
        parent: "/sys/fs/cgroup/unified".into(),
        controllers: Vec::new(),
        enable: Vec::new(),
    };
    let layout = Layout {
        v2: Some(tree),
        v1: v1_groups(HYBRID_MOUNTS, HYBRID_OWN),
    };
    let placed = layout.place("lamp-x", &bounded());
    assert_eq!(
        said(&placed),
        [
            ("kill", HeldBy::CgroupV2),
            ("memory", HeldBy::CgroupV1),
            ("pids", HeldBy::CgroupV1),
            ("cpu", HeldBy::CgroupV1),
            ("io", HeldBy::Nothing),
        ]
    );
    assert_eq!(
        writes(&placed),
        [
            "/sys/fs/cgroup/memory/session/a/lamp-x/memory.limit_in_bytes=1000",
            "/sys/fs/cgroup/memory/session/a/lamp-x/memory.memsw.limit_in_bytes=1000",
            "/sys/fs/cgroup/pids/lamp-x/pids.max=9",
            "/sys/fs/cgroup/cpu,cpuacct/lamp-x/cpu.shares=512",
        ]
    );
    assert_eq!(placed.groups.len(), 4);
    assert_eq!(placed.unheld(), None);
}

#[test]
fn a_version_2_host_does_all_in_one_group() {
    let all = CONTROLLERS.map(str::to_owned).to_vec();
    let tree = Tree2 {
        parent: "/sys/fs/cgroup/system.slice".into(),
        controllers: all,
        enable: vec!["io".to_owned()],
    };
    let placed = Layout {
        v2: Some(tree),
        v1: BTreeMap::new(),
    }
    .place("lamp-x", &bounded());
    assert!(
        placed.in_force.iter().all(|held| held.by == HeldBy::CgroupV2),
        "{placed:?}"
    );
    assert_eq!(placed.groups, [Path::new("/sys/fs/cgroup/system.slice/lamp-x")]);
    assert_eq!(
        writes(&placed)
            .iter()
            .filter_map(|write| Some(write.rsplit_once('/')?.1))
            .collect::<Vec<_>>(),
        [
            "memory.max=1000",
            "memory.swap.max=0",
            "memory.oom.group=1",
            "pids.max=9",
            "cpu.weight=50",
            "io.weight=20"
        ]
    );
    let enabled: Vec<&str> = placed.enable.iter().map(|write| write.text.as_str()).collect();
    assert_eq!(enabled, ["+io"]);
}

#[test]
fn a_bound_that_nothing_holds_is_not_passed_over() {
    let placed = Layout::default().place("lamp-x", &bounded());
    assert_eq!(placed.unheld(), Some("memory"));
    assert!(placed.groups.is_empty());
    assert_eq!(Layout::default().place("lamp-x", &Bounds::none()).unheld(), None);
}
