//! SQLite, with rules as rows.
//!
//! Numbers in place of names; every table is its own covering index (`WITHOUT ROWID`), and those that are
//! read from both sides have one for each side; `ANALYZE` is run; statements are prepared once a
//! connection. The database is a file that is opened as immutable, so that no lock is taken and each
//! thread has a connection of its own, mapped into memory: as fast as one in memory, and shared.
//! Everyone, and each user as a set, are rows like the members of other sets.

use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags, params};

use super::{Ask, Peer, Source};
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
WITH s(id) AS (SELECT id FROM user WHERE name = ?1), r(id) AS (SELECT id FROM user WHERE name = ?2)
SELECT
  EXISTS (SELECT 1 FROM stands a CROSS JOIN stands b CROSS JOIN rule
    WHERE a.side = 0 AND a.user = (SELECT id FROM s) AND b.side = 1 AND b.user = (SELECT id FROM r)
    AND rule.block = 0 AND rule.senders = a.party AND rule.recipients = b.party)
  AND NOT EXISTS (SELECT 1 FROM stands a CROSS JOIN stands b CROSS JOIN rule
    WHERE a.side = 0 AND a.user = (SELECT id FROM s) AND b.side = 1 AND b.user = (SELECT id FROM r)
    AND rule.block = 1 AND rule.senders = a.party AND rule.recipients = b.party)";

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
    fn ask(&self) -> Result<Box<dyn Ask + '_>, Fault> {
        let uri = format!("file:{}?immutable=1", self.file.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(uri, flags)?;
        connection.execute_batch("PRAGMA mmap_size = 1073741824; PRAGMA temp_store = MEMORY")?;
        Ok(Box::new(connection))
    }
}

fn list(
    connection: &Connection,
    sql: &str,
    user: &str,
    each: &mut dyn FnMut(&str),
) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([user])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_str()?);
    }
    Ok(())
}

impl Ask for Connection {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        let mut statement = self.prepare_cached(SEES)?;
        Ok(statement.query_row([sender, recipient], |row| row.get(0))?)
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        list(self, RECIPIENTS, sender, each)
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        list(self, SENDERS, recipient, each)
    }
}
