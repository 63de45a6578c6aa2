//! One rehearsal from end to end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use lamp_fleet::Host;
use lamp_fleet::file::Ownership;
use lamp_model::clock::BootTime;
use lamp_model::gate::{Coverage, Rehearsal};
use lamp_sandbox::{InitProgram, StartError};

use crate::certificate::Certificate;
use crate::database::{Base, Source};
use crate::error::TwinError;
use crate::form::{self, Form, Place};
use crate::memory;
use crate::outside::Outside;
use crate::plan::{Phase, RehearsalPlan, Tools};
use crate::recipe::Recipe;
use crate::replay::compare;
use crate::replay::{self, Replayed, Time};
use crate::twin::{Shell, StartOrTwin};

/// How often other users are tried when those that were free have been taken meanwhile.
const USERS_TRIES_MAX: u32 = 16;

/// A directory that nobody but root looks into.
pub(crate) const ROOT_ALONE: Ownership = Ownership {
    uid: 0,
    gid: 0,
    mode: 0o700,
};
/// A file likewise.
pub(crate) const ROOT_FILE: Ownership = Ownership {
    uid: 0,
    gid: 0,
    mode: 0o600,
};

/// Rehearses the candidate: builds a twin, asks both releases, compares. Dropping the future ends it and leaves
/// nothing; it takes no longer than the plan's bounds allow.
pub async fn rehearse(plan: RehearsalPlan, tools: &Tools<'_>) -> Result<Rehearsal, TwinError> {
    let begun = Instant::now();
    (tools.progress)(Phase::Reading);
    let work = Arc::new(Work {
        init: tools.init.clone(),
        plan,
    });
    let recipe = Arc::new(in_background(&work, Work::read).await?);
    let base = renewed_base(&work, &recipe, tools).await?;
    let most = work.plan.bounds.total_max;
    let seconds = most.as_secs();
    let at = std::sync::Mutex::new(Phase::Starting);
    let told = |phase| {
        *at.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = phase;
        (tools.progress)(phase);
    };
    let tools = Tools {
        progress: &told,
        ..*tools
    };
    let rehearsed = tokio::time::timeout(most, in_twin(&work, &recipe, base, &tools)).await;
    let mut rehearsal = rehearsed.unwrap_or_else(|_| {
        let at = at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .words();
        Err(TwinError::TooSlow { seconds, at })
    })?;
    rehearsal.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(rehearsal)
}

/// What every part of a rehearsal needs, wherever it runs.
struct Work {
    plan: RehearsalPlan,
    init: InitProgram,
}

/// Runs what waits for the kernel beside the runtime. A caller that gives up lets go of what it makes, and that
/// ends and removes itself.
async fn in_background<T, F>(work: &Arc<Work>, run: F) -> Result<T, TwinError>
where
    T: Send + 'static,
    F: FnOnce(&Work) -> Result<T, TwinError> + Send + 'static,
{
    let work = Arc::clone(work);
    let running = tokio::task::spawn_blocking(move || run(&work));
    running.await.unwrap_or(Err(TwinError::Interrupted))
}

/// The site's prepared database, young enough; `None` if it has no database.
async fn renewed_base(
    work: &Arc<Work>,
    recipe: &Arc<Recipe>,
    tools: &Tools<'_>,
) -> Result<Option<Base>, TwinError> {
    if work.plan.site.database.is_none() {
        return Ok(None);
    }
    let recipe = Arc::clone(recipe);
    let opened = Arc::clone(&recipe);
    let Some(base) = in_background(work, move |work| work.with_source(&opened, Base::open)).await? else {
        return Ok(None);
    };
    if !base.is_stale(tools.clock, work.plan.bounds.base_age_max)? {
        return Ok(Some(base));
    }
    (tools.progress)(Phase::CopyingDatabase);
    let taken: BootTime = tools.clock.boot_time();
    let base = in_background(work, move |work| {
        work.with_source(&recipe, |source| base.renew(source, &taken))?;
        Ok(base)
    });
    base.await.map(Some)
}

async fn in_twin(
    work: &Arc<Work>,
    recipe: &Arc<Recipe>,
    base: Option<Base>,
    tools: &Tools<'_>,
) -> Result<Rehearsal, TwinError> {
    let begun = Instant::now();
    (tools.progress)(Phase::Starting);
    let built = Arc::clone(recipe);
    let (shell, form) = in_background(work, move |work| work.build(&built, base)).await?;
    let local = work.plan.site.address.ip();
    let local = (!local.is_unspecified() && !local.is_loopback()).then_some(local);
    let outside = Outside::begin(shell.sandbox(), local.as_slice())?;
    let (twin, form) = in_background(work, move |work| {
        let twin = shell.start(&form, work.plan.bounds.start_max)?;
        Ok((twin, form))
    })
    .await?;
    let time = Time {
        begun,
        most: work.plan.bounds.total_max,
    };
    let replayed = replay::replay(&twin, &work.plan, tools, time).await?;
    (tools.progress)(Phase::Comparing);
    let rehearsal = told(replayed, form, &outside);
    // Said aloud, before the answer: whoever has it may count on the twin being gone.
    in_background(work, move |_| twin.end()).await?;
    Ok(rehearsal)
}

/// What was seen, as it is kept.
fn told(replayed: Replayed, form: Form, outside: &Outside) -> Rehearsal {
    let requests = replayed
        .asked
        .iter()
        .filter(|asked| asked.candidate.is_some())
        .count() as u64;
    Rehearsal {
        coverage: Coverage {
            routes_known: replayed.chosen.known,
            routes_asked: requests,
            requests,
            php_files_run: replayed.php_files_run,
            php_files: replayed.php_files,
            not_replayed: replayed.chosen.not_replayed,
        },
        causes: compare::causes(&replayed.asked),
        differs: form.differs.into_iter().chain(replayed.unseen).collect(),
        outside_calls: outside.calls(),
        elapsed_ms: 0,
    }
}

impl Work {
    fn read(&self) -> Result<Recipe, TwinError> {
        memory::check(self.plan.bounds.memory_min_bytes)?;
        let state = Host::local()
            .dir(&self.plan.state_dir)
            .map_err(TwinError::Production)?;
        state.ensure_dir("twins", ROOT_ALONE)?;
        // What killed ones left.
        lamp_sandbox::reap(&self.parent())?;
        Recipe::read(&self.plan.site)
    }

    /// Where twins live.
    fn parent(&self) -> PathBuf {
        self.plan.state_dir.join("twins")
    }

    /// `None` if the site has no database.
    fn with_source<T>(
        &self,
        recipe: &Recipe,
        run: impl FnOnce(&Source<'_>) -> Result<T, TwinError>,
    ) -> Result<Option<T>, TwinError> {
        let database = self.plan.site.database.as_ref();
        let source = database.map(|database| Source {
            plan: &self.plan,
            recipe,
            database,
            init: &self.init,
        });
        source.as_ref().map(run).transpose()
    }

    /// Builds the twin, nothing running in it yet, with its copy of the database.
    fn build(&self, recipe: &Recipe, base: Option<Base>) -> Result<(Shell, Form), TwinError> {
        let certificate = Certificate::make(&self.plan.site.hostname)?;
        let (shell, form, place) = self.build_sandbox(recipe, &certificate)?;
        if let Some(base) = base {
            let own = Host::local().dir(place.database()).map_err(TwinError::Inside)?;
            base.copy_into(&own)?;
        }
        Ok((shell, form))
    }

    /// In users that no other twin has.
    fn build_sandbox(
        &self,
        recipe: &Recipe,
        certificate: &Certificate,
    ) -> Result<(Shell, Form, Place), TwinError> {
        let parent = self.parent();
        let mut tries = 0;
        loop {
            let users = lamp_sandbox::free_users(&parent)?;
            let users = users.ok_or_else(|| TwinError::NoUsers {
                parent: parent.clone(),
            })?;
            let place = Place {
                name: format!("twin-{}", letters(self.plan.name.as_str())),
                state_dir: parent.join(format!("{}-{:x}", self.plan.name, users.base())),
                users,
            };
            let form = form::form(recipe, &self.plan.site, &self.plan.hidden, &place, certificate);
            match Shell::build(&form, users, &self.init) {
                Ok(shell) => return Ok((shell, form, place)),
                Err(StartOrTwin::Start(StartError::UsersTaken { .. } | StartError::Taken { .. }))
                    if tries < USERS_TRIES_MAX =>
                {
                    tries += 1;
                }
                Err(StartOrTwin::Start(error)) => return Err(TwinError::Start(error)),
                Err(StartOrTwin::Twin(error)) => return Err(error),
            }
        }
    }
}

/// As a sandbox's name may be.
pub(crate) fn letters(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().take(40).map(letter).collect()
}
