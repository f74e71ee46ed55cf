//! Statements in few bytes: what is kept of a text once it is parsed.
//!
//! A statement is little more than places, and each place is near the one before. So each is written as
//! its distance from the last, in as many bytes as that needs: a rule about two users takes ten. What is
//! kept holds no source: it is named when statements are taken out, so that the same text may have
//! another number in another load.
//!
//! Law: what is taken out is what was put in.

use super::ast::{Action, Kind, Rule, Selector, Statement, Word};
use crate::source::{SourceId, Span};

/// The statements of a text or of a part of it.
#[derive(Debug, Default)]
pub struct Packed {
    rules: Box<[u8]>,
    count: usize,
    /// The `server` and `group` statements.
    others: Box<[u8]>,
}

impl Packed {
    /// Puts statements in. Costs one pass over them.
    pub fn new(statements: &[Statement]) -> Self {
        let (mut rules, mut others) = (Writer::default(), Writer::default());
        let mut count = 0;
        for statement in statements {
            match statement {
                Statement::Rule(rule) => {
                    rules.rule(rule);
                    count += 1;
                }
                other => others.other(other),
            }
        }
        Packed {
            rules: rules.bytes.into(),
            count,
            others: others.bytes.into(),
        }
    }

    /// Whether there is no statement.
    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.others.is_empty()
    }

    /// How many rules there are.
    pub fn rules_len(&self) -> usize {
        self.count
    }

    /// The rules in their order.
    pub fn rules(&self, source: SourceId) -> impl Iterator<Item = Rule> {
        let mut reader = Reader::new(source, &self.rules);
        std::iter::from_fn(move || reader.rule())
    }

    /// The `server` and `group` statements in their order.
    pub fn others(&self, source: SourceId) -> impl Iterator<Item = Statement> {
        let mut reader = Reader::new(source, &self.others);
        std::iter::from_fn(move || reader.other())
    }
}

/// What a number at the beginning of something says it is.
mod tag {
    pub(super) const SERVER: u32 = 0;
    pub(super) const GROUP: u32 = 1;
    pub(super) const GROUP_FILE: u32 = 2;
    pub(super) const BROKEN_GROUP: u32 = 3;

    pub(super) const BLOCK: u32 = 1;
    pub(super) const TO_EVERYONE: u32 = 0;
    pub(super) const TO_SOME: u32 = 2;
    pub(super) const TO_SENDERS: u32 = 4;

    pub(super) const EVERYONE: u32 = 0;
    pub(super) const USER: u32 = 1;
    pub(super) const QUOTED_USER: u32 = 2;
    pub(super) const SERVERS: u32 = 3;
    pub(super) const MATCHING: u32 = 4;
    pub(super) const LOCAL: u32 = 5;
    pub(super) const REMOTE: u32 = 6;
    pub(super) const MEMBERS: u32 = 7;
    pub(super) const IN_GROUP: u32 = 8;
    pub(super) const UNION: u32 = 9;
    pub(super) const BOTH: u32 = 10;
    pub(super) const EXCEPT: u32 = 11;
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    /// Where the last span began.
    at: u32,
}

impl Writer {
    /// Seven bits a byte, the lowest first; all bytes but the last have the eighth.
    fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    fn tag(&mut self, tag: u32) {
        self.number(tag.into());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn span(&mut self, span: Span) {
        let step = i64::from(span.start) - i64::from(self.at);
        self.at = span.start;
        // Small numbers for small steps back, too.
        self.number((step << 1 ^ step >> 63) as u64);
        self.number(span.end.saturating_sub(span.start).into());
    }

    fn word(&mut self, word: &Word) {
        self.span(word.span);
        self.number(word.quoted.into());
    }

    fn words(&mut self, words: &[Word]) {
        self.count(words.len());
        words.iter().for_each(|word| self.word(word));
    }

    fn rule(&mut self, rule: &Rule) {
        let action = match rule.action {
            Action::Allow => 0,
            Action::Block => tag::BLOCK,
        };
        let to = match &rule.recipients {
            None => tag::TO_EVERYONE,
            Some(same) if *same == rule.senders => tag::TO_SENDERS,
            Some(_) => tag::TO_SOME,
        };
        self.tag(action + to);
        self.span(rule.span);
        self.selector(&rule.senders);
        if let Some(recipients) = rule.recipients.as_ref().filter(|_| to == tag::TO_SOME) {
            self.selector(recipients);
        }
    }

    fn other(&mut self, statement: &Statement) {
        match statement {
            Statement::Server(server) => {
                self.tag(tag::SERVER);
                self.word(server);
            }
            Statement::Group(name, selector) => {
                self.tag(tag::GROUP);
                self.word(name);
                self.selector(selector);
            }
            Statement::GroupFile(name, path) => {
                self.tag(tag::GROUP_FILE);
                self.word(name);
                self.word(path);
            }
            Statement::BrokenGroup(name) => {
                self.tag(tag::BROKEN_GROUP);
                self.word(name);
            }
            Statement::Rule(_) => {}
        }
    }

    /// Recurses as deep as parentheses nest.
    fn selector(&mut self, selector: &Selector) {
        let tag = match &selector.kind {
            Kind::Everyone => tag::EVERYONE,
            Kind::User(word) if word.quoted => tag::QUOTED_USER,
            Kind::User(_) => tag::USER,
            Kind::Servers(_) => tag::SERVERS,
            Kind::Matching(_) => tag::MATCHING,
            Kind::Local => tag::LOCAL,
            Kind::Remote => tag::REMOTE,
            Kind::Members(_) => tag::MEMBERS,
            Kind::Group(_) => tag::IN_GROUP,
            Kind::Union(_) => tag::UNION,
            Kind::Both(_) => tag::BOTH,
            Kind::Except(..) => tag::EXCEPT,
        };
        self.tag(tag);
        self.span(selector.span);
        match &selector.kind {
            Kind::Everyone | Kind::Local | Kind::Remote => {}
            // A user is all there is of their selector.
            Kind::User(_) => {}
            Kind::Servers(words) | Kind::Members(words) => self.words(words),
            Kind::Matching(span) => self.span(*span),
            Kind::Group(name) => self.word(name),
            Kind::Union(list) | Kind::Both(list) => {
                self.count(list.len());
                list.iter().for_each(|part| self.selector(part));
            }
            Kind::Except(base, less) => {
                self.selector(base);
                self.selector(less);
            }
        }
    }
}

struct Reader<'a> {
    source: SourceId,
    bytes: std::slice::Iter<'a, u8>,
    at: u32,
}

impl<'a> Reader<'a> {
    fn new(source: SourceId, bytes: &'a [u8]) -> Self {
        let bytes = bytes.iter();
        let at = 0;
        Reader { source, bytes, at }
    }

    /// `None` behind the last one.
    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = *self.bytes.next()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn tag(&mut self) -> Option<u32> {
        self.number().map(|tag| tag as u32)
    }

    fn span(&mut self) -> Option<Span> {
        let step = self.number()?;
        let step = (step >> 1) as i64 ^ -((step & 1) as i64);
        let start = u32::try_from(i64::from(self.at) + step).ok()?;
        self.at = start;
        let end = start.saturating_add(self.number()? as u32);
        let source = self.source;
        Some(Span { source, start, end })
    }

    fn word(&mut self) -> Option<Word> {
        let span = self.span()?;
        let quoted = self.number()? == 1;
        Some(Word { span, quoted })
    }

    fn words(&mut self) -> Option<Vec<Word>> {
        let count = self.number()?;
        (0..count).map(|_| self.word()).collect()
    }

    fn rule(&mut self) -> Option<Rule> {
        let tag = self.tag()?;
        let action = match tag & tag::BLOCK {
            0 => Action::Allow,
            _ => Action::Block,
        };
        let span = self.span()?;
        let senders = self.selector()?;
        let recipients = match tag & !tag::BLOCK {
            tag::TO_EVERYONE => None,
            tag::TO_SENDERS => Some(senders.clone()),
            _ => Some(self.selector()?),
        };
        Some(Rule {
            action,
            senders,
            recipients,
            span,
        })
    }

    fn other(&mut self) -> Option<Statement> {
        Some(match self.tag()? {
            tag::SERVER => Statement::Server(self.word()?),
            tag::GROUP => Statement::Group(self.word()?, self.selector()?),
            tag::GROUP_FILE => Statement::GroupFile(self.word()?, self.word()?),
            _ => Statement::BrokenGroup(self.word()?),
        })
    }

    fn selector(&mut self) -> Option<Selector> {
        let tag = self.tag()?;
        let span = self.span()?;
        let kind = match tag {
            tag::EVERYONE => Kind::Everyone,
            tag::USER | tag::QUOTED_USER => Kind::User(Word {
                span,
                quoted: tag == tag::QUOTED_USER,
            }),
            tag::SERVERS => Kind::Servers(self.words()?),
            tag::MATCHING => Kind::Matching(self.span()?),
            tag::LOCAL => Kind::Local,
            tag::REMOTE => Kind::Remote,
            tag::MEMBERS => Kind::Members(self.words()?),
            tag::IN_GROUP => Kind::Group(self.word()?),
            tag::UNION => Kind::Union(self.selectors()?),
            tag::BOTH => Kind::Both(self.selectors()?),
            _ => Kind::Except(Box::new(self.selector()?), Box::new(self.selector()?)),
        };
        Some(Selector { kind, span })
    }

    fn selectors(&mut self) -> Option<Vec<Selector>> {
        let count = self.number()?;
        (0..count).map(|_| self.selector()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::source::{Source, Sources};

    fn same(text: &str) {
        let source = Sources::default().add(Source::new("a", text));
        let statements = parse(source, text, &mut Vec::new(), &mut |_| {});
        let packed = Packed::new(&statements);
        let is_rule = |statement: &&Statement| matches!(statement, Statement::Rule(_));
        let (rules, others): (Vec<&Statement>, Vec<&Statement>) =
            statements.iter().partition(is_rule);
        assert!(!statements.is_empty(), "{text}");
        assert_eq!(packed.rules_len(), rules.len());
        let found: Vec<Statement> = packed.rules(source).map(Statement::Rule).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), rules, "{text}");
        let found: Vec<Statement> = packed.others(source).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), others, "{text}");
    }

    #[test]
    fn what_is_taken_out_is_what_was_put_in() {
        same(
            "server x.org
            group a = @ann, \"@b b:x\", users on (a.org, *.b.org), members of (!a, #b:x)
            group b from \"b.yaml\"
            group c = = @ann
            send everyone to group a except (@b who are local users who are remote users)
            @ann sees \"@bob\"
            (@a, @b) see each other
            block @a
            block all from users matching /@a.*/
            see sees @a
            send all except (all except (@a, (group b who are @c))) to group a, group b",
        );
        let far = format!("{}\n@ann sees @bob\n@ann sees @bob\n", "#".repeat(70_000));
        same(&far);
    }

    #[test]
    fn every_policy_comes_out_as_it_went_in() {
        let folders = ["tests/cases", "tests/bad", "tests/format", "policies"];
        let mut left: Vec<std::path::PathBuf> = folders.iter().map(Into::into).collect();
        let mut texts = 0;
        while let Some(path) = left.pop() {
            if path.is_dir() {
                let entries = std::fs::read_dir(path).unwrap();
                left.extend(entries.map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|end| end == "policy")
                && let Ok(text) = std::fs::read_to_string(&path)
                && !parse(
                    Sources::default().add(Source::new("a", "")),
                    &text,
                    &mut Vec::new(),
                    &mut |_| {},
                )
                .is_empty()
            {
                same(&text);
                texts += 1;
            }
        }
        assert!(texts > 20, "{texts}");
    }

    #[test]
    fn a_rule_about_two_users_takes_few_bytes() {
        let text = "@ann.1234 sees @bob.5678\n".repeat(1_000);
        let source = Sources::default().add(Source::new("a", text.as_str()));
        let packed = Packed::new(&parse(source, &text, &mut Vec::new(), &mut |_| {}));
        assert!(packed.rules.len() <= 10_000, "{}", packed.rules.len());
    }
}
