//! Jinja2 templates with Python's values, as far as chat templates need them.
//!
//! The environment is that of transformers' `apply_chat_template`: blocks are trimmed, nothing is escaped, undefined
//! values print nothing, `break`, `continue` and `generation` are tags, and a sandbox withholds what changes objects.
//! A template renders the text that transformers renders, or it is refused by the name of what it asks for. It knows no
//! clock, no files and no chance; time, memory and nesting are bounded.

mod arithmetic;
mod ast;
mod attributes;
mod budget;
pub(crate) mod data;
mod digits;
mod eval;
pub(crate) mod fault;
mod filters;
mod format;
mod frame;
mod functions;
mod given;
mod json;
mod lexer;
mod literal;
mod loops;
mod machine;
mod macros;
mod methods;
mod parser;
mod percent;
mod predicates;
mod scope;
mod stream;
mod text;
mod value;

use crate::chat_template::CivilTime;
use data::Data;
use fault::{Fault, Limit, TemplateFault};
use machine::Machine;
use std::sync::Arc;

/// Bytes of the longest template; real ones have some ten thousand.
const SOURCE_BYTES_MAX: usize = 1 << 20;

/// A template that was read.
#[derive(Debug)]
pub(crate) struct Template {
    block: ast::Block,
    layout: ast::Layout,
}

impl Template {
    /// Reads `source`.
    pub(crate) fn new(source: &str) -> Result<Self, TemplateFault> {
        if SOURCE_BYTES_MAX < source.len() {
            return Err(TemplateFault {
                line: 1,
                fault: Fault::Beyond(Limit::Bytes),
            });
        }
        let mut block = parser::parse(source)?;
        let layout = scope::resolve(&mut block)?;
        Ok(Self { block, layout })
    }

    /// The text with these variables and this date.
    pub(crate) fn render(
        &self,
        variables: &[(&str, Data)],
        date: CivilTime,
    ) -> Result<String, TemplateFault> {
        let budget = budget::Budget::default();
        let convert = |(name, data): &(&str, Data)| {
            let value = value::convert::value(data, &budget)?;
            Ok((Arc::from(*name), value))
        };
        let variables: fault::Result<Vec<_>> = variables.iter().map(convert).collect();
        let at = |line: usize, fault: Box<Fault>| TemplateFault {
            line,
            fault: *fault,
        };
        let variables = variables.map_err(|fault| at(1, fault))?;
        let machine = Machine::new(&variables, date);
        let rendered = machine.render(&self.block, &self.layout);
        rendered.map_err(|fault| at(machine.line.get(), fault))
    }
}

#[cfg(test)]
mod tests;
