//! Values of PHP's settings that PHP reads as something else than was meant, as `ini_parse_quantity` of PHP 8.2 tells,
//! and settings that only the host may set.

use lamp_model::finding::Severity;

use crate::facts::Spot;
use crate::surroundings::fault::Fault;

/// Settings that are an amount of bytes, and what becomes of a site where the amount is only a few bytes.
const QUANTITIES: [(&str, Severity, &str); 3] = [
    (
        "post_max_size",
        Severity::Error,
        "every form that a visitor sends arrives empty",
    ),
    (
        "upload_max_filesize",
        Severity::Warning,
        "no file can be uploaded",
    ),
    (
        "memory_limit",
        Severity::Warning,
        "so little cannot be set, and the host's own limit stays",
    ),
];

/// Settings of PHP 8.2, and of the extensions that come with it, that it takes from the host's own configuration alone (`PHP_INI_SYSTEM`).
const OF_THE_HOST: [&str; 73] = [
    "allow_url_fopen",
    "allow_url_include",
    "browscap",
    "disable_classes",
    "disable_functions",
    "doc_root",
    "enable_dl",
    "expose_php",
    "extension",
    "extension_dir",
    "ffi.enable",
    "ffi.preload",
    "file_uploads",
    "hard_timeout",
    "mysqli.allow_local_infile",
    "mysqli.allow_persistent",
    "mysqli.local_infile_directory",
    "mysqli.max_links",
    "mysqli.max_persistent",
    "mysqli.rollback_on_cached_plink",
    "mysqlnd.collect_memory_statistics",
    "mysqlnd.debug",
    "mysqlnd.trace_alloc",
    "opcache.blacklist_filename",
    "opcache.enable_cli",
    "opcache.enable_file_override",
    "opcache.error_log",
    "opcache.file_cache",
    "opcache.file_cache_consistency_checks",
    "opcache.file_cache_only",
    "opcache.force_restart_timeout",
    "opcache.huge_code_pages",
    "opcache.interned_strings_buffer",
    "opcache.jit_buffer_size",
    "opcache.jit_hot_func",
    "opcache.jit_hot_loop",
    "opcache.jit_hot_return",
    "opcache.jit_max_exit_counters",
    "opcache.jit_max_root_traces",
    "opcache.jit_max_side_traces",
    "opcache.lockfile_path",
    "opcache.log_verbosity_level",
    "opcache.max_accelerated_files",
    "opcache.max_file_size",
    "opcache.max_wasted_percentage",
    "opcache.memory_consumption",
    "opcache.opt_debug_level",
    "opcache.optimization_level",
    "opcache.preferred_memory_model",
    "opcache.preload",
    "opcache.preload_user",
    "opcache.protect_memory",
    "opcache.record_warnings",
    "opcache.restrict_api",
    "opcache.save_comments",
    "opcache.use_cwd",
    "opcache.validate_permission",
    "opcache.validate_root",
    "pdo_mysql.default_socket",
    "phar.cache_list",
    "realpath_cache_size",
    "realpath_cache_ttl",
    "sendmail_path",
    "sys_temp_dir",
    "syslog.facility",
    "syslog.ident",
    "upload_tmp_dir",
    "user_dir",
    "user_ini.cache_ttl",
    "user_ini.filename",
    "xmlrpc_errors",
    "zend.signal_check",
    "zend_extension",
];

/// What is wrong with this value of this setting, which a release brings.
pub(in crate::surroundings) fn fault(name: &str, value: &str, at: Spot) -> Option<Fault> {
    let name = name.to_ascii_lowercase();
    if OF_THE_HOST.contains(&name.as_str()) {
        let message =
            format!("PHP takes {name} from the host's own configuration alone: here it has no effect");
        return Some(Fault::warning("ini-value", at, message));
    }
    let (_, severity, loss) = QUANTITIES.iter().find(|(quantity, ..)| *quantity == name)?;
    let bytes = bytes_without_unit(value)?;
    let message = format!("PHP reads {value} as {bytes} bytes: {loss}");
    let fault = match severity {
        Severity::Error => Fault::error("ini-value", at, message),
        Severity::Warning | Severity::Note => Fault::warning("ini-value", at, message),
    };
    Some(match meant(value) {
        Some(meant) => fault.suggesting(meant),
        None => fault,
    })
}

/// The digits that a value begins with, if its last letter is no unit: PHP then leaves the unit out.
fn bytes_without_unit(value: &str) -> Option<&str> {
    let value = value.trim();
    let last = value.chars().next_back()?;
    let digits = digits(value);
    let is_unit = last.is_ascii_digit() || matches!(last.to_ascii_lowercase(), 'k' | 'm' | 'g');
    (!is_unit && !digits.is_empty()).then_some(digits)
}

/// `8M` for `8MB`, `8 MiB` and `8mega`.
fn meant(value: &str) -> Option<String> {
    let digits = digits(value.trim());
    let unit = value.trim()[digits.len()..]
        .trim_start()
        .chars()
        .next()?
        .to_ascii_uppercase();
    matches!(unit, 'K' | 'M' | 'G').then(|| format!("{digits}{unit}"))
}

fn digits(value: &str) -> &str {
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    &value[..end]
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const AT: Spot = Spot { line: 1, column: 1 };

    /// What this machine's PHP says; the program is one of the packages that the tests install.
    fn php(code: &str) -> String {
        let php = Command::new("php")
            .args(["-d", "error_reporting=0", "-r", code])
            .output();
        let php = php.expect("php; the mend: packaging/packages.sh");
        String::from_utf8(php.stdout).expect("text")
    }

    #[test]
    fn an_amount_is_read_as_php_reads_it() {
        let values = [
            "8M",
            "8MB",
            "8m",
            "8 M",
            "8 MB",
            "512K",
            "512kb",
            "1G",
            "1GB",
            "1GiB",
            "100",
            "100B",
            "0",
            "-1",
            "12KM",
            "1.5G",
            "2T",
            "64megabytes",
            "8M ",
            "M",
            "none",
        ];
        for value in values {
            let read = php(&format!("echo ini_parse_quantity('{value}');"));
            // What its first letter behind the digits says.
            let unit = value
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .trim_start()
                .chars()
                .next();
            let is_lost = matches!(
                unit.map(|unit| unit.to_ascii_lowercase()),
                Some('k' | 'm' | 'g' | 'b' | 't')
            ) && read.parse::<i64>().is_ok_and(|bytes| (1..=999).contains(&bytes));
            let told = fault("post_max_size", value, AT);
            assert_eq!(told.is_some(), is_lost, "{value}: PHP reads {read}");
            if let Some(told) = told {
                assert!(
                    told.message.contains(&format!("as {read} bytes")),
                    "{}",
                    told.message
                );
            }
        }
        let suggestion = |value| fault("post_max_size", value, AT).and_then(|fault| fault.suggestion);
        assert_eq!(suggestion("8MB").as_deref(), Some("8M"));
        assert_eq!(suggestion("1 GiB").as_deref(), Some("1G"));
        assert_eq!(suggestion("100B"), None);
    }

    #[test]
    fn what_only_the_host_may_set_is_what_php_says() {
        // 4 is INI_SYSTEM; an extension is none of the settings that PHP lists, and ffi need not be loaded.
        let listed =
            php("foreach (ini_get_all() as $name => $it) if ($it['access'] === 4) echo $name, \"\\n\";");
        let known: Vec<&str> = listed.lines().collect();
        assert!(known.len() > 20, "{listed}");
        let unlisted = ["extension", "zend_extension", "ffi.enable", "ffi.preload"];
        let of_extensions = ["opcache.", "mysqli.", "mysqlnd.", "pdo_mysql.", "phar."];
        let is_of_extension = |name: &str| of_extensions.iter().any(|extension| name.starts_with(extension));
        let own = ["syslog.", "user_ini.", "zend."];
        let is_own = |name: &str| !name.contains('.') || own.iter().any(|begins| name.starts_with(begins));
        // Another extension, which a host may have besides, has settings of its own.
        let of_php = known.iter().filter(|name| is_own(name) || is_of_extension(name));
        for name in of_php {
            assert!(OF_THE_HOST.contains(name), "{name}");
        }
        for name in OF_THE_HOST {
            let is_optional = unlisted.contains(&name) || is_of_extension(name);
            assert!(is_optional || known.contains(&name), "{name}");
            assert!(fault(name, "1", AT).is_some());
        }
        assert_eq!(fault("display_errors", "1", AT), None);
        assert_eq!(fault("max_execution_time", "30s", AT), None);
    }
}
