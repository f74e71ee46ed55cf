//! The text of one statement: spellings, quotes, parentheses, blanks, line breaks and comments,
//! chosen by dice among all that the language allows.
//!
//! Not for what stands between statements, or for files (`render`).

use super::model::{
    Layout, Pattern, Piece, Policy, Room, Rule, Selector, Tally, UserPattern, has_glob, plain,
};
use super::patterns::is_glob;

/// A small seeded source of choices (splitmix64).
pub struct Dice {
    pub wild: u8,
    state: u64,
}

impl Dice {
    pub fn new(layout: Layout) -> Dice {
        Dice {
            wild: layout.wild,
            state: layout.seed,
        }
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % n as u64).unwrap()
    }

    /// One time in `n`, if the layout is at least this wild.
    pub fn at(&mut self, wild: u8, n: usize) -> bool {
        self.wild >= wild && self.below(n) == 0
    }

    /// The first choice in the plainest layout, else any.
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        if self.wild == 0 {
            choices[0]
        } else {
            choices[self.below(choices.len())]
        }
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        if self.wild > 0 {
            for index in (1..items.len()).rev() {
                items.swap(index, self.below(index + 1));
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A keyword, for what may begin a line.
    Key(&'static str),
    Word(String),
    Open,
    Close,
    Comma,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Token::Key(text) => text,
            Token::Word(text) => text,
            Token::Open => "(",
            Token::Close => ")",
            Token::Comma => ",",
        }
    }

    fn is_mark(&self) -> bool {
        matches!(self, Token::Open | Token::Close | Token::Comma)
    }
}

/// A part of a union, and whether it ends in a bare `who are`, after which no bare `and` may stand.
struct Part {
    tokens: Vec<Token>,
    who: bool,
}

pub struct Writer<'a> {
    pub dice: Dice,
    pub policy: &'a Policy,
    pub tally: Tally,
    depth: usize,
}

pub const COMMENTS: [&str; 9] = [
    "# why",
    "#",
    "##",
    "#\tsend all to all",
    "# ( \" / '",
    "# zoë #",
    "## a, b",
    "# block @x",
    "### it's (",
];
impl<'a> Writer<'a> {
    pub fn new(policy: &'a Policy, layout: Layout) -> Writer<'a> {
        Writer {
            dice: Dice::new(layout),
            policy,
            tally: Tally::default(),
            depth: 0,
        }
    }

    // ---- selectors

    fn keys(words: &'static str) -> Vec<Token> {
        words.split(' ').map(Token::Key).collect()
    }

    pub fn selector(&mut self, selector: &Selector) -> Vec<Token> {
        if let Selector::Except(a, b) = selector
            && !self.dice.at(1, 8)
        {
            self.tally.hit("except");
            if [a, b]
                .iter()
                .any(|side| matches!(***side, Selector::Except(..)))
            {
                self.tally.hit("except in except");
            }
            let mut tokens = self.union(a);
            tokens.push(Token::Key("except"));
            tokens.extend(self.union(b));
            return tokens;
        }
        self.union(selector)
    }

    fn union(&mut self, selector: &Selector) -> Vec<Token> {
        let parts = self.parts(selector);
        let mut tokens = Vec::new();
        let mut after_who = false;
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                self.join(&mut tokens, !after_who);
            }
            after_who = part.who;
            tokens.extend(part.tokens);
        }
        tokens
    }

    fn join(&mut self, tokens: &mut Vec<Token>, bare_and: bool) {
        match self.dice.of(&[0, 1, 2]) {
            1 if bare_and => {
                self.tally.hit("union with `and`");
                tokens.push(Token::Key("and"));
            }
            2 => {
                self.tally.hit("union with `, and`");
                tokens.extend([Token::Comma, Token::Key("and")]);
            }
            _ => {
                self.tally.hit("union with `,`");
                tokens.push(Token::Comma);
            }
        }
    }

    fn parts(&mut self, selector: &Selector) -> Vec<Part> {
        if let Selector::Union(all) = selector
            && !self.dice.at(1, 8)
        {
            // a union in a union needs no parentheses
            return all.iter().flat_map(|item| self.parts(item)).collect();
        }
        if let Selector::Who(all) = selector
            && !self.dice.at(1, 8)
        {
            self.tally.hit(if all.len() > 2 {
                "who are, chained"
            } else {
                "who are"
            });
            let mut tokens = Vec::new();
            for (index, item) in all.iter().enumerate() {
                if index > 0 {
                    tokens.extend(Self::keys("who are"));
                }
                tokens.extend(self.atom(item));
            }
            return vec![Part { tokens, who: true }];
        }
        vec![Part {
            tokens: self.atom(selector),
            who: false,
        }]
    }

    fn atom(&mut self, selector: &Selector) -> Vec<Token> {
        if self.depth == 0 && self.dice.at(3, 60) {
            self.tally.hit("parentheses 30 deep");
            self.depth = 30;
            let mut tokens = vec![Token::Open; 30];
            tokens.extend(self.selector(selector));
            tokens.extend(vec![Token::Close; 30]);
            self.depth = 0;
            return tokens;
        }
        let inner = self.depth < 20 && self.dice.at(1, 10);
        let compound = matches!(
            selector,
            Selector::Union(_) | Selector::Except(..) | Selector::Who(_)
        );
        if inner || compound {
            self.tally.hit(if compound {
                "parentheses"
            } else {
                "parentheses without need"
            });
            self.depth += 1;
            let mut tokens = vec![Token::Open];
            tokens.extend(self.selector(selector));
            self.close(&mut tokens);
            self.depth -= 1;
            return tokens;
        }
        match selector {
            Selector::All => {
                let (name, words) = self.dice.of(&[
                    ("all", "all"),
                    ("all users", "all users"),
                    ("everyone", "everyone"),
                ]);
                self.tally.hit(name);
                Self::keys(words)
            }
            Selector::User(user) => vec![Token::Word(self.user(user))],
            Selector::On(servers) => {
                let words = servers.iter().map(|server| self.server(server)).collect();
                let mut tokens = Self::keys("users on");
                tokens.extend(self.list(words, "users on several servers", "users on a server"));
                tokens
            }
            Selector::Matching(expression) => {
                self.tally.hit("users matching");
                self.tally.hit(expression.kind);
                if expression.text.contains('/') {
                    self.tally.hit("regex: \\/");
                }
                let mut tokens = Self::keys("users matching");
                tokens.push(Token::Word(format!(
                    "/{}/",
                    expression.text.replace('/', "\\/")
                )));
                tokens
            }
            Selector::Local => {
                self.tally.hit("local users");
                Self::keys("local users")
            }
            Selector::Remote => {
                self.tally.hit("remote users");
                Self::keys("remote users")
            }
            Selector::Members(rooms) => {
                let words = rooms.iter().map(|room| self.room(room)).collect();
                let mut tokens = Self::keys(self.dice.of(&["room members of", "members of"]));
                self.tally.hit(if tokens.len() == 3 {
                    "room members of"
                } else {
                    "members of"
                });
                tokens.extend(self.list(words, "members of several rooms", "members of a room"));
                tokens
            }
            Selector::Group(index) => {
                self.tally.hit("group");
                vec![
                    Token::Key("group"),
                    Token::Word(self.policy.groups[*index].name.to_owned()),
                ]
            }
            Selector::Union(_) | Selector::Except(..) | Selector::Who(_) => unreachable!(),
        }
    }

    fn list(&mut self, words: Vec<String>, many: &'static str, one: &'static str) -> Vec<Token> {
        self.tally.hit(if words.len() > 1 { many } else { one });
        if words.len() == 1 && !self.dice.at(1, 4) {
            return words.into_iter().map(Token::Word).collect();
        }
        let mut tokens = vec![Token::Open];
        for (index, word) in words.into_iter().enumerate() {
            if index > 0 {
                self.join(&mut tokens, true);
            }
            tokens.push(Token::Word(word));
        }
        self.close(&mut tokens);
        tokens
    }

    fn close(&mut self, tokens: &mut Vec<Token>) {
        if self.dice.at(1, 6) {
            self.tally.hit("trailing comma");
            tokens.push(Token::Comma);
        }
        tokens.push(Token::Close);
    }

    // ---- words

    /// Whether the default server may be left out, and is.
    pub fn leaves_out(&mut self, server: Option<&str>) -> bool {
        server.is_some() && server == self.policy.default_server() && self.dice.at(1, 2)
    }

    fn user(&mut self, user: &UserPattern) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || "._=/+-".contains(c);
        let odd = user.local.is_empty()
            || user
                .local
                .iter()
                .any(|piece| matches!(piece, Piece::Lit(c) if !bare(*c)));
        let without = self.leaves_out(plain(&user.server).as_deref()) && !odd;
        let quoted = odd || self.dice.at(1, 6);
        let mut text = String::from("@");
        for (from_server, piece) in user
            .local
            .iter()
            .map(|p| (false, p))
            .chain(user.server.iter().map(|p| (true, p)))
        {
            if from_server && without {
                break;
            }
            if from_server && !text.contains(':') {
                text.push(':');
            }
            match piece {
                Piece::Run => text.push('*'),
                Piece::One => text.push('?'),
                Piece::Lit(c) => {
                    if quoted && "*?\\\"".contains(*c) {
                        self.tally.hit(match c {
                            '*' | '?' => "quoted user: escaped wildcard",
                            _ => "quoted user: escaped quote or backslash",
                        });
                        text.push('\\');
                    }
                    text.push(*c);
                }
            }
        }
        self.tally.hit(match (is_glob(user), without) {
            (true, true) => "user glob without server",
            (true, false) => "user glob",
            (false, true) => "user without server",
            (false, false) => "user",
        });
        if has_glob(&user.local) {
            self.tally.hit("wildcard in a localpart");
        }
        if has_glob(&user.server) {
            self.tally.hit("wildcard in a user's server");
        }
        if user.local.is_empty() {
            self.tally.hit("quoted user: empty localpart");
        }
        if quoted {
            self.tally.hit(match (odd, is_glob(user)) {
                (_, true) => "quoted glob",
                (true, false) => "quoted user: odd characters",
                (false, false) => "quoted user without need",
            });
            text = format!("\"{text}\"");
        }
        text
    }

    fn server(&mut self, server: &Pattern) -> String {
        if has_glob(server) {
            self.tally.hit("wildcard in `users on`");
        }
        let text = pattern_text(server);
        if text.contains('[') {
            self.tally.hit("IPv6 server");
        }
        text
    }

    fn room(&mut self, room: &Room) -> String {
        match room {
            Room::Id(id) => {
                self.tally.hit(if id.contains(':') {
                    "room ID"
                } else {
                    "room ID of version 12"
                });
                id.clone()
            }
            Room::Alias { name, server } => {
                let short = !name.contains(['#', '@', '!']) && !name.starts_with(['+', '$']);
                if short && self.leaves_out(Some(server)) {
                    self.tally.hit("room alias without server");
                    format!("#{name}")
                } else {
                    self.tally.hit("room alias");
                    format!("#{name}:{server}")
                }
            }
        }
    }

    // ---- statements

    pub fn rule(&mut self, rule: &Rule) -> Vec<Token> {
        let mut tokens = Vec::new();
        match rule {
            Rule::Send(senders, recipients) => {
                self.tally.hit("send");
                tokens.push(Token::Key("send"));
                tokens.extend(self.selector(senders));
                tokens.push(Token::Key("to"));
                tokens.extend(self.selector(recipients));
            }
            Rule::See(recipients, senders) => {
                tokens.extend(self.selector(recipients));
                let verb = self.dice.of(&["see", "sees"]);
                self.tally.hit(verb);
                tokens.push(Token::Key(verb));
                tokens.extend(self.selector(senders));
            }
            Rule::EachOther(users) => {
                tokens.extend(self.selector(users));
                let words = self.dice.of(&["see each other", "sees each other"]);
                self.tally.hit("see each other");
                tokens.extend(Self::keys(words));
            }
            Rule::Block(senders, recipients) => {
                self.tally.hit(if recipients.is_some() {
                    "block from"
                } else {
                    "block"
                });
                tokens.push(Token::Key("block"));
                tokens.extend(self.selector(senders));
                if let Some(recipients) = recipients {
                    tokens.push(Token::Key("from"));
                    tokens.extend(self.selector(recipients));
                }
            }
        }
        tokens
    }

    pub fn blanks(&mut self, least: usize) -> String {
        if self.dice.wild == 0 {
            return " ".repeat(least);
        }
        let count = least
            + if self.dice.at(1, 3) {
                self.dice.below(3)
            } else {
                0
            };
        (0..count)
            .map(|_| self.dice.of(&[' ', ' ', ' ', '\t']))
            .collect()
    }

    /// Blanks, or a line break with or without comments where one may stand.
    fn gap(&mut self, before: &Token, after: &Token, depth: usize) -> String {
        let may_break = depth > 0
            || matches!(before, Token::Comma | Token::Key("and" | "except"))
            || matches!(
                after,
                Token::Key("to" | "from" | "see" | "sees" | "who" | "and" | "except")
            );
        if may_break && self.dice.at(2, if self.dice.wild > 2 { 4 } else { 10 }) {
            self.tally.hit(if depth > 0 {
                "line break in ()"
            } else {
                "line break"
            });
            let mut text = String::new();
            if self.dice.at(2, 3) {
                self.tally.hit("comment inside a statement");
                text += &self.blanks(usize::from(!ends_word(before.text())));
                text += self.dice.of(&COMMENTS);
            } else if self.dice.at(2, 4) {
                text += &self.blanks(1);
            }
            text.push('\n');
            while self.dice.at(2, 4) {
                text += &self.blanks(0);
                if self.dice.at(2, 2) {
                    self.tally.hit("comment line inside a statement");
                    text += self.dice.of(&COMMENTS);
                } else {
                    self.tally.hit("blank line inside a statement");
                }
                text.push('\n');
            }
            if !self.dice.at(2, 4) {
                text += &self.blanks(2);
            }
            return text;
        }
        if [before, after].iter().any(|token| token.text() == "=") && self.dice.at(2, 4) {
            return self.blanks(0);
        }
        let spaced = !(before.is_mark() || after.is_mark())
            || match self.dice.wild {
                0 => {
                    *after == Token::Open && *before != Token::Open
                        || *before == Token::Close && !after.is_mark()
                        || *before == Token::Comma && *after != Token::Close
                }
                _ => self.dice.below(2) == 0,
            };
        self.blanks(usize::from(spaced))
    }

    pub fn lay_out(&mut self, tokens: &[Token]) -> String {
        let mut text = String::new();
        let mut depth = 0;
        for (index, token) in tokens.iter().enumerate() {
            if let Some(before) = index.checked_sub(1).map(|i| &tokens[i]) {
                text += &self.gap(before, token, depth);
            }
            text += token.text();
            match token {
                Token::Open => depth += 1,
                Token::Close => depth -= 1,
                _ => {}
            }
        }
        text
    }
}

/// Whether a comment may follow at once.
pub fn ends_word(text: &str) -> bool {
    text.ends_with(['(', ')', ',', '"'])
}

fn pattern_text(pattern: &[Piece]) -> String {
    pattern
        .iter()
        .map(|piece| match piece {
            Piece::Lit(c) => *c,
            Piece::Run => '*',
            Piece::One => '?',
        })
        .collect()
}
