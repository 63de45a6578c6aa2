//! From a plan to a running twin.
//!
//! What waits for the kernel runs beside the runtime. A caller that gives up lets go of what such work makes, and that ends and
//! removes itself; work that takes long looks now and then whether anybody still waits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lamp_fleet::Host;
use lamp_fleet::file::Ownership;
use lamp_model::clock::BootTime;
use lamp_sandbox::{InitProgram, StartError};

use crate::certificate::Certificate;
use crate::database::{Base, Source};
use crate::error::TwinError;
use crate::form::{self, Form, Place};
use crate::memory;
use crate::outside::Outside;
use crate::plan::{Phase, RehearsalPlan, Tools};
use crate::recipe::Recipe;
use crate::twin::{Shell, StartOrTwin, Twin};

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

/// Builds a twin of the plan's site and starts its services; production's live release answers in it. Dropping the future, or
/// the twin, ends it and leaves nothing.
pub async fn up(plan: RehearsalPlan, tools: &Tools<'_>) -> Result<Twin, TwinError> {
    let work = Work::begin(plan, tools);
    let prepared = work.prepare(tools).await?;
    work.twin(prepared, tools).await
}

/// What every part of a rehearsal needs, wherever it runs.
pub(crate) struct Work {
    shared: Arc<Shared>,
}

struct Shared {
    plan: Arc<RehearsalPlan>,
    init: InitProgram,
    given_up: GivenUp,
}

/// Whether the caller has given up.
#[derive(Debug, Clone, Default)]
pub(crate) struct GivenUp(Arc<AtomicBool>);

impl GivenUp {
    /// Ends work that nobody waits for.
    pub(crate) fn check(&self) -> Result<(), TwinError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(TwinError::Interrupted);
        }
        Ok(())
    }
}

/// What is there before a twin is built: production as found, and the prepared database if the site has one.
pub(crate) struct Prepared {
    recipe: Arc<Recipe>,
    base: Option<Base>,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.shared.given_up.0.store(true, Ordering::Relaxed);
    }
}

impl Work {
    pub(crate) fn begin(plan: RehearsalPlan, tools: &Tools<'_>) -> Self {
        let shared = Shared {
            plan: Arc::new(plan),
            init: tools.init.clone(),
            given_up: GivenUp::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn plan(&self) -> &Arc<RehearsalPlan> {
        &self.shared.plan
    }

    /// Runs what waits for the kernel beside the runtime.
    async fn in_background<T, F>(&self, run: F) -> Result<T, TwinError>
    where
        T: Send + 'static,
        F: FnOnce(&Shared) -> Result<T, TwinError> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let running = tokio::task::spawn_blocking(move || run(&shared));
        running.await.unwrap_or(Err(TwinError::Interrupted))
    }

    /// Reads production, and renews the prepared database if it is old.
    pub(crate) async fn prepare(&self, tools: &Tools<'_>) -> Result<Prepared, TwinError> {
        (tools.progress)(Phase::Reading);
        let recipe = Arc::new(self.in_background(Shared::read).await?);
        let opened = Arc::clone(&recipe);
        let base = self.in_background(move |shared| shared.with_source(&opened, Base::open));
        let Some(base) = base.await? else {
            return Ok(Prepared { recipe, base: None });
        };
        let base = self.renewed(base, &recipe, tools).await?;
        Ok(Prepared {
            recipe,
            base: Some(base),
        })
    }

    async fn renewed(&self, base: Base, recipe: &Arc<Recipe>, tools: &Tools<'_>) -> Result<Base, TwinError> {
        let is_stale = base.is_stale(tools.clock, self.plan().bounds.base_age_max)?;
        if !is_stale && !base.is_small()? {
            return Ok(base);
        }
        (tools.progress)(Phase::CopyingDatabase);
        let (recipe, taken): (_, BootTime) = (Arc::clone(recipe), tools.clock.boot_time());
        let renewed = self.in_background(move |shared| {
            match shared.with_source(&recipe, |source| base.renew(source, &taken)) {
                Err(error) if !is_stale => {
                    tracing::warn!(%error, "the database is not copied; a young copy serves");
                    Ok(base)
                }
                renewed => renewed.map(|_| base),
            }
        });
        renewed.await
    }

    /// Builds the twin and starts its services.
    pub(crate) async fn twin(&self, prepared: Prepared, tools: &Tools<'_>) -> Result<Twin, TwinError> {
        (tools.progress)(Phase::Starting);
        let start = move |shared: &Shared| {
            let Prepared { recipe, base } = prepared;
            let (shell, form) = shared.build(&recipe, base)?;
            let local = shared.plan.site.address.ip();
            let local = (!local.is_unspecified() && !local.is_loopback()).then_some(local);
            let outside = Outside::begin(shell.sandbox(), local.as_slice())?;
            shell.start(form, outside, &shared.plan, &shared.given_up)
        };
        self.in_background(start).await
    }

    /// Ends the twin; nothing of it is left when this is done.
    pub(crate) async fn end(&self, twin: Twin) -> Result<(), TwinError> {
        self.in_background(move |_| twin.end()).await
    }
}

impl Shared {
    fn read(&self) -> Result<Recipe, TwinError> {
        memory::check(self.plan.bounds.memory_min_bytes)?;
        let state = Host::local()
            .dir(&self.plan.state_dir)
            .map_err(TwinError::Production)?;
        state.ensure_dir("twins", ROOT_ALONE)?;
        // What killed ones left.
        reap(&self.plan.state_dir)?;
        Recipe::read(&self.plan.site)
    }

    /// Where twins live.
    fn parent(&self) -> PathBuf {
        twins(&self.plan.state_dir)
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
            given_up: &self.given_up,
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

/// Removes what rehearsals left whose agent was killed. Twins that live are left alone.
pub fn reap(state_dir: &Path) -> Result<(), TwinError> {
    lamp_sandbox::reap(&twins(state_dir))?;
    Ok(())
}

fn twins(state_dir: &Path) -> PathBuf {
    state_dir.join("twins")
}

/// As a sandbox's name may be.
pub(crate) fn letters(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().take(40).map(letter).collect()
}
