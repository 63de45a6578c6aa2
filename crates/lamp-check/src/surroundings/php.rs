//! What the surroundings need to know of one PHP file: what stands before its first statement, the templates that it
//! names, and calls that are left from looking for a mistake.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums have a variant for everything in PHP"
)]

use mago_span::HasSpan;
use mago_syntax::ast::{
    Access, Argument, ArgumentList, ArrayElement, ClassLikeMemberSelector, Construct, Declare, Expression,
    FunctionCall, Inline, InlineKind, Instantiation, Literal, MethodCall, Node, Program, Statement,
    StaticMethodCall,
};

use serde::{Deserialize, Serialize};

use super::assets;
use super::marks::{self, Marks};
use super::templates::{Engine, Naming};
use crate::facts::Spot;
use crate::frameworks::{Load, Part};
use crate::parse::Lines;

/// What an editor puts before a text to say that it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Functions that show what only who looks for a mistake wants to see.
const SHOWING: [&str; 6] = [
    "debug_zval_refcount",
    "phpinfo",
    "var_dump",
    "xdebug_break",
    "xdebug_info",
    "xdebug_var_dump",
];
/// Most templates of one file that are looked at.
const NAMINGS_MAX: usize = 2_000;
/// Most calls of one file that are told.
const LEFTOVERS_MAX: usize = 50;

/// What one PHP file says that matters to the surroundings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PhpFacts {
    pub(crate) marks: Marks,
    /// Whether it begins with a byte order mark.
    pub(crate) has_byte_order_mark: bool,
    /// White space alone before the first `<?php`.
    pub(crate) begins_with_space: bool,
    /// What must come first and does not.
    pub(crate) not_first: Option<NotFirst>,
    /// Where an `exit` keeps everything behind it from running.
    pub(crate) exits_early: Option<Spot>,
    pub(crate) leftovers: Vec<Leftover>,
    pub(crate) namings: Vec<Naming>,
    /// Parts that CodeIgniter's loader is asked for.
    pub(crate) loads: Vec<Load>,
}

/// A statement that PHP takes only as the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotFirst {
    pub(crate) at: Spot,
    pub(crate) what: First,
    /// Whether it is output that stands before it, or code.
    pub(crate) is_output: bool,
}

/// What PHP takes only before everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum First {
    Namespace,
    StrictTypes,
}

impl First {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::StrictTypes => "declare(strict_types)",
        }
    }
}

/// A call that shows what visitors should not see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leftover {
    pub(crate) at: Spot,
    pub(crate) function: String,
    /// It happens whenever the file is run.
    pub(crate) always: bool,
}

/// Gathers while the syntax tree is walked.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    leftovers: Vec<(u32, String, bool)>,
    namings: Vec<(u32, Engine, String)>,
    loads: Vec<(u32, Part, String)>,
}

impl Gathered {
    /// Takes what matters of a node; `always` says whether it is run whenever the file is.
    pub(crate) fn meet(&mut self, node: &Node<'_, '_>, always: bool) {
        match node {
            Node::FunctionCall(call) => self.function(call, always),
            Node::MethodCall(call) => self.method(call),
            Node::StaticMethodCall(call) => self.static_method(call),
            Node::Instantiation(made) => self.made(made),
            Node::Inline(inline) => self.markup(inline),
            _ => {}
        }
    }

    fn function(&mut self, call: &FunctionCall<'_>, always: bool) {
        let Expression::Identifier(identifier) = call.function else {
            return;
        };
        let name = identifier.value();
        let name = name.strip_prefix(b"\\").unwrap_or(name);
        let at = call.function.span().start.offset;
        if let Some(showing) = SHOWING
            .iter()
            .find(|showing| name.eq_ignore_ascii_case(showing.as_bytes()))
        {
            if self.leftovers.len() < LEFTOVERS_MAX {
                self.leftovers.push((at, (*showing).to_owned(), always));
            }
        } else if let Some(engine) = Engine::of_function(name) {
            self.name(engine, &call.argument_list);
        }
    }

    fn method(&mut self, call: &MethodCall<'_>) {
        let ClassLikeMemberSelector::Identifier(name) = &call.method else {
            return;
        };
        if let Some(part) = Part::of_method(name.value).filter(|_| is_loader(call.object)) {
            let room = NAMINGS_MAX.saturating_sub(self.loads.len());
            let named = first_texts(&call.argument_list).into_iter().take(room);
            self.loads.extend(named.map(|(at, text)| (at, part, text)));
        }
        let is_render = ["render", "renderView", "display", "fetch", "renderTemplate"]
            .iter()
            .any(|render| name.value.eq_ignore_ascii_case(render.as_bytes()));
        if is_render && let Some((at, text)) = first_text(&call.argument_list) {
            let engine = Engine::of_ending(&text);
            self.namings.extend(engine.map(|engine| (at, engine, text)));
        }
    }

    fn static_method(&mut self, call: &StaticMethodCall<'_>) {
        let ClassLikeMemberSelector::Identifier(method) = &call.method else {
            return;
        };
        if let Some(engine) = class_name(call.class).and_then(|class| Engine::of_method(class, method.value))
        {
            self.name_part(engine, &call.argument_list);
        }
    }

    fn made(&mut self, made: &Instantiation<'_>) {
        let engine = class_name(made.class).and_then(Engine::of_class);
        if let (Some(engine), Some(arguments)) = (engine, &made.argument_list) {
            self.name_part(engine, arguments);
        }
    }

    /// A name of letters, digits and dots; another is made while the site runs.
    fn name_part(&mut self, engine: Engine, arguments: &ArgumentList<'_>) {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
        let named = first_text(arguments).filter(|(_, text)| !text.is_empty() && text.chars().all(is_plain));
        if self.namings.len() < NAMINGS_MAX {
            self.namings.extend(named.map(|(at, text)| (at, engine, text)));
        }
    }

    fn markup(&mut self, inline: &Inline<'_>) {
        let room = NAMINGS_MAX.saturating_sub(self.namings.len());
        let start = inline.span.start.offset;
        let found = assets::in_markup(inline.value).into_iter().take(room);
        self.namings.extend(found.filter_map(|(offset, text)| {
            let at = start.checked_add(u32::try_from(offset).ok()?)?;
            Some((at, Engine::Page, text))
        }));
    }

    fn name(&mut self, engine: Engine, arguments: &ArgumentList<'_>) {
        if self.namings.len() < NAMINGS_MAX {
            self.namings
                .extend(first_text(arguments).map(|(at, text)| (at, engine, text)));
        }
    }

    /// What was gathered, and what the file's bytes and first statements say.
    pub(crate) fn finish(self, program: &Program<'_>, source: &[u8], lines: &Lines<'_>) -> PhpFacts {
        let leftover = |(at, function, always): (u32, String, bool)| Leftover {
            at: lines.spot(at),
            function,
            always,
        };
        let naming = |(at, engine, text): (u32, Engine, String)| Naming {
            at: lines.spot(at),
            engine,
            text,
        };
        let load = |(at, part, name): (u32, Part, String)| Load {
            at: lines.spot(at),
            part,
            name,
        };
        PhpFacts {
            loads: self.loads.into_iter().map(load).collect(),
            leftovers: self.leftovers.into_iter().map(leftover).collect(),
            namings: self.namings.into_iter().map(naming).collect(),
            not_first: not_first(program, lines),
            exits_early: exits_early(program, lines),
            ..of_bytes(source)
        }
    }
}

/// What the bytes alone say; all that is told of a file that PHP cannot parse.
pub(crate) fn of_bytes(source: &[u8]) -> PhpFacts {
    let before = source.windows(2).position(|window| window == b"<?").unwrap_or(0);
    PhpFacts {
        marks: marks::look(source),
        has_byte_order_mark: source.starts_with(BYTE_ORDER_MARK),
        begins_with_space: before > 0 && source[..before].trim_ascii().is_empty(),
        ..PhpFacts::default()
    }
}

fn first_text(arguments: &ArgumentList<'_>) -> Option<(u32, String)> {
    let Argument::Positional(first) = arguments.arguments.first()? else {
        return None;
    };
    literal(first.value)
}

/// What is named first: one text, or those of a list.
fn first_texts(arguments: &ArgumentList<'_>) -> Vec<(u32, String)> {
    let Some(Argument::Positional(first)) = arguments.arguments.first() else {
        return Vec::new();
    };
    let elements = match first.value {
        Expression::Array(array) => array.elements.iter(),
        Expression::LegacyArray(array) => array.elements.iter(),
        other => return literal(other).into_iter().collect(),
    };
    let text = |element: &ArrayElement<'_>| match element {
        ArrayElement::Value(element) => literal(element.value),
        _ => None,
    };
    elements.filter_map(text).collect()
}

fn literal(expression: &Expression<'_>) -> Option<(u32, String)> {
    let Expression::Literal(Literal::String(text)) = expression else {
        return None;
    };
    let value = String::from_utf8(text.value?.to_vec()).ok()?;
    Some((text.span.start.offset, value))
}

/// The last part of the name of a class that is written there.
fn class_name<'a>(class: &'a Expression<'a>) -> Option<&'a [u8]> {
    let Expression::Identifier(class) = class else {
        return None;
    };
    class.value().rsplit(|byte| *byte == b'\\').next()
}

/// `$this->load`, or that of another object.
fn is_loader(object: &Expression<'_>) -> bool {
    let Expression::Access(Access::Property(access)) = object else {
        return false;
    };
    matches!(&access.property, ClassLikeMemberSelector::Identifier(name) if name.value == b"load")
}

/// PHP takes a namespace, and strict types, only before everything else.
fn not_first(program: &Program<'_>, lines: &Lines<'_>) -> Option<NotFirst> {
    let mut output = false;
    let mut code = false;
    let mut is_first = true;
    for statement in &program.statements {
        let what = match statement {
            Statement::Namespace(_) => Some(First::Namespace),
            Statement::Declare(declare) if is_strict(declare) => Some(First::StrictTypes),
            _ => None,
        };
        if let Some(what) = what {
            // Code before strict types is left to those who compile it.
            let told = output || (code && what == First::Namespace);
            return told.then(|| NotFirst {
                at: lines.spot(statement.span().start.offset),
                what,
                is_output: output,
            });
        }
        match statement {
            Statement::Inline(text) => {
                output |= matches!(text.kind, InlineKind::Text) && is_output(text.value, is_first)
            }
            Statement::Echo(_) | Statement::EchoTag(_) => output = true,
            Statement::OpeningTag(_)
            | Statement::ClosingTag(_)
            | Statement::Noop(_)
            | Statement::Declare(_)
            | Statement::Use(_)
            | Statement::HaltCompiler(_) => {}
            _ => code = true,
        }
        is_first = false;
    }
    None
}

/// PHP takes one line end behind `?>` for a part of it.
fn is_output(text: &[u8], is_first: bool) -> bool {
    !text.is_empty() && (is_first || !matches!(text, b"\n" | b"\r\n"))
}

fn is_strict(declare: &Declare<'_>) -> bool {
    let mut items = declare.items.iter();
    items.any(|item| item.name.value.eq_ignore_ascii_case(b"strict_types"))
}

/// An `exit` outside of everything, with statements behind it.
fn exits_early(program: &Program<'_>, lines: &Lines<'_>) -> Option<Spot> {
    let mut left = program
        .statements
        .iter()
        .skip_while(|statement| !is_exit(statement));
    let exit = left.next()?;
    left.any(acts).then(|| lines.spot(exit.span().start.offset))
}

fn is_exit(statement: &Statement<'_>) -> bool {
    let Statement::Expression(statement) = statement else {
        return false;
    };
    matches!(
        statement.expression,
        Expression::Construct(Construct::Exit(_) | Construct::Die(_))
    )
}

/// Whether it does anything when the file is run; declarations count wherever they stand.
fn acts(statement: &Statement<'_>) -> bool {
    matches!(
        statement,
        Statement::Expression(_)
            | Statement::If(_)
            | Statement::Foreach(_)
            | Statement::Echo(_)
            | Statement::Switch(_)
            | Statement::Try(_)
    )
}
