//! From what was written to what is meant: names, default server, groups; all problems at once.
//!
//! Not for: reading files (`load`), or asking whether a rule makes sense (`lint`).
//!
//! Law: a policy with an error gives no usable [`PolicySet`]; one cause gives one problem. Groups
//! may use groups to any depth, so nothing here recurses over them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Name, nearest};
use crate::glob::{Glob, Piece};
use crate::id::{IdError, RoomAlias, RoomId, ServerName, UserId};
use crate::policy::{Group, GroupId, Kind, Pattern, PolicySet, Room, Rule, Selector};
use crate::source::{SourceId, Sources, Span};
use crate::syntax::ast::{self, Statement, Word};
use crate::syntax::{KEYWORDS, word};
use crate::yaml::{self, Entry};

/// A group file as far as it could be read; `None` if that is reported already.
pub type GroupFile = Option<(SourceId, Vec<Entry>)>;

/// What `resolve` works on.
pub struct Input<'a> {
    /// The texts all places lie in.
    pub sources: &'a Sources,
    /// All statements, files in byte order of their names.
    pub statements: &'a [Statement],
    /// The content of each group file, by the place of its path in the policy.
    pub group_files: &'a HashMap<Span, GroupFile>,
    /// The server that completes names if no `server` statement does.
    pub homeserver: Option<&'a ServerName>,
}

/// Finds what a policy means; what is wrong with it is added to `problems`.
///
/// Costs one pass over the statements and one over the groups.
pub fn resolve(input: &Input<'_>, problems: &mut Vec<Diagnostic>) -> PolicySet {
    let mut resolver = Resolver {
        input,
        default: Default::None,
        groups: HashMap::new(),
        named: HashSet::new(),
        rooms: Vec::new(),
        problems,
    };
    resolver.find_server();
    let definitions = resolver.find_groups();
    let groups = definitions
        .iter()
        .map(|definition| resolver.group(definition));
    let groups: Vec<Group> = groups.collect();
    let mut rules = Vec::new();
    for statement in input.statements {
        if let Statement::Rule(rule) = statement {
            rules.extend(resolver.rule(rule));
        }
    }
    let order = resolver.order(&groups);
    let mut named: Vec<UserId> = resolver.named.into_iter().collect();
    named.sort_unstable();
    let default_server = match resolver.default {
        Default::Known(server) => Some(server),
        Default::Broken | Default::None => None,
    };
    let policy = PolicySet {
        rules,
        groups,
        named,
        rooms: resolver.rooms,
        default_server,
    };
    in_order(policy, &order)
}

/// The server that completes names.
enum Default {
    Known(ServerName),
    /// There is a `server` statement, and what is wrong with it is reported.
    Broken,
    None,
}

/// A group statement.
struct Definition<'a> {
    name: &'a Word,
    value: Value<'a>,
}

enum Value<'a> {
    Selector(&'a ast::Selector),
    File(&'a Word),
    Broken,
}

struct Resolver<'a, 'p> {
    input: &'a Input<'a>,
    default: Default,
    groups: HashMap<&'a str, (GroupId, Span)>,
    named: HashSet<UserId>,
    rooms: Vec<(Room, Span)>,
    problems: &'p mut Vec<Diagnostic>,
}

/// How many wrong entries of a group file are shown each at its own place. Finding a place costs
/// reading the file up to it.
const PLACED_ENTRIES: usize = 100;

impl<'a> Resolver<'a, '_> {
    fn report(&mut self, name: Name, span: Span, message: String, help: impl Into<String>) {
        self.problems
            .push(Diagnostic::new(name, span, message, help));
    }

    fn text(&self, word: &Word) -> &'a str {
        self.input.sources.text(word.span)
    }

    // ---- the default server ----

    fn find_server(&mut self) {
        let mut first: Option<(ServerName, Span)> = None;
        let mut broken = false;
        for statement in self.input.statements {
            let Statement::Server(word) = statement else {
                continue;
            };
            let Some(server) = self.server(word) else {
                broken = true;
                continue;
            };
            match &first {
                None => first = Some((server, word.span)),
                Some((known, place)) if *known != server => {
                    let message =
                        format!("the default server is `{server}` here and `{known}` before");
                    let help = format!(
                        "take one of the two `server` statements away: `{server}` or `{known}`"
                    );
                    let problem =
                        Diagnostic::new(Name::ConflictingServer, word.span, message, help);
                    let problem = problem.with_label(*place, "the first one");
                    self.problems.push(problem);
                }
                Some(_) => {}
            }
        }
        self.default = match (first, self.input.homeserver) {
            (Some((server, _)), _) => Default::Known(server),
            (None, _) if broken => Default::Broken,
            (None, Some(server)) => Default::Known(server.clone()),
            (None, None) => Default::None,
        };
    }

    /// A server name without globs.
    fn server(&mut self, word: &Word) -> Option<ServerName> {
        let text = self.text(word);
        if let Some(problem) = quoted_server(word, text) {
            self.problems.push(problem);
            return None;
        }
        match ServerName::parse(text) {
            Ok(server) => Some(server),
            Err(_) => {
                let message = format!("`{text}` is not a server name");
                self.report(Name::InvalidServer, word.span, message, server_help(text));
                None
            }
        }
    }

    /// A server name or glob after `users on`.
    fn servers(&mut self, word: &Word) -> Option<Kind> {
        let text = self.text(word);
        if !text.contains(['*', '?']) {
            return self.server(word).map(Kind::Server);
        }
        if let Some(problem) = quoted_server(word, text) {
            self.problems.push(problem);
            return None;
        }
        if !is_server_glob(text) {
            let message = format!("`{text}` can match no server name");
            self.report(Name::InvalidServer, word.span, message, server_help(text));
            return None;
        }
        let pieces = word::pieces(text, false).ok()?;
        Some(Kind::ServerGlob(Glob::new(pieces)))
    }

    /// Adds the default server to a name without one.
    fn complete(&mut self, span: Span, name: &str) -> Option<String> {
        if name.contains(':') {
            return Some(name.to_owned());
        }
        match &self.default {
            Default::Known(server) => Some(format!("{name}:{server}")),
            Default::Broken => None,
            Default::None => {
                let message = format!("`{name}` has no server, and there is no default one");
                let help = format!("write `{name}:example.org`, or a line `server example.org`");
                self.report(Name::MissingServer, span, message, help);
                None
            }
        }
    }

    // ---- words ----

    fn user(&mut self, word: &Word) -> Option<Kind> {
        let text = self.text(word);
        let pieces = match word::pieces(text, word.quoted) {
            Ok(pieces) => pieces,
            Err(at) => {
                self.bad_escape(Name::InvalidUserId, word, at);
                return None;
            }
        };
        if !word.quoted && !self.unquoted_user(word, &pieces) {
            return None;
        }
        let glob = Glob::new(pieces);
        if let Some(literal) = glob.literal() {
            return self.user_id(word.span, &literal).map(Kind::User);
        }
        let mut pieces = glob.pieces().to_vec();
        if !pieces.contains(&Piece::Char(':')) {
            let completed = self.complete(word.span, text)?;
            let server = completed.get(text.len()..).unwrap_or_default();
            pieces.extend(server.chars().map(Piece::Char));
        }
        if let Err(reason) = check_user_glob(&pieces) {
            let message = format!("`{text}` can match no user ID: {reason}");
            let help = "write it as `@localpart:server`, as in `@bot-*:example.org`";
            self.report(Name::InvalidUserId, word.span, message, help);
            return None;
        }
        Some(Kind::UserGlob(Glob::new(pieces)))
    }

    /// Whether a localpart outside quotes has only characters that need none.
    fn unquoted_user(&mut self, word: &Word, pieces: &[Piece]) -> bool {
        let text = self.text(word);
        let local = pieces
            .iter()
            .skip(1)
            .take_while(|p| **p != Piece::Char(':'));
        let mut empty = true;
        let mut odd = None;
        for piece in local {
            empty = false;
            match piece {
                Piece::Char(c) if !word::is_unquoted_localpart(*c) => odd = odd.or(Some(*c)),
                _ => {}
            }
        }
        if let Some(c) = odd {
            let message = format!("`{text}` holds {c:?}, which needs quotes in a user ID");
            let help = if c == '#' {
                let (id, note) = text.split_once('#').unwrap_or((text, ""));
                format!("write `{id} # {note}` for a comment, `\"{text}\"` for the user")
            } else {
                format!("write `\"{}\"`", text.replace('\\', "\\\\"))
            };
            self.report(Name::InvalidUserId, word.span, message, help);
        } else if empty {
            let message = format!("`{text}` has no name between `@` and the server");
            self.report(
                Name::InvalidUserId,
                word.span,
                message,
                "write it as `@ann:example.org`",
            );
        }
        odd.is_none() && !empty
    }

    fn user_id(&mut self, span: Span, text: &str) -> Option<UserId> {
        let checked = if text.starts_with('@') {
            let completed = self.complete(span, text)?;
            UserId::parse(&completed)
        } else {
            UserId::parse(text)
        };
        match checked {
            Ok(id) => {
                self.named.insert(id.clone());
                Some(id)
            }
            Err(error) => {
                let message = format!("`{}` is not a user ID: it {error}", shorten(text));
                self.report(Name::InvalidUserId, span, message, user_help(text, &error));
                None
            }
        }
    }

    fn room(&mut self, word: &Word) -> Option<Room> {
        let text = self.text(word);
        let pieces = match word::pieces(text, word.quoted) {
            Ok(pieces) => pieces,
            Err(at) => {
                self.bad_escape(Name::InvalidRoom, word, at);
                return None;
            }
        };
        let wrong = |message: String, help: String| {
            Some(Diagnostic::new(Name::InvalidRoom, word.span, message, help))
        };
        let Some(name) = Glob::new(pieces).literal() else {
            let help = "name each room: `members of (#a, #b)`; in quotes `\\*` is a plain `*`";
            let message = format!("`{text}` has a wildcard, and rooms have none");
            self.problems.extend(wrong(message, help.into()));
            return None;
        };
        let problem = match name.chars().next() {
            Some('!') => match RoomId::parse(&name) {
                Ok(id) => return self.named_room(Room::Id(id), word.span),
                Err(error) => wrong(
                    format!("`{}` is not a room ID: it {error}", shorten(&name)),
                    "write the room's ID as its settings show it: `!opaque:example.org`".into(),
                ),
            },
            Some('#') => {
                let completed = self.complete(word.span, &name)?;
                match RoomAlias::parse(&completed) {
                    Ok(alias) => return self.named_room(Room::Alias(alias), word.span),
                    Err(error) => wrong(
                        format!("`{}` is not a room alias: it {error}", shorten(&name)),
                        "write it as `#alias:example.org`; a comment needs a blank behind its `#`"
                            .into(),
                    ),
                }
            }
            _ => wrong(
                format!("`{}` is not a room", shorten(&name)),
                format!(
                    "a room is written by its ID `!opaque:example.org` or by its alias: `#{name}`"
                ),
            ),
        };
        self.problems.extend(problem);
        None
    }

    fn named_room(&mut self, room: Room, span: Span) -> Option<Room> {
        self.rooms.push((room.clone(), span));
        Some(room)
    }

    fn bad_escape(&mut self, name: Name, word: &Word, at: usize) {
        let text = self.text(word);
        let escape: String = text.get(at..).unwrap_or_default().chars().take(2).collect();
        let start = word.span.start as usize + at;
        let span = Span::new(word.span.source, start, start + escape.len());
        let message = format!("`{escape}` is no escape");
        let help = "in quotes `\\*`, `\\?`, `\\\\` and `\\\"` are the plain characters; \
                    a single `\\` is written `\\\\`";
        self.report(name, span, message, help);
    }

    fn pattern(&mut self, span: Span) -> Option<Pattern> {
        let text = word::regex(self.input.sources.text(span));
        match Pattern::new(&text) {
            Ok(pattern) => Some(pattern),
            Err(regex::Error::CompiledTooBig(limit)) => {
                let message = format!("this regex takes over {limit} bytes when compiled");
                let help = "write a smaller one: fewer or smaller repetitions such as `{1000}`";
                self.report(Name::TooLarge, span, message, help);
                None
            }
            Err(error) => {
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                let message = format!("this regex does not compile: {reason}");
                let help =
                    "the syntax is that of Rust's `regex` crate; `\\` makes a mark plain: `\\(`";
                self.report(Name::InvalidRegex, span, message, help);
                None
            }
        }
    }

    // ---- groups ----

    fn find_groups(&mut self) -> Vec<Definition<'a>> {
        let mut definitions: Vec<Definition<'a>> = Vec::new();
        for statement in self.input.statements {
            let (name, value) = match statement {
                Statement::Group(name, selector) => (name, Value::Selector(selector)),
                Statement::GroupFile(name, path) => (name, Value::File(path)),
                Statement::BrokenGroup(name) => (name, Value::Broken),
                Statement::Server(_) | Statement::Rule(_) => continue,
            };
            let text = self.text(name);
            if !is_group_name(text) {
                if !matches!(value, Value::Broken) {
                    let message = format!("`{text}` is not a group's name");
                    self.report(Name::Syntax, name.span, message, group_name_help(text));
                }
                continue;
            }
            if let Some((_, first)) = self.groups.get(text) {
                let first = *first;
                let message = format!("group `{text}` is defined twice");
                let help = format!(
                    "give one of them another name, or join them: `group {text} = ..., ...`"
                );
                let problem = Diagnostic::new(Name::DuplicateGroup, name.span, message, help);
                self.problems
                    .push(problem.with_label(first, "the first definition"));
                continue;
            }
            let id = GroupId(u32::try_from(definitions.len()).unwrap_or(u32::MAX));
            self.groups.insert(text, (id, name.span));
            definitions.push(Definition { name, value });
        }
        definitions
    }

    fn group(&mut self, definition: &Definition<'a>) -> Group {
        let span = definition.name.span;
        let nobody = Selector {
            kind: Kind::Any(Vec::new()),
            span,
        };
        let selector = match definition.value {
            Value::Selector(selector) => self.selector(selector).unwrap_or(nobody),
            Value::File(path) => {
                let kind = Kind::Listed(self.listed(path.span));
                Selector {
                    kind,
                    span: path.span,
                }
            }
            Value::Broken => nobody,
        };
        Group {
            name: self.text(definition.name).into(),
            span,
            selector,
        }
    }

    /// The users of a group file.
    fn listed(&mut self, path: Span) -> Arc<[UserId]> {
        let Some(Some((source, entries))) = self.input.group_files.get(&path) else {
            return Arc::from([]);
        };
        let text = self.input.sources.get(*source).map_or("", |s| s.text());
        let mut users = Vec::with_capacity(entries.len());
        let mut wrong = 0_usize;
        for (index, entry) in entries.iter().enumerate() {
            let before = self.problems.len();
            let found = self.entry(Span::file(*source), entry);
            users.extend(found);
            if self.problems.len() == before {
                continue;
            }
            wrong += 1;
            if wrong > PLACED_ENTRIES {
                self.problems.truncate(before);
                continue;
            }
            // Only now is it worth to look for the place.
            let place = yaml::place_of_entry(text, index);
            let found = self.input.sources.get(*source).map(|s| s.byte_at(place));
            let start = found.unwrap_or_default();
            let rest = text.get(start..).unwrap_or_default();
            let end = start + rest.find(['\n', '\r', ',', ']']).unwrap_or(rest.len());
            for problem in self.problems.iter_mut().skip(before) {
                problem.span = Span::new(*source, start, end);
            }
        }
        if let Some(more) = wrong.checked_sub(PLACED_ENTRIES).filter(|more| *more > 0)
            && let Some(last) = self.problems.last_mut()
        {
            last.help = format!("{} ({more} more entries of this file are wrong)", last.help);
        }
        users.sort_unstable();
        users.dedup();
        users.into()
    }

    fn entry(&mut self, span: Span, entry: &Entry) -> Option<UserId> {
        let help = "a group file lists whole user IDs in quotes: `- \"@ann:example.org\"`";
        let text = match entry {
            Entry::Text(text) => text,
            Entry::Other(what) => {
                let message = format!("{what} stands where a user ID must stand");
                self.report(Name::InvalidGroupFile, span, message, help);
                return None;
            }
        };
        if text.contains(['*', '?']) {
            let message = format!("`{text}` has a wildcard, and group files have none");
            let help = "write the pattern in the policy: `group bots = @bot-*:example.org`";
            self.report(Name::InvalidGroupFile, span, message, help);
            return None;
        }
        let completed = if text.starts_with('@') {
            self.complete(span, text)?
        } else {
            text.clone()
        };
        match UserId::parse(&completed) {
            Ok(id) => {
                self.named.insert(id.clone());
                Some(id)
            }
            Err(error) => {
                let message = format!("`{}` is not a user ID: it {error}", shorten(text));
                self.report(Name::InvalidGroupFile, span, message, help);
                None
            }
        }
    }

    // ---- rules and selectors ----

    fn rule(&mut self, rule: &ast::Rule) -> Option<Rule> {
        let senders = self.selector(&rule.senders);
        let recipients = match &rule.recipients {
            // `see each other` has one selector for both sides: one mistake in it, one problem.
            Some(same) if same.span == rule.senders.span => senders.clone(),
            Some(selector) => self.selector(selector),
            None => Some(Selector {
                kind: Kind::Everyone,
                span: rule.span,
            }),
        };
        Some(Rule {
            action: rule.action,
            senders: senders?,
            recipients: recipients?,
            span: rule.span,
        })
    }

    /// `None` if something in it is wrong. Recurses as deep as parentheses nest.
    fn selector(&mut self, selector: &ast::Selector) -> Option<Selector> {
        let span = selector.span;
        let kind = match &selector.kind {
            ast::Kind::Everyone => Some(Kind::Everyone),
            ast::Kind::User(word) => self.user(word),
            ast::Kind::Servers(words) => {
                let kinds = words.iter().map(|word| (self.servers(word), word.span));
                any(kinds.collect())
            }
            ast::Kind::Matching(regex) => self.pattern(*regex).map(Kind::Matching),
            ast::Kind::Local => Some(Kind::Local),
            ast::Kind::Remote => Some(Kind::Remote),
            ast::Kind::Members(words) => {
                let kinds = words
                    .iter()
                    .map(|word| (self.room(word).map(Kind::Members), word.span));
                any(kinds.collect())
            }
            ast::Kind::Group(name) => self.group_use(name),
            ast::Kind::Union(list) => self.selectors(list).map(Kind::Any),
            ast::Kind::Both(list) => self.selectors(list).map(Kind::Both),
            ast::Kind::Except(base, less) => {
                let (base, less) = (self.selector(base), self.selector(less));
                base.zip(less)
                    .map(|(base, less)| Kind::Except(Box::new(base), Box::new(less)))
            }
        };
        kind.map(|kind| Selector { kind, span })
    }

    fn selectors(&mut self, list: &[ast::Selector]) -> Option<Vec<Selector>> {
        // All of them first, so that each one's problems are reported.
        let all: Vec<_> = list
            .iter()
            .map(|selector| self.selector(selector))
            .collect();
        all.into_iter().collect()
    }

    fn group_use(&mut self, name: &Word) -> Option<Kind> {
        let text = self.text(name);
        if let Some((id, _)) = self.groups.get(text) {
            return Some(Kind::Group(*id));
        }
        if !is_group_name(text) {
            let message = format!("`{text}` is not a group's name");
            self.report(Name::Syntax, name.span, message, group_name_help(text));
            return None;
        }
        let known = self.groups.keys().copied();
        let help = match nearest(text, known) {
            Some(near) => format!("did you mean `group {near}`?"),
            None => format!("define it on a line of its own: `group {text} = @ann, @bob`"),
        };
        let message = format!("there is no group `{text}`");
        self.report(Name::UnknownGroup, name.span, message, help);
        None
    }

    // ---- the order of groups ----

    /// The groups in an order in which each comes after those it uses; cycles are reported.
    fn order(&mut self, groups: &[Group]) -> Vec<u32> {
        let uses: Vec<Vec<(u32, Span)>> = groups.iter().map(|g| groups_in(&g.selector)).collect();
        let mut order = Vec::with_capacity(groups.len());
        let mut state = vec![Visit::Not; groups.len()];
        let mut on_cycle = vec![false; groups.len()];
        let mut path: Vec<(u32, usize)> = Vec::new();
        for start in 0..u32::try_from(groups.len()).unwrap_or(u32::MAX) {
            if state.get(start as usize) == Some(&Visit::Not) {
                path.push((start, 0));
            }
            while let Some((group, next)) = path.last_mut() {
                let at = *group as usize;
                if let Some(seen) = state.get_mut(at).filter(|seen| **seen == Visit::Not) {
                    *seen = Visit::Open;
                }
                let Some((used, _)) = uses.get(at).and_then(|list| list.get(*next)) else {
                    order.push(*group);
                    if let Some(seen) = state.get_mut(at) {
                        *seen = Visit::Done;
                    }
                    path.pop();
                    continue;
                };
                *next += 1;
                match state.get(*used as usize) {
                    Some(Visit::Not) => path.push((*used, 0)),
                    Some(Visit::Open) => {
                        let from = path.iter().position(|(group, _)| group == used);
                        let cycle = path.get(from.unwrap_or_default()..).unwrap_or_default();
                        let cycle: Vec<u32> = cycle.iter().map(|(group, _)| *group).collect();
                        self.cycle(groups, &cycle, &mut on_cycle);
                    }
                    _ => {}
                }
            }
        }
        order
    }

    /// Reports a cycle, unless one through a group of it is reported already.
    fn cycle(&mut self, groups: &[Group], cycle: &[u32], on_cycle: &mut [bool]) {
        let mut known = false;
        for group in cycle {
            if let Some(mark) = on_cycle.get_mut(*group as usize) {
                known |= std::mem::replace(mark, true);
            }
        }
        if known {
            return;
        }
        // Definitions are numbered in the order of files and lines.
        let first = (0..cycle.len())
            .min_by_key(|at| cycle.get(*at))
            .unwrap_or_default();
        let mut cycle = cycle.to_vec();
        cycle.rotate_left(first);
        let members: Vec<&Group> = cycle
            .iter()
            .filter_map(|g| groups.get(*g as usize))
            .collect();
        let Some(head) = members.first() else {
            return;
        };
        let chain: Vec<String> = members.iter().map(|g| format!("`{}`", g.name)).collect();
        let chain = chain.join(", which uses ");
        let message = format!("group {chain} contains itself");
        let message = if members.len() == 1 {
            message
        } else {
            format!("group {chain}, which uses `{}`, contains itself", head.name)
        };
        let last = members.last().map_or("", |g| g.name.as_str());
        let help = format!(
            "take `group {}` out of the definition of `{last}`",
            head.name
        );
        let mut problem = Diagnostic::new(Name::GroupCycle, head.span, message, help);
        for member in members.iter().skip(1).take(8) {
            problem = problem.with_label(member.span, "on the way");
        }
        self.problems.push(problem);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    Open,
    Done,
}

/// The groups a selector uses, left to right.
fn groups_in(selector: &Selector) -> Vec<(u32, Span)> {
    let mut found = Vec::new();
    let mut left = vec![selector];
    while let Some(selector) = left.pop() {
        match &selector.kind {
            Kind::Group(id) => found.push((id.0, selector.span)),
            Kind::Any(list) | Kind::Both(list) => left.extend(list.iter().rev()),
            Kind::Except(base, less) => left.extend([less.as_ref(), base.as_ref()]),
            _ => {}
        }
    }
    found
}

/// Puts the groups in the given order and renumbers every use.
fn in_order(mut policy: PolicySet, order: &[u32]) -> PolicySet {
    let mut new_ids = vec![GroupId(0); order.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(slot) = new_ids.get_mut(*old as usize) {
            *slot = GroupId(u32::try_from(new).unwrap_or(u32::MAX));
        }
    }
    let mut old: Vec<Option<Group>> = policy.groups.into_iter().map(Some).collect();
    let groups = order
        .iter()
        .filter_map(|at| old.get_mut(*at as usize)?.take());
    policy.groups = groups.collect();
    let in_groups = policy.groups.iter_mut().map(|group| &mut group.selector);
    let in_rules = policy.rules.iter_mut();
    let in_rules = in_rules.flat_map(|rule| [&mut rule.senders, &mut rule.recipients]);
    let mut left: Vec<&mut Selector> = in_groups.chain(in_rules).collect();
    while let Some(selector) = left.pop() {
        match &mut selector.kind {
            Kind::Group(id) => *id = new_ids.get(id.0 as usize).copied().unwrap_or(*id),
            Kind::Any(list) | Kind::Both(list) => left.extend(list.iter_mut()),
            Kind::Except(base, less) => left.extend([base.as_mut(), less.as_mut()]),
            _ => {}
        }
    }
    policy
}

/// One kind, or any of several; `None` if one of them is wrong.
fn any(kinds: Vec<(Option<Kind>, Span)>) -> Option<Kind> {
    let selectors = kinds
        .into_iter()
        .map(|(kind, span)| Some(Selector { kind: kind?, span }));
    let mut selectors = selectors.collect::<Option<Vec<_>>>()?;
    if selectors.len() == 1 {
        return selectors.pop().map(|only| only.kind);
    }
    Some(Kind::Any(selectors))
}

fn is_group_name(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_lowercase());
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    first && chars.all(rest) && !KEYWORDS.contains(&text)
}

fn group_name_help(text: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let lower = text.to_lowercase();
    let suggestion: String = lower
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .collect();
    let suggestion = suggestion
        .trim_matches('-')
        .trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let rule = "a name begins with `a` to `z` and goes on with those, `0` to `9`, `_` and `-`";
    if is_group_name(suggestion) {
        format!("{rule}: write `{suggestion}`")
    } else {
        rule.into()
    }
}

fn quoted_server(word: &Word, text: &str) -> Option<Diagnostic> {
    let bare = text.trim_matches('"');
    let problem = || {
        let message = format!("the server {text} stands in quotes");
        Diagnostic::new(
            Name::InvalidServer,
            word.span,
            message,
            format!("write `{bare}`"),
        )
    };
    word.quoted.then(problem)
}

fn server_help(text: &str) -> String {
    if let Some((_, server)) = text.split_once(':').filter(|_| text.starts_with('@')) {
        return format!("write the server alone: `{server}`");
    }
    if let Some((_, rest)) = text.split_once("://") {
        return format!("write the server alone: `{}`", rest.trim_end_matches('/'));
    }
    if text.contains(['*', '?']) && is_server_glob(text) {
        return "wildcards stand only after `users on`; write one server".into();
    }
    if let Some(bare) = text
        .strip_suffix('.')
        .filter(|bare| ServerName::parse(bare).is_ok())
    {
        return format!("write it without the last dot: `{bare}`");
    }
    "a server is a host name or an address, with or without a port: `example.org`, \
     `matrix.example.org:8448`, `1.2.3.4`, `[::1]`"
        .into()
}

fn is_server_glob(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]*?".contains(&b);
    text.bytes().all(legal) && !text.ends_with('.') && text.len() <= crate::id::MAX_BYTES
}

/// `Err` says why no user ID can match.
fn check_user_glob(pieces: &[Piece]) -> Result<(), &'static str> {
    let mut sides = pieces.splitn(2, |piece| *piece == Piece::Char(':'));
    let name = sides.next().unwrap_or_default();
    let server = Glob::new(sides.next().unwrap_or_default().iter().copied()).to_string();
    if name.first() != Some(&Piece::Char('@')) {
        Err("a user ID starts with `@`")
    } else if name.contains(&Piece::Char('\0')) {
        Err("it holds a NUL")
    } else if server.is_empty() || !is_server_glob(&server) {
        Err("what stands after the first `:` is no server")
    } else if pieces.iter().filter(|piece| **piece != Piece::Run).count() > crate::id::MAX_BYTES {
        Err("it is over 255 bytes long")
    } else {
        Ok(())
    }
}

fn user_help(text: &str, error: &IdError) -> String {
    match error {
        IdError::Sigil(_) => format!("write `\"@{}\"`", text.trim_start_matches('@')),
        IdError::TooLong(_) => "a user ID has at most 255 bytes, its server included".into(),
        _ => "a user ID is written `@localpart:server`, as in `@ann:example.org`".into(),
    }
}

/// A text short enough for a message.
fn shorten(text: &str) -> String {
    if text.chars().count() <= 80 {
        return text.escape_debug().to_string();
    }
    let start: String = text.chars().take(60).collect();
    format!("{}...", start.escape_debug())
}
