//! A deployment and a rollback in-process, with hands and a log that fail: at each step, and at each
//! append. Whatever failed, the site is settled in the end, and the log says what answers.

use std::sync::{Arc, Mutex, PoisonError};

use lamp_log::{Journal, MemoryLeases, MemoryLog, MemorySnapshots, Writer};
use lamp_model::StepName;
use lamp_model::clock::Clock;
use lamp_model::event::{Actor, Event, Outcome, Reason, Seq};
use lamp_model::evidence::Evidence;
use lamp_model::finding::{CheckReport, CheckSummary};
use lamp_model::gate::{GateResult, RehearsalOutcome};
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::plan::{GateScope, Plan, PlanKind, Step};
use lamp_model::port::{Answer, Live};
use lamp_model::reach::WholeGraph;
use lamp_model::state::{Deployment, Site};
use lamp_model::tree::{Hash, Manifest};
use lamp_testkit::{Fault, Faults, FaultyLog, ManualClock};
use tokio::sync::watch;

use crate::armed::ArmedDir;
use crate::desk::{Condition, Desk};
use crate::execute::Tools;
use crate::guard::{Finding, FoundBad};
use crate::hands::{Delivery, Difference, Fact, Hands, HandsError, Planned, Retention, Wish};
use crate::hold::Holds;
use crate::job::{Job, Order};
use crate::ledger::Ledger;
use crate::settle::settle_again;

/// Attempts within which every fault of a test is over.
const ATTEMPTS: usize = 8;

fn release(id: &str) -> ReleaseId {
    ReleaseId::parse(id).expect("valid")
}

fn site() -> SiteName {
    SiteName::parse("shop").expect("valid")
}

/// Hands on a site that is only a link and a list, and fail once at one step.
struct FakeHands {
    live: Mutex<Live>,
    stored: Mutex<Vec<ReleaseId>>,
    fails: Mutex<Option<StepName>>,
    /// How often a probe of a bake is not answered well.
    bad_probes: Mutex<u32>,
    /// Whether a bake never ends.
    bakes_on: Mutex<bool>,
    /// Runs on while whoever switched is not told yet that it is done.
    clock: ManualClock,
    /// When the link was renamed.
    renamed_at: Mutex<Vec<jiff::Timestamp>>,
}

/// From a rename to the word that it is made: a busy machine takes its time.
const WORD_TAKES: std::time::Duration = std::time::Duration::from_secs(1);

impl FakeHands {
    /// Holds `stored`, of which the last is live.
    fn new(stored: &[&str], clock: ManualClock) -> Self {
        let live = stored
            .last()
            .map_or(Live::Nothing, |id| Live::Release(release(id)));
        Self {
            live: Mutex::new(live),
            stored: Mutex::new(stored.iter().map(|id| release(id)).collect()),
            fails: Mutex::new(None),
            bad_probes: Mutex::new(0),
            bakes_on: Mutex::new(false),
            clock,
            renamed_at: Mutex::default(),
        }
    }

    fn fail_once_at(&self, step: StepName) {
        *locked(&self.fails) = Some(step);
    }

    fn now_live(&self) -> Live {
        locked(&self.live).clone()
    }

    fn answer_from(&self, release: Option<&ReleaseId>) -> Fact {
        *locked(&self.live) = release.cloned().map_or(Live::Nothing, Live::Release);
        locked(&self.renamed_at).push(self.clock.now());
        self.clock.advance(WORD_TAKES);
        Fact::Switched { switch_micros: 1 }
    }

    fn fact(&self) -> Fact {
        Fact::Stored {
            tree: Hash::ZERO,
            files: 1,
            size_bytes: 1,
            new_bytes: 1,
            source: "a test".into(),
            provenance: None,
        }
    }

    fn probe(&self) -> Result<(), HandsError> {
        let mut bad = locked(&self.bad_probes);
        if *bad == 0 {
            return Ok(());
        }
        *bad -= 1;
        Err(HandsError::Judged(Reason::ProbeFailed {
            path: "/".into(),
            answer: "answered 500".into(),
        }))
    }

    fn do_step(&self, step: &Step) -> Result<Fact, HandsError> {
        let mut fails = locked(&self.fails);
        if *fails == Some(step.name()) {
            *fails = None;
            return Err(HandsError::Failed("the test made it so".into()));
        }
        drop(fails);
        if matches!(step, Step::Bake { .. }) {
            self.probe()?;
        }
        Ok(match step {
            Step::Seal { release } => {
                let mut stored = locked(&self.stored);
                if !stored.contains(release) {
                    stored.push(release.clone());
                }
                self.fact()
            }
            Step::Switch { to } => self.answer_from(Some(to)),
            Step::Gate { release, .. } => Fact::Gated {
                result: Box::new(gated(release)),
            },
            Step::CheckDisk { .. }
            | Step::Stage { .. }
            | Step::Verify { .. }
            | Step::Arm { .. }
            | Step::AwaitAnswer { .. }
            | Step::Bake { .. }
            | Step::ProveWorkers {}
            | Step::Confirm { .. } => Fact::Done,
        })
    }
}

/// The gate is shut for whatever is called `bad`.
fn gated(release: &ReleaseId) -> GateResult {
    let clean = CheckReport {
        summary: CheckSummary::default(),
        findings: Vec::new(),
    };
    let check = match release.as_str() {
        "bad" => Err("the test made it so"),
        _ => Ok(&clean),
    };
    GateResult::of(check, None, RehearsalOutcome::SwitchedOff)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ready<'a, T: Send + 'a>(value: Result<T, HandsError>) -> Answer<'a, T, HandsError> {
    Box::pin(std::future::ready(value))
}

fn not_asked<'a, T: Send + 'a>() -> Answer<'a, T, HandsError> {
    ready(Err(HandsError::Failed("no test asks this".into())))
}

impl Hands for FakeHands {
    fn live(&self) -> Answer<'_, Live, HandsError> {
        ready(Ok(self.now_live()))
    }
    fn plan_offer<'a>(&'a self, _: Wish<'a>, _: &'a Manifest) -> Answer<'a, Planned, HandsError> {
        not_asked()
    }
    fn plan_rollback(&self, _: DeploymentId, _: ReleaseId) -> Answer<'_, Plan, HandsError> {
        not_asked()
    }
    fn plan_again<'a>(&'a self, rollback: &'a Deployment) -> Answer<'a, Plan, HandsError> {
        let from = rollback.from.clone();
        ready(Ok(rollback_plan(rollback.id.number(), from, rollback.to.clone())))
    }
    fn step<'a>(
        &'a self,
        _: &'a Plan,
        step: &'a Step,
        _: Option<Arc<Delivery>>,
    ) -> Answer<'a, Fact, HandsError> {
        if matches!(step, Step::Bake { .. }) && *locked(&self.bakes_on) {
            return Box::pin(std::future::pending());
        }
        ready(self.do_step(step))
    }
    fn go_back<'a>(&'a self, back_to: Option<&'a ReleaseId>) -> Answer<'a, Fact, HandsError> {
        ready(Ok(self.answer_from(back_to)))
    }
    fn tidy<'a>(&'a self, _: Option<&'a ReleaseId>) -> Answer<'a, (), HandsError> {
        ready(Ok(()))
    }
    fn list(&self) -> Answer<'_, Vec<ReleaseId>, HandsError> {
        ready(Ok(locked(&self.stored).clone()))
    }
    fn record<'a>(&'a self, _: &'a ReleaseId) -> Answer<'a, Fact, HandsError> {
        ready(Ok(self.fact()))
    }
    fn manifest<'a>(&'a self, _: &'a ReleaseId) -> Answer<'a, Manifest, HandsError> {
        not_asked()
    }
    fn graph<'a>(&'a self, _: &'a ReleaseId) -> Answer<'a, Option<WholeGraph>, HandsError> {
        ready(Ok(None))
    }
    fn verify<'a>(&'a self, _: &'a ReleaseId) -> Answer<'a, Vec<Difference>, HandsError> {
        not_asked()
    }
    fn retention<'a>(&'a self, _: &'a Site) -> Answer<'a, Retention, HandsError> {
        ready(Ok(Retention::default()))
    }
    fn prune<'a>(&'a self, _: &'a ReleaseId) -> Answer<'a, (), HandsError> {
        not_asked()
    }
}

fn deploy_plan(number: u64, from: Option<ReleaseId>, to: ReleaseId) -> Plan {
    let mut steps = vec![
        Step::CheckDisk {
            needed_bytes: 1,
            needed_inodes: 1,
        },
        Step::Stage {
            release: to.clone(),
            shared_files: 0,
            new_files: 1,
            new_bytes: 1,
        },
        Step::Seal { release: to.clone() },
        gate(&from, &to, None),
        Step::Arm {
            back_to: from.clone(),
        },
    ];
    steps.extend(switching(&to));
    Plan {
        deployment: DeploymentId::new(site(), number),
        kind: PlanKind::Deploy,
        from,
        to,
        steps,
    }
}

fn gate(against: &Option<ReleaseId>, release: &ReleaseId, overridden: Option<&str>) -> Step {
    Step::Gate {
        release: release.clone(),
        against: against.clone(),
        scope: GateScope::Check,
        overridden: overridden.map(str::to_owned),
    }
}

fn test_plan(number: u64, from: Option<ReleaseId>, to: ReleaseId) -> Plan {
    let mut plan = deploy_plan(number, from, to);
    plan.kind = PlanKind::Test;
    plan.steps.truncate(4);
    plan
}

fn rollback_plan(number: u64, from: Option<ReleaseId>, to: ReleaseId) -> Plan {
    let mut steps = vec![
        Step::Verify { release: to.clone() },
        Step::Arm {
            back_to: Some(to.clone()),
        },
    ];
    steps.extend(switching(&to));
    Plan {
        deployment: DeploymentId::new(site(), number),
        kind: PlanKind::Rollback,
        from,
        to,
        steps,
    }
}

fn switching(to: &ReleaseId) -> [Step; 4] {
    let bake = Step::Bake {
        bake_millis: 0,
        probes: Vec::new(),
    };
    [
        Step::Switch { to: to.clone() },
        bake,
        Step::ProveWorkers {},
        Step::Confirm { release: to.clone() },
    ]
}

/// An agent's inside without a socket: one site, a log in memory that can be made to fail.
struct Bench {
    hands: Arc<FakeHands>,
    desk: Arc<Desk>,
    tools: Tools,
    log: Arc<FaultyLog<MemoryLog>>,
    _stop: watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

impl Bench {
    /// A site at rest, with `a` and `b` proven in this order: `b` is live.
    async fn new() -> Self {
        let bench = Self::empty().await;
        for (number, id) in [(1, "a"), (2, "b")] {
            let from = bench.live();
            bench.run(deploy_plan(number, from, release(id))).await;
        }
        assert_eq!(bench.live(), Some(release("b")));
        bench
    }

    async fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (armed, hold) = (dir.path().join("armed"), dir.path().join("hold"));
        fs_err::create_dir(&armed).expect("made");
        let clock = Arc::new(ManualClock::new());
        let hands = Arc::new(FakeHands::new(&[], (*clock).clone()));
        let log = Arc::new(FaultyLog::new(MemoryLog::default(), Faults::script([])));
        let parts = lamp_log::Parts {
            log: Arc::clone(&log) as _,
            snapshots: Arc::new(MemorySnapshots::default()),
            clock: Arc::clone(&clock) as _,
            writer: Writer([7; 8]),
            epoch: 1,
            host: "test".into(),
        };
        let ledger = Ledger {
            journal: Journal::open(parts).await.expect("a journal"),
            log: Arc::clone(&log) as _,
            leases: Arc::new(MemoryLeases::new(Arc::new(lamp_log::HostProcesses))),
            clock,
            holds: Holds::new(hold),
        };
        let (stop, stopped) = watch::channel(false);
        let tools = Tools {
            ledger,
            armed: ArmedDir::new(armed),
            stop: stopped,
        };
        let desk = Arc::new(Desk::new(site(), Arc::clone(&hands) as _));
        settle_again(&desk, &tools).await;
        Self {
            hands,
            desk,
            tools,
            log,
            _stop: stop,
            _dir: dir,
        }
    }

    fn live(&self) -> Option<ReleaseId> {
        match self.hands.now_live() {
            Live::Release(release) => Some(release),
            Live::Nothing | Live::Invalid(_) => None,
        }
    }

    fn next(&self) -> u64 {
        self.tools.ledger.site(&site()).deployments + 1
    }

    /// Executes a plan, if the log takes it, and settles what is left.
    async fn run(&self, plan: Plan) {
        let order = Order {
            plan,
            delivery: None,
            by: Actor { uid: 0, pid: 1 },
        };
        if let Ok((job, _)) = Job::accept(&self.desk, &self.tools, order).await {
            job.run(self.tools.clone()).await;
        }
        for _ in 0..ATTEMPTS {
            settle_again(&self.desk, &self.tools).await;
        }
    }

    /// The site is at rest, nothing is armed, and the log says what answers.
    #[track_caller]
    fn check_settled(&self, case: &str) -> Option<Outcome> {
        assert_eq!(self.desk.condition(), Condition::AtRest, "{case}");
        assert_eq!(self.tools.armed.get(&site()).expect("readable"), None, "{case}");
        let logged = self.tools.ledger.site(&site());
        assert!(logged.active.is_none(), "{case}: {:?}", logged.active);
        assert_eq!(logged.live.map(|live| live.release), self.live(), "{case}");
        let known: Vec<_> = logged.releases.keys().collect();
        let mut stored = locked(&self.hands.stored).clone();
        stored.sort();
        assert_eq!(
            known,
            stored.iter().collect::<Vec<_>>(),
            "{case}: the log knows the store"
        );
        logged.last.map(|last| last.outcome)
    }
}

const DEPLOYED: [StepName; 8] = [
    StepName::CheckDisk,
    StepName::Stage,
    StepName::Seal,
    StepName::Gate,
    StepName::Arm,
    StepName::Switch,
    StepName::Bake,
    StepName::ProveWorkers,
];

#[tokio::test]
async fn a_deployment_that_fails_at_any_step_ends_on_the_release_before() {
    for step in DEPLOYED {
        let bench = Bench::new().await;
        bench.hands.fail_once_at(step);
        bench.run(deploy_plan(3, bench.live(), release("c"))).await;
        let outcome = bench.check_settled(step.as_str());
        assert_eq!(bench.live(), Some(release("b")), "{step}");
        let went_back = matches!(outcome, Some(Outcome::WentBack { .. }));
        assert_eq!(went_back, step > StepName::Switch, "{step}: {outcome:?}");
        bench
            .run(deploy_plan(bench.next(), bench.live(), release("c")))
            .await;
        assert_eq!(
            bench.check_settled(step.as_str()),
            Some(Outcome::Confirmed),
            "{step}: again"
        );
        assert_eq!(bench.live(), Some(release("c")), "{step}: again");
    }
}

#[tokio::test]
async fn what_the_gate_shuts_out_is_stored_with_its_blockers_and_never_answers() {
    let bench = Bench::new().await;
    bench.run(deploy_plan(3, bench.live(), release("bad"))).await;
    let outcome = bench.check_settled("shut");
    assert_eq!(bench.live(), Some(release("b")));
    let Some(Outcome::NotSwitched {
        reason: Reason::GateBlocked { blockers },
    }) = outcome
    else {
        panic!("{outcome:?}");
    };
    let logged = bench.tools.ledger.site(&site());
    let gated = logged.releases[&release("bad")].gate.clone().expect("an answer");
    assert_eq!(gated.result.blockers(), blockers);
    assert_eq!(gated.overridden, None);
    // Control: overridden, the same release goes, and the log says why.
    let mut forced = deploy_plan(4, bench.live(), release("bad"));
    forced.steps[3] = gate(&bench.live(), &release("bad"), Some("the test says so"));
    bench.run(forced).await;
    assert_eq!(bench.check_settled("forced"), Some(Outcome::Confirmed));
    let logged = bench.tools.ledger.site(&site());
    let gated = logged.releases[&release("bad")].gate.clone().expect("an answer");
    assert_eq!(gated.overridden.as_deref(), Some("the test says so"));
}

#[tokio::test]
async fn an_override_of_an_open_gate_is_none() {
    let bench = Bench::new().await;
    let mut plan = deploy_plan(3, bench.live(), release("c"));
    plan.steps[3] = gate(&bench.live(), &release("c"), Some("to be sure"));
    bench.run(plan).await;
    assert_eq!(bench.check_settled("open"), Some(Outcome::Confirmed));
    let logged = bench.tools.ledger.site(&site());
    let gated = logged.releases[&release("c")].gate.clone().expect("an answer");
    assert_eq!(gated.overridden, None);
}

#[tokio::test]
async fn a_test_ends_at_the_gate_and_switches_nothing() {
    let bench = Bench::new().await;
    bench.run(test_plan(3, bench.live(), release("c"))).await;
    assert_eq!(bench.check_settled("open"), Some(Outcome::Tested));
    bench.run(test_plan(4, bench.live(), release("bad"))).await;
    let outcome = bench.check_settled("shut");
    assert!(
        matches!(
            outcome,
            Some(Outcome::NotSwitched {
                reason: Reason::GateBlocked { .. }
            })
        ),
        "{outcome:?}"
    );
    assert_eq!(bench.live(), Some(release("b")));
}

fn evidence() -> Box<Evidence> {
    Box::new(Evidence {
        release: Some(release("c")),
        path: "/".into(),
        first_failed_at: None,
        noticed_at: jiff::Timestamp::UNIX_EPOCH,
        answered: "answered 500".into(),
        before_answered: Some("answered 200".into()),
        error: None,
        hanging: None,
        failed_requests: 3,
        failed_clients: 2,
    })
}

/// The kinds of the log's events from this place on, with what answers since a switch.
async fn told(bench: &Bench, after: Seq) -> Vec<String> {
    let stored = bench.tools.ledger.log.read(after, 100).await.expect("read");
    let events = stored.into_iter().flat_map(|stored| stored.record.events);
    let word = |event: Event| {
        if let Event::Switched { to, .. } = event {
            return to.map(|to| format!("switched {to}"));
        }
        let judged = matches!(event, Event::Judged { .. }).then(|| "judged".to_owned());
        judged.or_else(|| matches!(event, Event::Ended { .. }).then(|| "ended".to_owned()))
    };
    events.filter_map(word).collect()
}

#[tokio::test]
async fn a_release_found_bad_in_its_bake_goes_back_at_once_and_the_log_says_why() {
    let bench = Bench::new().await;
    *locked(&bench.hands.bakes_on) = true;
    let before = bench.tools.ledger.journal.view().seq;
    let plan = deploy_plan(3, bench.live(), release("c"));
    let deployment = plan.deployment.clone();
    let watcher = async {
        let mut live = bench.desk.guard.live();
        let unconfirmed = live
            .wait_for(|live| live.unconfirmed.as_ref() == Some(&deployment))
            .await;
        assert_eq!(unconfirmed.expect("told").before, Some(release("b")));
        let evidence = evidence();
        bench.desk.guard.find_bad(FoundBad {
            deployment: deployment.clone(),
            evidence,
        });
    };
    tokio::join!(bench.run(plan), watcher);
    let outcome = bench.check_settled("found bad");
    assert_eq!(bench.live(), Some(release("b")));
    let reason = Reason::JudgedBad { evidence: evidence() };
    assert_eq!(outcome, Some(Outcome::WentBack { reason }));
    assert_eq!(
        told(&bench, before).await,
        ["switched c", "judged", "switched b", "ended"]
    );
    assert_eq!(bench.desk.guard.live().borrow().release, Some(release("b")));
}

/// Visitors are answered by it from the rename on: a failure between the rename and its word is one of its own, and not
/// of a time before it was live.
#[tokio::test]
async fn the_watcher_counts_a_release_from_before_its_rename() {
    let bench = Bench::new().await;
    *locked(&bench.hands.bakes_on) = true;
    let plan = deploy_plan(3, bench.live(), release("c"));
    let deployment = plan.deployment.clone();
    let mut live = bench.desk.guard.live();
    let watcher = async {
        let told = live.wait_for(|live| live.unconfirmed.as_ref() == Some(&deployment));
        let since = told.await.expect("told").since.expect("a time");
        let renamed_at = locked(&bench.hands.renamed_at).last().copied();
        assert_eq!(Some(since), renamed_at);
        assert!(
            bench.hands.clock.now() > since,
            "the control: its word came later"
        );
        let evidence = evidence();
        bench.desk.guard.find_bad(FoundBad {
            deployment: deployment.clone(),
            evidence,
        });
    };
    tokio::join!(bench.run(plan), watcher);
    bench.check_settled("found bad");
}

/// Deploys `c` with so many probes of its bake failing, and a watcher that answers this each time.
async fn with_bad_probes(bad: u32, answer: Option<Finding>) -> Option<Outcome> {
    let bench = Bench::new().await;
    *locked(&bench.hands.bad_probes) = bad;
    if let Some(answer) = answer {
        let mut inquiries = bench.desk.guard.take_inquiries().expect("nobody else watches");
        tokio::spawn(async move {
            while let Some(inquiry) = inquiries.recv().await {
                let _ = inquiry.answer.send(answer.clone());
            }
        });
    }
    bench.run(deploy_plan(3, bench.live(), release("c"))).await;
    bench.check_settled("bad probes")
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_in_the_bake_is_the_releases_fault_unless_the_watcher_says_otherwise() {
    let probe_failed = Some(Outcome::WentBack {
        reason: Reason::ProbeFailed {
            path: "/".into(),
            answer: "answered 500".into(),
        },
    });
    assert_eq!(with_bad_probes(1, None).await, probe_failed, "nobody watches");
    let bad = with_bad_probes(1, Some(Finding::Bad(evidence()))).await;
    let reason = Reason::JudgedBad { evidence: evidence() };
    assert_eq!(bad, Some(Outcome::WentBack { reason }));
    let elsewhere = with_bad_probes(20, Some(Finding::NotTheRelease)).await;
    assert_eq!(
        elsewhere,
        Some(Outcome::Confirmed),
        "the bake begins anew until all is well"
    );
    let glitch = with_bad_probes(2, Some(Finding::ItAnswers)).await;
    assert_eq!(glitch, Some(Outcome::Confirmed));
    assert_eq!(with_bad_probes(20, Some(Finding::ItAnswers)).await, probe_failed);
}

#[tokio::test]
async fn a_rollback_that_fails_stays_where_it_stands() {
    for step in [
        StepName::Verify,
        StepName::Arm,
        StepName::Switch,
        StepName::Bake,
        StepName::ProveWorkers,
    ] {
        let bench = Bench::new().await;
        bench.hands.fail_once_at(step);
        bench.run(rollback_plan(3, bench.live(), release("a"))).await;
        let outcome = bench.check_settled(step.as_str());
        let switched = step > StepName::Switch;
        assert_eq!(
            bench.live(),
            Some(release(if switched { "a" } else { "b" })),
            "{step}"
        );
        assert_eq!(
            matches!(outcome, Some(Outcome::Unproven { .. })),
            switched,
            "{step}: {outcome:?}"
        );
    }
}

/// From the n-th append on, this many appends fail in this way.
async fn with_faults(
    kind: PlanKind,
    healthy: usize,
    fault: Fault,
    failing: usize,
) -> (Bench, Option<Outcome>) {
    let bench = Bench::new().await;
    let script = std::iter::repeat_n(None, healthy).chain(std::iter::repeat_n(Some(fault), failing));
    bench.log.set(Faults::script(script));
    let plan = match kind {
        PlanKind::Deploy => deploy_plan(3, bench.live(), release("c")),
        PlanKind::Rollback => rollback_plan(3, bench.live(), release("a")),
        PlanKind::Test => test_plan(3, bench.live(), release("c")),
    };
    bench.run(plan).await;
    let outcome = bench.check_settled(&format!("{kind:?}, {fault:?} after {healthy} appends"));
    (bench, outcome)
}

/// More appends than any of the two plans makes.
const APPENDS: usize = 24;

#[tokio::test]
async fn a_log_that_fails_at_any_append_of_a_deployment_leaves_log_and_link_agreed() {
    let mut confirmed = 0;
    for healthy in 0..APPENDS {
        for fault in [
            Fault::Unavailable,
            Fault::UnknownWritten,
            Fault::UnknownNotWritten,
        ] {
            let (bench, outcome) = with_faults(PlanKind::Deploy, healthy, fault, 3).await;
            let is_new = bench.live() == Some(release("c"));
            let planned = bench.next() == 4;
            let is_confirmed = planned && outcome == Some(Outcome::Confirmed);
            assert_eq!(is_new, is_confirmed, "{fault:?} after {healthy}: {outcome:?}");
            confirmed += usize::from(is_confirmed);
        }
    }
    assert!(
        confirmed > 0,
        "the control: those that no fault meets are confirmed"
    );
    assert!(confirmed < 3 * APPENDS, "the control: some are not");
}

#[tokio::test]
async fn a_log_that_fails_at_any_append_of_a_rollback_does_not_keep_it_from_its_target() {
    for healthy in 1..APPENDS {
        for fault in [
            Fault::Unavailable,
            Fault::UnknownWritten,
            Fault::UnknownNotWritten,
        ] {
            let (bench, outcome) = with_faults(PlanKind::Rollback, healthy, fault, 3).await;
            assert_eq!(
                bench.live(),
                Some(release("a")),
                "{fault:?} after {healthy}: {outcome:?}"
            );
            assert_eq!(outcome, Some(Outcome::Confirmed), "{fault:?} after {healthy}");
        }
    }
}
