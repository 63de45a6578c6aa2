//! The loop of one watcher.

use std::sync::Arc;
use std::time::Duration;

use lamp_incident::awaits_recovery;
use lamp_model::Event;
use lamp_model::evidence::{Evidence, Impact, Trouble, Verdict};
use lamp_model::name::DeploymentId;
use lamp_watch::message::{FromWorker, Suspect, Traffic};
use lamp_watch::probe::{Change, Schedule, Sight};
use lamp_watch::sightings::Sightings;
use lamp_watch::verdict::Decision;
use lamp_watch::worker::{Said, Worker};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::WatchPlan;
use super::door::Door;
use super::in_flight::Looks;
use super::questions::{Cause, FailedProbe, Question, Questions, Settled, failed_probe, finding};
use super::recovery::{Counting, Wellness, scope};
use super::stuck::{self, Stuck};
use super::sweep::{Sweep, Swept};
use super::warm::Warm;
use crate::asker::{Asked, Asker, Purpose};
use crate::desk::{Condition, Desk};
use crate::guard::{FoundBad, Inquiry, Live};
use crate::hold::{Moment, Side};
use crate::ledger::Ledger;

mod endless;

/// Before logs that could not be opened, or are not seen, are opened anew.
const OPEN_AGAIN: Duration = Duration::from_secs(5);

/// The watcher of one site.
pub struct Watcher {
    desk: Arc<Desk>,
    ledger: Ledger,
    plan: WatchPlan,
    asker: Arc<Asker>,
    sightings: Arc<Sightings>,
    /// For probes and sweeps.
    door: Arc<Door>,
    cycles: watch::Sender<u64>,
    begun: Instant,
    live: Live,
    /// Because of visitors.
    questions: Questions,
    /// Because of our own probes: they are put off for nobody, and put nobody off.
    own: Questions,
    probes: JoinSet<(String, Asked)>,
    warm: Warm,
    sweeps: JoinSet<Option<Swept>>,
    looks: Looks,
    /// What to ask for because requests do not end.
    askable: JoinSet<Vec<String>>,
    stuck: Stuck,
    sight: Sight,
    wellness: Wellness,
    counting: Counting,
    worker: Option<Worker>,
    open_at: Instant,
    /// A release found bad of which nobody has yet said that it goes back.
    found: Option<(DeploymentId, Box<Evidence>)>,
}

impl Watcher {
    /// Watches what `plan` describes; `cycles` counts whole cycles.
    pub fn new(desk: Arc<Desk>, ledger: Ledger, plan: WatchPlan, cycles: watch::Sender<u64>) -> Self {
        let asker = Arc::new(Asker::new(plan.config.clone(), plan.door.clone()));
        let (sightings, heard) = (Arc::<Sightings>::default(), Arc::default());
        let looks = Looks::new(plan.config.clone());
        let door = |purpose| {
            Arc::new(Door {
                asker: Arc::clone(&asker),
                purpose,
                sightings: Arc::clone(&sightings),
                heard: Arc::clone(&heard),
                clock: Arc::clone(&ledger.clock),
                in_flight: looks.known(),
            })
        };
        let (visitors, probing) = (door(Purpose::Visitors), door(Purpose::Probing));
        Self {
            desk,
            ledger,
            plan,
            warm: Warm::new(Arc::clone(&asker)),
            asker,
            sightings,
            door: Arc::clone(&probing),
            cycles,
            begun: Instant::now(),
            live: Live::default(),
            questions: Questions::new(visitors),
            own: Questions::new(probing),
            probes: JoinSet::new(),
            sweeps: JoinSet::new(),
            looks,
            askable: JoinSet::new(),
            stuck: Stuck::default(),
            sight: Sight::default(),
            wellness: Wellness::default(),
            counting: Counting::default(),
            worker: None,
            open_at: Instant::now(),
            found: None,
        }
    }

    /// Watches for ever.
    pub async fn run(mut self) {
        let mut live = self.desk.guard.live();
        live.mark_changed();
        let mut inquiries = self.inquiries();
        let mut schedule = Schedule::new(self.plan.config.probe_paths());
        loop {
            tokio::select! {
                biased;
                told = live.changed() => {
                    if told.is_err() {
                        return;
                    }
                    let now = live.borrow_and_update().clone();
                    self.switched(now).await;
                }
                said = said(&mut self.worker) => self.heard(said).await,
                settled = self.questions.settled() => self.settled(settled).await,
                settled = self.own.settled() => self.settled(settled).await,
                Some(inquiry) = asked(&mut inquiries) => self.asked(inquiry),
                Some(probed) = self.probes.join_next() => if let Ok((path, asked)) = probed {
                    self.probed(&path, &asked).await;
                },
                Some(swept) = self.sweeps.join_next() => if let Ok(Some(swept)) = swept {
                    self.swept(&swept);
                },
                () = self.looks.looked() => self.suspect_hanging(),
                Some(paths) = self.askable.join_next() => if let Ok(paths) = paths {
                    self.question_hanging(&paths);
                },
                ended = self.stuck.ended() => self.workers_ended(ended).await,
                path = schedule.wait() => {
                    let path = path.to_owned();
                    self.beat(path).await;
                }
            }
        }
    }

    /// Only a watcher that can ask of a chosen release can say whom a failed probe is to be blamed on.
    fn inquiries(&self) -> Option<mpsc::Receiver<Inquiry>> {
        let can_ask = self.plan.is_watched() && self.asker.has_door();
        can_ask.then(|| self.desk.guard.take_inquiries()).flatten()
    }

    /// Another release answers, or the one that does is in doubt no more.
    async fn switched(&mut self, now: Live) {
        if let Some((deployment, evidence)) = self.found.take()
            && now.unconfirmed.is_none()
            && evidence.release == now.release
        {
            // It was confirmed in the very moment in which it was found bad: a person has to decide.
            self.judge(Verdict::Bad { evidence }, Some(deployment)).await;
        }
        let is_new = now.release != self.live.release;
        self.live = now;
        self.asker.hold_back(self.way_back());
        self.stuck
            .leave(stuck::left(&self.ledger.site(&self.plan.site), &self.live));
        if is_new {
            self.wellness.ill();
            self.sweep();
        }
        if let Some(worker) = &self.worker {
            worker.live(self.told());
        }
    }

    /// What is confirmed, or was gone back to, has shown that it answers.
    fn sweep(&mut self) {
        let can_ask = self.plan.is_watched() && self.asker.has_door() && self.live.unconfirmed.is_some();
        let Some(release) = self.live.release.clone().filter(|_| can_ask) else {
            return;
        };
        let sweep = Sweep {
            release,
            site: self.plan.config.clone(),
            program: self.plan.program.clone(),
            door: Arc::clone(&self.door),
        };
        self.sweeps.spawn(sweep.run());
    }

    fn swept(&mut self, swept: &Swept) {
        tracing::info!(site = %self.plan.site, path = swept.path, "the sweep met a failure");
        if self.live.release.as_ref() == Some(&swept.release) {
            self.question_probe(&swept.path, swept.status, Cause::Seen);
        }
    }

    fn told(&self) -> lamp_watch::message::Live {
        lamp_watch::message::Live {
            release: self.live.release.clone(),
            since: self.live.since,
            before: self.live.before.clone(),
        }
    }

    /// What each second brings: the worker kept, a probe sent, recovery looked for.
    async fn beat(&mut self, path: String) {
        self.keep_worker();
        self.stuck.beat(&self.plan.config, self.desk.guard.live());
        let watched = self.plan.is_watched() && self.live.release.is_some();
        if watched || self.is_awaited() {
            self.probe(path.clone());
        }
        if let Some(live) = self.live.release.as_ref().filter(|_| watched) {
            self.warm.beat(&path, live);
        }
        if watched && matches!(self.desk.condition(), Condition::Running(_)) {
            self.looks.look();
        }
        self.recover().await;
    }

    fn keep_worker(&mut self) {
        if self.worker.is_some() || !self.plan.is_watched() || Instant::now() < self.open_at {
            return;
        }
        match self.plan.worker() {
            Ok(worker) => {
                worker.live(self.told());
                self.worker = Some(worker);
            }
            Err(error) => {
                tracing::warn!(site = %self.plan.site, %error, "the site's logs are not followed");
                self.open_at = Instant::now() + OPEN_AGAIN;
            }
        }
    }

    /// One at a time: a site that does not answer is not asked more for it.
    fn probe(&mut self, path: String) {
        if !self.probes.is_empty() || self.plan.config.probes.is_empty() {
            return;
        }
        let (door, release) = (Arc::clone(&self.door), self.live.release.clone());
        self.probes.spawn(async move {
            let through_the_door = match &release {
                Some(release) => door.probe(&path, release).await,
                None => None,
            };
            let asked = match through_the_door {
                Some(asked) => asked,
                None => door.asker.visit(&path).await,
            };
            (path, asked)
        });
    }

    async fn probed(&mut self, path: &str, asked: &Asked) {
        if asked.answer.is_ok() && self.worker.is_some() && self.asker.has_door() {
            let log = self.plan.config.access_log.as_path().display().to_string();
            if let Some(Change::Blind(trouble)) = self.sight.answered(&log) {
                self.hold(trouble).await;
                // A log that was moved, or a lab that was started anew, is found by opening it again.
                self.worker = None;
            }
        }
        if asked.is_well() {
            self.wellness.well(self.begun.elapsed());
            return;
        }
        self.wellness.ill();
        self.counting.forget();
        if self.plan.is_watched() {
            self.question_probe(path, asked.answer.as_ref().ok().copied(), Cause::Seen);
        }
    }

    fn question_probe(&mut self, path: &str, status: Option<u16>, cause: Cause) {
        let failed = FailedProbe {
            status,
            error: None,
            at: self.ledger.clock.now(),
        };
        let release = self.live.release.as_ref();
        let suspect = release.and_then(|release| failed_probe(release, path, failed));
        if let Some(question) = suspect.and_then(|suspect| self.question(suspect, cause)) {
            self.own.put(question);
        }
    }

    fn asked(&mut self, inquiry: Inquiry) {
        self.question_probe(&inquiry.path, None, Cause::Bake(inquiry.answer));
    }

    /// What is to be asked, if it can be, and is about what answers.
    fn question(&self, suspect: Suspect, cause: Cause) -> Option<Question> {
        let is_live = self.live.release.as_ref() == Some(&suspect.release);
        (is_live && self.asker.has_door()).then(|| Question {
            suspect,
            before: self.live.before.clone(),
            noticed_at: self.ledger.clock.now(),
            cause,
        })
    }

    async fn heard(&mut self, said: Option<Said>) {
        match said {
            Some(Said::This(message)) => self.told_by_worker(message).await,
            Some(Said::Died { why }) => {
                tracing::warn!(site = %self.plan.site, why, "the log worker died; another one is started");
                self.counting.forget();
            }
            None => self.worker = None,
        }
    }

    async fn told_by_worker(&mut self, message: FromWorker) {
        match message {
            FromWorker::Ready => {}
            FromWorker::Log { log, state } => {
                tracing::info!(site = %self.plan.site, %log, %state, "log");
            }
            FromWorker::Suspect(suspect) => {
                self.wellness.ill();
                self.counting.forget();
                if let Some(question) = self.question(*suspect, Cause::Seen) {
                    self.questions.put(question);
                }
            }
            FromWorker::Sighted(sighting) => {
                self.sightings.note(*sighting);
                let _ = self.sight.sighted();
                self.cycles.send_modify(|cycles| *cycles += 1);
            }
            FromWorker::Traffic(traffic) => self.met(&traffic),
            FromWorker::Impact { number, impact } => {
                if let Some(impact) = self.counting.take(number, impact) {
                    self.recovered(impact).await;
                }
            }
        }
    }

    /// A site may always have had a few failures; that most visitors fail is another matter.
    const fn met(&mut self, traffic: &Traffic) {
        if traffic.failed > traffic.well {
            self.wellness.ill();
        }
    }

    async fn settled(&mut self, settled: Settled) {
        let Settled {
            suspect,
            cause,
            decision,
        } = settled;
        tracing::info!(site = %self.plan.site, route = suspect.route, ?decision, "asked");
        let answer = finding(&decision);
        let is_asked_by_bake = match cause {
            Cause::Seen => false,
            Cause::Hanging if !self.is_hanging(&suspect.release) => return,
            Cause::Hanging => false,
            Cause::Bake(waiting) => waiting.send(answer).is_ok(),
        };
        if self.live.release.as_ref() != Some(&suspect.release) {
            return;
        }
        match decision {
            Decision::Verdict(Verdict::Bad { .. }) if is_asked_by_bake => {}
            Decision::Verdict(Verdict::Bad { evidence }) => self.found_bad(evidence).await,
            Decision::Verdict(Verdict::Hold { trouble }) => self.hold(*trouble).await,
            Decision::Nothing(_) => {}
        }
    }

    /// Whoever can go back is told first; the log is written by them, after they have.
    async fn found_bad(&mut self, evidence: Box<Evidence>) {
        let Some(deployment) = self.live.unconfirmed.clone() else {
            return self.judge(Verdict::Bad { evidence }, None).await;
        };
        self.found = Some((deployment.clone(), evidence.clone()));
        let holds = &self.ledger.holds;
        holds.pass(Side::Before, Moment::Verdict).await;
        self.desk.guard.find_bad(FoundBad { deployment, evidence });
        holds.pass(Side::After, Moment::Verdict).await;
    }

    async fn hold(&mut self, trouble: Trouble) {
        let verdict = Verdict::Hold {
            trouble: Box::new(trouble),
        };
        let deployment = self.live.unconfirmed.clone();
        self.judge(verdict, deployment).await;
    }

    /// A verdict that stands is not written again.
    async fn judge(&mut self, verdict: Verdict, deployment: Option<DeploymentId>) {
        self.wellness.ill();
        let standing = self.ledger.site(&self.plan.site).judged;
        if standing.is_some_and(|standing| is_same(&standing.verdict, &verdict)) {
            return;
        }
        tracing::warn!(site = %self.plan.site, ?verdict, "judged");
        let judged = Event::Judged {
            site: self.plan.site.clone(),
            deployment,
            verdict: Box::new(verdict),
        };
        self.write(judged).await;
    }

    /// Trouble that goes on brings it up again; recovery is looked for each second.
    async fn write(&self, event: Event) {
        if let Err(error) = self.ledger.append(vec![event]).await {
            tracing::warn!(site = %self.plan.site, %error, "not written; tried again if it goes on");
        }
    }

    /// Whether the log waits to be told that the site is well again.
    fn is_awaited(&self) -> bool {
        awaits_recovery(&self.ledger.journal.world(), &self.plan.site)
    }

    async fn recover(&mut self) {
        if self.plan.config.probes.is_empty() {
            // Nobody can be asked: time alone has to do.
            self.wellness.well(self.begun.elapsed());
        }
        let is_asking = !self.questions.is_at_rest() || !self.own.is_at_rest();
        let at_rest = self.live.unconfirmed.is_none() && !is_asking && self.stuck.is_over();
        let is_well = at_rest && !self.sight.is_blind() && self.wellness.is_lasting(self.begun.elapsed());
        let world = self.ledger.journal.world();
        if !is_well || !awaits_recovery(&world, &self.plan.site) {
            return;
        }
        let Some(scope) = scope(&world, &self.plan.site) else {
            return;
        };
        let Some(worker) = &self.worker else {
            if !self.plan.is_watched() {
                self.recovered(Impact::default()).await;
            }
            return;
        };
        if let Some(number) = self.counting.begin()
            && !worker.count_impact(number, scope.release, scope.since)
        {
            self.counting.forget();
        }
    }

    async fn recovered(&mut self, impact: Impact) {
        self.counting = Counting::default();
        if !self.is_awaited() {
            return;
        }
        tracing::info!(site = %self.plan.site, failed = impact.failed_requests, "well again");
        let site = self.plan.site.clone();
        self.write(Event::Recovered { site, impact }).await;
    }
}

/// Whether one says what the other says, whatever was counted meanwhile.
fn is_same(standing: &Verdict, new: &Verdict) -> bool {
    match (standing, new) {
        (Verdict::Bad { evidence: a }, Verdict::Bad { evidence: b }) => a.release == b.release,
        (Verdict::Hold { trouble: a }, Verdict::Hold { trouble: b }) => {
            std::mem::discriminant(&**a) == std::mem::discriminant(&**b)
        }
        // A release found bad is the graver word.
        (Verdict::Bad { .. }, Verdict::Hold { .. }) => true,
        (Verdict::Hold { .. }, Verdict::Bad { .. }) => false,
    }
}

/// What the worker says next; without a worker, nothing ever.
async fn said(worker: &mut Option<Worker>) -> Option<Said> {
    match worker {
        Some(worker) => worker.next().await,
        None => std::future::pending().await,
    }
}

async fn asked(inquiries: &mut Option<mpsc::Receiver<Inquiry>>) -> Option<Inquiry> {
    match inquiries {
        Some(inquiries) => inquiries.recv().await,
        None => std::future::pending().await,
    }
}
