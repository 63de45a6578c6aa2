//! What the doctor says of a machine on which these tests run.

use std::path::Path;

use lamp_sandbox::InitProgram;
use lamp_sandbox::doctor::{State, checks};

use crate::support::{Place, init};

#[test]
fn a_machine_that_runs_these_tests_lacks_nothing_and_is_left_as_it_was() {
    let place = Place::new();
    let mounts = || {
        fs_err::read_to_string("/proc/self/mountinfo")
            .expect("read")
            .lines()
            .count()
    };
    let before = mounts();
    let found = checks(place.path(), &init());
    for check in &found {
        assert!(matches!(check.state, State::Fine { .. }), "{check:?}");
    }
    assert_eq!(found.len(), 8, "{found:?}");
    assert_eq!(fs_err::read_dir(place.path()).expect("read").count(), 0);
    assert_eq!(mounts(), before);
}

/// proc cannot shift owners: what is lacking is named with what the machine said and the mend.
#[test]
fn what_is_lacking_is_named_with_its_mend() {
    let found = checks(Path::new("/proc"), &init());
    let lacking: Vec<_> = found
        .iter()
        .filter(|check| matches!(check.state, State::Lacking { .. }))
        .collect();
    assert_eq!(lacking.len(), 1, "{found:?}");
    insta::assert_snapshot!(format!("{:#?}", lacking[0]));
}

#[test]
fn without_the_init_program_the_doctor_says_so() {
    let found = checks(Path::new("/"), &InitProgram::new("/no/such/program"));
    insta::assert_snapshot!(format!("{found:#?}"));
}
