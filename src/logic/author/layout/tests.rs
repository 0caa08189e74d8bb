//! A text taken apart: every sign has its place.

use super::{Doc, Id, Shape};

/// Writes a document down with what stands in the text for each of its values.
fn told(doc: &Doc<'_>, id: Id, into: &mut String) {
    let node = doc.node(id);
    let anchor = if node.is_anchored { &doc.text[node.from..node.start] } else { "" };
    let words = &doc.text[node.start..node.end];
    match &node.shape {
        Shape::Null => into.push_str(&format!("{anchor}~@{}", node.start)),
        Shape::Alias(_) => into.push_str(words),
        Shape::Scalar { .. } => into.push_str(&format!("{anchor}{words:?}")),
        Shape::Seq { items, is_flow } => {
            into.push_str(&format!("{anchor}{}(", if *is_flow { "list" } else { "-" }));
            for item in items {
                assert!(*is_flow || doc.text[item.start..].starts_with('-'));
                told(doc, item.value, into);
                into.push(';');
            }
            into.push(')');
        }
        Shape::Map { pairs, is_flow } => {
            into.push_str(&format!("{anchor}{}(", if *is_flow { "map" } else { ":" }));
            for pair in pairs {
                if doc.text[pair.start..].starts_with('?') {
                    into.push('?');
                }
                told(doc, pair.key, into);
                into.push(if pair.colon.is_some() { '=' } else { '!' });
                told(doc, pair.value, into);
                into.push(';');
            }
            into.push(')');
        }
    }
}

#[test]
fn every_value_has_its_place() {
    let cases = [
        ("a: 1", r#":("a"="1";)"#),
        ("a: &x\n  b: 1 # t\n  c:\n", ":(\"a\"=&x\n  :(\"b\"=\"1\";\"c\"=~@21;);)"),
        ("e:\n- 1\n-   k: v\n- - p\n  - q\n-\n- r\n", r#":("e"=-("1";:("k"="v";);-("p";"q";);~@29;"r";);)"#),
        (
            "a: |  # c\n    x # no\n\n    y\n\n\n# end\nb: >-\n  f\n  # in\n",
            ":(\"a\"=\"|  # c\\n    x # no\\n\\n    y\\n\";\"b\"=\">-\\n  f\\n  # in\\n\";)",
        ),
        (
            "a: |+\n  x\n\n\nb: |\n  x\n   \n\nc: >2-\n    x\n  y",
            ":(\"a\"=\"|+\\n  x\\n\\n\\n\";\"b\"=\"|\\n  x\\n   \\n\";\"c\"=\">2-\\n    x\\n  y\";)",
        ),
        ("a: |\n  x\n # c\nb: |\nc: 1\n", ":(\"a\"=\"|\\n  x\\n\";\"b\"=\"|\\n\";\"c\"=\"1\";)"),
        ("? k\n: v\n? z\n:\n  y: 1\n", r#":(?"k"="v";?"z"=:("y"="1";);)"#),
        (
            "{b: [x, y,], c, 'd' : {}, \"e\":1, f: }",
            r#"map("b"=list("x";"y";);"c"!~@14;"'d'"=map();"\"e\""="1";"f"=~@35;)"#,
        ),
        (
            "a: &q [1]\nb: *q\nc: {<<: *q}\n<<: [*q]\n",
            r#":("a"=&q list("1";);"b"=*q;"c"=map("<<"=*q;);"<<"=list(*q;);)"#,
        ),
        ("--- # c\na: \"x\n  y\" # t\nb: p\n  # no\n...\n", ":(\"a\"=\"\\\"x\\n  y\\\"\";\"b\"=\"p\";)"),
        ("a: &n\nb: *n\n", r#":("a"=&n~@5;"b"=*n;)"#),
        (
            "a:\r\n  - b\r\n  -   c: |\r\n        x\r\n",
            ":(\"a\"=-(\"b\";:(\"c\"=\"|\\r\\n        x\\r\\n\";););)",
        ),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let doc = Doc::parse(text).unwrap_or_else(|| panic!("{text:?} was not understood"));
        let mut found = String::new();
        told(&doc, doc.root, &mut found);
        if found != expected {
            wrong.push(format!("{text:?}\n   {found}\n   {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
