//! WordPress in a lab.

use std::path::Path;
use std::time::Duration;

use lamp_http::{Protocol, Scheme};
use lamp_lab::load::{self, LoadPlan, Markers, Switches, Way, marker::Agreement};
use lamp_lab::wordpress::{self, Unpacked};
use lamp_lab::{Lab, LabPlan, Sapi, SitePlan};
use lamp_model::SiteName;

use crate::bench::{alone, get, id, init, parent, wait};

fn check(sapi: Sapi) {
    let _alone = alone();
    let parent = parent();
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.packages");
    let unpacked = Unpacked::below(&packages).expect("make packages");
    let site = SitePlan::new(SiteName::parse("blog").expect("a name"), ".");
    let host = site.host();
    let plan = LabPlan::new(parent.path(), sapi).site(site).with_database();
    let lab = Lab::start(plan, &init()).expect("the lab starts");
    lab.put_release("blog", &id("1"), |dir| unpacked.write_release(dir, "1", &host))
        .expect("written");
    lab.switch_by_link("blog", &id("1")).expect("switched");
    wait(wordpress::install(&lab, "blog")).expect("installed");

    let client = lab
        .client("blog", Scheme::Https)
        .expect("a client")
        .build()
        .expect("a client");
    let home = get(&client, "/");
    let text = home.text();
    assert_eq!(home.status.as_u16(), 200, "{text}");
    assert!(
        text.contains(&format!("<title>{}</title>", wordpress::TITLE)),
        "{text}"
    );
    let all = [Way::Entry, Way::Dir, Way::Relative, Way::Root];
    assert_eq!(
        Markers::read(&home.body).agreement(&all),
        Agreement::One("1"),
        "{text}"
    );

    let load = LoadPlan::new(wordpress::targets(), 25.0, Duration::from_secs(6), 1);
    let visitors = lab.visitors("blog", Protocol::Http1).expect("visitors");
    let tally = load::run(&load, &visitors)
        .expect("a load")
        .judge(&Switches::from("1"))
        .expect("a run");
    assert_eq!(
        (tally.failed, tally.mixed, tally.stale),
        (0, 0, 0),
        "{tally} {:?}",
        tally.examples
    );
    assert!(tally.requests > 100, "{tally}");
}

#[test]
fn with_mod_php_wordpress_installs_itself_and_answers() {
    check(Sapi::ModPhp);
}

#[test]
fn with_fpm_wordpress_installs_itself_and_answers() {
    check(Sapi::Fpm);
}
