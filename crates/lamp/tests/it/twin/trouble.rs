//! A twin that cannot be had: said clearly, production untouched, nothing left.

use std::path::Path;
use std::time::Duration;

use lamp_lab::{Sapi, Service};
use lamp_twin::TwinError;

use super::bench::{Production, get, id, logged};
use crate::turn;

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
    assert_eq!(get(&production.client(), "/").status.as_u16(), 200);
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
    assert_eq!(get(&production.client(), "/").status.as_u16(), 200);
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
