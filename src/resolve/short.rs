//! What to say of a name without a server to which none is added.
//!
//! Most such names are something else: a mail address, several names in one, a name with a comment.
//!
//! Law: a name that is only likely meant is asked about, and what is told to be written names nobody
//! but whom the text names.

use super::meant::plain_word;
use crate::diagnostic::visible;
use crate::id::{MAX_BYTES, ServerName, check_short_alias, check_short_user};

/// Where a name is written, and so how it is written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// In a policy.
    Policy,
    /// In a group file.
    GroupFile,
    /// By itself: on a command line or in a configuration.
    Alone,
}

/// What ejabberd calls all users of a server, in lists where names are expected.
const ALL_USERS: [&str; 3] = ["@all@", "@online@", "@recent@"];

/// What to say of a user's name to which no server is added; `server` is what short names get.
pub fn short_user_help(name: &str, server: Option<&ServerName>, written: Written) -> String {
    let short = Short {
        server,
        written,
        sigil: '@',
    };
    visible(&short.help(name)).into_owned()
}

/// The same of an alias.
pub(super) fn short_alias_help(name: &str, server: Option<&ServerName>) -> String {
    let short = Short {
        server,
        written: Written::Policy,
        sigil: '#',
    };
    let mut help = short.help(name);
    if !help.ends_with('?') {
        help.push_str("; a comment needs a blank before its `#` and one behind it");
    }
    visible(&help).into_owned()
}

struct Short<'a> {
    server: Option<&'a ServerName>,
    written: Written,
    sigil: char,
}

impl Short<'_> {
    fn help(&self, name: &str) -> String {
        if ALL_USERS.contains(&name) {
            return format!(
                "`{name}` is ejabberd's word for users of a server: in a policy that is `local users`"
            );
        }
        let trimmed = name.trim();
        if trimmed != name && self.is_name(trimmed) {
            let meant = self.shown(trimmed);
            return format!("no blank stands around a name: did you mean {meant}?");
        }
        self.several(name)
            .or_else(|| self.with_comment(name))
            .or_else(|| self.with_at(name))
            .or_else(|| self.with_odd_marks(name))
            .unwrap_or_else(|| self.with_server(name))
    }

    /// Several names in one.
    fn several(&self, name: &str) -> Option<String> {
        let parts = name.split([',', ';', ' ', '\t', '\n', '\r']);
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let [first, second, ..] = parts[..] else {
            return None;
        };
        if !parts.iter().all(|part| self.is_name(part)) {
            return None;
        }
        let each = match self.written {
            Written::Policy => "write each name by itself",
            Written::GroupFile => "write each user on a line of its own",
            Written::Alone => "give each user by itself",
        };
        Some(format!(
            "{each}: {} and {}",
            self.shown(first),
            self.shown(second)
        ))
    }

    /// A name and a comment in one.
    fn with_comment(&self, name: &str) -> Option<String> {
        let (before, note) = name.get(1..)?.split_once('#')?;
        let bare = name.get(..=before.trim_end().len())?;
        if !self.is_name(bare) {
            return None;
        }
        let shown = self.shown(bare);
        if self.written == Written::Alone {
            return Some(format!(
                "a comment is no part of a name: did you mean {shown}?"
            ));
        }
        let note = match note.trim_start_matches('#').trim() {
            "" => "...",
            note => note,
        };
        let whole = self.whole(name);
        let whole = whole.map_or(String::new(), |whole| {
            format!("; {} is the name with the `#`", self.shown(&whole))
        });
        let shown = shown.trim_end_matches('`');
        Some(format!("for a comment write {shown} # {note}`{whole}"))
    }

    /// A mail address, or another name with an `@` in it.
    fn with_at(&self, name: &str) -> Option<String> {
        let (local, server) = name.get(1..)?.split_once('@')?;
        let short = format!("{}{local}", self.sigil);
        if ServerName::parse(server).is_ok() && self.is_short(&short) {
            let meant = self.shown(&format!("{short}:{server}"));
            return Some(format!("`:` stands before a server: did you mean {meant}?"));
        }
        let plain = name.is_ascii();
        plain.then(|| match self.sigil {
            '#' => "an alias is written `#name:server`, as in `#ops:example.org`".into(),
            _ => "a user is written `@name:server`, as in `@ann:example.org`".into(),
        })
    }

    /// Characters that only look like those of a name, or of several.
    fn with_odd_marks(&self, name: &str) -> Option<String> {
        let (plain, why) = plain_word(name)?;
        if self.is_name(&plain) {
            return Some(format!("{why}: did you mean {}?", self.shown(&plain)));
        }
        let several = self.several(&plain)?;
        Some(format!("{why}: {several}"))
    }

    fn with_server(&self, name: &str) -> String {
        match self.whole(name) {
            Some(whole) => format!(
                "a name with such a character is written with its server: {}",
                self.shown(&whole)
            ),
            None if self.sigil == '#' => "write the whole name: `#ops:example.org`".into(),
            None => "write the whole name: `@ann:example.org`".into(),
        }
    }

    /// A name with its server, if all of that can be seen.
    fn whole(&self, name: &str) -> Option<String> {
        let server = self.server.map_or("SERVER", ServerName::as_str);
        let whole = format!("{name}:{server}");
        let seen = name.len() > 1 && whole.len() <= MAX_BYTES && visible(&whole) == whole;
        seen.then_some(whole)
    }

    /// Whether it is a name as it stands, with a server or without.
    fn is_name(&self, text: &str) -> bool {
        match text.split_once(':') {
            Some((name, server)) => self.is_short(name) && ServerName::parse(server).is_ok(),
            None => self.is_short(text),
        }
    }

    fn is_short(&self, name: &str) -> bool {
        match self.sigil {
            '#' => check_short_alias(name).is_ok() && !name.contains([' ', ',', '"']),
            _ => check_short_user(name).is_ok(),
        }
    }

    /// A name as it is written where it stands.
    fn shown(&self, name: &str) -> String {
        let marks = [' ', '\t', ',', '(', ')', '"', '\\', '*', '?'];
        let bare = match self.sigil {
            '#' => !name.contains(marks),
            _ => self.is_name(name),
        };
        match self.written {
            Written::Policy if !bare => format!("`\"{}\"`", escaped(name)),
            Written::Policy | Written::Alone => format!("`{name}`"),
            Written::GroupFile => {
                let name = name.replace('\\', "\\\\").replace('"', "\\\"");
                format!("`- \"{name}\"`")
            }
        }
    }
}

/// As a text stands between quotes in a policy.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '"' | '*' | '?') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
