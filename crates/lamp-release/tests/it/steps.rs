//! A deployment and a rollback as their plans say, every step run twice.

use std::time::Duration;

use lamp_model::plan::GateScope;
use lamp_model::port::{Live, Switch as _};
use lamp_model::reach::{GraphFile, WholeGraph};
use lamp_model::{DeploymentId, Plan, ReleaseId, SiteName, Step};
use lamp_release::plan::{Coming, Facts, GateTerms, Refusal, Terms, Watch, deploy, rollback};
use lamp_release::source::Source;
use lamp_release::store::Survey;
use lamp_release::{LinkSwitch, Store, step};

use crate::disk::{Disk, Kind, OWNER};
use crate::site::{Site, assert_whole, incoming};

/// A site's store and what executes plans on it.
struct Stand {
    store: Store,
    links: LinkSwitch,
    number: u64,
}

impl Stand {
    fn new(disk: &Disk) -> Self {
        let store = disk.store();
        let links = store.switch().expect("the links");
        Self {
            store,
            links,
            number: 0,
        }
    }

    fn facts(&self) -> Facts {
        let last_good = match self.links.last_good().expect("a link") {
            Live::Release(release) => Some(release),
            Live::Nothing | Live::Invalid(_) => None,
        };
        Facts {
            live: self.links.live().expect("live"),
            rollback_target: last_good.clone(),
            last_good,
            stored: self.store.list().expect("listed"),
            space: self.store.space().expect("space"),
        }
    }

    fn deployment(&mut self) -> DeploymentId {
        self.number += 1;
        DeploymentId::new(SiteName::parse("shop").expect("a name"), self.number)
    }

    fn plan(&mut self, source: &Source) -> (Result<Plan, Refusal>, Survey) {
        let survey = self.store.survey(&source.manifest, None).expect("a survey");
        let coming = match self.store.find_tree(&source.tree).expect("searched") {
            Some(release) => Coming::Stored { release },
            None => Coming::New {
                release: incoming(source, self.number as i64).release,
                survey: survey.clone(),
            },
        };
        let deployment = self.deployment();
        (deploy(deployment, &coming, &terms(), &self.facts()), survey)
    }

    /// Every step twice; probes and workers are the agent's and the stack's matter.
    fn execute(&self, plan: &Plan, mut source: Option<(&mut Source, &Survey)>) {
        for step in &plan.steps {
            for _twice in 0..2 {
                self.run(plan, step, &mut source);
            }
        }
    }

    fn run(&self, plan: &Plan, step: &Step, source: &mut Option<(&mut Source, &Survey)>) {
        let done = match step {
            Step::CheckDisk {
                needed_bytes,
                needed_inodes,
            } => step::check_disk(&self.store, *needed_bytes, *needed_inodes),
            Step::Stage { release, .. } => {
                let (source, survey) = source.as_mut().expect("a plan that stores has a source");
                let mut coming = incoming(source, 0);
                coming.release = release.clone();
                step::stage(&self.store, &coming, survey, *source)
            }
            Step::Seal { release } => step::seal(&self.store, release).map(drop),
            Step::Verify { release } => step::verify(&self.store, release),
            Step::Arm { back_to } => step::arm(&self.links, back_to.as_ref()),
            Step::Switch { to } => step::switch(&self.links, plan.from.as_ref(), to),
            Step::Gate { .. } | Step::AwaitAnswer { .. } | Step::Bake { .. } | Step::ProveWorkers {} => {
                Ok(())
            }
            Step::Confirm { release } => step::confirm(&self.links, release),
        };
        done.unwrap_or_else(|error| panic!("{}: {error}", step.name()));
    }
}

fn terms() -> Terms {
    let gate = GateTerms {
        scope: GateScope::Off,
        overridden: None,
    };
    Terms { gate, watch: watch() }
}

fn watch() -> Watch {
    Watch {
        bake: Duration::ZERO,
        probes: vec!["/".to_owned()],
    }
}

#[track_caller]
fn assert_live(stand: &Stand, release: &ReleaseId) {
    assert_eq!(stand.links.live().expect("live"), Live::Release(release.clone()));
    assert_eq!(
        stand.links.last_good().expect("a link"),
        Live::Release(release.clone())
    );
    assert_eq!(
        stand.links.armed().expect("a link"),
        Live::Nothing,
        "confirmed is disarmed"
    );
    assert_whole(&stand.store, release);
}

#[test]
fn a_deployment_a_second_one_and_a_rollback_end_as_planned_with_every_step_run_twice() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Disk::new(kind);
        let mut stand = Stand::new(&disk);
        let site = Site::new();
        let mut first = site.read();
        let (plan, survey) = stand.plan(&first);
        let a = plan.expect("a plan");
        stand.execute(&a, Some((&mut first, &survey)));
        assert_live(&stand, &a.to);
        site.write("index.php", "<?php // b");
        let mut second = site.read();
        let (plan, survey) = stand.plan(&second);
        let b = plan.expect("a plan");
        stand.execute(&b, Some((&mut second, &survey)));
        assert_live(&stand, &b.to);
        let number = stand.deployment();
        let back = rollback(number, Some(&a.to), &watch(), &stand.facts()).expect("a plan");
        stand.execute(&back, None);
        assert_live(&stand, &a.to);
        let again = stand
            .plan(&second)
            .0
            .expect("a tree that is stored is taken as it is");
        assert_eq!(again.to, b.to);
        stand.execute(&again, None);
        assert_live(&stand, &b.to);
        assert_eq!(stand.store.list().expect("listed").len(), 2);
    }
}

#[test]
fn a_stale_plan_never_switches() {
    let disk = Disk::new(Kind::Xfs);
    let mut stand = Stand::new(&disk);
    let site = Site::new();
    let mut releases = Vec::new();
    for n in 0..3 {
        site.write("index.php", &format!("<?php // {n}"));
        let mut source = site.read();
        let (plan, survey) = stand.plan(&source);
        let plan = plan.expect("a plan");
        stand.execute(&plan, Some((&mut source, &survey)));
        releases.push(plan.to);
    }
    let [a, b, c] = releases.try_into().expect("three");
    let error = step::switch(&stand.links, Some(&a), &b).expect_err("c is live");
    insta::assert_snapshot!(error.to_string().replace(a.as_str(), "A").replace(c.as_str(), "C"), @"the plan is stale: it leads from A, and C is live");
    assert_live(&stand, &c);
    step::switch(&stand.links, Some(&c), &b).expect("the control: made on what is live");
}

#[test]
fn links_that_name_no_release_of_the_store_are_invalid() {
    let disk = Disk::new(Kind::Xfs);
    let stand = Stand::new(&disk);
    let release = crate::site::store_site(&stand.store, &Site::new(), 0);
    for text in [
        "releases/none",
        "../x",
        "/etc",
        "releases/../x",
        "staging",
        "releases",
    ] {
        stand.store.root().remove_file("current").expect("removed");
        stand.store.root().symlink(text, "current").expect("a link");
        assert_eq!(stand.links.live().expect("read"), Live::Invalid(text.to_owned()));
    }
    assert!(
        stand
            .links
            .switch(Some(&ReleaseId::parse("none").expect("a name")))
            .is_err()
    );
    stand.links.switch(Some(&release)).expect("mended by a switch");
    assert_eq!(stand.links.live().expect("read"), Live::Release(release.clone()));
    let in_use = stand.store.prune(&release).expect_err("live");
    assert_eq!(
        in_use.to_string(),
        format!("release {release} is live and is not removed")
    );
    stand.links.switch(None).expect("no release answers");
    assert_eq!(stand.links.live().expect("read"), Live::Nothing);
}

#[test]
fn a_target_that_was_pruned_or_altered_is_refused_and_nothing_switches() {
    let disk = Disk::new(Kind::Xfs);
    let stand = Stand::new(&disk);
    let site = Site::new();
    let a = crate::site::store_site(&stand.store, &site, 0);
    site.write("index.php", "<?php // b");
    let b = crate::site::store_site(&stand.store, &site, 1);
    stand.links.switch(Some(&b)).expect("b answers");
    step::verify(&stand.store, &a).expect("the control");
    let tree = disk.path().join("store/releases").join(a.as_str());
    for file in ["index.php", "lib/part/1.php", "lib/part/2.php", "lib/part/3.php"] {
        fs_err::remove_file(tree.join(file)).expect("removed");
    }
    let altered = step::verify(&stand.store, &a).expect_err("altered");
    stand.store.prune(&a).expect("pruned");
    let pruned = step::verify(&stand.store, &a).expect_err("pruned");
    let told = |error: &step::StepError| format!("{error}\n{}", error.way_out()).replace(a.as_str(), "A");
    insta::assert_snapshot!(format!("{}\n\n{}", told(&altered), told(&pruned)));
    assert_eq!(stand.links.live().expect("read"), Live::Release(b));
}

/// What a process leaves that is killed between making a link and renaming it.
#[test]
fn links_left_over_from_a_crash_stand_in_nobodys_way() {
    let disk = Disk::new(Kind::Xfs);
    let stand = Stand::new(&disk);
    let release = crate::site::store_site(&stand.store, &Site::new(), 0);
    for left in [".current.next", ".link.next", ".go-back"] {
        stand
            .store
            .root()
            .symlink("releases/gone", left)
            .expect("left over");
    }
    step::arm(&stand.links, Some(&release)).expect("armed");
    step::switch(&stand.links, None, &release).expect("switched");
    assert_eq!(stand.links.armed().expect("read"), Live::Release(release.clone()));
    step::confirm(&stand.links, &release).expect("confirmed");
    assert_live(&stand, &release);
    assert_eq!(
        stand
            .links
            .go_back(None)
            .map(|()| stand.links.live().expect("read"))
            .expect("back"),
        Live::Nothing
    );
    let error = stand.links.go_back(Some(&release)).expect_err("nothing is armed");
    assert_eq!(
        error.to_string(),
        format!("no way back to {release} is ready: no release")
    );
}

/// What the gate learned of a release stands beside it, and goes with it, also when a kill came in between.
#[test]
fn what_hangs_on_the_files_of_a_release_is_kept_beside_it_and_goes_with_it() {
    let disk = Disk::new(Kind::Xfs);
    let stand = Stand::new(&disk);
    let store = &stand.store;
    let release = crate::site::store_site(store, &Site::new(), 0);
    assert_eq!(store.graph(&release), None);
    let file = GraphFile {
        path: "index.php".to_owned(),
        is_entry_point: true,
        includes: vec![0],
    };
    let graph = WholeGraph {
        files: vec![file],
        includes_left_out: 7,
    };
    store.keep_graph(&release, &graph).expect("kept");
    store.keep_graph(&release, &graph).expect("kept again");
    assert_eq!(store.graph(&release), Some(graph.clone()));
    assert_whole(store, &release);
    let unknown = ReleaseId::parse("20261122-100001-00000000").expect("a name");
    assert!(store.keep_graph(&unknown, &graph).is_err());
    let graphs = store.root().open_dir("graphs").expect("a part");
    let names = || graphs.names().expect("names").len();
    let orphan = |name: &str| {
        graphs
            .put_file(name, b"{}", OWNER.file(false))
            .expect("left over")
    };
    orphan("20261122-100001-00000000.json");
    assert_eq!(names(), 2, "the control");
    store.recover().expect("recovered");
    assert_eq!((names(), store.graph(&release)), (1, Some(graph)));
    orphan(&format!("{release}.json"));
    assert_eq!(store.graph(&release), None, "what cannot be read is not there");
    store.prune(&release).expect("pruned");
    assert_eq!(names(), 0);
}
