//! What a reader of a plan relies on.

use std::path::{Path, PathBuf};

use super::*;

fn lab() -> Plan {
    Plan::lab(
        "shop",
        Path::new("/var/lib/lamp/labs/shop"),
        vec![OwnDir::at("/srv/etc", "/etc")],
    )
}

fn twin() -> Plan {
    Plan::twin(
        "shop",
        Path::new("/var/lib/lamp/twins/shop"),
        IdMap::slot(3).expect("one of them"),
    )
}

#[test]
fn a_twins_plan_reads_as_this() {
    let mut plan = twin();
    // The table has a snapshot of its own.
    if let Some(confinement) = &mut plan.confinement {
        confinement.filter.denied.clear();
    }
    insta::assert_snapshot!("twin", serde_json::to_string_pretty(&plan).expect("a value"));
}

#[test]
fn a_labs_plan_reads_as_this() {
    insta::assert_snapshot!("lab", serde_json::to_string_pretty(&lab()).expect("a value"));
}

#[test]
fn the_twins_refused_calls_read_as_this() {
    let line = |denied: &DeniedCall| {
        let when = denied.when.iter().map(|rule| format!(" {rule:?}"));
        format!(
            "{:?} {}{}\n",
            denied.refusal,
            denied.call,
            when.collect::<String>()
        )
    };
    let table: String = SyscallFilter::twin().denied.iter().map(line).collect();
    insta::assert_snapshot!("refused-calls", table);
}

#[test]
fn a_plan_reads_back_as_it_was_written() {
    for plan in [lab(), twin()] {
        let text = serde_json::to_string(&plan).expect("a value");
        assert_eq!(serde_json::from_str::<Plan>(&text).expect("read"), plan);
    }
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Plan), expected: &str) {
    let mut plan = twin();
    assert_eq!(plan.validate(), Ok(()), "control");
    change(&mut plan);
    assert_eq!(plan.validate().expect_err("refused").to_string(), expected);
}

#[test]
fn a_plan_that_cannot_be_followed_is_refused() {
    let name =
        |name: &str| format!("{name:?} is no name of a sandbox: letters, digits and -, at most 63 bytes");
    refused(|plan| plan.name = String::new(), &name(""));
    refused(|plan| plan.name = "../x".to_owned(), &name("../x"));
    refused(|plan| plan.name = "a".repeat(64), &name(&"a".repeat(64)));
    refused(
        |plan| plan.state_dir = "relative".into(),
        "relative must be absolute and hold no ..",
    );
    refused(
        |plan| plan.dirs[0].path = "/run/../etc/x".into(),
        "/run/../etc/x must be absolute and hold no ..",
    );
    refused(
        |plan| plan.tmpfs[0].target = PathBuf::from("run"),
        "run must be absolute and hold no ..",
    );
}

#[test]
fn a_twin_cannot_be_half_confined() {
    let half = |lacking: &str| {
        format!("a user namespace, an id map and confinement go together: {lacking} is lacking")
    };
    refused(|plan| plan.id_map = None, &half("the id map"));
    refused(|plan| plan.confinement = None, &half("the confinement"));
    refused(
        |plan| {
            plan.namespaces.remove(&Namespace::User);
        },
        &half("the user namespace"),
    );
    refused(
        |plan| {
            plan.namespaces.remove(&Namespace::Net);
        },
        "the plan lacks the Net namespace, which every sandbox has",
    );
    refused(
        |plan| {
            if let Some(confinement) = &mut plan.confinement {
                confinement.no_new_privs = false;
            }
        },
        "a filter of system calls needs no_new_privs",
    );
}

#[test]
fn private_users_never_overlap_and_stay_in_range() {
    let all: Vec<IdMap> = (0..SLOTS)
        .map(|slot| IdMap::slot(slot).expect("one of them"))
        .collect();
    for pair in all.windows(2) {
        let last = pair[0].on_host(ID_RANGE - 1).expect("in range");
        assert_eq!(last + 1, pair[1].base());
        assert!(pair[0].holds(last) && !pair[0].holds(last + 1) && !pair[1].holds(last));
    }
    let top = all
        .last()
        .and_then(|map| map.on_host(ID_RANGE - 1))
        .expect("in range");
    assert!(top < 1 << 31);
    assert_eq!(IdMap::slot(SLOTS), Err(IdMapError::Slot(SLOTS)));
    assert_eq!(all[0].on_host(ID_RANGE), None);
    assert_eq!(IdMap::first_free(&all[..2]), Some(all[2]));
    assert_eq!(IdMap::first_free(&all), None);
    for bad in [0, 33, FIRST_BASE + 1, FIRST_BASE - ID_RANGE] {
        assert_eq!(IdMap::try_from(bad), Err(IdMapError::Base(bad)));
    }
}
