//! `'%s' % value`.

use super::digits::{self, Align, Form};
use super::fault::{Construct, Exception, Result, raised, type_error, unsupported, value_error};
use super::machine::Machine;
use super::value::{Value, float, repr};
use std::iter::Peekable;
use std::str::Chars;

/// A conversion, as it is written.
#[derive(Default)]
struct Spec {
    is_left: bool,
    has_plus: bool,
    has_space: bool,
    has_zero: bool,
    is_alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// What is converted: the elements of a tuple one by one, or one value.
struct Source<'value> {
    values: &'value [Value],
    at: usize,
    mapping: Option<&'value Value>,
    has_named: bool,
}

/// `format % value`.
pub(super) fn format(machine: &Machine<'_>, format: &str, value: &Value) -> Result<Value> {
    machine.budget.bytes(format.len())?;
    let mut source = Source {
        values: match value {
            Value::Tuple(items) => &items.values,
            single => std::slice::from_ref(single),
        },
        at: 0,
        mapping: matches!(
            value,
            Value::Dict(_) | Value::List(_) | Value::Undefined(_) | Value::Range(_)
        )
        .then_some(value),
        has_named: false,
    };
    let mut out = String::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        conversion(machine, &mut letters, &mut source, &mut out)?;
    }
    if source.at < source.values.len() && source.mapping.is_none() {
        return type_error("not all arguments converted during string formatting");
    }
    machine.budget.text(out)
}

fn conversion(
    machine: &Machine<'_>,
    letters: &mut Peekable<Chars<'_>>,
    source: &mut Source<'_>,
    out: &mut String,
) -> Result<()> {
    let named = name(machine, letters, source)?;
    let mut spec = Spec::default();
    while let Some(flag) = letters.next_if(|it| "-+ #0".contains(*it)) {
        match flag {
            '-' => spec.is_left = true,
            '+' => spec.has_plus = true,
            ' ' => spec.has_space = true,
            '#' => spec.is_alternate = true,
            _ => spec.has_zero = true,
        }
    }
    if letters.next_if_eq(&'*').is_some() {
        let width = super::given::index(&source.next()?)?;
        spec.is_left |= width < 0;
        spec.width = width.unsigned_abs() as usize;
    } else {
        spec.width = number(letters)?.unwrap_or(0);
    }
    if letters.next_if_eq(&'.').is_some() {
        spec.precision = Some(if letters.next_if_eq(&'*').is_some() {
            super::given::index(&source.next()?)?.max(0) as usize
        } else {
            number(letters)?.unwrap_or(0)
        });
    }
    let _length = letters.next_if(|it| "hlL".contains(*it));
    let Some(kind) = letters.next() else {
        return value_error("incomplete format");
    };
    if kind == '%' {
        out.push('%');
        return Ok(());
    }
    let value = match named {
        Some(value) => value,
        None => source.next()?,
    };
    let text = converted(machine, kind, &spec, &value)?;
    let is_number = !matches!(kind, 's' | 'r' | 'c');
    let (fill, align) = match (spec.is_left, spec.has_zero && is_number) {
        (true, _) => (' ', Align::Left),
        (false, true) => ('0', Align::Sign),
        (false, false) => (' ', Align::Right),
    };
    out.push_str(&digits::padded(&text, spec.width, fill, align)?);
    Ok(())
}

/// `(name)`, and the value it names.
fn name(
    machine: &Machine<'_>,
    letters: &mut Peekable<Chars<'_>>,
    source: &mut Source<'_>,
) -> Result<Option<Value>> {
    if letters.next_if_eq(&'(').is_none() {
        return Ok(None);
    }
    let (mut name, mut depth) = (String::new(), 1);
    loop {
        let Some(letter) = letters.next() else {
            return value_error("incomplete format key");
        };
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 {
            break;
        }
        name.push(letter);
    }
    source.has_named = true;
    match source.mapping {
        Some(Value::Dict(dict)) => match dict.get(&Value::str(&name), &machine.budget)? {
            Some(value) => Ok(Some(value.clone())),
            None => raised(Exception::KeyError, name),
        },
        _ => type_error("format requires a mapping"),
    }
}

fn number(letters: &mut Peekable<Chars<'_>>) -> Result<Option<usize>> {
    let mut number = None;
    while let Some(digit) = letters.next_if(char::is_ascii_digit) {
        let digit = digit.to_digit(10).unwrap_or(0) as usize;
        number = Some(digits::check_width(number.unwrap_or(0) * 10 + digit)?);
    }
    Ok(number)
}

impl Source<'_> {
    fn next(&mut self) -> Result<Value> {
        let Some(value) = self.values.get(self.at) else {
            return type_error("not enough arguments for format string");
        };
        self.at += 1;
        Ok(value.clone())
    }
}

fn converted(machine: &Machine<'_>, kind: char, spec: &Spec, value: &Value) -> Result<String> {
    let text = match kind {
        's' | 'r' => {
            let mut text = String::new();
            if kind == 's' {
                machine.print(value, &mut text)?;
            } else {
                repr::write(value, &machine.budget, &mut text)?;
            }
            let length = spec.precision.unwrap_or(usize::MAX);
            return Ok(text.chars().take(length).collect());
        }
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => return integer(kind, spec, value),
        'f' | 'F' | 'e' | 'E' | 'g' | 'G' => real(kind, spec, value)?,
        'c' | 'a' => return unsupported(Construct::Format, format!("%{kind}")),
        other => {
            return value_error(format!("unsupported format character '{other}'"));
        }
    };
    Ok(text)
}

fn sign(spec: &Spec, is_negative: bool) -> &'static str {
    match (is_negative, spec.has_plus, spec.has_space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    }
}

fn integer(kind: char, spec: &Spec, value: &Value) -> Result<String> {
    let is_decimal = matches!(kind, 'd' | 'i' | 'u');
    let int = match value {
        Value::Float(float) if is_decimal && float.is_finite() => float::to_int(float.trunc()),
        other => match other.int() {
            Some(int) => int,
            None => {
                return type_error(format!(
                    "%{kind} format: a real number is required, not {}",
                    value.class()
                ));
            }
        },
    };
    if spec.is_alternate && !is_decimal {
        return unsupported(Construct::Format, format!("%#{kind}"));
    }
    let digits = match kind {
        'x' => digits::radix(&int, 16),
        'X' => digits::radix(&int, 16).to_uppercase(),
        'o' => digits::radix(&int, 8),
        _ => repr::decimal(&int)?.trim_start_matches('-').to_owned(),
    };
    let is_negative = int.sign() == num_bigint::Sign::Minus;
    let zeros =
        "0".repeat(digits::check_width(spec.precision.unwrap_or(0))?.saturating_sub(digits.len()));
    Ok(format!("{}{zeros}{digits}", sign(spec, is_negative)))
}

fn real(kind: char, spec: &Spec, value: &Value) -> Result<String> {
    let float = match value {
        Value::Float(float) => *float,
        other => match other.int() {
            Some(int) => float::from_int(&int),
            None => return type_error(format!("must be real number, not {}", value.class())),
        },
    };
    let form = match kind {
        'f' | 'F' => Form::Fixed,
        'e' | 'E' => Form::Exponent,
        _ => Form::General,
    };
    if spec.is_alternate && form != Form::General {
        return unsupported(Construct::Format, format!("%#{kind}"));
    }
    let digits = digits::float(
        float.abs(),
        form,
        spec.precision.unwrap_or(6),
        spec.is_alternate,
    )?;
    let digits = if kind.is_ascii_uppercase() {
        digits.to_uppercase()
    } else {
        digits
    };
    Ok(format!("{}{digits}", sign(spec, float.is_sign_negative())))
}
