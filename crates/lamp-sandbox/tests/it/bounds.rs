//! What a sandbox may take, and that it may take that much.

use lamp_sandbox::plan::RootPlan;
use lamp_sandbox::{HeldBy, Plan, Sandbox};

use crate::support::{Place, says, sh, started};

const MIB: u64 = 1 << 20;

/// Holds `mib` MiB of memory at one time and says so.
fn holds_memory(sandbox: &Sandbox, mib: u64) -> bool {
    // tail keeps what it has read of a single endless line.
    let output = sh(
        sandbox,
        &format!(
            "head -c {}  /dev/zero | tail -c 1 -n 1 > /dev/null && echo held",
            mib * MIB
        ),
    );
    output.stdout == b"held\n"
}

fn with_memory(mut plan: Plan, bytes: u64) -> Plan {
    plan.bounds.memory_bytes = Some(bytes);
    plan
}

#[test]
fn memory_is_bounded() {
    let place = Place::new();
    let roomy = started(&with_memory(place.twin("roomy"), 512 * MIB));
    assert!(holds_memory(&roomy, 128), "control: enough memory is given");
    let tight = started(&with_memory(place.twin("tight"), 64 * MIB));
    assert!(!holds_memory(&tight, 128));
    let held = |bound: &str| {
        roomy
            .bounds_in_force()
            .iter()
            .find(|held| held.bound == bound)
            .map(|held| held.by)
    };
    assert!(
        [Some(HeldBy::CgroupV1), Some(HeldBy::CgroupV2)].contains(&held("memory")),
        "{roomy:?}"
    );
    assert!(
        [Some(HeldBy::CgroupV1), Some(HeldBy::CgroupV2)].contains(&held("pids")),
        "{roomy:?}"
    );
}

#[test]
fn processes_are_bounded() {
    let place = Place::new();
    let count = |name: &str, processes: u32| {
        let mut plan = place.twin(name);
        plan.bounds.processes = Some(processes);
        let twin = started(&plan);
        let line = "for n in $(seq 60); do sleep 1000 > /dev/null 2>&1 & done 2> /dev/null; true";
        sh(&twin, line);
        // By the shell itself: there may be no process left to count with.
        says(&twin, "set -- /proc/[0-9]*; echo $#")
            .parse::<u32>()
            .unwrap_or(processes)
    };
    assert!(count("many", 200) > 60, "control: enough processes are given");
    assert!(count("few", 30) <= 30);
}

#[test]
fn memory_filesystems_are_bounded_in_bytes_and_files() {
    let place = Place::new();
    let mut plan = place.twin("full");
    for tmpfs in &mut plan.tmpfs {
        (tmpfs.size_bytes, tmpfs.inodes) = (4 * MIB, 100);
    }
    if let RootPlan::Overlay { upper, .. } = &mut plan.root {
        (upper.size_bytes, upper.inodes) = (8 * MIB, 400);
    }
    let twin = started(&plan);
    for (dir, fits, too_much) in [("/run", 2, 6), ("/tmp", 2, 6), ("/usr", 4, 12)] {
        let write = |mib| {
            sh(&twin, &format!("head -c {}M /dev/zero > {dir}/big", mib))
                .status
                .success()
        };
        assert!(write(fits), "control: {dir} takes {fits} MiB");
        assert!(!write(too_much), "{dir} took {too_much} MiB");
        says(&twin, &format!("rm {dir}/big"));
        let files = |many| {
            sh(
                &twin,
                &format!(
                    "mkdir {dir}/d && cd {dir}/d && for n in $(seq {many}); do : > $n || exit 1; done; rm -r {dir}/d"
                ),
            )
        };
        assert!(files(50).status.success(), "control: {dir} takes 50 files");
        assert!(!files(500).status.success(), "{dir} took 500 files");
    }
}
