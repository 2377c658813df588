//! Programs, inputs and worked answers that no human wrote: the school that azr-tiny goes to before self-play.
//!
//! [`program`] draws small list programs, [`trace`] runs them in a sandbox statement by statement, [`lesson`] writes
//! down what a perfect proposer or solver would have answered, and [`phrases`] lists the words of the small tokenizer.

pub mod lesson;
pub mod phrases;
pub mod program;
pub mod school;
pub mod trace;

pub use lesson::Lesson;
pub use program::{Expression, Program, Statement};
pub use school::{Curriculum, GeneratedTasks, LengthMix, School};
pub use trace::{WorkError, Worked};
