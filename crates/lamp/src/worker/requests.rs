//! `lamp requests-worker NAME`: what visitors asked for lately, out of the access log of that name in the directory that
//! is its standard input, as JSON. With no rights but to read there: a visitor had a hand in every line.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use lamp_agent::gate::requests::{Logged, REQUESTS_MAX};
use lamp_fleet::Dir;
use lamp_logline::request::Method;
use lamp_logline::{AccessLine, LINE_MAX_BYTES, LineSplitter, Target};
use lamp_sandbox::confine::{WorkerLimits, confine_worker};

use crate::cli::Exit;
use crate::cli::args::RequestsWorkerArgs;
use crate::errors::{Kind, Trouble};
use crate::screen::out;

/// How much of the log's end is read, in bytes.
const TAIL_MAX_BYTES: u64 = 8 << 20;
/// What the worker may use.
const LIMITS: WorkerLimits = WorkerLimits {
    memory_bytes: 512 << 20,
    cpu_seconds: Some(20),
    open_files: 16,
};

/// Gives up all rights but to read beneath the directory; then reads.
pub fn run(args: &RequestsWorkerArgs) -> Result<Exit, Trouble> {
    let way_out = "the agent starts this verb by itself; nothing is to be typed";
    let read = read(&args.name);
    let printed =
        read.map_err(|error| Trouble::new(Kind::Environment, "read the site's log", &*error, way_out))?;
    out(&printed);
    Ok(Exit::Yes)
}

fn read(name: &str) -> Result<String, Box<dyn std::error::Error>> {
    let directory: OwnedFd = rustix::stdio::stdin().try_clone_to_owned()?;
    confine_worker(&[directory.as_fd()], &LIMITS)?;
    let (file, meta) = Dir::from_fd(directory, Path::new(".")).open_file(Path::new(name))?;
    let from = meta.size.saturating_sub(TAIL_MAX_BYTES);
    let length = usize::try_from(meta.size - from)?;
    let mut bytes = vec![0; length];
    let read = std::os::unix::fs::FileExt::read_at(&file, &mut bytes, from)?;
    Ok(serde_json::to_string(&requests(
        bytes.get(..read).unwrap_or_default(),
    ))?)
}

/// The latest requests of visitors, the oldest first. A line cut off at the beginning is none.
fn requests(log: &[u8]) -> Vec<Logged> {
    let mut clients = BTreeMap::new();
    let mut requests = Vec::new();
    let mut splitter = LineSplitter::new(LINE_MAX_BYTES);
    splitter.take(log, &mut |line| {
        let line = line.ok().and_then(|line| AccessLine::parse(line).ok());
        requests.extend(line.and_then(|line| request(&line, &mut clients)));
    });
    let older = requests.len().saturating_sub(REQUESTS_MAX);
    requests.split_off(older)
}

/// Clients are only told apart: their addresses stay here.
fn request(line: &AccessLine, clients: &mut BTreeMap<IpAddr, u32>) -> Option<Logged> {
    if line.is_door {
        return None;
    }
    let asked = line.request.as_ref()?;
    let Target::Origin { path, has_query } = &asked.target else {
        return None;
    };
    let number = u32::try_from(clients.len()).unwrap_or(u32::MAX);
    Some(Logged {
        method: match asked.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Other => "other",
        }
        .to_owned(),
        // What followed is not known here, and is never asked.
        target: if *has_query {
            format!("{path}?")
        } else {
            path.clone()
        },
        status: line.status?,
        client: *clients.entry(line.client).or_insert(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(status: u16, door: &str, client: &str, request: &str) -> String {
        format!("{status} r1 77 1795360132193252 900 {door} {client} - httpd/php \"{request}\"\n")
    }

    #[test]
    fn visitors_requests_are_told_and_ours_and_the_unreadable_are_not() {
        let log = [
            "cut off at the beginn\n".to_owned(),
            line(200, "-", "192.0.2.1", "GET / HTTP/1.1"),
            line(200, "1", "192.0.2.1", "GET /probe HTTP/1.1"),
            line(302, "-", "192.0.2.2", "POST /login HTTP/1.1"),
            line(200, "-", "192.0.2.1", "GET /search?q=x HTTP/1.1"),
            line(400, "-", "192.0.2.3", "GET http://evil.example/ HTTP/1.1"),
        ];
        let told: Vec<_> = requests(log.concat().as_bytes())
            .into_iter()
            .map(|asked| {
                format!(
                    "{} {} {} {}",
                    asked.client, asked.method, asked.target, asked.status
                )
            })
            .collect();
        assert_eq!(told, ["0 GET / 200", "1 POST /login 302", "0 GET /search? 200"]);
    }
}
