//! The results as a picture.

use super::results::Results;
use super::servers::{BASELINE, Kind};
use super::summary::Measure;
use crate::statistics::Estimate;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;

/// Pixels.
const SIZE: (u32, u32) = (1200, 640);
/// The space for the servers' names.
const LEGEND: u32 = 230;
/// Pixels from one name to the next.
const LINE: i32 = 22;

/// A point, with the server and the column that it stands for.
struct Point {
    server: usize,
    column: usize,
    ratio: Estimate,
}

/// An SVG of the CPU time a message over that of the raw socket: a column a cell and one for the mean, a point a server with its
/// interval, on a logarithmic scale.
///
/// # Errors
/// If there is nothing to draw.
pub fn cpu(results: &Results) -> Result<String, Box<dyn Error>> {
    let mut columns: Vec<String> = results.cells.iter().map(ToString::to_string).collect();
    columns.push("mean".to_owned());
    let points = points(results);
    let of = |end: fn(&Estimate) -> f64| points.iter().map(move |point| end(&point.ratio));
    let low = of(|ratio| ratio.low).fold(1.0, f64::min);
    let high = of(|ratio| ratio.high).fold(1.0, f64::max);
    if points.is_empty() || !low.is_normal() || low < 0.0 || !high.is_finite() {
        return Err("there is nothing to draw".into());
    }
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (chart, legend) = root.split_horizontally(SIZE.0 - LEGEND);
        let range = (low / 1.1..high * 1.1).log_scale();
        let title = format!("{} over {BASELINE}", Measure::Cpu.title());
        let mut chart = ChartBuilder::on(&chart)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(34)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..columns.len() as f64, range)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .x_labels(0)
            .y_labels(24)
            .y_label_formatter(&|ratio| format!("{ratio:.2}"))
            .draw()?;
        for (column, name) in columns.iter().enumerate() {
            let middle = chart.backend_coord(&(column as f64 + 0.5, low / 1.1));
            let style = ("sans-serif", 13).into_text_style(&root).pos(Pos::new(HPos::Center, VPos::Top));
            root.draw(&Text::new(name.clone(), (middle.0, middle.1 + 8), style))?;
            let edge = [(column as f64, low / 1.1), (column as f64, high * 1.1)];
            chart.draw_series([PathElement::new(edge, BLACK.mix(0.15))])?;
        }
        let end = columns.len() as f64;
        chart.draw_series([PathElement::new([(0.0, 1.0), (end, 1.0)], BLACK.mix(0.6))])?;
        let servers = results.servers.len() as f64;
        for Point { server, column, ratio } in &points {
            let x = *column as f64 + 0.08 + 0.84 * (*server as f64 + 0.5) / servers;
            let color = color(results, *server);
            chart
                .draw_series([PathElement::new([(x, ratio.low), (x, ratio.high)], color.stroke_width(1))])?;
            let middle = chart.backend_coord(&(x, ratio.value));
            mark(&root, results, *server, middle)?;
        }
        names(results, &legend)?;
        root.present()?;
    }
    Ok(svg)
}

fn points(results: &Results) -> Vec<Point> {
    let mut points = Vec::new();
    for (server, (name, _)) in results.servers.iter().enumerate() {
        let cells = results.cells.iter().map(|&cell| results.ratio(name, BASELINE, cell, Measure::Cpu));
        for (column, ratio) in cells.chain([results.mean(name, Measure::Cpu)]).enumerate() {
            points.extend(ratio.map(|ratio| Point { server, column, ratio }));
        }
    }
    points
}

fn names(results: &Results, legend: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn Error>> {
    for (server, (name, _)) in results.servers.iter().enumerate() {
        let y = 50 + LINE * server as i32;
        mark(legend, results, server, (10, y))?;
        let style = ("sans-serif", 14).into_text_style(legend).pos(Pos::new(HPos::Left, VPos::Center));
        legend.draw(&Text::new(name.clone(), (20, y), style))?;
    }
    Ok(())
}

/// Ours are triangles, and crosses by the other door; the peers' batched forms discs, their documented ones rings.
fn mark(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    results: &Results,
    server: usize,
    at: (i32, i32),
) -> Result<(), Box<dyn Error>> {
    let (name, kind) = &results.servers[server];
    let color = color(results, server);
    match kind {
        Kind::Wharf if name.ends_with(SOCKET) => area.draw(&Cross::new(at, 5, color.stroke_width(3)))?,
        Kind::Wharf | Kind::Added => area.draw(&TriangleMarker::new(at, 7, color.filled()))?,
        Kind::Raw => area.draw(&Circle::new(at, 3, color.filled()))?,
        Kind::Peer if name.ends_with(BATCHED) => area.draw(&Circle::new(at, 4, color.filled()))?,
        Kind::Peer => area.draw(&Circle::new(at, 4, color.stroke_width(2)))?,
    }
    Ok(())
}

/// The end of the name of a peer that collects what it writes.
const BATCHED: &str = "-batched";
/// The end of the name of one of ours by the other door.
const SOCKET: &str = "-socket";

/// A server has one color in both its forms.
fn color(results: &Results, server: usize) -> RGBAColor {
    const COLORS: [u32; 12] = [
        0x1f77b4, 0xd62728, 0x2ca02c, 0x9467bd, 0xff7f0e, 0x8c564b, 0xe377c2, 0x17becf, 0x7a7a00, 0x00429d,
        0x93003a, 0x4b5320,
    ];
    let (name, kind) = &results.servers[server];
    if *kind == Kind::Raw {
        return BLACK.mix(0.6);
    }
    let library = |name: &str| {
        let form = [BATCHED, SOCKET].into_iter().find_map(|form| name.strip_suffix(form));
        form.unwrap_or(name).to_owned()
    };
    let mut libraries: Vec<String> = Vec::new();
    for (other, _) in results.servers.iter().filter(|(_, kind)| *kind != Kind::Raw) {
        if !libraries.contains(&library(other)) {
            libraries.push(library(other));
        }
    }
    let place = libraries.iter().position(|known| *known == library(name)).unwrap_or_default();
    let [_, red, green, blue] = COLORS[place % COLORS.len()].to_be_bytes();
    RGBColor(red, green, blue).mix(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::grid::GRID;
    use crate::echo::results::tests::results;

    #[test]
    fn each_server_and_cell_has_a_point() {
        let servers = [
            ("raw-mio", Kind::Raw, 1.0, 1.0),
            ("wharf-mio", Kind::Wharf, 1.05, 1.0),
            ("other", Kind::Peer, 9.0, 0.1),
        ];
        let svg = cpu(&results(&servers, &GRID)).unwrap();
        // A point for each of the cells and the mean, and one beside each name.
        assert_eq!(svg.matches("<circle").count(), 2 * (GRID.len() + 2));
        assert_eq!(svg.matches("<polygon").count(), GRID.len() + 2);
        assert!(svg.contains("wharf-mio") && svg.contains("4×1 MiB×1"));
        assert!(cpu(&Results::default()).is_err());
    }
}
