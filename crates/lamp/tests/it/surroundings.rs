//! What surrounds a site: a filesystem that fills under the agent, a certificate that ends or is for another name. Each pages, and is
//! over when it is mended; nothing is ever switched for it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lamp::drill::stage::{Application, SITE, Settings, Stage, StagePlan, Switching, default_parent};
use lamp_agent::clock::SystemClock;
use lamp_lab::receiver::Received;
use lamp_lab::{Receiver, Sapi};
use lamp_model::clock::Clock;

use crate::ground::{Agent, Ground};
use crate::page::write_key;
use crate::turn;

/// Filesystems are looked at each half minute, a certificate that is trouble each minute.
const SEEN_WITHIN: Duration = Duration::from_secs(150);

/// What every page of a certificate says.
const CERTIFICATE: &str = "the certificate";
/// The test's own filesystem.
const DISK: &str = "data";

/// What was told of `what`: the disk that the tests run on may be nearly full itself.
fn told_of(received: &[Received], what: &str) -> Vec<Received> {
    let is_of = |page: &&Received| text(page, "/payload/summary").contains(what);
    let triggers = received.iter().filter(|page| page.is_trigger()).filter(is_of);
    let keys: Vec<_> = triggers.map(Received::dedup_key).collect();
    let is_told = |page: &&Received| keys.contains(&page.dedup_key());
    received.iter().filter(is_told).cloned().collect()
}

fn triggers(told: &[Received]) -> Vec<&Received> {
    told.iter().filter(|page| page.is_trigger()).collect()
}

fn text(page: &Received, pointer: &str) -> String {
    let body = page.body();
    body.pointer(pointer)
        .and_then(|text| text.as_str())
        .unwrap_or_default()
        .to_owned()
}

/// A ground whose site lies on a small filesystem, watched, with a pager; a release of it is live.
fn on_a_small_disk(receiver: &Receiver) -> (Ground, Agent) {
    let ground = Ground::new();
    let key = write_key(&ground.path(""));
    ground.configure(&format!(
        "\n[page]\nurl = \"{}\"\nrouting_key_file = {key:?}\n",
        receiver.url()
    ));
    let config = fs_err::read_to_string(ground.config()).expect("lamp.toml");
    let watched = config.replace("watch = \"off\"", "watch = \"on\"");
    fs_err::write(ground.config(), watched).expect("lamp.toml");
    ground.store_at(&format!("{DISK}/store"));
    let agent = ground.agent_on_disk(DISK, "64m");
    let source = ground.source("first").display().to_string();
    let deployed = ground.lamp(&["deploy", SITE, "--from", &source]);
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    (ground, agent)
}

/// Leaves so many MiB free.
fn fill(ground: &Ground, agent: &Agent, left_mib: u64) {
    let file = ground.seen_by(agent, &format!("{DISK}/fill"));
    let stat = rustix::fs::statvfs(file.parent().expect("a directory")).expect("its room");
    let free = stat.f_bavail * stat.f_frsize;
    let already = fs_err::metadata(&file).map_or(0, |meta| meta.len());
    let size = (already + free).saturating_sub(left_mib << 20);
    fs_err::write(&file, vec![0; usize::try_from(size).expect("small")]).expect("filled");
}

#[test]
fn a_disk_that_fills_under_the_agent_pages_and_is_over_when_it_has_room() {
    let receiver = Receiver::start().expect("a receiver");
    let (ground, agent) = on_a_small_disk(&receiver);
    let current = ground.seen_by(&agent, &format!("{DISK}/store/current"));
    let live = fs_err::read_link(&current).expect("a release is live");
    let path = ground.path(DISK).display().to_string();
    let told = |heard: &[Received]| told_of(heard, &format!("the filesystem of {path}"));
    fill(&ground, &agent, 5);
    assert!(
        receiver.wait_until(SEEN_WITHIN, |heard| triggers(&told(heard)).len() == 1),
        "a disk with little room pages"
    );
    fill(&ground, &agent, 1);
    assert!(
        receiver.wait_until(SEEN_WITHIN, |heard| triggers(&told(heard)).len() == 2),
        "a disk that is as good as full pages more loudly"
    );
    fs_err::remove_file(ground.seen_by(&agent, &format!("{DISK}/fill"))).expect("emptied");
    assert!(
        receiver.wait_until(SEEN_WITHIN, |heard| told(heard).iter().any(Received::is_resolve)),
        "a disk with room again is over"
    );
    let all = receiver.received();
    let heard = told(&all);
    let pages = triggers(&heard);
    let severities: Vec<String> = pages.iter().map(|page| text(page, "/payload/severity")).collect();
    assert_eq!(severities, ["warning", "critical"]);
    let summary = text(pages[0], "/payload/summary");
    assert!(summary.contains("du -xh"), "{summary}");
    let resolve = heard.iter().find(|page| page.is_resolve()).expect("it is over");
    assert!(pages.iter().all(|page| page.dedup_key() == resolve.dedup_key()));
    assert_eq!(fs_err::read_link(&current).expect("it is there"), live);
    let switches = all.iter().filter(|page| page.is_change()).count();
    assert_eq!(
        switches, 1,
        "that of the deployment, and none for the disk: {all:#?}"
    );
    let number = text(pages[0], "/payload/custom_details/incident");
    let taken = ground.lamp(&["incident", "ack", &number, "--who", "Ada (web team)"]);
    assert_eq!(taken.code, Some(0), "{taken:?}");
    let report = ground.lamp(&["incident", "report", &number, "--tz", "UTC"]);
    assert!(!report.out.contains("unassigned"), "{report:?}");
    assert!(report.out.contains("Ada (web team)"), "{report:?}");
    assert!(
        report.out.contains("Make room on the filesystem of") && report.out.contains("resolved"),
        "{report:?}"
    );
}

/// A watched site in a lab with TLS, and who is paged for it.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    _alone: std::sync::RwLockWriteGuard<'static, ()>,
}

impl Scene {
    fn new() -> Self {
        let alone = turn::alone();
        let receiver = Receiver::start().expect("a receiver");
        let stage = Stage::set_up(StagePlan {
            parent: default_parent().to_owned(),
            sapi: Sapi::ModPhp,
            switching: Switching::Lamp,
            application: Application::Markers,
            releases: 1,
            lamp: env!("CARGO_BIN_EXE_lamp").into(),
            settings: Settings {
                watched: true,
                pager: Some(receiver.url().to_owned()),
                ..Settings::default()
            },
        });
        Self {
            stage: stage.expect("a lab"),
            receiver,
            _alone: alone,
        }
    }

    /// Apache shows another certificate from here on.
    fn show(&mut self, host: &str, days: i64) {
        let now = SystemClock::new().expect("a clock").now();
        let last = now + SignedDuration::from_hours(24 * days);
        self.stage
            .lab_mut()
            .show_certificate(vec![host.to_owned()], day(last))
            .expect("Apache answers with it");
    }

    /// An agent that looks at what is shown now.
    fn start_agent_anew(&mut self) {
        self.stage.kill_agent().expect("it has ended");
        self.stage.start_agent().expect("another one");
    }

    /// Waits until so many pages and ends of pages have come.
    #[track_caller]
    fn until_told(&self, pages: usize, ends: usize) -> Vec<Received> {
        let told = |heard: &[Received]| {
            let heard = told_of(heard, CERTIFICATE);
            let over = heard.iter().filter(|page| page.is_resolve()).count();
            (triggers(&heard).len(), over) == (pages, ends)
        };
        let is_told = self.receiver.wait_until(SEEN_WITHIN, told);
        let heard = self.receiver.received();
        assert!(is_told, "not {pages} pages and {ends} ends: {heard:#?}");
        assert!(!heard.iter().any(Received::is_change), "nothing was switched");
        told_of(&heard, CERTIFICATE)
    }
}

fn day(at: Timestamp) -> (i32, u8, u8) {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let part = |part: i8| u8::try_from(part).expect("a day of the calendar");
    (i32::from(date.year()), part(date.month()), part(date.day()))
}

#[test]
fn a_certificate_that_ends_or_is_for_another_name_pages_and_a_good_one_does_not() {
    let mut scene = Scene::new();
    let host = format!("{SITE}.example");
    scene.show(&host, 10);
    scene.start_agent_anew();
    let heard = scene.until_told(1, 0);
    let soon = triggers(&heard)[0];
    assert_eq!(text(soon, "/payload/severity"), "warning");
    scene.show(&host, 2);
    let heard = scene.until_told(2, 0);
    let now = triggers(&heard)[1];
    assert_eq!(text(now, "/payload/severity"), "critical");
    let summary = text(now, "/payload/summary");
    assert!(
        summary.contains(&format!("the certificate for {host} is valid until 20")),
        "{summary}"
    );
    // The control: one of 90 days is looked at as well, and is what ends it.
    scene.show(&host, 90);
    scene.until_told(2, 1);
    scene.show("elsewhere.example", 90);
    scene.start_agent_anew();
    let heard = scene.until_told(3, 1);
    let other = triggers(&heard)[2];
    assert_eq!(text(other, "/payload/severity"), "critical");
    let summary = text(other, "/payload/summary");
    assert!(summary.contains("is for another name"), "{summary}");
    scene.show(&host, 90);
    scene.until_told(3, 2);
}
