//! Two pages over HTTP, and nothing else: `/health/engine` for a monitor, `/metrics` for Prometheus.
//!
//! A request that asks for another host than this one is refused: a stranger's page could otherwise read these
//! through a browser on this host.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lamp_model::clock::Clock;
use lamp_page::Cycle;
use tokio::sync::watch;

use super::config::ServeConfig;
use super::follow::View;
use super::health::Engine;
use super::metrics;
use super::paging::Holding;

/// Where the engine's state is read from.
#[derive(Clone)]
pub struct Dials {
    /// The log, folded.
    pub view: watch::Receiver<View>,
    /// The pager; `None`: nobody is to be paged.
    pub pager: Option<(watch::Receiver<Cycle>, watch::Receiver<Holding>)>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Dials {
    /// As they stand now.
    pub fn engine(&self) -> Engine {
        let pager = self.pager.as_ref();
        Engine {
            view: self.view.borrow().clone(),
            pager: pager.map(|(cycle, holding)| (cycle.borrow().clone(), holding.borrow().clone())),
        }
    }
}

/// The pages, for those who ask by one of these names.
pub fn router(dials: Dials, config: &ServeConfig) -> Router {
    Router::new()
        .route("/health/engine", get(health))
        .route("/metrics", get(show_metrics))
        .layer(from_fn_with_state(Arc::new(Names::of(config)), by_name))
        .with_state(dials)
}

async fn health(State(dials): State<Dials>) -> Response {
    match dials.engine().judge(&dials.clock.boot_time()) {
        Ok(()) => "well\n".into_response(),
        Err(unwell) => (StatusCode::SERVICE_UNAVAILABLE, format!("{unwell}\n")).into_response(),
    }
}

async fn show_metrics(State(dials): State<Dials>) -> Response {
    let text = metrics::text(&dials.engine(), &dials.clock.boot_time());
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

/// What this server may be called.
struct Names(Vec<String>);

impl Names {
    fn of(config: &ServeConfig) -> Self {
        let own = [config.listen.ip().to_string(), "localhost".to_owned()];
        let bracketed = format!("[{}]", config.listen.ip());
        let listed = config.hosts.iter().map(|host| host.to_ascii_lowercase());
        Self(own.into_iter().chain([bracketed]).chain(listed).collect())
    }

    /// Whether a `Host` header names this server; its port does not matter.
    fn has(&self, host: &str) -> bool {
        let is_port = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let bare = match host.rsplit_once(':') {
            Some((bare, port)) if is_port(port) => bare,
            _ => host,
        };
        self.0.contains(&bare.to_ascii_lowercase())
    }
}

async fn by_name(State(names): State<Arc<Names>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| names.has(host)) {
        return next.run(request).await;
    }
    let why = "not a name of this server: list it under [serve] hosts in lamp.toml\n";
    (StatusCode::MISDIRECTED_REQUEST, why).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, expected: bool) {
        let config = ServeConfig {
            hosts: vec!["Monitor.example".to_owned()],
            ..ServeConfig::default()
        };
        assert_eq!(Names::of(&config).has(host), expected, "{host}");
    }

    #[test]
    fn it_answers_to_its_own_names_alone() {
        for own in [
            "127.0.0.1:9187",
            "localhost",
            "localhost:1",
            "monitor.example",
            "MONITOR.example:80",
        ] {
            check(own, true);
        }
        for other in [
            "evil.example",
            "127.0.0.1.evil.example",
            "",
            ":9187",
            "localhost:x",
            "localhost.evil",
        ] {
            check(other, false);
        }
    }
}
