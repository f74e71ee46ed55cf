//! The names of problems, what each means in a line, and its page.
//!
//! Law: the list is closed and a name never changes: scripts, options and comments in policies hold
//! them.

use std::fmt;

use serde::Serialize;

/// How grave a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The policy does not load.
    Error,
    /// The policy loads and does what it says, which is likely not what was meant.
    Warning,
    /// Worth knowing, and no problem of the policy: never denied.
    Note,
}

macro_rules! names {
    ($($level:ident { $($variant:ident = $name:literal: $doc:literal,)* })*) => {
        /// The stable name of a kind of problem (the language reference, section 3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Name {
            $($(#[doc = $doc] $variant,)*)*
        }

        impl Name {
            /// All names: errors, then warnings, then notes.
            pub const ALL: &'static [Name] = &[$($(Name::$variant,)*)*];

            /// The name as it is written in reports and options.
            pub fn as_str(self) -> &'static str {
                match self { $($(Name::$variant => $name,)*)* }
            }

            /// What it means, in one line.
            pub fn summary(self) -> &'static str {
                match self { $($(Name::$variant => $doc,)*)* }
            }

            /// Its page: why it is a problem, an example, and what to write instead. Markdown.
            pub fn page(self) -> &'static str {
                match self { $($(
                    Name::$variant => include_str!(concat!("../../docs/problems/", $name, ".md")),
                )*)* }
            }

            /// The name that is written so.
            pub fn parse(text: &str) -> Option<Name> {
                Name::ALL.iter().copied().find(|name| name.as_str() == text)
            }

            /// How grave it is; only an error keeps a policy from loading.
            pub fn level(self) -> Level {
                match self { $($(Name::$variant => Level::$level,)*)* }
            }
        }
    };
}

names! {
    Error {
        Syntax = "syntax": "The text does not follow the grammar.",
        InvalidUserId = "invalid-user-id": "A word that must be a user ID is none.",
        InvalidServer = "invalid-server": "A word that must be a server name is none.",
        InvalidRoom = "invalid-room": "A word that must be a room ID or alias is none.",
        InvalidRegex = "invalid-regex": "A regular expression does not compile.",
        MissingServer = "missing-server": "A name without a server, and no default to complete it.",
        ConflictingServer = "conflicting-server": "Two `server` statements that differ.",
        UnknownGroup = "unknown-group": "A group that is defined nowhere.",
        DuplicateGroup = "duplicate-group": "A second definition of a group.",
        GroupCycle = "group-cycle": "A group that contains itself.",
        UnreadableFile = "unreadable-file": "A file or folder that cannot be read.",
        InvalidGroupFile = "invalid-group-file": "A group file that is no list of user IDs.",
        NotUtf8 = "not-utf8": "A file that is not UTF-8.",
        TooLarge = "too-large": "Something over one of the limits.",
    }
    Warning {
        UnusedGroup = "unused-group": "A group that no rule uses.",
        DuplicateRule = "duplicate-rule": "A rule that an earlier one repeats.",
        RedundantRule = "redundant-rule": "Another rule already gives all of it.",
        BlockedRule = "blocked-rule": "A block undoes all of it.",
        IdleBlock = "idle-block": "A block with nothing to undo.",
        EmptyPolicy = "empty-policy": "A policy file without a statement.",
        EmptySelector = "empty-selector": "A selector that no user can be in.",
        UnresolvedRoom = "unresolved-room": "A room that the directory does not know.",
        UnknownUser = "unknown-user": "A local user whom the directory does not know.",
        RemoteDisclosure = "remote-disclosure": "A remote recipient discloses to their whole server.",
        CostlyRule = "costly-rule": "One update makes very many deliveries.",
        ConfusableId = "confusable-id": "Another ID looks the same.",
    }
    Note {
        IgnoredFile = "ignored-file": "A file that is not read because of its name.",
        CopiedFile = "copied-file": "A policy file whose name is that of a copy.",
        IdleAllow = "idle-allow": "A comment that allows nothing.",
        UppercaseServer = "uppercase-server": "A server with capitals that is not known in lower case.",
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
