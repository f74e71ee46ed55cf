//! The meaning as SQL, answered by SQLite: `A, B` is a `UNION`, `A who are B` an `INTERSECT`,
//! `A except B` an `EXCEPT`, for users and for what is unbounded alike; and the answer for all
//! policies of a batch is one query, the allowed pairs `EXCEPT` the blocked ones.

use rusqlite::{Connection, Row, ToSql};

use super::relations::{Batch, Id, Relations};
use super::truth::Truth;

const TABLES: &str = "
    CREATE TABLE user(u INTEGER PRIMARY KEY);
    CREATE TABLE server_of(u, s);
    CREATE TABLE own_server(s);
    CREATE TABLE listed(u);
    CREATE TABLE joined(room, u);
    CREATE TABLE alias(alias, room);
    CREATE TABLE everyone(n);
    CREATE TABLE is_user(n, u);
    CREATE TABLE on_server(n, s);
    CREATE TABLE matches(n, u);
    CREATE TABLE local(n);
    CREATE TABLE remote(n);
    CREATE TABLE members(n, room);
    CREATE TABLE members_by(n, alias);
    CREATE TABLE inside(n, u, PRIMARY KEY(n, u)) WITHOUT ROWID;
    CREATE TABLE unbounded(n INTEGER PRIMARY KEY);
    CREATE TABLE send(k INTEGER PRIMARY KEY, senders, recipients);
    CREATE TABLE block(k INTEGER PRIMARY KEY, senders, recipients);
    CREATE TABLE policy(p INTEGER PRIMARY KEY);
    CREATE TABLE rule_of(p, k);
    CREATE TABLE writes(k, u);
    CREATE TABLE written(u);
    CREATE TABLE open(k, s, r, PRIMARY KEY(k, s, r)) WITHOUT ROWID;
    CREATE TABLE shut(k, s, r, PRIMARY KEY(k, s, r)) WITHOUT ROWID;
";

/// Who is in the leaves.
const LEAVES: &str = "
    INSERT INTO inside
    SELECT n, u FROM everyone, user
    UNION SELECT n, u FROM is_user
    UNION SELECT n, u FROM on_server JOIN server_of USING (s)
    UNION SELECT n, u FROM matches
    UNION SELECT n, u FROM local, own_server JOIN server_of USING (s)
    UNION SELECT n, u FROM remote, user
        WHERE u NOT IN (SELECT u FROM own_server JOIN server_of USING (s))
    UNION SELECT n, u FROM members JOIN joined USING (room)
    UNION SELECT n, u FROM members_by JOIN alias USING (alias) JOIN joined USING (room);
    INSERT INTO unbounded SELECT n FROM everyone;
";

/// What each rule opens and shuts.
const RECTANGLES: &str = "
    INSERT INTO open SELECT k, a.u, b.u FROM send
        JOIN inside a ON a.n = senders JOIN inside b ON b.n = recipients;
    INSERT INTO shut SELECT k, a.u, b.u FROM block
        JOIN inside a ON a.n = senders JOIN inside b ON b.n = recipients;
";

const SEES: &str = "
    SELECT p, s, r FROM rule_of JOIN open USING (k)
    EXCEPT
    SELECT p, s, r FROM rule_of JOIN shut USING (k)";

const ALL: &str = "
    SELECT p, u FROM rule_of JOIN send USING (k)
        JOIN unbounded t ON t.n = senders JOIN inside i ON i.n = recipients
    EXCEPT
    SELECT p, u FROM rule_of JOIN block USING (k)
        JOIN unbounded t ON t.n = senders JOIN inside i ON i.n = recipients";

const KNOWN: &str = "
    SELECT p, u FROM policy, (SELECT u FROM listed UNION SELECT u FROM joined
                              UNION SELECT u FROM written)
    UNION SELECT p, u FROM rule_of JOIN writes USING (k)";

/// A selector made of others, after them: for users, and for the one row that says `unbounded`.
enum Compound {
    Same(Id, Id),
    Pair(Id, Id, Id, &'static str),
}

impl Compound {
    fn node(&self) -> Id {
        match self {
            Compound::Same(node, _) | Compound::Pair(node, ..) => *node,
        }
    }

    fn fill(&self, database: &Connection) -> rusqlite::Result<()> {
        let (first, second, set) = match self {
            Compound::Same(_, inner) => (inner, inner, "UNION"),
            Compound::Pair(_, a, b, set) => (a, b, *set),
        };
        let node = self.node();
        let users = format!(
            "INSERT INTO inside SELECT ?1, u FROM (SELECT u FROM inside WHERE n = ?2 {set} \
             SELECT u FROM inside WHERE n = ?3)"
        );
        let unbounded = format!(
            "INSERT INTO unbounded SELECT ?1 FROM (SELECT 1 FROM unbounded WHERE n = ?2 {set} \
             SELECT 1 FROM unbounded WHERE n = ?3)"
        );
        for text in [users, unbounded] {
            let mut statement = database.prepare_cached(&text)?;
            statement.execute((node, first, second))?;
        }
        Ok(())
    }
}

/// SQLite, to be asked many times.
pub struct Sql(Connection);

impl Sql {
    pub fn new() -> Sql {
        let database = Connection::open_in_memory().unwrap();
        database
            .execute_batch("PRAGMA journal_mode = memory;")
            .unwrap();
        database.execute_batch(TABLES).unwrap();
        database.set_prepared_statement_cache_capacity(100);
        Sql(database)
    }

    /// The truth of each policy.
    pub fn answer(&self, batch: &Batch<'_>) -> Vec<Truth> {
        self.0.execute_batch("BEGIN").unwrap();
        let truths = self.fill_and_ask(batch).unwrap();
        self.0.execute_batch("ROLLBACK").unwrap();
        truths
    }

    fn put<const N: usize>(
        &self,
        table: &str,
        tuples: impl IntoIterator<Item = [Id; N]>,
    ) -> rusqlite::Result<()> {
        let marks = vec!["?"; N].join(", ");
        let text = format!("INSERT INTO {table} VALUES ({marks})");
        let mut statement = self.0.prepare_cached(&text)?;
        for tuple in tuples {
            let values: [&dyn ToSql; N] = std::array::from_fn(|at| &tuple[at] as &dyn ToSql);
            statement.execute(&values[..])?;
        }
        Ok(())
    }

    fn fill_and_ask(&self, batch: &Batch<'_>) -> rusqlite::Result<Vec<Truth>> {
        let tables = Relations::new(batch);
        let one = |tuples: Vec<(Id,)>| tuples.into_iter().map(|(a,)| [a]);
        let two = |tuples: Vec<(Id, Id)>| tuples.into_iter().map(|(a, b)| [a, b]);
        let three = |tuples: Vec<(Id, Id, Id)>| tuples.into_iter().map(|(a, b, c)| [a, b, c]);
        self.put("user", one(tables.user))?;
        self.put("server_of", two(tables.server_of))?;
        self.put("own_server", one(tables.own_server))?;
        self.put("listed", one(tables.listed))?;
        self.put("joined", two(tables.joined))?;
        self.put("alias", two(tables.alias))?;
        self.put("everyone", one(tables.everyone))?;
        self.put("is_user", two(tables.is))?;
        self.put("on_server", two(tables.on))?;
        self.put("matches", two(tables.matches))?;
        self.put("local", one(tables.local))?;
        self.put("remote", one(tables.remote))?;
        self.put("members", two(tables.members))?;
        self.put("members_by", two(tables.members_by))?;
        self.put("send", three(tables.send))?;
        self.put("block", three(tables.block))?;
        self.put("policy", one(tables.policy))?;
        self.put("rule_of", two(tables.rule_of))?;
        self.put("writes", two(tables.writes))?;
        self.put("written", one(tables.written))?;

        self.0.execute_batch(LEAVES)?;
        let pair = |set| move |(node, a, b)| Compound::Pair(node, a, b, set);
        let mut compounds: Vec<Compound> = Vec::new();
        compounds.extend(tables.same.into_iter().map(|(n, m)| Compound::Same(n, m)));
        compounds.extend(tables.either.into_iter().map(pair("UNION")));
        compounds.extend(tables.both.into_iter().map(pair("INTERSECT")));
        compounds.extend(tables.less.into_iter().map(pair("EXCEPT")));
        compounds.sort_by_key(Compound::node);
        for compound in compounds {
            compound.fill(&self.0)?;
        }
        self.0.execute_batch(RECTANGLES)?;

        let mut truths = vec![Truth::none(batch.universe.len()); batch.policies.len()];
        self.each(SEES, |row| {
            truths[place(row)?].add_pair(row.get(1)?, row.get(2)?);
            Ok(())
        })?;
        self.each(ALL, |row| {
            truths[place(row)?].add_all(row.get(1)?);
            Ok(())
        })?;
        self.each(KNOWN, |row| {
            truths[place(row)?].add_known(row.get(1)?);
            Ok(())
        })?;
        Ok(truths)
    }

    fn each(
        &self,
        query: &str,
        mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.0.prepare_cached(query)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        Ok(())
    }
}

/// The policy that a row is about.
fn place(row: &Row<'_>) -> rusqlite::Result<usize> {
    Ok(row.get::<_, Id>(0)? as usize)
}
