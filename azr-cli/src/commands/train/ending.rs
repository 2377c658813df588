//! What is said when a run ends: held-out solve rates before and after, and where everything is.

use azr_rl::evaluation::Evaluation;

use crate::table::{Align, Table};

/// Held-out solve rate of each kind before and after. Differences are paired task by task; their standard error is over
/// tasks.
pub fn table(first: &Evaluation, last: &Evaluation) -> Table {
    let mut table = Table::new(&[
        ("held-out tasks", Align::Left),
        ("tasks", Align::Right),
        ("samples", Align::Right),
        ("before", Align::Right),
        ("after", Align::Right),
        ("change", Align::Right),
        ("", Align::Left),
    ]);
    for (kind, result) in last.since(first) {
        table.row([
            kind.name().to_string(),
            result.tasks.to_string(),
            result.samples_per_task.to_string(),
            format!("{:.3}", result.start),
            format!("{:.3}", result.solve_rate),
            format!("{:+.3}", result.change),
            format!("± {:.3} (standard error, paired by task)", result.change_se),
        ]);
    }
    table
}
