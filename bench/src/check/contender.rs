//! Those who look at PHP without running it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::broken::Broken;

/// What they look at, and with what.
pub(super) struct Ground {
    pub(super) tree: PathBuf,
    /// The file of it that most of the site hangs on.
    pub(super) heaviest: PathBuf,
    /// Where lamp keeps what it learned.
    pub(super) cache: PathBuf,
    pub(super) lamp: PathBuf,
    pub(super) mago: Option<PathBuf>,
    /// How Phan is called, the program first.
    pub(super) phan: Vec<String>,
}

/// Of all that Phan says, what it says of files that are included; it asks for them only if it is told to.
const PHAN_SETTINGS: &str = "<?php return ['directory_list' => ['.'], 'target_php_version' => '8.2', \
     'enable_include_path_checks' => true, 'include_paths' => ['.'], \
     'whitelist_issue_types' => ['PhanMissingRequireFile', 'PhanInvalidRequireFile']];";

impl Ground {
    fn phan_settings(&self) -> PathBuf {
        self.cache.with_extension("phan.php")
    }

    /// The file that most of the site hangs on, as lamp tells it.
    pub(super) fn heaviest(lamp: &Path, tree: &Path) -> Result<PathBuf> {
        let mut command = Command::new(lamp);
        command.args(["check", "--no-cache", "--top", "1", "--format", "json"]);
        let output = command.arg(tree).output()?;
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let path = answer["files"][0]["path"].as_str();
        Ok(path.context("lamp names no file that most hangs on")?.into())
    }
}

/// One run.
pub(super) struct Ran {
    pub(super) wall_ms: f64,
    /// The peak of its largest process, as the kernel tells GNU time.
    pub(super) largest_process_kib: u64,
    /// All that it says about the application.
    pub(super) told: String,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contender {
    /// Every file is parsed, and nothing is kept.
    LampCold,
    /// Every file is parsed, and what that came to is kept for the next time.
    LampFirst,
    /// As anyone types it again.
    LampUnchanged,
    /// As anyone types it again who has changed the page that visitors see first.
    LampPageChanged,
    /// The same, of the file that most of the site hangs on.
    LampHeaviestChanged,
    /// One process a file: PHP 8.2 takes one at a time.
    PhpLint,
    MagoLint,
    MagoAnalyze,
    Phan,
}

impl Contender {
    /// Those that are here.
    pub(super) fn all(ground: &Ground) -> Vec<Self> {
        let mut all = vec![
            Self::LampCold,
            Self::LampFirst,
            Self::LampUnchanged,
            Self::LampPageChanged,
            Self::LampHeaviestChanged,
            Self::PhpLint,
        ];
        if ground.mago.is_some() {
            all.extend([Self::MagoLint, Self::MagoAnalyze]);
        }
        if !ground.phan.is_empty() {
            all.push(Self::Phan);
        }
        all
    }

    /// As the table names it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LampCold => "lamp check, cold",
            Self::LampFirst => "lamp check, cold, its cache filled",
            Self::LampUnchanged => "lamp check, nothing changed",
            Self::LampPageChanged => "lamp check, `index.php` changed",
            Self::LampHeaviestChanged => "lamp check, the file changed that most hangs on",
            Self::PhpLint => "php -l, xargs -P2",
            Self::MagoLint => "mago lint",
            Self::MagoAnalyze => "mago analyze",
            Self::Phan => "phan -j 2",
        }
    }

    /// What is not measured: whoever is to find one file changed, or nothing kept, does.
    pub(super) fn prepare(self, ground: &Ground, round: u32) -> Result<()> {
        let file = match self {
            Self::LampPageChanged => Path::new("index.php"),
            Self::LampHeaviestChanged => &ground.heaviest,
            Self::LampFirst => {
                fs_err::remove_dir_all(&ground.cache)?;
                return Ok(fs_err::create_dir(&ground.cache)?);
            }
            Self::Phan => return Ok(fs_err::write(ground.phan_settings(), PHAN_SETTINGS)?),
            Self::LampCold | Self::LampUnchanged | Self::PhpLint | Self::MagoLint | Self::MagoAnalyze => {
                return Ok(());
            }
        };
        let file = ground.tree.join(file);
        let text = fs_err::read(&file)?;
        let line = format!("\n<?php // round {round}\n");
        let ends_in_php = text.trim_ascii_end().ends_with(b"?>");
        let line = if ends_in_php {
            line
        } else {
            line.replace("<?php ", "")
        };
        Ok(fs_err::write(file, [text, line.into_bytes()].concat())?)
    }

    /// What is measured. That it finds something is no error.
    pub(super) fn run(self, ground: &Ground) -> Result<Ran> {
        let file = ground.cache.with_extension("time");
        let time: Vec<OsString> = vec![
            "time".into(),
            "-f".into(),
            "%e %M".into(),
            "-o".into(),
            file.clone().into(),
        ];
        let started = Instant::now();
        let output = self.output(ground, &time)?;
        let wall_ms = started.elapsed().as_secs_f64() * 1e3;
        let text = fs_err::read_to_string(file)?;
        // GNU time writes a line about the exit code before it.
        let last = text.lines().last().unwrap_or_default();
        let kib = last.split(' ').nth(1).unwrap_or_default();
        Ok(Ran {
            wall_ms,
            largest_process_kib: kib
                .parse()
                .with_context(|| format!("no memory from GNU time: {text}"))?,
            told: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        })
    }

    fn output(self, ground: &Ground, before: &[OsString]) -> Result<Output> {
        let argv: Vec<OsString> = before.iter().cloned().chain(self.argv(ground)).collect();
        let (program, args) = argv.split_first().context("a command without a program")?;
        let mut command = Command::new(program);
        command
            .args(args)
            .env("XDG_CACHE_HOME", &ground.cache)
            .stdin(Stdio::null());
        let output = command
            .output()
            .with_context(|| format!("{program:?} did not start"))?;
        // 2 and more: it could not do it; xargs says 123 where php said 255.
        let code = output.status.code();
        ensure!(
            matches!(code, Some(0 | 1 | 123 | 124)),
            "{} ended with {code:?}: {}",
            self.name(),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(output)
    }

    fn argv(self, ground: &Ground) -> Vec<OsString> {
        let words = |words: &[&str]| -> Vec<OsString> { words.iter().map(OsString::from).collect() };
        let tree = ground.tree.clone().into_os_string();
        let mago = ground.mago.clone().unwrap_or_default().into_os_string();
        let with_mago = |verb: &str| {
            let head = [mago.clone(), "--workspace".into(), tree.clone()].to_vec();
            let rest = [
                "--threads",
                "2",
                "--colors",
                "never",
                verb,
                "--reporting-format",
                "emacs",
                // Without a place it looks at none.
                ".",
            ];
            [head, words(&rest)].concat()
        };
        let with_lamp = |flags: &[&str]| {
            let head = [ground.lamp.clone().into_os_string(), "check".into()].to_vec();
            [
                head,
                words(&["--format", "json"]),
                words(flags),
                vec![tree.clone()],
            ]
            .concat()
        };
        match self {
            Self::LampCold => with_lamp(&["--no-cache"]),
            Self::LampFirst | Self::LampUnchanged | Self::LampPageChanged | Self::LampHeaviestChanged => {
                with_lamp(&[])
            }
            Self::PhpLint => {
                let script = "find \"$1\" -name '*.php' -print0 | xargs -0 -n1 -P2 php -l";
                [words(&["sh", "-c", script, "lint"]), vec![tree]].concat()
            }
            Self::MagoLint => with_mago("lint"),
            Self::MagoAnalyze => with_mago("analyze"),
            Self::Phan => {
                let called: Vec<OsString> = ground.phan.iter().map(OsString::from).collect();
                let settings = vec!["--config-file".into(), ground.phan_settings().into_os_string()];
                let root = vec!["--project-root-directory".into(), tree];
                let rest = words(&["--no-progress-bar", "--output-mode", "text", "-j", "2"]);
                [called, settings, root, rest].concat()
            }
        }
    }
}

/// Whether the place of this wrong name is told anywhere: `PATH:LINE`, `PATH on line LINE`, or as JSON.
pub(super) fn heard_of(told: &str, broken: &Broken) -> bool {
    let Broken { path, line } = broken;
    if let Ok(answer) = serde_json::from_str::<serde_json::Value>(told) {
        let findings = answer["findings"].as_array();
        let is_it = |finding: &serde_json::Value| finding["path"] == *path && finding["line"] == *line;
        return findings.is_some_and(|findings| findings.iter().any(is_it));
    }
    let is_it = |text: &str| {
        let Some((_, behind)) = text.split_once(path.as_str()) else {
            return false;
        };
        let number = behind
            .trim_start_matches([':', '('])
            .trim_start_matches(" on line ");
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        digits == line.to_string()
    };
    told.lines().any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(told: &str, expected: bool) {
        let broken = Broken {
            path: "a/b.php".to_owned(),
            line: 12,
        };
        assert_eq!(heard_of(told, &broken), expected, "{told}");
    }

    #[test]
    fn a_place_is_heard_of_in_each_way_to_write_it() {
        check("x\n/t/a/b.php:12:3:error - no such file", true);
        check("PHP Parse error: unexpected ) in /t/a/b.php on line 12", true);
        check("/t/a/b.php:121:3: error", false);
        check("/t/a/b.php:1:12: error", false);
        check("/t/a/c.php:12:3: error", false);
        check("No syntax errors detected in /t/a/b.php", false);
        check(r#"{"findings": [{"path": "a/b.php", "line": 12}]}"#, true);
        check(r#"{"findings": [{"path": "a/b.php", "line": 1}]}"#, false);
    }
}
