//! What steps wrote as Markdown, as HTML that can do nothing: tags of theirs are shown as text, pictures are links, and links
//! lead to pages or mail only.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

use crate::logic::summary::escape::visible;

/// Appends it to a page.
pub(super) fn draw(out: &mut String, text: &str) {
    let text = visible(text);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    html::push_html(out, Parser::new_ext(&text, options).map(harmless));
}

fn harmless(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Image { dest_url, title, id, .. } | Tag::Link { dest_url, title, id, .. }) => {
            // Nothing is fetched from elsewhere: a picture is a link with its words.
            Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url: target(dest_url), title, id })
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
            level: below(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    }
}

/// Headings of the page itself are above them.
fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H4,
        HeadingLevel::H2 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

fn target(url: CowStr<'_>) -> CowStr<'_> {
    let lower = url.trim().to_ascii_lowercase();
    let is_known = ["https://", "http://", "mailto:", "#"].iter().any(|it| lower.starts_with(it));
    if is_known { url } else { CowStr::Borrowed("#") }
}
