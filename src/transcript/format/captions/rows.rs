//! Reads subtitles that hold a caption in each line: SubStation Alpha (`.ass`, `.ssa`) and MicroDVD (`.sub`).

use crate::text::{Span, words};
use crate::transcript::format::captions::Raw;
use crate::transcript::format::captions::lines::spans;
use crate::transcript::format::captions::time::time;

/// Frames per second of MicroDVD, unless the first caption is a number that says otherwise.
const FRAME_RATE: f64 = 25.0;

/// Reads the captions of one text, line by line.
#[derive(Debug)]
pub(super) struct Rows {
    form: Form,
    /// In the section of SubStation Alpha that has the captions.
    in_events: bool,
    /// Words in lines that are no captions.
    pub(super) strays: usize,
}

#[derive(Debug)]
enum Form {
    /// `Dialogue: 0,0:00:01.00,0:00:04.00,Default,Anna,0,0,0,,Text`
    Ass(Fields),
    /// `{25}{100}Text`, with the number of frames per second.
    MicroDvd(f64),
}

/// The places of the fields in a line of SubStation Alpha. The text is the last one.
#[derive(Debug)]
pub(super) struct Fields {
    start: usize,
    end: usize,
    name: usize,
    text: usize,
}

/// What a line says: the speaker, the times in milliseconds, and the text.
type Row<'t> = (Option<&'t str>, i64, i64, &'t str);

impl Rows {
    pub(super) fn ass() -> Self {
        Self::new(Form::Ass(Fields {
            start: 1,
            end: 2,
            name: 4,
            text: 9,
        }))
    }

    pub(super) fn micro_dvd() -> Self {
        Self::new(Form::MicroDvd(FRAME_RATE))
    }

    fn new(form: Form) -> Self {
        Self {
            form,
            in_events: false,
            strays: 0,
        }
    }

    pub(super) fn read(&mut self, block: &str, sink: &mut dyn FnMut(&Raw<'_>)) {
        let mut lines = Vec::new();
        for line in spans(block) {
            let Some((label, start, end, said)) = self.row(line.of(block)) else {
                self.strays += self.stray_words(line.of(block));
                continue;
            };
            let base = line.end - said.len();
            let mut push = |from: usize, to: usize| {
                let text = Span::from(base + from..base + to).of(block).trim_start();
                let start = base + to - text.len();
                lines.push(Span::from(start..start + text.trim_end().len()));
            };
            let mut from = 0;
            for (at, _) in said.match_indices(['\\', '|']) {
                let rest = said.split_at(at).1;
                let len = match rest.as_bytes() {
                    [b'|', ..] => 1,
                    [_, b'N' | b'n' | b'h', ..] => 2,
                    _ => continue,
                };
                push(from, at);
                from = at + len;
            }
            push(from, said.len());
            lines.retain(|line: &Span| line.len() > 0);
            if !lines.is_empty() {
                sink(&Raw {
                    block,
                    identifier: None,
                    label,
                    start: Some(start),
                    end: Some(end),
                    confidence: None,
                    lines: &lines,
                });
            }
            lines.clear();
        }
    }

    /// Words in a line that is no caption, nor anything else that the format has among them.
    fn stray_words(&mut self, line: &str) -> usize {
        match self.form {
            Form::Ass(_) if line.starts_with('[') => self.in_events = line.starts_with("[Events]"),
            Form::Ass(_) if self.in_events && !is_event(line) => return words::count(line),
            Form::MicroDvd(_) if !line.starts_with('{') => return words::count(line),
            _ => {}
        }
        0
    }

    fn row<'t>(&mut self, line: &'t str) -> Option<Row<'t>> {
        match &mut self.form {
            Form::Ass(fields) => {
                if let Some(names) = line.strip_prefix("Format:") {
                    *fields = Fields::new(names)?;
                }
                fields.row(line.strip_prefix("Dialogue:")?)
            }
            Form::MicroDvd(rate) => {
                let (start, end, said) = frames(line)?;
                if let Some(written) = said.parse().ok().filter(|_| start == end) {
                    *rate = f64::max(written, 1.0);
                    return None;
                }
                // The number of frames has at most nine digits, so nothing is cut.
                let millis = |frame: i64| (frame as f64 * 1000.0 / *rate) as i64;
                Some((None, millis(start), millis(end), said))
            }
        }
    }
}

impl Fields {
    fn new(names: &str) -> Option<Self> {
        let place = |name| names.split(',').position(|field| field.trim() == name);
        Some(Self {
            start: place("Start")?,
            end: place("End")?,
            name: place("Name").or_else(|| place("Actor"))?,
            text: place("Text")?,
        })
    }

    fn row<'t>(&self, line: &'t str) -> Option<Row<'t>> {
        let field = |place| line.splitn(self.text + 1, ',').nth(place).map(str::trim);
        let name = field(self.name).filter(|name| !name.is_empty());
        Some((
            name,
            time(field(self.start)?)?.0,
            time(field(self.end)?)?.0,
            field(self.text)?,
        ))
    }
}

/// Whether a line among the captions of SubStation Alpha is one of those that the format knows.
fn is_event(line: &str) -> bool {
    const KINDS: [&str; 7] = [
        "Format:",
        "Dialogue:",
        "Comment:",
        "Picture:",
        "Sound:",
        "Movie:",
        "Command:",
    ];
    line.starts_with([';', '!']) || KINDS.iter().any(|kind| line.starts_with(kind))
}

/// The frames in which a line of MicroDVD starts and ends, and its text without control codes such as `{y:i}`.
pub(super) fn frames(line: &str) -> Option<(i64, i64, &str)> {
    let number = |text: &'_ str| -> Option<i64> {
        let is_number =
            (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_number)
    };
    let (start, rest) = line.strip_prefix('{')?.split_once("}{")?;
    let (end, mut said) = rest.split_once('}')?;
    while let Some((_, after)) = said.strip_prefix('{').and_then(|code| code.split_once('}')) {
        said = after.trim_start();
    }
    Some((number(start)?, number(end)?, said))
}
