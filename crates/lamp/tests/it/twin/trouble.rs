//! A twin that cannot be had: said clearly, production untouched, nothing left.

use std::path::Path;
use std::time::Duration;

use lamp_agent::hands::all_causes;
use lamp_lab::{Sapi, Service};
use lamp_twin::TwinError;

use super::bench::{Production, get, id, logged, sh};
use super::killed::rehearsing;
use crate::turn;

/// Has a program run where a small filesystem lies over a directory, which goes with it: directory, size, program, arguments.
const ON_SMALL_DISK: &str = r#"mount -t tmpfs -o size="$1" lamp-it "$0" && shift && exec "$@""#;
/// Has production's programs all but one; the host's own stay as they are.
const WITHOUT_MARIABACKUP: &str = "mkdir -p /var/tmp/up /var/tmp/work && \
    mount -t overlay none -o lowerdir=/usr/bin,upperdir=/var/tmp/up,workdir=/var/tmp/work /usr/bin && \
    rm /usr/bin/mariabackup";

/// What a person reads, with what differs from run to run replaced.
fn plain(production: &Production, why: &str) -> String {
    let place = production.place().display().to_string();
    let mut plain = String::new();
    for c in why.replace(&place, "[DIR]").chars() {
        let c = if c.is_ascii_digit() { 'N' } else { c };
        if c != 'N' || !plain.ends_with('N') {
            plain.push(c);
        }
    }
    plain
}

/// Production still answers.
#[track_caller]
fn untouched(production: &Production) {
    assert_eq!(get(&production.client(), "/").status.as_u16(), 200);
}

#[test]
fn a_twin_that_does_not_come_up_says_its_last_words() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    production.release("2", &[]);
    production
        .rehearse(production.plan("2"))
        .expect("control: it comes up");
    let conf = production
        .lab
        .on_host(Path::new("/etc/apache2/conf-available/lamp-lab.conf"))
        .expect("own");
    let right = fs_err::read_to_string(&conf).expect("read");
    fs_err::write(&conf, format!("{right}Include /no/such/password=hunter2\n")).expect("written");
    let refused = production
        .rehearse(production.plan("2"))
        .expect_err("Apache does not start");
    let TwinError::Silent { service, said, .. } = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(service, "apache2");
    assert!(
        said.contains("/no/such/password=***") && !said.contains("hunter2"),
        "{said}"
    );
    insta::assert_snapshot!(plain(&production, &all_causes(&refused)));
    untouched(&production);
}

#[test]
fn a_database_that_cannot_be_copied_is_said_to_be() {
    let _turn = turn::beside_others();
    let mut production = Production::empty(Sapi::ModPhp, "public", true);
    production.release("1", &[]);
    production.lab.switch_by_link("shop", &id("1")).expect("switched");
    production
        .rehearse(production.plan("1"))
        .expect("control: it can be copied");
    production.lab.stop_service(Service::Database).expect("stopped");
    // The prepared copy is young: it serves.
    production
        .rehearse(production.plan("1"))
        .expect("on the prepared copy");
    let mut plan = production.plan("1");
    plan.bounds.base_age_max = Duration::ZERO;
    let refused = production.rehearse(plan).expect_err("the server is down");
    let TwinError::Database { doing, said } = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(*doing, "copying the database");
    assert!(said.contains("mysqld.sock"), "{said}");
    insta::assert_snapshot!(plain(&production, &all_causes(&refused)));
    untouched(&production);
}

/// With a database, `1` live.
fn with_database() -> Production {
    let production = Production::empty(Sapi::ModPhp, "public", true);
    production.release("1", &[]);
    production.release("2", &[]);
    production.lab.switch_by_link("shop", &id("1")).expect("switched");
    production
}

/// What a rehearsal says that has a disk of this size for what it makes.
#[track_caller]
fn said_with_disk(production: &Production, size: &str) -> Option<String> {
    let state = production.plan("2").state_dir;
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", ON_SMALL_DISK]);
    command
        .arg(state)
        .arg(size)
        .arg(std::env::current_exe().expect("this very test"));
    let said = rehearsing(production, command).output().expect("it runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("phase "), "it rehearses: {said}");
    said.lines()
        .find_map(|line| line.strip_prefix("refused "))
        .map(str::to_owned)
}

#[test]
fn too_little_disk_for_copies_of_the_database_is_said_before_one_is_made() {
    let _turn = turn::beside_others();
    let production = with_database();
    assert_eq!(
        said_with_disk(&production, "4g"),
        None,
        "the control: there is room"
    );
    let refused = said_with_disk(&production, "80m").expect("no room");
    insta::assert_snapshot!(plain(&production, &refused));
    untouched(&production);
}

#[test]
fn a_program_that_is_not_installed_is_named_with_what_brings_it() {
    let _turn = turn::beside_others();
    let production = with_database();
    production
        .rehearse(production.plan("2"))
        .expect("the control: it is there");
    let (is_done, said) = sh(production.lab.sandbox(), WITHOUT_MARIABACKUP);
    assert!(is_done, "{said}");
    let mut plan = production.plan("2");
    plan.bounds.base_age_max = Duration::ZERO;
    let refused = production.rehearse(plan).expect_err("it is gone");
    assert!(matches!(refused, TwinError::NoProgram { .. }), "{refused:?}");
    insta::assert_snapshot!(plain(&production, &all_causes(&refused)));
    untouched(&production);
}

#[test]
fn too_little_memory_is_said_before_anything_is_made() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    let mut plan = production.plan("1");
    plan.bounds.memory_min_bytes = u64::MAX;
    fs_err::create_dir_all(production.twins()).expect("made");
    let refused = production.rehearse(plan).expect_err("never so much");
    assert!(matches!(refused, TwinError::NoMemory { .. }), "{refused:?}");
    insta::assert_snapshot!(plain(&production, &all_causes(&refused)));
    untouched(&production);
}

#[test]
fn a_rehearsal_ends_in_its_time() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    let mut plan = production.plan("1");
    plan.requests = logged(&["/"]);
    plan.bounds.total_max = Duration::from_millis(20);
    let refused = with_nothing_left(&production, plan);
    assert!(matches!(refused, TwinError::TooSlow { .. }), "{refused:?}");
}

/// The twin of a rehearsal that is out of time removes itself beside it.
fn with_nothing_left(production: &Production, plan: lamp_twin::RehearsalPlan) -> TwinError {
    let tried = super::bench::with_tools(&|_| (), async |tools| lamp_twin::rehearse(plan, tools).await);
    super::bench::eventually("nothing is left", || {
        fs_err::read_dir(production.twins()).expect("read").count() == 0
    });
    tried.expect_err("out of time")
}
