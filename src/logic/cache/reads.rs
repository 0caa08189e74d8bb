//! What somebody reads who has inputs, against what others make: the places that nobody may be writing meanwhile.
//!
//! Not here: how these are locked (`engine/cache/locks.rs`). What is on the disk does not count: an output that is not there
//! yet is one that somebody may be about to write. So it is the patterns that are compared, and where they do not tell, two
//! of them meet: that costs a wait, and the other way round would cost a half file.

use std::collections::BTreeMap;

use super::pattern::{Patterns, SPECIAL, Source};

/// Outputs that somebody makes, as far as they are known before anything runs: by the places that are locked while they are
/// made, below the root. That of the root itself is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Makes(BTreeMap<String, Vec<Kind>>);

/// What is made at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The place itself, and whatever is below it.
    Whole,
    /// Names below it, and what all of them end in.
    Names(String),
    /// An expression decides.
    Unknown,
}

impl Makes {
    /// Adds outputs of that pattern, unless it only takes files away, or is no pattern.
    pub fn add(&mut self, pattern: &str) {
        let Ok(read) = Patterns::read(&[pattern.to_owned()]) else { return };
        let Some(source) = read.sources().next() else { return };
        let kind = match source.is_literal || read.whole_folders().next().is_some() {
            true => Kind::Whole,
            false => Kind::Names(ending(pattern).to_owned()),
        };
        self.0.entry(source.base).or_default().push(kind);
    }

    /// The same for a pattern of which only the text before the first expression is known.
    pub fn add_beginning(&mut self, text: &str) {
        let folder = text.rfind('/').map_or("", |at| &text[..at]);
        let base = match Patterns::read(&[folder.to_owned()]) {
            Ok(read) => read.sources().next().map(|it| it.base),
            // There is no folder in front of it.
            Err(_) => (!text.starts_with('!')).then(String::new),
        };
        if let Some(base) = base {
            self.0.entry(base).or_default().push(Kind::Unknown);
        }
    }

    /// Returns what is made at a place, above or below it.
    fn near(&self, place: &str) -> impl Iterator<Item = (&str, &[Kind])> {
        let above = std::iter::successors((!place.is_empty()).then_some(place), |it| {
            let above = it.rfind('/').map_or("", |at| &it[..at]);
            (!it.is_empty()).then_some(above)
        });
        let above: Vec<_> = above.filter_map(|it| self.0.get_key_value(it)).collect();
        let below = if place.is_empty() { String::new() } else { format!("{place}/") };
        let all = self.0.range(below.clone()..).take_while(move |(it, _)| it.starts_with(&below));
        above.into_iter().chain(all).map(|(place, kinds)| (place.as_str(), kinds.as_slice()))
    }
}

/// Returns the places that must not be written while somebody reads what those patterns name: what they name themselves, with
/// whatever is below it, and of `makes` what they may name (false).
#[must_use]
pub fn places(inputs: &Patterns, makes: &Makes) -> BTreeMap<String, bool> {
    let mut places = BTreeMap::new();
    for (source, text) in inputs.adding() {
        for (place, kinds) in makes.near(&source.base) {
            if kinds.iter().any(|kind| may_meet((&source, text), (place, kind), inputs)) {
                places.insert(place.to_owned(), false);
            }
        }
    }
    let named = inputs.sources().filter(|it| it.is_literal).map(|it| it.base);
    let whole = inputs.whole_folders().map(|folder| Patterns::read(&[folder.to_owned()]));
    let whole = whole.flatten().filter_map(|it| it.sources().next()).map(|it| it.base);
    places.extend(named.chain(whole).filter(|it| !it.is_empty()).map(|place| (place, true)));
    places
}

/// Says whether a pattern of inputs may name something that is made at a place.
fn may_meet((source, text): (&Source, &str), (place, kind): (&str, &Kind), inputs: &Patterns) -> bool {
    let is_alike = match kind {
        // What is named letter by letter may be a folder.
        Kind::Names(end) => source.is_literal || may_end_alike(end, ending(text)),
        Kind::Whole | Kind::Unknown => true,
    };
    // Where it is made below the place where they look, or right there, it must not be too deep for them.
    let is_near =
        levels_below(place, &source.base).is_none_or(|below| source.depth.is_none_or(|depth| depth > below));
    let is_named = *kind == Kind::Whole && inputs.name(place);
    is_named || (is_near && is_alike && !inputs.take_away(place))
}

/// Says how many folders a path is below another one; none if it is not.
fn levels_below(path: &str, above: &str) -> Option<usize> {
    let rest = match above.is_empty() {
        true => path,
        false => path.strip_prefix(above)?,
    };
    match rest.is_empty() {
        true => Some(0),
        false if above.is_empty() => Some(rest.split('/').count()),
        false => Some(rest.strip_prefix('/')?.split('/').count()),
    }
}

/// What every name ends in that a pattern names.
fn ending(pattern: &str) -> &str {
    let from = pattern.rfind(SPECIAL).map_or(0, |at| at + 1);
    let ending = &pattern[from..];
    ending.rfind('/').map_or(ending, |at| &ending[at..])
}

fn may_end_alike(one: &str, other: &str) -> bool {
    one.ends_with(other) || other.ends_with(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(inputs: &[&str], made: &[&str]) -> Vec<String> {
        let mut makes = Makes::default();
        made.iter().for_each(|it| makes.add(it));
        places(&patterns(inputs), &makes).into_keys().collect()
    }

    fn patterns(texts: &[&str]) -> Patterns {
        Patterns::read(&texts.iter().map(|&it| it.to_owned()).collect::<Vec<_>>()).expect("patterns")
    }

    #[test]
    fn what_is_named_counts_whoever_makes_it() {
        assert_eq!(of(&["gen/a", "lib/**", "./src/", "*.c", "**"], &[]), ["gen/a", "lib", "src"]);
    }

    #[test]
    fn what_is_made_below_a_pattern_counts_unless_it_is_another_kind_or_taken_away() {
        assert_eq!(of(&["**"], &["out/a", "dist/**", "*.o"]), ["", "dist", "out/a"]);
        assert_eq!(of(&["*.c"], &["out/a", "a.c", "b", "*.o", "x*.c"]), ["", "a.c"]);
        assert_eq!(
            of(&["src/**/*.c"], &["src/*.o", "src/gen/**", "src/x/*.c", "other/x.c"]),
            ["src/gen", "src/x"]
        );
        assert_eq!(of(&["**", "!dist", "!out/**"], &["dist/**", "dist/a", "out/a", "outer"]), ["outer"]);
        assert_eq!(of(&["**", "!dist", "dist/a"], &["dist/a"]), ["dist/a"]);
    }

    #[test]
    fn what_is_read_below_what_is_made_counts() {
        assert_eq!(of(&["dist/js/*.js"], &["dist", "dist/*.js", "dist/*.css"]), ["dist"]);
        assert_eq!(of(&["dist/js/*.js"], &["dist/*.css"]), [] as [&str; 0]);
    }

    #[test]
    fn of_an_expression_the_folder_in_front_of_it_is_known() {
        let place = |text: &str| {
            let mut makes = Makes::default();
            makes.add_beginning(text);
            makes.0.into_keys().next()
        };
        assert_eq!(place("out/bin-"), Some("out".to_owned()));
        assert_eq!(place("./out/deep/"), Some("out/deep".to_owned()));
        assert_eq!(place("bin-"), Some(String::new()));
        assert_eq!(place("!out/bin-"), None);
        assert_eq!(place("!bin-"), None);
        let mut makes = Makes::default();
        makes.add_beginning("out/bin-");
        let met = places(&patterns(&["out/x/*.c"]), &makes);
        assert_eq!(met.into_iter().collect::<Vec<_>>(), [("out".to_owned(), false)]);
    }
}
