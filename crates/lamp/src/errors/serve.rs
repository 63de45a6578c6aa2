//! Trouble with the controller.

use std::io;
use std::net::SocketAddr;

use super::{Kind, Trouble};
use crate::serve::config::ServeConfig;
use crate::serve::results::ResultsError;

/// Root may not be the controller.
pub fn is_root(group: &str) -> Trouble {
    Trouble::because(
        Kind::Mistake,
        "start the controller",
        "it speaks to the network, and this is root",
        format!(
            "run it as a user of group {group}: `setpriv --reuid lamp --regid {group} --init-groups lamp serve`, or its unit"
        ),
    )
}

/// Nobody can ask how it goes.
pub fn no_listener(listen: SocketAddr, error: &io::Error) -> Trouble {
    Trouble::new(
        Kind::Environment,
        format!("listen at {listen}"),
        error,
        "free that port, or choose another: [serve] listen in lamp.toml",
    )
}

/// Its own directory cannot be used.
pub fn no_results(config: &ServeConfig, error: &ResultsError) -> Trouble {
    let way_out = match error {
        ResultsError::Io(_) => format!(
            "give {} to the user that runs this, or choose another: [serve] state_dir in lamp.toml",
            config.state_dir.display()
        ),
        ResultsError::Locked { .. } => "one `lamp serve` is enough; end the other".to_owned(),
        ResultsError::Broken { path, .. } => format!(
            "move {} away: at worst a page is sent again, under its own key",
            path.display()
        ),
    };
    Trouble::new(Kind::Environment, "keep the results of pages", error, way_out)
}
