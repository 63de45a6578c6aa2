//! Names the rules by which facts are made, in `LAMP_CHECK_FACTS`: a hash of this crate's sources, and of the lock file,
//! which says which parser reads them. Facts that were kept by other rules are then not taken for ours.

#![expect(
    clippy::disallowed_methods,
    reason = "it reads the crate's own sources while it is built; errors name their path here"
)]

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    match name() {
        Ok(name) => {
            println!("cargo::rustc-env=LAMP_CHECK_FACTS={name:016x}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: failed to name the rules of the check: {why}");
            ExitCode::FAILURE
        }
    }
}

fn name() -> Result<u64, String> {
    let mut files = vec![PathBuf::from("Cargo.toml")];
    let lock = PathBuf::from("../../Cargo.lock");
    files.extend(lock.exists().then_some(lock));
    sources(Path::new("src"), &mut files)?;
    files.sort();
    println!("cargo::rerun-if-changed=src");
    let mut hasher = DefaultHasher::new();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        hasher.write(file.as_os_str().as_encoded_bytes());
        hasher.write(&std::fs::read(&file).map_err(|error| format!("read {}: {error}", file.display()))?);
    }
    Ok(hasher.finish())
}

fn sources(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error| format!("list {}: {error}", dir.display());
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            sources(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
