//! From what was written to what is meant: names, default server, groups; all problems at once.
//!
//! Not for: reading files (`load`), or asking whether a rule makes sense (`lint`).
//!
//! Law: a policy with an error gives no usable [`PolicySet`]; one cause gives one problem. Groups
//! may use groups to any depth, so nothing here recurses over them.

mod listed;
mod meant;
mod order;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::diagnostic::{Diagnostic, Name, nearest, visible};
use crate::id::{ServerName, UserId};
use crate::policy::{Group, GroupId, Kind, PolicySet, Room, Rule, Selector};
use crate::source::{SourceId, Sources, Span};
use crate::syntax::KEYWORDS;
use crate::syntax::ast::{self, Statement, Word};
use crate::yaml::Entry;

pub use listed::advice_on_file;

use order::in_order;

/// A group file as far as it could be read; `None` if that is reported already.
pub type GroupFile = Option<(SourceId, Arc<[Entry]>)>;

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
        groups: HashMap::default(),
        named: HashSet::default(),
        rooms: Vec::new(),
        unknown: Vec::new(),
        problems,
        compared: 0,
        regexes: 0,
    };
    resolver.find_server();
    let definitions = resolver.find_groups();
    let groups = definitions
        .iter()
        .map(|definition| resolver.group(definition));
    let groups: Vec<Group> = groups.collect();
    let is_rule = |statement: &&Statement| matches!(statement, Statement::Rule(_));
    let mut rules = Vec::with_capacity(input.statements.iter().filter(is_rule).count());
    for statement in input.statements {
        if let Statement::Rule(rule) = statement {
            rules.extend(resolver.rule(rule));
        }
    }
    let order = resolver.order(&groups);
    resolver.users_taken_for_groups();
    let named = sorted(resolver.named);
    rules.shrink_to_fit();
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

/// Users sorted by bytes, each once. The first bytes of each are at hand, so that few of the texts,
/// which lie all over the memory, are looked at.
fn sorted(users: impl IntoIterator<Item = UserId>) -> Vec<UserId> {
    let with_start = |user: UserId| {
        let mut start = [0; 16];
        for (to, from) in start.iter_mut().zip(user.as_str().bytes()) {
            *to = from;
        }
        (u128::from_be_bytes(start), user)
    };
    let mut users: Vec<(u128, UserId)> = users.into_iter().map(with_start).collect();
    users.sort_unstable();
    users.dedup();
    let mut users: Vec<UserId> = users.into_iter().map(|(_, user)| user).collect();
    users.shrink_to_fit();
    users
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
    groups: HashMap<&'a str, (GroupId, Span), RandomState>,
    /// The users named so far: whoever is named again shares the text of the first time.
    named: HashSet<UserId, RandomState>,
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

/// How many known groups are compared, in all, with names that are not known.
const COMPARED_GROUPS: usize = 100_000;

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
    fn both(&self, first: Option<&Value<'a>>, second: &Value<'a>) -> String {
        let written = |value: &Value<'a>| match value {
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

    fn group(&mut self, definition: &Definition<'a>) -> Group {
        let span = definition.name.span;
        let nobody = Selector {
            kind: Kind::Any(Box::default()),
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
                Some('#' | '!') => format!("write `members of {text}`, or the name of a group"),
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
                format!("define it on a line of its own: `group {text} = @ann, @bob`")
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
        for user in &self.named {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_sorted_by_all_their_bytes() {
        let ids = [
            "@b:x",
            "@a:x",
            "@a:x.org",
            "@a:x",
            "@aaaaaaaaaaaaaaaaaaaab:x",
            "@aaaaaaaaaaaaaaaaaaaaa:x",
            "@\u{fc}:x",
            "@z:x",
            "@a-b:x",
            "@aaaaaaaaaaaaa:x",
            "@aaaaaaaaaaaaa:x.org",
        ];
        let users = ids.map(|id| UserId::parse(id).unwrap());
        let expected: std::collections::BTreeSet<UserId> = users.iter().cloned().collect();
        assert_eq!(sorted(users), expected.into_iter().collect::<Vec<_>>());
    }
}
