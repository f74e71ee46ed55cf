//! What an answer costs as the number of rules grows: pairs (`@a sees @b`), 10 to 1,000,000.
//!
//! It prints times; only their ratios within one run mean something. What must stay flat: `sees` and
//! the answers of one user, whatever the number of rules. The questions go round over a thousand pairs of
//! users, so that caches are as warm as they are for a server's active users.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Router};
use presence_router::workload::{Shape, Workload};

fn origin(workload: &Workload) -> Origin {
    let files = workload.files().into_iter().map(|file| Inline {
        name: file.name,
        text: file.text,
    });
    Origin {
        inline: files.collect(),
        ..Origin::default()
    }
}

fn answers(criterion: &mut Criterion) {
    let directory = Directory::new(None);
    let mut group = criterion.benchmark_group("pairs");
    group.sample_size(20);
    for count in [10, 1_000, 100_000, 1_000_000] {
        let workload = Workload::new(Shape::Pairs(count), 1.0, 1);
        let router = Router::load(origin(&workload)).unwrap();
        let snapshot = router.snapshot();
        let mut questions = workload.questions();
        let pairs: Vec<_> = (0..1_000)
            .map(|_| (questions.user(), questions.user()))
            .collect();
        let mut bench = |name: &str, ask: &dyn Fn(&str, &str) -> usize| {
            let mut pairs = pairs.iter().cycle();
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter(|| {
                    let (sender, recipient) = pairs.next().unwrap();
                    black_box(ask(sender, recipient))
                })
            });
        };
        bench("sees", &|sender, recipient| {
            usize::from(snapshot.sees(&directory, sender, recipient))
        });
        bench("recipients_of", &|sender, _| {
            snapshot.recipients_of(&directory, sender).len()
        });
        bench("route", &|sender, _| {
            snapshot.route(&directory, &[sender]).len()
        });
        if count <= 10_000 {
            bench("load", &|_, _| {
                Router::load(origin(&workload)).map_or(0, |_| 1)
            });
        }
    }
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
