//! MariaDB's configuration: Debian's files as they stand in the host's /etc/mysql, and what keeps a lab
//! small. The datadir is empty until the lab initialises it.

use super::{Entry, Users};

/// Debian's datadir.
pub(crate) const DATADIR: &str = "/var/lib/mysql";

/// Small, but durable as production is: a commit is on disk when it is acknowledged.
const CNF: &str = "[mariadbd]
user = mysql
datadir = /var/lib/mysql
socket = /run/mysqld/mysqld.sock
pid-file = /run/mysqld/mysqld.pid
bind-address = 127.0.0.1
log_error = /var/log/mysql/error.log
skip-log-bin
innodb_buffer_pool_size = 64M
innodb_log_file_size = 16M
innodb_flush_log_at_trx_commit = 1
";

pub(super) fn entries(users: Users) -> Vec<Entry> {
    vec![
        Entry::dir(DATADIR).of(users.mysql, 0o755),
        Entry::dir("/var/log/mysql").of(users.mysql, 0o750),
        Entry::file("/etc/mysql/mariadb.conf.d/99-lamp-lab.cnf", CNF),
    ]
}
