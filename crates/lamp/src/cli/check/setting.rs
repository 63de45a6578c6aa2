//! What the caller says of the host that is to run the tree, by flags, a file, or a PHP that may be asked. Nothing
//! is run that was not named.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lamp_check::{ApacheSetting, Extensions, Modules, PhpVersion, Setting};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::args::SettingArgs;
use crate::errors::{Kind, Trouble};

/// How long a PHP may take to tell what it is.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest answer, in bytes.
const ANSWER_MAX_BYTES: u64 = 64 * 1024;
/// Its version on the first line, then one extension a line.
const QUESTION: &str = "echo PHP_VERSION, \"\\n\", implode(\"\\n\", array_merge(get_loaded_extensions(), get_loaded_extensions(true)));";

/// What is said of the host; a flag goes before what a PHP tells.
pub(super) fn setting(args: &SettingArgs) -> Result<Setting, Trouble> {
    let told = match &args.php_from {
        Some(program) => ask(program)?,
        None => Setting::default(),
    };
    let extensions = args.extensions.as_deref().map(extensions).transpose()?;
    Ok(Setting {
        php: args.php.or(told.php),
        extensions: extensions.or(told.extensions),
        apache: ApacheSetting {
            modules: args.apache_modules.as_deref().map(modules).transpose()?,
            allow_override: args.allow_override.clone(),
        },
    })
}

/// The flags that tell the worker the same.
pub(super) fn flags(setting: &Setting) -> Vec<String> {
    let php = setting
        .php
        .iter()
        .flat_map(|php| ["--php".to_owned(), php.to_string()]);
    let extensions = setting.extensions.iter();
    let extensions = extensions.flat_map(|list| ["--extensions".to_owned(), list.to_string()]);
    let modules = setting.apache.modules.iter();
    let modules = modules.flat_map(|list| ["--apache-modules".to_owned(), list.to_string()]);
    let allowed = setting.apache.allow_override.iter();
    let allowed = allowed.flat_map(|classes| ["--allow-override".to_owned(), classes.to_string()]);
    php.chain(extensions).chain(modules).chain(allowed).collect()
}

/// A list, or a file that holds one, as `php -m` prints it.
fn extensions(list: &str) -> Result<Extensions, Trouble> {
    let thing = || format!("read the extensions {list}");
    let way_out = "name them as in --extensions mysqli,mbstring, or a file that holds what `php -m` prints";
    let mistake =
        |error: &(dyn std::error::Error + 'static)| Trouble::new(Kind::Mistake, thing(), error, way_out);
    let written = written(list).map_err(|error| mistake(&error))?;
    Extensions::parse(&written).map_err(|error| mistake(&error))
}

/// The same of Apache's modules, as `apachectl -M` prints them.
fn modules(list: &str) -> Result<Modules, Trouble> {
    let thing = || format!("read the modules {list}");
    let way_out = "name them as in --apache-modules rewrite_module,php_module, or a file that holds what `apachectl -M` prints";
    let mistake =
        |error: &(dyn std::error::Error + 'static)| Trouble::new(Kind::Mistake, thing(), error, way_out);
    let written = written(list).map_err(|error| mistake(&error))?;
    Modules::parse(&written).map_err(|error| mistake(&error))
}

fn written(list: &str) -> std::io::Result<String> {
    match Path::new(list).is_file() {
        true => fs_err::read_to_string(list),
        false => Ok(list.to_owned()),
    }
}

fn ask(program: &Path) -> Result<Setting, Trouble> {
    let thing = || format!("ask {} what it is", program.display());
    let way_out = "name a php of the command line, as in --php-from php, or say it yourself: --php 8.2 --extensions FILE";
    let answer = run(program).map_err(|error| Trouble::new(Kind::Mistake, thing(), &error, way_out))?;
    let (version, names) = answer.split_once('\n').unwrap_or((&answer, ""));
    let told = PhpVersion::parse(version).and_then(|php| Ok((php, Extensions::parse(names)?)));
    let (php, extensions) = told.map_err(|error| Trouble::new(Kind::Mistake, thing(), &error, way_out))?;
    Ok(Setting {
        php: Some(php),
        extensions: Some(extensions),
        ..Setting::default()
    })
}

fn run(program: &Path) -> std::io::Result<String> {
    let mut child = Command::new(program)
        .args(["-d", "display_errors=stderr", "-r", QUESTION])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let answer = read(&mut child);
    // Whatever it still does is not wanted any more; one that has ended cannot be ended.
    let _ = child.kill();
    child.wait()?;
    Ok(String::from_utf8_lossy(&answer?).into_owned())
}

/// All that it writes until it ends, within the bounds.
fn read(child: &mut Child) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let Some(stdout) = child.stdout.as_mut() else {
        return Ok(answer);
    };
    let deadline = Instant::now() + ANSWER_TIME_MAX;
    let mut part = [0; 4096];
    while u64::try_from(answer.len()).is_ok_and(|length| length < ANSWER_MAX_BYTES) {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()));
        let left = left.map_err(std::io::Error::other)?;
        if poll(&mut [PollFd::new(&*stdout, PollFlags::IN)], Some(&left))? == 0 {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        match stdout.read(&mut part)? {
            0 => break,
            length => answer.extend_from_slice(&part[..length]),
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use lamp_check::AllowOverride;

    use super::*;

    /// PHP's own word, asked another way.
    #[test]
    fn a_php_is_asked_for_its_version_and_extensions() {
        let said = setting(&SettingArgs {
            php_from: Some("php".into()),
            ..SettingArgs::default()
        });
        let said = said.expect("php answers");
        let listed = Command::new("php").arg("-m").output().expect("php runs").stdout;
        let listed = Extensions::parse(&String::from_utf8_lossy(&listed)).expect("a list");
        assert_eq!(said.extensions, Some(listed));
        let version = Command::new("php").arg("-v").output().expect("php runs").stdout;
        let version = String::from_utf8_lossy(&version).replacen("PHP ", "", 1);
        assert_eq!(said.php, PhpVersion::parse(&version).ok());
    }

    #[test]
    fn a_flag_goes_before_what_a_php_tells() {
        let args = SettingArgs {
            php: Some(PhpVersion::new(7, 4)),
            extensions: Some("Core,mysqli".to_owned()),
            php_from: Some("php".into()),
            apache_modules: Some("rewrite_module".to_owned()),
            allow_override: AllowOverride::parse("FileInfo").ok(),
        };
        let flags = flags(&setting(&args).expect("a setting"));
        let php = ["--php", "7.4", "--extensions", "core,mysqli"];
        let apache = [
            "--apache-modules",
            "rewrite_module",
            "--allow-override",
            "FileInfo",
        ];
        assert_eq!(flags, [php, apache].concat());
    }

    #[test]
    fn what_is_no_php_is_the_callers_mistake() {
        for program in ["true", "no-such-program-here"] {
            let args = SettingArgs {
                php_from: Some(program.into()),
                ..SettingArgs::default()
            };
            let trouble = setting(&args).expect_err("no PHP");
            assert_eq!(trouble.kind, Kind::Mistake, "{program}");
        }
    }
}
