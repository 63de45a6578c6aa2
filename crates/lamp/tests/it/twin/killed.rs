//! A rehearsal that is killed or given up, whenever: nothing is left, and the next one is whole.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lamp_agent::hands::all_causes;
use lamp_lab::Sapi;
use lamp_twin::{Phase, RehearsalPlan};

use super::bench::{Production, eventually, logged, with_tools};
use crate::turn;

const SITE_FILE: &str = "LAMP_TEST_TWIN_SITE";
const STATE: &str = "LAMP_TEST_TWIN_STATE";
const PHASES: [Phase; 4] = [
    Phase::Reading,
    Phase::Starting,
    Phase::AskingLive,
    Phase::AskingCandidate,
];

fn plan(production: &Production) -> RehearsalPlan {
    let mut plan = production.plan("2");
    plan.requests = logged(&["/", "/second.php"]);
    plan
}

/// What a rehearsal may leave: its sandboxes' directories, control groups and mounts.
fn traces(twins: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = entries(twins);
    let name = twins.display().to_string();
    let mounts = fs_err::read_to_string("/proc/self/mountinfo").expect("read");
    found.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&name))
            .map(PathBuf::from),
    );
    found
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(dir).into_iter().flatten();
    entries.map(|entry| entry.expect("read").path()).collect()
}

/// The child of the test below; by itself it has nothing to do.
#[test]
fn rehearses_as_told() {
    let (Some(site), Some(state)) = (std::env::var_os(SITE_FILE), std::env::var_os(STATE)) else {
        return;
    };
    let site = serde_json::from_slice(&fs_err::read(PathBuf::from(site)).expect("read")).expect("a site");
    let plan = RehearsalPlan {
        name: lamp_model::SiteName::parse("shop").expect("a name"),
        site,
        live: Some(super::bench::id("1")),
        candidate: super::bench::id("2"),
        hidden: Vec::new(),
        requests: logged(&["/", "/second.php"]),
        queries: Vec::new(),
        state_dir: PathBuf::from(state),
        bounds: lamp_twin::RehearsalBounds::default(),
    };
    let tell = |phase: Phase| println!("\nphase {}", phase.words());
    let rehearsed = with_tools(&tell, async |tools| lamp_twin::rehearse(plan, tools).await);
    if let Err(error) = rehearsed {
        println!("\nrefused {}", all_causes(&error));
    }
}

fn child(production: &Production) -> Child {
    let this = Command::new(std::env::current_exe().expect("this very test"));
    rehearsing(production, this).spawn().expect("spawned")
}

/// This very test, to rehearse in a process of its own: `command` runs it.
pub(super) fn rehearsing(production: &Production, mut command: Command) -> Command {
    let site = production.place().join("site.json");
    let plan = plan(production);
    fs_err::write(&site, serde_json::to_vec(&plan.site).expect("a value")).expect("written");
    command.args(["--exact", "twin::killed::rehearses_as_told", "--nocapture"]);
    command.env(SITE_FILE, site).env(STATE, plan.state_dir);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

#[test]
fn t6_a_rehearsal_killed_in_any_phase_leaves_nothing() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    production.release("2", &[]);
    for (number, phase) in (0..).zip(PHASES) {
        let mut child = child(&production);
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let wanted = format!("phase {}", phase.words());
        let reached = said.lines().map_while(Result::ok).any(|line| line == wanted);
        assert!(reached, "{phase:?}");
        if phase > Phase::Starting {
            assert!(
                !traces(&production.twins()).is_empty(),
                "control: there is something to leave"
            );
        }
        // Not to wait for something, but to strike anywhere in the phase.
        std::thread::sleep(Duration::from_millis(number * 13 % 40));
        child.kill().expect("killed");
        child.wait().expect("ended");
        // The keepers see their owner die and remove all; what was made before there was a keeper is for the next start.
        eventually(&format!("nothing is left after {phase:?}"), || {
            lamp_sandbox::reap(&production.twins()).expect("reaped");
            traces(&production.twins()).is_empty()
        });
    }
    production
        .rehearse(plan(&production))
        .expect("the next one is whole");
}

#[test]
fn a_rehearsal_that_is_given_up_at_any_time_leaves_nothing() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    production.release("2", &[]);
    for millis in [1, 20, 50, 100, 200, 400] {
        let rehearsed = with_tools(&|_| (), async |tools| {
            let rehearsal = lamp_twin::rehearse(plan(&production), tools);
            tokio::time::timeout(Duration::from_millis(millis), rehearsal).await
        });
        if millis < 50 {
            assert!(rehearsed.is_err(), "control: it was given up");
        }
        eventually(&format!("nothing is left after {millis} ms"), || {
            traces(&production.twins()).is_empty()
        });
    }
    production
        .rehearse(plan(&production))
        .expect("the next one is whole");
}
