//! Real PHP, asked what it makes of a piece of code: it says what is a mistake, not the check that is measured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Fatal errors alone, on standard output.
const SETTINGS: [&str; 6] = [
    "-d",
    "display_errors=1",
    "-d",
    "error_reporting=341",
    "-d",
    "opcache.enable_cli=0",
];
/// Says whether PHP itself has something by this name.
const KNOWS: &str = "$n = $argv[1]; exit((int) !(function_exists($n) || class_exists($n) || interface_exists($n) || trait_exists($n) || defined($n)));";
/// Loads a file as an autoloader would that knows each class's file by its text.
const LOAD: &str = "$map = json_decode(file_get_contents($argv[1]), true); \
    spl_autoload_register(function ($class) use ($map) { \
        $file = $map[strtolower($class)] ?? null; if ($file !== null) { require_once $file; } }); \
    require_once $argv[2]; echo \"\\nloaded\\n\";";

/// A PHP, and a directory for what it is asked about.
#[derive(Debug)]
pub(super) struct Php {
    place: TempDir,
}

impl Php {
    pub(super) fn new() -> Result<Self> {
        let place = tempfile::Builder::new().prefix("lamp-bench-php-").tempdir()?;
        Ok(Self { place })
    }

    /// Whether PHP compiles it.
    pub(super) fn compiles(&self, source: &[u8]) -> Result<bool> {
        let file = self.put("lint.php", source)?;
        Ok(run(Command::new("php").args(SETTINGS).arg("-l").arg(file))?
            .status
            .success())
    }

    /// Whether a function, class or constant of that name comes with PHP.
    pub(super) fn knows(&self, name: &str) -> Result<bool> {
        Ok(run(Command::new("php").args(["-r", KNOWS, "--", name]))?
            .status
            .success())
    }

    /// Whether this code ends with 0 when it is given a file with these bytes.
    pub(super) fn agrees(&self, code: &str, bytes: &[u8]) -> Result<bool> {
        let file = self.put("asked", bytes)?;
        let mut php = Command::new("php");
        Ok(run(php.args(["-r", code, "--"]).arg(file))?.status.success())
    }

    /// What this code prints when it is given a file with these bytes.
    pub(super) fn answers(&self, code: &str, bytes: &[u8]) -> Result<String> {
        let file = self.put("asked", bytes)?;
        let mut php = Command::new("php");
        let output = run(php.args(["-r", code, "--"]).arg(file))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What PHP says when it loads the first of these files, which lie in one directory; `classes` are by lower-case name.
    pub(super) fn loads(
        &self,
        classes: &BTreeMap<String, PathBuf>,
        files: &[(&str, &[u8])],
    ) -> Result<String> {
        let mut put = files.iter().map(|(name, bytes)| self.put(name, bytes));
        let first = put.next().context("no file")??;
        put.try_for_each(|file| file.map(drop))?;
        let map = self.put("classes.json", serde_json::to_string(classes)?.as_bytes())?;
        let mut php = Command::new("php");
        let output = run(php.args(SETTINGS).args(["-r", LOAD, "--"]).arg(map).arg(first))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The extensions that it loads, as it prints them.
    pub(super) fn extensions() -> Result<String> {
        let output = run(Command::new("php").arg("-m"))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.place.path().join(name);
        fs_err::write(&path, bytes)?;
        Ok(path)
    }
}

fn run(command: &mut Command) -> Result<Output> {
    command.output().context("php: make packages brings it")
}
