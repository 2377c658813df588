//! The learner's side of the step: the loss, and the policy that is a language model.

pub mod loss;
