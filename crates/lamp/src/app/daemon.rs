//! Runs the agent in this process until it is told to end.

use tracing_subscriber::EnvFilter;

use super::{build, shutdown};
use crate::config::Config;
use crate::errors::{Trouble, no_runtime};

/// What is traced unless `LAMP_TRACE` says otherwise.
const TRACE_DEFAULT: &str = "info";

/// Builds the agent, serves, and ends it on a signal.
pub fn run(config: &Config) -> Result<(), Trouble> {
    trace();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| no_runtime(&error))?;
    runtime.block_on(serve(config))
}

async fn serve(config: &Config) -> Result<(), Trouble> {
    let signals = shutdown::Signals::listen().map_err(|error| no_runtime(&error))?;
    let mut app = build::start(config).await?;
    tracing::info!(socket = %config.agent.socket.display(), sites = config.sites.len(), "agent listens");
    tokio::select! {
        signal = signals.first() => {
            tracing::info!(signal, "agent ends");
            app.running.stop().await;
        }
        () = app.running.ended() => {}
    }
    Ok(())
}

/// Traces to standard error.
pub(crate) fn trace() {
    let filter = EnvFilter::try_from_env("LAMP_TRACE").unwrap_or_else(|_| EnvFilter::new(TRACE_DEFAULT));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A second subscriber in one process: a test has its own.
    let _ = subscriber.try_init();
}
