//! One text into its statements, with every problem in it.
//!
//! Law: a statement that cannot be read is one problem and hides no other statement's. The cost is
//! linear in the text.

use pest::Parser as _;
use pest::error::Error;
use pest::iterators::{Pair, Pairs};

use super::ast::{Action, Kind, Rule as AstRule, Selector, Statement, Word};
use super::grammar::{Grammar, Rule};
use super::layout::{BLANKS, Logical, MAX_DEPTH, must_start, next_line, resume_after};
use super::left::Left;
use super::mistake::{
    Broken, Known, begins, between_lines, broken_in_two, explain, is_statement, stuck_at,
    users_alone,
};
use crate::diagnostic::{Diagnostic, Name};
use crate::source::{SourceId, Span};

/// Reads all statements of a text; what cannot be read is added to `problems`, and the place of
/// each comment is told to `comment`, in order.
///
/// Costs the grammar's time for each statement.
pub fn parse(
    source: SourceId,
    text: &str,
    problems: &mut Vec<Diagnostic>,
    comment: &mut dyn FnMut(Span),
) -> Vec<Statement> {
    let mut told = |from, to| comment(Span::new(source, from, to));
    let left = Left::of(source, text);
    let seen = left.seen(text);
    let mut reading = Reading::of(source, &seen, 0);
    if !left.is_empty() {
        problems.extend(left.problems(text));
        reading.left = Some((&left, text));
    }
    let before = problems.len();
    reading.until(usize::MAX, problems, &mut told);
    let mut statements = reading.statements;
    if !left.is_empty() {
        let found = problems.split_off(before);
        problems.extend(found.into_iter().filter(|problem| !left.explains(problem)));
    }
    statements.extend(left.groups(text, &statements));
    statements
}

/// A text on its way to statements.
pub(super) struct Reading<'a> {
    source: SourceId,
    text: &'a str,
    /// Where reading goes on.
    at: usize,
    known: Known<'a>,
    rescans: Rescans,
    /// Up to here an unclosed `(` took in lines, which may be the list that it opens.
    swallowed: usize,
    /// Where the last line ends that was told to be nothing but users.
    alone: usize,
    /// Where the last statement ends that could be read.
    good: usize,
    /// What other programs left in the text, and the text with it.
    left: Option<(&'a Left, &'a str)>,
    /// What was read.
    pub(super) statements: Vec<Statement>,
}

impl<'a> Reading<'a> {
    /// Nothing read yet; `at` is the start of a line.
    pub(super) fn of(source: SourceId, text: &'a str, at: usize) -> Self {
        Reading {
            source,
            text,
            at,
            known: Known::new(text),
            rescans: Rescans::of(text),
            swallowed: 0,
            alone: 0,
            good: 0,
            left: None,
            statements: Vec::new(),
        }
    }

    /// Where the next statement starts; `None` if none is left.
    pub(super) fn next_start(&self) -> Option<usize> {
        let line = next_line(self.text, self.at, &mut |_, _| {});
        line.map(|line| line.start)
    }

    /// Reads the statements that start before byte `end`, and gives the start of the next one, if
    /// there is one.
    pub(super) fn until(
        &mut self,
        end: usize,
        problems: &mut Vec<Diagnostic>,
        told: &mut dyn FnMut(usize, usize),
    ) -> Option<usize> {
        while self.at < self.text.len() {
            let seen = self.rescans.visible(self.text, self.at);
            let Some(line) = next_line(seen, self.at, told) else {
                self.at = seen.len();
                continue;
            };
            if line.start >= end {
                return Some(line.start);
            }
            self.at = line.next;
            if let Err(wrong) = self.statement(&line, problems) {
                self.statements
                    .extend(broken_group(self.source, &line, &line.text));
                if line.unclosed.is_some() {
                    self.at = resume_after(self.text, &line, wrong, begins);
                    self.rescans.resume(self.at, line.next);
                    self.swallowed = self.swallowed.max(line.next);
                }
            }
        }
        None
    }

    /// `Err` gives the byte at which a statement cannot be read, which is reported.
    fn statement(
        &mut self,
        line: &Logical<'_>,
        problems: &mut Vec<Diagnostic>,
    ) -> Result<(), usize> {
        let source = self.source;
        if let Some(wrong) = line.no_comment {
            let before = self.text.get(line.start..wrong).unwrap_or_default();
            problems.push(between_lines(source, self.text, wrong, before));
            return Err(wrong);
        }
        if let Some((left, text)) = self.left {
            let templates = left.in_statement(line, text);
            if !templates.is_empty() {
                problems.extend(templates);
                self.statements
                    .extend(broken_group(source, line, &line.text));
                return Ok(());
            }
        }
        // Only as far as parentheses are nested no deeper than allowed: the grammar recurses.
        let deep = line.too_deep.map(|deep| deep.saturating_sub(line.start));
        let readable = line.text.get(..deep.unwrap_or(line.text.len()));
        let readable = readable.unwrap_or_default();
        match tokens(readable) {
            Ok(pairs) if deep.is_none() => {
                let mut reader = Reader {
                    source,
                    line,
                    problems,
                };
                self.statements.extend(reader.read(pairs));
                self.good = line.start + line.text.len();
                Ok(())
            }
            // What is wrong before the deep parenthesis is what made it one, as where each of many
            // lines leaves one open.
            Err(error)
                if deep.is_none() || stuck_at(&error) < readable.trim_end_matches(BLANKS).len() =>
            {
                let (mut problem, wrong) = explain(source, line, &error, &self.known);
                if stuck_at(&error) >= line.text.len() && line.unclosed.is_none() {
                    if let Some(broken) = self.goes_on(line) {
                        self.at = broken.end;
                        if broken_group(source, line, &line.text).is_none() {
                            let group = broken_group(source, line, &broken.whole);
                            self.statements.extend(group);
                        }
                        problem = broken_in_two(problem, self.text, broken);
                    } else if is_users(&line.text) {
                        let told = line.start < self.swallowed || self.follows(self.alone, line);
                        self.alone = line.start + line.text.len();
                        if told {
                            return Err(wrong);
                        }
                        if self.follows(self.good, line) {
                            problem = users_alone(problem, &line.text);
                        }
                    }
                }
                problems.push(problem);
                Err(wrong)
            }
            _ => {
                let deep = line.too_deep.unwrap_or(line.start);
                problems.push(too_deep(Span::new(source, deep, deep + 1)));
                Err(deep)
            }
        }
    }
}

/// How many lines more a statement may have been broken into, and of how many bytes.
const BROKEN_INTO: usize = 3;
const BROKEN_BYTES: usize = 1_000;

impl Reading<'_> {
    /// Whether a line is the next one after a line that ends at byte `end`, or behind a comment on that.
    fn follows(&self, end: usize, line: &Logical<'_>) -> bool {
        let between = self.text.get(end..line.start).unwrap_or_default();
        end > 0 && between.split('\n').take(3).count() == 2
    }

    /// The statement that a line and the next ones make together and not alone.
    fn goes_on(&self, line: &Logical<'_>) -> Option<Broken> {
        let mut whole = line.text.to_string();
        let mut end = line.start + whole.len();
        let mut between = Vec::new();
        // An unclosed `(` would take in all that follows, and each line before it would look at that.
        let seen = self
            .text
            .floor_char_boundary(end.saturating_add(BROKEN_BYTES));
        let seen = self.text.get(..seen).unwrap_or_default();
        for _ in 0..BROKEN_INTO {
            let next = next_line(seen, end, &mut |_, _| {})?;
            let cut = next.next >= seen.len() && seen.len() < self.text.len();
            let new = must_start(seen, next.start) || is_statement(&next.text);
            let bytes = whole.len() + next.text.len();
            let odd = next.unclosed.is_some() || next.no_comment.is_some();
            if cut || new || odd || !self.known.spend(bytes) {
                return None;
            }
            whole = format!("{whole} {}", next.text);
            between.push((end, next.start));
            end = next.start + next.text.len();
            if is_statement(&whole) {
                return Some(Broken {
                    whole,
                    end,
                    between,
                });
            }
        }
        None
    }
}

/// Whether a line is nothing but users, as each line of a list is.
fn is_users(line: &str) -> bool {
    is_statement(&format!(
        "block {}",
        line.trim_end_matches([',', ' ', '\t'])
    ))
}

/// The tokens of one statement.
fn tokens(text: &str) -> Result<Pairs<'_, Rule>, Box<Error<Rule>>> {
    let odd = |byte: u8| matches!(byte, b'\t' | b'\r' | b'"' | b'(' | b')');
    if !text.bytes().any(odd)
        && let Ok(pairs) = Grammar::parse(Rule::plain, text)
    {
        return Ok(pairs);
    }
    Grammar::parse(Rule::line, text).map_err(Box::new)
}

/// Keeps reading linear. An unclosed `(` takes in all lines up to the next sure statement, and
/// after its error they are read again; if each of them holds one, that is the square of their
/// number. What is read again is paid from a budget, and once that is spent, lines that were taken
/// in already are read singly: a `(` among them then ends with its line.
struct Rescans {
    /// How many bytes may still be read again.
    budget: usize,
    /// Up to here lines are read singly.
    singly: usize,
}

/// How often, on average, a text may be read again.
const RESCANS: usize = 8;

impl Rescans {
    fn of(text: &str) -> Self {
        Rescans {
            budget: text.len().saturating_mul(RESCANS),
            singly: 0,
        }
    }

    /// Reading goes on at `at` although it had come to `end`.
    fn resume(&mut self, at: usize, end: usize) {
        match self.budget.checked_sub(end.saturating_sub(at)) {
            Some(left) => self.budget = left,
            None => self.singly = self.singly.max(end),
        }
    }

    /// The part of a text in which the statement that begins at `at` may end.
    fn visible<'t>(&self, text: &'t str, at: usize) -> &'t str {
        if at >= self.singly {
            return text;
        }
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find('\n').map_or(text.len(), |n| at + n + 1);
        text.get(..end).unwrap_or(text)
    }
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(
        Name::TooLarge,
        span,
        format!("parentheses are nested over {MAX_DEPTH} deep"),
        "give the inner part a name with `group NAME = ...` and use that",
    )
}

/// The name that a group statement defines although the rest of it cannot be read, so that its uses
/// are not called unknown as well.
fn broken_group(source: SourceId, line: &Logical<'_>, text: &str) -> Option<Statement> {
    let rest = text.strip_prefix("group")?;
    let name_and_rest = rest.trim_start_matches([' ', '\t']);
    let end = name_and_rest.find([' ', '\t', '=', ':'])?;
    let (name, rest) = name_and_rest.split_at(end);
    let rest = rest.trim_start_matches([' ', '\t']);
    let word = rest.split([' ', '\t']).next().unwrap_or_default();
    let defines = rest.starts_with(['=', ':', '@', '"', '(', '[', '{'])
        || word.starts_with("from")
        || super::mistake::DEFINES.contains(&word);
    if name_and_rest.len() == rest.len() || !defines {
        return None;
    }
    let start = text.len() - name_and_rest.len();
    if start + name.len() > line.text.len() {
        return None;
    }
    let start = line.start + start;
    let span = Span::new(source, start, start + name.len());
    Some(Statement::BrokenGroup(Word {
        span,
        quoted: false,
    }))
}

/// Walks the tokens of one statement.
struct Reader<'a, 'p> {
    source: SourceId,
    line: &'a Logical<'a>,
    problems: &'p mut Vec<Diagnostic>,
}

impl Reader<'_, '_> {
    fn read(&mut self, pairs: Pairs<'_, Rule>) -> Option<Statement> {
        let statement = pairs.into_iter().next()?;
        let span = self.span(&statement);
        let rule = statement.as_rule();
        let mut parts = significant(statement);
        Some(match rule {
            Rule::server_statement => Statement::Server(self.word(parts.next()?)),
            Rule::group_statement | Rule::plain_group => {
                let name = self.word(parts.next()?);
                let value = parts.next()?;
                if value.as_rule() == Rule::string {
                    Statement::GroupFile(name, self.word(value))
                } else {
                    Statement::Group(name, self.selector(value)?)
                }
            }
            Rule::see_statement | Rule::plain_see => {
                let recipients = self.selector(parts.next()?)?;
                let senders = parts.next()?;
                let senders = if senders.as_rule() == Rule::each_other {
                    recipients.clone()
                } else {
                    self.selector(senders)?
                };
                self.rule(Action::Allow, senders, Some(recipients), span)
            }
            _ => {
                let action = match rule {
                    Rule::send_statement | Rule::plain_send => Action::Allow,
                    _ => Action::Block,
                };
                let senders = self.selector(parts.next()?)?;
                let recipients = match parts.next() {
                    Some(pair) => Some(self.selector(pair)?),
                    None => None,
                };
                self.rule(action, senders, recipients, span)
            }
        })
    }

    fn rule(
        &self,
        action: Action,
        senders: Selector,
        recipients: Option<Selector>,
        span: Span,
    ) -> Statement {
        Statement::Rule(AstRule {
            action,
            senders,
            recipients,
            span,
        })
    }

    fn selector(&mut self, pair: Pair<'_, Rule>) -> Option<Selector> {
        let span = self.span(&pair);
        if pair.as_rule() == Rule::plain_users {
            let parts = pair.into_inner().map(|part| self.atom(part));
            let parts = parts.collect::<Option<Vec<_>>>()?;
            return Some(one_or(parts, Kind::Union, span));
        }
        let mut parts = significant(pair);
        let base = self.union(parts.next()?)?;
        let Some(less) = parts.next() else {
            return Some(base);
        };
        let less = self.union(less)?;
        let kind = Kind::Except(Box::new(base), Box::new(less));
        Some(Selector { kind, span })
    }

    fn union(&mut self, pair: Pair<'_, Rule>) -> Option<Selector> {
        let span = self.span(&pair);
        let mut members: Vec<Selector> = Vec::new();
        let mut who_are = None;
        let parts: Vec<_> = pair.into_inner().collect();
        for (at, part) in parts.iter().enumerate() {
            match part.as_rule() {
                Rule::part => {
                    who_are = significant(part.clone()).skip(1).last();
                    members.push(self.part(part.clone())?);
                }
                Rule::bare_and => {
                    if let Some(last) = &who_are {
                        let next = parts.get(at + 1).map_or("...", |next| next.as_str().trim());
                        self.two_readings(part, self.span(last), next);
                    }
                }
                _ => {}
            }
        }
        Some(one_or(members, Kind::Union, span))
    }

    fn two_readings(&mut self, and: &Pair<'_, Rule>, last: Span, next: &str) {
        let start = (last.start as usize).saturating_sub(self.line.start);
        let end = (last.end as usize).saturating_sub(self.line.start);
        let last = self.line.text.get(start..end).unwrap_or_default();
        self.problems.push(Diagnostic::new(
            Name::Syntax,
            self.span(and),
            format!("`and` after `who are {last}` can be read two ways"),
            format!(
                "write `who are ({last}, {next})` for users in either, \
                 `who are {last} who are {next}` for users in both, \
                 or `who are {last}, {next}` to add users of another kind"
            ),
        ));
    }

    fn part(&mut self, pair: Pair<'_, Rule>) -> Option<Selector> {
        let span = self.span(&pair);
        let atoms = significant(pair).map(|atom| self.atom(atom));
        let atoms = atoms.collect::<Option<Vec<_>>>()?;
        Some(one_or(atoms, Kind::Both, span))
    }

    fn atom(&mut self, pair: Pair<'_, Rule>) -> Option<Selector> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if matches!(rule, Rule::user | Rule::plain_user) {
            let kind = Kind::User(self.word(pair));
            return Some(Selector { kind, span });
        }
        let mut parts = significant(pair);
        let kind = match rule {
            Rule::paren => return self.selector(parts.next()?),
            Rule::everyone => Kind::Everyone,
            Rule::users_on => Kind::Servers(parts.map(|word| self.word(word)).collect()),
            Rule::users_matching => Kind::Matching(self.span(&parts.next()?)),
            Rule::local_users => Kind::Local,
            Rule::remote_users => Kind::Remote,
            Rule::members => Kind::Members(parts.map(|word| self.word(word)).collect()),
            Rule::group | Rule::plain_group_use => Kind::Group(self.word(parts.next()?)),
            _ => return None,
        };
        Some(Selector { kind, span })
    }

    fn word(&self, pair: Pair<'_, Rule>) -> Word {
        Word {
            span: self.span(&pair),
            quoted: pair.as_str().starts_with('"'),
        }
    }

    /// A token's place in the file. Rules that end in an optional token can hold trailing blanks.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = self.line.start + pair.as_span().start();
        Span::new(
            self.source,
            start,
            start + pair.as_str().trim_end_matches(BLANKS).len(),
        )
    }
}

/// The children of a token that are no keywords and no marks.
fn significant(pair: Pair<'_, Rule>) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(|child| {
        matches!(
            child.as_rule(),
            Rule::selector
                | Rule::union
                | Rule::part
                | Rule::paren
                | Rule::everyone
                | Rule::user
                | Rule::users_on
                | Rule::users_matching
                | Rule::local_users
                | Rule::remote_users
                | Rule::members
                | Rule::group
                | Rule::each_other
                | Rule::plain_users
                | Rule::name
                | Rule::server
                | Rule::room
                | Rule::string
                | Rule::regex
        )
    })
}

fn one_or(mut list: Vec<Selector>, many: impl Fn(Vec<Selector>) -> Kind, span: Span) -> Selector {
    match list.len() {
        1 => list.swap_remove(0),
        _ => Selector {
            kind: many(list),
            span,
        },
    }
}

#[cfg(test)]
mod tests;
