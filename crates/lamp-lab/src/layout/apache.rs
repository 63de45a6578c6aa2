//! Apache's configuration: Debian's files as they stand in the host's /etc/apache2, the links that
//! `a2enmod`, `a2enconf` and `a2ensite` would make, and our own sites and ports.

use std::path::Path;

use super::{Entry, Owner, ROOT, Users};
use crate::plan::{LabPlan, Sapi, SitePlan};
use crate::tls::Certificates;

const ETC: &str = "/etc/apache2";
const CERTIFICATE: &str = "/etc/ssl/certs/lamp-lab.pem";
const KEY: &str = "/etc/ssl/private/lamp-lab.key";
/// Debian's, whatever the host's own Apache listens on.
const PORTS: &str = "Listen 80\n<IfModule ssl_module>\n    Listen 443\n</IfModule>\n";

/// Modules that Debian enables by default, and those that every lab needs (rewrite, headers, TLS).
const MODULES: [&str; 23] = [
    "access_compat",
    "alias",
    "auth_basic",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_host",
    "authz_user",
    "autoindex",
    "deflate",
    "dir",
    "env",
    "filter",
    "headers",
    "mime",
    "negotiation",
    "reqtimeout",
    "rewrite",
    "setenvif",
    "socache_shmcb",
    "ssl",
    "status",
    "unique_id",
];
const MODULES_OF_MOD_PHP: [&str; 2] = ["mpm_prefork", "php8.2"];
const MODULES_OF_FPM: [&str; 4] = ["mpm_event", "proxy", "proxy_fcgi", "http2"];
/// Debian's modules with a `.conf` beside their `.load`, of those above.
const MODULES_WITH_CONF: [&str; 15] = [
    "alias",
    "autoindex",
    "deflate",
    "dir",
    "http2",
    "mime",
    "mpm_event",
    "mpm_prefork",
    "negotiation",
    "php8.2",
    "proxy",
    "reqtimeout",
    "setenvif",
    "ssl",
    "status",
];
const CONFS: [&str; 4] = ["charset", "localized-error-pages", "security", "serve-cgi-bin"];
const CONFS_OF_FPM: [&str; 1] = ["php8.2-fpm"];

pub(super) fn of_certificates(certificates: &Certificates) -> [Entry; 2] {
    [
        Entry::file(CERTIFICATE, &*certificates.certificate),
        Entry::file(KEY, &*certificates.key).of(ROOT, 0o600),
    ]
}

pub(super) fn entries(plan: &LabPlan, users: Users, certificates: &Certificates) -> Vec<Entry> {
    let log_reader = Owner {
        gid: users.www_data.gid,
        ..ROOT
    };
    let mut all = vec![
        Entry::dir("/var/log/apache2").of(log_reader, 0o750),
        Entry::dir(format!("{ETC}/lamp")),
        Entry::file(format!("{ETC}/ports.conf"), PORTS),
    ];
    all.extend(of_certificates(certificates));
    all.extend(modules(plan.sapi).flat_map(enabled_module));
    all.extend(confs(plan.sapi).map(|conf| enabled("conf", &format!("{conf}.conf"))));
    all.extend(own_conf("conf", "lamp-lab", "ServerName localhost\n".to_owned()));
    if let Some(module) = &plan.module {
        all.extend(own_conf("conf", "lamp", module.lines.clone()));
    }
    for (place, site) in plan.sites.iter().enumerate() {
        // Apache reads sites by name, and the first one answers unknown hosts.
        let name = format!("{place:03}-{}", site.name);
        all.extend(own_conf("sites", &name, virtual_hosts(site)));
    }
    all
}

fn modules(sapi: Sapi) -> impl Iterator<Item = &'static str> {
    let php: &[_] = match sapi {
        Sapi::ModPhp => &MODULES_OF_MOD_PHP,
        Sapi::Fpm => &MODULES_OF_FPM,
    };
    MODULES.iter().chain(php).copied()
}

fn confs(sapi: Sapi) -> impl Iterator<Item = &'static str> {
    let php: &[_] = match sapi {
        Sapi::ModPhp => &[],
        Sapi::Fpm => &CONFS_OF_FPM,
    };
    CONFS.iter().chain(php).copied()
}

fn enabled_module(module: &'static str) -> Vec<Entry> {
    let mut links = vec![enabled("mods", &format!("{module}.load"))];
    if MODULES_WITH_CONF.contains(&module) {
        links.push(enabled("mods", &format!("{module}.conf")));
    }
    links
}

fn enabled(kind: &str, file: &str) -> Entry {
    let target = format!("../{kind}-available/{file}");
    Entry::link(format!("{ETC}/{kind}-enabled/{file}"), target)
}

fn own_conf(kind: &str, name: &str, text: String) -> [Entry; 2] {
    let file = format!("{name}.conf");
    [
        Entry::file(format!("{ETC}/{kind}-available/{file}"), text),
        enabled(kind, &file),
    ]
}

/// The site on both ports: one site, as far as releases are concerned.
fn virtual_hosts(site: &SitePlan) -> String {
    let tls =
        format!("    SSLEngine on\n    SSLCertificateFile {CERTIFICATE}\n    SSLCertificateKeyFile {KEY}\n");
    format!(
        "{}\n{}",
        virtual_host(site, 80, ""),
        virtual_host(site, 443, &tls)
    )
}

fn virtual_host(site: &SitePlan, port: u16, tls: &str) -> String {
    let (name, host) = (&site.name, site.host());
    let (docroot, store) = (site.docroot(), site.store());
    let lines = indented(&site.lines);
    format!(
        "<VirtualHost *:{port}>
    ServerName {host}
    DocumentRoot {docroot}
    <Directory {store}>
        Options FollowSymLinks
        AllowOverride All
        Require all granted
    </Directory>
{tls}    ErrorLog ${{APACHE_LOG_DIR}}/{name}-error.log
    CustomLog ${{APACHE_LOG_DIR}}/{name}-access.log combined
{lines}</VirtualHost>
",
        docroot = docroot.display(),
        store = Path::new(&store).display(),
    )
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("    {line}\n")).collect()
}
