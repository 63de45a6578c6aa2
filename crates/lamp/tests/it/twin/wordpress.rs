//! WordPress with its database, rehearsed.

use std::path::Path;

use lamp_lab::Sapi;
use lamp_lab::wordpress::{self, Unpacked};
use lamp_model::gate::{CauseKind, Rehearsal};
use lamp_twin::Phase;

use super::bench::{Change, Production, SITE, change, id, logged, shown, wait};
use crate::turn;

const PATHS: [&str; 4] = [
    "/",
    "/wp-login.php",
    "/lamp-small.php",
    "/wp-content/lamp/static.txt",
];
const HEADER: &str = "wp-content/themes/twentytwentythree/parts/header.html";

fn release(production: &Production, unpacked: &Unpacked, name: &str, changes: &[Change<'_>]) {
    let write = |dir: &Path| {
        unpacked.write_release(dir, "1", "shop.example")?;
        change(dir, changes);
        Ok(())
    };
    production
        .lab
        .put_release(SITE, &id(name), write)
        .expect("written");
}

/// Every row of every table, as production's server has it.
fn rows(production: &Production) -> String {
    let list = "SELECT GROUP_CONCAT(CONCAT('wordpress.', table_name) ORDER BY table_name) FROM information_schema.tables \
                WHERE table_schema = 'wordpress'";
    let tables = production.lab.sql(list).expect("listed");
    production
        .lab
        .sql(&format!("CHECKSUM TABLE {} EXTENDED", tables.trim()))
        .expect("summed")
}

/// `1` lives, and what was changed in the others is of each kind that a twin tells apart.
fn releases(production: &Production, unpacked: &Unpacked) {
    let drops = "<?php // new\nrequire __DIR__ . '/wp-config.php';\n$wpdb->query('DELETE FROM wp_options');\n\
                 $wpdb->query('CREATE TABLE made (x INT)');\necho '<i></i>';";
    release(production, unpacked, "1", &[]);
    release(
        production,
        unpacked,
        "2",
        &[("wp-settings.php", "<?php\n", "<?php // new\n")],
    );
    release(
        production,
        unpacked,
        "3",
        &[("wp-settings.php", "class-wp-locale.php", "class-wp-locale.phpp")],
    );
    release(
        production,
        unpacked,
        "4",
        &[(HEADER, "<!-- wp:group", "<section>New</section><!-- wp:group")],
    );
    release(production, unpacked, "5", &[("lamp-small.php", "<?php", drops)]);
}

/// One cause, with the line that has the wrong name.
fn check_broken(broken: &Rehearsal, packages: &Path) {
    assert_eq!(broken.causes.len(), 1, "{broken:#?}");
    let (cause, place) = (
        &broken.causes[0],
        broken.causes[0].place.as_ref().expect("a place"),
    );
    assert_eq!(
        (cause.kind, place.path.as_str(), cause.count),
        (CauseKind::Fatal, "wp-settings.php", 2)
    );
    assert!(cause.message.contains("class-wp-locale.phpp"), "{cause:?}");
    let line =
        fs_err::read_to_string(packages.join("root/usr/share/wordpress/wp-settings.php")).expect("read");
    let line = line
        .lines()
        .position(|line| line.contains("class-wp-locale.php"))
        .expect("there");
    assert_eq!(usize::try_from(place.line).expect("small"), line + 1);
}

#[test]
fn a_wordpress_is_rehearsed_on_a_copy_of_its_database() {
    let _turn = turn::beside_others();
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.packages");
    let unpacked = Unpacked::below(&packages).expect("make packages");
    let production = Production::empty(Sapi::ModPhp, ".", true);
    releases(&production, &unpacked);
    production.lab.switch_by_link(SITE, &id("1")).expect("switched");
    wait(wordpress::install(&production.lab, SITE)).expect("installed");
    let before = rows(&production);

    let phases = std::sync::Mutex::new(Vec::new());
    let rehearse = |candidate: &str| {
        let mut plan = production.plan(candidate);
        plan.requests = logged(&PATHS);
        let note = |phase: Phase| phases.lock().expect("whole").push(phase);
        production.rehearse_told(plan, &note).expect(candidate)
    };
    assert_eq!(shown(&rehearse("2")), []);
    check_broken(&rehearse("3"), &packages);
    let template = rehearse("4");
    assert_eq!(
        shown(&template),
        [(CauseKind::Skeleton, None, 1)],
        "{template:#?}"
    );
    // A WordPress without options leads to its installer: the candidate did delete them, in its copy.
    assert_eq!(shown(&rehearse("5")), [(CauseKind::Status, None, 1)]);

    // What a candidate did to its copy is not in production, nor in the next twin's.
    assert_eq!(rows(&production), before);
    assert_eq!(shown(&rehearse("2")), []);
    let copied = phases
        .lock()
        .expect("whole")
        .iter()
        .filter(|phase| **phase == Phase::CopyingDatabase)
        .count();
    assert_eq!(copied, 5, "a small database is copied for each rehearsal");
}
