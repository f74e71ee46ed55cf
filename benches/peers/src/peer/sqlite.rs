//! SQLite, with rules as rows.
//!
//! Numbers in place of names; every table is its own covering index (`WITHOUT ROWID`), and the one that is
//! read from both sides has one for each side; `ANALYZE` is run; joins are in the order that reads least;
//! each thread has a connection of its own, which prepares its statements once. The database is a file
//! that is opened as immutable, so that no lock is taken, and mapped into memory: as fast as one in memory,
//! and shared. `.cargo/config.toml` compiles SQLite as its documents recommend. Everyone, and each user as a
//! set, are rows like the members of other sets.

use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags, Statement, params};

use super::{Ask, Peer, Source, Work};
use crate::Fault;

const TABLES: &str = "
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE user (name TEXT PRIMARY KEY, id INTEGER) WITHOUT ROWID;
CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE stands (user INTEGER, side INTEGER, party INTEGER, PRIMARY KEY (side, user, party)) WITHOUT ROWID;
CREATE TABLE member (party INTEGER, user INTEGER, PRIMARY KEY (party, user)) WITHOUT ROWID;
CREATE TABLE rule (block INTEGER, senders INTEGER, recipients INTEGER,
  PRIMARY KEY (block, senders, recipients)) WITHOUT ROWID;
CREATE UNIQUE INDEX back ON rule (block, recipients, senders);
";

/// Side 0 are sets of senders, side 1 sets of recipients.
const SEES: &str = "
SELECT
  EXISTS (SELECT 1 FROM stands a CROSS JOIN stands b CROSS JOIN rule
    WHERE a.side = 0 AND a.user = s.id AND b.side = 1 AND b.user = r.id
    AND rule.block = 0 AND rule.senders = a.party AND rule.recipients = b.party)
  AND NOT EXISTS (SELECT 1 FROM stands a CROSS JOIN stands b CROSS JOIN rule
    WHERE a.side = 0 AND a.user = s.id AND b.side = 1 AND b.user = r.id
    AND rule.block = 1 AND rule.senders = a.party AND rule.recipients = b.party)
FROM user s CROSS JOIN user r WHERE s.name = ?1 AND r.name = ?2";

const RECIPIENTS: &str = "
WITH sent(user) AS (SELECT member.user FROM stands a CROSS JOIN rule CROSS JOIN member
    WHERE a.side = 0 AND a.user = (SELECT id FROM user WHERE name = ?1)
    AND rule.block = 0 AND rule.senders = a.party AND member.party = rule.recipients),
  blocked(user) AS (SELECT member.user FROM stands a CROSS JOIN rule CROSS JOIN member
    WHERE a.side = 0 AND a.user = (SELECT id FROM user WHERE name = ?1)
    AND rule.block = 1 AND rule.senders = a.party AND member.party = rule.recipients)
SELECT name FROM name WHERE id IN (SELECT user FROM sent EXCEPT SELECT user FROM blocked)";

const SENDERS: &str = "
WITH sent(user) AS (SELECT member.user FROM stands a CROSS JOIN rule CROSS JOIN member
    WHERE a.side = 1 AND a.user = (SELECT id FROM user WHERE name = ?1)
    AND rule.block = 0 AND rule.recipients = a.party AND member.party = rule.senders),
  blocked(user) AS (SELECT member.user FROM stands a CROSS JOIN rule CROSS JOIN member
    WHERE a.side = 1 AND a.user = (SELECT id FROM user WHERE name = ?1)
    AND rule.block = 1 AND rule.recipients = a.party AND member.party = rule.senders)
SELECT name FROM name WHERE id IN (SELECT user FROM sent EXCEPT SELECT user FROM blocked)";

struct Sqlite {
    file: PathBuf,
}

pub fn load<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let facts = source.facts;
    let file = source.folder.join("facts.sqlite");
    if file.exists() {
        std::fs::remove_file(&file)?;
    }
    let mut connection = Connection::open(&file)?;
    connection.execute_batch(TABLES)?;
    let transaction = connection.transaction()?;
    {
        let mut user = transaction.prepare("INSERT INTO user VALUES (?1, ?2)")?;
        let mut name = transaction.prepare("INSERT INTO name VALUES (?2, ?1)")?;
        let mut stands = transaction.prepare("INSERT INTO stands VALUES (?1, ?2, ?3)")?;
        let mut member = transaction.prepare("INSERT INTO member VALUES (?1, ?2)")?;
        let mut rule = transaction.prepare("INSERT OR IGNORE INTO rule VALUES (?1, ?2, ?3)")?;
        for (number, text) in (0u32..).zip(&facts.users) {
            user.execute(params![text, number])?;
            name.execute(params![text, number])?;
            member.execute(params![number, number])?;
            for set in facts.sender_in(number) {
                stands.execute(params![number, 0, set])?;
            }
            for set in facts.recipient_in(number) {
                stands.execute(params![number, 1, set])?;
            }
        }
        for (set, users) in facts.lists() {
            for user in users {
                member.execute(params![set, user])?;
            }
        }
        for each in &facts.rules {
            rule.execute(params![each.block, each.senders, each.recipients])?;
        }
    }
    transaction.commit()?;
    connection.execute_batch("ANALYZE")?;
    Ok(Box::new(Sqlite { file }))
}

impl Peer for Sqlite {
    fn ask(&self, work: &mut Work) -> Result<(), Fault> {
        let uri = format!("file:{}?immutable=1", self.file.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(uri, flags)?;
        connection.execute_batch("PRAGMA mmap_size = 1073741824; PRAGMA temp_store = MEMORY")?;
        work(&mut Statements {
            sees: connection.prepare(SEES)?,
            recipients: connection.prepare(RECIPIENTS)?,
            senders: connection.prepare(SENDERS)?,
        })
    }
}

struct Statements<'a> {
    sees: Statement<'a>,
    recipients: Statement<'a>,
    senders: Statement<'a>,
}

fn list(statement: &mut Statement, user: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
    let mut rows = statement.query([user])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_str()?);
    }
    Ok(())
}

impl Ask for Statements<'_> {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        let row = self.sees.query_row([sender, recipient], |row| row.get(0));
        Ok(row?)
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        list(&mut self.recipients, sender, each)
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        list(&mut self.senders, recipient, each)
    }
}
