//! `packaging/packages.sh` on a machine that has nothing of what it brings, and no network.
//!
//! That machine is this one's root below a discarded overlay, from which the listed packages and all that
//! need them were purged. Their debs are fetched first, by apt, into `.packages/archives`, where they stay
//! for the next run. Start at the tests; [`bare`] makes the machine.

mod bare;
mod purge;

use bare::{Bare, POLICY};

/// Ours is told from another's by this line.
const OUR_MARK: &str = "put here by lamplighter";
/// Somebody's own policy: not quite a script, so that nothing of it is made up anew.
const THEIR_POLICY: &str = "#!/bin/sh\n# keeps the services of this host where they are\nexit 101\n\n";

/// One machine, several steps: to purge it takes longer than all of them.
#[test]
fn a_bare_machine_without_network_gets_every_package_and_runs_nothing() {
    // It keeps processors and disk busy for a minute: visitors of another test would wait for it.
    let _turn = crate::turn::beside_others();
    let bare = Bare::new();
    bare.refuses_who_is_not_root();
    bare.lists_none();

    // Killed in the middle: apt goes on as an orphan, the next run waits for it and takes back the policy.
    bare.put_policy(THEIR_POLICY);
    let before = bare.policy();
    bare.kill_while_our_policy_is_in_place("KILL");
    assert_ne!(
        bare.policy(),
        before,
        "control: a kill leaves our policy in place"
    );
    bare.run_packages();
    assert_eq!(bare.policy(), before);
    bare.lists_all();
    assert_eq!(bare.running(), Vec::<String>::new());
    bare.holds_wordpress_without_links();

    // Everything there: nothing is done, nothing said.
    assert_eq!(bare.run_packages(), "");

    // A run to its end, and one that is told to stop: both put back the policy themselves.
    bare.purge(&["xfsprogs"]);
    bare.run_packages();
    assert_eq!(bare.policy(), before);
    bare.purge(&["xfsprogs"]);
    bare.kill_while_our_policy_is_in_place("TERM");
    assert_eq!(bare.policy(), before);

    // No policy before: none after.
    bare.sh(&format!("rm {POLICY}"));
    bare.purge(&["apache2"]);
    bare.run_packages();
    bare.sh(&format!("test ! -e {POLICY}"));
    assert_eq!(bare.running(), Vec::<String>::new());

    // Control: without our policy, the same package starts its service.
    bare.purge(&["apache2"]);
    bare.install_as_anybody_would("apache2");
    assert!(
        bare.running()
            .iter()
            .any(|command| command.contains("/usr/sbin/apache2")),
        "{:?}",
        bare.running()
    );
}
