//! Curves for people: a line of blocks for a terminal, a drawing for a page.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve as one line of blocks, scaled to its own range; points that are not numbers are blanks. Longer curves are
/// averaged down to `columns_max` columns.
pub fn sparkline(points: &[f64], columns_max: usize) -> String {
    let points = thinned(points, columns_max);
    let Some((low, high)) = range(&points) else {
        return " ".repeat(points.len());
    };
    let block = |point: &f64| {
        if !point.is_finite() {
            return ' ';
        }
        let share = if low < high {
            (point - low) / (high - low)
        } else {
            0.5
        };
        BLOCKS[((share * 7.0).round() as usize).min(7)]
    };
    points.iter().map(block).collect()
}

/// One named curve of a drawing.
pub struct Curve<'a> {
    /// What it is.
    pub name: &'a str,
    /// Step and value.
    pub points: &'a [(f64, f64)],
}

/// Curves as an inline SVG drawing with axes and a legend; nothing where there is no point. Names and title must not
/// hold markup.
pub fn svg(title: &str, curves: &[Curve<'_>]) -> String {
    let points = || {
        curves
            .iter()
            .flat_map(|it| it.points)
            .filter(|(_, value)| value.is_finite())
    };
    let steps: Vec<f64> = points().map(|(step, _)| *step).collect();
    let values: Vec<f64> = points().map(|(_, value)| *value).collect();
    let (Some(steps), Some(values)) = (range(&steps), range(&values)) else {
        return String::new();
    };
    let plot = Plot { steps, values };
    let drawn: String = curves
        .iter()
        .enumerate()
        .map(|(index, curve)| plot.curve(index, curve))
        .collect();
    let legend = if 1 < curves.len() {
        plot.legend(curves)
    } else {
        String::new()
    };
    let axes = plot.axes();
    format!(
        "<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">{axes}{drawn}{legend}</svg></figure>"
    )
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 180.0;
const COLORS: [&str; 6] = [
    "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2",
];

/// From steps and values to places in the drawing.
struct Plot {
    steps: (f64, f64),
    values: (f64, f64),
}

impl Plot {
    fn x(&self, step: f64) -> f64 {
        44.0 + (WIDTH - 54.0) * share(step, self.steps)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - 24.0 - (HEIGHT - 50.0) * share(value, self.values)
    }

    fn axes(&self) -> String {
        let mut drawn = String::new();
        for value in [self.values.0, self.values.1] {
            let y = self.y(value);
            let right = WIDTH - 10.0;
            drawn += &format!(
                "<line x1=\"44\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"grid\"/>"
            );
            drawn += &format!(
                "<text x=\"40\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                y + 4.0,
                short(value)
            );
        }
        for (step, anchor) in [(self.steps.0, "start"), (self.steps.1, "end")] {
            let (x, y) = (self.x(step), HEIGHT - 8.0);
            drawn +=
                &format!("<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{step}</text>");
        }
        drawn
    }

    fn curve(&self, index: usize, curve: &Curve<'_>) -> String {
        let color = COLORS[index % COLORS.len()];
        let finite: Vec<(f64, f64)> = curve
            .points
            .iter()
            .copied()
            .filter(|(_, value)| value.is_finite())
            .collect();
        let line: Vec<String> = finite
            .iter()
            .map(|(step, value)| format!("{:.1},{:.1}", self.x(*step), self.y(*value)))
            .collect();
        let mut drawn = format!(
            "<polyline points=\"{}\" stroke=\"{color}\"/>",
            line.join(" ")
        );
        if let Some((step, value)) = finite.last() {
            let (x, y) = (self.x(*step), self.y(*value));
            drawn += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{color}\"/>");
        }
        drawn
    }

    fn legend(&self, curves: &[Curve<'_>]) -> String {
        let entry = |(index, curve): (usize, &Curve<'_>)| {
            let (x, y) = (44 + 122 * (index % 3), 10 + 11 * (index / 3));
            format!(
                "<text x=\"{x}\" y=\"{y}\" style=\"fill:{}\">{}</text>",
                COLORS[index % COLORS.len()],
                curve.name
            )
        };
        curves.iter().enumerate().map(entry).collect()
    }
}

/// Where a value lies in a range: 0 at its beginning, 1 at its end, the middle of an empty one.
fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    if low < high {
        (value - low) / (high - low)
    } else {
        0.5
    }
}

/// A number in few characters.
pub fn short(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "-".to_string()
    } else if size == 0.0 {
        "0".to_string()
    } else if 9_999.5 <= size {
        let (scaled, unit) = if 999_950.0 <= size {
            (value / 1e6, "M")
        } else {
            (value / 1e3, "k")
        };
        format!("{scaled:.1}{unit}")
    } else if 99.95 <= size {
        format!("{value:.0}")
    } else if 0.001 <= size {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        format!("{value:.1e}")
    }
}

fn range(points: &[f64]) -> Option<(f64, f64)> {
    let finite = points.iter().copied().filter(|it| it.is_finite());
    let low = finite.clone().min_by(f64::total_cmp)?;
    let high = finite.max_by(f64::total_cmp)?;
    Some((low, high))
}

fn thinned(points: &[f64], columns_max: usize) -> Vec<f64> {
    let columns = points.len().min(columns_max.max(1));
    let mean = |column: usize| {
        let part = &points[column * points.len() / columns..(column + 1) * points.len() / columns];
        let finite: Vec<f64> = part.iter().copied().filter(|it| it.is_finite()).collect();
        if finite.is_empty() {
            f64::NAN
        } else {
            finite.iter().sum::<f64>() / finite.len() as f64
        }
    };
    (0..columns).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_reaches_from_the_lowest_block_to_the_highest() {
        assert_eq!(sparkline(&[0.0, 0.5, 1.0], 10), "▁▅█");
        assert_eq!(sparkline(&[3.0, 3.0], 10), "▅▅");
        assert_eq!(sparkline(&[0.0, f64::NAN, 1.0], 10), "▁ █");
        assert_eq!(sparkline(&[], 10), "");
    }

    #[test]
    fn a_long_curve_is_averaged_and_not_cut() {
        let points: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(sparkline(&points, 4).chars().count(), 4);
        assert!(sparkline(&points, 4).ends_with('█'));
    }

    #[test]
    fn numbers_are_short() {
        let shown: Vec<String> = [
            0.0,
            0.25,
            1.0,
            123.4,
            12_345.0,
            2_000_000.0,
            0.00012,
            f64::NAN,
        ]
        .map(short)
        .into();
        assert_eq!(
            shown,
            ["0", "0.25", "1", "123", "12.3k", "2.0M", "1.2e-4", "-"]
        );
    }

    #[test]
    fn a_drawing_of_nothing_is_nothing() {
        assert_eq!(
            svg(
                "title",
                &[Curve {
                    name: "a",
                    points: &[]
                }]
            ),
            ""
        );
        assert!(
            svg(
                "title",
                &[Curve {
                    name: "a",
                    points: &[(1.0, 0.5), (2.0, 0.7)]
                }]
            )
            .contains("polyline")
        );
    }
}
