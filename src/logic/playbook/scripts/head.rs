//! What a script says of itself: by its name, by whether it can be executed, and by its first lines.

use super::{Parameter, Script};

/// So many bytes of a script are looked at.
pub const HEAD: usize = 8 * 1024;

/// `# Stage:` stands in so many lines, `# Tags:` and `# Parameters:` in so many.
const LINES: (usize, usize) = (10, 20);

/// Returns the script that a file is, if it is one: four digits and `_`, and something that starts it. `head` are its first
/// bytes.
#[must_use]
pub fn script(path: &str, is_executable: bool, head: &[u8]) -> Option<Script> {
    let file = path.rsplit('/').next()?;
    let (digits, rest) = file.split_at_checked(4)?;
    if !digits.bytes().all(|it| it.is_ascii_digit()) || !rest.starts_with('_') || rest.len() < 2 {
        return None;
    }
    let extension = file.rsplit_once('.').map(|(_, it)| it.to_ascii_lowercase()).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches('\u{feff}');
    let by = by(&extension, is_executable, head)?;
    let is_powershell = extension == "ps1";
    let word = |name: &str, lines: usize| head.lines().take(lines).find_map(|line| said(line, name));
    let listed = |text: &str| -> Vec<String> {
        text.split([',', ' ', '\t', ';']).filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    let declared = ["Parameters", "Params"].iter().find_map(|name| word(name, LINES.1));
    let parameters = match declared {
        Some(text) => listed(text).iter().filter_map(|it| parameter(it)).collect(),
        None if is_powershell => parameters_of_powershell(head),
        None => Vec::new(),
    };
    Some(Script {
        number: digits.parse().ok()?,
        path: path.to_owned(),
        by,
        stage: word("Stage", LINES.0).map(str::to_owned).filter(|it| !it.is_empty()),
        tags: ["Tags", "Tag"].iter().find_map(|name| word(name, LINES.1)).map(listed).unwrap_or_default(),
        parameters,
    })
}

/// Returns what starts a script; none if nothing does.
fn by(extension: &str, is_executable: bool, head: &str) -> Option<Vec<String>> {
    let words = |all: &[&str]| Some(all.iter().map(|it| (*it).to_owned()).collect());
    let line = head.strip_prefix("#!").and_then(|rest| rest.lines().next()).map(str::trim);
    let usual: Option<&[&str]> = match extension {
        "ps1" => Some(&["pwsh", "-NoProfile", "-NonInteractive", "-File"]),
        "sh" => Some(&["sh"]),
        "py" => Some(&["python3"]),
        _ => None,
    };
    match (extension, is_executable, line.filter(|it| !it.is_empty())) {
        // Its parameters are taken with `-File` only.
        ("ps1", _, _) => words(usual?),
        (_, true, Some(_)) => Some(Vec::new()),
        // The system starts nothing without such a line that is a text.
        (_, true, None) => {
            Some(usual.map(|it| it.iter().map(|it| (*it).to_owned()).collect()).unwrap_or_default())
        }
        (_, false, line) => {
            let usual = usual?;
            let Some(line) = line else { return words(usual) };
            let mut parts = line.split_whitespace();
            let program = parts.next().and_then(|it| it.rsplit('/').next()).unwrap_or_default();
            let rest: Vec<&str> = parts.filter(|it| program != "env" || *it != "-S").collect();
            let all: Vec<&str> = if program == "env" { rest } else { [&[program], &rest[..]].concat() };
            let is_plain = |it: &str| {
                !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || "._+-".contains(it))
            };
            if !all.is_empty() && all.iter().all(|it| is_plain(it)) { words(&all) } else { words(usual) }
        }
    }
}

/// Returns what a comment such as `# Stage: Core` says of something.
fn said<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let text = line.trim_start().trim_start_matches(['#', '/', ';', '-']).trim_start();
    let is_comment = text.len() < line.trim_start().len();
    let head = text.get(..name.len()).filter(|head| is_comment && head.eq_ignore_ascii_case(name))?;
    text[head.len()..].trim_start().strip_prefix(':').map(str::trim)
}

/// Reads a declared parameter: `profile`, or `dry-run?` for one without a value.
fn parameter(text: &str) -> Option<Parameter> {
    let name = text.trim_start_matches('-');
    let (name, is_switch) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
    let is_fit = !name.is_empty()
        && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '-' || it == '_')
        && name.starts_with(|it: char| it.is_ascii_alphabetic());
    is_fit.then(|| Parameter { name: name.to_owned(), is_switch })
}

/// Finds the names in the block `param(...)` of PowerShell: each `$Name` that stands at its own level.
fn parameters_of_powershell(head: &str) -> Vec<Parameter> {
    let lower = head.to_ascii_lowercase();
    let mut from = 0;
    let open = loop {
        let Some(at) = lower[from..].find("param").map(|at| at + from) else { return Vec::new() };
        let line = lower[..at].rsplit('\n').next().unwrap_or_default().trim();
        let rest = &head[at + "param".len()..];
        if line.is_empty() && rest.trim_start().starts_with('(') {
            break at + "param".len() + rest.len() - rest.trim_start().len();
        }
        from = at + "param".len();
    };
    let (mut depth, mut is_comment, mut quote) = (0_u32, false, None);
    let (mut found, mut piece) = (Vec::new(), String::new());
    for it in head[open..].chars() {
        match (is_comment, quote) {
            (true, _) => is_comment = it != '\n',
            (_, Some(mark)) => quote = (it != mark).then_some(mark),
            _ => match it {
                '#' => is_comment = true,
                '\'' | '"' => quote = Some(it),
                '(' | '[' | '{' => {
                    depth += 1;
                    piece.push(it);
                }
                ')' | ']' | '}' if depth == 1 => {
                    found.extend(of_piece(&piece));
                    break;
                }
                ')' | ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    piece.push(it);
                }
                ',' if depth == 1 => found.extend(of_piece(&std::mem::take(&mut piece))),
                _ => piece.push(it),
            },
        }
    }
    found
}

/// Reads one of them, such as `([string]$Profile = 'quick'`: the first `$Name` outside of brackets.
fn of_piece(piece: &str) -> Option<Parameter> {
    let mut depth = 0_i32;
    let piece = piece.trim_start().trim_start_matches('(');
    let at = piece.char_indices().find_map(|(at, it)| {
        match it {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '$' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    })?;
    let name: String =
        piece[at + 1..].chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect();
    let is_switch = piece[..at].to_ascii_lowercase().contains("[switch]");
    parameter(&name).map(|it| Parameter { is_switch, ..it })
}
