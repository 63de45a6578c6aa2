//! Puts an agent together: its directory and lock, the log and its lease, the sites.

use std::sync::Arc;

use lamp_agent::armed::ArmedDir;
use lamp_agent::asker::DoorKeeper;
use lamp_agent::clock::SystemClock;
use lamp_agent::desk::Desk;
use lamp_agent::hold::Holds;
use lamp_agent::ledger::Ledger;
use lamp_agent::site_hands::SiteHands;
use lamp_agent::state_dir::StateDir;
use lamp_agent::watch::WatchPlan;
use lamp_agent::{Running, access::Access};
use lamp_log::{HostProcesses, Journal, SqliteLeases, SqliteLog, Writer};
use lamp_model::SiteName;
use lamp_model::clock::Clock;
use lamp_model::port::{EventLog, Grant, Leases};
use lamp_release::SiteConfig;

use super::door::side_door;
use super::gate::{OWN_PROGRAM, gatekeeper};
use super::outside::{host, outside};
use crate::config::Config;
use crate::errors::{Trouble, log as told};

/// The lease under which the log is written.
const LOG_LEASE: &str = "log";

/// An agent that runs; its directory is locked as long as this value lives.
pub struct App {
    /// The agent.
    pub running: Running,
    _state_dir: StateDir,
}

/// Builds and starts an agent on the system's clock.
pub async fn start(config: &Config) -> Result<App, Trouble> {
    let clock = SystemClock::new().map_err(|error| told::no_clock(&error))?;
    start_with(config, Arc::new(clock)).await
}

/// Builds and starts an agent on this clock.
pub async fn start_with(config: &Config, clock: Arc<dyn Clock>) -> Result<App, Trouble> {
    let state_dir = StateDir::open(&config.agent.state_dir).map_err(|error| told::state_dir(&error))?;
    let desks = desks(config, &clock);
    let (ledger, grant) = match ledger(&state_dir, Arc::clone(&clock)).await {
        Ok(ledger) => ledger,
        Err(trouble) => {
            go_back_unlogged(&desks, &ArmedDir::new(state_dir.armed())).await;
            return Err(trouble);
        }
    };
    let parts = lamp_agent::Parts {
        desks,
        ledger,
        grant,
        armed: ArmedDir::new(state_dir.armed()),
        access: Access::of_group(&config.agent.group),
        config: config.hash,
        paging_held: state_dir.paging_held(),
        outside: outside(config, &clock),
        watched: watched(config),
    };
    let running = lamp_agent::start(parts, &config.agent.socket).await;
    let running = running.map_err(|error| told::no_socket(&config.agent.socket, &error))?;
    // Last: no release waits for it that has to go back.
    lamp_agent::gate::twin::reap(config.agent.state_dir.clone()).await;
    Ok(App {
        running,
        _state_dir: state_dir,
    })
}

fn desks(config: &Config, clock: &Arc<dyn Clock>) -> Vec<Desk> {
    let sites = config.sites.iter();
    let desk = sites.map(|(site, section)| {
        let hands = SiteHands::new(site.clone(), section.clone(), Arc::clone(clock));
        let hands = hands
            .door(door(config))
            .gate(gatekeeper(config, (site, section), clock));
        Desk::new(site.clone(), Arc::new(hands))
    });
    desk.collect()
}

fn door(config: &Config) -> Option<Arc<dyn DoorKeeper>> {
    side_door(&config.agent.state_dir).map(|door| Arc::new(door) as Arc<dyn DoorKeeper>)
}

fn watched(config: &Config) -> Vec<WatchPlan> {
    let door = door(config);
    let plan = |(site, section): (&SiteName, &SiteConfig)| WatchPlan {
        site: site.clone(),
        config: section.clone(),
        door: door.clone(),
        program: OWN_PROGRAM.into(),
        state_dir: config.agent.state_dir.clone(),
    };
    config.sites.iter().map(plan).collect()
}

/// Without its log an agent does not start; but no unconfirmed release stays live for that.
async fn go_back_unlogged(desks: &[Desk], armed: &ArmedDir) {
    for desk in desks {
        if let Err(error) = lamp_agent::settle::go_back_unlogged(desk, armed).await {
            tracing::error!(site = %desk.site, %error, "does not go back");
        }
    }
}

async fn ledger(state_dir: &StateDir, clock: Arc<dyn Clock>) -> Result<(Ledger, Grant), Trouble> {
    let path = state_dir.log();
    let log = SqliteLog::open(&path).map_err(|error| told::unusable(&path, &error))?;
    let log = Arc::new(log);
    let leases: Arc<dyn Leases> = Arc::new(SqliteLeases::new(Arc::clone(&log), Arc::new(HostProcesses)));
    let grant = lease(&*leases, &*clock)
        .await
        .map_err(|error| told::unusable(&path, &error))?;
    let writer = Writer::random().map_err(|error| told::no_random(&error))?;
    let parts = lamp_log::Parts {
        log: Arc::clone(&log) as Arc<dyn EventLog>,
        snapshots: Arc::clone(&log) as Arc<dyn lamp_log::Snapshots>,
        clock: Arc::clone(&clock),
        writer,
        epoch: grant.epoch,
        host: host(),
    };
    let journal = Journal::open(parts)
        .await
        .map_err(|error| told::unusable(&path, &error))?;
    let ledger = Ledger {
        journal,
        log,
        leases,
        clock,
        holds: Holds::new(state_dir.hold()),
    };
    Ok((ledger, grant))
}

/// The lock on the directory shows that no other agent lives: what one still holds is stale.
async fn lease(leases: &dyn Leases, clock: &dyn Clock) -> Result<Grant, lamp_model::port::LeaseError> {
    if let Some(stale) = leases.holder(LOG_LEASE, clock.boot_time()).await? {
        leases.release(&stale).await?;
    }
    let holder = lamp_model::port::Holder {
        purpose: "agent".to_owned(),
        pid: lamp_agent::ledger::own_pid(),
    };
    leases
        .acquire(
            LOG_LEASE,
            holder,
            lamp_agent::ledger::LEASE_TTL,
            clock.boot_time(),
        )
        .await
}
