//! What another program left in a text that was to be read: conflicts of a merge that nobody resolved,
//! templates that were not rendered, whole files that are still encrypted.
//!
//! Not for: what is done about it. Who reads a text asks here and reports each finding once, instead of
//! one mistake for each line of it. A finding may lie in a comment or in quotes; who asks knows whether
//! that counts.
//!
//! Law: a pure function of the text. Findings stand in order and do not overlap; an encrypted text has
//! one and no other. Costs one pass where there is nothing.

use std::ops::Range;

/// What was left in a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Which kind of thing.
    pub kind: Kind,
    /// What to show: a conflict's first line, a template's mark, an encrypted text's first line.
    pub shown: Range<usize>,
    /// What is not to be read, so that the rest makes sense by itself: of a conflict its marks and all
    /// sides but the first, of a template what stands alone on its lines, an encrypted text as a whole.
    pub hidden: Vec<Range<usize>>,
}

/// Kinds of what is left in texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Two sides of a merge, one of which must go.
    Conflict,
    /// One mark of a conflict whose other marks are gone.
    Mark,
    /// A place of a template, of the engines that write it so.
    Template(&'static str),
    /// A whole text, encrypted by this program.
    Encrypted(&'static str),
}

impl Foreign {
    /// What is wrong, for people.
    pub fn message(&self, text: &str) -> String {
        match self.kind {
            Kind::Conflict => "a merge left this conflict unresolved".into(),
            Kind::Mark => format!("a merge left the mark `{}` here", short(self.shown(text))),
            Kind::Template(_) => format!(
                "`{}` is a place in a template that was not rendered",
                short(self.shown(text))
            ),
            Kind::Encrypted(by) => format!("this file is encrypted with {by}"),
        }
    }

    /// What to do about it, for people.
    pub fn help(&self) -> String {
        match self.kind {
            Kind::Conflict => {
                "keep the lines that are right, of one side or of both, and take away \
                               the marks `<<<<<<<`, `=======` and `>>>>>>>`"
                    .into()
            }
            Kind::Mark => {
                "take this line away, and look whether the lines around it are those that \
                           were to stay"
                    .into()
            }
            Kind::Template(engine) => format!(
                "nothing was put in here: use the file that {engine} makes of this one, or write the \
                 name itself"
            ),
            Kind::Encrypted(by) => {
                format!("decrypt it with {by} first: it is read as plain text only")
            }
        }
    }

    fn shown<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.shown.clone()).unwrap_or_default()
    }
}

/// All that other programs left in a text.
///
/// Costs one pass, and where something may be left, some more.
pub fn foreign(text: &str) -> Vec<Foreign> {
    // Sops leaves the file's own form and encrypts each value in it.
    let sops =
        || (text.contains("ENC[AES256_GCM,data:") && text.contains("sops")).then_some("sops");
    if let Some(by) = encrypted(text.as_bytes()).or_else(sops) {
        let first = text.trim_start();
        let start = text.len() - first.len();
        let end = start + first.lines().next().map_or(0, str::len);
        return vec![Foreign {
            kind: Kind::Encrypted(by),
            shown: start..end,
            hidden: Vec::from([Range {
                start: 0,
                end: text.len(),
            }]),
        }];
    }
    if !may_hold(text) {
        return Vec::new();
    }
    let mut found = conflicts(text);
    let read: Vec<Range<usize>> = found.iter().flat_map(|f| f.hidden.clone()).collect();
    let outside = |template: &Foreign| {
        let at = template.shown.start;
        let behind = read.partition_point(|hidden| hidden.start <= at);
        let last = behind.checked_sub(1).and_then(|last| read.get(last));
        !last.is_some_and(|hidden| hidden.contains(&at))
    };
    found.extend(templates(text).into_iter().filter(outside));
    found.sort_by_key(|f| f.shown.start);
    found
}

/// The program that a file is encrypted with, if it is. Such a file may be no text at all.
pub fn encrypted(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace());
    let bytes = bytes.get(start?..).unwrap_or_default();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let begins = |mark: &&(&str, &str)| bytes.starts_with(mark.0.as_bytes());
    ENCRYPTED.iter().find(begins).map(|(_, by)| *by)
}

/// What encrypted files begin with, and the program that makes them.
const ENCRYPTED: [(&str, &str); 9] = [
    ("$ANSIBLE_VAULT;", "ansible-vault"),
    ("-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    ("age-encryption.org/v1", "age"),
    ("-----BEGIN PGP MESSAGE-----", "PGP"),
    ("-----BEGIN CMS-----", "CMS"),
    ("-----BEGIN PKCS7-----", "PKCS #7"),
    ("\0GITCRYPT\0", "git-crypt"),
    ("Salted__", "openssl"),
    ("U2FsdGVkX1", "openssl"),
];

/// Whether something is there that all conflicts and templates hold.
fn may_hold(text: &str) -> bool {
    // Without a way out before the end of a piece, so that many bytes are looked at at once.
    let special = |b: u8| u8::from(matches!(b, b'{' | b'<' | b'>' | b'$'));
    let any = |piece: &[u8]| piece.iter().fold(0, |any, b| any | special(*b)) != 0;
    text.as_bytes().chunks(4096).any(any)
        || ["==", "||", "@@"]
            .into_iter()
            .any(|pair| text.contains(pair))
}

// ---- conflicts ----

/// The mark of a conflict that a line begins with, and which one.
fn mark(line: &str) -> Option<char> {
    let line = line.trim_start_matches([' ', '\t']);
    let first = line.chars().next().filter(|c| "<|=>%+".contains(*c))?;
    let rest = line.trim_start_matches(first);
    // Seven of them; more where conflicts stand in conflicts.
    let long = line.len() - rest.len() >= 7;
    let alone = rest.is_empty() || rest.starts_with([' ', '\t', '\r']);
    (long && alone && (first != '=' || rest.trim().is_empty() || rest.len() < 80)).then_some(first)
}

fn conflicts(text: &str) -> Vec<Foreign> {
    let mut found: Vec<Foreign> = Vec::new();
    // The lines of the marks since the conflict began that has not ended.
    let mut open: Option<Foreign> = None;
    let mut depth = 0_usize;
    let mut first_side = true;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let whole = at..at + line.len();
        at = whole.end;
        let bare = line.trim_end_matches(['\n', '\r']);
        let shown = whole.start..whole.start + bare.len();
        let mark = mark(bare);
        match (&mut open, mark) {
            (None, Some('<')) => {
                depth = 1;
                first_side = true;
                open = Some(Foreign {
                    kind: Kind::Conflict,
                    shown,
                    hidden: vec![whole],
                });
            }
            (None, Some('=' | '>' | '|')) => found.push(Foreign {
                kind: Kind::Mark,
                shown,
                hidden: vec![whole],
            }),
            (None, _) => {}
            (Some(conflict), mark) => {
                match mark {
                    Some('<') => depth += 1,
                    Some('>') => depth -= 1,
                    Some(_) if depth == 1 => first_side = false,
                    _ => {}
                }
                if mark.is_some() || !first_side {
                    conflict.hidden.push(whole);
                }
                if depth == 0 {
                    found.extend(open.take());
                }
            }
        }
    }
    if let Some(mut conflict) = open {
        // It never ends: then only its marks are not to be read.
        let is_mark = |hidden: &Range<usize>| {
            let line = text.get(hidden.clone()).unwrap_or_default();
            mark(line.trim_end_matches(['\n', '\r'])).is_some()
        };
        conflict.hidden.retain(is_mark);
        found.push(conflict);
    }
    found
}

// ---- templates ----

/// How many bytes a place of a template has, at most.
const LONGEST: usize = 2_000;

/// What opens a place of a template, what closes it, whether it may go over a line's end, and who
/// writes it so.
const TEMPLATES: [(&str, &str, bool, &str); 9] = [
    ("{{", "}}", false, "Jinja, Helm or the like"),
    ("{%", "%}", true, "Jinja"),
    ("{# ", "#}", true, "Jinja"),
    ("{#- ", "#}", true, "Jinja"),
    ("${", "}", false, "`envsubst`, Terraform or the like"),
    ("%{", "}", false, "Terraform"),
    ("<%", "%>", true, "ERB"),
    ("<?", "?>", true, "PHP"),
    ("[%", "%]", true, "the Template Toolkit"),
];

fn templates(text: &str) -> Vec<Foreign> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find(OPENS)) {
        at += next;
        let rest = text.get(at..).unwrap_or_default();
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        match template(rest, before) {
            Some((len, engine)) => {
                let shown = at..at + len;
                at = shown.end;
                let hidden = alone(text, &shown).into_iter().collect();
                found.push(Foreign {
                    kind: Kind::Template(engine),
                    shown,
                    hidden,
                });
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    found
}

/// The characters that places of templates begin with.
const OPENS: [char; 6] = ['{', '$', '%', '<', '[', '@'];

/// How long a place of a template is that `rest` begins with, and whose it is.
fn template(rest: &str, before: Option<char>) -> Option<(usize, &'static str)> {
    for (open, close, lines, engine) in TEMPLATES {
        let Some(inner) = rest.strip_prefix(open) else {
            continue;
        };
        // No further than it may reach: of very many that are not closed each would look to the end.
        let reach = inner.floor_char_boundary(LONGEST + close.len());
        let inner = inner.get(..reach).unwrap_or_default();
        // By one character, which is found many times as fast as two.
        let mut marks = inner.match_indices(close.chars().next().unwrap_or_default());
        let closes = |at: &usize| inner.get(*at..).is_some_and(|rest| rest.starts_with(close));
        let Some(len) = marks.find_map(|(at, _)| Some(at).filter(closes)) else {
            continue;
        };
        let inner = inner.get(..len).unwrap_or_default();
        // A regex may hold brackets of its own: `[{{}}]`, `x{2}`.
        let named = inner.chars().any(|c| c.is_alphabetic());
        let number = inner.trim_matches([' ', ',']).parse::<f64>().is_ok();
        if named && !number && (lines || !inner.contains('\n')) {
            // `{{{ x }}}` and `${{ x }}` end where all is closed.
            let close_len = close.len() + usize::from(rest.starts_with("{{{"));
            return Some((open.len() + len + close_len, engine));
        }
    }
    let word = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
        text.find(|c| !plain(c)).unwrap_or(text.len())
    };
    if let Some(name) = rest.strip_prefix("@@") {
        let len = word(name);
        let closed = name.get(len..).is_some_and(|rest| rest.starts_with("@@"));
        return (len > 0 && closed).then_some((len + 4, "`sed` or the like"));
    }
    let variable = rest.strip_prefix('$')?;
    let len = word(variable);
    let name = variable.get(..len).unwrap_or_default();
    // `$` is a legal character of an ID, so only what shells and programs write is taken for theirs.
    let shouted = name.len() > 1
        && name
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && name.bytes().any(|b| b.is_ascii_uppercase());
    let starts = before.is_none_or(|c| " \t\n,(@:\"'".contains(c));
    (shouted && starts).then_some((len + 1, "`envsubst` or the like"))
}

/// The lines of a place of a template if nothing else stands on them.
fn alone(text: &str, place: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..place.start)?.trim_end_matches([' ', '\t']);
    let after = text.get(place.end..)?;
    let after = after.trim_start_matches([' ', '\t', '\r']);
    let begins = before.is_empty() || before.ends_with('\n');
    let ends = after.is_empty() || after.starts_with('\n');
    (begins && ends).then(|| place.clone())
}

/// A text in which nothing hidden is left: blanks stand there, byte for byte, and line ends stay.
pub fn without_hidden(text: &str, found: &[Foreign]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for hidden in found.iter().flat_map(|f| &f.hidden) {
        out.push_str(text.get(at..hidden.start).unwrap_or_default());
        let gone = text.get(hidden.clone()).unwrap_or_default().bytes();
        out.extend(gone.map(|b| if b == b'\n' { '\n' } else { ' ' }));
        at = hidden.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// What a message shows of a text, its first line and no more than some words of it.
fn short(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    match first.char_indices().nth(60) {
        None if first.len() == text.len() => text.to_owned(),
        None => format!("{first}..."),
        Some((cut, _)) => format!("{}...", first.get(..cut).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(&str, Kind)> {
        let found = foreign(text).into_iter();
        found.map(|f| (&text[f.shown], f.kind)).collect()
    }

    #[test]
    fn a_conflict_is_one_finding_and_its_first_side_is_left() {
        let text = "a\n<<<<<<< HEAD\nb\n||||||| base\nc\n=======\nd\n>>>>>>> other\ne\n";
        assert_eq!(shown(text), [("<<<<<<< HEAD", Kind::Conflict)]);
        let left = without_hidden(text, &foreign(text));
        assert_eq!(left.len(), text.len());
        assert_eq!(left.split_whitespace().collect::<Vec<_>>(), ["a", "b", "e"]);
        assert_eq!(left.lines().count(), text.lines().count());
        let two = text.repeat(2).replace('\n', "\r\n");
        assert_eq!(shown(&two).len(), 2);
    }

    #[test]
    fn a_conflict_in_a_conflict_belongs_to_it() {
        let text =
            "<<<<<<< a\n1\n<<<<<<<<< b\n2\n=========\n3\n>>>>>>>>> c\n=======\n4\n>>>>>>> d\n5";
        assert_eq!(shown(text).len(), 1);
        let left = without_hidden(text, &foreign(text));
        let left: Vec<&str> = left.split_whitespace().collect();
        assert_eq!(left, ["1", "2", "3", "5"]);
    }

    #[test]
    fn marks_without_the_others_are_found() {
        for (text, kinds) in [
            ("<<<<<<< HEAD\na\n=======\nb\n", vec![Kind::Conflict]),
            ("a\n=======\nb\n", vec![Kind::Mark]),
            ("a\n=======\nb\n>>>>>>> x", vec![Kind::Mark, Kind::Mark]),
            ("a\n  >>>>>>> x", vec![Kind::Mark]),
            ("# =======\n#<<<<<<< a\n<<<<<< six\n<: a\n", vec![]),
            ("<<<<<<<a\n", vec![]),
        ] {
            let found: Vec<Kind> = foreign(text).into_iter().map(|f| f.kind).collect();
            assert_eq!(found, kinds, "{text:?}");
        }
        let text = "<<<<<<< HEAD\na\n=======\nb\n";
        let left = without_hidden(text, &foreign(text));
        assert_eq!(left.split_whitespace().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn places_of_templates_are_found_as_they_stand() {
        let text =
            "{% if x %}\nblock {{ user }}, @a:${DOMAIN}\n{% endif %}\nblock <%= a %> @@B_C@@ $USER";
        let all: Vec<&str> = shown(text).into_iter().map(|(shown, _)| shown).collect();
        let places = [
            "{% if x %}",
            "{{ user }}",
            "${DOMAIN}",
            "{% endif %}",
            "<%= a %>",
            "@@B_C@@",
            "$USER",
        ];
        assert_eq!(all, places);
        let left = without_hidden(text, &foreign(text));
        assert!(left.trim_start().starts_with("block {{ user }}"), "{left}");
        assert_eq!(shown("{% set x =\n 1 %}").len(), 1);
        assert_eq!(shown("a {{{ b }}} ${{ c }}").len(), 2);
    }

    #[test]
    fn nothing_is_found_where_nothing_was_left() {
        for text in [
            "",
            "block users matching /@a{2,3}[{{}}]x{{2}}$/",
            "send @a, {@b} to {@c}, [@d]",
            "group a == @b\n",
            "#$chan:x @$money:x @a@@b",
            "@ann -> @bob <- @c <> =>",
            "{{ a\n}}",
        ] {
            assert_eq!(shown(text), [], "{text}");
        }
    }

    #[test]
    fn an_encrypted_text_is_one_finding() {
        for text in [
            "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
            "\n-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n",
            "-----BEGIN PGP MESSAGE-----\n\nhQ\n",
            "{\n \"data\": \"ENC[AES256_GCM,data:x,iv:y]\",\n \"sops\": {}\n}",
        ] {
            let found = foreign(text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(matches!(found[0].kind, Kind::Encrypted(_)));
            assert!(without_hidden(text, &found).trim().is_empty());
        }
        assert_eq!(encrypted(b"age-encryption.org/v1\n\xff\0"), Some("age"));
        assert_eq!(encrypted(b"block @ann # -----BEGIN PGP MESSAGE-----"), None);
        assert_eq!(encrypted(b""), None);
    }
}
