//! A new playbook by questions, with a draft that outlives whatever happens.
//!
//! Not here: the questions (`logic/author`), how they are asked (`wizard`), what is done with the answers (`cli/new.rs`).

use super::context::Context;
use super::ending::Failure;
use super::out::Paint;
use super::wizard::{self, Ended, Held};
use crate::engine::authoring;
use crate::logic::author::{Answers, Draft, Kind, Question, Reply, Session, Then, World};
use crate::logic::text::plural;

/// Asks, with the answers that flags have given already; nothing if somebody left or threw it away.
///
/// # Errors
/// If the terminal cannot be used.
pub fn ask(
    context: &Context,
    world: &World,
    given: &Answers,
    paint: Paint,
    preview: &dyn Fn(&Session<'_>) -> Vec<String>,
) -> Result<Option<(Answers, Then)>, Failure> {
    let trouble =
        |error: std::io::Error| Failure::surroundings(format!("the terminal cannot be used: {error}"));
    let mut asks = wizard::asks(context, paint);
    // Lines are read as the terminal gives them; only what is drawn needs all keys.
    let held = match context.surroundings.is_accessible {
        true => None,
        false => Some(Held::take(context.outside.guard).map_err(trouble)?),
    };
    let mut session = Session::new(world);
    if let Some(draft) = authoring::draft(&context.project).filter(|_| given.name.is_empty())
        && goes_on(asks.as_mut(), world, &draft).map_err(trouble)?
    {
        session = Session::of_draft(world, draft);
    }
    prefill(&mut session, given);
    let mut untold = Vec::new();
    let mut keep = |session: &Session<'_>| {
        // The first failure is told, the rest would say the same.
        if let Err(error) = authoring::keep_draft(&context.project, &session.draft())
            && untold.is_empty()
        {
            untold.push(format!("note: no draft is kept: {}", error.message));
        }
    };
    let mut before = |session: &Session<'_>, question: &Question| match question.key.as_str() {
        "name" => intro(paint),
        "then" => preview(session),
        _ => Vec::new(),
    };
    let ended = wizard::go(asks.as_mut(), &mut session, &mut keep, &mut before).map_err(trouble)?;
    asks.tell(&untold).map_err(trouble)?;
    let then = session.then().filter(|_| ended == Ended::Done);
    match then {
        None if session.answered() > 0 => {
            asks.tell(&["The draft is kept: `sortie playbooks new` goes on with it.".to_owned()])
                .map_err(trouble)?;
        }
        Some(Then::Discard) | None => authoring::drop_draft(&context.project),
        Some(_) => {}
    }
    drop(held);
    Ok(then.filter(|then| *then != Then::Discard).map(|then| (session.answers(), then)))
}

fn intro(paint: Paint) -> Vec<String> {
    let line = "A new playbook. Esc goes back a question, Ctrl-C keeps a draft.";
    vec![paint.dim(line)]
}

/// Asks whether to go on with a draft; throws it away otherwise.
fn goes_on(asks: &mut dyn wizard::Asks, world: &World, draft: &Draft) -> std::io::Result<bool> {
    let name = draft.replies.iter().find_map(|(key, reply)| match reply {
        Reply::Text(text) if key == "name" => Some(text.as_str()),
        _ => None,
    });
    let answers = plural(draft.replies.len(), "answer");
    let question = Question {
        key: "draft".to_owned(),
        flag: "",
        text: format!("Go on with the draft of `{}` ({answers})?", name.unwrap_or("a playbook")),
        help: String::new(),
        kind: Kind::Yes { default: true },
        before: None,
    };
    Ok(match asks.ask(&Session::new(world), &question)? {
        wizard::Said::Reply(Reply::Yes(yes)) => yes,
        _ => true,
    })
}

/// Answers what flags have answered.
fn prefill(session: &mut Session<'_>, given: &Answers) {
    while let Some(question) = session.question() {
        let text = match question.key.as_str() {
            "name" => &given.name,
            "description" => &given.description,
            "category" => &given.category,
            _ => break,
        };
        if text.is_empty() || session.answer(Reply::Text(text.clone())).is_err() {
            break;
        }
    }
}
