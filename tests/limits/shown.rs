//! What a text holds is shown and never obeyed by a terminal, and the marks stay under their words.

use presence_router::router::{Inline, Origin, Router};

fn report(text: &str) -> String {
    let inline = vec![Inline {
        name: "a\u{202e}\u{1b}.policy".into(),
        text: text.into(),
    }];
    let report = Router::load(Origin {
        inline,
        ..Origin::default()
    })
    .unwrap_err();
    report.render(false)
}

#[test]
fn hidden_characters_are_drawn_and_columns_stay() {
    for hidden in [
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{ad}",
        "\u{9b}",
        "\u{e0041}",
        "\u{200d}",
        "\0",
        "\u{1b}",
    ] {
        let text = format!("block \"@{hidden}:x.org\", @b, @{hidden}c:x.org\n");
        let shown = report(&text);
        assert!(!shown.contains(hidden), "{shown:?}");
        let escaped: String = hidden.chars().flat_map(char::escape_default).collect();
        assert!(shown.contains(&escaped), "{escaped}: {shown}");
        // `@b` has no server; the mark is under it, and the place counts characters.
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines
            .iter()
            .position(|line| line.contains(":1:19"))
            .unwrap();
        let (source, marks) = (lines[at + 2], lines[at + 3]);
        let column = |line: &str, what: &str| {
            let byte = line.find(what).unwrap();
            line[..byte].chars().count()
        };
        assert_eq!(column(source, "@b"), column(marks, "^^"), "{shown}");
    }
}

#[test]
fn a_name_cannot_write_to_the_terminal() {
    let shown = report("blokc\n");
    assert!(shown.contains(r"a\u{202e}\u{1b}.policy:1:1"), "{shown}");
}

#[test]
fn a_long_line_is_cut_around_its_mark() {
    for text in [
        format!("block @b # {}\n", "x".repeat(3000)),
        format!("block \"@{}:x.org\", @b\n", "a".repeat(200)),
    ] {
        let shown = report(&text);
        let longest = shown.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(200), "{shown}");
        assert!(shown.contains("^^"), "{shown}");
    }
}
