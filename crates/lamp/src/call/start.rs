//! Bringing an agent to life: in a session of its own, so that the end of a terminal does not reach it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::errors::{Trouble, agent as told};

/// How long a new agent may take to recover and listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How often it is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How much of its last words is shown, in bytes.
const LAST_WORDS_BYTES: usize = 600;

/// Starts an agent and answers a connection to it. Two callers at once: one agent wins the lock, and
/// both speak with it.
pub async fn agent(config: &Config) -> Result<UnixStream, Trouble> {
    let log = config.agent.state_dir.join("agent.log");
    let mut child = spawn(config, &log).map_err(|error| told::not_started(error.to_string(), &log))?;
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if let Ok(stream) = UnixStream::connect(&config.agent.socket).await {
            return Ok(stream);
        }
        if ended(&mut child) && !another_lives(config) {
            return Err(told::not_started(last_words(&log), &log));
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(told::not_started(
        format!(
            "it did not listen on {} within {START_TIMEOUT:?}",
            config.agent.socket.display()
        ),
        &log,
    ))
}

fn spawn(config: &Config, log: &Path) -> std::io::Result<Child> {
    fs_err::create_dir_all(&config.agent.state_dir)?;
    let log = fs_err::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)?
        .into_file();
    Command::new(own_program()?)
        .arg("--config")
        .arg(&config.path)
        .args(["agent", "--detached"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
}

/// This very program, even if the file at its path has been replaced since.
fn own_program() -> std::io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    Ok(if path.exists() {
        path
    } else {
        "/proc/self/exe".into()
    })
}

fn ended(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)) | Err(_))
}

/// Whether the child ended because another agent was quicker.
fn another_lives(config: &Config) -> bool {
    lamp_agent::state_dir::is_locked(&config.agent.state_dir)
}

fn last_words(log: &Path) -> String {
    let text = fs_err::read_to_string(log).unwrap_or_default();
    let start = text.len().saturating_sub(LAST_WORDS_BYTES);
    let start = (start..=text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let last = text[start..].trim();
    if last.is_empty() {
        "it ended without a word".into()
    } else {
        last.to_owned()
    }
}
