//! Reads the statements of a template. A port of `jinja2.parser`.

mod expression;
mod postfix;
mod target;
mod words;

use super::ast::{
    Block, CallKind, Expr, FilterBlock, ForLoop, LoopFilter, Macro, MacroStore, Name, SetBlock,
    Special, Statement, StatementKind, With,
};
use super::fault::{Construct, Result, TemplateFault, syntax, unsupported};
use super::lexer::{self, Placed, Token};
use std::sync::Arc;

/// Tags of Jinja2 that a chat template has no use for.
const UNSUPPORTED_TAGS: [&str; 6] = [
    "block",
    "extends",
    "include",
    "from",
    "import",
    "autoescape",
];

/// The statements of `source`, with names that do not know their places yet.
pub(super) fn parse(source: &str) -> std::result::Result<Block, TemplateFault> {
    let tokens = lexer::tokens(source)?;
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
    };
    let parsed = parser.block(&[]);
    let line = parser.line();
    parsed.map_err(|fault| TemplateFault {
        line,
        fault: *fault,
    })
}

struct Parser {
    /// Ends with [`Token::End`].
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
}

impl Parser {
    /// Statements up to a tag in `ends`, whose name is the next token then, or up to the end of the template.
    fn block(&mut self, ends: &[&str]) -> Result<Block> {
        let mut block = Vec::new();
        loop {
            let line = self.line();
            match self.token() {
                Token::Data(text) => {
                    let kind = StatementKind::Text(text.clone());
                    block.push(Statement { line, kind });
                    self.advance();
                }
                Token::VariableBegin => {
                    self.advance();
                    let kind = StatementKind::Print(self.tuple()?);
                    self.expect(&Token::VariableEnd, "'}}'")?;
                    block.push(Statement { line, kind });
                }
                Token::BlockBegin => {
                    self.advance();
                    if ends.iter().any(|it| self.is_name(it)) {
                        return Ok(block);
                    }
                    self.deeper(|it| it.statement(&mut block))?;
                    self.expect(&Token::BlockEnd, "'%}'")?;
                }
                Token::End if ends.is_empty() => return Ok(block),
                Token::End => {
                    let ends = ends.join(" or ");
                    return syntax(format!("unexpected end of template, expected {ends}"));
                }
                _ => return self.unexpected("a tag"),
            }
        }
    }

    /// The rest of a tag, and statements up to a tag in `ends`.
    fn body(&mut self, ends: &[&str]) -> Result<Block> {
        self.skip_operator(":");
        self.expect(&Token::BlockEnd, "'%}'")?;
        self.block(ends)
    }

    /// Statements up to the tag `end`, and its name.
    fn whole_body(&mut self, end: &str) -> Result<Block> {
        let block = self.body(&[end])?;
        self.advance();
        Ok(block)
    }

    fn statement(&mut self, block: &mut Block) -> Result<()> {
        let line = self.line();
        let tag = match self.token() {
            Token::Name(name) => name.clone(),
            _ => return syntax("tag name expected"),
        };
        self.advance();
        let kind = match &*tag {
            "for" => self.for_loop()?,
            "if" => self.condition()?,
            "set" => self.set()?,
            "with" => self.with()?,
            "macro" => self.macro_definition()?,
            "call" => self.call_block()?,
            "filter" => self.filter_block()?,
            "generation" => {
                let body = self.whole_body("endgeneration")?;
                let body = Arc::new(anonymous(Vec::new(), Vec::new(), body));
                StatementKind::Call(body, CallKind::Generation)
            }
            "break" => StatementKind::Break,
            "continue" => StatementKind::Continue,
            "print" => return self.print(line, block),
            other if UNSUPPORTED_TAGS.contains(&other) => {
                return unsupported(Construct::Tag, other);
            }
            other => return syntax(format!("Encountered unknown tag '{other}'.")),
        };
        block.push(Statement { line, kind });
        Ok(())
    }

    fn print(&mut self, line: usize, block: &mut Block) -> Result<()> {
        let mut is_first = true;
        while *self.token() != Token::BlockEnd {
            if !is_first {
                self.expect_operator(",")?;
            }
            is_first = false;
            let kind = StatementKind::Print(self.expression()?);
            block.push(Statement { line, kind });
        }
        Ok(())
    }

    fn for_loop(&mut self) -> Result<StatementKind> {
        let start = self.at;
        let target = self.assign_target(&["in"])?;
        let target_end = self.at;
        if !self.skip_name("in") {
            return self.unexpected("'in'");
        }
        let iterable = self.tuple_until(&["recursive"])?;
        let filter = if self.skip_name("if") {
            let test = self.expression()?;
            let rest = self.at;
            self.at = start;
            // The test has variables of its own.
            let target = self.assign_target(&["in"])?;
            debug_assert_eq!(self.at, target_end, "a target reads the same twice");
            self.at = rest;
            Some(LoopFilter {
                target,
                test,
                layout: Vec::new(),
            })
        } else {
            None
        };
        let is_recursive = self.skip_name("recursive");
        let body = self.body(&["endfor", "else"])?;
        let has_else = self.is_name("else");
        self.advance();
        let otherwise = if has_else {
            self.whole_body("endfor")?
        } else {
            Vec::new()
        };
        Ok(StatementKind::For(Arc::new(ForLoop {
            target,
            iterable,
            filter,
            is_recursive,
            body,
            otherwise,
            loop_slot: None,
            body_layout: Vec::new(),
            otherwise_layout: Vec::new(),
        })))
    }

    fn condition(&mut self) -> Result<StatementKind> {
        let mut branches = Vec::new();
        loop {
            let test = self.tuple_without_condition()?;
            let body = self.body(&["elif", "else", "endif"])?;
            branches.push((test, body));
            if self.skip_name("elif") {
                continue;
            }
            let has_else = self.is_name("else");
            self.advance();
            let otherwise = if has_else {
                self.whole_body("endif")?
            } else {
                Vec::new()
            };
            return Ok(StatementKind::If(branches, otherwise));
        }
    }

    fn set(&mut self) -> Result<StatementKind> {
        let target = self.assign_target_with_namespace()?;
        if self.skip_operator("=") {
            return Ok(StatementKind::Set(target, self.tuple()?));
        }
        let filter = self.filters(None)?;
        let body = self.whole_body("endset")?;
        Ok(StatementKind::SetBlock(SetBlock {
            target,
            filter,
            body,
            layout: Vec::new(),
        }))
    }

    fn with(&mut self) -> Result<StatementKind> {
        let (mut targets, mut values) = (Vec::new(), Vec::new());
        while *self.token() != Token::BlockEnd {
            if !targets.is_empty() {
                self.expect_operator(",")?;
            }
            targets.push(self.assign_target(&[])?);
            self.expect_operator("=")?;
            values.push(self.expression()?);
        }
        let body = self.whole_body("endwith")?;
        Ok(StatementKind::With(With {
            targets,
            values,
            body,
            layout: Vec::new(),
        }))
    }

    fn signature(&mut self) -> Result<(Vec<Name>, Vec<Expr>)> {
        let (mut parameters, mut defaults): (Vec<Name>, _) = (Vec::new(), Vec::new());
        self.expect_operator("(")?;
        while !self.is_operator(")") {
            if !parameters.is_empty() {
                self.expect_operator(",")?;
            }
            let parameter = self.assign_name()?;
            if parameters.iter().any(|it| it.name == parameter.name) {
                return syntax(format!("duplicate argument '{}'", parameter.name));
            }
            if self.skip_operator("=") {
                defaults.push(self.expression()?);
            } else if !defaults.is_empty() {
                return syntax("non-default argument follows default argument");
            }
            parameters.push(parameter);
        }
        self.expect_operator(")")?;
        Ok((parameters, defaults))
    }

    fn macro_definition(&mut self) -> Result<StatementKind> {
        let store = self.assign_name()?;
        let (parameters, defaults) = self.signature()?;
        let body = self.whole_body("endmacro")?;
        let definition = Macro {
            name: Some(store.name.clone()),
            ..anonymous(parameters, defaults, body)
        };
        Ok(StatementKind::Macro(
            MacroStore(store),
            Arc::new(definition),
        ))
    }

    fn call_block(&mut self) -> Result<StatementKind> {
        let (parameters, defaults) = if self.is_operator("(") {
            self.signature()?
        } else {
            (Vec::new(), Vec::new())
        };
        let Expr::Call(function, arguments) = self.expression()? else {
            return syntax("expected call");
        };
        let body = self.whole_body("endcall")?;
        Ok(StatementKind::Call(
            Arc::new(anonymous(parameters, defaults, body)),
            CallKind::Function(function, arguments),
        ))
    }

    fn filter_block(&mut self) -> Result<StatementKind> {
        let first = self.one_filter(None)?;
        let filter = self
            .filters(Some(first))?
            .unwrap_or(Expr::Tuple(Vec::new()));
        let body = self.whole_body("endfilter")?;
        Ok(StatementKind::Filter(FilterBlock {
            filter,
            body,
            layout: Vec::new(),
        }))
    }
}

fn anonymous(parameters: Vec<Name>, defaults: Vec<Expr>, body: Block) -> Macro {
    Macro {
        name: None,
        parameters,
        defaults,
        body,
        layout: Vec::new(),
        special: Special::default(),
    }
}
