//! Patterns of inputs and outputs: what they name, and where looking for it has to begin.
//!
//! Not here: files (`engine/cache/files.rs`). A pattern without special characters names a file, or a folder with all
//! that is in it.

use globset::{GlobBuilder, GlobMatcher};

/// Patterns that count in order: one that begins with `!` takes away what earlier ones named.
#[derive(Clone, Debug)]
pub struct Patterns {
    rules: Vec<Rule>,
    texts: Vec<String>,
}

#[derive(Clone, Debug)]
struct Rule {
    adds: bool,
    what: What,
    /// What folders are called that its stars lead through, where there are any.
    ways: Vec<GlobMatcher>,
}

#[derive(Clone, Debug)]
enum What {
    /// That path, and whatever is below it.
    Literal(String),
    Glob(Box<GlobMatcher>),
}

/// Where to look for what a pattern names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Below the root; empty for the root itself.
    pub base: String,
    /// How many levels below the base anything can be; none if there is no limit.
    pub depth: Option<usize>,
    /// The base itself is named, and nothing has to be searched unless it is a folder.
    pub is_literal: bool,
}

/// What makes a pattern of a path.
pub(super) const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// Returns a pattern that names a path, whatever characters it has: it may name others that differ in one of them.
#[must_use]
pub fn escaped(path: &str) -> String {
    path.replace(SPECIAL, "?")
}

impl Patterns {
    /// Reads patterns.
    ///
    /// # Errors
    /// The first one that is none, or that leaves the project, in words.
    pub fn read(texts: &[String]) -> Result<Self, String> {
        let rules = texts.iter().map(|text| Rule::read(text)).collect::<Result<_, _>>()?;
        Ok(Self { rules, texts: texts.to_vec() })
    }

    /// Returns them as they were written.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Says whether they name that path.
    #[must_use]
    pub fn name(&self, path: &str) -> bool {
        self.rules.iter().fold(false, |named, rule| if rule.what.is_match(path) { rule.adds } else { named })
    }

    /// Says whether they may name something in that folder, which a star in the middle of one has found.
    #[must_use]
    pub fn lead_through(&self, folder: &str) -> bool {
        self.rules.iter().any(|rule| rule.adds && rule.ways.iter().any(|way| way.is_match(folder)))
    }

    /// Says whether no pattern takes anything away.
    #[must_use]
    pub fn only_add(&self) -> bool {
        self.rules.iter().all(|rule| rule.adds)
    }

    /// Says whether all that they name is named letter by letter.
    #[must_use]
    pub fn are_literal(&self) -> bool {
        self.rules.iter().all(|rule| matches!(rule.what, What::Literal(_)))
    }

    /// Returns where to look, one place for each pattern that adds.
    pub fn sources(&self) -> impl Iterator<Item = Source> + '_ {
        self.rules.iter().filter(|rule| rule.adds).map(|rule| rule.what.source())
    }

    /// Returns the patterns that add, and where each looks.
    pub fn adding(&self) -> impl Iterator<Item = (Source, &str)> {
        let both = self.rules.iter().zip(&self.texts).filter(|(rule, _)| rule.adds);
        both.map(|(rule, text)| (rule.what.source(), text.as_str()))
    }

    /// Says whether a path, with all that is in it, is taken away for certain, and nothing of it is named again.
    #[must_use]
    pub fn take_away(&self, path: &str) -> bool {
        let takes = |rule: &Rule, text: &str| match &rule.what {
            What::Literal(_) => rule.what.is_match(path),
            What::Glob(_) => text
                .trim_start_matches('!')
                .trim_start_matches("./")
                .strip_suffix("/**")
                .filter(|folder| !folder.contains(SPECIAL))
                .is_some_and(|folder| What::Literal(folder.to_owned()).is_match(path)),
        };
        let rules = self.rules.iter().zip(&self.texts).rev().take_while(|(rule, _)| !rule.adds);
        rules.into_iter().any(|(rule, text)| takes(rule, text))
    }

    /// Returns the folders whose whole content is named by a pattern that ends in `/**`.
    pub fn whole_folders(&self) -> impl Iterator<Item = &str> + '_ {
        let base = |text: &'_ String| -> Option<usize> {
            let rest = text.trim_start_matches("./");
            let base = rest.strip_suffix("/**").or_else(|| rest.strip_suffix("/**/*"))?;
            (!base.is_empty() && !base.starts_with('!') && !base.contains(SPECIAL)).then_some(base.len())
        };
        self.texts.iter().filter_map(move |text| {
            let length = base(text)?;
            Some(&text.trim_start_matches("./")[..length])
        })
    }
}

impl Rule {
    fn read(text: &str) -> Result<Self, String> {
        let (adds, pattern) = match text.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let mut parts = Vec::new();
        for part in pattern.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(format!("`{text}` leaves the project")),
                part => parts.push(part),
            }
        }
        if pattern.starts_with('/') || pattern.is_empty() {
            return Err(format!("`{text}` is no path below the project"));
        }
        let mut plain = parts.join("/");
        // What takes a folder's content away takes the folder, too: it changes when something is made in it.
        if let Some(base) = plain.strip_suffix("/**").or_else(|| plain.strip_suffix("/**/*"))
            && !adds
            && !base.contains(SPECIAL)
        {
            plain.truncate(base.len());
        }
        if !plain.contains(SPECIAL) {
            return Ok(Self { adds, what: What::Literal(plain), ways: Vec::new() });
        }
        let glob = GlobBuilder::new(&plain)
            .literal_separator(true)
            .build()
            .map_err(|error| format!("`{text}` is not a pattern for files: {}", error.kind()))?;
        let ways = ways(&plain);
        Ok(Self { adds, what: What::Glob(Box::new(glob.compile_matcher())), ways })
    }
}

/// Returns patterns of the folders that the stars of a pattern lead through. Two stars do not lead through links, as in shells.
fn ways(pattern: &str) -> Vec<GlobMatcher> {
    let parts: Vec<&str> = pattern.split('/').collect();
    let plain = parts.iter().take_while(|part| !part.contains(SPECIAL)).count();
    let few = parts.iter().take_while(|part| !part.contains("**")).count();
    let ends = plain + 1..parts.len().min(few + 1);
    // Braces may hold slashes; what is cut through there is no pattern.
    let way = |end: usize| GlobBuilder::new(&parts[..end].join("/")).literal_separator(true).build().ok();
    ends.filter_map(way).map(|glob| glob.compile_matcher()).collect()
}

impl What {
    fn is_match(&self, path: &str) -> bool {
        match self {
            Self::Literal(base) if base.is_empty() => true,
            Self::Literal(base) => {
                path.strip_prefix(base.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Glob(glob) => glob.is_match(path),
        }
    }

    fn source(&self) -> Source {
        match self {
            Self::Literal(base) => Source { base: base.clone(), depth: None, is_literal: true },
            Self::Glob(glob) => {
                let parts: Vec<&str> = glob.glob().glob().split('/').collect();
                let plain = parts.iter().take_while(|part| !part.contains(SPECIAL)).count();
                // Braces may hold slashes, and so levels that cannot be counted here.
                let is_deep = parts[plain..].iter().any(|part| part.contains("**") || part.contains('{'));
                let depth = (!is_deep).then_some(parts.len() - plain);
                Source { base: parts[..plain].join("/"), depth, is_literal: false }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        Patterns::read(&texts.iter().map(|&it| it.to_owned()).collect::<Vec<_>>()).expect("they are patterns")
    }

    #[test]
    fn a_star_stays_in_its_folder_and_two_do_not() {
        let it = patterns(&["src/*.c", "lib/**"]);
        assert!(it.name("src/a.c") && it.name("lib/x") && it.name("lib/x/y"));
        assert!(!it.name("src/x/a.c") && !it.name("lib") && !it.name("src"));
    }

    #[test]
    fn a_plain_path_names_a_folder_with_all_in_it_and_no_neighbour() {
        let it = patterns(&["./src/"]);
        assert!(it.name("src") && it.name("src/a/b"));
        assert!(!it.name("src2") && !it.name("src.c"));
    }

    #[test]
    fn later_patterns_take_away_and_give_back() {
        let it = patterns(&["**", "!*.o", "keep.o"]);
        assert!(it.name("a.c") && !it.name("a.o") && it.name("keep.o"));
    }

    #[test]
    fn what_takes_away_all_that_is_in_a_folder_takes_the_folder_as_well() {
        for less in ["!dist/**", "!./dist/**/*", "!dist"] {
            let it = patterns(&["**", less]);
            assert!(!it.name("dist") && !it.name("dist/a") && !it.name("dist/a/b"), "{less}");
            assert!(it.name("dist2") && it.name("src/dist"), "{less}");
        }
        let it = patterns(&["**", "!dist/*"]);
        assert!(it.name("dist") && !it.name("dist/a") && it.name("dist/a/b"));
    }

    #[test]
    fn what_leaves_the_project_is_no_pattern() {
        for text in ["../x", "a/../../x", "/etc/passwd", "", "!"] {
            assert!(Patterns::read(&[text.to_owned()]).is_err(), "{text}");
        }
    }

    #[test]
    fn a_search_begins_where_the_special_characters_do() {
        let sources: Vec<_> =
            patterns(&["a/b.c", "a/*/c/*.h", "x/**", "q/{a,b/c}", "!z/*"]).sources().collect();
        let at = |base: &str, depth, is_literal| Source { base: base.to_owned(), depth, is_literal };
        assert_eq!(
            sources,
            [at("a/b.c", None, true), at("a", Some(3), false), at("x", None, false), at("q", None, false)]
        );
    }

    #[test]
    fn stars_lead_through_folders_and_two_stars_do_not() {
        let it = patterns(&["pk/*/f", "*/lib/**", "x/{a,b}/c/?", "src/**/*.c", "one/*"]);
        for way in ["pk/a", "q", "q/lib", "x/a", "x/b", "x/b/c"] {
            assert!(it.lead_through(way), "{way}");
        }
        for none in ["pk", "pk/a/f", "x", "x/d", "x/a/d", "src", "src/a", "one/a", "q/lib/a"] {
            assert_eq!(it.lead_through(none), !none.contains('/'), "{none}");
        }
        assert!(!patterns(&["!a/*/b", "a/b", "a/{b/c,d}/e"]).lead_through("a/b"));
    }

    #[test]
    fn whole_folders_are_those_with_two_stars_behind_them() {
        let it = patterns(&["./dist/**", "out/**/*", "a/*", "!b/**", "c*/**", "d"]);
        assert_eq!(it.whole_folders().collect::<Vec<_>>(), ["dist", "out"]);
    }
}
