//! A dot for each subject and verb: median wall time with its quartiles, on a logarithmic scale.

use super::findings::Report;
use super::svg::{Anchor, COLOURS, Canvas, LogScale, tick};
use crate::group::Role;
use crate::stats::Summary;

const WIDTH: f64 = 960.0;
/// Where the scale begins; names are left of it.
const LEFT: f64 = 320.0;
const ROW: f64 = 18.0;
const HEAD: f64 = 50.0;

/// The plot.
pub(super) fn render(report: &Report) -> String {
    let blocks = report.blocks();
    let rows: usize = blocks.iter().map(|block| block.len() + 2).sum();
    let height = HEAD + rows as f64 * ROW + 20.0;
    let summaries = report.measured.iter().map(|one| Summary::of(&one.wall));
    let scale = LogScale::new(summaries.flat_map(|one| [one.low, one.high]), LEFT, WIDTH - 30.0);
    let mut canvas = Canvas::new(WIDTH, height);
    canvas.text(
        (10.0, 20.0),
        Anchor::Start,
        true,
        "Wall time of one call in ms, median and quartiles (blue: this project, black: the limit)",
    );
    for decade in scale.decades() {
        let x = scale.at(decade);
        canvas.line(&[(x, HEAD - 8.0), (x, height - 10.0)], "#dddddd", 1.0);
        canvas.text((x, HEAD - 12.0), Anchor::Middle, false, &tick(decade));
    }
    let mut y = HEAD;
    for block in blocks {
        y += ROW;
        let title = block[0].title();
        canvas.text((10.0, y + 4.0), Anchor::Start, true, &title);
        for one in block {
            y += ROW;
            let colour = match one.role {
                Role::Ours => COLOURS[0],
                Role::Theirs => COLOURS[1],
                Role::Reference => COLOURS[6],
            };
            let wall = Summary::of(&one.wall);
            canvas.text((LEFT - 10.0, y + 4.0), Anchor::End, false, &one.name);
            canvas.line(&[(scale.at(wall.low), y), (scale.at(wall.high), y)], colour, 2.0);
            canvas.dot((scale.at(wall.median), y), colour);
        }
        y += ROW;
    }
    canvas.finish()
}
