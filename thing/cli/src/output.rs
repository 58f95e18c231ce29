//! Output: pages of text with colours where the terminal shows them, or JSON.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::json;
use unicode_width::UnicodeWidthStr;

use crate::failure::{Failure, Result};
use crate::report::Report;

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const CAREFUL: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Where reports and failures go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Writes a report to the standard output.
    pub(crate) fn report(self, report: &dyn Report) -> Result<()> {
        if self.json {
            return self.write(&format!("{:#}\n", report.json()?));
        }
        let mut page = Page::default();
        report.write(&mut page);
        self.write(&page.text)
    }

    /// Writes a failure: to the standard error, or as JSON to where the report would have gone.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            // Nobody is left to be told when this fails too.
            let _ = self.write(&format!("{:#}\n", json!({ "error": failure.json() })));
            return;
        }
        let _ = writeln!(anstream::stderr(), "{BAD}error:{BAD:#} {failure}");
    }

    /// Whoever reads may have had enough, as `head` has: that is no failure.
    fn write(self, text: &str) -> Result<()> {
        let mut out = anstream::stdout();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::new(format!("can't write the report: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// A text in the making.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) {
        self.text.push_str(line.to_string().trim_end());
        self.text.push('\n');
    }

    pub(crate) fn heading(&mut self, heading: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(format_args!("{STRONG}{heading}{STRONG:#}"));
    }

    /// Columns below their names, as wide as they need, without those in which nothing stands. Numbers are to the right.
    pub(crate) fn table(&mut self, names: &[&str], rows: &[Vec<String>]) {
        let cells = |at: usize| rows.iter().filter_map(move |row| row.get(at));
        let columns: Vec<Column> = (0..names.len())
            .filter(|&at| rows.is_empty() || cells(at).any(|cell| !cell.is_empty()))
            .map(|at| Column {
                at,
                width: cells(at).map(|cell| cell.width()).max().unwrap_or(0).max(names[at].width()),
                is_number: !rows.is_empty()
                    && cells(at).all(|cell| cell.trim_start_matches(['~', '-']).starts_with(char::is_numeric)),
            })
            .collect();
        let mut push = |cells: &[&str], style: Style| {
            let text = |column: &Column| cells.get(column.at).copied().unwrap_or_default();
            let told = columns.iter().rposition(|column| !text(column).is_empty()).map_or(0, |last| last + 1);
            let mut line = String::new();
            for (place, column) in columns[..told].iter().enumerate() {
                let cell = text(column);
                let space = " ".repeat(column.width.saturating_sub(cell.width()));
                let shown = format!("{style}{cell}{style:#}");
                let gap = if place == 0 { "" } else { "  " };
                match column.is_number {
                    true => line.extend([gap, &space, &shown]),
                    false if place + 1 == told => line.extend([gap, &shown]),
                    false => line.extend([gap, &shown, &space]),
                }
            }
            self.line(line);
        };
        push(names, FAINT);
        for row in rows {
            push(&row.iter().map(String::as_str).collect::<Vec<_>>(), Style::new());
        }
    }
}

/// A column of a table that is shown.
struct Column {
    at: usize,
    width: usize,
    is_number: bool,
}

/// A number of bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut amount = count as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{amount:.1} {}", units[unit]) }
}

/// One line of text that a terminal shows as it is: signs that would control it are escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        if sign.is_control() { shown.extend(sign.escape_default()) } else { shown.push(sign) }
    }
    shown
}
