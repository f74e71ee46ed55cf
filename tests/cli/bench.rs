//! `bench`: what it says and how it ends. Nothing here depends on how long anything takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{folder, program, run, with_policy};

const POLICY: &str = "server example.org
group staff = @ann, @gobbler, users on remote.org
send all to @gobbler
group staff see each other
members of #ops see @alice
block @alice from users matching /@z.*/
";

fn bench(folder: &TempDir, rest: &str) -> (i32, String, String) {
    run(folder, &format!("bench --time 0.05 {rest}"))
}

fn json(folder: &TempDir, rest: &str) -> (Value, String) {
    let (code, out, err) = bench(folder, &format!("{rest} --json"));
    assert_eq!((code, err.as_str()), (0, ""), "{rest}");
    assert_eq!(out.lines().count(), 1, "{out}");
    (serde_json::from_str(&out).unwrap(), out)
}

/// The names of the fields in a JSON text, each once, as they come.
fn fields(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut strings = text.split('"').skip(1);
    while let Some(string) = strings.next() {
        let after = strings.next().unwrap_or_default();
        assert!(!string.ends_with('\\'), "{string}");
        if after.starts_with(':') && !found.contains(&string.to_owned()) {
            found.push(string.to_owned());
        }
    }
    found
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["name"].as_str().unwrap()).collect()
}

/// Every operation, and times that are in order.
fn check_operations(list: &Value, wanted: &[&str]) {
    assert_eq!(names(list), wanted);
    for operation in list.as_array().unwrap() {
        check_spread(operation);
    }
}

fn check_spread(spread: &Value) {
    let number = |name: &str| spread[name].as_u64().unwrap();
    assert!(number("calls") >= 1, "{spread}");
    assert!(number("median_ns") <= number("p99_ns"), "{spread}");
    assert!(number("p99_ns") <= number("worst_ns"), "{spread}");
    assert!(spread["mean_ns"].as_f64().unwrap() > 0.0, "{spread}");
}

const ASKED: [&str; 4] = ["sees", "recipients_of", "senders_for", "route"];

#[test]
fn one_policy_in_json() {
    let folder = with_policy(POLICY);
    let (report, text) = json(&folder, "--policy main.policy --directory facts.yaml");
    let subject = &report["subject"];
    assert_eq!(subject["policy"], "main.policy");
    assert_eq!(
        (&subject["rules"], &subject["groups"]),
        (&4.into(), &1.into())
    );
    assert_eq!(subject["bytes"], POLICY.len());
    assert_eq!(report["directory"]["file"], "facts.yaml");
    assert_eq!(report["directory"]["users"], 4);
    assert_eq!(report["directory"]["rooms"], 1);
    assert_eq!(report["against"], Value::Null);
    check_spread(&report["load"]);
    let mut wanted = ASKED.to_vec();
    wanted.extend(["join_and_leave", "reload_unchanged"]);
    check_operations(&report["operations"], &wanted);
    if cfg!(target_os = "linux") {
        let memory = |name: &str| report["memory"][name].as_u64().unwrap();
        assert!(memory("kept_bytes") <= memory("peak_bytes"));
        assert!(memory("loads") >= 1);
    }

    let costliest = &report["costliest"];
    assert!(costliest["senders_asked"].as_u64().unwrap() >= 1);
    assert!(!costliest["senders"].as_array().unwrap().is_empty());
    let rules = costliest["rules"].as_array().unwrap();
    if costliest["rules_counted"] == 4 {
        let row = |rule: &Value| {
            let place = format!("{}:{}:{}", rule["file"], rule["line"], rule["column"]);
            let figure = |name: &str| rule[name].as_u64().unwrap();
            let figures = [figure("pairs"), figure("senders"), figure("recipients")];
            (place.replace('"', ""), figures)
        };
        let rows: Vec<_> = rules.iter().map(row).collect();
        let wanted = [
            ("main.policy:4:1".to_owned(), [9, 3, 3]),
            ("main.policy:3:1".to_owned(), [4, 4, 1]),
            ("main.policy:5:1".to_owned(), [2, 1, 2]),
        ];
        assert_eq!(rows, wanted);
        assert_eq!(rules[0]["text"], "group staff see each other");
        assert_eq!(costliest["rules_that_look_at_all"], 1);
        assert_eq!(costliest["looks_at_all"][0]["line"], 6);
    }

    let growth = &report["growth"];
    let sizes = growth["sizes"].as_array().unwrap();
    assert_eq!(sizes.len(), 3);
    if growth["how"] == "copied" {
        let figures = |name: &str| -> Vec<u64> {
            sizes
                .iter()
                .map(|size| size[name].as_u64().unwrap())
                .collect()
        };
        assert_eq!(figures("rules"), [4, 8, 16]);
        assert_eq!(figures("users"), [4, 8, 16]);
    }
    assert_eq!(names(&growth["operations"])[1..], ASKED);
    for operation in growth["operations"].as_array().unwrap() {
        assert_eq!(operation["time_ns"].as_array().unwrap().len(), 3);
    }

    // In an order that stays, and told in the documentation.
    let fields = fields(&text);
    let first = [
        "program",
        "version",
        "optimised",
        "time_limit_s",
        "seed",
        "clock_ns",
    ];
    assert_eq!(fields[..first.len()], first);
    assert_documented(&fields);
}

fn assert_documented(fields: &[String]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/benchmark.md")).unwrap();
    for field in fields {
        assert!(page.contains(&format!("`{field}`")), "{field}");
    }
}

#[test]
fn two_policies_in_turn() {
    let folder = folder(&[
        (
            "one.policy",
            "server example.org\nsend @ann, @bob to @cleo\n",
        ),
        (
            "two.policy",
            "server example.org\nsend @ann to @cleo, @zed\n",
        ),
    ]);
    let (report, text) = json(&folder, "--policy one.policy --against one.policy");
    let against = &report["against"];
    assert_eq!(against["answers"]["senders_that_differ"], 0);
    assert_eq!(against["answers"]["example"], Value::Null);
    check_operations(&report["operations"], &ASKED);
    check_operations(&against["operations"], &ASKED);
    assert_eq!(names(&against["ratios"])[1..], ASKED);
    for ratio in against["ratios"].as_array().unwrap() {
        let number = |name: &str| ratio[name].as_f64().unwrap();
        assert!(number("low") <= number("ratio") && number("ratio") <= number("high"));
        assert!(number("first_ns") > 0.0 && number("against_ns") > 0.0);
        assert!(ratio["noise"].is_boolean() && ratio["rounds"].as_u64().unwrap() >= 1);
    }
    assert_eq!(
        (&report["costliest"], &report["growth"]),
        (&Value::Null, &Value::Null)
    );
    assert_documented(&fields(&text));

    let (report, text) = json(&folder, "--policy one.policy --against two.policy");
    // All four users are known to both.
    assert_eq!(report["directory"]["users"], 4);
    let example = &report["against"]["answers"]["example"];
    let first = example["first_sends"].as_bool().unwrap();
    let pair = (
        example["sender"].as_str().unwrap(),
        example["recipient"].as_str().unwrap(),
    );
    let wanted = match first {
        true => ("@bob:example.org", "@cleo:example.org"),
        false => ("@ann:example.org", "@zed:example.org"),
    };
    assert_eq!(pair, wanted);
    assert_documented(&fields(&text));

    let (code, out, _) = bench(&folder, "--policy one.policy --against two.policy");
    assert_eq!(code, 0);
    assert!(
        out.contains("\nagainst two.policy: 1 rule, 0 groups, "),
        "{out}"
    );
    for part in [
        "\nin turn, on the same questions: ",
        "\nfirst: single calls by the clock\n",
        "\nagainst: single calls by the clock\n",
        "answers: other recipients for ",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let (_, out, _) = bench(&folder, "--policy one.policy --against one.policy");
    assert!(
        out.contains("answers: the same recipients for all "),
        "{out}"
    );
}

#[test]
fn for_people() {
    let folder = with_policy(POLICY);
    let (code, out, err) = bench(&folder, "--policy main.policy --directory facts.yaml");
    assert_eq!(code, 0);
    // No progress where nobody watches.
    assert!(!err.contains('\r') && !err.contains('\u{1b}'), "{err}");
    assert!(
        out.starts_with(&format!(
            "main.policy: 4 rules, 1 group, {} B\n4 known users, 1 room\n",
            POLICY.len()
        )),
        "{out}"
    );
    for part in [
        "\nload ",
        "\n  sees ",
        "\nthe costliest senders: ",
        "\nthe costliest rules: known senders x known recipients, of ",
        "\nwhen users and rules double (",
        "\nTimes are of this machine ",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    assert!(out.lines().all(|line| !line.ends_with(' ')), "{out}");
}

#[test]
fn a_generated_workload() {
    let folder = folder(&[]);
    let (report, text) = json(&folder, "--workload family --scale 0.05 --seed 3");
    let workload = &report["subject"]["workload"];
    assert_eq!(workload["name"], "family");
    assert_eq!(
        (&workload["scale"], &workload["seed"]),
        (&0.05.into(), &3.into())
    );
    assert_eq!(report["subject"]["policy"], Value::Null);
    assert_eq!(report["growth"]["how"], "scaled");
    assert_documented(&fields(&text));
    // Of another shape, which has no rooms.
    let (report, _) = json(&folder, "--workload pairs:50");
    assert_eq!(report["subject"]["rules"], 50);
}

#[test]
fn without_a_directory_those_whom_the_policy_names_are_known() {
    let folder = with_policy("server example.org\nsend local users to @ann, @bob\n");
    let (report, _) = json(&folder, "--policy main.policy");
    assert_eq!(report["directory"]["users"], 2);
    assert_eq!(report["directory"]["file"], Value::Null);
    let senders = report["costliest"]["senders"].as_array().unwrap();
    assert_eq!(senders[0]["recipients"], 2);
}

#[test]
fn what_is_wrong_is_told_before_anything_is_measured() {
    let folder = folder(&[
        ("wrong.policy", "snd all\n"),
        ("nobody.policy", "send all to all\n"),
        ("good.policy", "send @a:x to @b:x\n"),
        ("local.policy", "send local users to @b:x\n"),
        ("names.policy", "send @ann to @bob\n"),
        ("facts.yaml", "users: [\"@a:x\"]\n"),
    ]);
    let cases = [
        ("--policy wrong.policy", "error[syntax]: "),
        (
            "--policy good.policy --against wrong.policy",
            "error[syntax]: ",
        ),
        ("--policy nowhere.policy", "error[unreadable-file]: "),
        (
            "--policy good.policy --directory nowhere.yaml",
            "error: cannot read `nowhere.yaml`: ",
        ),
        (
            "--policy nobody.policy",
            "error: there is nobody to ask about: no user is known\n",
        ),
        (
            "--policy good.policy --html nowhere/page.html",
            "error: cannot write `nowhere/page.html`: ",
        ),
        (
            "--policy good.policy --html .",
            "error: cannot write `.`: it is no file\n",
        ),
        (
            "--policy local.policy --directory facts.yaml",
            "error: facts.yaml:1:1: the directory has no",
        ),
        (
            "--policy good.policy --against local.policy --directory facts.yaml",
            "error: facts.yaml:1:1: the directory has no",
        ),
        ("", "<--policy <POLICY>|--workload <NAME>>"),
        (
            "--policy names.policy",
            "note: with `--directory` names take the server that is its `server_name`\n",
        ),
        (
            "--policy names.policy --directory facts.yaml",
            "note: the directory has no `server_name` that names could take\n",
        ),
        ("--workload village", "error: "),
        ("--workload family --policy good.policy", "error: "),
        ("--workload family --directory facts.yaml", "error: "),
        ("--policy good.policy --scale 2", "error: "),
        ("--policy good.policy --time 0", "error: "),
        ("--policy good.policy --time 1e999", "error: "),
    ];
    for (arguments, message) in cases {
        let time = if arguments.contains("--time") {
            ""
        } else {
            "--time 0.05"
        };
        let (code, out, err) = run(&folder, &format!("bench {time} {arguments}"));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments}");
        assert!(err.contains(message), "{arguments}: {err}");
    }
    let (_, _, err) = run(&folder, "bench --policy wrong.policy --json");
    assert!(err.starts_with("{\"level\":\"error\""), "{err}");
}

// ---- the page ----

/// What tags a page has.
fn tags(page: &str) -> BTreeSet<&str> {
    let tags = page.split('<').skip(1);
    let name = |tag: &str| tag.find(|c: char| !c.is_ascii_alphanumeric() && !"/!".contains(c));
    tags.map(|tag| &tag[..name(tag).unwrap_or(tag.len())])
        .collect()
}

#[test]
fn nothing_in_a_page_is_foreign() {
    let hostile = "server example.org
# <script>alert(1)</script>
send \"@<script>alert(2)</script>:example.org\" to all
send \"@*<img/src=x/onerror=alert(3)>:example.org\" to \"@\\\"'><svg/onload=alert(4)>:example.org\"
send users matching /@.*<iframe>.*|@<b>&amp;.*/ to @ann, @bob
send @ann to members of \"#</title></style><a/href=alert(5)>:example.org\"
";
    let name = "<u>&\"'.policy";
    let folder = folder(&[(name, hostile), ("other.policy", hostile)]);
    let pages = [
        vec!["--policy", name],
        vec!["--policy", name, "--against", name],
        vec!["--policy", "other.policy", "--against", name],
    ];
    for arguments in pages {
        let mut command = program(folder.path(), "bench --time 0.05 --html page.html --json");
        let output = command.args(&arguments).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""));
        let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
        let allowed = "!doctype html head meta title style body main h1 h2 h3 p section div span b i s \
                       u table tr th td code svg path footer";
        let allowed: BTreeSet<&str> = allowed.split_whitespace().collect();
        for tag in tags(&page) {
            assert!(allowed.contains(tag.trim_start_matches('/')), "{tag}");
        }
        // Nothing is asked for, and nothing is run.
        for word in [
            "http:", "https:", "url(", "@import", " src=", " href=", " onload=", "<b>&",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
        assert!(page.contains("&lt;u&gt;&amp;&quot;&#39;.policy"));
        if arguments.len() == 2 && page.contains("<h3>Rules</h3>") {
            assert!(page.contains("&lt;script&gt;alert(2)&lt;/script&gt;"));
            assert!(!page.contains("alert(1)"));
        }
    }
}

#[test]
fn a_page_is_whole_or_not_there() {
    let folder = with_policy("send @ann to @gobbler\n");
    let page = folder.path().join("page.html");
    let files = || fs::read_dir(folder.path()).unwrap().count();
    let before = files();
    // Stopped while it measures.
    let rest = "bench --policy main.policy --directory facts.yaml --html page.html";
    let mut child = program(folder.path(), &format!("{rest} --time 600"))
        .spawn()
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!page.exists() && files() == before);

    let (code, ..) = run(&folder, &format!("{rest} --time 0.05"));
    assert_eq!(code, 0);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("<!doctype html>\n") && text.ends_with("</html>\n"));
    assert_eq!(text.matches("<svg").count(), text.matches("</svg>").count());
    assert_eq!(text.matches("<div").count(), text.matches("</div>").count());
    assert_eq!(
        text.matches("<table").count(),
        text.matches("</table>").count()
    );
    // One that is there is replaced.
    fs::write(&page, "old").unwrap();
    let (code, ..) = run(&folder, &format!("{rest} --time 0.05"));
    assert_eq!((code, files()), (0, before + 1));
    assert!(fs::read_to_string(&page).unwrap().ends_with("</html>\n"));
}
