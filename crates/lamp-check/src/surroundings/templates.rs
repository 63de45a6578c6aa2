//! Templates and parts of themes: who names which, and which of them are not there.
//!
//! A name is held against the tree only where its root is certain: another name that stands in the same directory
//! leads somewhere from there. Invariant: nothing is said of a name that any file of the tree ends with.

mod scan;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::is_apart;
use crate::facts::Spot;
use crate::hashed::{HashMap, HashSet};
use crate::nearest::Neighbours;
use crate::place::{Place, Places, beneath, ends_in, file_name, fold, is_beneath, parent};
use crate::tree::{Entry, EntryKind};

pub(crate) use scan::scan;

/// A file of Joomla that no other application has, from the root.
const JOOMLA: &str = "administrator/manifests/files/joomla.xml";
/// Most directories from which the names of pages are tried.
const ROOTS_MAX: usize = 50;

/// A template that is named somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Naming {
    pub(crate) at: Spot,
    pub(crate) engine: Engine,
    pub(crate) text: String,
}

/// Who looks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Engine {
    Twig,
    Smarty,
    /// Looks beside the template that names.
    Latte,
    Blade,
    /// `get_template_part` of WordPress.
    ThemePart,
    /// `locate_template` of WordPress.
    ThemeFile,
    /// A layout of Joomla: `joomla.form.field` for `layouts/joomla/form/field.php`.
    Layout,
    /// The layout of a module of Joomla that every other falls back to.
    ModuleLayout,
    /// A `block.json` of WordPress, which names files beside it.
    Block,
    /// `<!-- wp:template-part -->`.
    BlockPart,
    /// A style sheet, which names files beside it.
    Style,
    /// The browser, for a page: from the directory that it was asked for.
    Page,
}

impl Engine {
    /// Whose function this is.
    pub(crate) fn of_function(name: &[u8]) -> Option<Self> {
        match name {
            b"get_template_part" => Some(Self::ThemePart),
            b"locate_template" => Some(Self::ThemeFile),
            b"view" => Some(Self::Blade),
            _ => None,
        }
    }

    /// Whose static method this is.
    pub(crate) fn of_method(class: &[u8], method: &[u8]) -> Option<Self> {
        match (class, method) {
            (b"LayoutHelper" | b"JLayoutHelper", b"render") => Some(Self::Layout),
            (b"ModuleHelper" | b"JModuleHelper", b"getLayoutPath") => Some(Self::ModuleLayout),
            _ => None,
        }
    }

    /// Whose objects name a template as they are made.
    pub(crate) fn of_class(class: &[u8]) -> Option<Self> {
        matches!(class, b"FileLayout" | b"JLayoutFile").then_some(Self::Layout)
    }

    /// Whose template has such a name.
    pub(crate) fn of_ending(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "twig" => Some(Self::Twig),
            "tpl" => Some(Self::Smarty),
            _ => None,
        }
    }
}

/// What is named, by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'t> {
    /// The file that names it.
    pub(crate) path: &'t str,
    pub(crate) naming: &'t Naming,
}

/// What is not there, by the file that names it.
pub(crate) fn judge<'t>(namings: &[Named<'t>], places: &Places<'t>) -> Vec<(&'t str, Fault)> {
    let judge = Judge::new(namings, places);
    let missing = namings
        .iter()
        .filter_map(|named| Some((named.path, judge.missing(*named)?)));
    missing.collect()
}

struct Judge<'p, 't> {
    places: &'p Places<'t>,
    /// The entries with each last name.
    by_name: HashMap<&'t str, Vec<&'t str>>,
    /// What a name that leads to nothing may be taken for; made when there is one.
    neighbours: OnceCell<Neighbours<'t>>,
    /// Directories from which names of an engine lead somewhere.
    roots: BTreeMap<Engine, HashSet<&'t str>>,
    /// Directories of complete themes.
    themes: HashSet<&'t str>,
    views: Option<Views>,
    is_joomla: bool,
}

/// Whose `view()` it is.
#[derive(Clone, Copy)]
enum Views {
    Laravel,
    /// From its fourth version.
    CodeIgniter,
}

impl<'p, 't> Judge<'p, 't> {
    fn new(namings: &[Named<'t>], places: &'p Places<'t>) -> Self {
        let mut by_name: HashMap<&str, Vec<&str>> = HashMap::default();
        for path in paths(places.entries()) {
            by_name.entry(file_name(path)).or_default().push(path);
        }
        let mut judge = Self {
            places,
            by_name,
            neighbours: OnceCell::new(),
            roots: BTreeMap::new(),
            themes: themes(places),
            views: Views::of(places),
            is_joomla: matches!(places.find(JOOMLA), Place::File(_)),
        };
        for named in namings {
            let found = judge.ending_with(&named.naming.text);
            let roots = found.map(|path| path[..path.len() - named.naming.text.len()].trim_end_matches('/'));
            let is_page = named.naming.engine == Engine::Page;
            let roots: Vec<&str> = roots
                .filter(|root| is_page || is_beneath(named.path, root))
                .collect();
            judge.roots.entry(named.naming.engine).or_default().extend(roots);
        }
        judge
    }

    /// Files whose path ends with this name.
    fn ending_with<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'t str> + 's {
        let candidates = self.by_name.get(file_name(name)).into_iter().flatten().copied();
        candidates.filter(move |path| ends_in(path, name))
    }

    fn missing(&self, named: Named<'t>) -> Option<Fault> {
        let text = named.naming.text.as_str();
        if matches!(named.naming.engine, Engine::Style | Engine::Page) {
            return self.missing_asset(named);
        }
        let expected = match named.naming.engine {
            Engine::Twig | Engine::Smarty => self.beneath_a_root(named)?,
            Engine::Latte | Engine::Block => self.beside(named)?,
            Engine::Blade => self.view(text)?,
            Engine::ThemePart | Engine::ThemeFile | Engine::BlockPart => self.of_theme(named)?,
            Engine::Layout => self.of_joomla("layouts", &format!("{}.php", text.replace('.', "/")))?,
            Engine::ModuleLayout => self.of_joomla("modules", &format!("{text}/tmpl/default.php"))?,
            Engine::Style | Engine::Page => return None,
        };
        let message = format!("no template is there by this name: {expected}");
        let message = if named.naming.engine == Engine::Block {
            format!("this block names a file that is not there: {expected}")
        } else {
            message
        };
        let rule = if named.naming.engine == Engine::Block {
            "block-file-not-found"
        } else {
            "template-not-found"
        };
        let fault = Fault::warning(rule, named.naming.at, message).naming(expected.clone());
        Some(
            match self
                .neighbours()
                .nearest(std::slice::from_ref(&expected), &HashSet::default())
            {
                Some(near) => fault.suggesting(near.path),
                None => fault,
            },
        )
    }

    /// From where a page is asked for cannot be told, so that of its names only slips of the keys are; a style sheet
    /// names files beside it, though another step may put them there.
    fn missing_asset(&self, named: Named<'t>) -> Option<Fault> {
        let text = named.naming.text.as_str();
        let is_style = named.naming.engine == Engine::Style;
        let is_elsewhere = || !is_style && self.ending_with(text).next().is_some();
        if is_apart(named.path) || is_elsewhere() {
            return None;
        }
        let missing = match is_style {
            true => vec![self.beside(named)?],
            false => self.beneath_any_root(text)?,
        };
        let fault = |severe: fn(_, _, String) -> Fault, path: &str| {
            let message = format!("no file is there by this name: {path}");
            severe("asset-not-found", named.naming.at, message).naming(path)
        };
        let near = self.neighbours().nearest(&missing, &HashSet::default());
        match near.filter(|near| near.is_a_slip) {
            Some(near) => Some(fault(Fault::warning, &near.meant).suggesting(near.path)),
            None => missing
                .first()
                .filter(|_| is_style)
                .map(|path| fault(Fault::note, path)),
        }
    }

    /// What an asset's name means from each directory from which others lead somewhere; `None`: from one of them it may
    /// lead out of the tree.
    fn beneath_any_root(&self, text: &str) -> Option<Vec<String>> {
        let roots = self.roots.get(&Engine::Page)?;
        let mut missing = Vec::new();
        for root in roots.iter().take(ROOTS_MAX) {
            let path = fold(&beneath(root, text))?;
            if self.places.find(&path) != Place::Nothing {
                return None;
            }
            missing.push(path);
        }
        missing.sort_unstable();
        Some(missing)
    }

    fn neighbours(&self) -> &Neighbours<'t> {
        self.neighbours
            .get_or_init(|| Neighbours::new(self.places.entries()))
    }

    fn beneath_a_root(&self, named: Named<'t>) -> Option<String> {
        let text = named.naming.text.as_str();
        let roots = self.roots.get(&named.naming.engine)?;
        if self.ending_with(text).next().is_some() {
            return None;
        }
        let mut around = roots.iter().filter(|root| is_beneath(named.path, root));
        let root = around
            .next()
            .or_else(|| roots.iter().next().filter(|_| roots.len() == 1))?;
        Some(beneath(root, text))
    }

    fn beside(&self, named: Named<'t>) -> Option<String> {
        let expected = beneath(parent(named.path), &named.naming.text);
        (self.places.find(&expected) == Place::Nothing).then_some(expected)
    }

    fn view(&self, text: &str) -> Option<String> {
        // `::` and `\\` stand behind the name of a package.
        if text.contains("::") || text.contains('\\') || text.is_empty() {
            return None;
        }
        let is_there = |path: &String| self.ending_with(path).next().is_some();
        match self.views? {
            Views::Laravel => {
                let name = text.replace('.', "/");
                let mut paths = [".blade.php", ".php", ".html"]
                    .iter()
                    .map(|ending| format!("{name}{ending}"));
                let there = paths.any(|path| is_there(&path));
                (!there).then(|| format!("resources/views/{name}.blade.php"))
            }
            Views::CodeIgniter => {
                let path = match file_name(text).contains('.') {
                    true => text.to_owned(),
                    false => format!("{text}.php"),
                };
                (!is_there(&path)).then(|| beneath("app/Views", &path))
            }
        }
    }

    /// Whoever asks may name directories of its own, so that it is there if it lies in any.
    fn of_joomla(&self, directory: &str, path: &str) -> Option<String> {
        let there = self.ending_with(path).next().is_some();
        (self.is_joomla && !there).then(|| beneath(directory, path))
    }

    fn of_theme(&self, named: Named<'t>) -> Option<String> {
        let text = named.naming.text.trim_start_matches('/');
        let theme = self
            .themes
            .iter()
            .filter(|theme| is_beneath(named.path, theme))
            .max_by_key(|theme| theme.len())?;
        let (expected, part) = match named.naming.engine {
            Engine::ThemePart => (format!("{text}.php"), Some(format!("{text}-"))),
            Engine::BlockPart => (format!("parts/{text}.html"), None),
            Engine::ThemeFile
            | Engine::Twig
            | Engine::Smarty
            | Engine::Latte
            | Engine::Blade
            | Engine::Layout
            | Engine::ModuleLayout
            | Engine::Block
            | Engine::Style
            | Engine::Page => (text.to_owned(), None),
        };
        let of_part = |path: &str| {
            part.as_ref()
                .is_some_and(|part| path.contains(&format!("/{part}")))
        };
        let there = self.ending_with(&expected).next().is_some() || paths(self.places.entries()).any(of_part);
        (!there).then(|| beneath(theme, &expected))
    }
}

impl Views {
    fn of(places: &Places<'_>) -> Option<Self> {
        let is_file = |path: &str| matches!(places.find(path), Place::File(_));
        if is_file("artisan") {
            return Some(Self::Laravel);
        }
        (is_file("spark") && is_file("app/Config/Routes.php")).then_some(Self::CodeIgniter)
    }
}

fn paths(entries: &[Entry]) -> impl Iterator<Item = &str> {
    let files = entries
        .iter()
        .filter(|entry| !matches!(entry.kind, EntryKind::Dir));
    files.map(|entry| entry.path.as_str())
}

/// Directories of themes that stand alone; the child of another theme needs no `index`.
fn themes<'t>(places: &Places<'t>) -> HashSet<&'t str> {
    let styles = paths(places.entries()).filter(|path| file_name(path) == "style.css");
    let is_theme = |dir: &&str| {
        ["functions.php", "index.php", "templates/index.html"]
            .iter()
            .filter(|file| matches!(places.find(&beneath(dir, file)), Place::File(_)))
            .count()
            > 1
    };
    styles.map(parent).filter(is_theme).collect()
}
