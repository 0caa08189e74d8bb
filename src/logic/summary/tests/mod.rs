//! Summaries of jobs that are told in reports.

mod formats;
mod hostile;
mod rules;
mod tale;
