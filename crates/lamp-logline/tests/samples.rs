//! What a real Apache 2.4 with a real PHP 8.2 wrote, for requests whose scripts are known: `mod-php-*` under prefork, `fpm-*` under event
//! with php-fpm and `mod_unique_id`. The site's store is /srv/shop, its one release `r1`.

use std::collections::BTreeMap;

use lamp_logline::{AccessLine, ErrorLine, LineSplitter, LogId, Unreadable};
use lamp_model::evidence::{ErrorKind, ErrorSignature};
use lamp_testkit::seed::Seed;

struct Sample {
    access: &'static [u8],
    error: &'static [u8],
}

const MOD_PHP: Sample = Sample {
    access: include_bytes!("samples/mod-php-access.log"),
    error: include_bytes!("samples/mod-php-error.log"),
};
const FPM: Sample = Sample {
    access: include_bytes!("samples/fpm-access.log"),
    error: include_bytes!("samples/fpm-error.log"),
};

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    LineSplitter::new(lamp_logline::LINE_MAX_BYTES).take(bytes, &mut |line| {
        lines.push(line.expect("no line is too long").to_vec());
    });
    lines
}

impl Sample {
    /// By path, the first request of each: the status, and the worst error that was logged for the request, joined by the request's id.
    fn requests(&self) -> BTreeMap<String, (Option<u16>, Option<ErrorSignature>)> {
        let errors: Vec<ErrorLine> = lines(self.error)
            .iter()
            .map(|line| ErrorLine::parse(line).expect("a line of the format"))
            .collect();
        let worst = |id: &LogId, line: &AccessLine| {
            let of_request = errors.iter().filter(|error| error.log_id.as_ref() == Some(id));
            of_request
                .map(|error| error.signature(line.release.as_ref()))
                .min_by_key(|signature| signature.kind)
        };
        let line = |bytes: &Vec<u8>| AccessLine::parse(bytes).expect("a line of the format");
        lines(self.access)
            .iter()
            .map(line)
            .rev()
            .filter_map(|line| {
                let path = line.request.as_ref()?.path()?.to_owned();
                let error = line.log_id.as_ref().and_then(|id| worst(id, &line));
                Some((path, (line.status, error)))
            })
            .collect()
    }
}

/// What the script at `path` does: the status, and the fatal error's place.
#[track_caller]
fn check(path: &str, status: u16, fatal_at: Option<&str>) {
    for (name, sample) in [("mod_php", MOD_PHP), ("php-fpm", FPM)] {
        let requests = sample.requests();
        let (answered, error) = requests.get(path).expect("it was asked");
        assert_eq!(*answered, Some(status), "{name}: {path}");
        let fatal = error.as_ref().filter(|error| error.kind == ErrorKind::Fatal);
        let place = fatal
            .and_then(|error| error.place.as_ref())
            .map(ToString::to_string);
        assert_eq!(place.as_deref(), fatal_at, "{name}: {path}: {error:?}");
        assert_eq!(fatal.is_some(), fatal_at.is_some(), "{name}: {path}: {error:?}");
    }
}

#[test]
fn the_line_that_failed_is_named_in_either_way_of_running_php() {
    check("/include.php", 500, Some("include.php:3"));
    check("/parse.php", 500, Some("parse.php:2"));
    check("/uncaught.php", 500, Some("uncaught.php:2"));
    check("/memory.php", 500, Some("memory.php:3"));
    check("/time.php", 500, Some("time.php:3"));
    check("/abstract.php", 500, Some("abstract.php:2"));
    check("/typeerr.php", 500, Some("typeerr.php:2"));
    check("/user.php", 500, Some("user.php:2"));
}

#[test]
fn a_fatal_error_behind_status_200_is_seen() {
    check("/output.php", 200, Some("output.php:3"));
    check("/shutdown.php", 200, Some("shutdown.php:3"));
}

/// The application turned logging off: by `ini_set`, and by `.user.ini`; and set a log of its own.
#[test]
fn an_application_cannot_hide_its_fatal_errors() {
    check("/quiet2.php", 500, Some("quiet2.php:3"));
    check("/ui/a.php", 500, Some("ui/a.php:2"));
    let hidden = MOD_PHP
        .requests()
        .remove("/ht/b.php")
        .and_then(|(_, error)| error);
    let place = hidden
        .and_then(|error| error.place)
        .map(|place| place.to_string());
    assert_eq!(
        place.as_deref(),
        Some("ht/b.php:2"),
        "php_flag log_errors off in .htaccess"
    );
}

#[test]
fn what_is_no_error_of_phps_is_none() {
    check("/ok.php", 200, None);
    check("/warn.php", 200, None);
    // `error_reporting(0)` and a handler of the application's own: only the status tells.
    check("/quiet.php", 500, None);
    check("/handled.php", 500, None);
    // Asked for with the method FOO, by whoever likes to.
    check("/style.css", 501, None);
    check("/auth/x.html", 401, None);
}

#[test]
fn forged_fatal_errors_are_none_under_mod_php() {
    let (status, error) = MOD_PHP.requests().remove("/forge.php").expect("asked");
    assert_eq!(status, Some(200));
    assert_ne!(error.map(|error| error.kind), Some(ErrorKind::Fatal));
    let forged = lines(MOD_PHP.error)
        .iter()
        .filter_map(|line| ErrorLine::parse(line).ok())
        .filter(|line| line.message.contains("Uncaught x in /a.php"))
        .count();
    assert_eq!(forged, 3, "the control: they were written");
}

/// Lines with bytes changed, cut, doubled, and lines within lines.
#[test]
fn no_bytes_make_it_panic_and_no_field_moves() {
    let whole: Vec<Vec<u8>> = [MOD_PHP.access, MOD_PHP.error, FPM.access, FPM.error]
        .into_iter()
        .flat_map(lines)
        .collect();
    let (mut read, mut refused) = (0, 0);
    for seed in 0..30_000 {
        let mut random = Seed::new(seed);
        let mut below = |bound: usize| usize::try_from(random.below(bound as u64)).unwrap_or(0);
        let mut line = whole[below(whole.len())].clone();
        for _ in 0..below(6) {
            let at = below(line.len());
            match below(5) {
                0 => line[at] = b"\n \0\xff-1\"\\'"[below(9)],
                1 => line.truncate(at + 1),
                2 => line.extend_from_within(at..),
                3 => line.insert(at, b' '),
                _ => line
                    .splice(at..at, whole[below(whole.len())].clone())
                    .for_each(drop),
            }
        }
        let access = AccessLine::parse(&line);
        let error = ErrorLine::parse(&line);
        for ok in [access.is_ok(), error.is_ok()] {
            read += usize::from(ok);
            refused += usize::from(!ok);
        }
        if let Ok(error) = error {
            let signature = error.signature(error.release.as_ref());
            assert!(signature.message.len() <= 600, "seed {seed}");
            assert!(!signature.message.contains(char::is_control), "seed {seed}");
        }
    }
    assert!(read > 5_000 && refused > 5_000, "{read} read, {refused} refused");
}

/// The trusted fields of an honest line stay what they are, whatever stands behind them.
#[test]
fn whatever_stands_behind_the_trusted_fields_changes_none_of_them() {
    for seed in 0..5_000 {
        let mut random = Seed::new(seed);
        let noise: Vec<u8> = (0..random.below(200))
            .map(|_| u8::try_from(random.below(256)).unwrap_or(b'?'))
            .filter(|byte| *byte != b'\n')
            .collect();
        let access = [
            b"200 r1 4711 1795342610123456 812 - 192.0.2.7 - - \"".as_slice(),
            &noise,
        ]
        .concat();
        let line = AccessLine::parse(&access).expect("trusted fields are there");
        assert_eq!(
            (line.status, line.pid, line.is_door),
            (Some(200), 4711, false),
            "seed {seed}"
        );
        let error = [
            b"2026-11-22 13:54:05.1 notice 18 ::1 abc php r1 ".as_slice(),
            &noise,
        ]
        .concat();
        let line = ErrorLine::parse(&error).expect("trusted fields are there");
        assert_eq!(line.module.as_deref(), Some("php"), "seed {seed}");
        assert_ne!(line.signature(None).kind, ErrorKind::Fatal, "seed {seed}");
    }
    assert_eq!(
        AccessLine::parse(b"\xff\xfe"),
        Err(Unreadable::Field("the status"))
    );
}
