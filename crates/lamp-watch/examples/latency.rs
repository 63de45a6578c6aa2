//! From a failed request's line in the log to the agent's hearing of it: `cargo run --release -p lamp-watch --example latency`.
//!
//! The worker's side runs on a thread of its own, over a real socket, on a real file.

use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use fs_err as fs;
use lamp_fleet::Host;
use lamp_fleet::protocol::Connection;
use lamp_model::ReleaseId;
use lamp_watch::message::{Live, VERSION};
use lamp_watch::serve::serve;
use lamp_watch::{FromWorker, ToWorker};

const ROUNDS: u32 = 200;
/// Between two lines: shorter, and some would not be asked about.
const PAUSE: Duration = Duration::from_millis(250);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (connection, socket) = runtime.block_on(async { Connection::pair() })?;
    let worker = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .map(|runtime| runtime.block_on(serve(socket, &mut |_: &[std::os::fd::BorrowedFd<'_>]| Ok(()))))
    });
    let mut times = runtime.block_on(measure(&connection, dir.path()))?;
    drop(connection);
    let _ended = worker.join();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let report = format!(
        "median {:?}, 99 % {:?}, most {:?}\n",
        at(50),
        at(99),
        at(100).max(times[times.len() - 1])
    );
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

async fn measure(
    connection: &Connection,
    path: &std::path::Path,
) -> Result<Vec<Duration>, Box<dyn std::error::Error>> {
    let mut log = fs::File::create(path.join("access.log"))?;
    let dir = Host::local().dir(path)?;
    let watch = ToWorker::Watch {
        version: VERSION,
        access_log: "access.log".to_owned(),
        error_log: None,
    };
    connection.send(&watch, &[dir.as_fd()]).await?;
    let live = Live {
        release: ReleaseId::parse("new").ok(),
        ..Live::default()
    };
    connection.send(&ToWorker::Live(live), &[]).await?;
    // Served before, so each is asked about.
    for n in 0..ROUNDS {
        writeln!(log, "200 old 1 5 6 - ::1 - x-httpd-php \"GET /p{n}x HTTP/1.1\"")?;
    }
    let mut times = Vec::new();
    for n in 0..ROUNDS {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        writeln!(log, "500 new 1 5 6 - ::1 - x-httpd-php \"GET /p{n}x HTTP/1.1\"")?;
        while !matches!(
            connection.receive::<FromWorker>().await?.0,
            FromWorker::Suspect(_)
        ) {}
        times.push(begun.elapsed());
    }
    Ok(times)
}
