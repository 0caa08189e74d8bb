//! Forms: what is typed becomes values, and what is wrong is told as the command line tells it.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Form, FormKey};
use crate::logic::playbook;
use crate::logic::playbook::model::Playbook;
use crate::logic::playbook::source::Source;

const TEXT: &str = "version: 3
name: all
inputs:
  version: { type: string, required: true, pattern: '[0-9.]+' }
  note: { type: string, default: none }
  env: { type: choice, options: [staging, prod, preview] }
  force: { type: boolean }
  count: { type: number, default: 3 }
  extra: { type: json }
stages:
  a: { run: 'true' }
";

fn read(text: &str) -> Arc<Playbook> {
    Arc::new(playbook::read(&Source::new("all.yml", text)).playbook.unwrap())
}

fn playbook() -> Arc<Playbook> {
    read(TEXT)
}

fn form() -> Form {
    Form::new(PathBuf::new(), &playbook(), None)
}

fn press(form: &mut Form, keys: &[&str]) {
    for key in keys {
        form.key(key);
    }
}

fn given(form: &Form) -> Json {
    Json::Object(form.given().into_iter().collect())
}

fn problem(form: &Form) -> String {
    told(form, form.at)
}

fn told(form: &Form, row: usize) -> String {
    form.rows[row].told().map_or_else(String::new, |(message, _)| message.clone())
}

#[test]
fn what_nobody_touched_is_left_to_the_playbook() {
    let mut form = form();
    assert_eq!(form.at, 0, "the one that is required");
    assert_eq!(given(&form), json!({}));
    assert!(form.rows.iter().all(|row| row.told().is_none()), "nothing is told before anybody was there");
    assert!(!form.check());
    assert_eq!(problem(&form), "`version` is required");
}

#[test]
fn every_kind_has_its_keys() {
    let mut form = form();
    press(&mut form, &["1", ".", "4", "tab"]);
    press(&mut form, &["ctrl-u", "tab"]);
    press(&mut form, &["p", "p", "tab"]);
    press(&mut form, &["space", "tab"]);
    press(&mut form, &["backspace", "5", "tab"]);
    press(&mut form, &["[", "1", "]", "tab"]);
    assert_eq!(form.at, form.rows.len(), "the button");
    assert!(form.check());
    let all = json!({ "version": "1.4", "note": "", "env": "preview", "force": "true", "count": "5", "extra": "[1]" });
    assert_eq!(given(&form), all);
    let plan = crate::logic::plan::inputs::check(&playbook().inputs, &form.given()).unwrap();
    assert_eq!(plan.to_json()["extra"], json!([1]));
    assert_eq!(plan.to_json()["force"], json!(true));
}

#[test]
fn choices_go_round_and_by_their_first_letter() {
    let mut form = form();
    form.go(2);
    let mut chosen = |key: &str| {
        form.key(key);
        given(&form)["env"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(chosen("left"), "preview");
    assert_eq!(chosen("right"), "staging");
    assert_eq!(chosen("P"), "prod");
    assert_eq!(chosen("p"), "preview");
    assert_eq!(chosen("x"), "preview");
    assert_eq!(chosen("home"), "staging");
}

#[test]
fn what_is_wrong_is_told_once_its_field_is_left_and_until_it_is_mended() {
    let mut form = form();
    press(&mut form, &["v", "w", "backspace"]);
    assert_eq!(problem(&form), "", "it is being typed");
    form.go(0);
    assert_eq!(problem(&form), "", "a click into the field is no end of it");
    press(&mut form, &["tab"]);
    assert_eq!(told(&form, 0), "`v` does not match the pattern of the input `version`: [0-9.]+");
    press(&mut form, &["shift-tab", "backspace"]);
    assert_eq!(problem(&form), "`version` is required", "it is still wrong, otherwise");
    press(&mut form, &["2"]);
    assert_eq!(problem(&form), "");
    press(&mut form, &["backspace"]);
    assert_eq!(problem(&form), "", "a new beginning");
    press(&mut form, &["2"]);
    form.go(4);
    press(&mut form, &["x"]);
    form.go(5);
    assert_eq!(told(&form, 4), "the input `count` takes a number such as `3` or `0.5`, found `3x`");
    press(&mut form, &["{"]);
    assert!(!form.check());
    assert!(told(&form, 5).starts_with("the input `extra` takes JSON"), "{}", told(&form, 5));
    assert_eq!(form.at, 4, "the first one that is wrong");
}

#[test]
fn enter_goes_on_and_runs_at_the_end() {
    let mut form = form();
    for _ in 0..5 {
        assert_eq!(form.key("enter"), FormKey::Taken);
    }
    assert_eq!(form.key("enter"), FormKey::Run, "on the last field");
    form.key("tab");
    assert_eq!(form.key("enter"), FormKey::Run, "on the button");
    assert_eq!(form.key("tab"), FormKey::Taken);
    assert_eq!(form.at, 0);
    form.key("shift-tab");
    assert_eq!(form.at, form.rows.len());
    assert_eq!(form.key("esc"), FormKey::Close);
}

#[test]
fn pastes_go_into_text_fields_only() {
    let mut form = form();
    assert!(form.paste("1.2\n"));
    assert_eq!(given(&form), json!({ "version": "1.2" }));
    form.go(2);
    assert!(!form.paste("prod"));
}

#[test]
fn what_was_typed_fills_the_next_form() {
    let mut form = form();
    press(&mut form, &["v", "tab", "x", "tab", "right"]);
    let typed = form.typed();
    let again = Form::new(PathBuf::new(), &playbook(), Some(&typed));
    assert_eq!(given(&again), json!({ "version": "v", "note": "nonex", "env": "staging" }));
    assert_eq!(again.at, 0, "its value is wrong");
    assert_eq!(told(&again, 0), "", "nobody has left the new one");
}

#[test]
fn where_all_have_defaults_enter_is_enough() {
    let text = TEXT.replace("required: true, pattern: '[0-9.]+'", "default: '1'");
    let mut form = Form::new(PathBuf::new(), &read(&text), None);
    assert_eq!(form.key("enter"), FormKey::Run);
    assert!(form.check());
}

const PROFILES: &str = "version: 3
name: all
vars: { depth: 1 }
profiles:
  quick: { description: Before the commit, exclude: [e2e] }
  nightly: { variables: { depth: 3 }, include: [test, e2e], matrix: { os: [linux, mac] } }
  nothing: { exclude: [test, e2e] }
  same: {}
inputs:
  version: { type: string, required: true, pattern: '[0-9.]+' }
  note: { type: string }
stages:
  test: { run: 'true' }
  e2e: { run: 'true' }
";

fn alone() -> Arc<Playbook> {
    let (head, rest) = PROFILES.split_once("inputs:").unwrap();
    let stages = rest.find("stages:").unwrap();
    read(&format!("{head}{}", &rest[stages..]))
}

fn about(form: &Form) -> &str {
    form.rows[0].input.description.as_deref().unwrap_or_default()
}

#[test]
fn profiles_are_a_row_of_choices_with_all_stages_first() {
    let mut form = Form::new(PathBuf::new(), &read(PROFILES), None);
    assert_eq!(form.title(), "Profile and inputs of all");
    assert_eq!(form.at, 1, "the input that is required");
    press(&mut form, &["1", "shift-tab"]);
    assert!(form.is_at_choice());
    assert_eq!((form.wanted().profile, about(&form)), (None, "the playbook as it is, without a profile"));
    let mut chosen = |key: &str| {
        form.key(key);
        (form.wanted().profile.unwrap_or_default(), about(&form).to_owned())
    };
    let effects = [
        ("right", "quick", "Before the commit"),
        ("space", "nightly", "only test and e2e; depth=3; os=linux,mac"),
        ("n", "nothing", "without test and e2e"),
        ("end", "same", "changes nothing"),
        ("right", "", "the playbook as it is, without a profile"),
        ("left", "same", "changes nothing"),
        ("q", "quick", "Before the commit"),
        ("a", "", "the playbook as it is, without a profile"),
    ];
    for (key, name, about) in effects {
        assert_eq!(chosen(key), (name.to_owned(), about.to_owned()), "{key}");
    }
    chosen("q");
    assert!(form.check());
    let wanted = form.wanted();
    assert_eq!(wanted.profile.as_deref(), Some("quick"));
    assert_eq!(wanted.inputs, [("version".to_owned(), json!("1"))], "the profile is no input");
}

#[test]
fn an_input_may_be_called_profile_too() {
    let playbook = read(&PROFILES.replace("note:", "profile:"));
    let mut form = Form::new(PathBuf::new(), &playbook, None);
    press(&mut form, &["2", "tab", "x"]);
    form.go(0);
    press(&mut form, &["end"]);
    let wanted = form.wanted();
    assert_eq!(wanted.profile.as_deref(), Some("same"));
    let inputs = [("version".to_owned(), json!("2")), ("profile".to_owned(), json!("x"))];
    assert_eq!(wanted.inputs, inputs);
    let again = Form::new(PathBuf::new(), &playbook, Some(&form.typed()));
    assert_eq!(again.wanted(), wanted);
}

#[test]
fn a_profile_that_leaves_no_stage_is_told_as_inputs_are() {
    let mut form = Form::new(PathBuf::new(), &alone(), None);
    assert_eq!(form.title(), "Profile of all");
    assert_eq!(form.at, 0, "there is nothing else");
    press(&mut form, &["end", "left"]);
    assert_eq!(form.wanted().profile.as_deref(), Some("nothing"));
    assert_eq!(problem(&form), "", "nobody has left it yet");
    assert_eq!(form.key("enter"), FormKey::Run);
    assert!(!form.check());
    assert_eq!(problem(&form), "the profile `nothing` leaves no stage to run");
    let help = form.rows[0].told().and_then(|(_, help)| help.clone());
    assert_eq!(help.as_deref(), Some("choose another one, or mend its `include` and `exclude`"));
    press(&mut form, &["right"]);
    assert_eq!(problem(&form), "", "it is mended");
    assert!(form.check());
    // An input that is missing is in nobody's way to see it, and the other way round.
    let mut both = Form::new(PathBuf::new(), &read(PROFILES), None);
    press(&mut both, &["3", "shift-tab", "end", "left", "tab"]);
    assert_eq!(told(&both, 0), "the profile `nothing` leaves no stage to run");
    press(&mut both, &["backspace", "shift-tab", "right"]);
    assert!(!both.check());
    assert_eq!(
        (both.at, told(&both, 0), problem(&both)),
        (1, String::new(), "`version` is required".to_owned())
    );
}

#[test]
fn the_profile_that_was_chosen_is_kept_as_long_as_there_is_one_of_that_name() {
    let mut form = Form::new(PathBuf::new(), &alone(), None);
    press(&mut form, &["right", "right"]);
    let typed = form.typed();
    let again = Form::new(PathBuf::new(), &alone(), Some(&typed));
    assert_eq!(again.wanted().profile.as_deref(), Some("nightly"));
    assert_eq!(again.at, 0);
    let gone = Form::new(PathBuf::new(), &read(&PROFILES.replace("nightly:", "weekly:")), Some(&typed));
    assert_eq!((gone.wanted().profile, about(&gone)), (None, "the playbook as it is, without a profile"));
    let plain = Form::new(PathBuf::new(), &playbook(), Some(&typed));
    assert_eq!(plain.wanted().profile, None);
}
