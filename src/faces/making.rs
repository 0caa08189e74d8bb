//! A new playbook by questions, with a draft that outlives whatever happens.
//!
//! Not here: the questions (`logic/author`), how they are asked (`wizard`), what is done with the answers (`cli/new.rs`).

use super::context::Context;
use super::ending::Failure;
use super::out::Paint;
use super::wizard::{self, Ended, trouble};
use crate::engine::authoring;
use crate::logic::author::{Answers, Draft, Session, Then, World};
use crate::logic::talk::{Kind, Question, Reply, Talk};
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
    let (mut asks, held) = wizard::begin(context, paint)?;
    let mut session = Session::new(world);
    match authoring::draft(&context.project) {
        Some(draft) => match goes_on(asks.as_mut(), world, &draft, &given.name).map_err(trouble)? {
            Some(true) => session = Session::of_draft(world, draft),
            Some(false) => prefill(&mut session, given),
            None => return Ok(None),
        },
        None => prefill(&mut session, given),
    }
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
    let then = session.then().filter(|_| ended == Ended::Done);
    match then {
        None if session.draft().answered() > 0 => {
            // Also of who went back to the first question and out: what was answered on the way is not lost.
            keep(&session);
            asks.tell(&["The draft is kept: `sortie playbooks new` goes on with it.".to_owned()])
                .map_err(trouble)?;
        }
        Some(Then::Discard) | None => authoring::drop_draft(&context.project),
        Some(_) => {}
    }
    asks.tell(&untold).map_err(trouble)?;
    drop(held);
    Ok(then.filter(|then| *then != Then::Discard).map(|then| (session.answers(), then)))
}

fn intro(paint: Paint) -> Vec<String> {
    let line = "A new playbook. Esc goes back a question, Ctrl-C keeps a draft.";
    vec![paint.dim(line)]
}

/// Asks whether to go on with a draft, which is thrown away otherwise; nothing if somebody left.
fn goes_on(
    asks: &mut dyn wizard::Asks,
    world: &World,
    draft: &Draft,
    wanted: &str,
) -> std::io::Result<Option<bool>> {
    let name = draft.replies.iter().find_map(|(key, reply)| match reply {
        Reply::Text(text) if key == "name" => Some(text.as_str()),
        _ => None,
    });
    let answers = plural(draft.answered(), "answer");
    let shown = name.unwrap_or("a playbook");
    let is_other = !wanted.is_empty() && name != Some(wanted);
    let text = match is_other {
        true => format!("There is a draft of `{shown}` ({answers}). Go on with it, and not with `{wanted}`?"),
        false => format!("Go on with the draft of `{shown}` ({answers})?"),
    };
    let question = Question {
        key: "draft".to_owned(),
        flag: "",
        text,
        help: "otherwise it is thrown away".to_owned(),
        kind: Kind::Yes { default: !is_other },
        before: None,
    };
    loop {
        match asks.ask(&Session::new(world), &question)? {
            wizard::Said::Reply(Reply::Yes(yes)) => return Ok(Some(yes)),
            // A line that says neither; nothing is thrown away for that.
            wizard::Said::Reply(_) => {}
            wizard::Said::Back | wizard::Said::Stop => return Ok(None),
        }
    }
}

/// Answers what flags have answered, as far as nothing else comes before, and offers the rest.
fn prefill(session: &mut Session<'_>, given: &Answers) {
    let line = |text: &String| (!text.is_empty()).then(|| Reply::Text(text.clone()));
    let said = [
        ("name", line(&given.name)),
        ("description", line(&given.description)),
        ("category", line(&given.category)),
        ("from", given.template.clone().map(Reply::Choice)),
    ];
    for (key, reply) in said.into_iter().filter_map(|(key, reply)| Some((key, reply?))) {
        let is_next = session.question().is_some_and(|it| it.key == key);
        if !is_next || session.answer(reply.clone()).is_err() {
            session.offer(key, reply);
        }
    }
}

/// Asks for nothing but the name; nothing if somebody left.
///
/// # Errors
/// If the terminal cannot be used.
pub fn ask_name(context: &Context, world: &World, paint: Paint) -> Result<Option<String>, Failure> {
    let (mut asks, _held) = wizard::begin(context, paint)?;
    let mut session = Session::new(world);
    while let Some(question) = session.question().filter(|it| it.key == "name") {
        match asks.ask(&session, &question).map_err(trouble)? {
            wizard::Said::Reply(reply) => {
                if let Err(wrong) = session.answer(reply) {
                    asks.tell(&[wizard::refused(&wrong)]).map_err(trouble)?;
                }
            }
            wizard::Said::Back | wizard::Said::Stop => return Ok(None),
        }
    }
    Ok(Some(session.answers().name))
}
