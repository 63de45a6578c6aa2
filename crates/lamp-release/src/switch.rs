//! The switch: the link `current`, and the one function that changes it.
//!
//! `current` reads exactly `releases/<id>`; Apache, cron and shells all follow it. It is changed by a rename
//! over it, so there is no moment without it, and made durable before anyone is told.
//!
//! The way back is a second link, `.go-back`, that lies ready beside it while a deployment is unconfirmed:
//! going back is one rename, which needs neither a free block nor a free inode.
//!
//! Invariant: [`LinkSwitch::answer_from`] alone alters `current`.

use lamp_fleet::{Dir, DirError};
use lamp_model::ReleaseId;
use lamp_model::port::{Live, Switch};

/// What answers requests.
pub const CURRENT: &str = "current";
/// The last confirmed release: answers when `current` is no valid link.
pub const LAST_GOOD: &str = "last-good";
/// The way back, ready while a deployment is unconfirmed.
pub const GO_BACK: &str = ".go-back";
/// The next `current`, for the moment between making and renaming it.
const NEXT: &str = ".current.next";
/// The next of any other link, likewise.
const NEXT_OTHER: &str = ".link.next";
/// Where releases lie, as the links say it.
const RELEASES: &str = "releases";

/// Why what answers could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// A file operation on the store.
    #[error(transparent)]
    File(#[from] DirError),
    /// There is no such release to answer from.
    #[error("the store has no release {release} to switch to")]
    NoRelease {
        /// Which.
        release: ReleaseId,
    },
    /// What is live is not what the plan was made on.
    #[error("the plan is stale: it leads from {planned}, and {found} is live")]
    Stale {
        /// As the plan says.
        planned: String,
        /// As `current` says.
        found: String,
    },
    /// No way back is ready.
    #[error("no way back to {wanted} is ready: {found}")]
    NotArmed {
        /// Where it should lead.
        wanted: String,
        /// What is there instead.
        found: String,
    },
}

/// The links of one store.
#[derive(Debug)]
pub struct LinkSwitch {
    store: Dir,
}

/// The next thing to answer from.
enum Next<'a> {
    /// The release that the ready link of this name leads to.
    Link(&'a str),
    /// None.
    Nothing,
}

impl LinkSwitch {
    /// The switch of the store at `store`.
    pub const fn new(store: Dir) -> Self {
        Self { store }
    }

    /// Changes what answers requests. Nothing else does.
    fn answer_from(&self, next: &Next<'_>) -> Result<(), SwitchError> {
        match next {
            Next::Link(ready) => self.store.rename(ready, CURRENT)?,
            Next::Nothing => self.store.remove_file(CURRENT)?,
        }
        Ok(self.store.sync()?)
    }

    /// Puts the way back on disk: a ready link to `back_to`, or none where no release answered before.
    pub fn arm(&self, back_to: Option<&ReleaseId>) -> Result<(), SwitchError> {
        match back_to {
            Some(release) => self.point(GO_BACK, release),
            None => self.disarm(),
        }
    }

    /// Takes the way back away.
    pub fn disarm(&self) -> Result<(), SwitchError> {
        self.store.remove_file(GO_BACK)?;
        Ok(self.store.sync()?)
    }

    /// Where the ready link leads, if there is one.
    pub fn armed(&self) -> Result<Live, SwitchError> {
        self.read(GO_BACK)
    }

    /// Goes back: one rename of the ready link, with no need of free space. Done already is done.
    pub fn go_back(&self, back_to: Option<&ReleaseId>) -> Result<(), SwitchError> {
        let Some(release) = back_to else {
            return self.answer_from(&Next::Nothing);
        };
        let armed = self.armed()?;
        if armed == Live::Release(release.clone()) {
            return self.answer_from(&Next::Link(GO_BACK));
        }
        if self.live()? == Live::Release(release.clone()) {
            return Ok(self.store.sync()?);
        }
        Err(SwitchError::NotArmed {
            wanted: release.to_string(),
            found: words(&armed),
        })
    }

    /// Names `release` as the last good one: what answers when `current` is no valid link.
    pub fn set_last_good(&self, release: &ReleaseId) -> Result<(), SwitchError> {
        if self.last_good()? == Live::Release(release.clone()) {
            return Ok(());
        }
        self.point(LAST_GOOD, release)
    }

    /// The last confirmed release.
    pub fn last_good(&self) -> Result<Live, SwitchError> {
        self.read(LAST_GOOD)
    }

    /// Refuses when what is live is neither what the plan leads from nor what it leads to.
    pub fn refuse_stale(&self, from: Option<&ReleaseId>, to: &ReleaseId) -> Result<(), SwitchError> {
        let live = self.live()?;
        let as_planned = match &live {
            Live::Release(found) => Some(found) == from || found == to,
            // An invalid link answers from no release of its own: nothing that the plan could overrun.
            Live::Nothing | Live::Invalid(_) => from.is_none(),
        };
        if as_planned {
            return Ok(());
        }
        Err(SwitchError::Stale {
            planned: from.map_or_else(|| "no release".to_owned(), ToString::to_string),
            found: words(&live),
        })
    }

    fn point(&self, link: &str, release: &ReleaseId) -> Result<(), SwitchError> {
        self.make(NEXT_OTHER, release)?;
        self.store.rename(NEXT_OTHER, link)?;
        Ok(self.store.sync()?)
    }

    fn make(&self, link: &str, release: &ReleaseId) -> Result<(), SwitchError> {
        self.store.remove_file(link)?;
        Ok(self.store.symlink(&format!("{RELEASES}/{release}"), link)?)
    }

    fn read(&self, link: &str) -> Result<Live, SwitchError> {
        match self.store.read_link(link) {
            Ok(text) => Ok(self.parse(&text)),
            Err(error) if error.is_not_found() => Ok(Live::Nothing),
            Err(error) if error.is(rustix::io::Errno::INVAL) => Ok(Live::Invalid("not a link".to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// The same rule as mod_lamp's: `releases/` and a release id, and the release is there.
    fn parse(&self, text: &[u8]) -> Live {
        let invalid = || Live::Invalid(String::from_utf8_lossy(text).into_owned());
        let named = std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.strip_prefix("releases/"))
            .and_then(|id| ReleaseId::parse(id).ok());
        match named {
            Some(release) if self.has(&release) => Live::Release(release),
            Some(_) | None => invalid(),
        }
    }

    fn has(&self, release: &ReleaseId) -> bool {
        self.store.open_dir(format!("{RELEASES}/{release}")).is_ok()
    }
}

impl Switch for LinkSwitch {
    type Error = SwitchError;

    fn live(&self) -> Result<Live, SwitchError> {
        self.read(CURRENT)
    }

    fn switch(&self, to: Option<&ReleaseId>) -> Result<(), SwitchError> {
        let Some(release) = to else {
            return self.answer_from(&Next::Nothing);
        };
        if !self.has(release) {
            return Err(SwitchError::NoRelease {
                release: release.clone(),
            });
        }
        self.make(NEXT, release)?;
        self.answer_from(&Next::Link(NEXT))
    }
}

/// What answers, in words.
pub fn words(live: &Live) -> String {
    match live {
        Live::Nothing => "no release".to_owned(),
        Live::Release(release) => release.to_string(),
        Live::Invalid(text) => format!("an invalid link ({text:?})"),
    }
}
