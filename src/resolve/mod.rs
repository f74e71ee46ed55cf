//! From what was written to what is meant: names, default server, groups; all problems at once.
//!
//! Not for: reading files (`load`), or asking whether a rule makes sense (`lint`).
//!
//! Law: a policy with an error gives no usable [`PolicySet`]; one cause gives one problem. Groups
//! may use groups to any depth, so nothing here recurses over them.

mod dialect;
mod listed;
mod meant;
mod order;
mod short;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::diagnostic::{Diagnostic, Name, nearest, visible};
use crate::id::{ServerName, UserId};
use crate::names::{Names, Naming};
use crate::policy::{Group, GroupId, Kind, Listed, Pattern, PolicySet, Room, Rule, Selector};
use crate::source::{SourceId, Sources, Span};
use crate::syntax::ast::{self, Statement, Word};
use crate::syntax::{KEYWORDS, Packed};
use crate::yaml::Entry;

pub use short::{Written, short_user_help};

use order::in_order;

/// A group file as far as it could be read; `None` if that is reported already.
pub type GroupFile = Option<(SourceId, Content)>;

/// What is known of a group file.
#[derive(Debug, Clone)]
pub enum Content {
    /// What stands in it.
    Entries(Arc<[Entry]>),
    /// Its users, as an earlier load found them.
    Users(Users),
}

/// The users of a group file in which nothing is wrong.
#[derive(Debug, Clone)]
pub struct Users {
    /// Their numbers in the names of the policy, sorted, each once.
    numbers: Arc<[u32]>,
    /// The server that completed some of them.
    completed: Option<ServerName>,
}

/// What `resolve` works on.
pub struct Input<'a> {
    /// The texts all places lie in.
    pub sources: &'a Sources,
    /// The statements of each text, files in byte order of their names.
    pub texts: &'a [(SourceId, Arc<[Packed]>)],
    /// The content of each group file, by the place of its path in the policy.
    pub group_files: &'a HashMap<Span, GroupFile>,
    /// The server that completes names if no `server` statement does.
    pub homeserver: Option<&'a ServerName>,
    /// What was found before.
    pub found: &'a Found,
}

/// What was found on the way to a policy and holds for the next one too. The numbers in
/// [`Content::Users`] are those of these names.
#[derive(Debug, Clone, Default)]
pub struct Found {
    names: Arc<Names>,
    /// Each regex by its text.
    patterns: HashMap<String, Pattern>,
}

/// What `resolve` gives.
pub struct Resolved {
    /// The policy.
    pub policy: PolicySet,
    /// What holds for the next one.
    pub found: Found,
    /// The users of each group file in which nothing is wrong.
    pub users: Vec<(SourceId, Users)>,
}

/// Finds what a policy means; what is wrong with it is added to `problems`. It is the same whatever was
/// found before.
///
/// Costs one pass over the statements and one over the groups.
pub fn resolve(input: &Input<'_>, problems: &mut Vec<Diagnostic>) -> Resolved {
    let texts = input.texts.iter();
    let packed = texts.flat_map(|(source, texts)| texts.iter().map(|text| (*source, text)));
    let others = packed
        .clone()
        .flat_map(|(source, text)| text.others(source));
    let others: Vec<Statement> = others.collect();
    let mut resolver = Resolver {
        input,
        default: Default::None,
        server_place: None,
        groups: HashMap::default(),
        named: Naming::new(Arc::clone(&input.found.names)),
        listed: Vec::new(),
        patterns: HashMap::default(),
        rooms: Vec::new(),
        unknown: Vec::new(),
        problems,
        compared: 0,
        regexes: 0,
    };
    resolver.find_server(&others);
    let definitions = resolver.find_groups(&others);
    let mut groups: Vec<Group> = Vec::with_capacity(definitions.len());
    for definition in &definitions {
        groups.push(resolver.group(definition, groups.len()));
    }
    let count = packed.clone().map(|(_, text)| text.rules_len()).sum();
    let mut rules = Vec::with_capacity(count);
    for (source, text) in packed {
        let mut written = text.rules(source).peekable();
        while written.peek().is_some() {
            let next: Vec<ast::Rule> = written.by_ref().take(AHEAD).collect();
            resolver.fetch(&next);
            rules.extend(next.iter().filter_map(|rule| resolver.rule(rule)));
        }
    }
    let order = resolver.order(&groups);
    resolver.users_taken_for_groups();
    let default_server = match resolver.default {
        Default::Known(server) => Some(server),
        Default::Broken | Default::None => None,
    };
    let (named, numbers) = resolver.named.finish();
    let mut users = Vec::new();
    for in_file in resolver.listed {
        let found = match in_file.users {
            Keys::Before(before) if numbers.are_keys() => before,
            Keys::Before(before) => numbers.list(&before),
            Keys::New(keys) => numbers.list(&keys),
        };
        if let Some(group) = groups.get_mut(in_file.group) {
            let listed = Listed::new(Arc::clone(&named), Arc::clone(&found));
            group.selector.kind = Kind::Listed(listed);
        }
        if in_file.good {
            let (numbers, completed) = (found, in_file.completed);
            users.push((in_file.source, Users { numbers, completed }));
        }
    }
    let found = Found {
        names: Arc::clone(&named),
        patterns: resolver.patterns,
    };
    let policy = PolicySet {
        rules,
        groups,
        named,
        numbers,
        rooms: resolver.rooms,
        default_server,
        server_place: resolver.server_place,
    };
    let policy = in_order(policy, &order);
    Resolved {
        policy,
        found,
        users,
    }
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

/// A group whose users stand in a file.
struct InFile {
    group: usize,
    source: SourceId,
    users: Keys,
    /// The server that completed some of them.
    completed: Option<ServerName>,
    /// Nothing is wrong in the file.
    good: bool,
}

/// Users by the keys that [`Naming`] gives them.
enum Keys {
    /// All found before, sorted, each once.
    Before(Arc<[u32]>),
    New(Vec<u32>),
}

enum Value<'a> {
    Selector(&'a ast::Selector),
    File(&'a Word),
    Broken,
}

struct Resolver<'a, 'p> {
    input: &'a Input<'a>,
    default: Default,
    /// Where the first `server` statement has its server.
    server_place: Option<Span>,
    groups: HashMap<&'a str, (GroupId, Span), RandomState>,
    /// The users named so far: whoever is named again shares the text of the first time.
    named: Naming,
    /// The groups whose users stand in files.
    listed: Vec<InFile>,
    /// The regexes so far, by their texts.
    patterns: HashMap<String, Pattern>,
    rooms: Vec<(Room, Span)>,
    /// Group names that are defined nowhere and near to none that is, with their problems.
    unknown: Vec<(&'a str, usize)>,
    problems: &'p mut Vec<Diagnostic>,
    /// How many groups were compared with unknown names.
    compared: usize,
    /// The bytes that the regexes take so far when compiled; the most there can be once they took too
    /// many.
    regexes: usize,
}

/// Of so many rules at once the users are fetched.
const AHEAD: usize = 32;

/// How many known groups are compared, in all, with names that are not known.
const COMPARED_GROUPS: usize = 100_000;

impl<'a> Resolver<'a, '_> {
    fn report(&mut self, name: Name, span: Span, message: String, help: impl Into<String>) {
        self.problems
            .push(Diagnostic::new(name, span, message, help));
    }

    /// The server that names without one get, as far as it is known.
    fn default_server(&self) -> Option<&ServerName> {
        match &self.default {
            Default::Known(server) => Some(server),
            Default::Broken | Default::None => None,
        }
    }

    fn text(&self, word: &Word) -> &'a str {
        self.input.sources.text(word.span)
    }

    // ---- the default server ----

    fn find_server(&mut self, others: &[Statement]) {
        let mut first: Option<(ServerName, Span)> = None;
        let mut broken = false;
        for statement in others {
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
        self.server_place = first.as_ref().map(|(_, place)| *place);
        self.default = match (first, self.input.homeserver) {
            (Some((server, _)), _) => Default::Known(server),
            (None, _) if broken => Default::Broken,
            (None, Some(server)) => Default::Known(server.clone()),
            (None, None) => Default::None,
        };
    }
    // ---- groups ----

    fn find_groups<'s>(&mut self, others: &'s [Statement]) -> Vec<Definition<'s>> {
        let mut definitions: Vec<Definition<'s>> = Vec::new();
        for statement in others {
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
                let before = self.groups.get(text).map(|(id, _)| id.0 as usize);
                let before = before.and_then(|at| definitions.get(at));
                let both = self.both(before.map(|d| &d.value), &value);
                let help =
                    format!("give one of them another name, or join them: `group {text} = {both}`");
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

    /// Two definitions in one, where both are short.
    fn both(&self, first: Option<&Value<'_>>, second: &Value<'_>) -> String {
        let written = |value: &Value<'_>| match value {
            Value::Selector(selector) => {
                let text = self.input.sources.text(selector.span);
                let except = matches!(selector.kind, ast::Kind::Except(..));
                let short = text.len() <= 60 && !text.contains(['\n', '#']);
                short.then(|| match except {
                    true => format!("({text})"),
                    false => text.to_owned(),
                })
            }
            Value::File(_) | Value::Broken => None,
        };
        match (first.and_then(written), written(second)) {
            (Some(first), Some(second)) => format!("{first}, {second}"),
            _ => "..., ...".into(),
        }
    }

    /// A group by its place in their order. Users who stand in a file are put in when all are numbered.
    fn group(&mut self, definition: &Definition<'_>, at: usize) -> Group {
        let span = definition.name.span;
        let nobody = Selector {
            kind: Kind::Any(Box::default()),
            span,
        };
        let selector = match definition.value {
            Value::Selector(selector) => self.selector(selector).unwrap_or(nobody),
            Value::File(path) => {
                self.listed(path.span, at);
                Selector {
                    kind: Kind::Listed(Listed::default()),
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

    // ---- rules and selectors ----

    /// Makes it faster to name the users that stand on the sides of some rules.
    fn fetch(&self, rules: &[ast::Rule]) {
        let sides = rules
            .iter()
            .flat_map(|rule| [Some(&rule.senders), rule.recipients.as_ref()]);
        let texts = sides.flatten().filter_map(|side| match &side.kind {
            ast::Kind::User(word) if !word.quoted => Some(self.text(word)),
            _ => None,
        });
        self.named.fetch(texts);
    }

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

    fn selectors(&mut self, list: &[ast::Selector]) -> Option<Box<[Selector]>> {
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
            let help = match text.chars().next() {
                Some('@') => format!("write `{text}` without `group`, or the name of a group"),
                Some('#' | '!') => {
                    format!("for those in a room stands `members of {text}`, without `group`")
                }
                _ => group_name_help(text),
            };
            self.report(Name::Syntax, name.span, message, help);
            return None;
        }
        let known = self.groups.keys().copied();
        let compared = self.compared.saturating_add(self.groups.len());
        let near = if compared <= COMPARED_GROUPS && text.len() <= crate::id::MAX_BYTES {
            self.compared = compared;
            nearest(text, known)
        } else {
            None
        };
        let help = match near {
            Some(near) => format!("did you mean `group {near}`?"),
            None => {
                self.unknown.push((text, self.problems.len()));
                format!("define it on a line of its own: `group {text} = USERS`")
            }
        };
        let message = format!("there is no group `{text}`");
        self.report(Name::UnknownGroup, name.span, message, help);
        None
    }

    /// `group ann` where `@ann` is a user of the policy. Costs a look at each user that is named, and
    /// nothing where all groups are there.
    fn users_taken_for_groups(&mut self) {
        if self.unknown.is_empty() {
            return;
        }
        let mut users: HashMap<&str, &UserId> = HashMap::new();
        for user in self.named.users() {
            users
                .entry(user.localpart())
                .and_modify(|first| *first = user.min(first))
                .or_insert(user);
        }
        for (name, at) in &self.unknown {
            if let (Some(user), Some(problem)) = (users.get(name), self.problems.get_mut(*at)) {
                let help = format!("did you mean the user `{user}`? {}", problem.help);
                problem.help = visible(&help).into_owned();
            }
        }
    }
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
    Some(Kind::Any(selectors.into()))
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
