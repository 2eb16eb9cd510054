//! The lists at a glance, made from the outline without a call: who is who, decisions, positions, actions, open questions, key
//! figures and terms.

use crate::summary::outline::{Outline, Person, Point, PointKind, Term};
use crate::summary::titles::titles;
use crate::text::{Span, words};

/// Maximum length of the actions, and of all other lists, as shares of the summary. Whoever has to act needs all actions, but not
/// what is merely hoped for: such entries stay only within the smaller share.
const ACTIONS_SHARE: f64 = 0.15;
const VAGUE_ACTIONS_SHARE: f64 = 0.04;
const OTHERS_SHARE: f64 = 0.16;

/// The share of all lists where actions take so little of it that others have more than theirs.
const LISTS_SHARE: f64 = 0.22;

/// Lists that only repeat what stands in the text, the most dispensable first. They are left out where the others need their room.
const IN_THE_TEXT: [ListKind; 2] = [ListKind::Positions, ListKind::Figures];

/// The kinds of lists, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// People with their roles.
    People,
    /// Decisions.
    Decisions,
    /// Positions.
    Positions,
    /// Actions.
    Actions,
    /// Open questions.
    OpenQuestions,
    /// Key figures.
    Figures,
    /// Terms.
    Terms,
}

/// A list with a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its kind.
    pub kind: ListKind,
    /// Its title in the language of the summary.
    pub title: &'static str,
    /// Its entries, at least one.
    pub entries: Vec<Entry>,
}

/// An entry of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The printed text, on one line.
    pub text: String,
    /// Who is to act, for an action.
    pub owner: Option<String>,
    /// By when, for an action.
    pub due: Option<String>,
    /// `promised`, `assigned`, `in progress`, `planned`, `considered`, `hoped for` or `expected`, for an action.
    pub status: Option<String>,
    /// The parts of the transcript that it rests on.
    pub spans: Vec<Span>,
}

impl List {
    /// The entries of a kind under their title in the language with this code.
    pub(crate) fn titled(kind: ListKind, language: Option<&str>, entries: Vec<Entry>) -> Self {
        let title = titles(language).of_list(kind);
        Self {
            kind,
            title,
            entries,
        }
    }

    /// Drops the entry that matters least: of tasks, which come in the order of their dates, the last one that nobody promised or was
    /// assigned; of others, the last.
    fn drop_least(&mut self) {
        if !self.drop_vague() {
            self.entries.pop();
        }
    }

    /// Drops the last task that has no date, and that nobody promised or was assigned, if there is one.
    fn drop_vague(&mut self) -> bool {
        let is_vague = |entry: &Entry| {
            let status = entry.status.as_deref();
            matches!(
                status,
                Some("expected" | "hoped for" | "considered" | "in progress")
            ) && entry.due.is_none()
        };
        let vague = self.entries.iter().rposition(is_vague);
        vague.map(|at| self.entries.remove(at)).is_some()
    }

    /// Words of the list with its title; none if it has no entries.
    fn length(&self) -> usize {
        match self.entries.is_empty() {
            true => 0,
            false => words::count(&self.text()),
        }
    }

    /// The list as text: its title, and a line for each entry.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self
            .entries
            .iter()
            .map(|entry| format!("- {}\n", entry.text));
        format!("{}\n\n{}", self.title, lines.collect::<String>())
    }
}

/// Words of all `lists`.
pub(crate) fn length(lists: &[List]) -> usize {
    lists.iter().map(List::length).sum()
}

/// The lists for a summary of `target` words, with titles by `title`. `labels` are the speakers in the transcript.
pub(crate) fn of(
    outline: &Outline,
    labels: &[String],
    target: usize,
    title: impl Fn(ListKind) -> &'static str,
) -> Vec<List> {
    let points = |kind| {
        let points = outline.of_kind(kind);
        points.map(|found| point(found, labels)).collect::<Vec<_>>()
    };
    let people = outline
        .people
        .iter()
        .filter(|person| !person.role.is_empty());
    let terms = outline.terms.iter().filter(|term| !term.meaning.is_empty());
    let mut lists: Vec<List> = [
        (ListKind::People, people.map(person).collect()),
        (ListKind::Decisions, points(PointKind::Decision)),
        (ListKind::Positions, points(PointKind::Position)),
        (ListKind::Actions, points(PointKind::Action)),
        (ListKind::OpenQuestions, points(PointKind::Open)),
        (ListKind::Figures, points(PointKind::Figure)),
        (ListKind::Terms, terms.map(term).collect()),
    ]
    .into_iter()
    .map(|(kind, entries)| List {
        kind,
        title: title(kind),
        entries,
    })
    .collect();
    let share = |share: f64| (target as f64 * share) as usize;
    let actions = lists.iter_mut().find(|list| list.kind == ListKind::Actions);
    let of_actions = actions.map_or(0, |actions| {
        while actions.length() > share(VAGUE_ACTIONS_SHARE) && actions.drop_vague() {}
        while actions.length() > share(ACTIONS_SHARE) {
            actions.drop_least();
        }
        actions.length()
    });
    let most = share(OTHERS_SHARE).max(share(LISTS_SHARE).saturating_sub(of_actions));
    let of_others = |lists: &[List]| length(lists) - of_actions;
    for kind in IN_THE_TEXT {
        // A few of many figures tell less than none.
        if of_others(&lists) > most {
            lists.retain(|list| list.kind != kind);
        }
    }
    while of_others(&lists) > most {
        let others = lists
            .iter_mut()
            .filter(|list| list.kind != ListKind::Actions);
        // The entries of a kind come in the order of their importance.
        let longest = others.max_by_key(|list| {
            let words = list.length();
            (list.kind == ListKind::Terms && words > 0, words)
        });
        let Some(list) = longest else { break };
        list.drop_least();
    }
    lists.retain(|list| !list.entries.is_empty());
    lists
}

/// Shortens `lists` by about `excess` words, as far as they hold what the sections tell anyway: terms, then key figures.
pub(crate) fn give_way(lists: &mut Vec<List>, excess: usize) {
    let least = length(lists).saturating_sub(excess);
    for kind in [ListKind::Terms, ListKind::Figures] {
        while length(lists) > least
            && let Some(list) = lists.iter_mut().find(|list| list.kind == kind)
        {
            list.entries.pop();
            lists.retain(|list| !list.entries.is_empty());
        }
    }
}

/// Puts entries that stand in the order of their importance into that of time, as the record of an operation is read. `second` is
/// when something was said, by its place.
pub(crate) fn put_in_order_of_time(lists: &mut [List], second: impl Fn(usize) -> Option<usize>) {
    use ListKind::{Decisions, Figures, OpenQuestions, Positions};
    let is_ranked =
        |list: &&mut List| matches!(list.kind, Decisions | Positions | OpenQuestions | Figures);
    for list in lists.iter_mut().filter(is_ranked) {
        list.entries.sort_by_cached_key(|entry| {
            // What is decided was talked of before.
            let last = entry.spans.iter().map(|span| span.start).max();
            first_time(&entry.text).or_else(|| second(last?))
        });
    }
}

/// The earliest time of day or of a clock, such as `4:26:03`, in seconds: what else an entry tells of is still to come.
fn first_time(text: &str) -> Option<usize> {
    let clocks = text.split(|c: char| !c.is_ascii_digit() && c != ':');
    let seconds = clocks.filter_map(|clock| {
        let mut parts = clock.trim_matches(':').split(':').map(str::parse::<usize>);
        match [parts.next(), parts.next(), parts.next(), parts.next()] {
            [
                Some(Ok(hours @ ..=99)),
                Some(Ok(minutes)),
                Some(Ok(seconds)),
                None,
            ] => Some((hours * 60 + minutes.min(60)) * 60 + seconds.min(60)),
            _ => None,
        }
    });
    seconds.min()
}

fn person(person: &Person) -> Entry {
    Entry {
        text: words::capitalized(&format!("{}: {}", person.name, person.role)),
        ..Entry::default()
    }
}

fn term(term: &Term) -> Entry {
    Entry {
        text: format!("{}: {}", term.term, term.meaning),
        ..Entry::default()
    }
}

fn point(point: &Point, labels: &[String]) -> Entry {
    let Point {
        kind,
        text,
        subject,
        due,
        status,
        spans,
    } = point;
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let is_action = *kind == PointKind::Action;
    let mut line = match kind {
        PointKind::Action | PointKind::Figure => format!("{subject}: {text}"),
        _ => text.clone(),
    };
    // The model's own words, or the speaker's, may have the date.
    let is_told = text.to_lowercase().contains(&due.to_lowercase());
    let due_note = if is_told { "" } else { due.as_str() };
    let notes: Vec<&str> = [due_note, status]
        .into_iter()
        .filter(|note| !note.is_empty())
        .collect();
    if is_action && !notes.is_empty() {
        line = format!("{} ({})", line.trim_end_matches('.'), notes.join("; "));
    }
    // A label stays as it is written, so that it can be renamed.
    let is_labelled = line
        .split_once(": ")
        .is_some_and(|(before, _)| labels.iter().any(|label| label == before));
    Entry {
        text: match is_labelled {
            true => line,
            false => words::capitalized(&line),
        },
        owner: given(subject).filter(|_| is_action),
        due: given(due).filter(|_| is_action),
        status: given(status).filter(|_| is_action),
        spans: spans.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_at_the_start_of_an_entry_stays_as_it_is_written() {
        let decision = |text: &str| Point {
            kind: PointKind::Decision,
            text: text.to_owned(),
            subject: String::new(),
            due: String::new(),
            status: String::new(),
            spans: Vec::new(),
        };
        let outline = Outline {
            points: vec![
                decision("spk_0: We go on Monday."),
                decision("the budget: it is cut."),
            ],
            ..Outline::default()
        };
        let lists = of(&outline, &["spk_0".to_owned()], 1000, |_| "Decisions");
        let texts: Vec<&str> = lists
            .iter()
            .flat_map(|list| &list.entries)
            .map(|entry| entry.text.as_str())
            .collect();
        assert_eq!(texts, ["spk_0: We go on Monday.", "The budget: it is cut."]);
    }

    #[test]
    fn a_list_that_would_be_a_fragment_is_left_to_the_text() {
        let point = |kind, nth: usize| Point {
            kind,
            text: format!("what {nth} was about, told in quite a few words"),
            subject: format!("{nth}"),
            due: String::new(),
            status: String::new(),
            spans: Vec::new(),
        };
        let kinds = [PointKind::Action, PointKind::Figure];
        let points = kinds
            .into_iter()
            .flat_map(|kind| (0..8).map(move |nth| point(kind, nth)));
        let outline = Outline {
            points: points.collect(),
            ..Outline::default()
        };
        let counts = |target| {
            let lists = of(&outline, &[], target, |_| "Title");
            let counts = lists.iter().map(|list| (list.kind, list.entries.len()));
            counts.collect::<Vec<_>>()
        };
        let (actions, figures) = (ListKind::Actions, ListKind::Figures);
        assert_eq!(counts(4000), [(actions, 8), (figures, 8)]);
        assert!(matches!(counts(360)[..], [(ListKind::Actions, 1..8)]));
    }

    #[test]
    fn the_date_of_a_task_is_told_once() {
        for (text, expected) in [
            ("send the paper", "Ada: send the paper (May 3; promised)"),
            ("send it by may 3", "Ada: send it by may 3 (promised)"),
        ] {
            let action = Point {
                kind: PointKind::Action,
                text: text.to_owned(),
                subject: "Ada".to_owned(),
                due: "May 3".to_owned(),
                status: "promised".to_owned(),
                spans: Vec::new(),
            };
            let entry = super::point(&action, &[]);
            assert_eq!(
                (entry.text.as_str(), entry.due.as_deref()),
                (expected, Some("May 3"))
            );
        }
    }

    #[test]
    fn what_is_merely_hoped_for_takes_little_room() {
        let action = |nth: usize| Point {
            kind: PointKind::Action,
            text: format!("see to matter {nth}, with all that this may take"),
            subject: "Ada".to_owned(),
            due: if nth == 29 { "May 3" } else { "" }.to_owned(),
            status: ["promised", "hoped for"][nth % 2].to_owned(),
            spans: Vec::new(),
        };
        let outline = Outline {
            points: (0..30).map(action).collect(),
            ..Outline::default()
        };
        let lists = of(&outline, &[], 4000, |_| "Actions");
        let statuses = lists[0].entries.iter().map(|entry| entry.status.as_deref());
        let firm = statuses
            .filter(|status| *status == Some("promised"))
            .count();
        assert_eq!(firm, 15);
        assert!(length(&lists) <= 200 + 25, "{}", length(&lists));
        // Somebody waits for what has a date.
        assert!(lists[0].entries.iter().any(|entry| entry.due.is_some()));
    }

    #[test]
    fn what_few_actions_leave_is_for_other_lists() {
        let point = |kind, nth: usize| Point {
            kind,
            text: format!("matter {nth} was settled after the report of the engineer was heard"),
            subject: "Ada".to_owned(),
            due: String::new(),
            status: "promised".to_owned(),
            spans: Vec::new(),
        };
        let lengths = |actions: usize| {
            let actions = (0..actions).map(|nth| point(PointKind::Action, nth));
            let decisions = (0..60).map(|nth| point(PointKind::Decision, nth));
            let outline = Outline {
                points: actions.chain(decisions).collect(),
                ..Outline::default()
            };
            let lists = of(&outline, &[], 2000, |_| "Title");
            let (actions, decisions): (Vec<List>, Vec<List>) = lists
                .into_iter()
                .partition(|list| list.kind == ListKind::Actions);
            (length(&actions), length(&decisions))
        };
        let line = 11;
        for (actions, most_actions, most_decisions) in [(0, 0, 440), (6, 95, 349), (40, 300, 320)] {
            let (actions, decisions) = lengths(actions);
            assert!(actions <= most_actions, "{actions}");
            let about = most_decisions - line..=most_decisions;
            assert!(about.contains(&decisions), "{actions} {decisions}");
        }
    }

    #[test]
    fn what_the_sections_tell_anyway_gives_way() {
        let list = |kind| {
            let entries = ["One", "Two"].map(|text| Entry {
                text: text.to_owned(),
                ..Entry::default()
            });
            List::titled(kind, None, entries.into())
        };
        use ListKind::{Actions, Figures, Terms};
        let after = |excess| {
            let mut lists = [Actions, Figures, Terms].map(list).to_vec();
            give_way(&mut lists, excess);
            let lists = lists.iter().map(|list| (list.kind, list.entries.len()));
            lists.collect::<Vec<_>>()
        };
        assert_eq!(after(0), [(Actions, 2), (Figures, 2), (Terms, 2)]);
        assert_eq!(after(1), [(Actions, 2), (Figures, 2), (Terms, 1)]);
        assert_eq!(after(4), [(Actions, 2), (Figures, 2)]);
        assert_eq!(after(100), [(Actions, 2)]);
    }

    #[test]
    fn the_record_of_an_operation_is_told_in_the_order_of_time() {
        let entry = |text: &str, at: &[usize]| Entry {
            text: text.to_owned(),
            spans: at.iter().map(|at| (*at..at + 1).into()).collect(),
            ..Entry::default()
        };
        let entries = [
            entry("Clock to 4:32:37 at 4:26:03", &[0]),
            entry("Late", &[1, 9]),
            entry("Go, at 0:05:30:", &[8]),
            entry("Early", &[2]),
        ];
        let list = |kind| List::titled(kind, None, entries.to_vec());
        let mut lists = [list(ListKind::Decisions), list(ListKind::Actions)];
        put_in_order_of_time(&mut lists, |at| Some(at * 3600));
        let told = |list: &List| list.entries.iter().map(|one| one.spans[0].start).collect();
        let [decisions, actions]: [Vec<usize>; 2] = lists.each_ref().map(told);
        assert_eq!((decisions, actions), (vec![8, 2, 0, 1], vec![0, 1, 8, 2]));
    }
}
