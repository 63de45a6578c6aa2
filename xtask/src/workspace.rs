//! The workspace as cargo sees it: crates, their edges, and the packages that come from outside.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// The only platform that is built for; others would bring packages that are never compiled.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What `cargo metadata` says, as far as the checks ask.
#[derive(Debug, Default, Clone)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) crates: Vec<Crate>,
    pub(crate) packages: Vec<Package>,
}

/// One crate of this workspace.
#[derive(Debug, Clone)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Its Cargo.toml, relative to the workspace.
    pub(crate) manifest: String,
    pub(crate) needs: Vec<Need>,
}

/// One dependency that a crate declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// One package from outside that is compiled here.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: Option<String>,
}

impl Workspace {
    /// Asks cargo, without network.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new()
            .other_options(
                ["--offline", "--locked", "--filter-platform", PLATFORM]
                    .map(str::to_owned)
                    .to_vec(),
            )
            .exec()
            .context(
                "cargo metadata --offline --locked (run `cargo fetch --locked` once if crates are missing)",
            )?;
        Ok(Workspace {
            root: metadata.workspace_root.clone().into_std_path_buf(),
            crates: crates(&metadata),
            packages: packages(&metadata)?,
        })
    }

    /// Whether `name` is a crate of this workspace.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.crates.iter().any(|krate| krate.name == name)
    }

    /// Where the workspace stands.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

fn crates(metadata: &Metadata) -> Vec<Crate> {
    let needs = |package: &cargo_metadata::Package| -> Vec<Need> {
        let need = |dep: &cargo_metadata::Dependency| Need {
            name: dep.name.clone(),
            kind: kind(dep.kind),
        };
        package.dependencies.iter().map(need).collect()
    };
    let root = format!("{}/", metadata.workspace_root);
    let one = |package: &cargo_metadata::Package| Crate {
        name: package.name.to_string(),
        manifest: package.manifest_path.as_str().replace(&root, ""),
        needs: needs(package),
    };
    metadata.workspace_packages().into_iter().map(one).collect()
}

fn kind(kind: DependencyKind) -> Kind {
    if kind == DependencyKind::Development {
        Kind::Dev
    } else if kind == DependencyKind::Build {
        Kind::Build
    } else {
        Kind::Normal
    }
}

/// The packages of the resolved graph; what a feature or another platform would bring is not in it.
fn packages(metadata: &Metadata) -> anyhow::Result<Vec<Package>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo metadata gave no resolved graph")?;
    let compiled =
        |package: &&cargo_metadata::Package| resolve.nodes.iter().any(|node| node.id == package.id);
    let outside = |package: &&cargo_metadata::Package| package.source.is_some();
    let packages = metadata
        .packages
        .iter()
        .filter(outside)
        .filter(compiled)
        .map(|package| Package {
            name: package.name.to_string(),
            version: package.version.to_string(),
            licence: package.license.clone(),
        });
    Ok(packages.collect())
}
