//! The command line as typed: clap's view of it, parsed once into the types of the model.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use lamp_check::{AllowOverride, Extensions, Modules, PhpVersion};
use lamp_model::gate::OverrideReason;
use lamp_model::incident::{NoteText, PersonName};
use lamp_model::name::{ReleaseId, SiteName};

/// Longest bake that may be asked for.
pub const BAKE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Keeps a LAMP site lit: stores releases, switches in milliseconds, goes back by itself.
#[derive(Debug, Parser)]
#[command(name = "lamp", version, max_term_width = 100, infer_subcommands = false)]
pub struct Cli {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        default_value = "/etc/lamp/lamp.toml"
    )]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Bring a directory, or a commit of a git repository, into production as a new release.
    Deploy(DeployArgs),
    /// Put a directory, or a commit, to the gate as if it were deployed; production is not touched.
    Test(TestArgs),
    /// Find what is wrong in a tree of PHP before anything runs; exit 1 if there is any error.
    Check(CheckArgs),
    /// Go back to a release that was proven good.
    Rollback(RollbackArgs),
    /// What runs where, since when, and how it is.
    Status(StatusArgs),
    /// Look at releases, verify them, remove old ones.
    #[command(subcommand)]
    Release(ReleaseVerb),
    /// What went wrong: incidents, notes on them, their reports.
    #[command(subcommand)]
    Incident(IncidentVerb),
    /// Is everything this needs here, with the mend for each line.
    Doctor(DoctorArgs),
    /// The host's own process, root: executes deployments and guards armed switches.
    Agent(AgentArgs),
    /// The controller, not root: follows the log, sends the pages, shows how it goes over HTTP.
    Serve(ServeArgs),
    /// Bring mod_lamp, the Apache module, onto this host, and print the lines that use it.
    #[command(subcommand)]
    Apache(ApacheVerb),
    /// The outage replayed in a lab: refused by the gate, forced, rolled back by the host, paged, reported.
    Demo(DemoArgs),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// The first process of a sandbox; started by lamp itself.
    #[command(name = "sandbox-init", hide = true)]
    SandboxInit,
    /// Follows the logs of one site; its standard input is the agent's socket. Started by the agent.
    #[command(name = "watch-worker", hide = true)]
    WatchWorker,
    /// Tells what visitors asked for, out of a log in the directory that is its standard input. Started by the agent.
    #[command(name = "requests-worker", hide = true)]
    RequestsWorker(RequestsWorkerArgs),
    /// Checks the directory that is its standard input; started by lamp itself.
    #[command(name = "check-worker", hide = true)]
    CheckWorker(CheckWorkerArgs),
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For scripts: one JSON object of a versioned type.
    Json,
}

/// `lamp deploy`
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// The site, as named in lamp.toml.
    pub site: SiteName,
    /// What becomes the release: DIR, REPO@REF, or URL@REF over https or ssh; read with your own rights.
    #[arg(long, value_name = "SRC")]
    pub from: PathBuf,
    /// How long the release is watched before it counts as good, as in 90s or 2m.
    #[arg(long, value_name = "TIME", value_parser = bake)]
    pub bake: Option<Duration>,
    /// Go even if the gate is shut; the reason is written down and told in the page.
    #[arg(long, value_name = "REASON", value_parser = OverrideReason::parse)]
    pub override_gate: Option<OverrideReason>,
    /// Print the plan and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `lamp test`
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The site, as named in lamp.toml.
    pub site: SiteName,
    /// What would become the release: DIR, REPO@REF, or URL@REF over https or ssh; read with your own rights.
    #[arg(long, value_name = "SRC")]
    pub from: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `lamp check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The tree of PHP.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Parse every file, also those that were parsed before.
    #[arg(long)]
    pub no_cache: bool,
    /// Check again as files change, and print what is new and what is fixed; until it is ended.
    #[arg(long, conflicts_with_all = ["format", "write_baseline", "unknown", "fix", "graph", "top", "explain"])]
    pub watch: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,
    /// Only what is new counts, against a release of a site (SITE/RELEASE; SITE alone is what is live), a directory, or a
    /// commit, branch or tag of the repository that DIR lies in.
    #[arg(long, value_name = "RELEASE|DIR|GITREF")]
    pub against: Option<PathBuf>,
    /// Findings that are known and do not count; without it, lamp-baseline.json of DIR if it is there.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write down what is found now as known.
    #[arg(long, conflicts_with_all = ["against", "fix", "graph", "top", "explain"])]
    pub write_baseline: bool,
    /// List the includes whose file cannot be told, too, and why.
    #[arg(long)]
    pub unknown: bool,
    /// Mend names that are wrong by a slip of the keys: each is printed; then check again.
    #[arg(long, conflicts_with_all = ["graph", "top", "explain"])]
    pub fix: bool,
    /// With --fix: show the changes as a diff, and change nothing.
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Show who depends on FILE, directly and through others; without FILE, who includes whom.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["top", "explain"])]
    pub graph: Option<Option<String>>,
    /// Show the files that most of the site hangs on; 20 unless told.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20", conflicts_with = "explain", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub top: Option<u16>,
    /// Show the page of a rule; without RULE, or for `all`, a list of the rules.
    #[arg(long, value_name = "RULE", num_args = 0..=1, default_missing_value = "all")]
    pub explain: Option<String>,
    /// What is known of the host.
    #[command(flatten)]
    pub setting: SettingArgs,
}

/// What is known of the host that is to run a tree.
#[derive(Debug, Default, Args)]
pub struct SettingArgs {
    /// The PHP that is to run the tree, as in 8.2: what is too new for it is found.
    #[arg(long, value_name = "VERSION", value_parser = PhpVersion::parse)]
    pub php: Option<PhpVersion>,
    /// The extensions that it loads: a list as in mysqli,mbstring, or a file that holds what `php -m` prints.
    #[arg(long, value_name = "FILE|LIST")]
    pub extensions: Option<String>,
    /// A php to run and to ask for both, as in --php-from php; that of the command line may load others than Apache's.
    #[arg(long, value_name = "PROGRAM")]
    pub php_from: Option<PathBuf>,
    /// The modules of the site's Apache: a list as in rewrite_module,php_module, or a file that holds what `apachectl -M` prints.
    #[arg(long, value_name = "FILE|LIST")]
    pub apache_modules: Option<String>,
    /// What it allows in a .htaccess: All, None, or classes as in FileInfo,Indexes.
    #[arg(long, value_name = "CLASSES", value_parser = AllowOverride::parse)]
    pub allow_override: Option<AllowOverride>,
}

/// How `lamp check` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts: one JSON object of a versioned type.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
    /// JUnit's XML, for whatever shows tests.
    Junit,
    /// With --graph: Graphviz.
    Dot,
}

/// `lamp requests-worker`
#[derive(Debug, Args)]
pub struct RequestsWorkerArgs {
    /// The log's name in the directory.
    pub name: String,
}

/// `lamp check-worker`
#[derive(Debug, Args)]
pub struct CheckWorkerArgs {
    /// Answer what stands beside the findings, too: lines of source, entry points, the tree's own baseline.
    #[arg(long)]
    pub with_lines: bool,
    /// List the includes whose file cannot be told.
    #[arg(long, requires = "with_lines")]
    pub unknown: bool,
    /// Answer who includes whom.
    #[arg(long, requires = "with_lines")]
    pub graph: bool,
    /// Answer what hangs on this file.
    #[arg(long, value_name = "FILE", requires = "with_lines")]
    pub dependents: Option<String>,
    /// Answer the files that most of the site hangs on.
    #[arg(long, value_name = "N", requires = "with_lines")]
    pub top: Option<u16>,
    /// Give way to whatever else runs here: production is on the same processors.
    #[arg(long)]
    pub in_background: bool,
    /// A file of facts from the last check; new ones are answered behind the report.
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
    /// A file that says what the last check took of the tree and came to; the same of this one is answered behind the report.
    #[arg(long, value_name = "FILE", requires = "facts")]
    pub last: Option<PathBuf>,
    /// The PHP that is to run the tree.
    #[arg(long, value_parser = PhpVersion::parse)]
    pub php: Option<PhpVersion>,
    /// The extensions that it loads.
    #[arg(long, value_parser = Extensions::parse)]
    pub extensions: Option<Extensions>,
    /// The modules of the site's Apache.
    #[arg(long, value_parser = Modules::parse)]
    pub apache_modules: Option<Modules>,
    /// What it allows in a .htaccess.
    #[arg(long, value_parser = AllowOverride::parse)]
    pub allow_override: Option<AllowOverride>,
}

/// `lamp rollback`
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The site, as named in lamp.toml.
    pub site: SiteName,
    /// The release to go back to; without it, the last one proven good that is not live.
    #[arg(long, value_name = "RELEASE")]
    pub to: Option<ReleaseId>,
    /// Print the plan and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `lamp status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this site.
    pub site: Option<SiteName>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `lamp release ...`
#[derive(Debug, Subcommand)]
pub enum ReleaseVerb {
    /// The releases of a site.
    List {
        /// The site.
        site: SiteName,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// One release and its files.
    Show {
        /// The site.
        site: SiteName,
        /// The release.
        release: ReleaseId,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// What differs between two releases; exit 1 if anything does.
    Diff {
        /// The site.
        site: SiteName,
        /// The one release.
        from: ReleaseId,
        /// The other.
        to: ReleaseId,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Hold releases against their manifests; exit 1 and every difference named if any differs.
    Verify {
        /// The site.
        site: SiteName,
        /// Only this release; without it, all.
        release: Option<ReleaseId>,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Remove old releases, never the live one nor the one to go back to.
    Prune {
        /// The site.
        site: SiteName,
        /// Print what would go and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// `lamp incident ...`
#[derive(Debug, Subcommand)]
pub enum IncidentVerb {
    /// The incidents, the newest first.
    List {
        /// Only those of this site.
        site: Option<SiteName>,
        /// The zone of the times, as in Africa/Nairobi; without it, the host's.
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// One incident: how it is, the culprit, its times.
    Show {
        /// Its number.
        number: u64,
        /// The zone of the times, as in Africa/Nairobi; without it, the host's.
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Say that somebody sees to an incident: the report then tells who, and since when.
    Ack {
        /// The incident's number.
        number: u64,
        /// Who, as in "Ada (web team)".
        #[arg(long, value_name = "NAME", value_parser = PersonName::parse)]
        who: Option<PersonName>,
        /// Since when, as in 06:47, "2026-11-22 06:47" or 2026-11-22T06:47:00+03:00; without it, now.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The zone of the time, as in Africa/Nairobi; without it, the host's.
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
    },
    /// Write something down about an incident; it stands in the report's timeline.
    Note {
        /// The incident's number.
        number: u64,
        /// What happened, in one line.
        #[arg(value_parser = NoteText::parse)]
        text: NoteText,
        /// When it happened, as in 06:47, "2026-11-22 06:47" or 2026-11-22T06:47:00+03:00; without it, now.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The zone of the time, as in Africa/Nairobi; without it, the host's.
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
    },
    /// The report of an incident, from the log alone.
    Report {
        /// The incident's number.
        number: u64,
        /// The zone of the times, as in Africa/Nairobi; without it, the host's.
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: ReportFormat,
    },
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For a terminal.
    #[default]
    Text,
    /// Markdown, to be handed on.
    Md,
    /// For scripts: one JSON object of a versioned type.
    Json,
}

/// `lamp doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `lamp agent`
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// Leave the terminal: a session of its own. How `lamp deploy` starts an agent.
    #[arg(long, hide = true)]
    pub detached: bool,
    /// End when the process that started it ends: how a drill starts one.
    #[arg(long, hide = true)]
    pub end_with_parent: bool,
}

/// `lamp apache ...`
#[derive(Debug, Subcommand)]
pub enum ApacheVerb {
    /// Write the module and, once, the side door's key. Apache's configuration is not touched.
    Install {
        /// Where the module goes.
        #[arg(long, value_name = "PATH", default_value = super::apache::MODULE_PATH)]
        module: PathBuf,
    },
    /// Print lines for Apache's configuration.
    Lines(LinesArgs),
}

/// `lamp apache lines`
#[derive(Debug, Args)]
pub struct LinesArgs {
    /// For each virtual host of this site; without it, for the server, once.
    pub site: Option<SiteName>,
    /// Where the module is.
    #[arg(long, value_name = "PATH", default_value = super::apache::MODULE_PATH)]
    pub module: PathBuf,
}

/// `lamp serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Run as root all the same: for a drill on a machine of one's own, never on a host.
    #[arg(long)]
    pub as_root: bool,
}

/// `lamp demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Show the switch alone: fifty switches and rollbacks, beside the same with a symlink.
    #[arg(long)]
    pub switches: bool,
    /// Which mistake the release bears; without it, the wrong name that the outage began with.
    #[arg(long, value_name = "N", conflicts_with = "switches")]
    pub seed: Option<u64>,
    /// An unpacked WordPress to show it on.
    #[arg(long, value_name = "DIR", conflicts_with = "switches")]
    pub wordpress: Option<PathBuf>,
    /// Show it on the small application that lamp carries, of which every page hangs on the broken file.
    #[arg(long, conflicts_with_all = ["switches", "wordpress"])]
    pub fixture: bool,
    /// Where the report is written.
    #[arg(long, value_name = "FILE", default_value_os_t = super::demo::outage::default_report(), conflicts_with = "switches")]
    pub report: PathBuf,
    /// Where the lab is made and removed again; a real filesystem.
    #[arg(long, value_name = "DIR", default_value_os_t = super::demo::default_dir())]
    pub dir: PathBuf,
    /// Run PHP in php-fpm instead of Apache itself.
    #[arg(long)]
    pub fpm: bool,
    /// Deployments, each followed by a rollback.
    #[arg(long, value_name = "N", default_value_t = 50, requires = "switches", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Requests a second.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub rate: u16,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl DemoArgs {
    /// How PHP is run.
    pub const fn sapi(&self) -> lamp_lab::Sapi {
        if self.fpm {
            lamp_lab::Sapi::Fpm
        } else {
            lamp_lab::Sapi::ModPhp
        }
    }
}

fn bake(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "a time reads 90s, 2m or 1h30m, at most {}h",
            BAKE_MAX.as_secs() / 3600
        )
    };
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    let bake = Duration::try_from(span).map_err(|_| wrong())?;
    if bake > BAKE_MAX { Err(wrong()) } else { Ok(bake) }
}
