//! Debian's monit with the configuration that its package brings and one more check, whose alarm pages and switches back
//! by itself.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::ground::Ground;
use super::{End, ROUTING_KEY, Watcher};

pub(in super::super) struct Monit {
    /// How often it looks.
    cycle: Duration,
}

impl Monit {
    /// `set daemon 120` of Debian's monitrc.
    pub(in super::super) const AS_SHIPPED: Self = Self {
        cycle: Duration::from_secs(120),
    };
    /// The shortest that it knows.
    pub(in super::super) const EVERY_SECOND: Self = Self {
        cycle: Duration::from_secs(1),
    };
}

/// Renames of the link once it has led to the bad release and leads back.
const THERE_AND_BACK: usize = 2;
/// What the alarm runs, inside.
const ALARM: &str = "/root/alarm";

impl Watcher for Monit {
    fn start(&self, ground: &Ground) -> Result<()> {
        let host = ground.host()?;
        let hosts = ground.file("/etc/hosts")?;
        let known = fs_err::read_to_string(&hosts)?;
        fs_err::write(hosts, format!("{known}127.0.0.1 {host}\n"))?;
        let check = format!(
            "check host shop with address {host}\n  if failed port 443 protocol https request \"/\" then exec \"{ALARM}\"\n"
        );
        fs_err::write(ground.file("/etc/monit/conf.d/shop")?, check)?;
        let alarm = ground.file(ALARM)?;
        fs_err::write(&alarm, self::alarm(ground))?;
        fs_err::set_permissions(alarm, PermissionsExt::from_mode(0o755))?;
        ground.run("mkdir -p /var/lib/monit/events")?;
        let every = self.cycle.as_secs();
        ground.start(
            "monit-itself",
            &format!("/usr/bin/monit -I -d {every} -c /etc/monit/monitrc"),
        )
    }

    /// Its first look is at its start.
    fn settled_after(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn cycle(&self) -> Duration {
        self.cycle
    }

    fn end(&self, _ground: &Ground, _begun: Instant, renames: usize) -> Result<Option<End>> {
        Ok((renames >= THERE_AND_BACK).then_some(End::SwitchedBack))
    }
}

/// Pages in the background and switches back meanwhile, so that neither waits for the other.
fn alarm(ground: &Ground) -> String {
    let address = ground.pager().trim_start_matches("http://");
    let (host, port) = address.split_once(':').unwrap_or((address, "80"));
    let event = format!(
        "{{\"routing_key\":\"{ROUTING_KEY}\",\"event_action\":\"trigger\",\"dedup_key\":\"monit\",\
         \"payload\":{{\"summary\":\"shop does not answer well\",\"source\":\"shop\",\"severity\":\"critical\"}}}}"
    );
    format!(
        "#!/bin/bash\n\
         page() {{\n\
         exec 3<>/dev/tcp/{host}/{port}\n\
         printf 'POST /v2/enqueue HTTP/1.1\\r\\nHost: {address}\\r\\nContent-Type: application/json\\r\\nContent-Length: {length}\\r\\nConnection: close\\r\\n\\r\\n%s' '{event}' >&3\n\
         read -r <&3\n\
         }}\n\
         page &\n\
         {back}\n\
         wait\n",
        length = event.len(),
        back = ground.switch_back_script(),
    )
}
