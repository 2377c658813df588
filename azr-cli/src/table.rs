//! Text tables: columns as wide as their widest cell, numbers to the right. Cells may hold text of any origin.

use crate::visible::visible_line;

/// Characters of a cell that are shown.
const CELL_CHARACTERS_MAX: usize = 120;

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table being filled.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        let columns = columns
            .iter()
            .map(|(name, align)| ((*name).to_string(), *align))
            .collect();
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row; a missing cell is empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let shown = |cell: String| visible_line(&cell, CELL_CHARACTERS_MAX);
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// The lines: headings first.
    pub fn lines(&self) -> Vec<String> {
        let headings: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let width = |column: usize| {
            let cells = std::iter::once(&headings)
                .chain(&self.rows)
                .filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        std::iter::once(&headings)
            .chain(&self.rows)
            .map(|row| self.line(row, &widths))
            .collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, (width, (_, align))) in widths.iter().zip(&self.columns).enumerate() {
            let cell = row.get(index).map_or("", String::as_str);
            let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
            let gap = if index == 0 { "" } else { "  " };
            line += gap;
            line += &if *align == Align::Left {
                format!("{cell}{fill}")
            } else {
                format!("{fill}{cell}")
            };
        }
        line.trim_end().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        let mut table = Table::new(&[("curve", Align::Left)]);
        table.row(["a.\u{1b}[32mb\n.mean".to_string()]);
        assert_eq!(table.lines(), ["curve", "a.\\x1b[32mb\\n.mean"]);
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        let mut table = Table::new(&[("kind", Align::Left), ("rate", Align::Right)]);
        table.row(["é".to_string(), "0.5".to_string()]);
        table.row(["deduction".to_string()]);
        assert_eq!(
            table.lines(),
            ["kind       rate", "é           0.5", "deduction"]
        );
    }
}
