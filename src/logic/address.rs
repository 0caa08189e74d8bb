//! Addresses: `STAGE`, `STAGE[k=v,k=v]` for a cell, `STAGE[..]/STEP` for a step.
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

impl Address {
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
