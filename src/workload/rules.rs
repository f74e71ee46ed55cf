//! The policy: groups, and rules of every kind.

use std::collections::HashSet;
use std::fmt::Write;

use super::people::remote_server;
use super::{Chance, File, Shape, Workload};

/// So many rules stand in a file.
const RULES_A_FILE: usize = 1_000;

/// Larger groups are group files.
const INLINE: usize = 50;

impl Workload {
    /// The files of the policy, as they stand in its folder.
    pub fn files(&self) -> Vec<File> {
        let mut files = vec![File {
            name: "server.policy".into(),
            text: format!("server {}\n", self.server()),
        }];
        self.groups(&mut files);
        let rules = match self.shape {
            Shape::Pairs(_) => self.pairs("", " sees "),
            Shape::Blocks(_) => {
                let mut rules = vec!["send all to all".to_owned()];
                rules.extend(self.pairs("block ", " from "));
                rules.truncate(self.size.rules as usize);
                rules
            }
            Shape::Globs(_) => (0..self.size.rules).map(|at| self.glob(at)).collect(),
            Shape::Room(_) => vec![format!("members of {} see each other", self.room(0))],
            Shape::Family | Shape::Company | Shape::Agency | Shape::Nation => self.mixed(),
        };
        for (at, rules) in rules.chunks(RULES_A_FILE).enumerate() {
            let mut text = rules.join("\n");
            text.push('\n');
            let name = format!("rules-{at:03}.policy");
            files.push(File { name, text });
        }
        files
    }

    /// Distinct rules about two users each.
    fn pairs(&self, before: &str, between: &str) -> Vec<String> {
        let mut chance = Chance::new(self.seed, 3);
        let users = self.size.users();
        let most = (u64::from(users) * u64::from(users)).min(u64::from(self.size.rules));
        let mut pairs: HashSet<(u32, u32)> = HashSet::new();
        let mut rules = Vec::new();
        while (rules.len() as u64) < most {
            let pair = (chance.below(users), chance.below(users));
            if pairs.insert(pair) {
                let (a, b) = (self.user(pair.0), self.user(pair.1));
                rules.push(format!("{before}{a}{between}{b}"));
            }
        }
        rules
    }

    fn groups(&self, files: &mut Vec<File>) {
        let mut chance = Chance::new(self.seed, 4);
        let mut text = String::new();
        let mean = self.size.named / self.size.groups.max(1);
        for group in 0..self.size.groups {
            let count = chance.between(mean / 4, mean + mean * 3 / 4).max(1);
            let mut members: Vec<u32> = (0..count).map(|_| self.someone(&mut chance)).collect();
            members.sort_unstable();
            members.dedup();
            let members = members.into_iter().map(|member| self.user(member));
            if count as usize > INLINE {
                let name = format!("groups/team-{group}.yaml");
                let _ = writeln!(text, "group team-{group} from \"{name}\"");
                let text = members.map(|member| format!("- \"{member}\"\n")).collect();
                files.push(File { name, text });
            } else {
                let members: Vec<String> = members.collect();
                let _ = writeln!(text, "group team-{group} = {}", members.join(", "));
            }
        }
        if !text.is_empty() {
            let name = "groups.policy".into();
            files.push(File { name, text });
        }
    }

    /// A user as rules and groups name them: most are local.
    fn someone(&self, chance: &mut Chance) -> u32 {
        match chance.below(10) {
            0..8 => chance.below(self.size.local),
            _ => self.size.local + chance.below(self.size.remote),
        }
    }

    fn mixed(&self) -> Vec<String> {
        let size = self.size;
        let mut chance = Chance::new(self.seed, 5);
        let mut rules: Vec<String> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let mut at = 0;
        while rules.len() < size.rules as usize {
            let rule = if at < size.gobblers {
                format!("send all to @gobbler{at}")
            } else if at - size.gobblers < size.patterns {
                self.pattern(&mut chance)
            } else {
                self.rule(&mut chance)
            };
            at += 1;
            if seen.insert(rule.clone()) {
                rules.push(rule);
            }
        }
        rules
    }

    fn rule(&self, chance: &mut Chance) -> String {
        let team = |chance: &mut Chance| format!("group team-{}", chance.below(self.size.groups));
        let user = |chance: &mut Chance| self.user(self.someone(chance));
        let (a, b) = (user(chance), user(chance));
        let (one, other) = (team(chance), team(chance));
        let room = self.room(1 + chance.below(self.size.rooms.saturating_sub(1)));
        match chance.below(20) {
            0 | 1 => format!("{one} see each other"),
            2 => format!("send {one} to {other}"),
            3 | 4 => format!("{a} sees {one}"),
            5 if self.has_rooms() => format!("members of {room} see each other"),
            6 if self.has_rooms() => format!("send members of {room} who are {one} to {a}, {b}"),
            7 => format!("{a} sees {one} except {b}"),
            8 => format!("send {one} who are local users to {other} except {a}"),
            9 | 10 => format!("block {a} from {b}"),
            11 => format!("block {a} from {one}"),
            12 => format!("block {one} from {a}, {b}"),
            _ => format!("{a} sees {b}"),
        }
    }

    fn pattern(&self, chance: &mut Chance) -> String {
        let user = self.user(self.someone(chance));
        let number = chance.below(1_000);
        let server = remote_server(chance.below(self.size.remote / 20 + 3));
        match chance.below(6) {
            0 => format!("send users on {server} to {user}"),
            1 => format!("block users on *.town{number}.org from {user}"),
            2 => format!("send @ann.{number}* to {user}"),
            3 => format!("block @*.{number}:* from {user}"),
            4 => format!(r"send users matching /@(bob|carl)\.{number}[0-9]+:.*/ to {user}"),
            _ => format!("block @kim*:{server} from {user}"),
        }
    }

    /// One of many globs that overlap: by what they begin with, end with, or have inside.
    fn glob(&self, at: u32) -> String {
        let mut chance = Chance::new(self.seed, u64::from(at) << 8 | 6);
        let given = ["ann", "bob", "carl", "dora"];
        let given = given.get(chance.below(4) as usize).unwrap_or(&"ann");
        let number = chance.below(self.size.local);
        let glob = match chance.below(4) {
            0 => format!("@{given}.{number}*"),
            1 => format!("@*.{number}"),
            2 => format!("@*{}*", number % 1_000),
            _ => format!("@{given}*{}", number % 1_000),
        };
        let to = self.user(chance.below(self.size.local));
        match chance.below(3) {
            0 => format!("block {glob} from {to}"),
            _ => format!("send {glob} to {to}"),
        }
    }
}
