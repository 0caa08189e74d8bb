//! `reporting` of a playbook: which reports are written when a job ends, and where.
//!
//! Not here: what is in them (`logic/summary`), writing them (`engine/leave.rs`).

use super::contexts::Spot;
use super::decode::{Field, Reader};
use super::keys::Place;
use super::model::{Reporting, Text};
use super::source::Span;
use super::tree::NodeId;
use crate::logic::diag::Diagnostic;
use crate::logic::expr::Template;
use crate::logic::summary::{Format, unknown_ending, usual_place};
use crate::logic::text::{listed_names, near_miss};

impl Reader<'_> {
    pub(super) fn reporting(&mut self, field: Field) -> Option<Reporting> {
        let fields = self.fields(field.value, Place::Reporting)?;
        let formats = fields
            .get("formats")
            .map_or_else(|| vec![Format::Html, Format::Markdown], |id| self.report_formats(id));
        let path = match fields.get("path") {
            Some(id) => self.report_path(id)?,
            None => Text { template: Template::literal(usual_place()), span: field.key },
        };
        Some(Reporting { formats, path })
    }

    fn report_formats(&mut self, id: NodeId) -> Vec<Format> {
        let what = "a list of `html`, `json`, `markdown`, `xml` and `csv`";
        let words: Vec<(String, Span)> = match self.scalar(id) {
            Some(one) if !one.text.is_empty() => vec![(one.text.to_string(), self.span(id))],
            _ => self.texts(id, what).into_iter().map(|(word, span)| (word.to_owned(), span)).collect(),
        };
        let mut formats = Vec::new();
        for (word, span) in words {
            let plain = word.to_ascii_lowercase();
            let found = Format::ALL.into_iter().find(|format| format.word() == plain);
            let Some(format) = found else {
                let problem = Diagnostic::error(
                    "unknown-value",
                    span,
                    format!("there is no report of the kind `{}`", crate::logic::text::shortened(&word, 40)),
                );
                let names = Format::ALL.map(Format::word);
                let meant = match plain.as_str() {
                    "md" => Some("markdown"),
                    "junit" => Some("xml"),
                    other => near_miss(other, names),
                };
                self.report(problem.help(match meant {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("write {}", listed_names(&names, "or")),
                }));
                continue;
            };
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        formats
    }

    fn report_path(&mut self, id: NodeId) -> Option<Text> {
        let path = self.template(id, Spot::RunName, "a path")?;
        // One with an expression is looked at when the job ends.
        if let Some(literal) = path.template.as_literal()
            && let Some(why) = crate::logic::summary::leads_out(literal)
        {
            let problem = Diagnostic::error("report-path", path.span, why);
            self.report(problem.help("name a folder below the project, such as `reports/${{ run.number }}`"));
            return None;
        }
        if let Some(ending) = path.template.as_literal().and_then(unknown_ending) {
            let message = format!("there is no report whose file ends with `.{ending}`");
            let problem = Diagnostic::error("report-path", path.span, message);
            self.report(problem.help(
                "write a name with `.md`, `.html`, `.json`, `.xml` or `.csv`, or a folder; where the folder is called \
                 like that, with a `/` behind it",
            ));
            return None;
        }
        Some(path)
    }
}
