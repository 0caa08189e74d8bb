//! Why nothing fitted, in a clause that has room behind a name: `input src/a.c changed`.
//!
//! Not here: finding it out (`engine/cache/look.rs`).

use super::{Difference, Miss};

/// Said where nothing at all is known of a name. On a first run that holds for everything, so faces say it once.
pub const NOTHING_KEPT: &str = "nothing was kept so far";

impl Miss {
    /// Says whether no result of that name was kept before.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.reason == "new"
    }

    /// Says in one short clause why a result has to be made: the first field that differed, or what kept it from being
    /// looked for.
    #[must_use]
    pub fn brief(&self) -> String {
        match (self.reason.as_str(), self.differed.as_slice()) {
            ("new", _) => NOTHING_KEPT.to_owned(),
            ("refresh", _) => "made anew, as asked for".to_owned(),
            ("changed", [first, more @ ..]) => match more.len() {
                0 => first.brief(),
                count => format!("{}, and {count} more", first.brief()),
            },
            // Where there are no words the slug is better than nothing.
            (reason, _) if self.message.is_empty() => reason.to_owned(),
            _ => self.message.clone(),
        }
    }
}

impl Difference {
    /// Names the field and what happened to it: `input src/a.c changed`, `env CC is new`.
    #[must_use]
    pub fn brief(&self) -> String {
        let what = match (&self.before, &self.now) {
            (None, Some(_)) => "is new",
            (Some(_), None) => "is gone",
            _ => "changed",
        };
        format!("{} {what}", self.field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(field: &str, before: Option<&str>, now: Option<&str>) -> Difference {
        Difference { field: field.to_owned(), before: before.map(str::to_owned), now: now.map(str::to_owned) }
    }

    fn miss(reason: &str, message: &str, differed: Vec<Difference>) -> String {
        Miss { reason: reason.to_owned(), message: message.to_owned(), differed, ..Miss::default() }.brief()
    }

    #[test]
    fn a_miss_names_the_first_field_that_differed_and_counts_the_others() {
        let first = difference("input src/a.c", Some("1"), Some("2"));
        assert_eq!(miss("changed", "long words", vec![first.clone()]), "input src/a.c changed");
        let second = difference("env CC", None, Some("gcc"));
        assert_eq!(second.brief(), "env CC is new");
        assert_eq!(difference("input b", Some("1"), None).brief(), "input b is gone");
        assert_eq!(miss("changed", "long words", vec![first, second]), "input src/a.c changed, and 1 more");
    }

    #[test]
    fn a_miss_without_differences_is_told_in_its_own_words() {
        assert_eq!(miss("tool-failed", "the tool `cc` did not tell: exit 1", Vec::new()), {
            "the tool `cc` did not tell: exit 1"
        });
        assert_eq!(miss("new", "", Vec::new()), "nothing was kept so far");
        assert_eq!(miss("no-store", "", Vec::new()), "no-store");
    }
}
