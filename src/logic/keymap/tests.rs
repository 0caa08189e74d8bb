//! The keys that sortie comes with, names of keys, and what files make of both.

use std::sync::LazyLock;

use jsonschema::Validator;

use super::*;
use crate::logic::diag::Severity;
use crate::logic::playbook::schema;
use crate::logic::playbook::schema::tests::{parsed, validator};
use crate::logic::playbook::source::Source;

const LIST: &[Place] = &[Place::List, Place::Verbs, Place::Any];
const LOG: &[Place] = &[Place::Log, Place::Verbs, Place::Any];

/// Reads a text, and holds reader and schema to the same judgement about it.
fn of(text: &str) -> Reading {
    let reading = read(&Source::new("keymap.yaml", text));
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| validator(&schema::keymap()));
    if let Some(value) = parsed(text.as_bytes()) {
        let is_of_form = |slug: &str| STRUCTURAL.contains(&slug);
        let faults: Vec<&str> =
            reading.found.iter().map(|it| it.slug).filter(|slug| is_of_form(slug)).collect();
        let seen = schema::tests::problems(&SCHEMA, &value);
        assert_eq!(faults.is_empty(), seen.is_empty(), "{text}\nreader: {faults:?}\nschema: {seen}");
    }
    reading
}

/// Faults of form, which the schema has to see; those of what keys do together are beyond it.
const STRUCTURAL: [&str; 4] = ["bad-keymap", "unknown-place", "unknown-action", "bad-key"];

/// Reads what is right.
fn good(text: &str) -> Keymap {
    let reading = of(text);
    assert!(reading.found.is_empty(), "{:#?}", reading.found);
    reading.keymap
}

/// Returns slug, line, message and help of each problem.
fn problems(text: &str) -> Vec<(&'static str, u32, String, String)> {
    let source = Source::new("keymap.yaml", text);
    let found = of(text).found;
    let line = |it: &crate::logic::diag::Diagnostic| source.place(it.span.start).line;
    found
        .iter()
        .map(|it| (it.slug, line(it), it.message.clone(), it.help.clone().unwrap_or_default()))
        .collect()
}

/// Returns the one problem of a file.
fn problem(text: &str) -> (&'static str, u32, String, String) {
    let mut all = problems(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

#[test]
fn no_key_has_two_meanings_at_a_place() {
    let mut seen: Vec<(Place, &str)> = Vec::new();
    for binding in TABLE {
        for key in binding.keys {
            assert!(!seen.contains(&(binding.place, key)), "{key} at {:?}", binding.place);
            seen.push((binding.place, key));
        }
    }
    // A verb works wherever a stage or cell is selected, so no pane may take its key.
    for (place, key) in &seen {
        if Place::PANES.contains(place) {
            assert!(!seen.contains(&(Place::Verbs, key)), "{key}");
            assert!(!seen.contains(&(Place::Any, key)), "{key}");
        }
    }
}

#[test]
fn keys_that_terminals_keep_for_themselves_are_not_used() {
    for key in TABLE.iter().flat_map(|it| it.keys) {
        let read = key::read(key);
        assert_eq!(read, Ok(key::Written { name: (*key).to_owned(), doubt: None }), "{key}");
    }
}

#[test]
fn each_action_has_one_name_and_is_somewhere() {
    for (at, (action, name)) in ACTIONS.iter().enumerate() {
        assert!(ACTIONS.iter().skip(at + 1).all(|(other, word)| other != action && word != name), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        assert_eq!((Action::named(name), action.name()), (Some(*action), *name));
        assert!(TABLE.iter().any(|it| it.action == *action), "{name}");
    }
    for binding in TABLE {
        assert!(!binding.action.name().is_empty(), "{:?}", binding.action);
    }
}

#[test]
fn a_key_has_one_name_however_it_is_written() {
    let cases = [
        ("p", "p"),
        ("P", "P"),
        ("shift-p", "P"),
        (" ", "space"),
        ("Space", "space"),
        ("Ctrl-G", "ctrl-g"),
        ("C-g", "ctrl-g"),
        ("^g", "ctrl-g"),
        ("^", "^"),
        ("control+g", "ctrl-g"),
        ("Return", "enter"),
        ("ESC", "esc"),
        ("PageDown", "pgdn"),
        ("backtab", "shift-tab"),
        ("Shift-Tab", "shift-tab"),
        ("ctrl-4", "ctrl-\\"),
        ("ctrl-]", "ctrl-]"),
        ("Del", "delete"),
        ("ctrl-space", "ctrl-space"),
        ("ctrl- ", "ctrl-space"),
        ("é", "é"),
        ("-", "-"),
        ("ctrl-^", "ctrl-^"),
    ];
    for (text, name) in cases {
        assert_eq!(key::read(text).map(|it| it.name).as_deref(), Ok(name), "{text}");
    }
}

#[test]
fn what_cannot_be_told_apart_or_may_not_arrive_is_said() {
    let doubt = |text| key::read(text).unwrap().doubt.unwrap_or_default();
    for (text, same) in [
        ("ctrl-i", "tab"),
        ("ctrl-m", "enter"),
        ("ctrl-J", "enter"),
        ("ctrl-[", "esc"),
        ("ctrl-5", "ctrl-]"),
        ("ctrl-/", "ctrl-_"),
        ("ctrl-?", "backspace"),
        ("ctrl-@", "ctrl-space"),
    ] {
        assert_eq!(doubt(text), format!("is `{same}` to a terminal, so this is about `{same}`"), "{text}");
    }
    for text in ["ctrl-s", "ctrl-q", "ctrl-b", "ctrl-a", "ctrl-h"] {
        assert!(doubt(text).starts_with("may never arrive: "), "{text}");
    }
    assert_eq!(doubt("ctrl-g"), "");
    for (text, part) in [
        ("alt-x", "Alt"),
        ("M-x", "Alt"),
        ("f5", "function keys"),
        ("F12", "function keys"),
        ("cmd-k", "do not send"),
        ("shift-up", "many terminals send `up`"),
        ("ctrl-left", "many terminals send `left`"),
        ("ctrl-shift-g", "more than one key"),
        ("ctrl-1", "nothing of its own"),
        ("shift-1", "depends on the keyboard"),
        ("foo", "is no key"),
        ("", "is no key"),
        ("ctrl-", "is no key"),
        ("ctrl-foo", "is no key"),
        ("\u{7}", "is no key"),
    ] {
        let (why, help) = key::read(text).unwrap_err();
        assert!(why.contains(part) && !help.is_empty(), "{text}: {why}");
    }
}

#[test]
fn nothing_written_changes_nothing() {
    for text in ["", "\n# nothing yet\n", "bind:\n", "bind: {}\n", "bind:\n  log:\n", "x-note: mine\n"] {
        assert_eq!(good(text), Keymap::default(), "{text}");
    }
    assert!(Keymap::default().keyless(LOG).is_empty());
    assert!(
        Place::ALL
            .iter()
            .flat_map(|place| Keymap::default().at(*place).cloned().collect::<Vec<_>>())
            .all(|it| !it.is_changed())
    );
}

#[test]
fn a_key_is_added_in_front_and_another_is_taken_away() {
    let keymap = good(
        "bind:\n  log: { ctrl-g: follow, ctrl-o: follow, e: null }\n  verbs: { Ctrl-E: pause, p: null }\n",
    );
    assert_eq!(keymap.find(LOG, "ctrl-g"), Some(Action::Follow));
    assert_eq!(keymap.find(LOG, "e"), None);
    assert_eq!(keymap.find(LIST, "e"), Some(Action::Follow), "the list has its own");
    assert_eq!(keymap.keys(LOG, Action::Follow).collect::<Vec<_>>(), ["ctrl-g", "ctrl-o"]);
    assert_eq!(keymap.of(LIST, Action::Pause).map(|it| (it.key, it.word)), Some((Some("ctrl-e"), "pause")));
    assert_eq!((keymap.find(LIST, "p"), keymap.said(LIST, Action::Pause)), (None, "Ctrl-e".to_owned()));
    let follow = keymap.at(Place::Log).find(|it| it.action == Action::Follow).unwrap();
    assert!(follow.is_changed());
    assert_eq!(follow.default_keys(), ["e"]);
    // A key that is there already is only shown first.
    let keymap = good("bind:\n  list:\n    down: down\n");
    assert_eq!(keymap.keys(LIST, Action::Down).collect::<Vec<_>>(), ["down", "j"]);
}

#[test]
fn what_is_written_replaces_what_the_key_did_there() {
    let keymap = good("bind: { log: { w: time } }");
    assert_eq!(keymap.find(LOG, "w"), Some(Action::Time));
    assert_eq!(keymap.keyless(LOG).iter().map(|it| it.action).collect::<Vec<_>>(), [Action::Wrap]);
    assert_eq!(keymap.said(LOG, Action::Wrap), "`wrap`");
    // In any order: two keys can change places.
    let keymap = good("bind: { verbs: { s: cancel, x: skip } }");
    assert_eq!((keymap.find(LOG, "s"), keymap.find(LOG, "x")), (Some(Action::Cancel), Some(Action::Skip)));
    assert!(keymap.keyless(LOG).is_empty());
}

#[test]
fn below_any_an_action_is_bound_wherever_it_is() {
    let keymap = good("bind:\n  any: { ctrl-n: down, ctrl-t: next-theme, T: null, ctrl-o: pause }\n");
    for place in Place::PANES.into_iter().chain([Place::Launcher]) {
        assert_eq!(keymap.find(&[place], "ctrl-n"), Some(Action::Down), "{place:?}");
        assert_eq!(keymap.find(place.looked_up(), "ctrl-t"), Some(Action::NextTheme), "{place:?}");
        assert_eq!(keymap.find(place.looked_up(), "T"), None, "{place:?}");
    }
    assert_eq!(keymap.find(LOG, "ctrl-o"), Some(Action::Pause));
    assert_eq!(keymap.find(&[Place::Launcher], "ctrl-o"), None);
    // A verb can be bound in one pane alone.
    let keymap = good("bind: { list: { ctrl-o: cancel } }");
    assert_eq!((keymap.find(LIST, "ctrl-o"), keymap.find(LOG, "ctrl-o")), (Some(Action::Cancel), None));
    assert_eq!(keymap.of(LIST, Action::Cancel).unwrap().key, Some("ctrl-o"));
    assert_eq!(keymap.of(LOG, Action::Cancel).unwrap().key, Some("x"));
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_rest_counts() {
    let text = "bind:\n  log:\n    ctrl-g: folow\n    ctrl-e: wrap\n  lod: { x: skip }\n  verbs:\n    f5: retry\n    alt-x: cancel\n    ctrl-o: pause\n";
    let found = problems(text);
    let slugs: Vec<_> = found.iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(slugs, [("unknown-action", 3), ("unknown-place", 5), ("bad-key", 7), ("bad-key", 8)]);
    assert_eq!((&*found[0].2, &*found[0].3), ("there is no action `folow`", "did you mean `follow`?"));
    assert_eq!(found[1].3, "did you mean `log`?");
    let reading = of(text);
    assert!(reading.is_broken());
    assert_eq!(reading.keymap.find(LOG, "ctrl-e"), Some(Action::Wrap));
    assert_eq!(reading.keymap.find(LOG, "ctrl-o"), Some(Action::Pause));
    let source = Source::new("/home/ann/.config/sortie/keymap.yaml", text);
    let line = told(&source, &reading.found);
    assert_eq!(line.as_deref(), Some("keymap.yaml:3:13: there is no action `folow`; and 3 more errors"));
}

#[test]
fn a_file_that_is_no_yaml_changes_nothing_and_says_so() {
    for text in ["bind: {", "bind:\n\tlog: {}\n", "bind: [a\n"] {
        let reading = of(text);
        assert!(reading.is_broken(), "{text}");
        assert_eq!(reading.keymap, Keymap::default(), "{text}");
    }
    let found = problems("bind:\n  any:\n    !: next-problem\n");
    assert!(found.iter().any(|it| it.3.contains("stands in quotes")), "{found:#?}");
    for text in [
        "- a\n",
        "bind: hello\n",
        "bind: { log: [a] }\n",
        "bind: { log: { x: [wrap] } }\n",
        "bnid: {}\n",
        "log: { e: wrap }\n",
    ] {
        assert_eq!(problem(text).0, "bad-keymap", "{text}");
    }
    assert!(problem("preset: vim\n").3.contains("there are none"));
    assert!(problem("log: { e: wrap }\n").3.contains("below `bind`"));
}

#[test]
fn an_action_stands_where_it_means_something() {
    let (slug, _, message, help) = problem("bind: { list: { ctrl-o: transpose } }");
    assert_eq!(
        (slug, &*message, &*help),
        ("unknown-action", "`transpose` does nothing in `list`", "it belongs to `matrix`")
    );
    assert_eq!(problem("bind: { launcher: { ctrl-o: pause } }").0, "unknown-action");
    assert_eq!(
        problem("bind: { verbs: { ctrl-o: down } }").3,
        "it belongs to `list`, `log`, `matrix` and `launcher`"
    );
}

#[test]
fn a_key_is_bound_once_however_it_is_written() {
    let (slug, line, _, help) = problem("bind:\n  log:\n    ctrl-g: follow\n    C-G: wrap\n");
    assert_eq!((slug, line, &*help), ("key-twice", 4, "keep one of the two; the first one counts"));
    assert_eq!(
        of("bind:\n  log:\n    ctrl-g: follow\n    C-G: wrap\n").keymap.find(LOG, "ctrl-g"),
        Some(Action::Follow)
    );
    let found = problems("bind:\n  log:\n    tab: next-cell\n    ctrl-i: wrap\n");
    assert_eq!(
        found.iter().map(|it| (it.0, it.1)).collect::<Vec<_>>(),
        [("key-hidden", 3), ("key-twice", 4)]
    );
    assert!(found[1].3.contains("is `tab` to a terminal"), "{found:#?}");
    assert_eq!(problem("bind:\n  log:\n    w: time\n    w: follow\n").0, "duplicate-key");
}

#[test]
fn the_ways_out_are_never_lost() {
    for key in ["ctrl-c", "esc", "C-c", "escape", "\"ctrl-[\"", "ctrl-3"] {
        for action in ["quit", "pause", "null"] {
            let (slug, _, message, _) = problem(&format!("bind: {{ any: {{ {key}: {action} }} }}"));
            assert_eq!(slug, "bad-key", "{key}");
            assert!(message.contains("cannot be bound: it always"), "{message}");
        }
    }
    let found = problems("bind:\n  any: { q: null }\n");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].0, &*found[0].3), ("lost-action", "the list of commands has it: :"));
    assert_eq!(found[0].2, "no key is `quit` in `list`, `log` and `matrix` any more");
    let found = problems("bind:\n  launcher: { \"?\": null }\n");
    assert_eq!((found[0].0, &*found[0].3), ("lost-action", "`sortie keys` lists all keys"));
    // Without any key, the list of commands keeps one, wherever it was taken.
    for text in [
        "bind: { any: { \":\": null, ctrl-p: null } }",
        "bind: { any: { \":\": zoom, ctrl-p: null } }",
        "bind: { any: { ctrl-p: null }, log: { \":\": find } }",
        "bind: { any: { ctrl-p: null }, verbs: { \":\": pause } }",
    ] {
        let reading = of(text);
        assert!(
            reading.found.iter().any(|it| it.slug == "lost-action" && it.severity == Severity::Error),
            "{text}"
        );
        for place in Place::PANES {
            assert_eq!(reading.keymap.find(place.looked_up(), ":"), Some(Action::Palette), "{text}");
        }
    }
    assert!(problems("bind: { any: { ctrl-p: null, ctrl-o: palette, \":\": null } }").is_empty());
}

#[test]
fn whoever_goes_first_is_said_where_two_places_have_one_key() {
    let (slug, _, message, _) = problem("bind: { any: { j: detach } }");
    assert_eq!(
        (slug, &*message),
        (
            "key-hidden",
            "`j` is `down` in `list`, `down` in `log` and `down` in `matrix`, where it stays that"
        )
    );
    assert_eq!(of("bind: { any: { j: detach } }").keymap.find(LOG, "j"), Some(Action::Down));
    // Below `any`, what is bound in the panes stays as well.
    let (slug, _, message, _) = problem("bind: { any: { b: down } }");
    assert_eq!((slug, &*message), ("key-hidden", "`b` is `page-up` in `log`, where it stays that"));
    let (slug, _, message, help) = problem("bind: { log: { p: previous-cell } }");
    assert_eq!((slug, &*message), ("key-hidden", "in `log`, `p` is `pause` of `verbs` no more"));
    assert_eq!(help, "bind another key to `pause`, or say `verbs: { p: null }`");
    let reading = of("bind: { log: { p: previous-cell } }");
    assert!(!reading.is_broken());
    assert_eq!(
        (reading.keymap.find(LOG, "p"), reading.keymap.find(LIST, "p")),
        (Some(Action::PreviousCell), Some(Action::Pause))
    );
    assert_eq!(
        reading.keymap.of(LOG, Action::Pause).unwrap().key,
        None,
        "the key line must not show what is hidden"
    );
    assert!(problems("bind: { log: { p: previous-cell }, verbs: { p: null, ctrl-o: pause } }").is_empty());
    // What is bound there by a line of its own is nobody's mistake.
    assert!(problems("bind: { any: { ctrl-t: next-theme }, launcher: { ctrl-t: zoom } }").is_empty());
}

#[test]
fn what_does_nothing_and_what_may_not_arrive_is_said() {
    let (slug, _, message, help) = problem("bind: { log: { p: null } }");
    assert_eq!(
        (slug, &*message),
        ("key-unused", "`p` does nothing in `log`, so there is nothing to take away")
    );
    assert_eq!(help, "it is `pause` in `verbs`");
    assert_eq!(problem("bind: { log: { ctrl-e: null } }").3, "remove the line");
    assert_eq!(problem("bind: { log: { ctrl-s: follow } }").0, "risky-key");
    assert_eq!(
        problem("bind: { log: { ctrl-5: follow } }").2,
        "`ctrl-5` is `ctrl-]` to a terminal, so this is about `ctrl-]`"
    );
}

#[test]
fn whatever_is_written_leaves_a_keymap_that_can_be_left() {
    use proptest::prelude::*;
    let keys: Vec<&str> = TABLE
        .iter()
        .flat_map(|it| it.keys)
        .copied()
        .chain(["ctrl-g", "ctrl-i", "F5", "é", "ctrl-t"])
        .collect();
    let actions: Vec<&str> = ACTIONS.iter().map(|(_, name)| *name).chain(["null", "nothing"]).collect();
    let line = (0..6usize, prop::sample::select(keys), prop::sample::select(actions));
    proptest!(ProptestConfig::with_cases(400), |(lines in prop::collection::vec(line, 0..40))| {
        let mut text = "bind:\n".to_owned();
        for (at, place) in Place::ALL.iter().enumerate() {
            text.push_str(&format!("  {}:\n", place.name()));
            for (_, key, action) in lines.iter().filter(|it| it.0 == at) {
                text.push_str(&format!("    {}: {action}\n", serde_json::to_string(key).unwrap()));
            }
        }
        let keymap = of(&text).keymap;
        for place in Place::ALL {
            let mut seen: Vec<&str> = Vec::new();
            for key in keymap.at(place).flat_map(|it| &it.keys) {
                prop_assert!(!seen.contains(&&**key), "{} twice in {}\n{}", key, place.name(), text);
                seen.push(key);
            }
        }
        for place in Place::PANES {
            prop_assert!(keymap.keys(place.looked_up(), Action::Palette).next().is_some(), "{}", text);
            prop_assert_eq!(keymap.find(place.looked_up(), "ctrl-c"), Some(Action::Interrupt));
            prop_assert_eq!(keymap.find(place.looked_up(), "esc"), Some(Action::Back));
            for bound in place.looked_up().iter().flat_map(|it| keymap.at(*it)) {
                if let Some(key) = keymap.of(place.looked_up(), bound.action).and_then(|it| it.key) {
                    prop_assert_eq!(keymap.find(place.looked_up(), key), Some(bound.action));
                }
            }
        }
        prop_assert_eq!(keymap.find(&[Place::Launcher], "ctrl-c"), Some(Action::Quit));
    });
}

#[test]
fn each_page_has_an_example_of_what_it_is_about() {
    let pages = [
        ("bad-keymap", include_str!("../../../assets/explain/bad-keymap.md")),
        ("unknown-place", include_str!("../../../assets/explain/unknown-place.md")),
        ("unknown-action", include_str!("../../../assets/explain/unknown-action.md")),
        ("bad-key", include_str!("../../../assets/explain/bad-key.md")),
        ("key-twice", include_str!("../../../assets/explain/key-twice.md")),
        ("key-hidden", include_str!("../../../assets/explain/key-hidden.md")),
        ("key-unused", include_str!("../../../assets/explain/key-unused.md")),
        ("risky-key", include_str!("../../../assets/explain/risky-key.md")),
        ("lost-action", include_str!("../../../assets/explain/lost-action.md")),
    ];
    for (slug, page) in pages {
        let example =
            page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
        assert_eq!(problem(example).0, slug, "{example}");
    }
}

#[test]
fn the_schema_takes_each_spelling_of_a_key_that_the_reader_takes() {
    let held = key::HELD.iter().flat_map(|(_, starts)| *starts).copied().chain([""]);
    let signs = (' '..='~').map(String::from);
    let named = key::NAMED.iter().flat_map(|(name, others)| std::iter::once(name).chain(*others));
    let more = [
        "f1", "F12", "f", "é", "É", "ß", "中", "🦀", "\u{a0}", "\t", "\u{7f}", "", "Space", "ESC", "ab", "s",
    ];
    let ends: Vec<String> =
        signs.chain(named.map(ToString::to_string)).chain(more.map(ToOwned::to_owned)).collect();
    let mut taken = 0;
    for start in held {
        for name in
            ends.iter().flat_map(|end| [format!("{start}{end}"), format!("{start}{end}").to_uppercase()])
        {
            let quoted = serde_json::to_string(&name).unwrap();
            taken += usize::from(!of(&format!("bind: {{ log: {{ {quoted}: wrap }} }}")).is_broken());
        }
    }
    assert!(taken > 1000, "{taken}");
}

#[test]
fn the_schema_judges_what_documents_and_tests_show() {
    let texts = [
        include_str!("../../../assets/guide/settings.md"),
        include_str!("../../../README.md"),
        include_str!("../../../tests/it/keys.rs"),
    ];
    let mut count = 0;
    for text in texts {
        // Strings of Rust end in a quote, examples in a fence or a backtick.
        for (at, _) in text.match_indices("bind:") {
            let rest = &text[at..];
            let end = rest.find(['`', '"']).unwrap_or(rest.len());
            let end = if rest.contains("\n    \"!\"") { rest.find("```").unwrap_or(end) } else { end };
            let shown = rest[..end].replace("\\n", "\n");
            assert!(parsed(shown.as_bytes()).is_some() || shown == "bind: {\n", "{shown}");
            of(&shown);
            count += 1;
        }
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn the_schema_says_of_each_key_what_it_does() {
    let schema = schema::keymap();
    let places = &schema["properties"]["bind"]["properties"];
    let about = |place: &str, key: &str| places[place]["properties"][key]["description"].clone();
    assert_eq!(about("log", "w"), "By default `wrap` (wrap: long lines, or cut them).");
    assert_eq!(about("log", "z"), "By default `zoom` of `any` (zoom: the pane, or all panes again).");
    assert_eq!(about("log", "ctrl-o"), "Free by default.");
    for (key, why) in
        [("ctrl-c", "always interrupts"), ("ctrl-m", "is enter"), ("ctrl-b", "may never arrive")]
    {
        assert!(about("log", key).is_null(), "{key} {why}");
    }
    for binding in TABLE.iter().filter(|it| it.action != Action::Back && it.action != Action::Interrupt) {
        let place = binding.place.name();
        let key = binding.keys[0];
        assert!(about(place, key).as_str().unwrap().contains(binding.word), "{place} {key}");
        let actions = schema["definitions"][place]["enum"].as_array().unwrap();
        assert!(actions.contains(&binding.action.name().into()), "{place} {key}");
    }
    let log = &schema["definitions"]["log"];
    assert_eq!(log["enum"].as_array().unwrap().len(), log["enumDescriptions"].as_array().unwrap().len());
}
