//! The command line, run as its users run it: what it prints byte for byte, and how it ends.
//!
//! What `--help` says is tried in `help`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/streams.rs"]
mod streams;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_presence-router");

/// Longer than any answer takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

const FACTS: &str = r##"server_name: example.org
users: ["@alice:example.org", "@ann:example.org", "@gobbler:example.org"]
rooms:
  "!ops:example.org":
    aliases: ["#ops:example.org"]
    members: ["@ann:example.org", "@zed:remote.org"]
"##;

/// A folder with files in it, named by path.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A folder with `main.policy` and a `facts.yaml`.
fn with_policy(policy: &str) -> TempDir {
    folder(&[("main.policy", policy), ("facts.yaml", FACTS)])
}

fn program(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments.split_whitespace());
    command.current_dir(folder).env_remove("NO_COLOR");
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Exit code, standard output and standard error.
fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn run(folder: &TempDir, arguments: &str) -> (i32, String, String) {
    ended(program(folder.path(), arguments).output().unwrap())
}

/// `recipients`, `senders` or `route` on the files of `with_policy`.
fn ask(folder: &TempDir, command: &str) -> (i32, String, String) {
    let (command, rest) = command.split_once(' ').unwrap_or((command, ""));
    let files = "--policy main.policy --directory facts.yaml";
    run(folder, &format!("{command} {files} {rest}"))
}

fn route(folder: &TempDir, options: &str, input: &[u8]) -> (i32, String, String) {
    let files = "--policy main.policy --directory facts.yaml";
    let mut command = program(folder.path(), &format!("route {files} {options}"));
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    ended(child.wait_with_output().unwrap())
}

fn good(out: &str) -> (i32, String, String) {
    (0, out.into(), String::new())
}

// ---- the language reference, section 5, byte for byte ----

#[test]
fn recipients_in_json() {
    let folder = with_policy("send @ann to @gobbler\n");
    let line = r#"{"sender":"@ann:example.org","recipients":["@gobbler:example.org"]}"#;
    assert_eq!(
        ask(&folder, "recipients --json @ann:example.org"),
        good(&format!("{line}\n"))
    );
    let all = [
        r#"{"sender":"@alice:example.org","recipients":[]}"#,
        line,
        r#"{"sender":"@gobbler:example.org","recipients":[]}"#,
        r#"{"sender":"@zed:remote.org","recipients":[]}"#,
        "",
    ];
    assert_eq!(ask(&folder, "recipients --json"), good(&all.join("\n")));
}

#[test]
fn senders_in_json() {
    let folder = with_policy("send all to @gobbler\n@zed:remote.org sees @ann\nblock @alice\n");
    let gobbler =
        r#"{"recipient":"@gobbler:example.org","senders":{"all_except":["@alice:example.org"]}}"#;
    let zed = r#"{"recipient":"@zed:remote.org","senders":{"only":["@ann:example.org"]}}"#;
    // Sorted, each once, whatever was given.
    let asked = "senders --json @zed:remote.org @gobbler @zed:remote.org";
    assert_eq!(ask(&folder, asked), good(&format!("{gobbler}\n{zed}\n")));
}

#[test]
fn route_in_json() {
    let policy = "@gobbler sees @ann\n@zed:remote.org sees @ann, @cleo\n";
    let input = concat!(
        r#"[{"user_id":"@ann:example.org","state":"online","x":{"user_id":[1]}},"#,
        r#" {"user_id":"@alice:example.org"},{"user_id":"@cleo:example.org"}]"#,
        "\r\n[]\n",
        r#"[{"user_id":"@alice:example.org"}]"#
    );
    let wanted = "{\"@gobbler:example.org\":[0],\"@zed:remote.org\":[0,2]}\n{}\n{}\n";
    let got = route(&with_policy(policy), "--json", input.as_bytes());
    assert_eq!(got, good(wanted));
    assert_eq!(route(&with_policy(policy), "--json", b""), good(""));
}

#[test]
fn senders_of_a_batch_are_known_in_it_alone() {
    let folder = with_policy("all see @ann\n");
    let input = b"[{\"user_id\":\"@new:remote.org\"},{\"user_id\":\"@ann:example.org\"}]\n\
                  [{\"user_id\":\"@ann:example.org\"}]\n";
    let rest = r#""@alice:example.org":[N],"@ann:example.org":[N],"@gobbler:example.org":[N]"#;
    let wanted = format!(
        "{{{},\"@new:remote.org\":[1],\"@zed:remote.org\":[1]}}\n{{{},\"@zed:remote.org\":[0]}}\n",
        rest.replace('N', "1"),
        rest.replace('N', "0"),
    );
    assert_eq!(route(&folder, "--json", input), good(&wanted));
}

#[test]
fn check_in_json() {
    let folder = with_policy("server example.org\n\nblock group oncal\n");
    let wanted = r#"{"level":"error","name":"unknown-group","message":"there is no group `oncal`","file":"main.policy","line":3,"column":13,"help":""#;
    let (code, out, err) = run(&folder, "check --policy main.policy --json");
    assert!(
        out.starts_with(wanted) && out.ends_with("\"}\n") && out.lines().count() == 1,
        "{out}"
    );
    assert_eq!((code, err.as_str()), (2, ""));

    let folder = with_policy("@ann:example.org sees @gobbler:example.org\n");
    assert_eq!(run(&folder, "check --policy main.policy --json"), good(""));
}

// ---- problems ----

#[test]
fn five_mistakes_in_two_files() {
    let folder = folder(&[
        (
            "policy/b.policy",
            "snd all to @gobbler\n@ann sees group stff\n",
        ),
        (
            "policy/a.policy",
            "server example.org\n\nsend users on exa_mple to @x\nserver other.org\nsend (all to @x\n",
        ),
        ("facts.yaml", FACTS),
    ]);
    let wanted = [
        ("a.policy", 3, "invalid-server"),
        ("a.policy", 4, "conflicting-server"),
        ("a.policy", 5, "syntax"),
        ("b.policy", 1, "syntax"),
        ("b.policy", 2, "unknown-group"),
    ];
    let places = |text: &str| {
        let line = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| value[key].as_str().unwrap().to_owned();
            (text("file"), value["line"].as_u64().unwrap(), text("name"))
        };
        text.lines().map(line).collect::<Vec<_>>()
    };
    let wanted = wanted.map(|(file, line, name)| (file.to_owned(), line, name.to_owned()));

    let (code, out, err) = run(&folder, "check --policy policy --json");
    assert_eq!((code, err.as_str()), (2, ""));
    assert_eq!(places(&out), wanted);

    // The others load nothing, answer nothing, and say the same on standard error.
    for command in ["recipients", "senders", "route"] {
        let files = "--policy policy --directory facts.yaml";
        let (code, out, err) = run(&folder, &format!("{command} {files} --json"));
        assert_eq!((code, out.as_str()), (2, ""), "{command}");
        assert_eq!(places(&err), wanted, "{command}");

        let (code, out, err) = run(&folder, &format!("{command} {files}"));
        assert_eq!((code, out.as_str()), (2, ""), "{command}");
        assert!(err.ends_with("\n5 errors\n"), "{err}");
    }
    let (code, out, err) = run(&folder, "check --policy policy");
    assert_eq!((code, err.as_str()), (2, ""));
    assert!(out.contains(" --> b.policy:1:1\n"), "{out}");
    assert!(out.ends_with("\n5 errors\n"), "{out}");
}

#[test]
fn a_policy_is_a_file_or_every_policy_below_a_folder() {
    let folder = folder(&[
        ("all/a.policy", "send @a:x to @b:x\n"),
        ("all/sub/c.policy", "group g = @a:x\nsend group g to @b:x\n"),
        ("all/.hidden.policy", "nonsense\n"),
        ("all/.git/d.policy", "nonsense\n"),
        ("all/notes.txt", "nonsense\n"),
        ("none/notes.txt", "nonsense\n"),
        ("rules", "send @a:x to @b:x\n"),
    ]);
    let (code, _, err) = run(&folder, "check --policy all");
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        run(&folder, "check --policy rules"),
        good("rules: 1 rule, 0 groups, no problems\n")
    );
    for (policy, file) in [("none", "."), ("nowhere", "nowhere")] {
        let (code, out, _) = run(&folder, &format!("check --policy {policy} --json"));
        let place = format!("\"file\":\"{file}\",\"line\":1,\"column\":1,");
        assert!(
            out.contains("\"name\":\"unreadable-file\"") && out.contains(&place),
            "{out}"
        );
        assert_eq!(code, 2);
    }
    // A file is named as seen from the policy.
    fs::write(folder.path().join("all/sub/e.policy"), "snd\n").unwrap();
    let (_, out, _) = run(&folder, "check --policy all --json");
    assert!(out.contains(r#""file":"sub/e.policy","line":1,"#), "{out}");
    let (_, out, _) = run(&folder, "check --policy all/sub/e.policy --json");
    assert!(out.contains(r#""file":"e.policy","line":1,"#), "{out}");
}

#[test]
fn a_group_file_has_its_problems_at_their_places() {
    let policy = "group team from \"team.yaml\"\nsend group team to @gobbler\n";
    let folder = with_policy(policy);
    let team = |text: &str| fs::write(folder.path().join("team.yaml"), text).unwrap();
    let check = "check --policy main.policy --directory facts.yaml --json";

    let (code, out, _) = run(&folder, check);
    assert!(
        out.contains(r#""name":"unreadable-file""#)
            && out.contains(r#""file":"main.policy","line":1,"column":17,"#),
        "{out}"
    );
    assert_eq!(code, 2);

    team("- \"@ann\"\n- \"@bot-*:example.org\"\n- 3\n");
    let (code, out, _) = run(&folder, check);
    assert_eq!((code, out.lines().count()), (2, 2), "{out}");
    for (line, at) in out.lines().zip([2, 3]) {
        let place = format!(r#""file":"team.yaml","line":{at},"column":3,"#);
        assert!(
            line.contains(r#""name":"invalid-group-file""#) && line.contains(&place),
            "{line}"
        );
    }

    team("");
    let (code, out, _) = run(&folder, check);
    assert!(
        out.contains(r#""file":"team.yaml","line":1,"column":1,"#),
        "{out}"
    );
    assert_eq!(code, 2);

    team("users: [\"@ann\"]\n");
    let answer = "{\"sender\":\"@ann:example.org\",\"recipients\":[\"@gobbler:example.org\"]}\n";
    assert_eq!(ask(&folder, "recipients --json @ann"), good(answer));
}

#[test]
fn warnings_alone_are_good() {
    let folder = with_policy("send @ann to @gobbler\nsend @ann to @gobbler\n");
    let (code, out, err) = run(
        &folder,
        "check --policy main.policy --directory facts.yaml --json",
    );
    assert_eq!((code, err.as_str()), (0, ""));
    let wanted = r#"{"level":"warning","name":"duplicate-rule","#;
    assert!(
        out.starts_with(wanted) && out.contains(r#","line":2,"column":1,"#),
        "{out}"
    );
    assert_eq!(out.lines().count(), 1, "{out}");
    // Whoever asks for answers is told of them, scripts are not.
    let (code, out, err) = ask(&folder, "recipients @ann");
    let wanted = "@ann:example.org is received by 1 user:\n  @gobbler:example.org\n";
    assert_eq!((code, out.as_str()), (0, wanted));
    assert_eq!(
        err,
        "note: 1 warning: see `presence-router check --policy main.policy`\n"
    );
    assert_eq!(ask(&folder, "recipients --json @ann").2, "");
}

// ---- the directory and users ----

#[test]
fn names_take_the_server_of_the_policy_then_of_the_directory() {
    let folder = with_policy("send all to @gobbler\n");
    let to = |server: &str| {
        format!("{{\"sender\":\"@new:{server}\",\"recipients\":[\"@gobbler:{server}\"]}}\n")
    };
    assert_eq!(
        ask(&folder, "recipients --json @new"),
        good(&to("example.org"))
    );
    let (code, out, err) = run(&folder, "check --policy main.policy");
    assert!(code == 2 && out.contains("error[missing-server]"), "{out}");
    assert!(err.contains("--directory"), "{err}");

    let policy = "server own.org\nsend all to @gobbler\n";
    fs::write(folder.path().join("main.policy"), policy).unwrap();
    assert_eq!(ask(&folder, "recipients --json @new"), good(&to("own.org")));

    let policy = "send all to @gobbler:example.org\n";
    let folder = self::folder(&[("main.policy", policy), ("facts.yaml", "users: []\n")]);
    let (code, out, err) = ask(&folder, "recipients --json @new");
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "error: `@new` is not a user: it has no server, and there is no default one\n  \
         = help: write `@new:example.org`, or a line `server example.org` in the policy\n"
    );
}

#[test]
fn users_given_are_known() {
    let folder = with_policy("all see all\n");
    let (_, out, _) = ask(&folder, "recipients --json @one:a @two:b");
    for line in out.lines() {
        assert!(
            line.contains("\"@one:a\",\"@two:b\",\"@zed:remote.org\"]}"),
            "{line}"
        );
    }
    let (_, out, err) = ask(&folder, "senders @ana @ann");
    assert_eq!(
        out,
        "@ana:example.org receives everyone\n@ann:example.org receives everyone\n"
    );
    let wanted = "note: neither the directory nor the policy knows `@ana:example.org`; \
                  did you mean `@ann:example.org`?\n";
    assert_eq!(err, wanted);
}

#[test]
fn users_that_are_none() {
    let folder = with_policy("send all to @gobbler\n");
    let cases = [
        (
            "ann",
            "it does not start with `@`",
            "write `@ann:example.org`",
        ),
        (
            "#ops",
            "it does not start with `@`",
            "write `@ann:example.org`",
        ),
        (
            "@ann:no_server",
            "it has the server `no_server`",
            "write `@ann:example.org`",
        ),
        (
            "@ann@example.org",
            "it has no `:server`, and none is added to a name that holds '@'",
            "did you mean `@ann:example.org`?",
        ),
        (
            "@ann,@bob",
            "it has no `:server`",
            "give each user by itself: `@ann` and `@bob`",
        ),
        ("@ann#lead", "it has no `:server`", "did you mean `@ann`?"),
        ("@all@", "it has no `:server`", "ejabberd"),
        (
            "@we!rd",
            "it has no `:server`",
            "written with its server: `@we!rd:example.org`",
        ),
        ("@", "it has an empty name", "write `@ann:example.org`"),
        (
            "@bot-*",
            "it has a wildcard",
            "none to be told of all known users",
        ),
        (
            "@bot-?:x.org",
            "it has a wildcard",
            "none to be told of all known users",
        ),
    ];
    for (user, message, help) in cases {
        let (code, out, err) = ask(&folder, &format!("recipients {user}"));
        assert_eq!((code, out.as_str()), (2, ""), "{user}");
        let wanted = format!("error: `{user}` is not a user: {message}");
        assert!(err.starts_with(&wanted) && err.contains(help), "{err}");
    }
    // All of them at once.
    let (_, _, err) = ask(&folder, "senders ann @gobbler bob");
    assert_eq!(err.matches("error: ").count(), 2, "{err}");
    // Matrix allows such IDs: who is called so can be asked for.
    let facts = "server_name: example.org\nusers: [\"@a*:example.org\"]\n";
    fs::write(folder.path().join("facts.yaml"), facts).unwrap();
    assert_eq!(ask(&folder, "recipients --json @a*:example.org").0, 0);
    assert_eq!(ask(&folder, "recipients --json @a*").0, 2);
}

#[test]
fn a_wrong_directory_file() {
    let folder = with_policy("send all to @gobbler:example.org\n");
    let cases: [(&[u8], &str); 15] = [
        (
            b"server_name: example.org\nusers: [\"ann\"]\n",
            "facts.yaml:2:9: ",
        ),
        (b"server_name: example.org\nnobody: []\n", "facts.yaml:"),
        (b"", "facts.yaml:1:1: "),
        (
            b"users:\n  - \"@\xe4:x\"\n",
            "facts.yaml:2:7: this is not UTF-8",
        ),
        (b"[1]\n", "facts.yaml:1:1: "),
        (b"\xff\xfeu\0", "facts.yaml:1:1: this is UTF-16, not UTF-8"),
        (
            b"server_name: x.org\nusers: []\nusers: []\n",
            "facts.yaml:3:1: the key `users` stands here twice",
        ),
        (
            b"rooms:\n  \"!r\": {}\n  '!r': {}\n",
            "facts.yaml:3:3: rooms: the room `!r` stands here twice",
        ),
        (
            b"rooms:\n  \"!r\":\n    members: []\n    members: []\n",
            "facts.yaml:4:5: rooms.!r: the key `members` stands here twice",
        ),
        (
            b"rooms:\n  \"!r\":\n    membrs: []\n",
            "facts.yaml:3:5: rooms.!r: unknown key `membrs`: expected a mapping with `aliases` and",
        ),
        (
            b"rooms:\n  \"!r\":\n    members: \"@a:x.org\"\n",
            "facts.yaml:3:14: rooms.!r.members: expected a list (`[]` for an empty one), found a text",
        ),
        (
            b"rooms:\n  - \"!r\"\n",
            "facts.yaml:2:3: rooms: expected a mapping from room IDs",
        ),
        (
            b"users:\n\xef\xbb\xbf- \"@a:x.org\"\n",
            "facts.yaml:2:1: a byte order mark stands here (U+FEFF), which belongs only at",
        ),
        (
            b"<<<<<<< HEAD\nusers: []\n=======\nusers: [a]\n>>>>>>> x\n",
            "facts.yaml:1:1: a merge left this conflict unresolved",
        ),
        (
            b"server_name: {{ domain }}\n",
            "facts.yaml:1:14: `{{ domain }}` is a place in a template",
        ),
    ];
    for (text, wanted) in cases {
        fs::write(folder.path().join("facts.yaml"), text).unwrap();
        for command in ["recipients", "senders", "route", "check"] {
            let (code, out, err) = ask(&folder, command);
            assert_eq!((code, out.as_str()), (2, ""), "{command}");
            assert!(
                err.starts_with(&format!("error: {wanted}")) && err.contains("  = help: "),
                "{err}"
            );
        }
    }
    for path in ["nowhere.yaml", "."] {
        let (code, out, err) = run(
            &folder,
            &format!("recipients --policy main.policy --directory {path}"),
        );
        assert_eq!((code, out.as_str()), (2, ""), "{path}");
        assert!(
            err.starts_with(&format!("error: cannot read `{path}`: ")),
            "{err}"
        );
    }
}

#[test]
fn who_is_local_must_be_known() {
    let policy = "group away = remote users\nsend (all except local users) to @gobbler:example.org\n\
                  send group away to @a:example.org\n";
    let folder = folder(&[("main.policy", policy), ("facts.yaml", "users: []\n")]);
    for command in ["recipients", "senders", "route", "check"] {
        let (code, out, err) = ask(&folder, command);
        assert_eq!((code, out.as_str()), (2, ""), "{command}");
        let wanted = "error: facts.yaml:1:1: the directory has no `server_name`, and the policy \
                      says `remote users` at main.policy:1:14\n";
        assert!(err.starts_with(wanted), "{err}");
    }
    assert_eq!(run(&folder, "check --policy main.policy").0, 0);
}

// ---- for people ----

#[test]
fn answers_for_people() {
    let folder = with_policy("send all to @gobbler\n@zed:remote.org sees @ann\nblock @alice\n");
    let recipients = "@alice:example.org is received by nobody\n\
                      @ann:example.org is received by 2 users:\n  \
                      @gobbler:example.org\n  @zed:remote.org\n";
    assert_eq!(ask(&folder, "recipients @ann @alice"), good(recipients));
    let senders = "@ann:example.org receives nobody\n\
                   @gobbler:example.org receives everyone except 1 user:\n  @alice:example.org\n\
                   @zed:remote.org receives 1 user:\n  @ann:example.org\n";
    assert_eq!(
        ask(&folder, "senders @gobbler @ann @zed:remote.org"),
        good(senders)
    );
    let input = b"[{\"user_id\":\"@ann:example.org\"},{\"user_id\":\"@b:c\"}]\n[]\n";
    let batches = "batch 1, 2 updates:\n  \
                   @gobbler:example.org receives @ann:example.org, @b:c\n  \
                   @zed:remote.org receives @ann:example.org\n\
                   batch 2, 0 updates: received by nobody\n";
    assert_eq!(route(&folder, "", input), good(batches));
}

#[test]
fn no_id_moves_the_cursor() {
    let facts = "users: [\"@a\\e[31m\\nb:x.org\"]\n";
    let folder = folder(&[
        ("main.policy", "send all to @b:x.org\n"),
        ("facts.yaml", facts),
    ]);
    let (code, out, _) = ask(&folder, "recipients");
    assert_eq!(code, 0);
    assert!(
        out.starts_with("@a\\u{1b}[31m\\nb:x.org is received by 1 user:\n"),
        "{out}"
    );
    let (code, out, err) = route(&folder, "", b"[{\"user_id\":\"\\u001b[31m\"}]");
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(!err.contains('\u{1b}'), "{err:?}");
}

/// Runs a command on a terminal; its output goes there.
const ON_A_TERMINAL: &str = r"
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
ended = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
os.close(theirs)
try:
    while data := os.read(ours, 65536):
        sys.stdout.buffer.write(data)
except OSError:
    pass
sys.exit(ended.returncode)
";

#[test]
fn colour_goes_to_terminals_and_only_if_wanted() {
    let folder = with_policy("snd\n");
    let (_, out, _) = run(&folder, "check --policy main.policy");
    assert!(!out.contains('\u{1b}'), "{out:?}");
    for (no_color, wanted) in [(None, true), (Some("1"), false), (Some(""), true)] {
        let mut command = Command::new("python3");
        command.args([
            "-c",
            ON_A_TERMINAL,
            PROGRAM,
            "check",
            "--policy",
            "main.policy",
        ]);
        command.current_dir(folder.path()).env("TERM", "xterm");
        for name in ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
            command.env_remove(name);
        }
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let (code, out, err) = ended(command.output().unwrap());
        assert_eq!((code, err.as_str()), (2, ""));
        assert!(out.contains("main.policy:1:1"), "{out:?}");
        assert_eq!(out.contains('\u{1b}'), wanted, "{out:?}");
    }
}

// ---- the command line itself ----

#[test]
fn wrong_command_lines() {
    let folder = with_policy("send all to @gobbler\n");
    let cases = [
        ("", "Usage: "),
        (
            "chekc --policy main.policy",
            "similar subcommand exists: 'check'",
        ),
        ("check", "--policy <POLICY>"),
        (
            "check --polcy main.policy",
            "similar argument exists: '--policy'",
        ),
        ("recipients --policy main.policy", "--directory <FILE>"),
        ("senders --directory facts.yaml", "--policy <POLICY>"),
        (
            "route --policy main.policy --directory facts.yaml @ann",
            "'@ann'",
        ),
    ];
    for (arguments, wanted) in cases {
        let (code, out, err) = run(&folder, arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments}");
        assert!(err.contains(wanted), "{err}");
    }
    let version = format!("presence-router {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&folder, "--version"), good(&version));
}
