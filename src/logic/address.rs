//! Addresses: `STAGE`, `STAGE[k=v,k=v]` for a cell, `STAGE[..]/STEP` for a step. A called stage has its caller in front:
//! `CALLER / STAGE` or `CALLER[k=v] / STAGE`, with or without the spaces.
//!
//! Not here: finding what an address names in a plan or a job (`plan`, `view`).

/// A parsed address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A stage's id, or a cell's stable id `STAGE.8hex`.
    pub stage: String,
    /// Axis and value, as written; empty if the address names the whole stage.
    pub cell: Vec<(String, String)>,
    /// A step's id or number.
    pub step: Option<String>,
}

/// What an address names, once the stages are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Position of the stage.
    pub at: usize,
    /// Axis and value, as written; empty if the address names the whole stage.
    pub cell: Vec<(String, String)>,
    /// A step's id or number.
    pub step: Option<String>,
}

impl Address {
    /// Finds what an address names among stages. Case and spaces make no difference.
    ///
    /// # Errors
    /// A sentence, if the text is no address.
    pub fn find<'a>(text: &str, stages: impl Iterator<Item = &'a str>) -> Result<Option<Found>, String> {
        // Of `build` and `build / compile`, the longer one is meant where both fit.
        let mut best: Option<(usize, usize)> = None;
        for (at, id) in stages.enumerate() {
            if let Some(end) = prefix(text, id)
                && best.is_none_or(|(longest, _)| end > longest)
            {
                best = Some((end, at));
            }
        }
        let Some((end, at)) = best else { return Self::parse(text).map(|_| None) };
        // The rest is read as that of a stage with a plain name.
        let rest = Self::parse(&format!("stage{}", text[end..].trim_start()))
            .map_err(|message| message.replacen("`stage", &format!("`{}", &text[..end]), 1))?;
        Ok(Some(Found { at, cell: rest.cell, step: rest.step.map(|step| step.trim().to_owned()) }))
    }

    /// Reads an address.
    ///
    /// # Errors
    /// A sentence that says what is wrong and shows the form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            Err(format!(
                "`{text}` is not an address: {why}; write `stage`, `stage[key=value]` or `stage/step`"
            ))
        };
        let (head, cell, rest) = match text.find('[') {
            None => match text.split_once('/') {
                Some((head, step)) => (head, Vec::new(), Some(step)),
                None => (text, Vec::new(), None),
            },
            Some(open) => {
                let Some(close) = text.rfind(']') else { return wrong("the `[` is never closed") };
                if close < open {
                    return wrong("the `]` comes before the `[`");
                }
                let mut pairs = Vec::new();
                for pair in text[open + 1..close].split(',').map(str::trim).filter(|p| !p.is_empty()) {
                    let Some((key, value)) = pair.split_once('=') else {
                        return wrong("inside `[ ]` it needs `key=value`");
                    };
                    pairs.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                let rest = match &text[close + 1..] {
                    "" => None,
                    tail => match tail.strip_prefix('/') {
                        Some(step) => Some(step),
                        None => return wrong("after `]` only `/step` may follow"),
                    },
                };
                (&text[..open], pairs, rest)
            }
        };
        if head.is_empty() {
            return wrong("it names no stage");
        }
        if rest.is_some_and(str::is_empty) {
            return wrong("it names no step after the `/`");
        }
        Ok(Self { stage: head.to_owned(), cell, step: rest.map(str::to_owned) })
    }
}

/// Returns where a stage's id ends in a text that begins with it, and with nothing else but a cell or a step behind it.
fn prefix(text: &str, id: &str) -> Option<usize> {
    let mut wanted = id.chars().filter(|c| !c.is_whitespace()).peekable();
    for (at, c) in text.char_indices() {
        if wanted.peek().is_none() {
            if c.is_whitespace() {
                continue;
            }
            return matches!(c, '[' | '/').then_some(at);
        }
        if !c.is_whitespace() && !wanted.next()?.eq_ignore_ascii_case(&c) {
            return None;
        }
    }
    wanted.peek().is_none().then_some(text.len())
}

/// Says whether a combination has all of these values, compared as texts without regard to case.
#[must_use]
pub fn matches_cell(wanted: &[(String, String)], matrix: &serde_json::Value) -> bool {
    wanted.iter().all(|(key, value)| {
        matrix.as_object().is_some_and(|members| {
            members.iter().any(|(k, v)| {
                k.eq_ignore_ascii_case(key)
                    && match v {
                        serde_json::Value::String(text) => text.eq_ignore_ascii_case(value),
                        other => {
                            let text = other.to_string();
                            text == *value
                        }
                    }
            })
        })
    })
}
