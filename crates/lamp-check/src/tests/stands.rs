//! What an earlier look came to, put where it is now, is what a look at the changed tree comes to; or it does not stand.

use std::sync::Mutex;

use lamp_model::finding::CheckReport;
use lamp_model::reach::UnknownInclude;

use super::Written;
use super::fuzz::{Random, over_seeds};
use crate::hashed::HashMap;
use crate::{ContentHash, FactsCache, Limits, Looked, Setting, Stood, Taken, Tree, look, moves};

/// Something of every family is wrong in it.
const FILES: [(&str, &str); 13] = [
    (
        "index.php",
        "<?php\ndefine('ROOT', __DIR__);\nrequire ROOT . '/inc/main.php';\nrequire 'inc/mian.php';\nrun(1);\n",
    ),
    (
        "inc/main.php",
        "<?php\nnamespace App;\nfunction run($a) {\n  return strlne($a) . \\pihp();\n}\n  include $_GET['page'] . '.php';\ninclude __DIR__ . \"/$unknown.tpl\";\n",
    ),
    (
        "inc/first.php",
        "<?php\nfunction twice() {}\nclass A { abstract function x(); }\n",
    ),
    (
        "inc/second.php",
        "<?php\nrequire __DIR__ . '/first.php';\n\nfunction twice() {}\n",
    ),
    (
        "inc/class.php",
        "<?php\ninterface I { function m($a, $b); }\nclass B implements I {\n  function m() { return $this->nm() . self::NOHTING; }\n  const NOTHING = 1;\n}\nclass C implements I {}\n",
    ),
    ("inc/broken.php", "<?php\n\nif (true {\n  echo 1;\n}\n"),
    (
        "inc/left.php",
        "<?php\n\n\nvar_dump($x);\nphpinfo();\nexit;\necho 1;\n",
    ),
    ("bom.php", "\u{feff}<?php\nheader('A: b');\n"),
    ("merge.php", "<<<<<<< a\n<?php\n=======\n>>>>>>> b\n"),
    ("space.php", "\n<?php\nnamespace X;\nheader('A: b');\n"),
    (
        "style.css",
        "a { background: url(none.png) }\n<<<<<<< a\n=======\n>>>>>>> b\n",
    ),
    (".htaccess", "Optoins -Indexes\n"),
    (
        "composer.json",
        "{\"autoload\": {\"files\": [\"inc/none.php\"]}}\n",
    ),
];

/// Lines that change what a file says, or nothing but where it says it.
const LINES: [&str; 9] = [
    "// nothing",
    "",
    "/* of\n several\n lines */",
    "run(2);",
    "require 'index.php';",
    "function more() { return nore(); }",
    "?>\n<?php",
    "$x = new A;",
    "}",
];

#[derive(Default)]
struct Memory {
    known: HashMap<ContentHash, Vec<u8>>,
    learned: Mutex<Vec<(ContentHash, Vec<u8>)>>,
    /// Of each entry, if it is known by something else than its bytes.
    hashes: Vec<Option<ContentHash>>,
    taken: Mutex<HashMap<usize, Vec<Taken>>>,
}

impl FactsCache for Memory {
    fn get(&self, hash: &ContentHash) -> Option<&[u8]> {
        self.known.get(hash).map(Vec::as_slice)
    }

    fn put(&self, hash: ContentHash, facts: Vec<u8>) {
        self.learned.lock().expect("not poisoned").push((hash, facts));
    }

    fn hash_of(&self, entry: usize) -> Option<ContentHash> {
        self.hashes.get(entry).copied().flatten()
    }

    fn takes(&self, entry: usize, taken: Taken) {
        let mut all = self.taken.lock().expect("not poisoned");
        all.entry(entry).or_default().push(taken);
    }
}

impl Memory {
    /// What was taken of each entry, its bytes before its facts.
    fn stood(&self, tree: &Written) -> Vec<Stood> {
        let taken = self.taken.lock().expect("not poisoned");
        let strongest = |at: usize| {
            let all = taken.get(&at).map_or(&[][..], Vec::as_slice);
            let is_bytes = |taken: &&Taken| matches!(taken, Taken::Bytes(_));
            all.iter().find(is_bytes).or(all.first()).copied()
        };
        let each = tree.entries().iter().enumerate();
        each.map(|(at, entry)| Stood {
            entry: entry.clone(),
            taken: strongest(at).unwrap_or(Taken::Name),
        })
        .collect()
    }
}

fn looked(tree: &Written, memory: Option<&Memory>) -> Looked {
    let cache = memory.map(|memory| -> &dyn FactsCache { memory });
    look(tree, &Setting::default(), &Limits::default(), cache)
}

/// A tree, changed in one way.
fn changed(random: &mut Random, files: &[(String, String)]) -> Vec<(String, String)> {
    let mut files = files.to_vec();
    let at = random.below(files.len());
    let (path, text) = &mut files[at];
    let lines: Vec<&str> = text.split('\n').collect();
    let line = random.below(lines.len());
    match random.below(13) {
        0 => drop(files.remove(at)),
        1 => *path = format!("inc/{path}"),
        2 => files.push(("inc/new.php".to_owned(), (*random.pick(&LINES)).to_owned())),
        3 => {
            let indented = format!("  {}", lines[line]);
            *text = [&lines[..line], &[indented.as_str()], &lines[line + 1..]]
                .concat()
                .join("\n");
        }
        4 => {
            *text = [&lines[..line], &lines[(line + 1).min(lines.len())..]]
                .concat()
                .join("\n")
        }
        5 => text.push_str("// at the end\n"),
        // Of the same length.
        6 => *text = text.replacen(["n", "<", "p"][random.below(3)], "m", 1),
        _ => {
            let more = [*random.pick(&LINES)];
            *text = [&lines[..line], &more, &lines[line..]].concat().join("\n");
        }
    }
    files
}

fn written(files: &[(String, String)]) -> Written {
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    Written::new(&files)
}

/// What stands of an earlier look, if it does.
fn standing(
    tree: &Written,
    memory: &Memory,
    earlier: Looked,
    stood: &[Stood],
) -> Option<(CheckReport, Vec<UnknownInclude>)> {
    let moves = moves(tree, &Limits::default(), memory, stood)?;
    let (mut report, mut unknown) = (earlier.report, earlier.unknown);
    moves.report(&mut report)?;
    moves.unknown(&mut unknown)?;
    Some((report, unknown))
}

/// Whether the earlier look stands after one change.
fn stands_after_a_change(random: &mut Random) -> bool {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let mut files: Vec<(String, String)> = FILES.iter().map(own).collect();
    // What is told of it names a line, and then nothing that moves stands.
    if random.below(4) > 0 {
        files.retain(|(path, _)| path != "inc/second.php");
    }
    let before = written(&files);
    let memory = Memory::default();
    let earlier = looked(&before, Some(&memory));
    assert!(earlier.report.findings.len() > 10, "{:?}", earlier.report);
    let stood = memory.stood(&before);
    let files = changed(random, &files);
    let after = written(&files);
    let is_known = random.below(2) == 0;
    let now = Memory {
        known: memory.learned.lock().expect("not poisoned").drain(..).collect(),
        hashes: sealed(&before, &after, &stood, is_known),
        ..Memory::default()
    };
    let cold = looked(&after, None);
    let standing = standing(&after, &now, earlier, &stood);
    let stands = standing.is_some();
    let (report, unknown) = standing.unwrap_or_else(|| {
        let with_facts = looked(&after, Some(&now));
        (with_facts.report, with_facts.unknown)
    });
    assert_eq!((report, unknown), (cold.report, cold.unknown), "{files:#?}");
    stands
}

/// The hash of each file whose bytes are as before, if that is to be known.
fn sealed(before: &Written, after: &Written, stood: &[Stood], is_known: bool) -> Vec<Option<ContentHash>> {
    let each = after.entries().iter().enumerate();
    each.map(|(at, entry)| {
        let then = stood.iter().position(|stood| stood.entry.path == entry.path)?;
        let is_same = is_known && before.bytes(then) == after.bytes(at);
        match stood[then].taken {
            Taken::Facts(hash) | Taken::Bytes(hash) if is_same => Some(hash),
            Taken::Facts(_) | Taken::Bytes(_) | Taken::Name | Taken::Unread => None,
        }
    })
    .collect()
}

#[test]
fn what_stands_is_what_a_look_comes_to() {
    static STOOD: Mutex<[u32; 2]> = Mutex::new([0, 0]);
    over_seeds(600, |random| {
        let stands = stands_after_a_change(random);
        STOOD.lock().expect("not poisoned")[usize::from(stands)] += 1;
    });
    let [looked_again, stood] = *STOOD.lock().expect("not poisoned");
    assert!(looked_again > 50 && stood > 50, "{looked_again} {stood}");
}
