//! No name, message or line breaks a format, whoever wrote it.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser};

use super::tale::{Tale, ci, wrote};
use crate::logic::summary::{Format, Summary};

#[test]
fn what_steps_wrote_can_do_nothing_in_a_page() {
    let mut tale = Tale::of("stages: {a: {run: x}}\n", 1);
    let text = "# Big\n<script>alert(1)</script> <b onclick=x>b</b>\n\n![p](https://evil/p.png) [l](javascript:alert(1)) \
                [m](https://good/)\n\n<iframe src=x></iframe>\n";
    tale.ends_with("a", 0, wrote("", text)).closes();
    let page = tale.summary().render(Format::Html);
    for bad in ["<script>", "<b onclick", "<img", "javascript:alert(1)\"", "<iframe"] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("<h4>Big</h4>") && page.contains("href=\"https://good/\""), "{page}");
}

/// Puts a text wherever people and programs may have written one.
fn with(summary: &Summary, text: &str) -> Summary {
    let mut it = summary.clone();
    let own = || text.to_owned();
    (it.job.name, it.job.playbook, it.job.actor, it.job.cause) = (own(), own(), own(), Some(own()));
    it.job.outputs = vec![(text.into(), text.into())];
    it.job.survivors = vec![own()];
    for stage in &mut it.stages {
        stage.cause = Some(own());
        stage.outputs = vec![(text.into(), text.into())];
        if let Some(grid) = &mut stage.grid {
            grid.axes = (own(), own());
            grid.columns.iter_mut().for_each(|column| *column = own());
            grid.rows.iter_mut().for_each(|(row, _)| *row = own());
        }
        for cell in &mut stage.cells {
            (cell.address, cell.cause) = (own(), Some(own()));
            if !cell.label.is_empty() {
                cell.label = own();
            }
            for step in &mut cell.steps {
                (step.title, step.cause) = (own(), Some(own()));
            }
        }
    }
    for failure in &mut it.failures {
        (failure.place, failure.message, failure.lines) = (own(), own(), vec![own(), own()]);
    }
    it.retries.iter_mut().for_each(|it| (it.place, it.earlier) = (own(), own()));
    it.annotations.iter_mut().for_each(|it| (it.message, it.file, it.cell) = (own(), Some(own()), own()));
    it.variables.iter_mut().for_each(|it| (it.name, it.value) = (own(), own()));
    it.slowest.iter_mut().for_each(|it| it.cell = own());
    it.longest_waits.iter_mut().for_each(|it| it.cell = own());
    it.critical_path.stages.iter_mut().for_each(|it| it.cell = Some(own()));
    it
}

/// Tags in their order: what a page or a file of XML is made of besides texts.
fn tags(text: &str) -> Vec<String> {
    let body = text.split_once("</style>").map_or(text, |(_, body)| body);
    let tags = body.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap_or("").to_owned());
    // Code stands where backticks stood.
    tags.filter(|tag| !tag.ends_with("code")).collect()
}

/// What Markdown is made of besides texts, as a reader of it sees it.
fn shape(text: &str) -> Vec<String> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let part = |event| match event {
        Event::Start(tag) => Some(format!("+{:?}", tag.to_end())),
        Event::End(tag) => Some(format!("-{tag:?}")),
        Event::Html(text) | Event::InlineHtml(text) => Some(format!("html {text}")),
        Event::Code(_) => Some("code".to_owned()),
        _ => None,
    };
    events.filter_map(part).collect()
}

/// Reads CSV as RFC 4180 has it.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\r' if !is_quoted => {
                assert_eq!(chars.next(), Some('\n'), "a row ends with both");
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            '\n' if !is_quoted => panic!("a break outside of quotes: {text}"),
            c => field.push(c),
        }
    }
    assert!(row.is_empty() && field.is_empty(), "the last row ends, too");
    rows
}

#[track_caller]
fn never_breaks(summary: &Summary, plain: &Summary, text: &str) {
    let it = with(summary, text);
    let json: serde_json::Value = serde_json::from_str(&it.render(Format::Json)).expect("it is JSON");
    assert_eq!(json["job"]["name"], text);
    let brief: serde_json::Value =
        serde_json::from_str(&crate::logic::summary::result(&it)).expect("it is JSON");
    assert_eq!(brief["outputs"][text], text);
    assert_eq!(tags(&it.render(Format::Html)), tags(&plain.render(Format::Html)), "HTML {text:?}");
    let xml = it.render(Format::Xml);
    assert_eq!(tags(&xml), tags(&plain.render(Format::Xml)), "XML {text:?}");
    let is_char = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{7e}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(is_char) && !xml.contains("]]>"), "{xml}");
    let csv = rows(&it.render(Format::Csv));
    assert!(csv.iter().all(|row| row.len() == csv[0].len()), "CSV {text:?}");
    let is_formula = |field: &String| field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    assert!(!csv.iter().flatten().any(is_formula), "CSV {text:?}");
    let markdown = it.render(Format::Markdown);
    assert_eq!(shape(&markdown), shape(&plain.render(Format::Markdown)), "Markdown {text:?}\n{markdown}");
    let turns = |c: char| {
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    };
    for format in [Format::Html, Format::Markdown, Format::Xml, Format::Csv] {
        assert!(!it.render(format).contains(turns), "{format:?} {text:?}");
    }
    assert!(!it.text(80).contains(turns), "{text:?}");
}

#[test]
fn no_known_trick_breaks_a_format() {
    let summary = ci().summary();
    let plain = with(&summary, "x");
    for text in [
        "<script>alert(1)</script>",
        "]]>",
        "a|b",
        "\"'`<>&",
        "`` ` ```",
        "a\nb\r\nc",
        "| a | b |\n|---|---|",
        "\u{1b}[31mred\u{7}",
        "\u{202e}gnp.exe",
        "=1+1",
        "@SUM(A1)",
        "-2+3",
        "+cmd|' /C calc'!A0",
        "\\",
        "\\|",
        "a\\",
        "**a**_b_ ~~c~~ [x](http://y) ![z](w)",
        "<!-- ",
        "# head",
        "1. one",
        "- one",
        "https://example.org www.example.org a@b.cd",
        "\u{fffe}\u{ffff}\u{0}",
        "&lt;&#60;",
        "-->",
        "</pre></table></body>",
        "${{ secrets.x }}",
        "\u{2028}\u{85}",
        "***",
        "___",
        "__a__ *",
        ">",
        "+",
        "~~~",
        "=",
    ] {
        never_breaks(&summary, &plain, text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_format(
        text in "[-a-z<>&\"'`|\\\\*_\\[\\]()#~!:@=+.$ \n\r\t\u{0}\u{1b}\u{202e}\u{fffe}é]{1,24}"
    ) {
        prop_assume!(!text.trim().is_empty());
        let summary = ci().summary();
        let plain = with(&summary, "x");
        never_breaks(&summary, &plain, &text);
    }
}
