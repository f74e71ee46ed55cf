//! What an answer costs as the number of rules grows: pairs (`@a sees @b`), 100 to 100,000.
//!
//! It prints times; only their ratios within one run mean something. What must stay flat: `sees` and
//! the answers of one user, whatever the number of rules.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Router};

fn pairs(count: usize) -> Origin {
    let rules = (0..count).map(|n| format!("@r{n}:example.org sees @s{n}:example.org\n"));
    let inline = vec![Inline {
        name: "pairs.policy".into(),
        text: rules.collect(),
    }];
    Origin {
        inline,
        ..Origin::default()
    }
}

fn answers(criterion: &mut Criterion) {
    let directory = Directory::new(None);
    let mut group = criterion.benchmark_group("pairs");
    group.sample_size(20);
    for count in [100, 10_000, 100_000] {
        let router = Router::load(pairs(count)).unwrap();
        let snapshot = router.snapshot();
        let middle = count / 2;
        let sender = format!("@s{middle}:example.org");
        let recipient = format!("@r{middle}:example.org");
        let mut bench = |name: &str, ask: &dyn Fn() -> usize| {
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter(|| black_box(ask()))
            });
        };
        bench("sees", &|| {
            usize::from(snapshot.sees(&directory, &sender, &recipient))
        });
        bench("recipients_of", &|| {
            snapshot.recipients_of(&directory, &sender).len()
        });
        bench("route", &|| snapshot.route(&directory, &[&sender]).len());
        if count <= 10_000 {
            bench("load", &|| Router::load(pairs(count)).map_or(0, |_| 1));
        }
    }
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
