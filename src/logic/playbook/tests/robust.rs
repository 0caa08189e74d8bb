//! Reading survives any bytes: broken playbooks changed at random, with a small generator of its own.

use std::path::PathBuf;

use crate::logic::playbook::read_bytes;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

const PIECES: &[&str] = &[
    "${{",
    "}}",
    "'",
    "\"",
    "\n",
    "  ",
    "\t",
    "&a ",
    "*a",
    "<<: *a",
    "- ",
    ": ",
    "[",
    "]",
    "{",
    "}",
    "|",
    ">-",
    "#",
    "!",
    "\u{e9}",
    "\u{1F600}",
    "needs",
    "matrix",
    "inputs.x",
    "steps.a.outputs",
    "0s",
    "---\n",
    "%",
    "? ",
    "\u{0}",
    "\u{feff}",
    "\r\n",
    "\\u00",
    "success()",
];

#[expect(clippy::disallowed_methods, reason = "fixtures are files")]
fn seeds() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broken");
    let entries = std::fs::read_dir(folder).expect("the folder is part of the project");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the entry can be read").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yml"));
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("the file can be read")).collect()
}

#[test]
fn reading_changed_playbooks_never_panics_and_places_stay_inside() {
    let seeds = seeds();
    let rounds = 3_000;
    let mut numbers = Numbers(0x5eed_cafe_f00d_0001);
    for round in 0..rounds {
        let mut bytes = seeds[numbers.below(seeds.len())].clone();
        for _ in 0..=numbers.below(6) {
            let at = numbers.below(bytes.len() + 1);
            match numbers.below(5) {
                0 => bytes.insert(at, u8::try_from(numbers.below(256)).unwrap_or(0)),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => {
                    let piece = PIECES[numbers.below(PIECES.len())].bytes();
                    bytes.splice(at..at, piece);
                }
                3 => {
                    let other = &seeds[numbers.below(seeds.len())];
                    let from = numbers.below(other.len());
                    let to = (from + numbers.below(60)).min(other.len());
                    bytes.splice(at..at, other[from..to].iter().copied());
                }
                _ => bytes.truncate(at.max(bytes.len() / 2)),
            }
        }
        let (source, reading) = read_bytes("changed.yml", &bytes);
        for problem in &reading.diagnostics {
            let span = problem.span;
            let is_inside = span.start <= span.end && (span.start as usize) <= source.text.len();
            assert!(is_inside, "round {round}: {problem:?} in {:?}", source.text);
            assert!(source.text.is_char_boundary(span.start as usize), "round {round}: {problem:?}");
        }
        // One that calls others is read again when they are there.
        let has_said = !reading.diagnostics.is_empty() || !reading.missing.is_empty();
        assert!(reading.playbook.is_some() || has_said, "round {round}: nothing of {:?}", source.text);
    }
}

#[test]
fn a_file_that_is_wrong_everywhere_is_read_in_one_go() {
    let stages: String = (0..10_000).map(|at| format!("  s{at}: {{needs: [t{at}], run: 'x'}}\n")).collect();
    let (_, reading) = read_bytes("p.yml", format!("version: 3\nstages:\n{stages}").as_bytes());
    assert_eq!(reading.diagnostics.len(), 1_000);
    let script: String =
        (0..10_000).map(|at| format!("      echo ${{{{ nope{at} }}}} ${{{{ vars.x }}}}\n")).collect();
    let (_, reading) =
        read_bytes("p.yml", format!("version: 3\nstages:\n  a:\n    run: |\n{script}").as_bytes());
    assert!(reading.diagnostics.len() <= 1_001);
    let ring: String =
        (0..10_000).map(|at| format!("  s{at}: {{needs: s{}, run: x}}\n", (at + 1) % 10_000)).collect();
    let (_, reading) = read_bytes("p.yml", format!("version: 3\nstages:\n{ring}").as_bytes());
    assert_eq!(reading.diagnostics.len(), 1);
    assert!(reading.diagnostics[0].message.len() < 1_000);
}
