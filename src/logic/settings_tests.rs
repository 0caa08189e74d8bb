//! Layers of settings: every setting at every level, and what is refused.

use super::{Given, Origin, Settings, TABLE, from_environment, from_file, variable};
use crate::logic::playbook::source::Source;

/// Fitting values for a setting, one for each layer.
fn samples(key: &str) -> [&'static str; 4] {
    match key {
        "run.ui" => ["json", "plain", "json", "plain"],
        "run.max-parallel" => ["1", "2", "3", "4"],
        "run.on-loss" => ["stop", "keep", "auto", "keep"],
        "ui.color" => ["always", "never", "auto", "always"],
        "ui.ascii" => ["true", "false", "true", "false"],
        "ui.heartbeat" => ["1s", "2s", "3s", "4s"],
        "ui.theme" => ["night", "themes/ours.yml", "day", "mono"],
        "ui.motion" => ["reduced", "full", "none", "full"],
        "gates.claims" => ["true", "false", "true", "false"],
        "groups" => ["ops=ann,ben", "ops=ann dev=zoe,cat", "dev=zoe", "ops=cat"],
        "engine.jobs" | "engine.slots" | "jobs.keep" => ["1", "2", "3", "4"],
        "jobs.keep-for" => ["1d", "2d", "3d", "4d"],
        "jobs.keep-size" => ["1GiB", "2GiB", "3MiB", "4096"],
        "resources" => ["gpu=1", "cpu=0.5 memory=1GiB", "cpu=2 gpu=2", "memory=512MiB"],
        "services.engine" => ["docker", "podman", "auto", "docker"],
        "cache.trust" => ["shared", "untrusted", "own", "shared"],
        "scripts.folders" => ["a", "b/c", "tools", "d-e"],
        "store.dir" => ["/a", "/b", "/c", "/d"],
        other => panic!("no samples for {other}"),
    }
}

fn file(name: &str, key: &str, value: &str) -> Vec<Given> {
    let text = match key.split_once('.') {
        Some((section, key)) => format!("# settings\n{section}:\n  {key}: {value}\n"),
        None => {
            let (open, close) = if key == "groups" { (": [", "]") } else { (": ", "") };
            let groups = value.split(' ').map(|group| group.replacen('=', open, 1) + close);
            format!("# settings\n\n{key}: {{ {} }}\n", groups.collect::<Vec<_>>().join(", "))
        }
    };
    let (given, found) = from_file(&Source::new(name, text));
    assert!(found.is_empty(), "{found:?}");
    given
}

#[test]
fn every_setting_can_be_overridden_at_each_level() {
    for setting in TABLE {
        let [user, project, environment, flag] = samples(setting.key);
        let layers = [
            file("user.yml", setting.key, user),
            file("sortie.yml", setting.key, project),
            from_environment(&[(variable(setting), environment.to_owned())]).unwrap(),
            vec![Given { key: setting.key, value: flag.to_owned(), origin: Origin::Flag(setting.flag) }],
        ];
        let expected = [
            (setting.default, "built in".to_owned()),
            (user, "user.yml:3".to_owned()),
            (project, "sortie.yml:3".to_owned()),
            (environment, variable(setting)),
            (flag, setting.flag.to_owned()),
        ];
        let shown: Vec<String> =
            expected.iter().map(|(value, origin)| format!("{value} ({origin})")).collect();
        eprintln!("{}: {}", setting.key, shown.join(" < "));
        for level in 0..=4 {
            let settings = Settings::resolve(&layers[..level]);
            let row = settings.get(setting.key).unwrap();
            assert_eq!(
                (row.value.as_str(), row.origin.to_string()),
                expected[level],
                "{} at level {level}",
                setting.key
            );
            let overrode: Vec<(&str, String)> =
                row.overrode.iter().map(|(v, o)| (v.as_str(), o.to_string())).collect();
            let weaker: Vec<(&str, String)> = expected[..level].iter().rev().cloned().collect();
            assert_eq!(overrode, weaker, "{} at level {level}", setting.key);
        }
    }
}

#[test]
fn wrong_files_are_told_with_their_places() {
    let text =
        "run:\n  ui: fancy\n  max_parallel: 4\n  max-parallel: 0\nuii:\n  color: auto\nui: dark\nx-mine: 1\n";
    let source = Source::new("sortie.yml", text);
    let (given, found) = from_file(&source);
    assert_eq!(given, []);
    let told: Vec<String> = found
        .iter()
        .map(|d| {
            let place = source.place(d.span.start);
            format!("{}:{} {} {}", place.line, place.column, d.slug, d.message)
        })
        .collect();
    assert_eq!(
        told,
        [
            "2:7 bad-setting the setting `run.ui` takes `auto`, `full`, `inline`, `plain` or `json`, found `fancy`",
            "3:3 unknown-setting there is no setting `run.max_parallel`",
            "4:17 bad-setting the setting `run.max-parallel` takes a whole number from 1, found `0`",
            "5:1 unknown-setting no section of the settings has the name `uii`",
            "7:5 bad-setting the section `ui` holds keys with values",
        ]
    );
    assert_eq!(found[1].help.as_deref(), Some("did you mean `run.max-parallel`?"));
}

#[test]
fn an_empty_file_sets_nothing() {
    assert_eq!(from_file(&Source::new("sortie.yml", "\n# nothing yet\n")), (vec![], vec![]));
}

#[test]
fn only_variables_with_the_prefix_are_settings() {
    let variables = |pairs: &[(&str, &str)]| {
        from_environment(&pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
    };
    assert_eq!(variables(&[("SORTIE_OUTPUT", "x"), ("HOME", "/")]), Ok(vec![]));
    assert_eq!(
        variables(&[("SORTIE_SET_RUN_UX", "plain"), ("SORTIE_SET_UI_ASCII", "yes")]),
        Err(vec![
            "the variable `SORTIE_SET_RUN_UX` names no setting; did you mean `SORTIE_SET_RUN_UI`?".to_owned(),
            "the variable `SORTIE_SET_UI_ASCII` takes `true` or `false`, found `yes`".to_owned(),
        ])
    );
}

#[test]
fn less_motion_can_be_asked_for_by_the_environment_but_a_setting_is_stronger() {
    let unset = Settings::resolve(&[]);
    let set = Settings::resolve(&[file("user.yml", "ui.motion", "full")]);
    assert_eq!(
        (unset.motion(None), unset.motion(Some("")), unset.motion(Some("0"))),
        ("full", "full", "full")
    );
    assert_eq!((unset.motion(Some("1")), set.motion(Some("1"))), ("reduced", "full"));
}

#[test]
fn groups_have_people() {
    let given = |text: &str| from_file(&Source::new("sortie.yml", text.to_owned()));
    let (layer, found) = given("groups:\n  ops: [ann, ben]\n  dev: zoe\n");
    assert!(found.is_empty(), "{found:?}");
    let groups = Settings::resolve(&[layer]).groups();
    assert_eq!(groups["ops"], ["ann", "ben"]);
    assert_eq!(groups["dev"], ["zoe"]);
    for wrong in ["groups: ops", "groups: {ops: []}", "groups: {ops: ['a b']}", "groups: {ops: {ann: 1}}"] {
        let (layer, found) = given(wrong);
        assert!(layer.is_empty() && found[0].slug == "bad-setting", "{wrong}: {found:?}");
    }
    let broken = from_environment(&[("SORTIE_SET_GROUPS".to_owned(), "ops".to_owned())]);
    assert!(broken.is_err_and(|it| it[0].contains("`ops=ann,ben dev=zoe`")), "the form is told");
}
