//! Any text as an expression, as a text with `${{ }}` in it, and as the text of an `if`: read, evaluated, printed.
//!
//! Not here: which contexts a key of a playbook may use; the reader asks that. Whatever comes, there is a value or an
//! error, and the place of the error lies in the text. `../run` builds and starts this.
#![no_main]
#![expect(clippy::disallowed_methods, reason = "libFuzzer's macro can write inputs down")]

mod overflow;

use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::json;
use sortie::logic::expr::{self, Condition, Expr, ExprError, Scope, StatusFn, Template, coerce};
use sortie::logic::value::Value;

fuzz_target!(init: overflow::be_told(), |bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    for has_failed in [false, true] {
        let world = World { has_failed };
        expression(text, &world);
        template(text, &world);
        condition(text, &world);
    }
    Corpus::Keep
});

/// Made once, because the language compares arrays and objects by identity.
static CONTEXTS: LazyLock<Value> = LazyLock::new(|| {
    Value::from_json(&json!({
        "inputs": {"name": "x", "count": 3, "ratio": 0.5, "on": true, "off": false, "none": null, "Größe": "ß"},
        "matrix": {"os": "linux", "rust": 1.80, "nested": {"list": [1, "2", [3]]}},
        "needs": {"build": {"result": "success", "outputs": {"tag": "v1.2", "json": "{\"a\": [1, 2, {\"b\": null}]}"}}},
        "steps": {"a": {"outcome": "failure", "outputs": {}}, "b": {"outputs": {"text": "{0} {{1}} ''"}}},
        "github": {"ref": "refs/heads/main", "event": {"labels": [{"name": "bug"}, {"name": "ui"}, {}]}, "n": 3},
        "env": {"Name": "x", "EMPTY": "", "LONG": "0123456789abcdef".repeat(256)},
        "list": ["zero", "one", "two", 2, true, null, [], {}],
        "nested": [[1, 2], {"a": 3}, "text", {"a": {"a": [{"a": 1e300}]}}],
        "empty": {"list": [], "object": {}},
        "t": true, "nothing": null
    }))
});

/// A job in which something failed, or nothing.
struct World {
    has_failed: bool,
}

impl Scope for World {
    fn context(&self, name: &str) -> Option<Value> {
        let Value::Object(contexts) = &*CONTEXTS else { unreachable!("the contexts are an object") };
        contexts.get(name).cloned()
    }

    fn status(&self, function: StatusFn, args: &[Value]) -> Result<Value, ExprError> {
        Ok(Value::Bool(match function {
            StatusFn::Always => true,
            StatusFn::Cancelled => false,
            StatusFn::Success => !self.has_failed || !args.is_empty(),
            StatusFn::Failure => self.has_failed,
        }))
    }

    fn hash_files(&self, patterns: &[String]) -> Result<Value, ExprError> {
        if self.has_failed {
            return Err(ExprError::hash_not_known(patterns));
        }
        Ok(Value::string(format!("digest of {}", patterns.join(" "))))
    }
}

fn expression(text: &str, world: &World) {
    let Some(read) = answer(text, expr::parse(text)) else { return };
    assert_eq!(read.text(), text, "an expression keeps its text");
    uses(text, &read);
    if let Some(value) = answer(text, read.eval(world)) {
        print(&value);
    }
}

fn template(text: &str, world: &World) {
    let Some(read) = answer(text, Template::parse(text)) else { return };
    let mut from = 0;
    for part in read.exprs() {
        assert!(from <= part.start && part.start < part.at && part.at < part.end, "parts in order: {text:?}");
        assert!(text[part.start..part.end].ends_with("}}"), "a part ends with its mark: {text:?}");
        uses(&text[part.at..part.end], &part.expr);
        from = part.end;
    }
    if let Some(value) = answer(text, read.eval_value(world)) {
        print(&value);
    }
    let printed = answer(text, read.eval_text(world));
    if let Some(literal) = read.as_literal() {
        assert_eq!(printed.as_deref(), Some(literal), "a text without expressions means itself");
    }
}

fn condition(text: &str, world: &World) {
    let Some(read): Option<Condition> = answer(text, expr::parse_condition(text)) else { return };
    let holds = answer(text, read.eval(world));
    if read.needs_success() && world.has_failed {
        assert_eq!(holds, Some(false), "without a status function a failure is the end: {text:?}");
    }
}

/// Looks at what an expression uses without evaluating it.
fn uses(text: &str, read: &Expr) {
    let places = read.contexts().into_iter().map(|used| (used.at, used.len));
    for (at, len) in places.chain(read.functions().into_iter().map(|used| (used.at, used.len))) {
        assert!(text.get(at..at + len).is_some(), "{at}+{len} lies outside of {text:?}");
    }
}

/// Returns the value; an error has a message and a place in the text.
fn answer<T>(text: &str, result: Result<T, ExprError>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    assert!(!error.to_string().is_empty(), "an error says something: {text:?}");
    assert!(text.get(error.at..error.at + error.len).is_some(), "{error:?} lies outside of {text:?}");
    None
}

fn print(value: &Value) {
    let json = value.to_json().to_string();
    assert!(!json.is_empty(), "every value has a form in JSON");
    let text = coerce::to_text(value);
    // A value is equal to itself, but for what is no number.
    let is_nan = matches!(value, Value::Number(n) if n.is_nan());
    assert!(is_nan || coerce::loose_eq(value, value), "{text} is equal to itself");
}
