//! What a rehearsal says about releases of the small site, with either PHP.

use std::path::Path;

use lamp_lab::Sapi;
use lamp_model::gate::CauseKind;
use lamp_twin::LoggedRequest;

use super::bench::{Change, Production, get, id, logged, sh, shown};
use crate::turn;

const ALL: [&str; 3] = ["/", "/second.php", "/noise.php"];
/// Of file, what is there, what takes its place; what is shown.
type Row<'a> = (&'a str, &'a [Change<'a>], &'a [(CauseKind, Option<&'a str>, u64)]);

const ROWS: [Row<'_>; 7] = [
    ("a comment", &[("inc/page.php", "<?php\n", "<?php // new\n")], &[]),
    (
        "another text",
        &[("inc/page.php", "<h1>$title", "<h1>The $title")],
        &[],
    ),
    (
        "a wrong name in an include",
        &[("public/index.php", "page.php", "pgae.php")],
        &[(CauseKind::Fatal, Some("public/index.php:2"), 1)],
    ),
    (
        "a function that is not there, on every page",
        &[("inc/page.php", "    echo", "    ehco();\n    echo")],
        &[(CauseKind::Fatal, Some("inc/page.php:4"), 2)],
    ),
    (
        "another template",
        &[(
            "inc/page.php",
            "<p>$links</p>",
            "<div><ul><li>$links</li></ul></div>",
        )],
        &[(CauseKind::Skeleton, None, 2)],
    ),
    (
        "a page that leads away",
        &[(
            "public/second.php",
            "<?php\n",
            "<?php\nheader('Location: /install.php'); exit;\n",
        )],
        &[(CauseKind::Status, None, 1)],
    ),
    (
        "an error that is answered 200, after half a page",
        &[(
            "inc/page.php",
            "</h1><p>",
            "</h1><p>\"; flush(); nothing_here(); echo \"",
        )],
        &[(CauseKind::Fatal, Some("inc/page.php:4"), 2)],
    ),
];

fn check(sapi: Sapi) {
    let _turn = turn::beside_others();
    let production = Production::small(sapi);
    for (number, (what, changes, expected)) in (2..).zip(ROWS) {
        let release = number.to_string();
        production.release(&release, changes);
        let mut plan = production.plan(&release);
        plan.requests = logged(&ALL);
        let rehearsal = production.rehearse(plan).expect(what);
        let expected: Vec<_> = expected
            .iter()
            .map(|(kind, place, count)| (*kind, place.map(str::to_owned), *count))
            .collect();
        assert_eq!(shown(&rehearsal), expected, "{what}: {rehearsal:#?}");
        assert_eq!(
            (rehearsal.coverage.routes_known, rehearsal.coverage.requests),
            (3, 3),
            "{what}"
        );
    }
}

#[test]
fn with_mod_php_each_change_is_judged_by_its_answers() {
    check(Sapi::ModPhp);
}

#[test]
fn with_fpm_each_change_is_judged_by_its_answers() {
    check(Sapi::Fpm);
}

#[test]
fn a_page_that_hangs_is_a_cause_and_the_rest_is_still_asked() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    production.release(
        "2",
        &[(
            "public/index.php",
            "<?php\n",
            "<?php\nwhile (true) { usleep(1000); }\n",
        )],
    );
    let mut plan = production.plan("2");
    plan.requests = logged(&ALL);
    let rehearsal = production.rehearse(plan).expect("rehearsed");
    assert_eq!(shown(&rehearsal), [(CauseKind::Hang, None, 1)], "{rehearsal:#?}");
    assert_eq!(rehearsal.coverage.requests, 3);
}

/// Nothing logged: the home page and what it links to.
#[test]
fn a_site_that_nobody_has_visited_is_crawled() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    production.release("2", &[("public/second.php", "page.php", "pgae.php")]);
    let rehearsal = production.rehearse(production.plan("2")).expect("rehearsed");
    let place = Some("public/second.php:2".to_owned());
    assert_eq!(
        shown(&rehearsal),
        [(CauseKind::Fatal, place, 1)],
        "{rehearsal:#?}"
    );
    assert_eq!(rehearsal.coverage.routes_known, 3);
}

/// Against no release at all, what is wrong by itself is found.
#[test]
fn a_first_release_is_rehearsed_alone() {
    let _turn = turn::beside_others();
    let production = Production::empty(Sapi::ModPhp, "public", false);
    production.release("1", &[]);
    production.release("2", &[("inc/page.php", "echo", "ehco(); echo")]);
    let rehearse = |candidate| {
        let mut plan = production.plan(candidate);
        plan.live = None;
        shown(&production.rehearse(plan).expect("rehearsed"))
    };
    assert_eq!(rehearse("1"), []);
    let place = Some("inc/page.php:4".to_owned());
    assert_eq!(rehearse("2"), [(CauseKind::Fatal, place, 1)]);
}

#[test]
fn what_was_asked_and_what_ran_is_counted() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    production.release("2", &[]);
    let mut plan = production.plan("2");
    plan.requests = logged(&["/second.php", "/absent?x=1"]);
    plan.requests.push(LoggedRequest {
        method: "POST".to_owned(),
        ..plan.requests[0].clone()
    });
    let (shown, ran) = production.ran(plan);
    let coverage = shown.coverage;
    assert_eq!(
        (coverage.routes_known, coverage.routes_asked, coverage.requests),
        (3, 2, 2),
        "what was logged, and the probe of the home page"
    );
    assert_eq!(coverage.not_replayed, 1);
    // index.php, second.php and page.php of five files.
    assert_eq!((coverage.php_files_run, coverage.php_files), (3, 5));
    let ran: Vec<_> = ran
        .iter()
        .map(|(path, route)| (path.as_str(), route.as_str()))
        .collect();
    // PHP compiles what two pages include for the one that is asked first.
    let (first, second) = (("public/index.php", "/"), ("public/second.php", "/second.php"));
    match ran.first() {
        Some(page) if *page == first => assert_eq!(ran, [first, ("inc/page.php", "/"), second]),
        _ => assert_eq!(ran, [second, ("inc/page.php", "/second.php"), first]),
    }
}

/// Production need be no lab: this machine's own Apache, as its packages configure it, with whatever it serves.
#[test]
fn a_twin_of_this_machine_answers_from_its_own_apache() {
    let _turn = turn::beside_others();
    let store = tempfile::Builder::new()
        .prefix("lamp-it-twin-")
        .tempdir_in("/srv")
        .expect("a directory in /srv");
    let production = Production::small(Sapi::ModPhp);
    let mut plan = production.plan("1");
    plan.site = serde_json::from_value(serde_json::json!({
        "store": store.path(), "access_log": "/var/log/apache2/none.log", "address": "127.0.0.1:80", "scheme": "http",
        "hostname": "localhost",
    }))
    .expect("a site");
    let twin = production.twin(plan);
    let answer = get(&twin.client().expect("a client").build().expect("a client"), "/");
    assert!(
        answer
            .header("server")
            .is_some_and(|server| server.starts_with("Apache")),
        "{answer:?}"
    );
    let (_, root) = sh(
        twin.sandbox(),
        "touch /usr/made && ls /usr/made; ls -A /root /home /var/tmp",
    );
    assert_eq!(
        root.split_whitespace().collect::<Vec<_>>(),
        ["/usr/made", "/home:", "/root:", "/var/tmp:"]
    );
    assert!(!Path::new("/usr/made").exists());
    twin.end().expect("ended");
}

/// Link, store, configuration, logs: as before, byte by byte, though the candidate writes to all of it.
#[test]
fn production_is_untouched_by_a_candidate_that_writes_everywhere() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    let write = "<?php\nforeach (['/var/www/html/x', '/tmp/x', '/var/tmp/x', '/var/lib/php/sessions/x'] as $f) \
                 { if (file_put_contents($f, 'x')) { echo \"<b>$f</b>\"; } }\n";
    production.release("2", &[("public/index.php", "<?php\n", write)]);
    let lab = &production.lab;
    // The control: in production itself it does write.
    assert!(sh(lab.sandbox(), "chown 33:33 /var/www/html").0);
    lab.switch_by_link("shop", &id("2")).expect("switched");
    let wrote = get(&production.client(), "/").text().matches("<b>").count();
    assert_eq!(wrote, 4, "control");
    lab.switch_by_link("shop", &id("1")).expect("switched back");
    let sweep = "rm -f /var/www/html/x /tmp/x /var/tmp/x /var/lib/php/sessions/x";
    assert!(sh(lab.sandbox(), sweep).0);

    let before = tree(&lab.state_dir().join("own"));
    let mut plan = production.plan("2");
    plan.requests = logged(&ALL);
    let rehearsal = production.rehearse(plan).expect("rehearsed");
    assert_eq!(
        shown(&rehearsal).len(),
        1,
        "the twin let it write: {rehearsal:#?}"
    );
    assert_eq!(tree(&lab.state_dir().join("own")), before);
    assert_eq!(get(&production.client(), "/").status.as_u16(), 200);
}

/// Every path with its owner, mode, change time and bytes.
fn tree(dir: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut all = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs_err::read_dir(&dir).expect("read") {
            let path = entry.expect("read").path();
            let meta = fs_err::symlink_metadata(&path).expect("asked");
            let said = if meta.is_symlink() {
                fs_err::read_link(&path).expect("read").display().to_string()
            } else if meta.is_file() {
                format!(
                    "{:x?}",
                    fs_err::read(&path)
                        .expect("read")
                        .iter()
                        .fold(0_u64, |sum, byte| {
                            sum.rotate_left(5)
                                .wrapping_add(u64::from(*byte))
                                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                        })
                )
            } else {
                open.push(path.clone());
                String::new()
            };
            let (uid, gid, mode, changed) = (meta.uid(), meta.gid(), meta.mode(), meta.ctime_nsec());
            all.push(format!(
                "{} {uid}:{gid} {mode:o} {changed} {said}",
                path.display()
            ));
        }
    }
    all.sort();
    all
}
