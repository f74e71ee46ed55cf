//! The report as people read it.

use presence_router::diagnostic::visible;

use super::super::output::count;
use super::report::{
    Against, Costliest, Growth, Memory, Operation, Ratio, Report, Rule, Spread, Subject,
};

/// From so many blocks on something is told of a ratio.
const FEWEST: usize = 10;

/// Of a rule's text and of a user as many characters are shown.
const TEXT: usize = 60;

/// A time in three figures: `57 ns`, `1.23 us`, `4.5 ms`, `2.31 s`.
pub fn time(ns: f64) -> String {
    let (number, unit) = match ns {
        ..1e3 => return format!("{ns:.0} ns"),
        ..1e6 => (ns / 1e3, "us"),
        ..1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    let digits = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{number:.digits$} {unit}")
}

/// `1.2 MiB`.
pub fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        ..1024.0 => format!("{bytes:.0} B"),
        ..1_048_576.0 => format!("{:.0} KiB", bytes / 1024.0),
        ..1_073_741_824.0 => format!("{:.1} MiB", bytes / 1_048_576.0),
        _ => format!("{:.2} GiB", bytes / 1_073_741_824.0),
    }
}

/// `12,345`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What is measured, in a few words.
pub fn title(subject: &Subject) -> String {
    match (&subject.policy, &subject.workload) {
        (Some(policy), _) => visible(policy).into_owned(),
        (None, Some(workload)) => {
            let scale = workload.scale;
            format!("{} x {scale}, seed {}", workload.name, workload.seed)
        }
        (None, None) => String::new(),
    }
}

/// What one call of an operation is.
pub fn meaning(operation: &str) -> &'static str {
    match operation {
        "load" => "the policy from its files, up to being able to answer",
        "sees" => "whether one recipient receives one sender",
        "recipients_of" => "the list of who receives a sender",
        "senders_for" => "the list of whose presence a recipient receives",
        "route" => "a batch of 50 updates, dealt out to their recipients",
        "join_and_leave" => "a user joins a room and leaves it",
        "reload_unchanged" => "a reload that finds the files as they were",
        _ => "",
    }
}

/// How large a rule set is.
pub fn extent(subject: &Subject) -> String {
    let (rules, groups) = (count(subject.rules, "rule"), count(subject.groups, "group"));
    format!("{rules}, {groups}, {}", size(subject.bytes))
}

/// Who is known.
pub fn known(report: &Report) -> String {
    let directory = &report.directory;
    let (users, rooms) = (
        count(directory.users, "known user"),
        count(directory.rooms, "room"),
    );
    format!("{users}, {rooms}")
}

/// A text of so many characters at most.
pub fn short(text: &str) -> String {
    let text = visible(text);
    match text.char_indices().nth(TEXT) {
        None => text.into_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

pub const UNOPTIMISED: &str =
    "this program was built without optimising, so that its times say nothing about one that was";

pub const CAUTION: &str = "Times are of this machine and of this minute: what else it did is in them, \
most of all in p99 and worst. Believe ratios found in one run, and run again before you believe a \
small difference.";

/// More waiting than this is worth a word.
const BUSY_PERCENT: f64 = 5.0;

/// A word about a machine that was not free.
pub fn busy(report: &Report) -> Option<String> {
    let waited = report
        .waited_percent
        .filter(|waited| *waited >= BUSY_PERCENT)?;
    Some(format!(
        "The machine was busy: for {waited:.0} % of the time this program waited for a processor."
    ))
}

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut out = Lines::default();
    out.line(format!(
        "{}: {}",
        title(&report.subject),
        extent(&report.subject)
    ));
    out.line(known(report));
    match &report.against {
        None => {
            out.line("");
            out.line(loading(&report.load, report.memory.as_ref()));
            operations(&mut out, &report.operations);
        }
        Some(against) => {
            out.line(format!(
                "against {}: {}",
                title(&against.subject),
                extent(&against.subject)
            ));
            out.line("");
            out.line(format!(
                "first:   {}",
                loading(&report.load, report.memory.as_ref())
            ));
            out.line(format!(
                "against: {}",
                loading(&against.load, against.memory.as_ref())
            ));
            side_by_side(&mut out, report, against);
        }
    }
    if let Some(costliest) = &report.costliest {
        costly(
            &mut out,
            costliest,
            report.directory.users,
            report.subject.rules,
        );
    }
    if let Some(growth) = &report.growth {
        grown(&mut out, growth);
    }
    out.line("");
    out.wrapped(CAUTION);
    if let Some(busy) = busy(report) {
        out.wrapped(&busy);
    }
    out.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref().trim_end());
        self.0.push('\n');
    }

    /// Columns as wide as they must be, all but the last `left` ones on the right.
    fn table(&mut self, rows: &[Vec<String>], left: impl Fn(usize) -> bool) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let mut line = String::from(" ");
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                match left(column) {
                    true => line.push_str(&format!(" {cell:<width$} ")),
                    false => line.push_str(&format!(" {cell:>width$} ")),
                }
            }
            self.line(line);
        }
    }

    fn wrapped(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split(' ') {
            if line.len() + word.len() > 98 {
                self.line(&line);
                line.clear();
            }
            line.push_str(word);
            line.push(' ');
        }
        self.line(line);
    }
}

fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn loading(load: &Spread, memory: Option<&Memory>) -> String {
    let loads = count(load.calls, "load");
    let memory = memory.map(|memory| {
        let (kept, peak) = (size(memory.kept_bytes), size(memory.peak_bytes));
        format!("; {kept} kept, {peak} at the peak of a load")
    });
    let (median, worst) = (time(load.median_ns as f64), time(load.worst_ns as f64));
    let memory = memory.unwrap_or_default();
    format!("load {median} (median of {loads}, worst {worst}){memory}")
}

fn operations(out: &mut Lines, operations: &[Operation]) {
    out.line("");
    out.table(&operation_rows(operations), |column| column == 0);
}

fn operation_rows(operations: &[Operation]) -> Vec<Vec<String>> {
    let head = cells(["operation", "mean", "median", "p99", "worst", "calls"]);
    let mut rows = vec![head];
    for Operation { name, spread } in operations {
        rows.push(vec![
            (*name).to_owned(),
            time(spread.mean_ns),
            time(spread.median_ns as f64),
            time(spread.p99_ns as f64),
            time(spread.worst_ns as f64),
            number(spread.calls as u64),
        ]);
    }
    rows
}

/// What a ratio says in words.
pub fn in_words(ratio: &Ratio) -> String {
    match ratio.ratio {
        _ if ratio.rounds < FEWEST => "too few blocks to tell".to_owned(),
        _ if ratio.noise => "noise".to_owned(),
        times @ 1.0.. => format!("takes {times:.2} times as long"),
        times => format!("{:.2} times as fast", 1.0 / times),
    }
}

fn side_by_side(out: &mut Lines, report: &Report, against: &Against) {
    out.line("");
    out.line(
        "in turn, on the same questions: what a call took of the processors, and against / first",
    );
    let head = [
        "operation",
        "first",
        "against",
        "ratio",
        "from",
        "to",
        "blocks",
        "",
    ];
    let mut rows = vec![cells(head)];
    for ratio in &against.ratios {
        let mut row = vec![ratio.name.to_owned()];
        row.extend([ratio.first_ns, ratio.against_ns].map(time));
        row.extend([ratio.ratio, ratio.low, ratio.high].map(|ratio| format!("{ratio:.2}")));
        row.push(ratio.rounds.to_string());
        row.push(in_words(ratio));
        rows.push(row);
    }
    out.table(&rows, |column| column == 0 || column == 7);
    for (title, operations) in [
        ("first", &report.operations),
        ("against", &against.operations),
    ] {
        out.line("");
        out.line(format!("{title}: single calls by the clock"));
        out.table(&operation_rows(operations), |column| column == 0);
    }
    out.line("");
    out.line(answers(against));
}

/// Whether the two say the same.
pub fn answers(against: &Against) -> String {
    let answers = &against.answers;
    let asked = count(answers.senders_asked, "sender");
    let Some(example) = &answers.example else {
        return format!("answers: the same recipients for all {asked} asked about");
    };
    let which = if example.first_sends {
        "the first"
    } else {
        "the other"
    };
    format!(
        "answers: other recipients for {} of {asked} asked about; only {which} sends {} to {}",
        number(answers.senders_that_differ as u64),
        visible(&example.sender),
        visible(&example.recipient),
    )
}

/// Which of the rules were counted.
pub fn counted(costliest: &Costliest, rules: usize) -> String {
    let (counted, rules) = (costliest.rules_counted as u64, rules as u64);
    match counted == rules {
        true => format!("all {}", number(rules)),
        false => format!(
            "the first {} of {}; a longer `--time` counts more",
            number(counted),
            number(rules)
        ),
    }
}

fn costly(out: &mut Lines, costliest: &Costliest, users: usize, rules: usize) {
    let asked = number(costliest.senders_asked as u64);
    let users = number(users as u64);
    out.line("");
    out.line(format!(
        "the costliest senders: time of recipients_of, of {asked} asked about ({users} known)"
    ));
    let mut rows = vec![cells(["time", "recipients", "sender"])];
    for sender in &costliest.senders {
        rows.push(vec![
            time(sender.median_ns as f64),
            number(sender.recipients as u64),
            short(&sender.sender),
        ]);
    }
    out.table(&rows, |column| column == 2);
    if rules > 0 {
        out.line("");
        out.line(format!(
            "the costliest rules: known senders x known recipients, of {}",
            counted(costliest, rules)
        ));
        if !costliest.rules.is_empty() {
            out.table(&rule_rows(&costliest.rules), |column| column > 2);
        }
    }
    if costliest.rules_that_look_at_all > 0 {
        out.line("");
        out.line(format!(
            "rules with a selector that looks at every known user: {}",
            number(costliest.rules_that_look_at_all as u64)
        ));
        out.table(&rule_rows(&costliest.looks_at_all), |column| column > 2);
    }
}

fn rule_rows(rules: &[Rule]) -> Vec<Vec<String>> {
    let mut rows = vec![cells(["pairs", "senders", "recipients", "place", "rule"])];
    for rule in rules {
        rows.push(vec![
            number(rule.pairs),
            number(rule.senders as u64),
            number(rule.recipients as u64),
            place(rule),
            short(&rule.text),
        ]);
    }
    rows
}

/// Where a rule stands.
pub fn place(rule: &Rule) -> String {
    format!("{}:{}:{}", visible(&rule.file), rule.line, rule.column)
}

/// How the sizes were made.
pub fn how(growth: &Growth) -> &'static str {
    match growth.how {
        "scaled" => "the workload made in other scales",
        "copied" => "rules, groups, rooms and users copied under other names",
        _ => "every second, every fourth rule and user alone",
    }
}

fn grown(out: &mut Lines, growth: &Growth) {
    out.line("");
    out.line(format!("when users and rules double ({})", how(growth)));
    let mut head = vec!["operation".to_owned()];
    head.extend(
        growth
            .sizes
            .iter()
            .map(|size| format!("x{}: {} users", size.factor, number(size.users as u64))),
    );
    head.extend(cells(["doubled", "power"]));
    let mut rows = vec![head];
    for grown in &growth.operations {
        let mut row = vec![grown.name.to_owned()];
        row.extend(grown.time_ns.iter().map(|ns| time(*ns)));
        row.push(format!("x {:.2}", grown.ratio_when_doubled));
        row.push(format!("{:.2}", grown.exponent));
        rows.push(row);
    }
    out.table(&rows, |column| column == 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(time(57.4), "57 ns");
        assert_eq!(time(1_234.0), "1.23 us");
        assert_eq!(time(45_600.0), "45.6 us");
        assert_eq!(time(999_400_000.0), "999 ms");
        assert_eq!(time(2.5e9), "2.50 s");
        assert_eq!(size(512), "512 B");
        assert_eq!(size(3 << 20), "3.0 MiB");
        assert_eq!(number(7), "7");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(short(&"é".repeat(61)).chars().count(), 61);
        assert_eq!(short("@a\u{202e}b"), "@a\\u{202e}b");
    }
}
