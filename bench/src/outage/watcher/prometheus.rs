//! Debian's Prometheus, blackbox exporter and Alertmanager with the configuration that their packages bring, and a human
//! who answers the page at once.
//!
//! Added to it is what cannot be shipped: which site is probed, the rule (without `for`), who is paged. Left out is
//! Alertmanager's cluster, for which a lab has no second host.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::ground::{Ground, since};
use super::{End, ROUTING_KEY, Watcher};

/// What the human needs from the page to the switch back.
pub(in super::super) const HUMAN: Duration = Duration::from_secs(10);
/// The interval of Debian's prometheus.yml, of scrapes and of rules.
const CYCLE: Duration = Duration::from_secs(15);

const CONFIG: &str = "/etc/prometheus/prometheus.yml";
const ALERT_CONFIG: &str = "/etc/prometheus/alertmanager.yml";

pub(in super::super) struct Prometheus;

impl Watcher for Prometheus {
    fn start(&self, ground: &Ground) -> Result<()> {
        let host = ground.host()?;
        add(
            ground,
            CONFIG,
            "rule_files:\n",
            "  - /etc/prometheus/site.rules.yml\n",
        )?;
        append(ground, CONFIG, &job(&host))?;
        fs_err::write(ground.file("/etc/prometheus/site.rules.yml")?, RULE)?;
        change(
            ground,
            ALERT_CONFIG,
            "  receiver: team-X-mails\n\n",
            "  receiver: pager\n\n",
        )?;
        append(ground, ALERT_CONFIG, &pager(ground.pager()))?;
        append(ground, "/etc/hosts", &format!("127.0.0.1 {host}\n"))?;
        ground.run("mkdir -p /var/lib/prometheus")?;
        for (name, port, command) in SERVERS {
            ground.start(name, command)?;
            ground.wait_for_port(name, port)?;
        }
        Ok(())
    }

    /// One scrape and one look at the rules lie behind it.
    fn settled_after(&self) -> Duration {
        CYCLE
    }

    fn cycle(&self) -> Duration {
        CYCLE
    }

    fn end(&self, ground: &Ground, _begun: Instant, _renames: usize) -> Result<Option<End>> {
        if ground.page().is_none_or(|page| since(&page) < HUMAN) {
            return Ok(None);
        }
        ground.switch_back()?;
        Ok(Some(End::SwitchedBack))
    }
}

/// As Debian's units start them; a lab's certificates are believed, its loopback has no cluster.
const SERVERS: [(&str, u16, &str); 3] = [
    (
        "prometheus-blackbox-exporter",
        9115,
        "env SSL_CERT_FILE=/etc/ssl/certs/lamp-lab.pem \
         /usr/bin/prometheus-blackbox-exporter --config.file /etc/prometheus/blackbox.yml",
    ),
    (
        "prometheus-alertmanager",
        9093,
        "/usr/bin/prometheus-alertmanager --cluster.listen-address=",
    ),
    ("prometheus", 9090, "/usr/bin/prometheus"),
];

const RULE: &str = "groups:
  - name: site
    rules:
      - alert: SiteDown
        expr: probe_success == 0
        labels:
          severity: critical
        annotations:
          summary: '{{ $labels.instance }} does not answer well'
";

/// As the blackbox exporter's own description has it.
fn job(host: &str) -> String {
    format!(
        "
  - job_name: blackbox
    metrics_path: /probe
    params:
      module: [http_2xx]
    static_configs:
      - targets: ['https://{host}/']
    relabel_configs:
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: 127.0.0.1:9115
"
    )
}

fn pager(url: &str) -> String {
    format!(
        "
- name: pager
  pagerduty_configs:
  - routing_key: {ROUTING_KEY}
    url: {url}/v2/enqueue
"
    )
}

fn append(ground: &Ground, inside: &str, text: &str) -> Result<()> {
    let file = ground.file(inside)?;
    let shipped = fs_err::read_to_string(&file)?;
    Ok(fs_err::write(file, shipped + text)?)
}

/// Puts `text` behind this one line of a shipped file.
fn add(ground: &Ground, inside: &str, line: &str, text: &str) -> Result<()> {
    change(ground, inside, line, &format!("{line}{text}"))
}

fn change(ground: &Ground, inside: &str, from: &str, to: &str) -> Result<()> {
    let file = ground.file(inside)?;
    let shipped = fs_err::read_to_string(&file)?;
    ensure!(
        shipped.matches(from).count() == 1,
        "{inside} is not as Debian ships it: it has no single {from:?}"
    );
    Ok(fs_err::write(file, shipped.replace(from, to))?)
}
