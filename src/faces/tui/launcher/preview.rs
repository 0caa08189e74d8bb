//! What the preview says: of a playbook all that is worth knowing before it runs, of a broken one what is wrong.
//!
//! Pure. Not here: drawing rows (`draw.rs`).

use std::collections::BTreeMap;

use super::book::{Book, Broken, Cells, Content, Good};
use super::form::plain;
use super::lines::{Row, add};
use super::profile::effect;
use crate::faces::report::{self, Look as Report};
use crate::faces::tui::theme::Token;
use crate::logic::playbook::model::{Comparison, Input, InputKind, Playbook, SecretFrom, Tool};
use crate::logic::text::wrap::wrapped;
use crate::logic::text::{listed, plural, shortened};

/// Returns the rows for a pane of so many columns.
#[must_use]
pub(super) fn rows(book: &Book, width: usize, ascii: bool) -> Vec<Row> {
    match &book.content {
        Content::Unread => vec![Row::bare("reading", Token::Muted)],
        Content::Unreadable(why) => {
            wrapped(why, width).into_iter().map(|text| Row::bare(text, Token::Error)).collect()
        }
        Content::Broken(broken) => diagnostics(broken, width, ascii),
        Content::Good(good) => described(good, width),
    }
}

/// Returns what stands in the title: what it is, and how it is with it.
#[must_use]
pub(super) fn title(book: &Book) -> (String, String) {
    match &book.content {
        Content::Unread | Content::Unreadable(_) => (book.name.clone(), String::new()),
        Content::Broken(broken) => (broken.source.name.to_string(), plural(broken.errors(), "error")),
        Content::Good(good) if good.warnings > 0 => (good.file.clone(), plural(good.warnings, "warning")),
        Content::Good(good) => (good.file.clone(), "valid".to_owned()),
    }
}

/// The diagnostics as the command line draws them.
fn diagnostics(broken: &Broken, width: usize, ascii: bool) -> Vec<Row> {
    let look = Report { is_coloured: false, width: width.max(40) };
    let drawn = report::draw(&[(&broken.source, &broken.diagnostics)], look);
    let mut rows = Vec::new();
    for line in drawn.lines() {
        let token = match line {
            line if line.starts_with("error") => Token::Error,
            line if line.starts_with("warning") => Token::Warning,
            line => {
                // Part of a drawing, which would fall apart if it were broken.
                rows.push(Row::bare(if ascii { in_ascii(line) } else { line.to_owned() }, Token::Text));
                continue;
            }
        };
        rows.extend(wrapped(line, width).into_iter().map(|text| Row::bare(text, token)));
    }
    rows
}

/// Returns a drawing with the signs that every terminal has.
fn in_ascii(line: &str) -> String {
    let sign = |c: char| match c {
        '│' | '┃' | '╎' | '┆' => '|',
        '─' | '╌' => '-',
        // The marks below what is wrong.
        '━' => '^',
        '╭' | '╮' | '╰' | '╯' | '├' | '┤' | '┬' | '┴' | '┼' | '┌' | '┐' | '└' | '┘' => {
            '+'
        }
        '…' => '.',
        '▸' | '►' | '⸬' => '>',
        c => c,
    };
    line.chars().map(sign).collect()
}

fn described(good: &Good, width: usize) -> Vec<Row> {
    let playbook = &good.playbook;
    let mut rows = Vec::new();
    for text in wrapped(&playbook.name, width) {
        rows.push(Row::bare(text, Token::Title));
    }
    if let Some(description) = &playbook.description {
        for text in wrapped(description.trim(), width) {
            rows.push(Row::bare(text, Token::Text));
        }
    }
    rows.push(Row::bare("", Token::Text));
    for (at, input) in playbook.inputs.iter().enumerate() {
        add(&mut rows, if at == 0 { "inputs" } else { "" }, &input_words(input), Token::Text, width);
        if let Some(about) = &input.description {
            add(&mut rows, "", &format!("  {}", shortened(about.trim(), 200)), Token::Muted, width);
        }
    }
    for (at, profile) in playbook.profiles.iter().enumerate() {
        let words = format!("{}  {}", profile.name, effect(profile));
        add(&mut rows, if at == 0 { "profiles" } else { "" }, &words, Token::Text, width);
        if let Some(about) = &profile.description {
            add(&mut rows, "", &format!("  {}", shortened(about.trim(), 200)), Token::Muted, width);
        }
    }
    for (at, secret) in playbook.secrets.iter().enumerate() {
        let from = match &secret.from {
            SecretFrom::Env(name) if **name == *secret.name => "from the environment".to_owned(),
            SecretFrom::Env(name) => format!("from the variable {name}"),
            SecretFrom::File(path) => format!("from the file {path}"),
            SecretFrom::Command(command) => format!("from the command {}", shortened(command, 60)),
        };
        let need = if secret.required { "" } else { ", optional" };
        let words = format!("{}  {from}{need}", secret.name);
        add(&mut rows, if at == 0 { "secrets" } else { "" }, &words, Token::Text, width);
    }
    for (at, words) in requirements(playbook).iter().enumerate() {
        add(&mut rows, if at == 0 { "requires" } else { "" }, words, Token::Text, width);
    }
    add(&mut rows, "stages", &flow(good), Token::Text, width);
    for (at, stage) in playbook.stages.iter().enumerate().filter(|(_, stage)| !stage.needs.is_empty()) {
        let needs: Vec<&str> = stage.needs.iter().map(|&need| &*playbook.stages[need].id).collect();
        let words = format!("{} needs {}", label(good, at), listed(&needs, "and"));
        add(&mut rows, "", &words, Token::Muted, width);
    }
    let last: Vec<String> = (0..playbook.stages.len())
        .filter(|&at| playbook.stages[at].is_final)
        .map(|at| label(good, at))
        .collect();
    if !last.is_empty() {
        add(&mut rows, "finally", &last.join(", "), Token::Text, width);
    }
    if !playbook.tags.is_empty() {
        add(&mut rows, "tags", &playbook.tags.join(", "), Token::Muted, width);
    }
    rows
}

/// Returns `env = staging|prod   default staging`.
fn input_words(input: &Input) -> String {
    let kind = match &input.kind {
        InputKind::String { pattern: Some(pattern) } => format!("text matching {pattern}"),
        InputKind::String { pattern: None } => "text".to_owned(),
        InputKind::Number => "number".to_owned(),
        InputKind::Boolean => "yes or no".to_owned(),
        InputKind::Json => "JSON".to_owned(),
        InputKind::Choice { options } => listed(options, "or"),
    };
    let default = match &input.default {
        Some(value) if matches!(input.kind, InputKind::Boolean) => {
            format!(", default {}", if plain(value) == "true" { "yes" } else { "no" })
        }
        Some(value) if plain(value).is_empty() => ", default empty".to_owned(),
        Some(value) => format!(", default {}", shortened(&plain(value), 60)),
        None if input.required => ", required".to_owned(),
        None => String::new(),
    };
    format!("{}  {kind}{default}", input.name)
}

fn requirements(playbook: &Playbook) -> Vec<String> {
    let requires = &playbook.requires;
    let tools: Vec<String> = requires.tools.iter().map(tool).collect();
    let platforms: Vec<&str> = requires.platforms.iter().map(|(name, _)| &**name).collect();
    let env: Vec<&str> = requires.env.iter().map(|(name, _)| &**name).collect();
    let mut words = Vec::new();
    if !tools.is_empty() {
        words.push(tools.join(", "));
    }
    if !platforms.is_empty() {
        words.push(format!("the platform {}", listed(&platforms, "or")));
    }
    if !env.is_empty() {
        words.push(format!(
            "the {} {}",
            if env.len() == 1 { "variable" } else { "variables" },
            listed(&env, "and")
        ));
    }
    words
}

fn tool(tool: &Tool) -> String {
    let Some((comparison, version)) = &tool.version else { return tool.name.clone() };
    let sign = match comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Greater => ">",
    };
    format!("{} {sign} {version}", tool.name)
}

/// Returns the stages in the order of what they need: `checkout > lint, test(6) > deploy`. Those of one place need
/// nothing of each other.
#[must_use]
pub(super) fn flow(good: &Good) -> String {
    let stages = &good.playbook.stages;
    let mut depth: Vec<usize> = vec![0; stages.len()];
    // Needs may stand behind what needs them; the longest way is at most as long as there are stages.
    for _ in 0..stages.len() {
        let mut is_settled = true;
        for (at, stage) in stages.iter().enumerate() {
            let least = stage.needs.iter().map(|&need| depth[need] + 1).max().unwrap_or(0);
            if least > depth[at] && least <= stages.len() {
                depth[at] = least;
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    let mut levels: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (at, _) in stages.iter().enumerate().filter(|(_, stage)| !stage.is_final) {
        levels.entry(depth[at]).or_default().push(label(good, at));
    }
    levels.values().map(|names| names.join(", ")).collect::<Vec<_>>().join(" > ")
}

/// Returns the name of a stage with the number of its cells: `test(6)`, `test(?)` if that comes to light later.
fn label(good: &Good, at: usize) -> String {
    let id = &good.playbook.stages[at].id;
    match good.cells.get(at) {
        Some(Cells::Known(count)) => format!("{id}({count})"),
        Some(Cells::Later) => format!("{id}(?)"),
        Some(Cells::One) | None => id.to_string(),
    }
}
