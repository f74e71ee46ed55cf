//! The crate under test, asked the way its users ask it: policies as files on disk, loaded by
//! `Router::load`. With `running` the only module of this test that names the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use presence_router::Senders as Answer;
use presence_router::decide::decide;
use presence_router::directory::Directory;
use presence_router::id::{RoomAlias, RoomId, ServerName, UserId};
use presence_router::router::{Inline, Origin, Router, Snapshot};

use super::compare::Subject;
use super::model::{Edit, Facts, World};
use super::oracle::Senders;
use super::render::{Rendered, directory_file};

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap_or_else(|problem| panic!("{id:?}: {problem}"))
}

fn room(id: &str) -> RoomId {
    RoomId::parse(id).unwrap_or_else(|problem| panic!("{id:?}: {problem}"))
}

fn alias(id: &str) -> RoomAlias {
    RoomAlias::parse(id).unwrap_or_else(|problem| panic!("{id:?}: {problem}"))
}

pub struct Core {
    /// Held so that the files stay.
    _folder: Option<tempfile::TempDir>,
    pub snapshot: Arc<Snapshot>,
    first: Directory,
    directory: Directory,
}

impl Core {
    /// The rooms and aliases that the policy names: what a host must look up.
    pub fn rooms(&self) -> BTreeSet<String> {
        let rooms = self
            .snapshot
            .rooms()
            .iter()
            .map(|room| room.as_str().to_owned());
        let aliases = self
            .snapshot
            .aliases()
            .iter()
            .map(|alias| alias.as_str().to_owned());
        rooms.chain(aliases).collect()
    }

    /// One version of a policy, to be asked about one state of the directory.
    pub fn of(snapshot: Arc<Snapshot>, directory: Directory) -> Core {
        Core {
            _folder: None,
            snapshot,
            first: directory.clone(),
            directory,
        }
    }

    /// Writes the files, loads them, fills a directory.
    pub fn load(world: &World, rendered: &Rendered) -> Result<Core, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in &rendered.files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let server = |name: &String| ServerName::parse(name).unwrap();
        let origin = Origin {
            path: rendered.path.as_ref().map(|path| folder.path().join(path)),
            inline: rendered
                .inline
                .iter()
                .map(|(name, text)| Inline {
                    name: name.clone(),
                    text: text.clone(),
                })
                .collect(),
            homeserver: world.policy.homeserver.as_ref().map(server),
            ..Origin::default()
        };
        let router = Router::load(origin).map_err(|report| format!("does not load:\n{report}"))?;
        let first = if world.facts_from_yaml {
            Directory::from_yaml("directory.yaml", &directory_file(&world.facts))
                .map_err(|problem| format!("directory does not load: {problem}"))?
        } else {
            filled(&world.facts)
        };
        let snapshot = router.snapshot();
        Ok(Core {
            _folder: Some(folder),
            snapshot,
            directory: first.clone(),
            first,
        })
    }

    /// The warnings (name, file, line) at load, or those with the directory of the beginning.
    pub fn warnings(&self, with_directory: bool) -> Vec<(String, String, usize)> {
        let lines = if with_directory {
            self.snapshot.warnings_with(&self.first).json_lines()
        } else {
            self.snapshot.warnings().json_lines()
        };
        lines
            .lines()
            .map(|line| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                let text = |key: &str| value[key].as_str().unwrap().to_owned();
                let at = usize::try_from(value["line"].as_u64().unwrap()).unwrap();
                let level = match text("name").as_str() {
                    "uppercase-server" => "note",
                    _ => "warning",
                };
                assert_eq!(text("level"), level);
                (text("name"), text("file"), at)
            })
            .collect()
    }
}

/// A directory made of calls.
pub fn filled(facts: &Facts) -> Directory {
    let name = facts
        .server_name
        .as_ref()
        .map(|name| ServerName::parse(name).unwrap());
    let mut directory = Directory::new(name);
    for id in &facts.users {
        directory.add_user(user(id));
    }
    for (id, members) in &facts.rooms {
        directory.set_room_members(room(id), members.iter().map(|id| user(id)));
    }
    for (name, id) in &facts.aliases {
        directory.set_alias(alias(name), room(id));
    }
    directory
}

/// Tells a directory of a change.
pub fn change(directory: &mut Directory, edit: &Edit) {
    match edit {
        Edit::Join(id, member) => directory.join(room(id), user(member)),
        Edit::Leave(id, member) => directory.leave(id, member),
        Edit::AddUser(id) => {
            directory.add_user(user(id));
        }
        Edit::RemoveUser(id) => {
            directory.remove_user(id);
        }
        Edit::SetAlias(name, id) => directory.set_alias(alias(name), room(id)),
        Edit::RemoveAlias(name) => directory.remove_alias(name),
        Edit::SetMembers(id, members) => {
            directory.set_room_members(room(id), members.iter().map(|id| user(id)));
        }
    }
}

fn texts(users: Vec<UserId>) -> Vec<String> {
    users.iter().map(|user| user.as_str().to_owned()).collect()
}

impl Subject for Core {
    fn edit(&mut self, edit: &Edit) {
        change(&mut self.directory, edit);
    }

    fn rewind(&mut self) {
        self.directory = self.first.clone();
    }

    fn decide(&self, sender: &str, recipient: &str) -> bool {
        decide(self.snapshot.policy(), &self.directory, sender, recipient).sees()
    }

    fn sees(&self, sender: &str, recipient: &str) -> bool {
        self.snapshot.sees(&self.directory, sender, recipient)
    }

    fn recipients_of(&self, sender: &str) -> Vec<String> {
        texts(self.snapshot.recipients_of(&self.directory, sender))
    }

    fn senders_for(&self, recipient: &str) -> Senders {
        match self.snapshot.senders_for(&self.directory, recipient) {
            Answer::Only(users) => Senders::Only(texts(users)),
            Answer::AllExcept(users) => Senders::AllExcept(texts(users)),
        }
    }

    fn route(&self, batch: &[String]) -> BTreeMap<String, Vec<u32>> {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        let routed = self.snapshot.route(&self.directory, &batch);
        routed
            .into_iter()
            .map(|(user, indexes)| (user.as_str().to_owned(), indexes))
            .collect()
    }

    fn known_users(&self) -> Vec<String> {
        texts(self.snapshot.known_users(&self.directory))
    }

    fn receives_everyone(&self) -> Vec<String> {
        let listed = texts(self.snapshot.everyone_recipients(&self.directory));
        let one = |user: &String| self.snapshot.receives_everyone(&self.directory, user);
        let asked: Vec<String> = self.known_users().into_iter().filter(one).collect();
        assert_eq!(
            listed, asked,
            "all who are answered with everyone, listed and asked for"
        );
        listed
    }
}
