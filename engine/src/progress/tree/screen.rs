//! The last lines of the terminal, drawn over and over.

use std::io::Write;

use console::measure_text_width;

/// Columns and lines of standard error's terminal.
pub fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    let (columns, rows) = size.map_or((0, 0), |size| (size.ws_col, size.ws_row));
    let or = |value: u16, usual: usize| {
        if value == 0 {
            usual
        } else {
            usize::from(value)
        }
    };
    (or(columns, 80), or(rows, 24))
}

#[derive(Default)]
pub struct Screen {
    /// Widths of the lines that are drawn.
    drawn: Vec<usize>,
    last: Vec<String>,
    /// Others have written a line without its end.
    inside_line: bool,
}

impl Screen {
    pub fn inside_line(&mut self, is: bool) {
        self.inside_line = is;
    }

    /// Writes lines that stay, and replaces what is drawn below them.
    pub fn show(&mut self, stay: &[String], live: &[String], width: usize) {
        if stay.is_empty() && self.last == live {
            return;
        }
        // All at once, where the terminal knows how.
        let mut text = String::from("\x1b[?2026h");
        text += &self.cleared(width);
        text += self.fresh_line(stay.is_empty() && live.is_empty());
        for line in stay.iter().chain(live) {
            text += line;
            text += "\n";
        }
        text += "\x1b[?2026l";
        write(&text);
        self.drawn = live.iter().map(|line| measure_text_width(line)).collect();
        self.last = live.to_vec();
    }

    pub fn clear(&mut self) {
        let (width, _) = size();
        write(&self.cleared(width));
        self.drawn.clear();
        self.last.clear();
    }

    /// What others have written is not written on, nor taken away later.
    fn fresh_line(&mut self, nothing: bool) -> &'static str {
        match nothing || !std::mem::take(&mut self.inside_line) {
            true => "",
            false => "\n",
        }
    }

    /// Takes away what is drawn: lines are more where the terminal got narrower.
    fn cleared(&self, width: usize) -> String {
        let rows: usize = self
            .drawn
            .iter()
            .map(|line| line.div_ceil(width.max(1)).max(1))
            .sum();
        match rows {
            0 => String::new(),
            rows => format!("\x1b[{rows}A\r\x1b[J"),
        }
    }
}

/// A terminal that is gone must not end the work.
fn write(text: &str) {
    if !text.is_empty() {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}
