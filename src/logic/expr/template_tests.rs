//! Tests of texts with `${{ }}` and of conditions.

use super::error::{self, ErrorKind};
use super::tests::{World, world};
use super::{Condition, Template, parse_condition};

fn text(template: &str) -> String {
    Template::parse(template).and_then(|template| template.eval_text(&world())).expect("the template is good")
}

fn holds(condition: &str) -> bool {
    parse_condition(condition).and_then(|condition| condition.eval(&world())).expect("the condition is good")
}

#[test]
fn expressions_in_a_text_are_replaced_by_their_values() {
    assert_eq!(text("no expression $ { } }}"), "no expression $ { } }}");
    assert_eq!(text("a ${{ env.name }} b ${{1}}${{ null }}!"), "a x b 1!");
    assert_eq!(text("${{ list }} ${{ github }} ${{ t }}"), "Array Object true");
    assert_eq!(text("${{ '}}' }} ${{ 'it''s }}' }}"), "}} it's }}");
    assert_eq!(text("ä${{ 'ö' }}ü"), "äöü");
}

#[test]
fn a_text_that_is_one_expression_keeps_the_kind_of_its_value() {
    let kind = |text: &str| {
        let template = Template::parse(text).expect("the template is good");
        template.eval_value(&world()).expect("the value is good").kind()
    };
    assert_eq!(kind("${{ list }}"), "Array");
    assert_eq!(kind("${{ 1 }}"), "Number");
    assert_eq!(kind(" ${{ 1 }}"), "String");
    assert_eq!(kind("${{ 1 }}${{ 2 }}"), "String");
    assert_eq!(kind("1"), "String");
}

#[test]
fn a_literal_stays_what_it_is() {
    let template = Template::literal("${{ not read }}");
    assert_eq!(template.as_literal(), Some("${{ not read }}"));
    assert_eq!(template.eval_text(&world()).expect("a literal"), "${{ not read }}");
    assert_eq!(Template::parse("plain").expect("a literal").as_literal(), Some("plain"));
    assert_eq!(Template::parse("${{ 1 }}").expect("good").as_literal(), None);
}

#[test]
fn places_of_errors_count_from_the_start_of_the_text() {
    let cases = [
        ("ab ${{ 1", error::UNCLOSED, 3, 5),
        ("ab ${{ '}} ", error::UNCLOSED, 3, 8),
        ("ab ${{ }}", error::EMPTY, 3, 6),
        ("ab ${{}}", error::EMPTY, 3, 5),
        ("${{ 1 }}ab ${{ @ }}", error::SYNTAX, 15, 1),
        ("ab ${{ nope() }}", error::UNKNOWN_FUNCTION, 7, 4),
    ];
    for (text, slug, at, len) in cases {
        let error = Template::parse(text).expect_err("the template is bad");
        assert_eq!((error.slug, error.at, error.len), (slug, at, len), "{text}");
    }
    let template = Template::parse("é ${{ fromJSON('x') }}").expect("it is well formed");
    let error = template.eval_text(&world()).expect_err("it is no JSON");
    assert_eq!((error.slug, error.at, error.len), (error::BAD_JSON, 7, 13));
    let unknown =
        Template::parse_known("x ${{ env.a }}", &|name| name == "github").expect_err("it is unknown");
    assert_eq!((unknown.slug, unknown.at), (error::UNKNOWN_CONTEXT, 6));
}

#[test]
fn the_places_of_expressions_are_kept() {
    let template = Template::parse("a ${{ 1 }} ${{env.x}}").expect("good");
    let places: Vec<_> =
        template.exprs().iter().map(|part| (part.start, part.at, part.end, part.expr.text())).collect();
    assert_eq!(places, [(2, 5, 10, " 1 "), (11, 14, 21, "env.x")]);
    assert_eq!(template.source(), "a ${{ 1 }} ${{env.x}}");
}

#[test]
fn many_large_values_in_one_text_are_refused() {
    let scope = World::new(&serde_json::json!({"big": "x".repeat(400_000)}));
    let template = Template::parse(&"${{ big }}".repeat(100)).expect("good");
    let error = template.eval_text(&scope).expect_err("it is too large");
    assert_eq!((error.slug, error.kind), (error::TOO_LARGE, ErrorKind::Evaluation));
}

#[test]
fn a_condition_may_leave_the_marks_out() {
    for text in ["t", "${{ t }}", "github.ref == 'refs/heads/main'", "always()", "", "  ", "'false'"] {
        assert!(holds(text), "{text}");
    }
    for text in ["false", "${{ !t }}", "nothing", "env.empty", "failure()", "0"] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn success_is_asked_first_unless_a_status_function_is_called() {
    let failed = World { failed: true, ..world() };
    let holds =
        |text: &str| parse_condition(text).and_then(|c| c.eval(&failed)).expect("the condition is good");
    for text in ["", "true", "${{ true }}", "text ${{ t }}", "'always()' == 'always()'", "success()"] {
        assert!(!holds(text), "{text}");
    }
    for text in [
        "always()",
        "FAILURE()",
        "${{ failure() && t }}",
        "!success()",
        "t || cancelled()",
        "x ${{ always() }}",
    ] {
        assert!(holds(text), "{text}");
    }
    // What would fail is not evaluated after a failed `success()`.
    assert!(!holds("fromJSON('broken')"));
}

#[test]
fn text_around_an_expression_makes_a_condition_always_true() {
    let flagged = |text: &str| parse_condition(text).expect("the condition is good").always_true_text;
    for text in ["${{ false }} ", "${{ t }} == false", "${{ false }}\n", "${{ 1 }}${{ 2 }}"] {
        assert!(flagged(text), "{text}");
        assert!(holds(text), "{text}");
    }
    for text in ["${{ false }}", "false", "", "t == '$'"] {
        assert!(!flagged(text), "{text}");
    }
}

#[test]
fn a_condition_shows_its_expressions_and_places() {
    let condition = parse_condition("${{ env.a }}").expect("good");
    assert_eq!((condition.exprs()[0].at, condition.exprs()[0].expr.contexts()[0].at), (3, 1));
    assert!(condition.needs_success() && condition.as_expr().is_some());
    assert!(parse_condition("").expect("good").exprs().is_empty());
    assert!(!parse_condition("always()").expect("good").needs_success());
    let error = parse_condition("a == @").expect_err("bad");
    assert_eq!(error.at, 5);
    assert!(Condition::parse_known("secrets.x", &|name| name != "secrets").is_err());
}
