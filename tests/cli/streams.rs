//! `route` as a stream: batches in, answers out, and either end that stops.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;

use tempfile::TempDir;

use super::{LIMIT, ended, good, program, route, with_policy};

fn start_route(folder: &TempDir, options: &str) -> Child {
    let files = "--policy main.policy --directory facts.yaml";
    let mut command = program(folder.path(), &format!("route {files} {options}"));
    command.stdin(Stdio::piped()).spawn().unwrap()
}

#[test]
fn each_batch_is_answered_before_the_next_is_read() {
    let folder = with_policy("send all to @gobbler\n");
    let mut child = start_route(&folder, "--json");
    let mut stdin = child.stdin.take().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (tell, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in stdout.lines() {
            tell.send(line.unwrap()).unwrap();
        }
    });
    for _ in 0..3 {
        stdin
            .write_all(b"[{\"user_id\":\"@ann:example.org\"}]\n")
            .unwrap();
        let line = lines.recv_timeout(LIMIT).unwrap();
        assert_eq!(line, r#"{"@gobbler:example.org":[0]}"#);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    reader.join().unwrap();
}

#[test]
fn a_line_that_is_no_batch_ends_it() {
    let folder = with_policy("send all to @gobbler\n");
    let cases: [(&[u8], &str); 14] = [
        (b"{}", "line 2, column 1: "),
        (b"null", "line 2, column "),
        (b"", "line 2: it is empty"),
        (
            b"[{\"user_id\":\"@ann:example.org\"}",
            "line 2, column 31: ",
        ),
        (
            b"[{\"user_id\":\"@ann:example.org\"}] []",
            "line 2, column 34: ",
        ),
        (b"[1]", "line 2, column 2: "),
        (b"[[\"@ann:example.org\"]]", "line 2, column "),
        (
            b"[{\"state\":\"online\"}]",
            "line 2, column 19: this update has no `user_id`",
        ),
        (
            b"[{\"user_id\":\"@ann\"}]",
            "line 2, column 19: the user_id `@ann` has no `:server`",
        ),
        (b"[{\"user_id\":3}]", "line 2, column 13: "),
        (
            b"[{\"user_id\":\"@a:b\",\"user_id\":\"@a:b\"}]",
            "line 2, column 36: this update has a second `user_id`",
        ),
        (
            b"[{\"\xc3\xa4\":\"\xff\"}]",
            "line 2, column 8: this is not UTF-8",
        ),
        (
            b"\xef\xbb\xbf[]",
            "line 2, column 1: a byte order mark stands here (U+FEFF)",
        ),
        (
            b"\"a secret\"",
            "line 2, column 10: invalid type: a text, expected a batch, a list",
        ),
    ];
    for (line, wanted) in cases {
        let good = b"[{\"user_id\":\"@ann:example.org\"}]\n".as_slice();
        let input = [good, line, b"\n", good].concat();
        let (code, out, err) = route(&folder, "--json", &input);
        assert_eq!(code, 3, "{err}");
        assert_eq!(out, "{\"@gobbler:example.org\":[0]}\n");
        assert!(
            err.starts_with(&format!("error: standard input, {wanted}")),
            "{err}"
        );
        assert!(
            err.contains("  = help: write one batch a line: `[{\"user_id\":"),
            "{err}"
        );
    }
}

#[test]
fn a_byte_order_mark_may_begin_batches() {
    let folder = with_policy("send all to @gobbler\n");
    let batch = b"[{\"user_id\":\"@ann:example.org\"}]\n".as_slice();
    let input = [b"\xef\xbb\xbf", batch, batch].concat();
    let line = "{\"@gobbler:example.org\":[0]}\n";
    assert_eq!(route(&folder, "--json", &input), good(&line.repeat(2)));
}

#[test]
fn who_stops_reading_ends_it_quietly() {
    let folder = with_policy("send all to @gobbler\n");
    for options in ["", "--json"] {
        let mut child = start_route(&folder, options);
        drop(child.stdout.take());
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all(b"[{\"user_id\":\"@ann:example.org\"}]\n")
            .unwrap();
        // It ends by itself, while more could come.
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let mut err = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        assert_eq!(err, "");
        drop(stdin);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_or_read_is_a_failure() {
    let folder = with_policy("send all to @gobbler:example.org\n");
    for command in ["recipients", "senders", "check"] {
        let files = "--policy main.policy --directory facts.yaml";
        let mut command = program(folder.path(), &format!("{command} {files}"));
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let (code, _, err) = ended(command.stdout(full).output().unwrap());
        assert_eq!(code, 3);
        assert!(
            err.starts_with("error: cannot write to standard output: "),
            "{err}"
        );
    }
    let files = "--policy main.policy --directory facts.yaml";
    let mut command = program(folder.path(), &format!("route {files}"));
    let input = fs::File::open(folder.path()).unwrap();
    let (code, out, err) = ended(command.stdin(input).output().unwrap());
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(
        err.starts_with("error: cannot read standard input: "),
        "{err}"
    );
}
