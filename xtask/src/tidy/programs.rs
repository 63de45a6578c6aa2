//! Every external program that is run stands in a table that names its Debian package, and every such
//! package in the lists of `packaging/packages/`: a fresh machine has what the tests and the demo run.
//!
//! A table is a file `programs.rs` with `Program { name: "...", package: "..." }` or calls
//! `program("name", ..., "package")`, or `[programs]` in
//! `xtask/tidy.toml` for what only tests, benches and the project's own checks run.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use super::Project;
use crate::finding::Finding;
use crate::snapshot::File;

const RULE: &str = "program";
const TABLE: &str = "/programs.rs";
const LISTS: &[&str] = &[
    "packaging/packages/installed.txt",
    "packaging/packages/unpacked.txt",
    "packaging/packages/bench.txt",
];
/// Functions whose first argument is a program: `Command::new("x")`, `sandbox.command("x")`.
const RUNNERS: &[&str] = &["Command", "command"];

pub(crate) fn check(project: &Project<'_>) -> Vec<Finding> {
    let tables = tables(project);
    let mut findings = not_in_lists(project, &tables);
    let known = |name: &str| {
        tables.iter().any(|entry| entry.name == name) || project.rules.programs.contains_key(name)
    };
    for file in project
        .snapshot
        .rust()
        .filter(|file| !file.path.starts_with("xtask/src/tidy/"))
    {
        let tokens: TokenStream = file.text.parse().unwrap_or_default();
        let unknown = runs(tokens)
            .into_iter()
            .filter(|run| !known(base_name(&run.program)));
        findings.extend(unknown.map(|run| not_in_table(file, &run)));
    }
    findings
}

/// One row of a table.
struct Entry {
    path: String,
    line: usize,
    name: String,
    package: String,
}

fn tables(project: &Project<'_>) -> Vec<Entry> {
    let files = project
        .snapshot
        .rust()
        .filter(|file| file.path.ends_with(TABLE) && !file.path.starts_with("xtask/"));
    files.flat_map(table).collect()
}

fn table(file: &File) -> Vec<Entry> {
    let Ok(syntax) = syn::parse_file(&file.text) else {
        return Vec::new();
    };
    let mut found = Entries {
        path: &file.path,
        entries: Vec::new(),
    };
    found.visit_file(&syntax);
    found.entries
}

struct Entries<'a> {
    path: &'a str,
    entries: Vec<Entry>,
}

impl Entries<'_> {
    fn keep(&mut self, name: &syn::LitStr, package: &syn::LitStr) {
        let line = name.span().start().line;
        self.entries.push(Entry {
            path: self.path.to_owned(),
            line,
            name: name.value(),
            package: package.value(),
        });
    }
}

impl Visit<'_> for Entries<'_> {
    fn visit_expr_struct(&mut self, expression: &syn::ExprStruct) {
        let field = |wanted: &str| {
            let named = |field: &&syn::FieldValue| matches!(&field.member, syn::Member::Named(name) if name == wanted);
            expression
                .fields
                .iter()
                .find(named)
                .and_then(|field| text_of(&field.expr))
        };
        if let (Some(name), Some(package)) = (field("name"), field("package")) {
            self.keep(name, package);
        }
        syn::visit::visit_expr_struct(self, expression);
    }

    fn visit_expr_call(&mut self, call: &syn::ExprCall) {
        let is_row = matches!(&*call.func, syn::Expr::Path(function) if function.path.is_ident("program"));
        let texts: Vec<&syn::LitStr> = call.args.iter().filter_map(text_of).collect();
        if let (true, [name, .., package]) = (is_row, texts.as_slice()) {
            self.keep(name, package);
        }
        syn::visit::visit_expr_call(self, call);
    }
}

fn text_of(expression: &syn::Expr) -> Option<&syn::LitStr> {
    let syn::Expr::Lit(syn::ExprLit {
        lit: syn::Lit::Str(text),
        ..
    }) = expression
    else {
        return None;
    };
    Some(text)
}

fn not_in_lists(project: &Project<'_>, tables: &[Entry]) -> Vec<Finding> {
    let listed: Vec<&str> = LISTS
        .iter()
        .filter_map(|path| project.snapshot.file(path))
        .flat_map(packages)
        .collect();
    let from_rules = project
        .rules
        .programs
        .iter()
        .map(|(name, package)| (super::rules::PATH, 0, name.as_str(), package.as_str()));
    let from_tables = tables.iter().map(|entry| {
        (
            entry.path.as_str(),
            entry.line,
            entry.name.as_str(),
            entry.package.as_str(),
        )
    });
    let missing = from_tables
        .chain(from_rules)
        .filter(|(_, _, _, package)| !listed.contains(package));
    missing
        .map(|(path, line, name, package)| Finding {
            path: path.to_owned(),
            line,
            rule: RULE,
            says: format!("{name} is run, but {package} is in no list"),
            mend: "add the package, with the reason, to packaging/packages/".to_owned(),
        })
        .collect()
}

fn packages(list: &File) -> impl Iterator<Item = &str> {
    let before_comment = |line: &'_ str| line.find('#').unwrap_or(line.len());
    list.text
        .lines()
        .map(move |line| line[..before_comment(line)].trim())
        .filter(|name| !name.is_empty())
}

/// A place that runs a program by a name that stands in the source.
struct Run {
    program: String,
    line: usize,
}

fn runs(tokens: TokenStream) -> Vec<Run> {
    let mut found = Vec::new();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut runner = false;
    for token in &tokens {
        match token {
            TokenTree::Ident(word) if *word == "new" && runner => {}
            TokenTree::Ident(word) => runner = RUNNERS.iter().any(|name| word == name),
            TokenTree::Punct(punct) => runner = runner && punct.as_char() == ':',
            TokenTree::Group(group) => {
                if runner {
                    found.extend(first_string(group.stream()));
                }
                found.extend(runs(group.stream()));
                runner = false;
            }
            TokenTree::Literal(_) => runner = false,
        }
    }
    found
}

fn first_string(arguments: TokenStream) -> Option<Run> {
    let TokenTree::Literal(literal) = arguments.into_iter().next()? else {
        return None;
    };
    let text = syn::parse_str::<syn::LitStr>(&literal.to_string()).ok()?;
    Some(Run {
        program: text.value(),
        line: literal.span().start().line,
    })
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn not_in_table(file: &File, run: &Run) -> Finding {
    Finding {
        path: file.path.clone(),
        line: run.line,
        rule: RULE,
        says: format!(
            "{} is run, and no table says which package it comes from",
            run.program
        ),
        mend: "add it to the crate's programs.rs, or to [programs] in xtask/tidy.toml if only tests run it"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::case;

    const LIST: (&str, &str) = (
        "packaging/packages/installed.txt",
        "# the stack\napache2\nxfsprogs # mkfs\n",
    );
    const TABLE: &str = r#"const ALL: &[Program] = &[Program { name: "apache2", package: "apache2" }];"#;

    #[track_caller]
    fn check_files(files: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<(&str, &str)> = files.iter().copied().chain([LIST]).collect();
        assert_eq!(
            case::of_files(check, &files, "programs = { \"mkfs.xfs\" = \"xfsprogs\" }"),
            expected
        );
    }

    #[test]
    fn a_program_of_a_table_and_a_list_is_run() {
        let runs = "fn f() { Command::new(\"/usr/sbin/apache2\"); s.command(\"mkfs.xfs\", &[]); Command::new(path); }";
        check_files(
            &[
                ("crates/lab/src/programs.rs", TABLE),
                ("crates/lab/tests/it/a.rs", runs),
            ],
            &[],
        );
    }

    #[test]
    fn a_program_of_no_table_is_told_in_tests_as_well() {
        let says = "crates/lab/tests/it/a.rs:1: [program] curl is run, and no table says which package it comes from";
        check_files(
            &[(
                "crates/lab/tests/it/a.rs",
                "fn f() { g!(Command::new(\"curl\")) }",
            )],
            &[says],
        );
        check_files(
            &[("crates/lab/tests/it/a.rs", "fn f() { sandbox.command(\"curl\") }")],
            &[says],
        );
    }

    #[test]
    fn a_package_of_no_list_is_told() {
        let table = r#"const CURL: Program = Program { name: "curl", package: "curl" };"#;
        check_files(
            &[("crates/lab/src/programs.rs", table)],
            &["crates/lab/src/programs.rs:1: [program] curl is run, but curl is in no list"],
        );
    }
}
