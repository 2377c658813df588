//! Curves for people: a line of blocks for a terminal, a drawing for a page.

use std::fmt::Write;

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

/// Curves as an inline SVG drawing with axes and a legend. The names must not hold markup.
pub fn svg(title: &str, curves: &[Curve<'_>]) -> String {
    const COLORS: [&str; 6] = [
        "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2",
    ];
    const WIDTH: f64 = 420.0;
    const HEIGHT: f64 = 180.0;
    let points = || {
        curves
            .iter()
            .flat_map(|it| it.points)
            .filter(|(_, y)| y.is_finite())
    };
    let steps: Vec<f64> = points().map(|(x, _)| *x).collect();
    let values: Vec<f64> = points().map(|(_, y)| *y).collect();
    let (Some((left, right)), Some((low, high))) = (range(&steps), range(&values)) else {
        return String::new();
    };
    let x = |step: f64| {
        44.0 + (WIDTH - 54.0)
            * if left < right {
                (step - left) / (right - left)
            } else {
                0.5
            }
    };
    let y = |value: f64| {
        HEIGHT
            - 24.0
            - (HEIGHT - 50.0)
                * if low < high {
                    (value - low) / (high - low)
                } else {
                    0.5
                }
    };
    let mut drawing = format!(
        "<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">"
    );
    for (value, anchor) in [(low, y(low)), (high, y(high))] {
        let _ = write!(
            drawing,
            "<line x1=\"44\" x2=\"{}\" y1=\"{anchor:.1}\" y2=\"{anchor:.1}\" class=\"grid\"/><text x=\"40\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - 10.0,
            anchor + 4.0,
            short(value)
        );
    }
    for (step, anchor) in [(left, "start"), (right, "end")] {
        let _ = write!(
            drawing,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{step}</text>",
            x(step),
            HEIGHT - 8.0
        );
    }
    for (index, curve) in curves.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let line: Vec<String> = curve
            .points
            .iter()
            .filter(|(_, v)| v.is_finite())
            .map(|(s, v)| format!("{:.1},{:.1}", x(*s), y(*v)))
            .collect();
        let _ = write!(
            drawing,
            "<polyline points=\"{}\" stroke=\"{color}\"/>",
            line.join(" ")
        );
        if let Some((s, v)) = curve.points.iter().rev().find(|(_, v)| v.is_finite()) {
            let _ = write!(
                drawing,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\" fill=\"{color}\"/>",
                x(*s),
                y(*v)
            );
        }
        if 1 < curves.len() {
            let at = 44.0 + 120.0 * (index % 3) as f64;
            let line = 10.0 + 11.0 * (index / 3) as f64;
            let _ = write!(
                drawing,
                "<text x=\"{at}\" y=\"{line}\" style=\"fill:{color}\">{}</text>",
                curve.name
            );
        }
    }
    drawing + "</svg></figure>"
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
