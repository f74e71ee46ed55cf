//! `route`: which updates of a batch does each recipient receive?

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, IsTerminal, Read};

use clap::Args;
use presence_router::MAX_FILE_BYTES;
use presence_router::diagnostic::{short, visible};
use presence_router::id::UserId;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess};

use super::inputs::Inputs;
use super::output::{Failure, Fault, Output, count, note};

/// Deal out batches of presence updates to their recipients
///
/// Reads batches from standard input, one a line: a JSON list of presence updates, each an object
/// with a `user_id`. Answers each batch before the next is read: who receives which of its updates.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub struct Arguments {
    #[command(flatten)]
    pub inputs: Inputs,
}

const AFTER: &str = r#"Example, with the files of `presence-router --help` and a `batches.jsonl` that
holds two batches:

    [{"user_id":"@ann:example.org","state":"online"},{"user_id":"@cleo:example.org"}]
    [{"user_id":"@alice:example.org","state":"offline"}]

    $ presence-router route --policy demo.policy --directory facts.yaml \
        < batches.jsonl
    batch 1, 2 updates:
      @ann:example.org receives @ann:example.org
      @gobbler:example.org receives @ann:example.org, @cleo:example.org
      @zed:remote.org receives @ann:example.org
    batch 2, 1 update: received by nobody

    $ presence-router route --policy demo.policy --directory facts.yaml \
        --json < batches.jsonl
    {"@ann:example.org":[0],"@gobbler:example.org":[0,1],"@zed:remote.org":[0]}
    {}

The numbers in JSON are places in the batch; the first is 0.

Exit codes:
    0  every batch is answered
    2  the policy, the directory file or the command line is wrong
    3  a line is no batch, or an operation failed; the lines before it are answered"#;

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let inputs = &arguments.inputs;
    let (snapshot, directory) = inputs.read()?;
    let mut input = io::stdin().lock();
    let mut output = Output::new();
    if input.is_terminal() && !inputs.json {
        note(&format!(
            "reading batches, one a line, such as `{BATCH}`; Ctrl-D ends them"
        ));
    }
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        let read = input
            .by_ref()
            .take(MAX_FILE_BYTES + 1)
            .read_until(b'\n', &mut line);
        if let Err(error) = read {
            let message = format!("cannot read standard input: {error}");
            return Err(Failure::Failed(Fault::new(message, "")));
        }
        if line.is_empty() {
            break;
        }
        let batch = batch(&line, number == 1).map_err(|reason| {
            let message = format!("standard input, line {number}{reason}");
            Failure::Failed(Fault::new(
                message,
                format!("write one batch a line: `{BATCH}`"),
            ))
        })?;
        let senders: Vec<&str> = batch.0.iter().map(|update| update.0.as_str()).collect();
        let routed = snapshot.route(&directory, &senders);
        if inputs.json {
            let routed = routed.iter().map(|(user, places)| (user.as_str(), places));
            output.json(&routed.collect::<BTreeMap<_, _>>())?;
        } else {
            print(&mut output, number, &senders, &routed)?;
        }
        // Someone may wait for this answer before they write the next batch.
        output.flush()?;
    }
    Ok(())
}

fn print(
    output: &mut Output,
    number: usize,
    senders: &[&str],
    routed: &BTreeMap<UserId, Vec<u32>>,
) -> Result<(), Failure> {
    let updates = count(senders.len(), "update");
    if routed.is_empty() {
        return output.line(&format!("batch {number}, {updates}: received by nobody"));
    }
    output.line(&format!("batch {number}, {updates}:"))?;
    for (recipient, places) in routed {
        let received = places
            .iter()
            .filter_map(|place| senders.get(*place as usize));
        let received: Vec<_> = received.map(|sender| visible(sender)).collect();
        let recipient = visible(recipient.as_str());
        output.line(&format!("  {recipient} receives {}", received.join(", ")))?;
    }
    Ok(())
}

const BATCH: &str = r#"[{"user_id":"@ann:example.org","state":"online"}]"#;

/// One line: updates in the order they came.
struct Batch(Vec<Update>);

/// One update; the rest of it is the homeserver's affair.
struct Update(UserId);

/// Reads a line; the error is what to say after the line's number. A byte order mark may begin the first.
fn batch(line: &[u8], first: bool) -> Result<Batch, String> {
    if line.len() as u64 > MAX_FILE_BYTES {
        return Err(format!(": it is over {} MiB long", MAX_FILE_BYTES >> 20));
    }
    let text = std::str::from_utf8(line).map_err(|error| {
        let before = line.get(..error.valid_up_to()).unwrap_or_default();
        let column = String::from_utf8_lossy(before).chars().count() + 1;
        format!(", column {column}: this is not UTF-8")
    })?;
    let marked = text.strip_prefix('\u{feff}');
    if marked.is_some() && !first {
        let message =
            ", column 1: a byte order mark stands here (U+FEFF), which belongs only at the start";
        return Err(message.into());
    }
    let text = marked.unwrap_or(text).trim_end_matches(['\n', '\r']);
    if text.trim().is_empty() {
        return Err(": it is empty, and a batch without updates is `[]`".into());
    }
    serde_json::from_str(text).map_err(|error| {
        // The reader counts bytes of a text that is one line.
        let before = text.get(..error.column().saturating_sub(1));
        let column = before.map_or(error.column(), |before| before.chars().count() + 1);
        let message = error.to_string();
        let end = message.rfind(" at line ").unwrap_or(message.len());
        let message = message.get(..end).unwrap_or(&message);
        // What stands there may be long, or of a file that was given by mistake.
        let message = match message.rsplit_once(", expected ") {
            Some((found, wanted)) if found.starts_with("invalid type: string ") => {
                format!("invalid type: a text, expected {wanted}")
            }
            _ => message.to_owned(),
        };
        format!(", column {column}: {message}")
    })
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Batch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a batch, a list of presence updates")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Batch, A::Error> {
                let mut updates = Vec::new();
                while let Some(update) = items.next_element()? {
                    updates.push(update);
                }
                Ok(Batch(updates))
            }
        }

        deserializer.deserialize_seq(Visitor)
    }
}

impl<'de> Deserialize<'de> for Update {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Update;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a presence update, an object with a `user_id`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Update, A::Error> {
                let mut sender = None;
                while let Some(key) = fields.next_key::<String>()? {
                    if key != "user_id" {
                        fields.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let text: String = fields.next_value()?;
                    if sender.is_some() {
                        return Err(de::Error::custom("this update has a second `user_id`"));
                    }
                    let wrong = |error| format!("the user_id `{}` {error}", visible(&short(&text)));
                    let id =
                        UserId::parse(&text).map_err(|error| de::Error::custom(wrong(error)))?;
                    sender = Some(Update(id));
                }
                sender.ok_or_else(|| de::Error::custom("this update has no `user_id`"))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}
