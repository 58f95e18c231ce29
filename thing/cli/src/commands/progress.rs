//! Progress: a line on the terminal that says what is being done.

use std::io::{IsTerminal, Write};

use thing::migration::{self, Progress};
use thing::schema;

use crate::output::plain;

/// The length of a line that no terminal breaks.
const LENGTH: usize = 75;

/// One line, written anew with each event.
#[derive(Debug)]
pub(super) struct Shown;

impl Shown {
    /// Nothing is shown where the standard error is no terminal, or where a program reads the output.
    pub(super) fn where_somebody_looks(json: bool) -> Option<Self> {
        (!json && std::io::stderr().is_terminal()).then(|| Self)
    }

    /// What happens while tables become what models declare.
    pub(super) fn change(&self, event: &schema::Event<'_>) {
        if let Some(line) = of_change(event) {
            self.show(&line);
        }
    }

    /// Progress that can't be shown is no reason to stop.
    fn show(&self, line: &str) {
        let line: String = plain(line).chars().take(LENGTH).collect();
        let mut terminal = std::io::stderr();
        let _ = write!(terminal, "\r\x1b[2K{line}").and_then(|()| terminal.flush());
    }
}

impl Progress for Shown {
    fn event(&self, event: &migration::Event<'_>) {
        if let Some(line) = of_migration(event) {
            self.show(&line);
        }
    }
}

/// The line goes when nobody tells any more.
impl Drop for Shown {
    fn drop(&mut self) {
        self.show("");
    }
}

fn of_migration(event: &migration::Event<'_>) -> Option<String> {
    use migration::Event;
    Some(match event {
        Event::Locking => "waiting for other runners".to_owned(),
        Event::Started { title, direction, .. } => format!("{direction} {title}"),
        Event::Statement { number, statement } => {
            format!("{number}: {}", statement.sql.lines().next().unwrap_or_default())
        }
        Event::Committing => "committing".to_owned(),
        Event::Finished { .. } => String::new(),
        _ => return None,
    })
}

fn of_change(event: &schema::Event<'_>) -> Option<String> {
    use schema::Event;
    Some(match event {
        Event::Locking => "waiting for other programs that change the schema".to_owned(),
        Event::Locked => String::new(),
        Event::Step { number, steps, planned } => format!("{number} of {steps}: {}", planned.step.what),
        Event::Committing => "committing".to_owned(),
        _ => return None,
    })
}
