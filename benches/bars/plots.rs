//! What operations cost as rules, known users and answers grow: `make plots` draws `docs/plots/`.
//!
//! Flat is what must be flat. Times are processor time of one thread, as for the bars.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use plotters::prelude::*;
use presence_router::Senders;
use presence_router::directory::Directory;
use presence_router::id::UserId;
use presence_router::router::Snapshot;
use presence_router::workload::Shape;

use super::answers::{S, shapes};
use super::changes::Comings;
use super::measure::{Pair, best, pairs, sees, workload};
use super::row::time;

/// A name, and points of a count and nanoseconds.
type Curve = (&'static str, Vec<(f64, f64)>);

pub fn draw_all() {
    draw("rules", "rules", &rules());
    draw(
        "users",
        "known users; for the join, members of the room",
        &users(),
    );
    draw("answers", "users in the answer", &answers());
}

/// What is asked of a policy with pairs, one recipient of everyone, and three blocks.
fn asked(snapshot: &Snapshot, directory: &Directory, questions: &[Pair]) -> [f64; 3] {
    let pairs = sees(snapshot, directory, questions);
    let recipients = best(questions.len(), |at| {
        black_box(snapshot.recipients_of(directory, &questions[at].0));
    });
    let everyone = best(1_000, |_| {
        let senders = snapshot.senders_for(directory, "@gobbler:example.org");
        assert!(matches!(&senders, Senders::AllExcept(users) if users.len() == 3));
        black_box(senders);
    });
    [pairs, recipients, everyone]
}

const MORE: &str = "send all to @gobbler\nblock @one, @two, @three from @gobbler\n";

const ASKED: [&str; 4] = [
    "sees",
    "recipients_of",
    "senders_for, everyone but three",
    "a join and a leave",
];

fn curves(points: Vec<(u32, [f64; 4])>) -> Vec<Curve> {
    let curve = |(at, name): (usize, &&'static str)| {
        let points = points.iter();
        let points = points.map(|(count, times)| (f64::from(*count), times[at]));
        (*name, points.collect())
    };
    ASKED.iter().enumerate().map(curve).collect()
}

fn rules() -> Vec<Curve> {
    let directory = Directory::new("example.org".parse().ok());
    let point = |count: u32| {
        eprintln!("{count} rules ...");
        let (workload, snapshot) = workload(Shape::Pairs(count), MORE);
        let questions = pairs(&workload, &snapshot, 1_000);
        let [one, list, everyone] = asked(&snapshot, &directory, &questions);
        (count, [one, list, everyone, Comings::new(count, 10).time()])
    };
    let counts = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
    curves(counts.map(point).into())
}

/// The same thousand rules, and ever more users who are known, each in no room.
fn users() -> Vec<Curve> {
    let (workload, snapshot) = workload(Shape::Pairs(1_000), MORE);
    let questions = pairs(&workload, &snapshot, 1_000);
    let mut directory = Directory::new("example.org".parse().ok());
    let mut known = 0;
    let point = |count: u32| {
        eprintln!("{count} users ...");
        for n in known..count {
            directory.add_user(UserId::parse(&format!("@known{n}:example.org")).unwrap());
        }
        known = count;
        let [one, list, everyone] = asked(&snapshot, &directory, &questions);
        let comings = Comings::new(1_000, count as usize).time();
        (count, [one, list, everyone, comings])
    };
    let counts = [1_000, 10_000, 100_000, 500_000, 2_000_000];
    curves(counts.map(point).into())
}

fn answers() -> Vec<Curve> {
    let mut curves = [
        "recipients_of, a group",
        "recipients_of, a room",
        "recipients_of, a glob",
        "senders_for, a group",
        "copying the finished list",
        "route of one update, for each recipient",
    ]
    .map(|name| (name, Vec::new()));
    for count in [1, 10, 100, 1_000, 10_000, 100_000] {
        eprintln!("{count} users in an answer ...");
        let shapes = shapes(count);
        let mut add = |curve: usize, users: usize, nanoseconds: f64| {
            curves[curve].1.push((users as f64, nanoseconds));
        };
        for (curve, wanted) in ["a group", "a room", "a glob"].into_iter().enumerate() {
            let found = shapes.iter().find(|(name, ..)| *name == wanted);
            let (_, snapshots, directory) = found.unwrap();
            let (users, [recipients, senders, copy]) = snapshots.times(directory);
            add(curve, users, recipients);
            if curve == 0 {
                add(3, users, senders);
                add(4, users, copy);
                let route = best(1, |_| _ = black_box(snapshots.to.route(directory, &[S])));
                add(5, users, route / users as f64);
            }
        }
    }
    curves.into()
}

fn draw(name: &str, counted: &str, curves: &[Curve]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plots");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.svg"));
    let points = || curves.iter().flat_map(|(_, points)| points.iter().copied());
    let most = points().map(|point| point.0).fold(1.0, f64::max);
    let least = points().map(|point| point.0).fold(most, f64::min);
    // Whole decades, so that what is flat looks flat and no noise looks like a slope.
    let slowest = points().map(|point| point.1).fold(1e4, f64::max);
    let decades = slowest.log10().ceil();
    let area = SVGBackend::new(&path, (760, 460)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(42)
        .y_label_area_size(72)
        .build_cartesian_2d(
            (least..most).log_scale(),
            (10.0..10_f64.powf(decades)).log_scale(),
        )
        .unwrap();
    chart
        .configure_mesh()
        .x_desc(counted)
        .y_desc("time of one call")
        .x_label_formatter(&|count| in_thousands(*count))
        .y_label_formatter(&|nanoseconds| time(*nanoseconds))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .draw()
        .unwrap();
    for (at, (name, points)) in curves.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
        let series = chart.draw_series(line).unwrap();
        series
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .label_font(("sans-serif", 14))
        .draw()
        .unwrap();
    area.present().unwrap();
    println!("{}", path.display());
}

/// Of one lightness apart, and told from each other by those who see fewer colours.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(90, 90, 90),
    RGBColor(86, 180, 233),
];

fn in_thousands(count: f64) -> String {
    match count {
        ..1e3 => format!("{count:.0}"),
        ..1e6 => format!("{:.0} k", count / 1e3),
        _ => format!("{:.0} M", count / 1e6),
    }
}
