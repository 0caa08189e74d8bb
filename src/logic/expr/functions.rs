//! The functions of the language: one table of name, arguments, meaning and implementation.
//!
//! Not here: JSON text (`json.rs`); what a status function answers, which the scope decides.
//! Start at [`TABLE`].

use super::StatusFn;
use super::coerce;
use super::error::{BAD_FORMAT, CASE_PREDICATE, ExprError};
use super::eval::{Evaluation, Found};
use super::json;
use super::memory::Writer;
use super::tree::NodeId;
use crate::logic::value::Value;

/// One function of the language.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    /// The fewest arguments.
    pub min: usize,
    /// The most arguments.
    pub max: usize,
    /// What it does, in one sentence.
    pub doc: &'static str,
    pub(super) run: fn(&mut Call<'_, '_>) -> Result<Found, ExprError>,
}

impl Function {
    /// Says whether the function asks how things went so far.
    #[must_use]
    pub fn is_status(&self) -> bool {
        matches!(self.name, "success" | "failure" | "cancelled" | "always")
    }

    /// Says whether pairs of arguments are followed by a single one.
    #[must_use]
    pub fn needs_odd_count(&self) -> bool {
        self.name == "case"
    }
}

/// Every function, in the order of the documentation.
pub static TABLE: &[Function] = &[
    Function {
        name: "contains",
        min: 2,
        max: 2,
        doc: "says whether a text holds another, or an array an equal item",
        run: contains,
    },
    Function {
        name: "startsWith",
        min: 2,
        max: 2,
        doc: "says whether a text begins with another",
        run: starts_with,
    },
    Function {
        name: "endsWith",
        min: 2,
        max: 2,
        doc: "says whether a text ends with another",
        run: ends_with,
    },
    Function {
        name: "format",
        min: 1,
        max: 255,
        doc: "puts values in the place of `{0}`, `{1}` and so on",
        run: format,
    },
    Function {
        name: "join",
        min: 1,
        max: 2,
        doc: "joins the items of an array into a text, with `,` or the second value between them",
        run: join,
    },
    Function { name: "toJSON", min: 1, max: 1, doc: "prints a value as JSON", run: to_json },
    Function { name: "fromJSON", min: 1, max: 1, doc: "reads a value from JSON text", run: from_json },
    Function {
        name: "case",
        min: 3,
        max: 255,
        doc: "returns the value after the first true predicate, or else the last one",
        run: case,
    },
    Function {
        name: "hashFiles",
        min: 1,
        max: 255,
        doc: "returns the digest of the files that patterns name",
        run: hash_files,
    },
    Function { name: "success", min: 0, max: 255, doc: "says whether nothing failed so far", run: success },
    Function { name: "failure", min: 0, max: 255, doc: "says whether something failed", run: failure },
    Function { name: "cancelled", min: 0, max: 0, doc: "says whether a cancel was asked", run: cancelled },
    Function { name: "always", min: 0, max: 0, doc: "is true, also during a cancel", run: always },
];

/// Returns the function of that name, compared without regard to case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    TABLE.iter().find(|function| function.name.eq_ignore_ascii_case(name))
}

/// Returns the names of all functions, for messages.
#[must_use]
pub fn names() -> String {
    TABLE.iter().map(|function| format!("`{}`", function.name)).collect::<Vec<_>>().join(", ")
}

/// One call: its arguments are evaluated when they are asked for.
pub(super) struct Call<'c, 'e> {
    pub evaluation: &'c mut Evaluation<'e>,
    pub args: &'e [NodeId],
    pub level: usize,
}

impl Call<'_, '_> {
    fn found(&mut self, index: usize) -> Result<Found, ExprError> {
        self.evaluation.node(self.args[index], self.level + 1)
    }

    fn arg(&mut self, index: usize) -> Result<Value, ExprError> {
        Ok(self.found(index)?.value)
    }

    fn writer(&self) -> Writer {
        Writer::new(self.evaluation.memory_limit())
    }
}

fn contains(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let left = call.arg(0)?;
    let held = match &left {
        Value::Array(items) if !items.is_empty() => {
            let wanted = call.arg(1)?;
            items.iter().any(|item| coerce::loose_eq(&wanted, item))
        }
        Value::Array(_) | Value::Object(_) => false,
        _ => both_texts(call, &left, |text, part| text.contains(part))?,
    };
    Ok(Value::Bool(held).into())
}

fn starts_with(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let left = call.arg(0)?;
    let does = both_texts(call, &left, |text, part| text.starts_with(part))?;
    Ok(Value::Bool(does).into())
}

fn ends_with(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let left = call.arg(0)?;
    let does = both_texts(call, &left, |text, part| text.ends_with(part))?;
    Ok(Value::Bool(does).into())
}

/// Asks something of two texts without regard to case; arrays and objects are no texts.
fn both_texts(call: &mut Call<'_, '_>, left: &Value, ask: fn(&str, &str) -> bool) -> Result<bool, ExprError> {
    if !coerce::is_primitive(left) {
        return Ok(false);
    }
    let right = call.arg(1)?;
    Ok(coerce::is_primitive(&right)
        && ask(&coerce::fold(&coerce::text(left)), &coerce::fold(&coerce::text(&right))))
}

fn join(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let items = match call.arg(0)? {
        Value::Array(items) => items,
        Value::Object(_) => return Ok(Value::string("").into()),
        single => return Ok(Value::string(coerce::text(&single)).into()),
    };
    let mut separator = String::from(",");
    if items.len() > 1 && call.args.len() > 1 {
        let given = call.arg(1)?;
        if coerce::is_primitive(&given) {
            separator = coerce::to_text(&given);
        }
    }
    let mut out = call.writer();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(&separator)?;
        }
        out.push(&coerce::text(item))?;
    }
    Ok(Value::string(out.finish()).into())
}

fn to_json(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let value = call.arg(0)?;
    let mut out = call.writer();
    json::write(&value, &mut out)?;
    Ok(Value::string(out.finish()).into())
}

fn from_json(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let text = call.arg(0)?;
    json::read(&coerce::text(&text)).map(Found::from)
}

fn case(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let last = call.args.len() - 1;
    for predicate in (0..last).step_by(2) {
        match call.arg(predicate)? {
            Value::Bool(true) => return call.found(predicate + 1),
            Value::Bool(false) => {}
            other => {
                let message = format!(
                    "case predicate must evaluate to a boolean value, predicate {} is {}",
                    predicate / 2 + 1,
                    other.kind()
                );
                return Err(ExprError::evaluation(CASE_PREDICATE, message));
            }
        }
    }
    call.found(last)
}

fn hash_files(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let mut patterns = Vec::with_capacity(call.args.len());
    for index in 0..call.args.len() {
        patterns.push(coerce::to_text(&call.arg(index)?));
    }
    call.evaluation.scope.hash_files(&patterns).map(Found::from)
}

fn success(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    status(call, StatusFn::Success)
}

fn failure(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    status(call, StatusFn::Failure)
}

fn cancelled(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    status(call, StatusFn::Cancelled)
}

fn always(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    status(call, StatusFn::Always)
}

fn status(call: &mut Call<'_, '_>, function: StatusFn) -> Result<Found, ExprError> {
    let mut values = Vec::with_capacity(call.args.len());
    for index in 0..call.args.len() {
        values.push(call.arg(index)?);
    }
    call.evaluation.scope.status(function, &values).map(Found::from)
}

/// One part of a format text.
enum Piece<'t> {
    Text(&'t str),
    Arg(usize),
}

fn format(call: &mut Call<'_, '_>) -> Result<Found, ExprError> {
    let text = call.arg(0)?;
    let text = coerce::text(&text);
    let pieces = format_pieces(&text, call.args.len() - 1)?;
    // The text is judged as a whole before any value is asked for; each value is made once.
    let mut values: Vec<Option<Value>> = vec![None; call.args.len() - 1];
    let mut out = call.writer();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push(text)?,
            Piece::Arg(index) => {
                if values[index].is_none() {
                    values[index] = Some(call.arg(index + 1)?);
                }
                if let Some(value) = &values[index] {
                    out.push(&coerce::text(value))?;
                }
            }
        }
    }
    Ok(Value::string(out.finish()).into())
}

fn format_pieces(format: &str, count: usize) -> Result<Vec<Piece<'_>>, ExprError> {
    let invalid =
        || ExprError::evaluation(BAD_FORMAT, format!("The following format string is invalid: {format}"));
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        let brace = &rest[at..=at];
        if rest[at + 1..].starts_with(brace) {
            pieces.push(Piece::Text(&rest[..=at]));
            rest = &rest[at + 2..];
            continue;
        }
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let end = at + 1 + digits;
        let index = rest[at + 1..end].parse::<u8>();
        let (true, Ok(index)) = (brace == "{", index) else { return Err(invalid()) };
        if rest[end..].starts_with(':') && specifiers_close(&rest[end + 1..]) {
            let message =
                format!("The format string holds a format specifier, which no value supports: {format}");
            return Err(ExprError::evaluation(BAD_FORMAT, message));
        }
        if !rest[end..].starts_with('}') {
            return Err(invalid());
        }
        if usize::from(index) >= count {
            let message =
                format!("The following format string references more arguments than were supplied: {format}");
            return Err(ExprError::evaluation(BAD_FORMAT, message));
        }
        pieces.push(Piece::Text(&rest[..at]));
        pieces.push(Piece::Arg(index.into()));
        rest = &rest[end + 1..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// Says whether a format specifier ends: at a `}` that is not doubled.
fn specifiers_close(mut rest: &str) -> bool {
    while let Some(at) = rest.find('}') {
        if !rest[at + 1..].starts_with('}') {
            return true;
        }
        rest = &rest[at + 2..];
    }
    false
}
