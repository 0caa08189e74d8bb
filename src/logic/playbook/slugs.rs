//! The names of all faults that reading a playbook can find, each with a line about it.
//!
//! Not here: the pages that tell more (`assets/explain/`). Start with `ALL`.

/// A fault by its name.
#[derive(Clone, Copy, Debug)]
pub struct Slug {
    pub name: &'static str,
    /// What it means, in one line.
    pub summary: &'static str,
}

const fn slug(name: &'static str, summary: &'static str) -> Slug {
    Slug { name, summary }
}

/// All faults, by subject.
pub static ALL: &[Slug] = &[
    slug("not-text", "the file is not text in UTF-8"),
    slug("file-too-large", "the file is larger than 4 MiB"),
    slug("empty-file", "there is nothing in the file"),
    slug("yaml-syntax", "the text is not YAML"),
    slug("yaml-tab", "a tab stands where YAML wants spaces"),
    slug("yaml-tag", "a value has a YAML tag"),
    slug("duplicate-key", "a key stands twice in one map"),
    slug("key-not-text", "a key is a list or a map"),
    slug("unknown-anchor", "an alias repeats an anchor that is not there"),
    slug("alias-loop", "an alias stands inside the value that it repeats"),
    slug("merge-not-a-map", "a merge key has something else than a map"),
    slug("too-many-aliases", "there are more than 10,000 aliases"),
    slug("too-many-nodes", "aliases make the file too large"),
    slug("too-deep", "values are nested more than 64 deep"),
    slug("several-documents", "the file holds more than one document"),
    slug("missing-version", "the playbook does not say its version"),
    slug("wrong-version", "the version is not 3"),
    slug("unknown-key", "a key is not part of the language"),
    slug("not-yet", "a key or value is known but not supported yet"),
    slug("misplaced-key", "a key does not fit to the others beside it"),
    slug("missing-key", "a key that has to be there is missing"),
    slug("wrong-type", "a value is of the wrong kind"),
    slug("unknown-value", "a word is none of the possible ones"),
    slug("bad-number", "a number is out of bounds"),
    slug("bad-duration", "a duration has no unit, is zero, or is none"),
    slug("bad-size", "a size cannot be read"),
    slug("bad-signal", "a signal is not known"),
    slug("bad-id", "a name has letters that names cannot have"),
    slug("bad-requirement", "a required tool cannot be read"),
    slug("unknown-shell", "a shell is not known"),
    slug("duplicate-id", "two things have the same name"),
    slug("empty-stages", "the playbook has no stages"),
    slug("empty-stage", "a stage does nothing"),
    slug("empty-steps", "a list of steps is empty"),
    slug("no-action", "a step does nothing"),
    slug("several-actions", "a step or stage does more than one thing"),
    slug("too-many-blocks", "blocks are nested more than 10 deep"),
    slug("not-in-background", "`wait` or `cancel` names a step that was not started in the background"),
    slug("bad-port", "a port of a service cannot be read, or two want the same"),
    slug("unknown-service", "an expression names a service or a port that is not there"),
    slug("nothing-to-undo", "a rollback has nothing to do: no step has an `undo`"),
    slug("unknown-need", "a stage needs one that is not there"),
    slug("self-need", "a stage needs itself"),
    slug("duplicate-need", "a stage needs another one twice"),
    slug("need-cycle", "stages wait for each other"),
    slug("finally-need", "a need crosses between `stages` and `finally`"),
    slug("run-when-with-status", "`run-when` and `if` both ask for results"),
    slug("input-options", "options of an input do not fit"),
    slug("input-pattern", "a pattern of an input does not fit"),
    slug("input-default", "a default does not fit the input's type"),
    slug("secret-source", "a secret has no source or several"),
    slug("matrix-not-a-map", "a matrix is not a map"),
    slug("matrix-not-a-list", "a matrix axis is not a list"),
    slug("matrix-axis-empty", "a matrix axis has no values"),
    slug("matrix-empty", "a matrix has no combinations"),
    slug("matrix-entry-not-a-map", "an entry of `include` or `exclude` is not a map"),
    slug("matrix-exclude-unknown", "`exclude` names what is no axis"),
    slug("matrix-too-large", "a matrix has too many combinations"),
    slug("expression-syntax", "an expression cannot be read"),
    slug("expression-unclosed", "a `${{` has no `}}`"),
    slug("expression-empty", "there is nothing between `${{` and `}}`"),
    slug("expression-too-long", "an expression is longer than 21,000 characters"),
    slug("expression-too-deep", "an expression is nested more than 50 deep"),
    slug("unknown-function", "a function is not part of the language"),
    slug("wrong-argument-count", "a function has too few or too many arguments"),
    slug("function-not-here", "a function cannot be used in this key"),
    slug("unknown-context", "a context is not part of the language"),
    slug("context-not-here", "a context is not available in this key"),
    slug("unknown-member", "a context has no such member"),
    slug("unknown-input", "an expression names an input that is not declared"),
    slug("unknown-secret", "an expression names a secret that is not declared"),
    slug("unknown-stage", "an expression names a stage that is not there"),
    slug("need-not-declared", "an expression reads a stage that is not among the needs"),
    slug("unknown-output", "an expression reads an output that is not declared"),
    slug("unknown-step", "an expression names a step that is not there or comes later"),
    slug("unknown-matrix-key", "an expression names a matrix key that is not there"),
    slug("gate-unanswerable", "a gate asks people who cannot answer it"),
    slug("queue-with-cancel", "`queue: max` and `cancel-in-progress` exclude each other"),
    slug("constant-if", "a condition is always true (warning)"),
    slug("untrusted-in-run", "a value from outside becomes part of a command (warning)"),
    slug("bad-cron", "a cron line cannot be read"),
    slug("never-fires", "no day of the calendar fits a schedule"),
    slug("either-day", "a cron line restricts both days, and either is enough (warning)"),
    slug("unknown-zone", "a time zone is not known"),
    slug("bad-time", "a day or a time cannot be read, or comes before the beginning"),
    slug("bad-glob", "a pattern of files cannot be read, or leads out of the project"),
    slug("cache-not-possible", "what has a `cache` has no result that could be taken again"),
    slug("cache-with-secret", "what has a `cache` uses a secret, and its result may hold it"),
    slug("cache-never-hits", "what has a `cache` reads what is another one in each job (warning)"),
    slug("trigger-needs-input", "what starts by itself needs an input that nobody gives"),
    slug("self-trigger", "a playbook waits for its own end to start again"),
];

/// Returns the fault of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Slug> {
    ALL.iter().find(|slug| slug.name == name)
}
