//! Policy files in one style: what is printed, and that it means what was written.
//!
//! Each text in `tests/format` stands beside what is printed of it; after a change that is meant,
//! `INSTA_UPDATE=always cargo test --test format` writes it anew; read what changed. The laws of
//! printing as such are in `src/syntax/print/tests.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code)]
#[path = "law/compare.rs"]
mod compare;
#[allow(dead_code)]
#[path = "law/core.rs"]
mod core;
#[allow(dead_code)]
#[path = "law/generate.rs"]
mod generate;
#[allow(dead_code)]
#[path = "law/model.rs"]
mod model;
#[allow(dead_code)]
#[path = "law/oracle.rs"]
mod oracle;
#[allow(dead_code)]
#[path = "law/patterns.rs"]
mod patterns;
#[path = "law/phrase.rs"]
mod phrase;
#[allow(dead_code)]
#[path = "law/render.rs"]
mod render;
#[path = "law/universe.rs"]
mod universe;

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use presence_router::{format, texts};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use compare::Subject as _;
use core::Core;
use model::World;
use render::{Rendered, render};

fn printed(text: &str) -> String {
    format("test.policy", text).unwrap_or_else(|report| panic!("{report}\n{text}"))
}

#[test]
fn texts_are_printed_as_they_stand_beside() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format");
    let (texts, report) = texts(&[&folder]);
    assert!(report.is_empty() && texts.len() > 3, "{report}");
    for (path, text) in texts {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let printed = printed(&text);
        assert_eq!(self::printed(&printed), printed);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, printed));
    }
}

#[test]
fn what_the_project_shows_is_in_this_style() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (texts, report) = texts(&[root.join("policies")]);
    assert!(report.is_empty() && texts.len() > 1, "{report}");
    for (path, text) in texts {
        assert_eq!(printed(&text), text, "{}", path.display());
    }
    let mut shown = 0;
    for document in ["README.md", "docs/language.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for block in text.split("```policy").skip(1) {
            let (_, block) = block.split_once('\n').unwrap();
            let (policy, _) = block.split_once("```").unwrap();
            if !policy.contains("blokc") {
                assert_eq!(printed(policy), policy, "{document}");
                shown += 1;
            }
        }
    }
    assert!(shown > 1, "{shown}");
}

/// What the files and texts of a policy become.
fn formatted(rendered: &Rendered) -> Result<Rendered, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &rendered.files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut changed = rendered.clone();
    if let Some(path) = &rendered.path {
        let (texts, report) = texts(&[folder.path().join(path)]);
        assert!(report.is_empty(), "{report}");
        for (path, text) in texts {
            let name = path.strip_prefix(folder.path()).unwrap();
            let mut files = changed.files.iter_mut();
            let file = files.find(|(other, _)| Path::new(other) == name).unwrap();
            assert_eq!(file.1, text, "as it lies there");
            file.1 = twice(&text)?;
        }
    }
    for (_, text) in &mut changed.inline {
        *text = twice(text)?;
    }
    Ok(changed)
}

fn twice(text: &str) -> Result<String, String> {
    let once = format("x", text).map_err(|report| report.to_string())?;
    let twice = format("x", &once).map_err(|report| report.to_string())?;
    if once != twice {
        return Err(format!("printed\n{once}\nand then\n{twice}"));
    }
    Ok(once)
}

/// All that a policy means, without the places where it says so.
fn meaning(core: &Core) -> String {
    let text = format!("{:?}", core.snapshot.policy());
    let mut parts = text.split("Span {");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.push_str(part.split_once('}').unwrap().1);
    }
    out
}

fn answers(core: &Core) -> String {
    let mut text = String::new();
    for user in core.known_users() {
        text += &format!("{user} is received by {:?}\n", core.recipients_of(&user));
        text += &format!("{user} receives {:?}\n", core.senders_for(&user));
    }
    text
}

fn warnings(core: &Core, with_directory: bool) -> Vec<(String, String)> {
    let warnings = core.warnings(with_directory).into_iter();
    warnings.map(|(name, file, _)| (name, file)).collect()
}

fn same(world: &World, rendered: &Rendered) -> Result<(usize, usize), String> {
    let changed = formatted(rendered)?;
    let (before, after) = (Core::load(world, rendered)?, Core::load(world, &changed)?);
    let facts = [
        (meaning(&before), meaning(&after)),
        (answers(&before), answers(&after)),
    ];
    for (before, after) in &facts {
        if before != after {
            return Err(format!("{before}\nbecame\n{after}\n{}", changed.show()));
        }
    }
    for with_directory in [false, true] {
        let both = [&before, &after].map(|core| warnings(core, with_directory));
        if both[0] != both[1] {
            return Err(format!("{both:?}\n{}", changed.show()));
        }
    }
    let lines = changed.files.iter().flat_map(|(_, text)| text.lines());
    let broken = lines.filter(|line| line.starts_with("  ")).count();
    Ok((usize::from(changed.files != rendered.files), broken))
}

#[test]
fn a_formatted_policy_means_the_same() {
    let config = Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let (changed, broken) = (Cell::new(0), Cell::new(0));
    TestRunner::new_with_rng(config, rng)
        .run(&generate::world(), |world| {
            let rendered = render(&world.policy, world.layout);
            let counts = same(&world, &rendered).map_err(|problem| {
                TestCaseError::fail(format!("{problem}\n{}", rendered.show()))
            })?;
            changed.set(changed.get() + counts.0);
            broken.set(broken.get() + counts.1);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(
        changed.get() > 50 && broken.get() > 50,
        "{changed:?} {broken:?}"
    );
}

#[test]
fn sixty_four_parentheses_are_printed_and_sixty_five_refused() {
    let nest = |depth: usize| {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        format!("block {open}@a, @b # why\n{close}\n")
    };
    let printed = printed(&nest(64));
    assert_eq!(printed.lines().count(), 64 + 2 + 64);
    assert_eq!(self::printed(&printed), printed);
    let report = format("x", &nest(65)).unwrap_err();
    assert_eq!(report.problems()[0].name.as_str(), "too-large");
}

/// The least time of some attempts: what the machine does besides only adds to it.
fn time(text: &str) -> Duration {
    let attempts = (0..4).map(|_| {
        let start = Instant::now();
        assert!(printed(text).len() > text.len() / 2);
        start.elapsed()
    });
    attempts.min().unwrap()
}

#[test]
fn the_cost_is_linear() {
    let nest = format!("block {}@a, @b{}, @c\n", "(".repeat(60), ", @d)".repeat(60));
    let shapes: [&dyn Fn(usize) -> String; 5] = [
        &|n| "send @a, @b   to @c # why\n".repeat(n),
        &|n| format!("group x = {}@b", "@a, ".repeat(n)),
        &|n| format!("block (\n{}@b)", "@a, # why\n".repeat(n)),
        &|n| "# a comment\n\n\n".repeat(n),
        &|n| nest.repeat(n / 50),
    ];
    for (index, shape) in shapes.iter().enumerate() {
        // Eight times as much; 64 times, if it were quadratic. A busy machine gets more attempts.
        let (mut one, mut eight) = (Duration::MAX, Duration::MAX);
        for _ in 0..5 {
            one = one.min(time(&shape(200)));
            eight = eight.min(time(&shape(1_600)));
            if eight < one * 24 {
                break;
            }
        }
        assert!(eight < one * 24, "shape {index}: {one:?} and {eight:?}");
    }
}
