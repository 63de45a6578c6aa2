//! What is a failure, and which failures are of one kind.

use lamp_logline::{AccessLine, Method, RouteShape};
use lamp_model::evidence::{ErrorKind, ErrorSignature};

/// A failed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    kind: Kind,
    route: RouteShape,
    error: Option<ErrorSignature>,
}

/// Failures of one kind are asked about once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A route ends in this fatal error. Lines move as files are edited, so the line is no part of it.
    Fatal {
        route: RouteShape,
        message: String,
        path: Option<String>,
    },
    /// A route answers this.
    Status { route: RouteShape, status: u16 },
    /// Whatever it is, nothing else is left.
    NothingElse,
}

impl Failure {
    /// Whether a request failed: PHP ended it, or the server did, at something that it knows how to do.
    pub(super) fn of(line: &AccessLine, error: Option<ErrorSignature>) -> Option<Self> {
        let path = line.request.as_ref().and_then(|request| request.path());
        let route = RouteShape::of(path.unwrap_or("{other}"));
        let fatal = error.as_ref().filter(|error| error.kind == ErrorKind::Fatal);
        let kind = match (fatal, line.status) {
            (Some(fatal), _) => Kind::Fatal {
                route: route.clone(),
                message: fatal.message.clone(),
                path: fatal.place.as_ref().map(|place| place.path.clone()),
            },
            (None, Some(status)) if status >= 500 && !is_visitors_doing(line, status) => Kind::Status {
                route: route.clone(),
                status,
            },
            (None, _) => return None,
        };
        Some(Self { kind, route, error })
    }

    pub(super) const fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) const fn route(&self) -> &RouteShape {
        &self.route
    }

    pub(super) fn into_error(self) -> Option<ErrorSignature> {
        self.error
    }
}

/// A method or a version of HTTP that nobody implements: Apache answers, and no code ran.
fn is_visitors_doing(line: &AccessLine, status: u16) -> bool {
    let odd = line
        .request
        .as_ref()
        .is_none_or(|request| request.method == Method::Other);
    matches!(status, 501 | 505) && odd
}
