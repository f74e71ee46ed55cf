//! The report as one page that asks nobody for anything: no scripts, no fonts, no pictures from
//! elsewhere.
//!
//! Law: users' IDs and policies' texts are foreign. They are escaped wherever they stand, and the page
//! forbids scripts and requests besides.

mod plots;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use presence_router::diagnostic::visible;

use super::super::output::{Failure, Fault};
use super::super::replace::write_whole;
use super::report::{Against, Costliest, Growth, Report, Rule, Spread};
use super::text::{self, number, size, time};

/// Whether a page may be written there: said before anything is measured.
pub fn may_write(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let wrong = |why: &str| {
        let message = format!("cannot write `{shown}`: {why}");
        Err(Failure::wrong(
            message,
            "`--html` takes the name of a file to write",
        ))
    };
    match fs::metadata(path) {
        Ok(there) if there.is_file() => return Ok(()),
        Ok(_) => return wrong("it is no file"),
        Err(_) => {}
    }
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return wrong("it is no file"),
    };
    match folder.is_dir() && path.file_name().is_some() {
        true => Ok(()),
        false => wrong("there is no such folder"),
    }
}

/// Writes the page.
pub fn write(path: &Path, report: &Report) -> Result<(), Failure> {
    write_whole(path, &page(report)).map_err(|refused| {
        let message = format!("cannot write `{}`: {}", path.display(), refused.why());
        Failure::Failed(Fault::new(message, ""))
    })
}

/// A text without meaning to a browser; characters that are not drawn, or turn the direction of
/// writing, are shown as escapes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn page(report: &Report) -> String {
    let mut title = escaped(&text::title(&report.subject));
    if let Some(against) = &report.against {
        title.push_str(" and ");
        title.push_str(&escaped(&text::title(&against.subject)));
    }
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: presence-router bench</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
        include_str!("style.css")
    );
    let verb = if report.against.is_some() {
        "cost"
    } else {
        "costs"
    };
    let _ = writeln!(out, "<h1>What {title} {verb}</h1>");
    let _ = writeln!(
        out,
        "<p>{}; {}.</p>",
        escaped(&text::extent(&report.subject)),
        escaped(&text::known(report))
    );
    if !report.program.optimised {
        let _ = writeln!(out, "<p class=\"note\">Beware: {}.</p>", text::UNOPTIMISED);
    }
    let _ = writeln!(out, "<p class=\"note\">{}</p>", text::CAUTION);
    if let Some(busy) = text::busy(report) {
        let _ = writeln!(out, "<p class=\"note\">{busy}</p>");
    }
    tiles(&mut out, report);
    if let Some(against) = &report.against {
        compared(&mut out, report, against);
    }
    operations(&mut out, report);
    if let Some(growth) = &report.growth {
        grown(&mut out, growth);
    }
    if let Some(costliest) = &report.costliest {
        costly(&mut out, report, costliest);
    }
    let _ = writeln!(
        out,
        "<footer>presence-router {}, seed {}, {} s. Of each call that is timed by itself {} ns are \
         taken away, which is what reading the clock takes.</footer>\n</main>\n</body>\n</html>",
        report.program.version, report.seed, report.time_limit_s, report.clock_ns
    );
    out
}

fn tiles(out: &mut String, report: &Report) {
    let mut tiles = vec![(time(report.load.median_ns as f64), "to load".to_owned())];
    if let Some(memory) = &report.memory {
        tiles.push((size(memory.kept_bytes), "memory kept".to_owned()));
        tiles.push((size(memory.peak_bytes), "at the peak of a load".to_owned()));
    }
    for operation in report.operations.iter().take(4) {
        let median = time(operation.spread.median_ns as f64);
        tiles.push((median, format!("{}, median", operation.name)));
    }
    out.push_str("<div class=\"tiles\">");
    for (figure, what) in tiles {
        let _ = write!(out, "<div><b>{figure}</b><span>{what}</span></div>");
    }
    out.push_str("</div>\n");
}

fn compared(out: &mut String, report: &Report, against: &Against) {
    let _ = write!(
        out,
        "<section><h2>Against {}</h2><p>{}. The two took turns on the same questions. Its time to that \
         of {}: the dot is the median of the blocks, the line where the true ratio lies. What is grey \
         is noise; the band is what is never told from it.</p>{}",
        escaped(&text::title(&against.subject)),
        escaped(&text::extent(&against.subject)),
        escaped(&text::title(&report.subject)),
        plots::ratios(&against.ratios),
    );
    table(
        out,
        &[
            "operation",
            "first",
            "against",
            "ratio",
            "from",
            "to",
            "blocks",
            "",
        ],
    );
    for ratio in &against.ratios {
        let _ = write!(
            out,
            "<tr><td class=\"l\">{}</td><td>{}</td><td>{}</td><td>{:.2}</td><td>{:.2}</td>\
             <td>{:.2}</td><td>{}</td><td class=\"l\">{}</td></tr>",
            escaped(ratio.name),
            time(ratio.first_ns),
            time(ratio.against_ns),
            ratio.ratio,
            ratio.low,
            ratio.high,
            ratio.rounds,
            escaped(&text::in_words(ratio)),
        );
    }
    out.push_str("</table></div>");
    let load = |spread: &Spread| time(spread.median_ns as f64);
    let (here, there) = (load(&report.load), load(&against.load));
    let _ = write!(
        out,
        "<p class=\"after\">Median load by the clock: {here} and {there}"
    );
    if let (Some(here), Some(there)) = (&report.memory, &against.memory) {
        let (here, there) = (size(here.kept_bytes), size(there.kept_bytes));
        let _ = write!(out, "; memory kept: {here} and {there}");
    }
    let _ = writeln!(
        out,
        ".</p><p>{}.</p></section>",
        escaped(&text::answers(against))
    );
}

fn operations(out: &mut String, report: &Report) {
    out.push_str(
        "<section><h2>Each operation</h2><p>How long single calls took: the higher, the more calls \
         took as long (by the root, so that rare ones are seen).</p>",
    );
    match &report.against {
        None => out.push_str(
            "<div class=\"legend\"><span><i class=\"median\"></i>median</span>\
             <span><i class=\"p99\"></i>p99: 99 of a hundred took no longer</span>\
             <span><i class=\"worst\"></i>worst</span></div>",
        ),
        Some(against) => {
            let titles = [&report.subject, &against.subject].map(text::title);
            out.push_str("<div class=\"legend\">");
            for (side, title) in titles.iter().enumerate() {
                let _ = write!(
                    out,
                    "<span><b class=\"key\" style=\"background:var(--c{side})\"></b>{}</span>",
                    escaped(title)
                );
            }
            out.push_str("</div>");
        }
    }
    out.push_str(&plots::distributions(report));
    let mut sides = vec![("", &report.load, &report.operations)];
    if let Some(against) = &report.against {
        sides.push((" (against)", &against.load, &against.operations));
    }
    table(
        out,
        &["operation", "mean", "median", "p99", "worst", "calls"],
    );
    for (side, load, operations) in sides {
        let all = operations.iter().map(|one| (one.name, &one.spread));
        for (name, spread) in std::iter::once(("load", load)).chain(all) {
            let times = [
                spread.mean_ns,
                spread.median_ns as f64,
                spread.p99_ns as f64,
                spread.worst_ns as f64,
            ];
            let cells = times.map(|ns| format!("<td>{}</td>", time(ns)));
            let _ = write!(
                out,
                "<tr><td class=\"l\">{}{side}<span class=\"place\">{}</span></td>{}<td>{}</td></tr>",
                escaped(name),
                text::meaning(name),
                cells.concat(),
                number(spread.calls as u64),
            );
        }
    }
    out.push_str("</table></div></section>\n");
}

fn grown(out: &mut String, growth: &Growth) {
    let _ = write!(
        out,
        "<section><h2>When users and rules double</h2><p>Three sizes: {}. Both axes are logarithmic: a \
         flat line does not grow, the dashed one grows as the size does.</p>{}",
        text::how(growth),
        plots::growth(growth),
    );
    let sizes = growth.sizes.iter().map(|size| {
        let (users, rules) = (number(size.users as u64), number(size.rules as u64));
        format!("x {}: {users} users, {rules} rules", size.factor)
    });
    let mut head = vec!["operation".to_owned()];
    head.extend(sizes);
    head.extend(["doubled".to_owned(), "power".to_owned()]);
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(out, &head);
    for grown in &growth.operations {
        let times = grown
            .time_ns
            .iter()
            .map(|ns| format!("<td>{}</td>", time(*ns)));
        let _ = write!(
            out,
            "<tr><td class=\"l\">{}</td>{}<td>x {:.2}</td><td>{:.2}</td></tr>",
            escaped(grown.name),
            times.collect::<String>(),
            grown.ratio_when_doubled,
            grown.exponent,
        );
    }
    out.push_str("</table></div></section>\n");
}

fn costly(out: &mut String, report: &Report, costliest: &Costliest) {
    let _ = write!(
        out,
        "<section><h2>The costliest</h2><h3>Senders</h3><p>By the time of recipients_of, of {} asked \
         about ({} known).</p>",
        number(costliest.senders_asked as u64),
        number(report.directory.users as u64),
    );
    table(out, &["sender", "", "time", "recipients"]);
    let most = costliest
        .senders
        .iter()
        .map(|sender| sender.median_ns)
        .max();
    for sender in &costliest.senders {
        let _ = write!(
            out,
            "<tr><td class=\"name\"><code>{}</code></td>{}<td>{}</td><td>{}</td></tr>",
            escaped(&sender.sender),
            bar(sender.median_ns as f64, most.unwrap_or(1) as f64),
            time(sender.median_ns as f64),
            number(sender.recipients as u64),
        );
    }
    out.push_str("</table></div>");
    if !costliest.rules.is_empty() {
        let _ = write!(
            out,
            "<h3>Rules</h3><p>By known senders times known recipients, of {}.</p>",
            text::counted(costliest, report.subject.rules),
        );
        rules(out, &costliest.rules);
    }
    if costliest.rules_that_look_at_all > 0 {
        let _ = write!(
            out,
            "<h3>Rules with a selector that looks at every known user</h3><p>{} in all.</p>",
            number(costliest.rules_that_look_at_all as u64),
        );
        rules(out, &costliest.looks_at_all);
    }
    out.push_str("</section>\n");
}

fn rules(out: &mut String, rules: &[Rule]) {
    table(out, &["rule", "", "pairs", "senders", "recipients"]);
    let most = rules.iter().map(|rule| rule.pairs).max().unwrap_or(1);
    for rule in rules {
        let _ = write!(
            out,
            "<tr><td class=\"name\"><code>{}</code><code class=\"place\">{}</code></td>{}<td>{}</td>\
             <td>{}</td><td>{}</td></tr>",
            escaped(&rule.text),
            escaped(&text::place(rule)),
            bar(rule.pairs as f64, most as f64),
            number(rule.pairs),
            number(rule.senders as u64),
            number(rule.recipients as u64),
        );
    }
    out.push_str("</table></div>");
}

fn bar(value: f64, most: f64) -> String {
    let width = 100.0 * value / most.max(1.0);
    format!("<td class=\"bar\"><i style=\"width:{width:.1}%\"></i></td>")
}

/// Opens a table: the first column and those without a name are words.
fn table(out: &mut String, head: &[&str]) {
    out.push_str("<div class=\"wide\"><table><tr>");
    for (at, name) in head.iter().enumerate() {
        let class = if at == 0 || name.is_empty() {
            " class=\"l\""
        } else {
            ""
        };
        let _ = write!(out, "<th scope=\"col\"{class}>{}</th>", escaped(name));
    }
    out.push_str("</tr>");
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_foreign_has_a_meaning() {
        let foreign = "<script>\"'&\u{202e}";
        assert_eq!(escaped(foreign), "&lt;script&gt;&quot;&#39;&amp;\\u{202e}");
    }
}
