//! How things look here: the theme that was set and the others, signs, motion, as this terminal can show them; and the keys.

use super::glyphs::Glyphs;
use super::looks::MadeOf;
use super::motion::Motion;
use super::theme::Theme;
use super::ui::Look;
use crate::engine::keymaps;
use crate::engine::themes::{self, Places};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::report::{self, Look as Report};
use crate::logic::keymap::{self, Keymap, Reading};
use crate::logic::theme::Depth;

/// Reads the themes and chooses by settings and surroundings.
///
/// # Errors
/// If the theme that was set does not exist or says something wrong; all of that is in the failure's words.
pub fn look(context: &Context) -> Result<Look, Failure> {
    let (settings, around) = (&context.settings, &context.surroundings);
    // Before they are read, so that what is saved meanwhile counts as new.
    let (made_of, _) = MadeOf::now(context);
    let (keys, wrong_keys) = keys(context);
    let no_color = if around.no_color { Some("1") } else { None };
    let depth = Depth::choose(settings.color(), Some(&around.term), Some(&around.colorterm), no_color);
    let places = Places { user: around.themes.as_deref(), root: &context.project.root };
    let wanted = settings.theme();
    let chosen = open(places, wanted, depth)?;
    let mut all: Vec<Theme> = Vec::new();
    for name in themes::names(places) {
        // Those that nobody asked for are left out if something is wrong with them.
        all.extend(open(places, &name, depth).ok());
    }
    let at = match all.iter().position(|theme| theme.name == chosen.name) {
        Some(at) => at,
        None => {
            all.push(chosen);
            all.len() - 1
        }
    };
    let locale = [Some(around.locale.as_str()), None, None];
    let reduced = if around.reduced_motion { Some("1") } else { None };
    Ok(Look {
        themes: all,
        theme: at,
        glyphs: Glyphs::choose(settings.ascii(), locale, Some(&around.term)),
        motion: Motion::named(settings.motion(reduced)),
        keys,
        wrong_keys,
        made_of,
    })
}

/// Reads the keymap of the user. All that is right counts; what is wrong is told in a line, and keeps nobody from anything.
fn keys(context: &Context) -> (Keymap, Option<String>) {
    match saved_keys(context) {
        Ok((reading, told)) => {
            (reading.keymap, told.map(|told| format!("{told}; `sortie keys --check` shows more")))
        }
        Err(why) => (Keymap::default(), Some(why)),
    }
}

/// Reads the keymap of the user, with a line about what is wrong with it.
///
/// # Errors
/// Why its file cannot be read.
pub(super) fn saved_keys(context: &Context) -> Result<(Reading, Option<String>), String> {
    let source = match context.surroundings.keymap.as_deref().map(keymaps::open) {
        Some(source) => source.map_err(|error| error.message)?,
        None => None,
    };
    let Some(source) = source else {
        return Ok((Reading { keymap: Keymap::default(), found: Vec::new() }, None));
    };
    let reading = keymap::read(&source);
    let told = keymap::told(&source, &reading.found);
    Ok((reading, told))
}

fn open(places: Places<'_>, wanted: &str, depth: Depth) -> Result<Theme, Failure> {
    let reading = themes::open(places, wanted)?;
    match reading.theme {
        Some(theme) => Ok(Theme::new(&theme, depth)),
        None => {
            let faults: Vec<_> = reading.faults.iter().map(|(source, found)| (source, &found[..])).collect();
            let drawn = report::draw(&faults, Report::default());
            Err(Failure::new(Ending::Usage, format!("the theme `{wanted}` cannot be used\n{drawn}")))
        }
    }
}
