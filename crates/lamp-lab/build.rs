//! Embeds the fixture applications: one table of their files, in the order of their paths.

use std::env;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

fn main() -> io::Result<()> {
    let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| missing("CARGO_MANIFEST_DIR"))?;
    let apps = Path::new(&manifest_dir).join("../../fixtures/apps");
    println!("cargo::rerun-if-changed={}", apps.display());
    let mut table = String::from("const EMBEDDED: &[Embedded] = &[\n");
    for app in entries(&apps)? {
        write_app(&mut table, &app)?;
    }
    table.push_str("];\n");
    let out_dir = env::var_os("OUT_DIR").ok_or_else(|| missing("OUT_DIR"))?;
    fs::write(Path::new(&out_dir).join("apps.rs"), table)
}

fn write_app(table: &mut String, app: &Path) -> io::Result<()> {
    let facts = app.join("app.json");
    let tree = app.join("tree");
    println!("cargo::rerun-if-changed={}", facts.display());
    let _ = writeln!(
        table,
        "Embedded {{ name: {:?}, facts: include_str!({facts:?}), files: &[",
        name(app)
    );
    let mut files = Vec::new();
    collect(&tree, &mut files)?;
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let path = file.strip_prefix(&tree).map_err(io::Error::other)?;
        let _ = writeln!(table, "    ({path:?}, include_str!({file:?})),");
    }
    table.push_str("] },\n");
    Ok(())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", dir.display());
    for entry in entries(dir)? {
        if entry.is_dir() {
            collect(&entry, files)?;
        } else {
            files.push(entry);
        }
    }
    Ok(())
}

fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    all.sort();
    Ok(all)
}

fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn missing(name: &str) -> io::Error {
    io::Error::other(format!("cargo sets {name}"))
}
