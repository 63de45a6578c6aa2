//! Who is held responsible, by which witnesses.

use lamp_model::state::World;

use super::*;
use crate::sample::{at, confirmed, evidence, finding, fold, gated, id, release, shop, to_switch};
use crate::terms::NoFacts;

/// One file differs from the release before, and the release came from a commit.
struct Changed(&'static str);

impl ReleaseFacts for Changed {
    fn is_changed(&self, _: &lamp_model::SiteName, _: &ReleaseId, path: &str) -> Option<bool> {
        Some(path == self.0)
    }

    fn commit(&self, _: &lamp_model::SiteName, _: &ReleaseId, path: Option<&str>) -> Option<String> {
        let author = path.filter(|path| *path == self.0).map(|_| " by Ada");
        Some(format!("3f9a1c2{}", author.unwrap_or_default()))
    }

    fn blast_radius(&self, _: &lamp_model::SiteName, _: &ReleaseId, path: &str) -> Option<BlastRadius> {
        let reach = BlastRadius {
            entry_points: 77,
            of: 104,
        };
        (path == self.0).then_some(reach)
    }
}

fn world(findings: &[Finding]) -> World {
    let world = fold(World::default(), -60_000, &confirmed(1, None, "a"));
    let mut world = fold(world, 0, &to_switch(2, Some("a"), "b"));
    if let lamp_model::Event::Gated {
        deployment,
        release,
        mut result,
        overridden,
    } = gated(2, "b")
    {
        result.findings = findings.to_vec();
        let event = lamp_model::Event::Gated {
            deployment,
            release,
            result,
            overridden,
        };
        world = world.apply(at(10), &event).expect("legal");
    }
    world
}

#[track_caller]
fn check(findings: &[Finding], error: Option<&ErrorSignature>, facts: &dyn ReleaseFacts, expected: &str) {
    let world = world(findings);
    let (release, deployment) = (release("b"), id(2));
    let scene = Scene {
        site: &world.sites[&shop()],
        release: &release,
        deployment: &deployment,
        error,
        facts,
    };
    let found = culprit(&scene);
    let place = found
        .place
        .map_or("the release".to_owned(), |place| place.to_string());
    let names = [found.wrong_name, found.right_name].map(|name| name.unwrap_or("-".to_owned()));
    let reach = found.blast_radius.map_or(0, |radius| radius.entry_points);
    let said = format!(
        "{place} {} {reach} changed={}",
        names.join(" "),
        found.file_changed
    );
    assert_eq!(said, expected);
}

fn error(message: &str, place: Option<(&str, u32)>) -> ErrorSignature {
    ErrorSignature {
        message: message.to_owned(),
        place: place.map(|(path, line)| CodePlace {
            path: path.to_owned(),
            line,
        }),
        ..evidence("b").error.expect("there is one")
    }
}

const WRONG: &str = "wp-includes/class-wp-locale.phpp";
const RIGHT: &str = "wp-includes/class-wp-locale.php";

#[test]
fn the_line_is_found_by_what_the_witnesses_share() {
    let locale = finding("wp-settings.php", 139, Some(WRONG));
    let other = finding("wp-cron.php", 7, Some("lib/x.php"));
    let failed = evidence("b").error;
    let both = [other.clone(), locale.clone()];
    let expected = format!("wp-settings.php:139 {WRONG} {RIGHT} 104 changed=true");
    check(&both, failed.as_ref(), &Changed("wp-settings.php"), &expected);
    // PHP names another line of the statement, and the file by its whole path.
    let message = format!(
        "PHP Fatal error: Uncaught Error: Failed opening required '/srv/shop/releases/b/{WRONG}' (x)"
    );
    let shifted = error(&message, Some(("wp-settings.php", 137)));
    let expected = format!("wp-settings.php:139 {WRONG} {RIGHT} 104 changed=false");
    check(&both, Some(&shifted), &NoFacts, &expected);
    // An autoloader fails for what another file names.
    let loader = error(&message, Some(("lib/loader.php", 12)));
    check(&both, Some(&loader), &NoFacts, &expected);
    // The gate was off: the error alone.
    let expected = format!("wp-settings.php:139 {WRONG} - 0 changed=false");
    check(&[], failed.as_ref(), &NoFacts, &expected);
    // An error of its own is believed before findings that say nothing of it.
    let own = error(
        "PHP Fatal error: Call to undefined function x()",
        Some(("index.php", 3)),
    );
    check(&both, Some(&own), &NoFacts, "index.php:3 - - 0 changed=false");
    // No error was logged: what the gate found, in a file that changed.
    let expected = format!("wp-settings.php:139 {WRONG} {RIGHT} 104 changed=true");
    check(&both, None, &Changed("wp-settings.php"), &expected);
    check(&[], None, &NoFacts, "the release - - 0 changed=false");
}

#[test]
fn what_hangs_on_a_file_is_known_though_nothing_was_found_in_it() {
    let failed = error(
        "Uncaught Error: Call to undefined function ehco()",
        Some(("lib/page.php", 4)),
    );
    let expected = |reach, changed| format!("lib/page.php:4 - - {reach} changed={changed}");
    check(&[], Some(&failed), &Changed("lib/page.php"), &expected(77, true));
    check(&[], Some(&failed), &NoFacts, &expected(0, false));
    // What was found in it says so itself.
    let found = finding("lib/page.php", 4, Some(WRONG));
    let expected = format!("lib/page.php:4 {WRONG} {RIGHT} 104 changed=true");
    check(&[found], Some(&failed), &Changed("lib/page.php"), &expected);
}

#[test]
fn what_is_missing_is_read_from_php() {
    for (message, expected) in [
        (
            "Failed opening required 'a/b.php' (include_path='.')",
            Some("a/b.php"),
        ),
        (
            "Failed opening 'b.php' for inclusion (include_path='.')",
            Some("b.php"),
        ),
        (
            "require_once(c.php): Failed to open stream: No such file or directory",
            Some("c.php"),
        ),
        ("Failed opening required ''", None),
        ("Failed opening required 'unterminated", None),
        ("): Failed to open stream", None),
        ("Class \"X\" not found", None),
    ] {
        assert_eq!(missing(message), expected, "{message}");
    }
}
