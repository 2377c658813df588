//! The learner's side of the step: the loss, and the policy that is a language model.

mod fingerprint;
pub mod loss;
pub mod model_policy;
mod moments;
mod render;
pub(crate) mod student;

pub use model_policy::{ModelPolicy, ModelPolicyOptions};
pub use moments::MomentsError;
pub use render::encode_prompt;
