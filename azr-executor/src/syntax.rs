//! What can be said of a program without running it: what it imports, what it defines, whether two are the same.
//!
//! CPython inside the sandbox decides what is a valid program. This module refuses cheaply and compares; it works on
//! broken programs too, as far as the parser recovers, and no text makes it panic or run out of stack.

use ruff_python_ast::{Expr, ModModule, PythonVersion, Stmt};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use crate::job::{Bans, Limits};
use crate::outcome::Denial;

mod imports;
mod nesting;
mod normalize;
mod scope;

/// Size of a source text that is analyzed at all, bytes.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;

/// Stack for one level of the syntax tree, bytes: the largest frame of the visitors in an unoptimized build, doubled.
const STACK_BYTES_PER_LEVEL: usize = 4 << 10;

/// Stack beside the levels, bytes.
const STACK_BYTES_BASE: usize = 256 << 10;

/// Why `program` may not run, as far as its text says: size, depth, banned imports.
pub fn denial(program: &str, bans: &Bans, limits: &Limits) -> Option<Denial> {
    let bytes = program.len() as u64;
    if limits.source_bytes_max < bytes || SOURCE_BYTES_MAX < program.len() {
        return Some(Denial::SourceTooLarge { bytes });
    }
    match with_module(program, |module| imports::first_banned(module, bans)) {
        Ok(None) => None,
        Ok(Some(module)) => Some(Denial::BannedImport { module }),
        Err(TooDeep) => Some(Denial::SourceTooDeep),
    }
}

/// The first banned module that `program` imports, by any import statement or by `__import__` and
/// `importlib.import_module` with a constant name. None also for a text that is too deep or too large to say.
pub fn banned_import(program: &str, bans: &Bans) -> Option<String> {
    with_module(program, |module| imports::first_banned(module, bans))
        .ok()
        .flatten()
}

/// A hash of the syntax tree that ignores comments, spacing, docstrings and the names of local variables and parameters.
/// Two programs with one hash do the same, but for what inspects names. None when the text is not valid Python 3.11.
///
/// Equal within one build; computed anew from the text rather than stored.
pub fn normalized_hash(program: &str) -> Option<[u8; 32]> {
    with_valid_module(program, hash_of)
}

/// [`normalized_hash`] of a tree that is there already.
pub(crate) fn hash_of(module: ModModule) -> [u8; 32] {
    normalize::hash(module)
}

/// Whether `program` is valid Python 3.11 that defines a function `name` at its top level.
pub fn defines_function(program: &str, name: &str) -> bool {
    let defines = |module: ModModule| {
        module.body.iter().any(|statement| matches!(statement, Stmt::FunctionDef(function) if function.name.as_str() == name))
    };
    with_valid_module(program, defines).unwrap_or_default()
}

/// Whether `text` can stand between the parentheses of a call and nothing in it leaves them. What it says is not judged:
/// for argument lists that are to be evaluated inside the sandbox.
pub fn is_argument_list(text: &str) -> bool {
    let call = format!("f({text}\n)");
    let is_one_call = |module: ModModule| match module.body.as_slice() {
        [Stmt::Expr(only)] => {
            let Expr::Call(call) = &*only.value else {
                return false;
            };
            matches!(&*call.func, Expr::Name(function) if function.id.as_str() == "f")
        }
        _ => false,
    };
    with_valid_module(&call, is_one_call).unwrap_or_default()
}

/// The tree would be deeper than [`nesting::DEPTH_MAX`], or the text is larger than [`SOURCE_BYTES_MAX`].
pub(crate) struct TooDeep;

/// Parses, hands the tree over and drops it on a stack that holds its depth.
fn with_module<T>(program: &str, look: impl FnOnce(&ModModule) -> T) -> Result<T, TooDeep> {
    parse(program, |module, _| look(&module))
}

fn with_valid_module<T>(program: &str, look: impl FnOnce(ModModule) -> T) -> Option<T> {
    parse(program, |module, valid| valid.then(|| look(module)))
        .ok()
        .flatten()
}

/// Hands the tree over, and whether the text is valid Python 3.11, on a stack that holds its depth.
pub(crate) fn parse<T>(
    program: &str,
    look: impl FnOnce(ModModule, bool) -> T,
) -> Result<T, TooDeep> {
    if SOURCE_BYTES_MAX < program.len() {
        return Err(TooDeep);
    }
    let depth_max = nesting::depth_bound(program).ok_or(TooDeep)?;
    let stack_bytes = STACK_BYTES_BASE + depth_max * STACK_BYTES_PER_LEVEL;
    stacker::maybe_grow(stack_bytes, stack_bytes, || {
        let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY311);
        let parsed = parse_unchecked(program, options)
            .try_into_module()
            .ok_or(TooDeep)?;
        let valid = parsed.has_no_syntax_errors();
        Ok(look(parsed.into_syntax(), valid))
    })
}
