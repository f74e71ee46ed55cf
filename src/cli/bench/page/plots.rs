//! The plots: shapes in SVG that stretch with the page, words beside them that do not.
//!
//! A plotting library's colours and letters are fixed once it has drawn; these follow the reader's
//! light or dark theme and the width of the window.
//!
//! Law: nothing here is a name or a text from outside, but for what went through `escaped`.

use std::fmt::Write;

use super::super::report::{Grown, Growth, Operation, Ratio, Report};
use super::super::statistics::FLOOR;
use super::super::text::{in_words, time};
use super::escaped;

/// So many bars a distribution has.
const BINS: usize = 96;

/// A logarithmic axis: where a value lies, in percent.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64> + Clone, least: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(0.0, f64::max);
        let (low, high) = if low < high {
            (low, high)
        } else {
            (least, least * 10.0)
        };
        Axis {
            low: low.max(least).ln(),
            high: high.max(least).ln(),
        }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.max(1e-9).ln() - self.low) / (self.high - self.low);
        (part * 100.0).clamp(0.0, 100.0)
    }
}

/// How the calls of each operation spread; of two rule sets both.
pub fn distributions(report: &Report) -> String {
    let load = |spread: &super::super::report::Spread| Operation {
        name: "load",
        spread: spread.clone(),
    };
    let mut sides = vec![(load(&report.load), &report.operations)];
    if let Some(against) = &report.against {
        sides.push((load(&against.load), &against.operations));
    }
    let all = sides
        .iter()
        .flat_map(|(load, rest)| std::iter::once(load).chain(rest.iter()));
    let spreads: Vec<&Operation> = all.collect();
    let times = spreads.iter().flat_map(|one| {
        let spread = &one.spread;
        let least = spread.sorted_ns.first().copied().unwrap_or(1);
        [least as f64, spread.worst_ns as f64]
    });
    let (low, high) = times.fold((f64::INFINITY, 0.0), |(low, high), time| {
        (time.min(low), time.max(high))
    });
    // Whole decades, so that each has its line and its word.
    let low = low.max(1.0).log10().floor();
    let high = high.max(10.0).log10().ceil().max(low + 1.0);
    let axis = Axis {
        low: low * std::f64::consts::LN_10,
        high: high * std::f64::consts::LN_10,
    };
    let decades: Vec<f64> = (low as i32..=high as i32)
        .map(|power| 10_f64.powi(power))
        .collect();
    let mut out = String::from("<div class=\"rows\">");
    let first = sides.first().into_iter();
    let names = first.flat_map(|(load, rest)| std::iter::once(load).chain(rest.iter()));
    for name in names.map(|one| one.name) {
        let _ = write!(
            out,
            "<div class=\"n\">{}</div><div class=\"plot\">",
            escaped(name)
        );
        lines(&mut out, &axis, &decades);
        for (side, (load, rest)) in sides.iter().enumerate() {
            let mut all = std::iter::once(load).chain(rest.iter());
            if let Some(one) = all.find(|one| one.name == name) {
                distribution(&mut out, &axis, one, side, sides.len() == 1);
            }
        }
        out.push_str("</div>");
    }
    let _ = write!(out, "<div></div><div class=\"axis\">");
    for decade in &decades {
        let at = axis.at(*decade).clamp(2.0, 97.0);
        let _ = write!(
            out,
            "<span style=\"left:{at:.2}%\">{}</span>",
            decade_name(*decade)
        );
    }
    out.push_str("</div><div></div><div class=\"unit\">time of one call</div></div>");
    out
}

fn decade_name(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.0} ns"),
        ..1e6 => format!("{:.0} us", ns / 1e3),
        ..1e9 => format!("{:.0} ms", ns / 1e6),
        _ => format!("{:.0} s", ns / 1e9),
    }
}

fn lines(out: &mut String, axis: &Axis, values: &[f64]) {
    for value in values {
        let _ = write!(out, "<s style=\"left:{:.2}%\"></s>", axis.at(*value));
    }
}

fn distribution(out: &mut String, axis: &Axis, one: &Operation, side: usize, marks: bool) {
    let spread = &one.spread;
    let mut bins = [0_u32; BINS];
    for time in &spread.sorted_ns {
        let bin = (axis.at(*time as f64) / 100.0 * BINS as f64) as usize;
        if let Some(bin) = bins.get_mut(bin.min(BINS - 1)) {
            *bin += 1;
        }
    }
    let most = bins.iter().max().copied().unwrap_or(1).max(1);
    let mut path = String::from("M0 100");
    for (at, bin) in bins.iter().enumerate() {
        // By the root, so that rare slow calls are seen too.
        let height = 92.0 * (f64::from(*bin) / f64::from(most)).sqrt();
        let left = at as f64 * 100.0 / BINS as f64;
        let right = (at + 1) as f64 * 100.0 / BINS as f64;
        let _ = write!(path, "L{left:.2} {0:.1}L{right:.2} {0:.1}", 100.0 - height);
    }
    path.push_str("L100 100Z");
    let said = format!(
        "{}: median {}, p99 {}, worst {}, {} calls",
        one.name,
        time(spread.median_ns as f64),
        time(spread.p99_ns as f64),
        time(spread.worst_ns as f64),
        spread.calls,
    );
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" role=\"img\"><title>{0}</title>\
         <path d=\"{path}\" fill=\"var(--c{side})\" fill-opacity=\".35\" stroke=\"var(--c{side})\" \
         stroke-width=\"1\"/></svg>",
        escaped(&said),
    );
    if !marks {
        return;
    }
    let figures = [
        ("median", spread.median_ns),
        ("p99", spread.p99_ns),
        ("worst", spread.worst_ns),
    ];
    for (class, ns) in figures {
        let _ = write!(
            out,
            "<i class=\"{class}\" style=\"left:{:.2}%\" title=\"{class} {}\"></i>",
            axis.at(ns as f64),
            time(ns as f64),
        );
    }
}

/// The ratios of two rule sets, with their intervals.
pub fn ratios(ratios: &[Ratio]) -> String {
    let ends = ratios.iter().flat_map(|ratio| [ratio.low, ratio.high]);
    let ends = ends.chain([0.8, 1.25]).map(|end| end.clamp(1e-3, 1e3));
    let most = ends.fold(1.0_f64, |most, end| most.max(end).max(1.0 / end));
    let axis = Axis {
        low: -(most * 1.05).ln(),
        high: (most * 1.05).ln(),
    };
    let ticks = [0.01, 0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 5.0, 10.0, 100.0];
    // Near ones only where there is room.
    let shown = |tick: &&f64| {
        let near = **tick < 1.0 && **tick >= 0.8 || **tick > 1.0 && **tick <= 1.25;
        tick.ln().abs() < axis.high && (!near || most < 4.0)
    };
    let ticks: Vec<f64> = ticks.iter().filter(shown).copied().collect();
    let mut out = String::from("<div class=\"rows\">");
    for ratio in ratios {
        let class = if ratio.noise {
            "plot low noise"
        } else {
            "plot low"
        };
        let _ = write!(out, "<div class=\"n\">{}</div>", escaped(ratio.name));
        let said = in_words(ratio);
        let _ = write!(
            out,
            "<div class=\"{class}\" role=\"img\" title=\"{:.3}, from {:.3} to {:.3}: {}\">",
            ratio.ratio,
            ratio.low,
            ratio.high,
            escaped(&said)
        );
        let (left, right) = (axis.at(1.0 / FLOOR), axis.at(FLOOR));
        let _ = write!(
            out,
            "<u style=\"left:{left:.2}%;width:{:.2}%\"></u>",
            right - left
        );
        lines(&mut out, &axis, &ticks);
        let (low, high) = (axis.at(ratio.low), axis.at(ratio.high));
        let _ = write!(
            out,
            "<i class=\"span\" style=\"left:{low:.2}%;width:{:.2}%\"></i>\
             <i class=\"dot\" style=\"left:{:.2}%\"></i></div>",
            high - low,
            axis.at(ratio.ratio),
        );
    }
    out.push_str("<div></div><div class=\"axis\">");
    for tick in &ticks {
        let at = axis.at(*tick);
        let _ = write!(out, "<span style=\"left:{at:.2}%\">x {tick}</span>");
    }
    out.push_str(
        "</div><div></div><div class=\"unit\">against / first: on the left the other is quicker, on \
         the right it takes longer</div></div>",
    );
    out
}

/// Each operation's time at each size, to its time at the smallest.
pub fn growth(growth: &Growth) -> String {
    let relative = |grown: &Grown| -> Vec<f64> {
        let first = grown.time_ns.first().copied().unwrap_or(1.0).max(1e-9);
        grown.time_ns.iter().map(|time| time / first).collect()
    };
    let first = growth.sizes.first().map_or(1.0, |size| size.factor);
    let factors: Vec<f64> = growth
        .sizes
        .iter()
        .map(|size| size.factor / first)
        .collect();
    let all: Vec<f64> = growth.operations.iter().flat_map(relative).collect();
    let values = all.iter().chain(&factors).copied().chain([0.5]);
    let vertical = Axis::new(values, 0.01);
    let across = Axis::new(factors.iter().copied(), 0.01);
    let height = |value: f64| 94.0 - vertical.at(value) * 0.88;
    let side = |factor: f64| 4.0 + across.at(factor) * 0.92;
    let path = |values: &[f64]| {
        let points = factors.iter().zip(values);
        let points =
            points.map(|(factor, value)| format!("{:.2} {:.2}", side(*factor), height(*value)));
        format!("M{}", points.collect::<Vec<_>>().join("L"))
    };
    let mut out = String::from(
        "<div class=\"unit\">time of a call, to that at the smallest size</div>\
         <div class=\"growth\"><div class=\"y\">",
    );
    let powers = (-6..=12).map(|power| 2_f64.powi(power));
    let inside = |tick: &f64| {
        let at = tick.ln();
        at >= vertical.low - 1e-9 && at <= vertical.high + 1e-9
    };
    let ticks: Vec<f64> = powers.filter(inside).collect();
    for tick in &ticks {
        let _ = write!(
            out,
            "<span style=\"top:{:.2}%\">x {tick}</span>",
            height(*tick)
        );
    }
    out.push_str("</div><div class=\"plot\">");
    for tick in &ticks {
        let _ = write!(out, "<s style=\"top:{:.2}%\"></s>", height(*tick));
    }
    out.push_str(
        "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>time at each size, to that at the smallest; the table below has the figures</title>",
    );
    let _ = write!(
        out,
        "<path d=\"{}\" fill=\"none\" stroke=\"var(--faint)\" stroke-dasharray=\"4 5\"/>",
        path(&factors)
    );
    for (number, grown) in growth.operations.iter().enumerate() {
        let _ = write!(
            out,
            "<path d=\"{}\" fill=\"none\" stroke=\"var(--c{number})\" stroke-width=\"2\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>",
            path(&relative(grown))
        );
    }
    out.push_str("</svg></div><div class=\"ends\">");
    let mut ends: Vec<(f64, String)> = Vec::new();
    let last = factors.last().copied().unwrap_or(1.0);
    ends.push((
        height(last),
        "<span class=\"place\">as the size</span>".to_owned(),
    ));
    for (number, grown) in growth.operations.iter().enumerate() {
        let value = relative(grown).last().copied().unwrap_or(1.0);
        let key = format!("<b class=\"key\" style=\"background:var(--c{number})\"></b>");
        ends.push((
            height(value),
            format!("<span>{key}{}</span>", escaped(grown.name)),
        ));
    }
    for (at, label) in apart(ends) {
        let style = format!("style=\"top:{at:.2}%\"");
        let label = label.replacen("<span", &format!("<span {style}"), 1);
        out.push_str(&label);
    }
    out.push_str("</div><div></div><div class=\"axis\">");
    for (size, factor) in growth.sizes.iter().zip(&factors) {
        let _ = write!(
            out,
            "<span style=\"left:{:.2}%\">x {}</span>",
            side(*factor),
            size.factor
        );
    }
    out.push_str(
        "</div><div></div><div></div><div class=\"unit\">users and rules</div><div></div></div>",
    );
    out
}

/// Labels that would lie on each other are moved apart, in percent of the height.
fn apart(mut labels: Vec<(f64, String)>) -> Vec<(f64, String)> {
    const GAP: f64 = 7.0;
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut last = f64::NEG_INFINITY;
    for (at, _) in &mut labels {
        *at = at.max(last + GAP);
        last = *at;
    }
    let mut next = 98.0 + GAP;
    for (at, _) in labels.iter_mut().rev() {
        *at = at.min(next - GAP);
        next = *at;
    }
    labels
}
