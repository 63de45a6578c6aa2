//! How a site is reached: its host, its store, its Apache.

use std::time::Duration;

use lamp_fleet::file::Ownership;
use lamp_fleet::{Host, HostError};
use lamp_http::{Builder, Client, Scheme, Trust};
use lamp_release::config::{self, SiteConfig};
use lamp_release::{Owner, Store};

use super::{HandsError, of_http, of_store};

/// Connections that the asking keeps open.
const WARM_CONNECTIONS_MAX: usize = 4;

/// A site's configuration, and the ways that follow from it.
pub(crate) struct Reach(pub(crate) SiteConfig);

impl Reach {
    /// Its host: this machine, or the inside of a sandbox on it.
    pub(crate) fn host(&self) -> Host {
        self.0
            .inside
            .as_ref()
            .map_or_else(Host::local, |inside| Host::inside(inside.as_path()))
    }

    /// Its store, which must be there.
    pub(super) fn store(&self) -> Result<Store, HandsError> {
        let host = self.host();
        let owner = self.owner(&host)?;
        let root = host
            .dir(self.0.store.as_path())
            .map_err(|error| HandsError::failed(&error))?;
        Store::open(root, owner).map_err(|error| of_store(&error))
    }

    /// Its store, made if it is not there; the directory that it lies in must be.
    pub(super) fn create_store(&self) -> Result<Store, HandsError> {
        let host = self.host();
        let owner = self.owner(&host)?;
        let root = self
            .ensure_root(&host, owner.dir())
            .map_err(|error| HandsError::failed(&error))?;
        Store::create(root, owner).map_err(|error| of_store(&error))
    }

    fn ensure_root(&self, host: &Host, owned: Ownership) -> Result<lamp_fleet::Dir, HostError> {
        let path = self.0.store.as_path();
        let (parent, name) = host.dir_of(path)?;
        if parent.find(name)?.is_none() {
            parent.ensure_dir(name, owned)?;
            parent.sync()?;
        }
        host.dir(path)
    }

    fn owner(&self, host: &Host) -> Result<Owner, HandsError> {
        let gid = host
            .gid_of(&self.0.group)
            .map_err(|error| HandsError::failed(&error))?;
        Ok(Owner { uid: 0, gid })
    }

    /// Asks as a visitor does: through Apache, by its address, under the site's host name.
    pub(super) fn client(&self) -> Result<Client, HandsError> {
        self.visitor()?.build().map_err(|error| of_http(&error))
    }

    /// The same, answered within `timeout`; a few connections stay open between two requests.
    pub(crate) fn asking(&self, timeout: Duration) -> Result<Client, HandsError> {
        let visitor = self.visitor()?.timeout(timeout).idle_max(WARM_CONNECTIONS_MAX);
        visitor.build().map_err(|error| of_http(&error))
    }

    fn visitor(&self) -> Result<Builder, HandsError> {
        let scheme = match self.0.scheme {
            config::Scheme::Http => Scheme::Http,
            config::Scheme::Https => Scheme::Https,
        };
        let net = self.host().net().map_err(|error| HandsError::failed(&error))?;
        let client = Client::at(scheme, self.0.hostname.clone(), self.0.address);
        Ok(client.maybe_inside(net).trust(Trust::AnyCertificate))
    }
}

/// Runs work on files where it holds nobody up.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HandsError> + Send + 'static,
) -> Result<T, HandsError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(HandsError::failed(&error)))
}
