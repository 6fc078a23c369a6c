//! How cost grows with pods at once and with records: median wall time, both axes logarithmic.

use super::findings::Report;
use super::svg::{Anchor, COLOURS, Canvas, LogScale, tick};
use crate::curve::Curve;
use crate::stats::Summary;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 620.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 470.0;

/// The plot.
pub(super) fn render(report: &Report) -> String {
    let curves = &report.curves;
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let across = LogScale::new(points().map(|point| point.count as f64), LEFT, RIGHT);
    let up = LogScale::new(points().map(|point| Summary::of(&point.wall).median), BOTTOM, TOP);
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    canvas.text(
        (10.0, 20.0),
        Anchor::Start,
        true,
        "Wall time in ms against pods at once, or records on the node",
    );
    for decade in across.decades() {
        let x = across.at(decade);
        canvas.line(&[(x, TOP), (x, BOTTOM)], "#dddddd", 1.0);
        canvas.text((x, BOTTOM + 18.0), Anchor::Middle, false, &tick(decade));
    }
    for decade in up.decades() {
        let y = up.at(decade);
        canvas.line(&[(LEFT, y), (RIGHT, y)], "#dddddd", 1.0);
        canvas.text((LEFT - 8.0, y + 4.0), Anchor::End, false, &tick(decade));
    }
    for (at, curve) in curves.iter().enumerate() {
        draw(&mut canvas, curve, COLOURS[at % COLOURS.len()], (&across, &up), TOP + 10.0 + at as f64 * 20.0);
    }
    canvas.finish()
}

/// A curve, and its name in the legend at `legend`.
fn draw(canvas: &mut Canvas, curve: &Curve, colour: &str, (across, up): (&LogScale, &LogScale), legend: f64) {
    let points: Vec<(f64, f64)> = curve
        .points
        .iter()
        .map(|point| (across.at(point.count as f64), up.at(Summary::of(&point.wall).median)))
        .collect();
    canvas.line(&points, colour, 2.0);
    for point in &points {
        canvas.dot(*point, colour);
    }
    canvas.dot((RIGHT + 20.0, legend), colour);
    canvas.text((RIGHT + 32.0, legend + 4.0), Anchor::Start, false, &curve.name);
}
