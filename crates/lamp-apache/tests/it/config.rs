//! The configuration of a [`Stack`](crate::stack::Stack): five virtual hosts of one Apache, three of them with our lines.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fs_err as fs;
use lamp_apache::{ConfigPath, Docroot, DoorKey, HostLines, MODULE, SiteLines};
use lamp_model::name::ReleaseId;

use crate::stack::{ModuleFile, Sapi, Setup};
use crate::store::put;

/// The site with our lines; [`FALLBACK_SITE`] also names a fallback, [`PUBLIC_SITE`] a docroot inside the release.
pub(crate) const SITE: &str = "127.0.0.1";
pub(crate) const FALLBACK_SITE: &str = "127.0.0.2";
pub(crate) const PUBLIC_SITE: &str = "127.0.0.3";
/// The same Apache without our lines, its document root the real path of release `a`.
pub(crate) const PLAIN_SITE: &str = "127.0.0.4";
/// As [`PLAIN_SITE`], of release `b`: what a difference looks like.
pub(crate) const OTHER_SITE: &str = "127.0.0.5";

const MODULES: &str = "/usr/lib/apache2/modules";

const COMMON: &str = r#"
ServerRoot "@DIR@"
ServerName shop.example
DefaultRuntimeDir /run
PidFile /run/apache2.pid
Listen 80
User www-data
Group www-data
ErrorLog "@DIR@/logs/error.log"
@LOAD@
TypesConfig /etc/mime.types
PassEnv GATE
StartServers 2
<Directory />
    Require all denied
</Directory>
"#;

/// A store of the main server, which no virtual host may inherit: the plain ones would answer from it.
const MAIN_SERVER_STORE: &str = "<IfModule lamp_module>\nLampStore \"@DIR@/store\"\n</IfModule>\n";

const VIRTUAL_HOST: &str = r#"
<VirtualHost @ADDRESS@:80>
    ServerName shop.example
    DocumentRoot "@DIR@/store/@ROOT@"
    DirectoryIndex index.php index.html
    RewriteEngine On
    Alias /aliased "@DIR@/aliased"
    <Directory "@DIR@/aliased">
        Require all granted
    </Directory>
    <Directory "@DIR@/store">
        Options +FollowSymLinks +ExecCGI +Includes +Indexes
        AllowOverride All
        Require all granted
        AddHandler cgi-script .cgi
        AddOutputFilter INCLUDES .shtml
    </Directory>
    <FilesMatch "\.php$">
        SetHandler "@PHP@"
    </FilesMatch>
@LINES@
</VirtualHost>
"#;

const FPM: &str = "\
[global]
error_log = @DIR@/logs/fpm.log
[www]
user = www-data
group = www-data
listen = /run/fpm.sock
listen.owner = www-data
pm = static
pm.max_children = 3
";

/// What process 1 does: a fresh /run, the loopback up (through sysfs, which needs no program), then PHP and Apache.
const START: &str = "\
set -e
mount -t tmpfs -o mode=755 none /run
mount -t sysfs none /sys
echo 1 > /sys/class/net/lo/flags
@FPM@
exec apache2 -f \"$PWD/apache.conf\" -D FOREGROUND
";

const START_FPM: &str = "\
php-fpm8.2 --nodaemonize --fpm-config \"$PWD/fpm.conf\" &
until [ -S /run/fpm.sock ]; do sleep 0.01; kill -0 $!; done
";

/// Modules of every stack, by the name in their file; their directives stand in these tests.
const MODULE_NAMES: [&str; 14] = [
    "alias",
    "authz_core",
    "authz_host",
    "autoindex",
    "dir",
    "env",
    "filter",
    "headers",
    "include",
    "mime",
    "negotiation",
    "rewrite",
    "setenvif",
    "userdir",
];

/// Writes everything that Apache and PHP are started with.
pub(crate) fn write_all(dir: &Path, setup: &Setup) {
    for (path, text) in [
        ("logs/start.log", ""),
        ("gate/.keep", ""),
        ("aliased/x.txt", "aliased"),
    ] {
        put(&dir.join(path), text);
    }
    for name in ["canary.txt", "which.txt", "which.php", "index.php", "index.html"] {
        put(&dir.join("outside").join(name), "canary");
    }
    fs::set_permissions(dir.join("gate"), PermissionsExt::from_mode(0o777)).expect("mode");
    if setup.module == ModuleFile::Installed {
        fs::write(dir.join("mod_lamp.so"), MODULE).expect("the module");
    }
    let fpm = if setup.sapi == Sapi::Event { START_FPM } else { "" };
    put(&dir.join("fpm.conf"), &in_dir(FPM, dir));
    put(&dir.join("start.sh"), &START.replace("@FPM@", fpm));
    put(&dir.join("apache.conf"), &apache(dir, setup));
}

fn in_dir(template: &str, dir: &Path) -> String {
    template.replace("@DIR@", &dir.display().to_string())
}

fn apache(dir: &Path, setup: &Setup) -> String {
    let host = HostLines {
        module: path(dir, "mod_lamp.so"),
        door: setup.door.as_ref().map(DoorKey::hash),
    };
    let ours = [SITE, FALLBACK_SITE, PUBLIC_SITE].map(|site| {
        let lines = format!("{}{}", site_lines(dir, site).render(), setup.lines);
        virtual_host(site, "current", &lines, setup.sapi)
    });
    let plain = [(PLAIN_SITE, "releases/a"), (OTHER_SITE, "releases/b")]
        .map(|(site, root)| virtual_host(site, root, setup.lines, setup.sapi));
    let common = COMMON.replace("@LOAD@", &load_lines(setup.sapi));
    in_dir(
        &[
            common,
            host.render(),
            MAIN_SERVER_STORE.to_owned(),
            ours.concat(),
            plain.concat(),
        ]
        .concat(),
        dir,
    )
}

fn path(dir: &Path, name: &str) -> ConfigPath {
    ConfigPath::parse(dir.join(name)).expect("a plain path")
}

fn site_lines(dir: &Path, site: &str) -> SiteLines {
    SiteLines {
        module: path(dir, "mod_lamp.so"),
        store: path(dir, "store"),
        docroot: Docroot::parse(if site == PUBLIC_SITE { "public" } else { "." }).expect("valid"),
        fallback: (site == FALLBACK_SITE).then(|| ReleaseId::parse("c").expect("valid")),
        access_log: path(dir, "logs/lamp.log"),
        error_log: None,
    }
}

fn load_lines(sapi: Sapi) -> String {
    let (own, more): (&[&str], _) = match sapi {
        Sapi::Prefork => (
            &["mpm_prefork", "cgi"],
            format!("LoadModule php_module {MODULES}/libphp8.2.so\n"),
        ),
        Sapi::Event => (
            &["mpm_event", "cgid", "proxy", "proxy_fcgi", "http2"],
            "Protocols h2c http/1.1\nScriptSock /run/cgi.sock\n".to_owned(),
        ),
    };
    let load = |name: &&str| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n");
    own.iter().chain(&MODULE_NAMES).map(load).chain([more]).collect()
}

fn virtual_host(address: &str, root: &str, lines: &str, sapi: Sapi) -> String {
    let php = match sapi {
        Sapi::Prefork => "application/x-httpd-php",
        Sapi::Event => "proxy:unix:/run/fpm.sock|fcgi://localhost",
    };
    [
        ("@ADDRESS@", address),
        ("@ROOT@", root),
        ("@PHP@", php),
        ("@LINES@", lines),
    ]
    .iter()
    .fold(VIRTUAL_HOST.to_owned(), |text, (mark, value)| {
        text.replace(mark, value)
    })
}
