//! `lamp_parse.c` under ASan and UBSan, over seeds and their mutations, against an oracle written in Rust.

use std::path::Path;
use std::process::{Command, Output};

use fs_err as fs;
use lamp_model::name::ReleaseId;

const HARNESS: &str = include_str!("parse_harness.c");
const HEADER: &str = include_str!("../../module/lamp_parse.h");
const PARSER: &str = include_str!("../../module/lamp_parse.c");
const INPUTS: usize = 240_000;
/// Enough for each mutant to be found; the whole run is for the real code.
const MUTANT_INPUTS: usize = 40_000;
const SEED: u64 = 0x1a3b_5c7d;
const HASH_BYTES: usize = 20;

struct Input {
    kind: u8,
    text: Vec<u8>,
}

fn seeds() -> Vec<Input> {
    let key = "0123456789abcdef".repeat(4);
    let longest = "a".repeat(64);
    let links = [
        "releases/20261122-101650-3f9a1c2b",
        "releases/a",
        "releases/",
        "releases/../x",
        "../x",
        "",
        "/srv/shop/releases/a",
        "releases/a/",
        "releases/a\n",
        "releases//a",
        "./releases/a",
        "releases/-a",
        "release",
    ];
    let ids = ["20261122-101650-3f9a1c2b", "0", "-", ".", "..", "", "A", "a.b"];
    let doors = [
        format!("{key} a"),
        format!("{key}  a"),
        format!("{key} -"),
        format!("{key} -a"),
        format!("{key} --"),
        format!("{key}a"),
        format!("{key} "),
        key.clone(),
        key.to_uppercase() + " a",
        format!("{key} a, {key} a"),
        String::new(),
    ];
    let hashes = [
        "0".repeat(40),
        "0123456789abcdef0123456789abcdef01234567".to_owned(),
        "f".repeat(39),
        String::new(),
    ];
    let long = [format!("releases/{longest}"), format!("releases/{longest}a")];
    let of = |kind: u8, text: &str| Input {
        kind,
        text: text.as_bytes().to_vec(),
    };
    links
        .iter()
        .map(|text| of(b'l', text))
        .chain(long.iter().map(|text| of(b'l', text)))
        .chain(ids.iter().map(|text| of(b'i', text)))
        .chain([
            of(b'i', &longest),
            of(b'd', &format!("{key} {longest}")),
            of(b'd', &format!("{key} {longest}a")),
        ])
        .chain(doors.iter().map(|text| of(b'd', text)))
        .chain(hashes.iter().map(|text| of(b'h', text)))
        .chain(
            ["xyzxyz", "xyz0yz", "xyzx0z", "xyzxy0", "", "aaaa"]
                .iter()
                .map(|text| of(b's', text)),
        )
        .collect()
}

/// Deterministic, so that a failure comes again: xorshift64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).expect("fits")).expect("fits")
    }
}

fn mutate(seed: &Input, dice: &mut Dice) -> Input {
    const BYTES: &[u8] = b"az09-/. \0\n\xffAfg";
    let mut text = seed.text.clone();
    for _ in 0..=dice.below(3) {
        let (at, byte) = (dice.below(text.len()), BYTES[dice.below(BYTES.len())]);
        match dice.below(5) {
            0 if !text.is_empty() => text[at] = byte,
            1 if !text.is_empty() => {
                text.remove(at);
            }
            2 => text.truncate(at),
            3 => text.extend(std::iter::repeat_n(byte, dice.below(70))),
            _ => text.insert(at, byte),
        }
    }
    Input {
        kind: seed.kind,
        text,
    }
}

fn inputs(count: usize) -> Vec<Input> {
    let (seeds, mut dice) = (seeds(), Dice(SEED));
    let mut all: Vec<Input> = (0..count)
        .map(|n| mutate(&seeds[n % seeds.len()], &mut dice))
        .collect();
    all.extend(seeds);
    all
}

fn is_id(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| ReleaseId::parse(text).is_ok())
}

fn is_hex(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The answer that the harness must give, from lamp-model's own reading of an id.
fn expected(input: &Input) -> Vec<u8> {
    let text = &input.text[..];
    let id = match input.kind {
        b'i' => Some(text),
        b's' => return vec![u8::from(halves_agree(text))],
        b'l' => text.strip_prefix(b"releases/"),
        b'd' => text
            .split_at_checked(64)
            .filter(|(key, _)| is_hex(key))
            .and_then(|(_, rest)| rest.strip_prefix(b" ")),
        _ => return expected_hash(text),
    };
    let stands_for_visitors = |id: &[u8]| input.kind == b'd' && id == b"-";
    let Some(id) = id.filter(|id| is_id(id) || stands_for_visitors(id)) else {
        return vec![0, 0];
    };
    [text.len() - id.len(), id.len()]
        .map(|n| u8::try_from(n).expect("bounded"))
        .to_vec()
}

fn halves_agree(text: &[u8]) -> bool {
    let half = text.len() / 2;
    text[..half] == text[half..half * 2]
}

fn expected_hash(text: &[u8]) -> Vec<u8> {
    if text.len() != HASH_BYTES * 2 || !is_hex(text) {
        return vec![0];
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex");
    std::iter::once(1).chain(text.chunks(2).map(byte)).collect()
}

fn build(parser: &str, dir: &Path) -> std::path::PathBuf {
    let program = dir.join("harness");
    for (name, text) in [
        ("lamp_parse.c", parser),
        ("lamp_parse.h", HEADER),
        ("harness.c", HARNESS),
    ] {
        fs::write(dir.join(name), text).expect("source");
    }
    let built = Command::new(env!("LAMP_CC"))
        .args([
            "-std=gnu11",
            "-g",
            "-O1",
            "-fsanitize=address,undefined",
            "-fno-sanitize-recover=all",
            "-o",
        ])
        .arg(&program)
        .args([dir.join("harness.c"), dir.join("lamp_parse.c")])
        .output()
        .expect("the compiler that build.rs used");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    program
}

fn run(parser: &str, inputs: &[Input]) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    let program = build(parser, dir.path());
    let mut records = Vec::new();
    for input in inputs {
        records.push(input.kind);
        records.extend(u16::try_from(input.text.len()).expect("short").to_le_bytes());
        records.extend(&input.text);
    }
    fs::write(dir.path().join("records"), records).expect("records");
    let records = fs::File::open(dir.path().join("records")).expect("records");
    Command::new(program)
        .stdin(records.into_file())
        .output()
        .expect("the harness")
}

/// The first input that is answered otherwise than the oracle says, or the sanitizer's report.
fn first_fault(parser: &str, inputs: &[Input]) -> Option<String> {
    let output = run(parser, inputs);
    if !output.status.success() {
        return Some(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut rest = &output.stdout[..];
    for input in inputs {
        let expected = expected(input);
        match rest.strip_prefix(&expected[..]) {
            Some(after) => rest = after,
            None => {
                return Some(format!(
                    "{} {:?}",
                    input.kind as char,
                    String::from_utf8_lossy(&input.text)
                ));
            }
        }
    }
    assert!(rest.is_empty(), "more answers than inputs");
    None
}

#[test]
fn every_text_is_read_as_the_model_reads_it_and_nothing_beyond_it() {
    let inputs = inputs(INPUTS);
    let valid = inputs
        .iter()
        .filter(|input| !matches!(expected(input)[..], [0, 0] | [0]))
        .count();
    assert!(
        valid > INPUTS / 50,
        "only {valid} inputs are valid: the mutations reach nothing"
    );
    assert_eq!(first_fault(PARSER, &inputs), None);
}

#[track_caller]
fn caught(from: &str, to: &str, by: &str) {
    let broken = PARSER.replace(from, to);
    assert_ne!(broken, PARSER, "{from:?} is not in the parser");
    let fault = first_fault(&broken, &inputs(MUTANT_INPUTS)).unwrap_or_default();
    assert!(
        fault.contains(by),
        "{from:?} -> {to:?}: {fault:?} does not say {by:?}"
    );
}

#[test]
fn a_broken_reader_is_caught() {
    caught("length < skip || ", "", "AddressSanitizer");
    caught("length == 0 || length >", "length >", "AddressSanitizer");
    caught("length <= LAMP_KEY_LENGTH || ", "", "AddressSanitizer");
    caught(
        "(unsigned char)(high * 16 + low)",
        "(unsigned char)((high << 31) + low)",
        "runtime error",
    );
    caught("length > LAMP_ID_MAX", "length > LAMP_ID_MAX + 1", "aaaa");
    caught(" || byte == '-'", " || byte == '-' || byte == '.'", ".");
    caught(
        "text[LAMP_KEY_LENGTH] != ' '",
        "text[LAMP_KEY_LENGTH] == 'x'",
        "d ",
    );
}
