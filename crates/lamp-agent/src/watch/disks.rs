//! The filesystems under what the sites of this host need: stores, logs, databases, the agent's own state. Each is looked at once,
//! however many sites lie on it, and is the first one's incident.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lamp_fleet::{Dir, Host, HostError};
use lamp_model::evidence::{Subject, Urgency};
use lamp_model::name::SiteName;
use lamp_model::state::World;
use lamp_watch::disk::{LOOK_EVERY, Room, Trend, judge};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::WatchPlan;
use super::standing::Found;
use crate::hands::HandsError;
use crate::ledger::Ledger;
use crate::site_hands::{Reach, blocking};

/// A directory that must not run out of room.
#[derive(Debug, Clone)]
struct Place {
    site: SiteName,
    host: Host,
    path: PathBuf,
}

/// A filesystem, and the places on it in the order of lamp.toml.
#[derive(Debug)]
struct Filesystem {
    device: u64,
    places: Vec<(SiteName, String)>,
    room: Room,
}

/// Looks at all of them.
pub struct DiskWatch {
    places: Vec<Place>,
    ledger: Ledger,
    begun: Instant,
    /// By device.
    trends: BTreeMap<u64, Trend>,
}

impl DiskWatch {
    /// Looks at what these sites need.
    pub fn new(watched: &[WatchPlan], ledger: Ledger) -> Self {
        let sites = watched.iter().filter(|plan| plan.is_watched());
        Self {
            places: sites.flat_map(places).collect(),
            ledger,
            begun: Instant::now(),
            trends: BTreeMap::new(),
        }
    }

    /// Looks for ever.
    pub async fn run(mut self) {
        self.forget_others().await;
        let mut beat = interval(LOOK_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            self.look().await;
        }
    }

    /// What lamp.toml names no more is nobody's trouble.
    async fn forget_others(&self) {
        let world = self.ledger.journal.world();
        let sites = world.sites.iter().flat_map(|(site, logged)| {
            let subjects = logged.standing.iter().filter_map(|judged| judged.subject());
            subjects.map(move |subject| (site.clone(), subject))
        });
        let forgotten: Vec<_> = sites
            .filter(|(site, subject)| self.is_forgotten(site, subject))
            .collect();
        for (site, subject) in forgotten {
            let found = Found {
                site,
                subject,
                trouble: None,
            };
            found.write(&self.ledger).await;
        }
    }

    fn is_forgotten(&self, site: &SiteName, subject: &Subject) -> bool {
        let Subject::Disk { path } = subject else {
            return false;
        };
        let mut places = self.places.iter();
        !places.any(|place| place.site == *site && place.path == Path::new(path))
    }

    async fn look(&mut self) {
        let places = self.places.clone();
        // A filesystem that does not answer (a server that is gone) holds up nobody but this.
        let Ok(filesystems) = blocking(move || Ok::<_, HandsError>(filesystems(&places))).await else {
            return;
        };
        self.trends
            .retain(|device, _| filesystems.iter().any(|known| known.device == *device));
        for filesystem in &filesystems {
            self.judge(filesystem).write(&self.ledger).await;
        }
    }

    fn judge(&mut self, filesystem: &Filesystem) -> Found {
        let trend = self.trends.entry(filesystem.device).or_default();
        trend.look(self.begun.elapsed(), filesystem.room.free_bytes);
        let (site, path, standing) = called(&self.ledger.journal.world(), filesystem);
        Found {
            trouble: judge(&path, &filesystem.room, standing, trend),
            subject: Subject::Disk { path },
            site,
        }
    }
}

/// What a filesystem is called: as in the trouble that stands with it, else by the first place on it.
fn called(world: &World, filesystem: &Filesystem) -> (SiteName, String, Option<Urgency>) {
    let standing = filesystem.places.iter().find_map(|(site, path)| {
        let subject = Subject::Disk { path: path.clone() };
        let judged = world.site(site)?.standing_on(&subject)?;
        Some((site.clone(), path.clone(), Some(judged.urgency())))
    });
    standing.unwrap_or_else(|| {
        let (site, path) = filesystem.places[0].clone();
        (site, path, None)
    })
}

/// What one site needs; the agent's state with it, for without it no deployment of the site is safe.
fn places(plan: &WatchPlan) -> Vec<Place> {
    let config = &plan.config;
    let host = Reach(config.clone()).host();
    let parent = |path: &Path| path.parent().map(Path::to_owned);
    let of_site = [
        Some(config.store.as_path().to_owned()),
        parent(config.access_log.as_path()),
        config.error_log.as_ref().and_then(|log| parent(log.as_path())),
        config
            .database
            .as_ref()
            .map(|database| database.datadir.as_path().to_owned()),
    ];
    let place = |host: &Host, path| Place {
        site: plan.site.clone(),
        host: host.clone(),
        path,
    };
    let mut found: Vec<Place> = of_site
        .into_iter()
        .flatten()
        .map(|path| place(&host, path))
        .collect();
    found.push(place(&Host::local(), plan.state_dir.clone()));
    found
}

/// Each filesystem once. What is not there yet, or cannot be reached, is left out.
fn filesystems(places: &[Place]) -> Vec<Filesystem> {
    let mut found: Vec<Filesystem> = Vec::new();
    for place in places {
        let Ok((device, room)) = look_at(place) else {
            continue;
        };
        let named = (place.site.clone(), place.path.display().to_string());
        match found.iter_mut().find(|known| known.device == device) {
            Some(known) => known.places.push(named),
            None => found.push(Filesystem {
                device,
                places: vec![named],
                room,
            }),
        }
    }
    found
}

fn look_at(place: &Place) -> Result<(u64, Room), HostError> {
    let dir: Dir = place.host.dir(&place.path)?;
    let space = dir.space()?;
    let room = Room {
        free_bytes: space.free_bytes,
        usable_bytes: space.usable_bytes,
        free_inodes: space.free_inodes,
        total_inodes: space.total_inodes,
    };
    Ok((dir.own_meta()?.dev, room))
}
