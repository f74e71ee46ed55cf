//! The crate, asked everything about one policy of the small world. The only module of this test
//! that names the crate.

use presence_router::Senders;
use presence_router::decide::decide;
use presence_router::directory::Directory;
use presence_router::id::{RoomAlias, RoomId, ServerName, UserId};
use presence_router::router::{Inline, Origin, Router};

use crate::model::Facts;
use crate::shapes::{GROUP_FILE, GROUP_TEXTS, USERS};
use crate::truth::{Answers, Users};

/// The directory and the group file, the same for every policy.
pub struct World {
    directory: Directory,
    group_file: tempfile::NamedTempFile,
}

impl World {
    pub fn new(facts: &Facts) -> World {
        let name = facts.server_name.as_ref();
        let mut directory = Directory::new(name.map(|name| ServerName::parse(name).unwrap()));
        let user = |user: &String| UserId::parse(user).unwrap();
        for listed in &facts.users {
            directory.add_user(user(listed));
        }
        for (room, members) in &facts.rooms {
            let room = RoomId::parse(room).unwrap();
            directory.set_room_members(room, members.iter().map(user));
        }
        for (alias, room) in &facts.aliases {
            let alias = RoomAlias::parse(alias).unwrap();
            directory.set_alias(alias, RoomId::parse(room).unwrap());
        }
        let group_file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(group_file.path(), GROUP_FILE).unwrap();
        World {
            directory,
            group_file,
        }
    }

    /// The policy's text, with the groups its rules use and no others.
    pub fn text(&self, rules: &[&str]) -> String {
        let mut text = "server x.org\n".to_owned();
        for rule in rules {
            text += rule;
            text.push('\n');
        }
        // in this order, so that a group brings those that it names
        for (name, statement) in GROUP_TEXTS {
            if text.contains(name) {
                text += &statement.replace("FILE", &self.group_file.path().display().to_string());
            }
        }
        text
    }

    pub fn ask(&self, text: &str) -> Result<Answers, String> {
        let origin = Origin {
            inline: vec![Inline {
                name: "small.policy".to_owned(),
                text: text.to_owned(),
            }],
            ..Origin::default()
        };
        let router = Router::load(origin).map_err(|report| report.to_string())?;
        let snapshot = router.snapshot();
        let directory = &self.directory;
        let set = |users: Vec<UserId>| -> Users {
            let place = |user: &UserId| USERS.iter().position(|known| *known == user.as_str());
            users.iter().map(|user| 1 << place(user).unwrap()).sum()
        };
        let row = |sees: &dyn Fn(&str) -> bool| -> Users {
            let users = USERS.iter().enumerate().filter(|(_, user)| sees(user));
            users.map(|(place, _)| 1 << place).sum()
        };
        let of_each = |answer: &dyn Fn(&str) -> Users| -> Vec<Users> {
            USERS.iter().map(|user| answer(user)).collect()
        };
        let routed = snapshot.route(directory, &USERS);
        let senders_for = |recipient: &&str| match snapshot.senders_for(directory, recipient) {
            Senders::Only(users) => (false, set(users)),
            Senders::AllExcept(users) => (true, set(users)),
        };
        Ok(Answers {
            known: set(snapshot.known_users(directory)),
            decide: of_each(&|sender| {
                row(&|recipient| decide(snapshot.policy(), directory, sender, recipient).sees())
            }),
            sees: of_each(&|sender| row(&|recipient| snapshot.sees(directory, sender, recipient))),
            recipients_of: of_each(&|sender| set(snapshot.recipients_of(directory, sender))),
            senders_for: USERS.iter().map(senders_for).collect(),
            route: of_each(&|recipient| {
                let received = routed.get(recipient).into_iter().flatten();
                received.map(|&place| 1 << place).sum()
            }),
        })
    }
}
