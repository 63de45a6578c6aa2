//! Builds mod_lamp as a shared object into `OUT_DIR`, where `src/lib.rs` embeds it. Tests get the same compiler in `LAMP_CC`.
//!
//! The headers of Apache and APR come from the system or, on a machine where nothing is to be installed for a build,
//! from the packages that `make packages` only unpacks.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const SOURCES: [&str; 3] = ["mod_lamp.c", "lamp_site.c", "lamp_parse.c"];
/// As Debian builds its own modules, and with every symbol hidden but the one that Apache looks up.
const FLAGS: [&str; 10] = [
    "-shared",
    "-fvisibility=hidden",
    "-fstack-protector-strong",
    "-fstack-clash-protection",
    "-D_FORTIFY_SOURCE=2",
    "-Wl,-z,relro,-z,now,-z,noexecstack",
    "-Wl,--build-id=sha1",
    "-Wformat",
    "-Werror=format-security",
    "-D_GNU_SOURCE",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: failed to build mod_lamp: {why}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let home = variable("CARGO_MANIFEST_DIR")?;
    let module = home.join("module");
    println!("cargo::rerun-if-changed={}", module.display());
    let include = include_dir(&home)?;
    let out = variable("OUT_DIR")?.join("mod_lamp.so");
    let mut compiler = compiler(&include)?;
    compiler
        .args(FLAGS)
        .arg("-o")
        .arg(&out)
        .args(SOURCES.map(|name| module.join(name)));
    run(compiler)
}

/// The first place that holds the headers of both Apache and APR.
fn include_dir(home: &Path) -> Result<PathBuf, String> {
    let unpacked = home.join("../../.packages/root/usr/include");
    let holds_all =
        |place: &PathBuf| place.join("apache2/httpd.h").exists() && place.join("apr-1.0/apr.h").exists();
    let found = [PathBuf::from("/usr/include"), unpacked].into_iter().find(holds_all).ok_or_else(|| {
        "the headers of Apache and APR are missing; run `make packages`, which unpacks them into .packages \
         (or install apache2-dev)"
            .to_owned()
    })?;
    println!(
        "cargo::rerun-if-changed={}",
        found.join("apache2/httpd.h").display()
    );
    Ok(found)
}

fn compiler(include: &Path) -> Result<Command, String> {
    let mut build = cc::Build::new();
    build
        .opt_level(2)
        .pic(true)
        .std("gnu11")
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true);
    let tool = build.try_get_compiler().map_err(|why| why.to_string())?;
    println!("cargo::rustc-env=LAMP_CC={}", tool.path().display());
    let mut command = tool.to_command();
    for name in ["apache2", "apr-1.0"] {
        command.arg("-isystem").arg(include.join(name));
    }
    Ok(command)
}

fn run(mut command: Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|why| format!("{}: {why}", command.get_program().display()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {status}", command.get_program().display()))
    }
}

fn variable(name: &str) -> Result<PathBuf, String> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| format!("{name} is not set"))
}
