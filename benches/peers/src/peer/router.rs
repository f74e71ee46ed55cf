//! presence-router itself, from its policy files.
//!
//! Its load reads and compiles the text and fills the directory; the others' begins with facts that are
//! in memory. Whom one receives may be answered as everyone but some: then those are listed.

use presence_router::Senders;
use presence_router::directory::Directory;
use presence_router::router::{Origin, Router, Snapshot};
use std::path::Path;
use std::sync::Arc;

use super::{Ask, Peer, Source, Work};
use crate::Fault;

/// The policy in force, and who is known.
pub struct Own {
    pub snapshot: Arc<Snapshot>,
    pub directory: Directory,
}

impl Own {
    pub fn read(policy: &Path, directory: Directory) -> Result<Self, Fault> {
        let path = Some(policy.to_owned());
        let router = Router::load(Origin {
            path,
            ..Origin::default()
        });
        let router = router.map_err(|report| report.to_string())?;
        Ok(Own {
            snapshot: router.snapshot(),
            directory,
        })
    }
}

pub fn load<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let own = Own::read(&source.folder.join("policy"), source.workload.directory())?;
    Ok(Box::new(own))
}

impl Peer for Own {
    fn ask(&self, work: &mut Work) -> Result<(), Fault> {
        let mut this = self;
        work(&mut this)
    }
}

impl Ask for &Own {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        Ok(self.snapshot.sees(&self.directory, sender, recipient))
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let users = self.snapshot.recipients_of(&self.directory, sender);
        users.iter().for_each(|user| each(user.as_str()));
        Ok(())
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let (Senders::Only(users) | Senders::AllExcept(users)) =
            self.snapshot.senders_for(&self.directory, recipient);
        users.iter().for_each(|user| each(user.as_str()));
        Ok(())
    }
}
