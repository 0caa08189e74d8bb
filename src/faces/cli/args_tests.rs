//! The grammar: it holds together, aliases and bare words work, the usual tasks cost few keys.

use clap::{CommandFactory, Parser};

use super::{Cli, Command, JobsCommand, PlaybooksCommand, Ui, Values};

fn parse(words: &str) -> Command {
    Cli::try_parse_from(std::iter::once("sortie").chain(words.split_whitespace()))
        .unwrap_or_else(|error| panic!("{words}: {error}"))
        .command
        .unwrap()
}

#[test]
fn the_grammar_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_help_with_examples() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        assert!(command.get_about().is_some(), "{path} says nothing about itself");
        let is_leaf = command.get_subcommands().next().is_none();
        if is_leaf {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Examples:") && after.contains("sortie "), "{path} has no examples");
        }
        command.get_subcommands().for_each(|inner| check(inner, &path));
    }
    check(&Cli::command(), "");
}

#[test]
fn the_usual_tasks_cost_at_most_four_keys_after_the_name_and_a_blank() {
    type Meant = fn(&Command) -> bool;
    let tasks: [(&str, &str, Meant); 5] = [
        (
            "run the last playbook again",
            "r",
            |it| matches!(it, Command::Run(args) if args.playbook.is_none()),
        ),
        ("watch the last job", "w", |it| matches!(it, Command::Watch(args) if args.job == "last")),
        ("list the jobs", "j", |it| matches!(it, Command::Jobs { command: None })),
        ("the last log", "l", |it| matches!(it, Command::Logs(args) if args.job.is_none())),
        ("check the project", "c", |it| matches!(it, Command::Check(args) if args.playbooks.is_empty())),
    ];
    for (task, words, is_it) in tasks {
        eprintln!("{} of 4 keys: sortie {words:4}  {task}", words.len());
        assert!(words.len() <= 4, "{task}");
        assert!(is_it(&parse(words)), "{task}: {words}");
    }
}

#[test]
fn aliases_and_bare_words_mean_what_they_say() {
    assert!(
        matches!(parse("j status 214"), Command::Jobs { command: Some(JobsCommand::Show(args)) } if args.job == "214")
    );
    assert!(
        matches!(parse("jobs show"), Command::Jobs { command: Some(JobsCommand::Show(args)) } if args.job == "last")
    );
    assert!(matches!(parse("playbooks"), Command::Playbooks { command: None }));
    assert!(matches!(
        parse("playbooks show ci"),
        Command::Playbooks { command: Some(PlaybooksCommand::Show { playbook, .. }) } if playbook == "ci"
    ));
    assert!(matches!(parse("l 3 build[os=linux]/2 --raw"), Command::Logs(args)
        if args.raw && args.address.as_deref() == Some("build[os=linux]/2")));
}

#[test]
fn run_takes_its_request() {
    let Command::Run(args) = parse(
        "run ci --ui json -i a=1 --input b=x=y --var c=2 --only build --only test[os=linux] --from build --skip docs \
         --matrix os=linux,mac --max-parallel 3 --verbose --heartbeat 90s",
    ) else {
        panic!("not run")
    };
    let pairs = |list: &[(String, String)]| {
        list.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(args.ui, Some(Ui::Json));
    assert_eq!(pairs(&args.request.inputs), "a=1 b=x=y");
    assert_eq!(pairs(&args.request.vars), "c=2");
    assert_eq!(args.request.only, ["build", "test[os=linux]"]);
    assert_eq!(args.request.matrix, [("os".to_owned(), Values(vec!["linux".to_owned(), "mac".to_owned()]))]);
    assert_eq!((args.request.max_parallel, args.verbose), (Some(3), true));
    assert_eq!(args.heartbeat.map(|time| time.as_secs()), Some(90));
}

#[test]
fn wrong_arguments_are_refused() {
    for words in [
        "run --input a",
        "run --matrix os=",
        "run --max-parallel 0",
        "run --heartbeat 30",
        "run --quiet --verbose",
        "l --raw --json",
        "jobs retry 1 a --all",
        "jobs skip 1",
        "nothing",
    ] {
        let words = std::iter::once("sortie").chain(words.split_whitespace());
        assert!(Cli::try_parse_from(words.clone()).is_err(), "{:?}", words.collect::<Vec<_>>());
    }
}

#[test]
fn no_line_of_the_help_is_torn_by_the_widest_page() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in after.lines() {
            assert!(line.chars().count() <= 100, "{path}: {line}");
        }
        command.get_subcommands().for_each(|inner| check(inner, &path));
    }
    check(&Cli::command(), "");
}
