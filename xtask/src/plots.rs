//! Pictures and a table out of `benches/record/`.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use xshell::Shell;

/// Beginning and end of the README's table of results.
const BEGIN: &str = "<!-- benches/record: begin -->\n";
const END: &str = "<!-- benches/record: end -->\n";

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 56.0;
const COLOURS: [&str; 4] = ["#1f6f8b", "#d1495b", "#66a182", "#8d6a9f"];

/// A table of `benches/record/`: its columns' names, its rows.
struct Csv {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Csv {
    /// None if it was never recorded.
    fn read(sh: &Shell, name: &str) -> Option<Self> {
        let text = sh.read_file(format!("benches/record/{name}.csv")).ok()?;
        let mut lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        Some(Self {
            columns: lines.next()?,
            rows: lines.collect(),
        })
    }

    fn column(&self, name: &str) -> Result<usize> {
        let found = self.columns.iter().position(|column| column == name);
        found.with_context(|| format!("a table of benches/record has no column `{name}`"))
    }

    /// Pairs of numbers out of the rows in which `keep` holds.
    fn points(
        &self,
        x: &str,
        y: &str,
        keep: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<(f64, f64)>> {
        let (x, y) = (self.column(x)?, self.column(y)?);
        let rows = self.rows.iter().filter(|row| keep(row));
        rows.map(|row| Ok((row[x].parse()?, row[y].parse()?)))
            .collect()
    }

    /// The value in `column` of the row that begins with `name`.
    fn cell(&self, name: &str, column: &str) -> Result<&str> {
        let column = self.column(column)?;
        let row = self.rows.iter().find(|row| row[0] == name);
        row.and_then(|row| row.get(column))
            .map(String::as_str)
            .with_context(|| format!("a table of benches/record has no row `{name}`"))
    }
}

/// Plots of what has been recorded, next to it, and the README's table.
pub(crate) fn plots(sh: &Shell) -> Result<()> {
    let any = |_: &[String]| true;
    if let Some(sessions) = Csv::read(sh, "sessions") {
        let lines = [
            ("p50", sessions.points("sessions", "p50_ms", any)?),
            ("p99", sessions.points("sessions", "p99_ms", any)?),
            (
                "pictures left out, %",
                sessions.points("sessions", "skipped_percent", any)?,
            ),
        ];
        let plot = chart(
            "Delay of frames by sessions on one core",
            "sessions",
            "ms",
            &lines,
        );
        sh.write_file("benches/record/sessions.svg", plot)?;
    }
    for name in ["soak", "soak_pictures"] {
        let Some(soak) = Csv::read(sh, name) else {
            continue;
        };
        let of = |avatar: &'static str| {
            let points = soak.points("minute", "resident_kib", |row| row[0] == avatar)?;
            anyhow::Ok(
                points
                    .into_iter()
                    .map(|(x, y)| (x / 60.0, y / 1024.0))
                    .collect(),
            )
        };
        let lines = [
            ("shipped avatar", of("shipped")?),
            ("toy avatar", of("toy")?),
        ];
        let plot = chart("Memory over simulated hours", "hours", "MiB", &lines);
        sh.write_file(format!("benches/record/{name}.svg"), plot)?;
    }
    let readme = sh.read_file("README.md")?;
    if let Some((before, rest)) = readme.split_once(BEGIN) {
        let (_, after) = rest
            .split_once(END)
            .context("the README's table has no end")?;
        let text = format!("{before}{BEGIN}{}{END}{after}", readme_table(sh)?);
        sh.write_file("README.md", text)?;
    }
    Ok(())
}

/// Whether the README's table says what was recorded.
pub(crate) fn verify(sh: &Shell) -> Result<()> {
    let readme = sh.read_file("README.md")?;
    let Some((_, rest)) = readme.split_once(BEGIN) else {
        return Ok(());
    };
    let (table, _) = rest
        .split_once(END)
        .context("the README's table has no end")?;
    ensure!(
        table == readme_table(sh)?,
        "the README's table of results is not that of benches/record/: run `cargo xtask plots`"
    );
    Ok(())
}

/// The README's table of results, from what has been recorded.
fn readme_table(sh: &Shell) -> Result<String> {
    let mut text = String::from("| what | median | 99 of 100 |\n|---|---|---|\n");
    if let Some(times) = Csv::read(sh, "frame_times") {
        for (row, what) in [
            (
                "speaking_bgr",
                "speaking, 16 kHz audio pushed to finished BGR picture",
            ),
            ("speaking_bgr_from_48000", "the same from 48 kHz"),
            ("speaking_i420", "the same to I420"),
            ("speaking_bgr_1280x720", "the same, fitted into 1280×720"),
            (
                "open_to_first_frame",
                "opening the avatar to the first frame of speech",
            ),
        ] {
            let (p50, p99) = (times.cell(row, "p50_ms")?, times.cell(row, "p99_ms")?);
            let (p50, p99): (f64, f64) = (p50.parse()?, p99.parse()?);
            writeln!(text, "| {what} | {p50:.2} ms | {p99:.2} ms |")?;
        }
    }
    if let Some(latency) = Csv::read(sh, "latency") {
        for (row, what) in [
            (
                "push_to_moving_frame",
                "a sentence is pushed, the mouth moves",
            ),
            (
                "interrupt_to_closed",
                "an interruption, the mouth is closed",
            ),
            (
                "closure_to_its_frame",
                "a closure is spoken, its frame leaves",
            ),
        ] {
            let (p50, p99) = (latency.cell(row, "p50_ms")?, latency.cell(row, "p99_ms")?);
            writeln!(text, "| {what} | {p50} ms | {p99} ms |")?;
        }
    }
    for name in ["ten_minutes_of_18", "ten_minutes_of_10"] {
        let Some(sessions) = Csv::read(sh, name) else {
            continue;
        };
        for row in &sessions.rows {
            let value = |column: &str| anyhow::Ok(row[sessions.column(column)?].as_str());
            writeln!(
                text,
                "| {} sessions speak for ten minutes on one core: delay of frames ({} % of the pictures left out) | {} ms | {} ms |",
                value("sessions")?,
                value("skipped_percent")?,
                value("p50_ms")?,
                value("p99_ms")?
            )?;
        }
    }
    Ok(text)
}

/// A chart of lines.
fn chart(title: &str, x_label: &str, y_label: &str, lines: &[(&str, Vec<(f64, f64)>)]) -> String {
    let all = || lines.iter().flat_map(|(_, points)| points);
    let x_end = rounded_up(all().map(|point| point.0).fold(1.0, f64::max));
    let y_end = rounded_up(all().map(|point| point.1).fold(1.0, f64::max));
    let place = |(x, y): (f64, f64)| {
        (
            MARGIN + x / x_end * (WIDTH - 2.0 * MARGIN),
            HEIGHT - MARGIN - y / y_end * (HEIGHT - 2.0 * MARGIN),
        )
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">{title}</text>\n"
    );
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let ((left, y), (right, _)) = (place((0.0, share * y_end)), place((x_end, 0.0)));
        let (x, bottom) = place((share * x_end, 0.0));
        svg += &format!(
            "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"#ddd\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
            left - 6.0,
            y + 4.0,
            share * y_end,
            bottom + 18.0,
            share * x_end
        );
    }
    let (middle, bottom) = (WIDTH / 2.0, HEIGHT - 12.0);
    svg += &format!(
        "<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">{x_label}</text>\n\
         <text x=\"{:.1}\" y=\"44\" text-anchor=\"end\">{y_label}</text>\n",
        MARGIN - 6.0
    );
    let drawn = lines.iter().filter(|(_, points)| !points.is_empty());
    for (number, ((name, points), colour)) in drawn.zip(COLOURS).enumerate() {
        let path: Vec<String> = points
            .iter()
            .map(|&point| {
                let (x, y) = place(point);
                format!("{x:.1} {y:.1}")
            })
            .collect();
        let at = 44.0 + 16.0 * number as f64;
        svg += &format!(
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
             <text x=\"{:.1}\" y=\"{at:.1}\" fill=\"{colour}\" text-anchor=\"end\">{name}</text>\n",
            path.join("L"),
            WIDTH - MARGIN
        );
    }
    svg + "</svg>\n"
}

/// The next number whose quarters are easily read.
fn rounded_up(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}
