//! The gate as people meet it: a test, a refusal, a way past it. No Apache: what is looked at is the code.

use insta::assert_snapshot;

use crate::ground::{Ended, Ground, SITE};

/// A ground whose site has a gate, with one release live.
fn ground() -> Ground {
    let ground = Ground::new();
    let text = fs_err::read_to_string(ground.config()).expect("lamp.toml");
    let guarded = text.replace("gate = \"off\"", "gate = \"check\"");
    assert_ne!(guarded, text, "the ground has no gate of its own");
    fs_err::write(ground.config(), guarded).expect("lamp.toml is written");
    ground
}

/// A source that names a file wrongly.
fn broken(ground: &Ground) -> String {
    let source = ground.source("broken");
    let page = "<?php\nrequire __DIR__ . '/include/onee.php';\n";
    fs_err::write(source.join("index.php"), page).expect("written");
    source.display().to_string()
}

fn told(ground: &Ground, ended: &Ended) -> String {
    let text = ended.told(ground);
    // How long a look takes is the machine's affair.
    let millis = |word: &str| word.parse::<u64>().is_ok();
    let words: Vec<_> = text.split(' ').collect();
    let plain = words.iter().enumerate().map(|(place, word)| {
        let is_time = words.get(place + 1).is_some_and(|next| next.starts_with("ms"));
        if is_time && millis(word) { "[TOOK]" } else { word }
    });
    plain.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_broken_is_told_by_a_test_refused_and_goes_only_with_a_reason() {
    let ground = ground();
    let _agent = ground.agent();
    ground.deploy("one");
    let good = ground.live();
    let source = broken(&ground);

    let tested = ground.lamp(&["test", SITE, "--from", &source]);
    assert_snapshot!("tested", told(&ground, &tested));
    let refused = ground.lamp(&["deploy", SITE, "--from", &source]);
    assert_snapshot!("refused", told(&ground, &refused));
    assert_eq!(ground.live(), good, "production is untouched");

    let unsaid = ground.lamp(&["deploy", SITE, "--from", &source, "--override-gate", " "]);
    assert_snapshot!("unsaid", told(&ground, &unsaid));
    assert_eq!(ground.live(), good);

    let forced = ground.lamp(&[
        "deploy",
        SITE,
        "--from",
        &source,
        "--override-gate",
        "the shop opens at nine",
    ]);
    assert_snapshot!("forced", told(&ground, &forced));
    assert_ne!(ground.live(), good);
}

#[test]
fn what_is_well_is_told_open_and_not_deployed() {
    let ground = ground();
    let _agent = ground.agent();
    ground.deploy("one");
    let good = ground.live();
    let source = ground.source("two").display().to_string();
    let tested = ground.lamp(&["test", SITE, "--from", &source]);
    assert_snapshot!("open", told(&ground, &tested));
    assert_eq!(ground.live(), good, "a test deploys nothing");
    // What was tested is stored: the deployment finds it there.
    assert_eq!(ground.lamp(&["deploy", SITE, "--from", &source]).code, Some(0));
}

#[test]
fn a_site_without_a_gate_cannot_be_tested() {
    let ground = Ground::new();
    let _agent = ground.agent();
    let source = ground.source("one").display().to_string();
    assert_snapshot!(
        "no_gate",
        told(&ground, &ground.lamp(&["test", SITE, "--from", &source]))
    );
}
