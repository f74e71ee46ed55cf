//! Writes a model policy down as files, in one of the many ways the language allows: the order of
//! statements, the split into files, what stands between statements, group files.
//!
//! Its law: every layout of one policy means the same.

use super::model::{Facts, GroupBody, Layout, Policy, Selector, Tally};
use super::oracle::split;
use super::phrase::{COMMENTS, Token, Writer, ends_word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    Server,
    Group(usize),
    Rule(usize),
}

/// Where a statement came to stand: file relative to the policy, lines from 1.
#[derive(Clone, Debug)]
pub struct Place {
    pub file: String,
    pub first: usize,
    pub last: usize,
    pub statement: Statement,
}

/// A policy as files.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Path below the case's own folder, and content.
    pub files: Vec<(String, String)>,
    /// The policy's path below that folder; none if all of it is inline.
    pub path: Option<String>,
    /// Texts that come from the host's configuration.
    pub inline: Vec<(String, String)>,
    pub places: Vec<Place>,
    /// Which file is which group's.
    pub group_files: Vec<(String, usize)>,
    pub tally: Tally,
}

impl Rendered {
    pub fn show(&self) -> String {
        let files = self.files.iter().chain(&self.inline);
        files
            .map(|(name, text)| format!("----- {name}\n{text}\n"))
            .collect()
    }
}

pub fn render(policy: &Policy, layout: Layout) -> Rendered {
    let writer = Writer::new(policy, layout);
    Files {
        writer,
        rendered: Rendered::default(),
        texts: Vec::new(),
        inline: None,
    }
    .write()
}

const COMMENT_LINES: [&str; 5] = ["#nothing", "#!ops", "#ops:example.org", "#(", "#\"quoted"];

struct Text {
    /// Relative to the policy's folder.
    name: String,
    text: String,
}

struct Files<'a> {
    writer: Writer<'a>,
    rendered: Rendered,
    texts: Vec<Text>,
    /// Which text comes from the host's configuration.
    inline: Option<usize>,
}

impl Files<'_> {
    fn hit(&mut self, name: &'static str) {
        self.writer.tally.hit(name);
    }

    fn write(mut self) -> Rendered {
        let folder = self.choose_files();
        let statements = self.statements();
        self.count_groups(&statements);
        for &(statement, file) in &statements {
            let tokens = self.tokens(statement, file);
            self.put(statement, file, &tokens);
        }
        self.finish_texts();
        self.save(folder);
        self.rendered.tally = self.writer.tally;
        self.rendered
    }

    /// Whether the policy is a folder.
    fn choose_files(&mut self) -> bool {
        let dice = &mut self.writer.dice;
        let folder = dice.at(1, 2);
        let mut names = [
            "a.policy",
            "b.policy",
            "sub/a.policy",
            "sub/deep/z.policy",
            "0-last.policy",
        ];
        dice.shuffle(&mut names);
        let mut chosen = vec![dice.of(&["main.policy", "presence.conf", ".hidden"])];
        if folder {
            chosen = names[..1 + dice.below(4)].to_vec();
        }
        if dice.at(1, 8) {
            self.inline = Some(chosen.len());
            chosen.push("inline of the host");
        }
        let files = chosen.len() - usize::from(self.inline.is_some());
        self.hit(match (folder, files) {
            (false, _) => "one file",
            (true, 1) => "folder with one file",
            (true, _) => "several files",
        });
        if chosen.iter().any(|name| name.contains('/')) {
            self.hit("folder in a folder");
        }
        if self.inline.is_some() {
            self.hit("inline text");
        }
        let empty = |name: &&str| Text {
            name: (*name).to_owned(),
            text: String::new(),
        };
        self.texts = chosen.iter().map(empty).collect();
        folder
    }

    /// All statements in some order, and the text that each goes to.
    fn statements(&mut self) -> Vec<(Statement, usize)> {
        let policy = self.writer.policy;
        let mut statements: Vec<Statement> = Vec::new();
        if policy.server.is_some() {
            statements.push(Statement::Server);
            self.hit("server statement");
            while self.writer.dice.at(1, 6) {
                self.hit("server statement, repeated");
                statements.push(Statement::Server);
            }
        }
        self.hit(match (&policy.server, &policy.homeserver) {
            (None, Some(_)) => "default server of the homeserver",
            (None, None) => "no default server",
            (Some(_), None) => "server statement, homeserver not named",
            (Some(_), Some(_)) => "server statement unlike the homeserver",
        });
        statements.extend((0..policy.groups.len()).map(Statement::Group));
        statements.extend((0..policy.rules.len()).map(Statement::Rule));
        self.writer.dice.shuffle(&mut statements);

        // without group files all of it may come from the host
        let no_lists = policy
            .groups
            .iter()
            .all(|group| matches!(group.body, GroupBody::Is(_)));
        let no_path = self.texts.len() == 2 && self.inline.is_some() && no_lists;
        if no_path && self.writer.dice.at(1, 2) {
            self.hit("inline text alone");
            self.texts.remove(0);
            self.inline = Some(0);
        }
        let mut placed = Vec::new();
        for statement in statements {
            let mut file = match self.writer.dice.wild {
                0 => 0,
                _ => self.writer.dice.below(self.texts.len()),
            };
            if let Statement::Group(index) = statement
                && let GroupBody::File(_) = policy.groups[index].body
                && Some(file) == self.inline
            {
                file = 0;
            }
            placed.push((statement, file));
        }
        placed
    }

    /// Which groups are named where, before or after their definitions.
    fn count_groups(&mut self, statements: &[(Statement, usize)]) {
        let policy = self.writer.policy;
        let defined = |index: usize| {
            statements
                .iter()
                .position(|&(statement, _)| statement == Statement::Group(index))
        };
        for (at, &(statement, file)) in statements.iter().enumerate() {
            let (selectors, in_group) = match statement {
                Statement::Server => continue,
                Statement::Rule(index) => (policy.rules[index].selectors(), false),
                Statement::Group(index) => match &policy.groups[index].body {
                    GroupBody::Is(selector) => (vec![selector], true),
                    GroupBody::File(_) => continue,
                },
            };
            let mut named = Vec::new();
            for selector in selectors {
                selector.walk(&mut |node| {
                    if let Selector::Group(index) = node {
                        named.push(*index);
                    }
                });
            }
            for index in named {
                if in_group {
                    self.hit("group in a group");
                }
                let there = defined(index).unwrap();
                self.hit(match statements[there].1 {
                    other if other != file => "group of another file",
                    _ if there > at => "group named before its definition",
                    _ => "group named after its definition",
                });
            }
        }
        if policy.used_groups().len() < policy.groups.len() {
            self.hit("unused group");
        }
    }

    fn tokens(&mut self, statement: Statement, file: usize) -> Vec<Token> {
        let policy = self.writer.policy;
        let word = |text: &str| Token::Word(text.to_owned());
        match statement {
            Statement::Server => {
                vec![
                    Token::Key("server"),
                    word(policy.server.as_deref().unwrap_or_default()),
                ]
            }
            Statement::Rule(index) => self.writer.rule(&policy.rules[index]),
            Statement::Group(index) => {
                let group = &policy.groups[index];
                let mut tokens = vec![Token::Key("group"), word(group.name)];
                match &group.body {
                    GroupBody::Is(selector) => {
                        self.hit("group of a selector");
                        tokens.push(word("="));
                        tokens.extend(self.writer.selector(selector));
                    }
                    GroupBody::File(users) => {
                        let policy_file = self.texts[file].name.clone();
                        let (reference, path) = self.group_file_path(&policy_file, index);
                        let text = self.group_file(users);
                        self.rendered.group_files.push((path.clone(), index));
                        self.rendered.files.push((path, text));
                        tokens.push(Token::Key("from"));
                        tokens.push(Token::Word(format!("\"{reference}\"")));
                    }
                }
                tokens
            }
        }
    }

    /// Writes the statement with whatever may stand before and after it.
    fn put(&mut self, statement: Statement, file: usize, tokens: &[Token]) {
        let mut text = std::mem::take(&mut self.texts[file].text);
        let writer = &mut self.writer;
        while writer.dice.at(1, 5) {
            text += &writer.blanks(0);
            match writer.dice.below(3) {
                0 => writer.tally.hit("blank line"),
                1 => {
                    writer.tally.hit("comment line");
                    text += writer.dice.of(&COMMENTS);
                }
                _ => {
                    writer.tally.hit("comment line, no blank after #");
                    text += writer.dice.of(&COMMENT_LINES);
                }
            }
            text.push('\n');
        }
        let first = 1 + text.matches('\n').count();
        if writer.dice.at(2, 6) {
            writer.tally.hit("indented statement");
            text += &writer.blanks(1);
        }
        text += &writer.lay_out(tokens);
        let last = 1 + text.matches('\n').count();
        if writer.dice.at(1, 6) {
            writer.tally.hit("comment after a statement");
            text += &writer.blanks(usize::from(!ends_word(&text)));
            text += writer.dice.of(&COMMENTS);
        } else if writer.dice.at(2, 6) {
            text += &writer.blanks(1);
        }
        text.push('\n');
        let file = &mut self.texts[file];
        file.text = text;
        self.rendered.places.push(Place {
            file: file.name.clone(),
            first,
            last,
            statement,
        });
    }

    fn finish_texts(&mut self) {
        let Writer { dice, tally, .. } = &mut self.writer;
        for Text { text, .. } in &mut self.texts {
            if text.ends_with('\n') && dice.at(1, 4) {
                tally.hit("no line break at the end");
                text.pop();
            }
            if dice.at(1, 5) {
                tally.hit("CRLF");
                *text = text.replace('\n', "\r\n");
            }
            if dice.at(1, 6) {
                tally.hit("byte order mark");
                text.insert(0, '\u{feff}');
            }
        }
    }

    fn save(&mut self, folder: bool) {
        if let Some(at) = self.inline {
            let Text { name, text } = self.texts.remove(at);
            self.rendered.inline.push((name, text));
        }
        self.rendered.path = match self.texts.first() {
            None => None,
            Some(_) if folder => Some("policy".to_owned()),
            Some(only) => Some(format!("policy/{}", only.name)),
        };
        for Text { name, text } in std::mem::take(&mut self.texts) {
            self.rendered.files.push((format!("policy/{name}"), text));
        }
        if folder && self.rendered.path.is_some() && self.writer.dice.at(1, 3) {
            self.hit("files that are none of the policy's");
            for name in [
                ".a.policy",
                ".git/x.policy",
                "notes.txt",
                "a.policy.bak",
                "sub/policy",
            ] {
                let bad = "this is ( no policy".to_owned();
                self.rendered.files.push((format!("policy/{name}"), bad));
            }
        }
    }

    /// What the policy file calls the group file, and where that is. Names repeat from folder to
    /// folder, so that one looked up from the wrong folder is found, and wrong.
    fn group_file_path(&mut self, policy_file: &str, index: usize) -> (String, String) {
        let depth = policy_file.matches('/').count();
        let own = match policy_file.rfind('/') {
            Some(slash) => &policy_file[..=slash],
            None => "",
        };
        let name = format!("list{}.yaml", index % 2);
        let branch = ["x", "y", "w", "z"][index % 4];
        match self.writer.dice.of(&[0, 1, 2, 3]) {
            0 => {
                self.hit("group file beside its policy file");
                let name = format!("own{index}.yml");
                (name.clone(), format!("policy/{own}{name}"))
            }
            1 => {
                let name = format!("dot{index}.yaml");
                (format!("./{name}"), format!("policy/{own}{name}"))
            }
            2 => {
                self.hit("group file in a folder below");
                (
                    format!("{branch}/{name}"),
                    format!("policy/{own}{branch}/{name}"),
                )
            }
            _ => {
                self.hit("group file in a folder above");
                let up = "../".repeat(depth + 1);
                (
                    format!("{up}lists/{branch}/{name}"),
                    format!("lists/{branch}/{name}"),
                )
            }
        }
    }

    fn group_file(&mut self, users: &[String]) -> String {
        let ids: Vec<String> = users
            .iter()
            .map(|user| {
                let (localpart, server) = split(user);
                let bare = |c: char| c.is_ascii_alphanumeric() || "._=/+-".contains(c);
                let short = !localpart.is_empty() && localpart.chars().all(bare);
                let id = if short && self.writer.leaves_out(Some(server)) {
                    self.hit("group file: ID without server");
                    format!("@{localpart}")
                } else {
                    user.clone()
                };
                if self.writer.dice.at(1, 3) && !id.contains(char::is_control) {
                    format!("'{}'", id.replace('\'', "''"))
                } else {
                    serde_json::to_string(&id).unwrap()
                }
            })
            .collect();
        let mapping = self.writer.dice.at(1, 2);
        self.hit(if mapping {
            "group file: mapping"
        } else {
            "group file: list"
        });
        let head = self
            .writer
            .dice
            .of(&["", "", "# people\n", "---\n"])
            .to_owned();
        let flow = ids.is_empty() || self.writer.dice.at(1, 2);
        if ids.is_empty() {
            self.hit("group file: nobody");
        }
        head + &match (mapping, flow) {
            (false, true) => format!("[{}]\n", ids.join(", ")),
            (true, true) => format!("users: [{}]\n", ids.join(", ")),
            (false, false) => ids.iter().map(|id| format!("- {id}\n")).collect::<String>(),
            (true, false) => {
                "users:\n".to_owned()
                    + &ids
                        .iter()
                        .map(|id| format!("  - {id} # why\n"))
                        .collect::<String>()
            }
        }
    }
}

/// The directory file of some facts.
pub fn directory_file(facts: &Facts) -> String {
    let quoted = |text: &String| serde_json::to_string(text).unwrap();
    let list = |items: &mut dyn Iterator<Item = &String>| {
        format!("[{}]", items.map(quoted).collect::<Vec<_>>().join(", "))
    };
    let mut text = String::new();
    if let Some(name) = &facts.server_name {
        text += &format!("server_name: {}\n", quoted(name));
    }
    text += &format!("users: {}\nrooms:\n", list(&mut facts.users.iter()));
    // an alias of a room without members needs its room written too
    let mut rooms = facts.rooms.clone();
    for room in facts.aliases.values() {
        rooms.entry(room.clone()).or_default();
    }
    for (room, members) in &rooms {
        let mut aliases = facts
            .aliases
            .iter()
            .filter(|(_, to)| *to == room)
            .map(|(alias, _)| alias);
        text += &format!(
            "  {}:\n    aliases: {}\n    members: {}\n",
            quoted(room),
            list(&mut aliases),
            list(&mut members.iter())
        );
    }
    text
}
