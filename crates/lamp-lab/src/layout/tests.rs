//! The layout as data.

use super::*;
use crate::plan::{Sapi, SitePlan};
use lamp_model::SiteName;

fn plan(sapi: Sapi) -> LabPlan {
    let site =
        SitePlan::new(SiteName::parse("shop").expect("valid"), "public").lines("LampStore /srv/shop\n");
    LabPlan::new("/var/tmp", sapi).site(site)
}

fn all(plan: &LabPlan) -> Vec<Entry> {
    let users = Users {
        www_data: Owner { uid: 33, gid: 33 },
        mysql: Owner { uid: 104, gid: 105 },
    };
    let certificates = Certificates {
        authority: Vec::new(),
        certificate: "certificate".to_owned(),
        key: "key".to_owned(),
    };
    entries(plan, users, &certificates)
}

fn find<'a>(all: &'a [Entry], path: &str) -> Option<&'a Entry> {
    all.iter().find(|entry| entry.path == Path::new(path))
}

#[test]
fn each_php_has_its_own_modules_and_not_the_others() {
    for (sapi, module, other) in [
        (Sapi::ModPhp, "mpm_prefork", "mpm_event"),
        (Sapi::Fpm, "mpm_event", "mpm_prefork"),
    ] {
        let all = all(&plan(sapi));
        let link = |module: &str| find(&all, &format!("/etc/apache2/mods-enabled/{module}.load")).cloned();
        let target = PathBuf::from(format!("../mods-available/{module}.load"));
        assert_eq!(link(module).map(|entry| entry.kind), Some(Kind::Link(target)));
        assert_eq!(link(other), None);
        assert_eq!(link("http2").is_some(), sapi == Sapi::Fpm);
    }
}

#[test]
fn a_site_is_one_on_both_ports_with_the_given_lines() {
    let all = all(&plan(Sapi::Fpm));
    let site = find(&all, "/etc/apache2/sites-available/000-shop.conf").expect("the site");
    let Kind::File(text) = &site.kind else {
        panic!("{site:?}");
    };
    for twice in [
        "ServerName shop.example\n",
        "DocumentRoot /srv/shop/current/public\n",
        "    LampStore /srv/shop\n",
    ] {
        assert_eq!(text.matches(twice).count(), 2, "{twice}");
    }
    assert_eq!(text.matches("SSLEngine on").count(), 1);
    let store = find(&all, "/srv/shop").expect("the store");
    assert_eq!((store.owner, store.mode), (Owner { uid: 0, gid: 33 }, 0o750));
}

#[test]
fn ports_are_the_labs_own_whatever_the_hosts_apache_listens_on() {
    let all = all(&plan(Sapi::ModPhp));
    let ports = find(&all, "/etc/apache2/ports.conf").expect("ports");
    let Kind::File(text) = &ports.kind else {
        panic!("{ports:?}");
    };
    assert!(
        text.contains("Listen 80\n") && text.contains("Listen 443\n"),
        "{text}"
    );
}

#[test]
fn a_database_is_there_only_if_asked_for() {
    assert_eq!(find(&all(&plan(Sapi::Fpm)), DATADIR), None);
    let with = all(&plan(Sapi::Fpm).with_database());
    assert_eq!(find(&with, DATADIR).map(|entry| entry.owner.uid), Some(104));
}

#[test]
fn every_entry_stands_in_an_own_directory() {
    let plan = plan(Sapi::ModPhp).with_database();
    for entry in all(&plan) {
        assert!(plan.on_host(&entry.path).is_some(), "{}", entry.path.display());
    }
}

#[test]
fn a_lacking_user_is_named_with_the_mend() {
    let error = Users::one("root:x:0:0:root:/root:/bin/sh\n", "www-data").expect_err("no www-data");
    assert_eq!(
        error.to_string(),
        "/etc/passwd names no user www-data; type: make packages"
    );
    let owner = Users::one("a:x:1\nwww-data:x:33:34:w:/:/n\n", "www-data").expect("there");
    assert_eq!(owner, Owner { uid: 33, gid: 34 });
}
