//! PHP's configuration: Debian's files as they stand in the host's /etc/php, and production's defaults
//! written down where the host may have changed them.

use super::{Entry, Owner, ROOT, Users};
use crate::plan::{LabPlan, Sapi};
use crate::programs::PHP_VERSION;

/// PHP's own defaults of a production server: a changed file is noticed after 2 s, by its modification
/// time, and paths are remembered for 120 s. The symlink control shows what these cost.
const INI: &str = "; priority=99
display_errors = Off
log_errors = On
opcache.enable = 1
opcache.memory_consumption = 128
opcache.max_accelerated_files = 10000
opcache.validate_timestamps = 1
opcache.revalidate_freq = 2
opcache.revalidate_path = 0
realpath_cache_size = 4096K
realpath_cache_ttl = 120
session.save_path = /var/lib/php/sessions
; No letter leaves a lab.
sendmail_path = /bin/true
";

/// PHP's errors go to Apache's error log, whatever the application sets: in the pool that Debian ships, as an
/// adopted site's pool has it. mod_php has the same from the site's own lines.
const POOL: &str = "[www]
php_admin_flag[log_errors] = on
php_admin_flag[display_errors] = off
php_admin_value[error_log] =
";

pub(super) fn entries(plan: &LabPlan, users: Users) -> Vec<Entry> {
    let etc = format!("/etc/php/{PHP_VERSION}");
    let php = match plan.sapi {
        Sapi::ModPhp => "apache2",
        Sapi::Fpm => "fpm",
    };
    let ini = format!("{etc}/mods-available/lamp-lab.ini");
    let sessions = Owner {
        gid: users.www_data.gid,
        ..ROOT
    };
    let pool = (plan.sapi == Sapi::Fpm).then(|| Entry::file(format!("{etc}/fpm/pool.d/zz-lamp.conf"), POOL));
    let always = [
        Entry::dir("/var/lib/php"),
        // Debian's 1733: whoever serves may make a session and nobody may list them.
        Entry::dir("/var/lib/php/sessions").of(sessions, 0o1733),
        Entry::file(&ini, INI),
        Entry::link(format!("{etc}/{php}/conf.d/99-lamp-lab.ini"), ini),
    ];
    always.into_iter().chain(pool).collect()
}
