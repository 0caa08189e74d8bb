//! Several files in one text, for tests: each but the first begins with a line `# file: PATH`.

use std::sync::Arc;

use super::source::{Called, Source, Unread};
use super::{Reading, read, read_bytes};

const FILE: &str = "# file: ";

/// Reads a playbook and what it calls. A called file that is not in the text is not there.
pub(crate) fn read_whole(name: &str, bytes: &[u8]) -> (Source, Reading) {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains(&format!("\n{FILE}")));
    let (mut source, mut called) = match text {
        None => (read_bytes(name, bytes).0, Called::new()),
        Some(text) => {
            let mark = format!("\n{FILE}");
            let mut parts = text.split(&mark);
            let source = Source::new(name, format!("{}\n", parts.next().unwrap_or_default()));
            let files = parts.filter_map(|part| part.split_once('\n'));
            (source, files.map(|(path, text)| (Arc::from(path.trim()), Ok(Arc::from(text)))).collect())
        }
    };
    let mut reading = if called.is_empty() { read_bytes(name, bytes).1 } else { read(&source) };
    loop {
        source = source.with_called(Arc::new(called.clone()));
        if reading.missing.is_empty() && reading.called.is_empty() && called.is_empty() {
            return (source, reading);
        }
        reading = read(&source);
        if reading.missing.is_empty() {
            return (source, reading);
        }
        for path in &reading.missing {
            called.insert(path.clone(), Err(Unread::NotThere(None)));
        }
    }
}
