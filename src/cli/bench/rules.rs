//! A rule set that is measured, and where it comes from.

use std::path::Path;

use presence_router::directory::Directory;
use presence_router::id::ServerName;
use presence_router::router::{Inline, Origin, Router, Snapshot};
use presence_router::workload::{Shape, Workload};

use super::super::output::Failure;
use super::report::{Generated, Subject};

/// A rule set in force, and what to load it from again.
pub struct RuleSet {
    pub about: Subject,
    pub origin: Origin,
    pub router: Router,
}

impl RuleSet {
    /// A policy's files.
    pub fn of_policy(path: &Path, homeserver: Option<&ServerName>) -> Result<Self, Failure> {
        let origin = Origin {
            path: Some(path.to_owned()),
            homeserver: homeserver.cloned(),
            ..Origin::default()
        };
        let name = Some(path.display().to_string());
        Self::load(origin, name, None)
    }

    /// A generated one. It is in no file: its group files are written out where they are named.
    pub fn of_workload(shape: Shape, scale: f64, seed: u64) -> Result<Self, Failure> {
        let generated = Generated {
            name: shape.to_string(),
            scale,
            seed,
        };
        let inline = texts(&Workload::new(shape, scale, seed));
        let origin = Origin {
            inline,
            ..Origin::default()
        };
        Self::load(origin, None, Some(generated))
    }

    /// One that is written anew.
    pub fn of_text(text: String) -> Result<Self, Failure> {
        let name = "grown.policy".to_owned();
        let inline = vec![Inline { name, text }];
        let origin = Origin {
            inline,
            ..Origin::default()
        };
        Self::load(origin, None, None)
    }

    fn load(
        origin: Origin,
        policy: Option<String>,
        workload: Option<Generated>,
    ) -> Result<Self, Failure> {
        let router = Router::load(origin.clone()).map_err(Failure::Policy)?;
        let bytes = match &origin.path {
            None => {
                let lengths = origin.inline.iter().map(|inline| inline.text.len() as u64);
                lengths.sum()
            }
            Some(_) => {
                let files = router.watched_paths().into_iter();
                let files = files.filter_map(|path| path.metadata().ok());
                let files = files.filter(std::fs::Metadata::is_file);
                files.map(|file| file.len()).sum()
            }
        };
        let snapshot = router.snapshot();
        let about = Subject {
            policy,
            workload,
            rules: snapshot.policy().rules.len(),
            groups: snapshot.policy().groups.len(),
            bytes,
        };
        Ok(RuleSet {
            about,
            origin,
            router,
        })
    }

    pub fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.router.snapshot()
    }

    /// Loads it once more, by itself. `None` if its files have changed into wrong ones.
    pub fn again(&self) -> Option<Router> {
        Router::load(self.origin.clone()).ok()
    }

    /// What is known if there is no directory file: who is local is told by the policy's own server.
    pub fn own_directory(&self) -> Directory {
        Directory::new(self.snapshot().policy().default_server.clone())
    }
}

/// The policy of a workload as texts alone.
fn texts(workload: &Workload) -> Vec<Inline> {
    let files = workload.files();
    let users_of = |name: &str| -> Option<String> {
        let file = files.iter().find(|file| file.name == name)?;
        let users = file.text.lines().filter_map(|line| {
            let user = line.strip_prefix("- \"")?;
            user.strip_suffix('"')
        });
        Some(users.collect::<Vec<_>>().join(", "))
    };
    let written_out = |line: &str| -> Option<String> {
        let (group, file) = line.split_once(" from \"")?;
        let group = group.starts_with("group ").then_some(group)?;
        Some(format!("{group} = {}", users_of(file.strip_suffix('"')?)?))
    };
    let policies = files.iter().filter(|file| file.name.ends_with(".policy"));
    let texts = policies.map(|file| {
        let mut text = String::new();
        for line in file.text.lines() {
            text.push_str(written_out(line).as_deref().unwrap_or(line));
            text.push('\n');
        }
        Inline {
            name: file.name.clone(),
            text,
        }
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_answers_as_its_files_do() {
        let folder = tempfile::tempdir().unwrap();
        let workload = Workload::new(Shape::Company, 0.02, 1);
        workload.write(folder.path()).unwrap();
        let files = RuleSet::of_policy(&folder.path().join("policy"), None);
        let (files, texts) = (
            files.ok().unwrap(),
            RuleSet::of_workload(Shape::Company, 0.02, 1).ok().unwrap(),
        );
        assert_eq!(files.about.rules, texts.about.rules);
        assert_eq!(files.about.groups, texts.about.groups);
        let directory = workload.directory();
        let (files, texts) = (files.snapshot(), texts.snapshot());
        let known = files.known_users(&directory);
        assert_eq!(known, texts.known_users(&directory));
        let mut some = 0;
        for user in &known {
            let recipients = files.recipients_of(&directory, user.as_str());
            some += recipients.len();
            assert_eq!(recipients, texts.recipients_of(&directory, user.as_str()));
        }
        assert!(some > 100);
    }
}
