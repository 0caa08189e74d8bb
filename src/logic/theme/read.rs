//! Text of a theme to its styles, with every fault told in its place.
//!
//! Not here: YAML itself (`playbook/tree.rs`), where files are found (`engine/themes.rs`). Start with `read`: it reads
//! one file, then those that the file extends, and puts them on top of each other.

use super::color::{self, Color, Rgb};
use super::{Attributes, Background, DEFAULT, Style, Theme, Token, bundled};
use crate::logic::diag::Diagnostic;
use crate::logic::playbook::scalar::{self, Core};
use crate::logic::playbook::source::{Source, Span};
use crate::logic::playbook::tree::{self, Kind, NodeId, Tree};
use crate::logic::text::{listed_names, near_miss, shortened};

/// Most themes that are built on each other.
const LONGEST_CHAIN: usize = 8;

const KEYS: [&str; 5] = ["name", "extends", "background", "palette", "tokens"];
const STYLE_KEYS: [&str; 3] = ["fg", "bg", "attr"];

const A_STYLE: &str = "write for example `error: { fg: red, attr: [bold] }`";
const IN_QUOTES: &str = "`#` begins a comment in YAML, so a hex value stands in quotes: `\"#2a9d8f\"`";

/// The themes that a theme may extend, beside the bundled ones.
#[derive(Clone, Copy)]
pub struct Shelf<'a> {
    pub names: &'a [String],
    /// Returns the text of one, if there is one of that name.
    pub open: &'a dyn Fn(&str) -> Option<Source>,
}

/// What reading a theme gave.
#[derive(Debug)]
pub struct Reading {
    /// There only if there is no fault.
    pub theme: Option<Theme>,
    /// The files with faults, those that the theme extends included.
    pub faults: Vec<(Source, Vec<Diagnostic>)>,
}

/// Reads a theme and those that it extends.
#[must_use]
pub fn read(source: Source, shelf: &Shelf<'_>) -> Reading {
    let mut faults = Vec::new();
    let mut layers: Vec<Layer> = Vec::new();
    let mut names = vec![source.name.to_string()];
    let mut next = Some(source);
    while let Some(source) = next.take() {
        let (layer, mut found) = layer(&source);
        match parent(&layer, &source, shelf, &names) {
            Ok(parent) => next = parent,
            Err(problem) => found.push(*problem),
        }
        if !found.is_empty() {
            found.sort_by_key(|problem| problem.span);
            faults.push((source, found));
        }
        names.extend(next.iter().map(|source| source.name.to_string()));
        layers.push(layer);
    }
    let theme = faults.is_empty().then(|| stacked(&layers, &names[0]));
    Reading { theme, faults }
}

/// What one file states.
#[derive(Default)]
struct Layer {
    name: Option<String>,
    extends: Option<(String, Span)>,
    background: Option<Background>,
    tokens: Vec<(Token, Style)>,
}

/// Returns the theme on which this one is built. One that is being read already is looked for among the bundled ones,
/// so that a theme of one's own can be called `night` and extend `night`.
fn parent(
    layer: &Layer,
    source: &Source,
    shelf: &Shelf<'_>,
    names: &[String],
) -> Result<Option<Source>, Box<Diagnostic>> {
    let is_new = |found: &Source| !names.contains(&found.name.to_string());
    let Some((name, at)) = &layer.extends else {
        // The default stands below all others, itself excepted.
        return Ok(bundled::source(DEFAULT).filter(is_new));
    };
    let wrong = |message: String| Box::new(Diagnostic::error("unknown-theme", *at, message));
    let known = || (shelf.open)(name).into_iter().chain(bundled::source(name));
    match known().find(is_new) {
        Some(_) if names.len() >= LONGEST_CHAIN => {
            Err(wrong(format!("more than {LONGEST_CHAIN} themes are built on each other"))
                .help("extend one that extends fewer"))
        }
        Some(found) => Ok(Some(found)),
        None if known().next().is_some() => {
            let message = format!("the theme `{}` extends itself, by way of `{name}`", source.name);
            Err(wrong(message).help(format!("leave `extends` out, and it is built on `{DEFAULT}`")))
        }
        None => {
            let mut all: Vec<&str> = bundled::names().collect();
            all.extend(shelf.names.iter().map(String::as_str));
            let help = match near_miss(name, all.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", listed_names(&all, "and")),
            };
            Err(wrong(format!("there is no theme `{}`", shortened(name, 40))).help(help))
        }
    }
}

/// Anything boxed can have its way out added.
trait Help {
    fn help(self, help: impl Into<String>) -> Self;
}

impl Help for Box<Diagnostic> {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Puts layers on top of each other, the first being the uppermost. A token that no layer states looks like another.
fn stacked(layers: &[Layer], file: &str) -> Theme {
    let stated = |token: Token| {
        let of_token =
            |layer: &Layer| layer.tokens.iter().find(|(it, _)| *it == token).map(|(_, style)| *style);
        layers.iter().find_map(of_token)
    };
    let style = |token: Token| {
        let mut at = Some(token);
        while let Some(it) = at {
            if let Some(style) = stated(it) {
                return style;
            }
            at = it.like();
        }
        Style::default()
    };
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = stem.trim_end_matches(".yml").trim_end_matches(".yaml");
    Theme {
        name: layers.first().and_then(|layer| layer.name.clone()).unwrap_or_else(|| stem.to_owned()),
        background: layers.iter().find_map(|layer| layer.background).unwrap_or_default(),
        styles: Token::all().map(style).collect(),
    }
}

fn layer(source: &Source) -> (Layer, Vec<Diagnostic>) {
    let (tree, found) = tree::parse(source);
    let mut layer = Layer::default();
    let Some(tree) = tree else {
        let found = if found.is_empty() { vec![empty(Span::default())] } else { found };
        return (layer, found);
    };
    let mut reader = Reader { tree: &tree, source, found, palette: Vec::new() };
    reader.theme(&mut layer);
    (layer, reader.found)
}

fn empty(at: Span) -> Diagnostic {
    Diagnostic::error("bad-theme", at, "this theme is empty").help(format!("below `tokens`, {A_STYLE}"))
}

struct Reader<'t> {
    tree: &'t Tree<'t>,
    source: &'t Source,
    found: Vec<Diagnostic>,
    palette: Vec<(String, Color)>,
}

impl<'t> Reader<'t> {
    fn theme(&mut self, layer: &mut Layer) {
        let root = self.tree.root;
        if self.is_nothing(root) {
            self.found.push(empty(self.span(root)));
            return;
        }
        let Some(keys) = self.keys(root, "a theme", &KEYS) else { return };
        let value = |name: &str| keys.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        if let Some(id) = value("name") {
            layer.name = self.text(id, "a name").map(|(name, _)| name.to_owned());
        }
        if let Some(id) = value("extends") {
            layer.extends = self.text(id, "the name of a theme").map(|(name, at)| (name.to_owned(), at));
        }
        if let Some(id) = value("background") {
            layer.background = self.background(id);
        }
        // Tokens name colours of the palette, so it comes first wherever it stands.
        if let Some(id) = value("palette") {
            self.palette(id);
        }
        if let Some(id) = value("tokens") {
            layer.tokens = self.tokens(id);
        }
    }

    fn background(&mut self, id: NodeId) -> Option<Background> {
        const EXPECTED: &str = "`dark`, `light`, `any` or a hex value";
        let (text, at) = self.text(id, EXPECTED)?;
        match text {
            "dark" => Some(Background::Dark),
            "light" => Some(Background::Light),
            "any" => Some(Background::Any),
            other => {
                let color = Rgb::parse(other).map(Background::Own);
                if color.is_none() {
                    let near = near_miss(other, ["dark", "light", "any"]);
                    let help = near.map(|near| format!("did you mean `{near}`?"));
                    self.wrong(at, EXPECTED, &shown(other), help);
                }
                color
            }
        }
    }

    fn palette(&mut self, id: NodeId) {
        for (name, at, value) in self.entries(id, "names with colours", "`palette`") {
            let is_taken = name == "default" || color::NAMES.contains(&name);
            if is_taken || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let message = if is_taken {
                    format!("`{name}` is a colour of the terminal already")
                } else {
                    format!("`{}` cannot be the name of a colour", shortened(name, 40))
                };
                self.found.push(
                    Diagnostic::error("bad-theme", at, message)
                        .help("a name of your own begins with a letter, such as `sea`"),
                );
                continue;
            }
            if let Some(color) = self.color(value) {
                self.palette.push((name.to_owned(), color));
            } else {
                // Named all the same, so that its uses are not faults as well.
                self.palette.push((name.to_owned(), Color::Default));
            }
        }
    }

    fn tokens(&mut self, id: NodeId) -> Vec<(Token, Style)> {
        let mut tokens = Vec::new();
        for (name, at, value) in self.entries(id, "tokens with styles", "`tokens`") {
            let token = Token::find(name);
            if token.is_none() {
                let names: Vec<&str> = Token::all().map(Token::name).collect();
                let help = match near_miss(name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", listed_names(&names, "and")),
                };
                let message = format!("no part of the screen has the name `{}`", shortened(name, 40));
                self.found.push(Diagnostic::error("unknown-token", at, message).help(help));
            }
            // What stands below a misspelt name is checked, too, so that all is told at once.
            let style = self.style(value);
            tokens.extend(token.zip(style));
        }
        tokens
    }

    fn style(&mut self, id: NodeId) -> Option<Style> {
        let keys = self.keys(id, "a style", &STYLE_KEYS)?;
        let mut style = Style::default();
        for (key, value) in keys {
            match key {
                "fg" => style.fg = self.color(value),
                "bg" => style.bg = self.color(value),
                _ => style.attributes = self.attributes(value),
            }
        }
        Some(style)
    }

    fn attributes(&mut self, id: NodeId) -> Attributes {
        let single = [id];
        let items: &[NodeId] = match &self.tree.node(id).kind {
            Kind::Seq(items) => items,
            Kind::Scalar(_) | Kind::Map(_) => &single,
        };
        let names = Attributes::NAMES.map(|(name, _)| name);
        let expected = listed_names(&names, "or");
        let mut all = Attributes::default();
        for item in items {
            let Some((text, at)) = self.text(*item, &expected) else { continue };
            match Attributes::NAMES.iter().find(|(name, _)| *name == text) {
                Some((_, attribute)) => all = all.and(*attribute),
                None => {
                    let help = match near_miss(text, names) {
                        Some(near) => Some(format!("did you mean `{near}`?")),
                        None if text == "blink" => {
                            Some("nothing blinks in sortie; `reverse` stands out".to_owned())
                        }
                        None => None,
                    };
                    self.wrong(at, &expected, &shown(text), help);
                }
            }
        }
        all
    }

    fn color(&mut self, id: NodeId) -> Option<Color> {
        const EXPECTED: &str = "a colour";
        if self.is_nothing(id) {
            self.wrong(self.span(id), EXPECTED, "nothing", Some(IN_QUOTES.to_owned()));
            return None;
        }
        let (text, at) = self.text(id, EXPECTED)?;
        let named = || self.palette.iter().find(|(name, _)| name == text).map(|(_, color)| *color);
        let standard =
            || color::NAMES.iter().position(|name| *name == text).and_then(|at| u8::try_from(at).ok());
        let found = match text {
            "default" => Some(Color::Default),
            _ => named()
                .or_else(|| standard().map(Color::Index))
                .or_else(|| Rgb::parse(text).map(Color::Rgb))
                .or_else(|| text.parse().ok().map(Color::Index)),
        };
        if found.is_none() {
            self.found.push(unknown_color(text, at, &self.palette));
        }
        found
    }

    /// Returns the known keys of a map with their values, and reports all others.
    fn keys(
        &mut self,
        id: NodeId,
        what: &str,
        known: &[&'static str],
    ) -> Option<Vec<(&'static str, NodeId)>> {
        let Kind::Map(entries) = &self.tree.node(id).kind else {
            let help = format!("{what} has {}", listed_names(known, "and"));
            let expected = format!("the keys of {what}");
            self.wrong(self.span(id), &expected, &self.found_words(id), Some(help));
            return None;
        };
        let mut keys = Vec::new();
        for entry in entries {
            let name = self.tree.key(*entry);
            match known.iter().find(|key| **key == name) {
                Some(key) => keys.push((*key, entry.value)),
                None if name.starts_with("x-") => {}
                None => {
                    let help = match near_miss(name, known.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("there are {}", listed_names(known, "and")),
                    };
                    let message = format!("{what} has no key `{}`", shortened(name, 40));
                    let at = self.tree.node(entry.key).span;
                    self.found.push(Diagnostic::error("bad-theme", at, message).help(help));
                }
            }
        }
        Some(keys)
    }

    /// Returns the entries of a map whose keys are free; nothing written counts as none.
    fn entries(&mut self, id: NodeId, expected: &str, place: &str) -> Vec<(&'t str, Span, NodeId)> {
        let tree = self.tree;
        match &tree.node(id).kind {
            Kind::Map(entries) => {
                entries.iter().map(|it| (tree.key(*it), tree.node(it.key).span, it.value)).collect()
            }
            _ if self.is_nothing(id) => Vec::new(),
            _ => {
                let expected = format!("{expected} below {place}");
                self.wrong(self.span(id), &expected, &self.found_words(id), None);
                Vec::new()
            }
        }
    }

    fn text(&mut self, id: NodeId, expected: &str) -> Option<(&'t str, Span)> {
        let tree = self.tree;
        match &tree.node(id).kind {
            Kind::Scalar(scalar) if !self.is_nothing(id) => Some((&scalar.text, self.span(id))),
            _ => {
                self.wrong(self.span(id), expected, &self.found_words(id), None);
                None
            }
        }
    }

    fn wrong(&mut self, at: Span, expected: &str, found: &str, help: Option<String>) {
        let message = format!("expected {expected}, found {found}");
        let mut problem = Diagnostic::error("bad-theme", at, message);
        problem.help = help;
        self.found.push(problem);
    }

    fn is_nothing(&self, id: NodeId) -> bool {
        match &self.tree.node(id).kind {
            Kind::Scalar(scalar) => scalar::resolve(scalar) == Core::Null || scalar.text.trim().is_empty(),
            Kind::Seq(_) | Kind::Map(_) => false,
        }
    }

    fn found_words(&self, id: NodeId) -> String {
        match &self.tree.node(id).kind {
            Kind::Seq(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
            Kind::Scalar(_) if self.is_nothing(id) => "nothing".to_owned(),
            Kind::Scalar(scalar) => shown(&scalar.text),
        }
    }

    /// Returns where a value stands; one of several lines is shown by its first.
    fn span(&self, id: NodeId) -> Span {
        let span = self.tree.node(id).span;
        let text = self.source.text.get(span.start as usize..span.end as usize).unwrap_or("");
        let line = text.split(['\n', '\r']).next().unwrap_or("").trim_end();
        Span { start: span.start, end: span.start + u32::try_from(line.len()).unwrap_or(0) }
    }
}

fn shown(text: &str) -> String {
    format!("`{}`", shortened(text, 40))
}

fn unknown_color(text: &str, at: Span, palette: &[(String, Color)]) -> Diagnostic {
    let problem = Diagnostic::error("unknown-color", at, format!("`{}` is no colour", shortened(text, 40)));
    let own: Vec<&str> = palette.iter().map(|(name, _)| name.as_str()).collect();
    let names = own.iter().copied().chain(color::NAMES).chain(["default"]);
    if let Some(near) = near_miss(text, names) {
        return problem.help(format!("did you mean `{near}`?"));
    }
    if text.starts_with('#') {
        return problem.help("a hex value has six digits, as in `\"#2a9d8f\"`, or three");
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return problem.help("the terminal's colours have the numbers 0 to 255");
    }
    let of_palette = if own.is_empty() {
        String::new()
    } else {
        format!("{}, ", listed_names(&own, "and").replace(" and ", ", "))
    };
    problem.help(format!(
        "there are {of_palette}`default`, {}, the numbers 0 to 255 and hex values such as `\"#2a9d8f\"`",
        listed_names(&color::NAMES, "and").replace(" and ", ", ")
    ))
}
