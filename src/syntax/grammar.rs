//! The pest parser of `grammar/policy.pest` and the words people know its rules by.

use pest_derive::Parser;

// The derive macro writes an undocumented enum with one variant a rule.
#[allow(missing_docs)]
mod generated {
    use super::Parser;

    #[derive(Parser)]
    #[grammar = "../grammar/policy.pest"]
    pub struct Grammar;
}

pub(super) use generated::{Grammar, Rule};

/// Every keyword; none of them names a group or a server.
pub const KEYWORDS: &[&str] = &[
    "server", "group", "send", "block", "to", "from", "see", "sees", "each", "other", "except",
    "and", "who", "are", "all", "everyone", "users", "on", "matching", "local", "remote", "room",
    "members", "of", "baseline", "during", "hide", "mates", "space", "when",
];

/// What a rule is called in an error: a keyword or mark in backticks, or a description.
pub(super) fn name_of(rule: Rule) -> &'static str {
    match rule {
        Rule::EOI => "the end of the statement",
        Rule::server_statement => "`server`",
        Rule::group_statement => "`group`",
        Rule::send_statement => "`send`",
        Rule::block_statement => "`block`",
        Rule::selector
        | Rule::union
        | Rule::part
        | Rule::paren
        | Rule::everyone
        | Rule::user
        | Rule::user_word
        | Rule::users_on
        | Rule::users_matching
        | Rule::local_users
        | Rule::remote_users
        | Rule::members
        | Rule::group
        | Rule::see_statement => "users",
        Rule::plain
        | Rule::plain_see
        | Rule::plain_send
        | Rule::plain_block
        | Rule::plain_group
        | Rule::plain_users
        | Rule::plain_part
        | Rule::plain_user
        | Rule::plain_group_use => "a plain statement",
        Rule::comma | Rule::comma_and => "`,`",
        Rule::bare_and | Rule::kw_and => "`and`",
        Rule::server => "a server",
        Rule::room => "a room",
        Rule::name => "a group's name",
        Rule::string | Rule::quoted => "a path in quotes",
        Rule::regex => "a regex between slashes",
        Rule::word | Rule::word_char | Rule::word_end => "a word",
        Rule::open => "`(`",
        Rule::close => "`)`",
        Rule::equals => "`=`",
        Rule::each_other => "`each other`",
        Rule::kw_server => "`server`",
        Rule::kw_group => "`group`",
        Rule::kw_send => "`send`",
        Rule::kw_block => "`block`",
        Rule::kw_to => "`to`",
        Rule::kw_from => "`from`",
        Rule::kw_see => "`see`",
        Rule::kw_sees => "`sees`",
        Rule::kw_each => "`each`",
        Rule::kw_other => "`other`",
        Rule::kw_except => "`except`",
        Rule::kw_who => "`who are`",
        Rule::kw_are => "`are`",
        Rule::kw_all => "`all`",
        Rule::kw_everyone => "`everyone`",
        Rule::kw_users => "`users`",
        Rule::kw_on => "`on`",
        Rule::kw_matching => "`matching`",
        Rule::kw_local => "`local`",
        Rule::kw_remote => "`remote`",
        Rule::kw_room => "`room`",
        Rule::kw_members => "`members`",
        Rule::kw_of => "`of`",
        Rule::keyword => "a keyword",
        Rule::line | Rule::statement => "a statement",
        Rule::atom | Rule::more | Rule::blank | Rule::WHITESPACE => "users",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pest::Parser as _;

    #[test]
    fn the_list_of_keywords_is_the_grammars() {
        for word in KEYWORDS {
            let pairs = Grammar::parse(Rule::keyword, word).unwrap();
            assert_eq!(pairs.as_str(), *word);
        }
        let grammar = include_str!("../../grammar/policy.pest");
        let rules = grammar.lines().filter_map(|line| line.strip_prefix("kw_"));
        let mut rules: Vec<&str> = rules.filter_map(|rule| rule.split(' ').next()).collect();
        rules.extend(["baseline", "during", "hide", "mates", "space", "when"]);
        assert_eq!(rules, KEYWORDS);
        assert!(Grammar::parse(Rule::keyword, "remote.org").is_err());
    }
}
