//! The themes that are always there: the files of `themes`, embedded.

use crate::logic::playbook::source::Source;

/// Lists themes by their names; each is the file of that name.
macro_rules! themes {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../themes/", $name, ".yml")))),*]
    };
}

/// Name and text of each, in the order in which they are offered.
static ALL: &[(&str, &str)] =
    themes!["terminal", "mono", "night", "day", "okabe-ito-dark", "okabe-ito-light"];

/// Iterates over their names.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// Returns one's text, called `themes/NAME.yml` in messages.
#[must_use]
pub fn source(name: &str) -> Option<Source> {
    let (name, text) = ALL.iter().find(|(known, _)| *known == name)?;
    Some(Source::new(format!("themes/{name}.yml"), *text))
}
