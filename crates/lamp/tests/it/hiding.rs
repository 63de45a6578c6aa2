//! T16: releases with a page that fails and hides it, each in a way of its own; and where it fails.

/// What each release has instead of `/page.php`, and in it.
pub(crate) type Files = &'static [(&'static str, &'static str)];

pub(crate) const SWITCHED_OFF: Files = &[(
    "page.php",
    "<?php
ini_set('log_errors', '0'); ini_set('error_log', '/tmp/elsewhere.log'); ini_set('display_errors', '1');
echo str_repeat('x', 100000); flush();
undefined_function();
",
)];
pub(crate) const SHUTDOWN_HANDLER: Files = &[(
    "page.php",
    "<?php

register_shutdown_function(function () { http_response_code(200); echo 'all is well'; });
undefined_function();
",
)];
/// Fails at its fourth line as well, where settings beside it hide it.
const LATE: &str = "<?php

echo str_repeat('x', 100000); flush();
undefined_function();
";
pub(crate) const HTACCESS: Files = &[
    (
        ".htaccess",
        "php_flag log_errors off\nphp_flag display_errors on\nphp_value error_log /tmp/elsewhere.log\n",
    ),
    ("page.php", LATE),
];
pub(crate) const USER_INI: Files = &[
    (
        ".user.ini",
        "log_errors = Off\ndisplay_errors = On\nerror_log = /tmp/elsewhere.log\n",
    ),
    ("page.php", LATE),
];
/// Where each of them fails.
pub(crate) const PLACE: &str = "page.php:4";
