//! The source tree: WordPress, also as a git repository, of which one file changes each round.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::contender::run_quietly;

/// The file that changes: one that every page loads.
const CHANGED_FILE: &str = "wp-settings.php";

/// A working copy that the contenders deploy from.
pub(super) struct Source {
    path: PathBuf,
}

impl Source {
    /// Copies `from` and makes it a git repository (capistrano reads nothing else).
    pub(super) fn copy(from: &Path, to: &Path) -> Result<Self> {
        ensure!(
            from.join(CHANGED_FILE).exists(),
            "no WordPress at {}: run `make packages`",
            from.display()
        );
        run_quietly("cp", ["-rL".into(), from.into(), to.into()])?;
        let source = Self { path: to.to_owned() };
        source.git(&["init", "--quiet", "--initial-branch", "main", "."])?;
        source.git(&["config", "gc.auto", "0"])?;
        Ok(source)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Changes one line of one file and commits it.
    pub(super) fn change_one_file(&mut self, round: u32) -> Result<()> {
        let file = self.path.join(CHANGED_FILE);
        let text = fs_err::read_to_string(&file)?;
        let body = text
            .split_once("// round ")
            .map_or(text.as_str(), |(body, _)| body)
            .trim_end();
        fs_err::write(&file, format!("{body}\n// round {round}\n"))?;
        self.git(&["add", "--all"])?;
        self.git(&[
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@localhost",
            "commit",
            "--quiet",
            "-m",
            &format!("round {round}"),
        ])
    }

    /// Whether `tree` holds the change of `round`.
    pub(super) fn is_round(tree: &Path, round: u32) -> Result<bool> {
        let text = fs_err::read_to_string(tree.join(CHANGED_FILE))?;
        Ok(text.ends_with(&format!("// round {round}\n")))
    }

    /// Files and bytes, without git's own.
    pub(super) fn size(&self) -> Result<(u64, u64)> {
        let (mut files, mut bytes, mut todo) = (0, 0, vec![self.path.clone()]);
        while let Some(dir) = todo.pop() {
            for entry in fs_err::read_dir(&dir)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() && entry.file_name() != ".git" {
                    todo.push(entry.path());
                } else if kind.is_file() {
                    files += 1;
                    bytes += entry.metadata()?.len();
                }
            }
        }
        Ok((files, bytes))
    }

    fn git(&self, args: &[&str]) -> Result<()> {
        let all = ["-C".into(), self.path.clone().into()]
            .into_iter()
            .chain(args.iter().map(Into::into));
        run_quietly("git", all).with_context(|| format!("git {}", args.join(" ")))
    }
}
