//! A row-major window that can be cut by rows and by columns, so that threads write disjoint parts of one buffer.

use std::marker::PhantomData;

/// Rows of equal width at a constant stride, exclusively borrowed.
pub(crate) struct MatrixMut<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    stride: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: a window is an exclusive borrow of its elements, no other window holds any of them.
unsafe impl Send for MatrixMut<'_> {}

impl<'a> MatrixMut<'a> {
    /// A whole buffer of `rows` dense rows.
    ///
    /// # Panics
    /// The buffer is not `rows * columns` long.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a window covers its buffer");
        Self {
            first: data.as_mut_ptr(),
            rows,
            columns,
            stride: columns,
            owner: PhantomData,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The rows before `at` and those from it on.
    pub(crate) fn split_rows(self, at: usize) -> (Self, Self) {
        assert!(at <= self.rows, "row {at} of {}", self.rows);
        // SAFETY: row `at` lies inside the window, or one stride past its last row, where nothing is read.
        let second = self.first.wrapping_add(at * self.stride);
        (
            Self {
                rows: at,
                ..self.alias()
            },
            Self {
                first: second,
                rows: self.rows - at,
                ..self.alias()
            },
        )
    }

    /// The columns before `at` and those from it on.
    pub(crate) fn split_columns(self, at: usize) -> (Self, Self) {
        assert!(at <= self.columns, "column {at} of {}", self.columns);
        let second = self.first.wrapping_add(at);
        (
            Self {
                columns: at,
                ..self.alias()
            },
            Self {
                first: second,
                columns: self.columns - at,
                ..self.alias()
            },
        )
    }

    /// One row.
    pub(crate) fn row(&mut self, index: usize) -> &mut [f32] {
        assert!(index < self.rows, "row {index} of {}", self.rows);
        // SAFETY: the row lies inside the window, and the window is exclusively borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(index * self.stride), self.columns) }
    }

    /// The same window for a shorter time.
    pub(crate) fn reborrow(&mut self) -> MatrixMut<'_> {
        self.alias()
    }

    fn alias<'b>(&self) -> MatrixMut<'b> {
        MatrixMut {
            first: self.first,
            rows: self.rows,
            columns: self.columns,
            stride: self.stride,
            owner: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_quarters_write_four_disjoint_parts() {
        let mut data = vec![0.0; 12];
        let (top, bottom) = MatrixMut::new(&mut data, 3, 4).split_rows(1);
        for (half, base) in [(top, 1.0), (bottom, 3.0)] {
            let (mut left, mut right) = half.split_columns(1);
            for row in 0..left.rows() {
                left.row(row).fill(base);
                right.row(row).fill(base + 1.0);
            }
        }
        assert_eq!(
            data,
            [1.0, 2.0, 2.0, 2.0, 3.0, 4.0, 4.0, 4.0, 3.0, 4.0, 4.0, 4.0]
        );
    }

    #[test]
    #[should_panic(expected = "row 3 of 3")]
    fn a_row_outside_the_window_is_refused() {
        let mut data = vec![0.0; 12];
        MatrixMut::new(&mut data, 3, 4).row(3)[0] = 1.0;
    }
}
