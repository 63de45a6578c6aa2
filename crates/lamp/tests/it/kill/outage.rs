//! The kill table of an outage: a bad release is forced into production, and somebody is killed on either side of
//! its switch, of its verdict and of every record that follows from it, pages included. Whoever was killed whenever: the
//! site answers from the one whole good release, the receiver has one incident, told once and resolved, and the log has no gap.
//!
//! Which moments there are is the agent's own list ([`Told::ALL`]); an outage that nobody disturbs shows which
//! of them stand in one record, and that none of them is missing here.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use lamp_agent::hold::{Moment, Side, Told, point};
use lamp_lab::receiver::{Alert, Manner};
use lamp_log::SqliteLog;
use lamp_model::event::{Event, Seq};
use lamp_model::incident::PageAction;
use lamp_model::port::EventLog;
use lamp_model::{ReleaseId, StepName};

use super::Victim;
use crate::ground::until;
use crate::log_check;
use crate::outage::scene::{Deploying, Scene};

/// Longer than any row: what goes back does so because it is bad, or because of the kill.
const BAKE: &str = "60s";
/// Records that are read at once; no test writes more.
const ALL: usize = 1_000_000;
/// Lines of the agent's trace that are shown of a row that failed.
const TRACE_LINES: usize = 60;

#[test]
fn whoever_is_killed_at_any_moment_of_an_outage_it_is_told_once_and_resolved() {
    let mut table = Table::new();
    let moments = table.moments();
    for moment in moments {
        for side in Side::ALL {
            for victim in [Victim::Agent, Victim::Lamp] {
                let row = Row { moment, side, victim };
                if row.has_victim() {
                    table.run(row);
                }
            }
        }
    }
    table.control();
}

/// One row.
#[derive(Debug, Clone, Copy)]
struct Row {
    moment: Moment,
    side: Side,
    victim: Victim,
}

impl Row {
    /// `lamp deploy` only watches, and not beyond the deployment's end.
    fn has_victim(self) -> bool {
        let until_its_end = [
            Moment::Step(StepName::Switch),
            Moment::Verdict,
            Moment::Record(Told::Judged),
        ];
        self.victim == Victim::Agent || until_its_end.contains(&self.moment) && self.side == Side::Before
    }

    /// Before the switch nothing is wrong yet.
    fn opens_an_incident(self) -> bool {
        let is_switched = match self.moment {
            Moment::Record(Told::Gated) => false,
            Moment::Step(StepName::Switch) => self.side == Side::After,
            Moment::Step(_) | Moment::Verdict | Moment::Record(_) | Moment::Kept(_) => true,
        };
        is_switched || self.victim == Victim::Lamp
    }

    /// Whether the agent was killed when the receiver had a trigger of which no result was on disk.
    fn forgets_a_trigger(self) -> bool {
        self.victim == Victim::Agent
            && self.side == Side::Before
            && self.moment == Moment::Record(Told::PageSettled(PageAction::Trigger))
    }

    /// Whether nothing may go out while the agent waits, so that how often it did is known.
    fn keeps_pages_back(self) -> bool {
        !matches!(self.moment, Moment::Record(Told::PageSettled(_)))
    }
}

/// A site with one good release live, and one that fails.
struct Table {
    scene: Scene,
    good: PathBuf,
    rows: usize,
    /// Incidents that there were until now.
    told: usize,
}

impl Drop for Table {
    /// A row that failed is explained by what the agent said.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let trace = fs_err::read_to_string(self.scene.stage().place().join("agent.log"));
            let trace = trace.unwrap_or_default();
            let last: Vec<_> = trace.lines().rev().take(TRACE_LINES).collect();
            last.into_iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

impl Table {
    fn new() -> Self {
        let scene = Scene::new(true);
        let good = scene.live();
        scene.break_next();
        let mut table = Self {
            scene,
            good,
            rows: 0,
            told: 0,
        };
        table.settled("the first release");
        table
    }

    /// One name of each record of an undisturbed outage, in the agent's order, and what stands in no record.
    fn moments(&mut self) -> Vec<Moment> {
        let before = self.records().len();
        let deploying = self.begin();
        until("it has gone back", || {
            self.scene.ask("/");
            self.scene.incidents() > 0
        });
        assert_eq!(deploying.ended().code, Some(1), "it went back");
        self.check("undisturbed", 1..=1);
        let records = self.records().split_off(before);
        let met: Vec<_> = records.iter().flatten().collect();
        let missing: Vec<_> = Told::ALL
            .into_iter()
            .filter(|told| !met.contains(&told))
            .collect();
        assert_eq!(missing, [], "an outage goes through all of them: {records:?}");
        let is_first = |told: &Told| records.iter().any(|record| record.first() == Some(told));
        let recorded = Told::ALL.into_iter().filter(is_first).map(Moment::Record);
        let unrecorded = [Moment::Step(StepName::Switch), Moment::Verdict];
        unrecorded.into_iter().chain(recorded).collect()
    }

    /// Forces a bad release, another one each time.
    fn begin(&mut self) -> Deploying {
        self.rows += 1;
        self.scene.renew_next(&self.rows.to_string());
        self.scene.deploy_beside(BAKE)
    }

    /// Holds, kills, starts anew, and checks.
    fn run(&mut self, row: Row) {
        let case = format!(
            "{}: {:?} killed {}",
            self.rows,
            row.victim,
            point(row.side, row.moment)
        );
        eprintln!("{case}");
        if row.keeps_pages_back() {
            self.scene.receiver().be(Manner::Fails);
        }
        self.hold(row);
        let deploying = self.begin();
        self.until_held(row);
        let opens_an_incident = row.opens_an_incident() || self.is_switching();
        match row.victim {
            Victim::Agent => {
                self.scene.kill_agent();
                deploying.kill();
            }
            Victim::Lamp => deploying.kill(),
        }
        let triggers = self.triggers(row);
        self.let_go(row);
        self.scene.receiver().be(Manner::Accepts);
        if row.victim == Victim::Agent {
            self.scene.start_agent();
        }
        if opens_an_incident {
            self.check(&case, triggers);
        } else {
            self.settled(&case);
            assert_eq!(self.scene.receiver().alerts().len(), self.told, "{case}");
        }
    }

    /// How often this row's incident may be told: what was sent, and of which no result is on disk, is sent again. A
    /// trigger that is on its way beside the page that the agent waits with may have been taken, or not.
    fn triggers(&self, row: Row) -> RangeInclusive<usize> {
        let is_on_its_way = row.victim == Victim::Agent
            && !row.keeps_pages_back()
            && self.unsettled_pages().contains(&PageAction::Trigger);
        match (row.forgets_a_trigger(), is_on_its_way) {
            (true, _) => 2..=2,
            (false, true) => 1..=2,
            (false, false) => 1..=1,
        }
    }

    /// Whether the log stands in the step of the switch: that it was not made cannot be known then.
    fn is_switching(&self) -> bool {
        let is_switch = |event: &Event| {
            let switch = StepName::Switch;
            matches!(event, Event::StepStarted { step, .. } if *step == switch)
        };
        self.events()
            .last()
            .is_some_and(|record| record.iter().any(is_switch))
    }

    fn hold(&self, row: Row) {
        fs_err::write(self.hold_point(row), "").expect("a hold point");
    }

    fn hold_point(&self, row: Row) -> PathBuf {
        let hold = self.scene.stage().place().join("state/hold");
        hold.join(point(row.side, row.moment))
    }

    fn at_hold_point(&self, row: Row) -> PathBuf {
        let name = format!("at-{}", point(row.side, row.moment));
        self.hold_point(row).with_file_name(name)
    }

    /// Visitors come meanwhile: without them nothing would be noticed.
    fn until_held(&self, row: Row) {
        let at = self.at_hold_point(row);
        until(
            &format!("the agent waits {}", point(row.side, row.moment)),
            || {
                self.scene.ask("/");
                at.exists()
            },
        );
    }

    fn let_go(&self, row: Row) {
        for file in [self.hold_point(row), self.at_hold_point(row)] {
            // An agent that lives takes the second away itself.
            let _ = fs_err::remove_file(file);
        }
    }

    /// One incident more, told so often, opened once, closed; and all is as it was.
    #[track_caller]
    fn check(&mut self, case: &str, triggers: RangeInclusive<usize>) {
        until(&format!("{case}: resolved"), || {
            // Whoever still waits for a failure to be noticed gets one.
            self.scene.ask("/");
            let alerts = self.scene.receiver().alerts();
            alerts.len() > self.told && alerts.values().all(|alert| !alert.is_open)
        });
        self.told += 1;
        self.settled(case);
        let alerts = self.scene.receiver().alerts();
        assert_eq!(alerts.len(), self.told, "{case}: one more key: {alerts:#?}");
        assert!(alerts.values().all(is_told_once), "{case}: {alerts:#?}");
        assert_eq!(self.scene.incidents(), self.told, "{case}");
        let told = self.triggers_of_last();
        assert!(
            triggers.contains(&told),
            "{case}: {told} triggers, not {triggers:?}"
        );
    }

    /// How often the incident that began last was told of.
    fn triggers_of_last(&self) -> usize {
        let received = self.scene.receiver().received();
        let mut triggers = received.iter().filter(|page| page.is_trigger()).rev();
        let last = triggers.next().and_then(|page| page.dedup_key());
        1 + triggers.filter(|page| page.dedup_key() == last).count()
    }

    /// The good release answers, nothing is armed, under way or still to be told, and the log is whole.
    #[track_caller]
    fn settled(&mut self, case: &str) {
        until(&format!("{case}: at rest"), || self.is_at_rest());
        assert_eq!(self.scene.live(), self.good, "{case}");
        assert_eq!(self.scene.ask("/"), Some(200), "{case}");
        let place = self.scene.stage().place();
        assert!(!place.join("state/armed/shop.json").exists(), "{case}: armed");
        let live = self
            .good
            .strip_prefix("releases")
            .expect("a release of the store");
        let live = ReleaseId::parse(&live.to_string_lossy()).expect("a release id");
        log_check::check(&place.join("state/log.sqlite"), Some(&live), case);
    }

    fn is_at_rest(&self) -> bool {
        self.scene.is_good() && self.unsettled_pages().is_empty()
    }

    /// What the pages without a result in the log are for.
    fn unsettled_pages(&self) -> Vec<PageAction> {
        let mut open = BTreeMap::new();
        for event in self.events().into_iter().flatten() {
            if let Event::PageIntended { page, intent } = event {
                open.insert(page, intent.action);
            } else if let Event::PageSettled { page, .. } = event {
                open.remove(&page);
            }
        }
        open.into_values().collect()
    }

    /// What each record tells of.
    fn records(&self) -> Vec<Vec<Told>> {
        let mut actions = BTreeMap::new();
        let told = |events: Vec<Event>| {
            for event in &events {
                if let Event::PageIntended { page, intent } = event {
                    actions.insert(*page, intent.action);
                }
            }
            let told = events.iter();
            let told = told.filter_map(|event| Told::of(event, |page| actions.get(&page).copied()));
            told.collect()
        };
        self.events().into_iter().map(told).collect()
    }

    /// The events of each record.
    fn events(&self) -> Vec<Vec<Event>> {
        let path = self.scene.stage().place().join("state/log.sqlite");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let log = SqliteLog::open_reading(&path).expect("the log can be read");
            let records = log.read(Seq(0), ALL).await.expect("records");
            records.into_iter().map(|stored| stored.record.events).collect()
        })
    }

    /// The table can fail: an agent whose log forgets what came of a page tells the receiver of its incident again.
    fn control(&mut self) {
        let row = Row {
            moment: Moment::Record(Told::PageSettled(PageAction::Trigger)),
            side: Side::Before,
            victim: Victim::Agent,
        };
        self.hold(row);
        let deploying = self.begin();
        self.until_held(row);
        self.scene.kill_agent();
        deploying.kill();
        self.let_go(row);
        let state = self.scene.stage().place().join("state");
        let kept = self.scene.stage().place().join("kept");
        copy_log(&state, &kept);
        self.scene.start_agent();
        self.check("the control, until its end", 2..=2);
        self.scene.kill_agent();
        copy_log(&kept, &state);
        self.scene.start_agent();
        until("it is told again", || {
            let alerts = self.scene.receiver().alerts();
            alerts.values().any(|alert| !is_told_once(alert))
        });
    }
}

/// Opened once, and closed.
const fn is_told_once(alert: &Alert) -> bool {
    alert.opened == 1 && !alert.is_open
}

/// The log with what SQLite keeps beside it.
fn copy_log(from: &std::path::Path, to: &std::path::Path) {
    fs_err::create_dir_all(to).expect("a directory");
    for name in ["log.sqlite", "log.sqlite-wal", "log.sqlite-shm"] {
        let (from, to) = (from.join(name), to.join(name));
        if from.exists() {
            fs_err::copy(from, to).expect("copied");
        } else {
            // The other one's would say what this log never did.
            let _ = fs_err::remove_file(to);
        }
    }
}
