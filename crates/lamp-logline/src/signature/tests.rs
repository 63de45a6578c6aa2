//! Signatures of real lines (`tests/samples`) and of forged ones.

use super::*;

const MOD_PHP: &str = "2026-11-22 13:54:05.1 error 18 192.0.2.7:1 8NJ4z33CIWQ php r1 ";
const FPM: &str = "2026-11-22 13:54:05.1 error 18 192.0.2.7:1 8NJ4z33CIWQ proxy_fcgi r1 ";

fn release() -> ReleaseId {
    ReleaseId::parse("r1").expect("a name")
}

fn signature(line: &str) -> ErrorSignature {
    let line = ErrorLine::parse(line.as_bytes()).expect("a line of the format");
    line.signature(Some(&release()))
}

/// The signature as `KIND MESSAGE @ PLACE`.
fn shown(line: &str) -> String {
    let signature = signature(line);
    let place = signature
        .place
        .map_or_else(|| "-".to_owned(), |place| place.to_string());
    format!("{:?} {} @ {place}", signature.kind, signature.message)
}

#[track_caller]
fn mod_php(message: &str, expected: &str) {
    assert_eq!(shown(&format!("{MOD_PHP}{message}")), expected, "{message}");
}

#[track_caller]
fn fpm(message: &str, expected: &str) {
    assert_eq!(shown(&format!("{FPM}{message}")), expected, "{message}");
}

#[test]
fn a_missing_include_names_its_line() {
    let fatal = r"PHP Fatal error:  Uncaught Error: Failed opening required '/srv/my shop/releases/r1/class-wp-locale.phpp' (include_path='.:/usr/share/php') in /srv/my shop/releases/r1/wp-settings.php:139\nStack trace:\n#0 {main}\n  thrown in /srv/my shop/releases/r1/wp-settings.php on line 139";
    let expected = "Fatal Uncaught Error: Failed opening required 'class-wp-locale.phpp' (include_path='.:/usr/share/php') @ wp-settings.php:139";
    mod_php(&fatal.replace("my shop", "shop"), expected);
    let warning = "PHP Warning:  require(/srv/shop/releases/r1/x.phpp): Failed to open stream: No such file or directory in /srv/shop/releases/r1/wp-settings.php on line 139";
    let both = format!(
        "AH01071: Got error 'PHP message: {warning}; PHP message: {}'",
        fatal.replace("my shop", "shop")
    );
    fpm(&both, expected);
}

#[test]
fn a_trace_that_was_cut_still_names_the_line() {
    let cut = r"AH01071: Got error 'PHP message: PHP Fatal error:  Uncaught Error: Call to undefined function f() in /srv/shop/releases/r1/a.php:3\nStack trace:\n#0 /srv/shop/releases/r1/wp-blog-head...'";
    fpm(
        cut,
        "Fatal Uncaught Error: Call to undefined function f() @ a.php:3",
    );
}

#[test]
fn every_kind_of_fatal_error_has_its_place() {
    for (message, expected) in [
        (
            r#"PHP Parse error:  syntax error, unexpected token "{", expecting variable in /srv/shop/releases/r1/a/parse.php on line 2"#,
            r#"Fatal syntax error, unexpected token "{", expecting variable @ a/parse.php:2"#,
        ),
        (
            "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 10002432 bytes) in /srv/shop/releases/r1/memory.php on line 3",
            "Fatal Allowed memory size of {number} bytes exhausted (tried to allocate {number} bytes) @ memory.php:3",
        ),
        (
            "PHP Fatal error:  Maximum execution time of 30 seconds exceeded in /srv/shop/releases/r1/time.php on line 3",
            "Fatal Maximum execution time of 30 seconds exceeded @ time.php:3",
        ),
        (
            "PHP Fatal error:  oh in /srv/shop/releases/r1/a.php(7) : eval()'d code on line 1",
            "Fatal oh @ a.php:7",
        ),
        (
            "PHP Fatal error:  oh in /usr/share/php/x.php on line 9",
            "Fatal oh @ -",
        ),
        (
            "PHP Fatal error:  oh in /srv/shop/releases/r0/x.php on line 9",
            "Fatal oh @ -",
        ),
        (
            "PHP Fatal error:  oh in Unknown on line 0",
            "Fatal oh in Unknown on line 0 @ -",
        ),
        (
            "PHP Warning:  include(no.php): Failed to open stream in /srv/shop/releases/r1/warn.php on line 2",
            "Warning include(no.php): Failed to open stream @ warn.php:2",
        ),
    ] {
        mod_php(message, expected);
        fpm(&format!("AH01071: Got error 'PHP message: {message}'"), expected);
    }
}

#[test]
fn what_an_application_logs_is_no_error_of_phps_under_mod_php() {
    let forged = "PHP Fatal error:  Uncaught x in /srv/shop/releases/r1/index.php on line 1";
    let notice = format!("{}{forged}", MOD_PHP.replace(" error ", " notice "));
    assert!(
        shown(&notice).starts_with("Warning "),
        "an application's own words have the rank `notice`"
    );
    assert!(
        shown(&format!("{MOD_PHP}{forged}")).starts_with("Fatal "),
        "the control: PHP's own have `error`"
    );
    // A user's name, a path: behind words of Apache, in a message of another module.
    let name = r"2026-11-22 13:54:05.1 error 18 192.0.2.7:1 abc auth_basic r1 AH01618: user \nPHP Fatal error:  x in /srv/shop/releases/r1/a.php on line 1 not found: /";
    assert_eq!(shown(name), "Apache auth_basic: AH01618 @ -");
}

#[test]
fn a_visitors_words_never_move_the_place() {
    // His text, logged as part of an exception: what PHP writes comes behind it.
    let text = r"x in /srv/shop/releases/r1/innocent.php on line 1\nStack trace:\n#0 in /srv/shop/releases/r1/innocent.php on line 1";
    let honest = format!(
        r"PHP Fatal error:  Uncaught Exception: {text} in /srv/shop/releases/r1/guilty.php:7\nStack trace:\n#0 {{main}}\n  thrown in /srv/shop/releases/r1/guilty.php on line 7"
    );
    let place = signature(&format!("{MOD_PHP}{honest}")).place.expect("a place");
    assert_eq!(place.to_string(), "guilty.php:7");
    // So long that Apache cut off what PHP wrote.
    let long = format!(
        "{MOD_PHP}PHP Fatal error:  Uncaught Exception: {} in /srv/shop/releases/r1/innocent.php on line 1",
        "y".repeat(8_100)
    );
    assert_eq!(signature(&long).place, None);
}

#[test]
fn messages_of_apache_keep_their_number_only() {
    let line = |severity: &str, module: &str, message: &str| {
        shown(&format!(
            "2026-11-22 13:54:05.1 {severity} 18 192.0.2.7:1 abc {module} r1 {message}"
        ))
    };
    assert_eq!(
        line(
            "error",
            "core",
            "AH00135: Invalid method in request FOO /style.css HTTP/1.1"
        ),
        "Apache core: AH00135 @ -"
    );
    assert_eq!(
        line(
            "error",
            "proxy_fcgi",
            "AH01079: failed to make connection to backend: 127.0.0.1"
        ),
        "Apache proxy_fcgi: AH01079 @ -"
    );
    assert_eq!(
        line("error", "core", "whatever a visitor wrote"),
        "Apache core: a message without a number @ -"
    );
    assert_eq!(
        line(
            "alert",
            "core",
            "/srv/shop/releases/r1/a/.htaccess: Invalid command 'php_flag', perhaps misspelled"
        ),
        "Apache core: a/.htaccess: Invalid command 'php_flag', perhaps misspelled @ -"
    );
}

#[test]
fn the_text_is_bounded_and_inert() {
    let text = format!(r"\x1b[31m\xe2\x80\xae<script>{}\n::error", "é".repeat(900));
    let message = signature(&format!(
        "{MOD_PHP}PHP Fatal error:  {text} in /srv/shop/releases/r1/a.php on line 1"
    ))
    .message;
    assert!(message.len() <= MESSAGE_MAX_BYTES);
    assert!(!message.contains(|letter: char| letter.is_control() || letter == '\u{202e}'));
    assert!(message.starts_with("[31m<script>é"));
}

#[test]
fn paths_are_relative_to_the_release_wherever_they_stand() {
    for (text, expected) in [
        ("require(/srv/shop/releases/r1/a.php): x", "require(a.php): x"),
        (
            "'/srv/shop/releases/r1/a' and \"/srv/releases/r1/b\"",
            "'a' and \"b\"",
        ),
        ("at x/releases/r1/y", "at x/y"),
        ("/srv/shop/releases/r2/a", "/srv/shop/releases/r2/a"),
        ("", ""),
    ] {
        assert_eq!(normalised(text, Some(&release())), expected, "{text}");
    }
}
