//! Where figures go: the raw file, and the table between two marks of `bench/README.md`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

/// Writes `raw` to `bench/raw/NAME.json` and `table` between the marks of `name` in the README.
pub(crate) fn publish(name: &str, raw: &impl Serialize, table: &str) -> Result<()> {
    let bench = bench_dir();
    fs_err::create_dir_all(bench.join("raw"))?;
    fs_err::write(
        bench.join(format!("raw/{name}.json")),
        serde_json::to_string_pretty(raw)? + "\n",
    )?;
    let readme = bench.join("README.md");
    let text = between_marks(&fs_err::read_to_string(&readme)?, name, table).with_context(|| {
        format!(
            "{} lacks the marks <!-- {name} --> and <!-- /{name} -->",
            readme.display()
        )
    })?;
    fs_err::write(readme, text)?;
    println!("{table}");
    Ok(())
}

fn bench_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn between_marks(text: &str, name: &str, table: &str) -> Option<String> {
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let start = text.find(&open)? + open.len();
    let end = start + text[start..].find(&close)?;
    Some(format!(
        "{}\n{}\n{}",
        &text[..start],
        table.trim_end(),
        &text[end..]
    ))
}

/// What machine this is, as far as figures depend on it.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// The kernel's release.
    kernel: String,
    /// Processors that may be used.
    cores: usize,
    /// When the run ended, UTC.
    at: jiff::Timestamp,
}

impl Machine {
    /// Reads it off.
    #[expect(
        clippy::disallowed_methods,
        reason = "the date stands beside the figures; nothing is decided by it"
    )]
    pub(crate) fn read() -> Result<Self> {
        Ok(Self {
            kernel: fs_err::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            at: jiff::Timestamp::now(),
        })
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "kernel {}, {} cores, {}",
            self.kernel,
            self.cores,
            self.at.strftime("%Y-%m-%d %H:%M UTC")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        let new = between_marks(text, "x", "new\n");
        assert_eq!(new.as_deref(), Some("a\n<!-- x -->\nnew\n<!-- /x -->\nb\n"));
        assert_eq!(between_marks(text, "y", "new"), None);
    }
}
