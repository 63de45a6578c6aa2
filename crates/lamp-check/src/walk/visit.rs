//! The pass over a syntax tree: node by node, each with what it stands in.

use mago_syntax::ast::{
    Argument, Binary, BinaryOperator, ClassLikeMemberSelector, Closure, ConstantItem, Expression,
    FunctionCall, If, IfBody, InlineKind, Literal, MethodCall, Node, StaticMethodCall, UnaryPrefixOperator,
    Variable,
};

use super::condition::{
    asks_for_a_symbol, called, exits_unless_declared, last_segment, leaves_no_mark, lower_segment,
    never_holds, refuses_unless_declared, stands_around,
};
use super::evaluate::{bare, plain_argument};
use super::flow::{Around, Given, VariableName, Write};
use super::objects::Called;
use super::scope::{Scope, parameters};
use super::telling::{at, beneath, is_passed, is_silent};
use super::write::{assignment_expression, foreach_statement, overwritten, written};
use super::{Met, Walk};
use crate::facts::{Keyword, OutsideFunctions};

/// Functions whose call outside functions shows nothing to a visitor and needs no other file.
const SILENT: [&[u8]; 8] = [
    b"class_alias",
    b"class_exists",
    b"define",
    b"defined",
    b"dirname",
    b"error_reporting",
    b"function_exists",
    b"ini_set",
];

/// What is still to do, the last first.
pub(super) enum Todo<'a> {
    Visit(Node<'a, 'a>, Around),
    /// A write happens when what is written has been computed. What it is stands in [`Walk::pending`], in the same
    /// order: with it, each of the many nodes above would be moved with room for a write.
    Write,
}

/// How the children of a node run.
#[derive(Clone, Copy)]
enum Runs {
    /// Each time the node does.
    Always,
    /// Perhaps: statements together, anything else each for itself.
    Perhaps { in_loop: bool },
}

pub(super) type Pass<'w, 'a> = (&'w mut Walk<'a>, &'w mut Vec<Todo<'a>>);

pub(super) fn visit<'a>(walk: &mut Walk<'a>, root: Node<'a, 'a>) {
    let mut todo = vec![Todo::Visit(root, Around::default())];
    while let Some(next) = todo.pop() {
        walk.clock = walk.clock.saturating_add(1);
        match next {
            Todo::Visit(node, around) if is_passed(&node) => {
                children((&mut *walk, &mut todo), node, around);
            }
            Todo::Visit(node, around) => meet(walk, &mut todo, node, around),
            Todo::Write => {
                if let Some((variable, write)) = walk.pending.pop() {
                    let time = walk.clock;
                    walk.flow.wrote(variable, Write { time, ..write });
                }
            }
        }
    }
}

fn meet<'a>(walk: &mut Walk<'a>, todo: &mut Vec<Todo<'a>>, node: Node<'a, 'a>, around: Around) {
    walk.note_effect(&node, around);
    walk.surroundings.meet(&node, around.is_always_run());
    walk.note_meaning(&node, around);
    walk.symbols.meet(&node, around);
    let pass = (walk, todo);
    match node {
        Node::Function(_)
        | Node::Method(_)
        | Node::Closure(_)
        | Node::ArrowFunction(_)
        | Node::PropertyHook(_)
        | Node::Class(_)
        | Node::Interface(_)
        | Node::Trait(_)
        | Node::Enum(_)
        | Node::AnonymousClass(_) => declaration(pass, node, around),
        Node::If(statement) => if_statement(pass, statement, around),
        Node::IfStatementBodyElseIfClause(clause) => {
            children(pass, node, behind(clause.condition, around));
        }
        Node::IfColonDelimitedBodyElseIfClause(clause) => {
            children(pass, node, behind(clause.condition, around));
        }
        Node::Binary(binary) => binary_expression(pass, binary, around),
        Node::UnaryPrefix(prefix) => match prefix.operator {
            UnaryPrefixOperator::ErrorControl(_) => children(
                pass,
                node,
                Around {
                    quiet: true,
                    ..around
                },
            ),
            UnaryPrefixOperator::Reference(_) => overwritten(pass, node, around),
            _ => children(pass, node, around),
        },
        Node::Assignment(assignment) => assignment_expression(pass, assignment, around),
        Node::Foreach(foreach) => foreach_statement(pass, foreach, around),
        Node::Global(_) => written(pass, node, around, Given::Global),
        Node::StaticItem(_) | Node::Unset(_) => overwritten(pass, node, around),
        _ => plain(pass, node, around),
    }
}

/// Nodes that change nothing for those beneath them but, perhaps, whether they run.
fn plain<'a>((walk, todo): Pass<'_, 'a>, node: Node<'a, 'a>, around: Around) {
    let met = |expression| (expression, around);
    match node {
        Node::IncludeConstruct(it) => walk.includes(Keyword::Include, met(it.value)),
        Node::IncludeOnceConstruct(it) => walk.includes(Keyword::IncludeOnce, met(it.value)),
        Node::RequireConstruct(it) => walk.includes(Keyword::Require, met(it.value)),
        Node::RequireOnceConstruct(it) => walk.includes(Keyword::RequireOnce, met(it.value)),
        Node::FunctionCall(call) => walk.function_call(call, around),
        Node::MethodCall(call) => {
            let name = source_of_selector(&call.method);
            walk.may_test(name, call.argument_list.arguments.first(), around);
            walk.method_call(call, around);
        }
        Node::StaticMethodCall(call) => {
            let name = source_of_selector(&call.method);
            walk.may_test(name, call.argument_list.arguments.first(), around);
            walk.registers(call, around);
        }
        Node::ConstantItem(item) => walk.constant_item(item, around),
        Node::TryCatchClause(clause) => {
            if let Some(variable) = &clause.variable {
                let (given, time) = (Given::Unknown, walk.clock);
                let name = VariableName::Borrowed(variable.name);
                walk.flow.wrote(name, Write { given, around, time });
            }
        }
        _ => {}
    }
    children((walk, todo), node, around);
}

fn source_of_selector<'a>(selector: &ClassLikeMemberSelector<'a>) -> &'a [u8] {
    match selector {
        ClassLikeMemberSelector::Identifier(name) => name.value,
        _ => b"",
    }
}

fn declaration<'a>((walk, todo): Pass<'_, 'a>, node: Node<'a, 'a>, around: Around) {
    if let Node::Closure(closure) = node {
        walk.shared_with(closure, around);
    }
    if !around.on_symbol {
        walk.declared(&node);
    }
    let inside = walk.flow.new_scope();
    walk.scopes.put(inside.scope, scope_of(walk, &node, around));
    let class = walk.symbols.enter(&node, around, inside.scope);
    children((walk, todo), node, Around { class, ..inside });
}

/// Whose body begins there.
fn scope_of<'a>(walk: &Walk<'a>, node: &Node<'a, 'a>, around: Around) -> Scope<'a> {
    let class = |name: &[u8]| Scope {
        class: Some(lower_segment(name)),
        ..Scope::default()
    };
    let within = walk.scopes.class(around.scope).map(str::to_owned);
    match node {
        Node::Class(it) => class(it.name.value),
        Node::Interface(it) => class(it.name.value),
        Node::Trait(it) => class(it.name.value),
        Node::Enum(it) => class(it.name.value),
        Node::AnonymousClass(_) => Scope::default(),
        Node::Function(it) => Scope {
            class: None,
            function: Some(lower_segment(it.name.value)),
            may_be_another: around.on_symbol,
            parameters: parameters(&it.parameter_list),
        },
        Node::Method(it) => Scope {
            class: within,
            function: Some(lower_segment(it.name.value)),
            may_be_another: false,
            parameters: parameters(&it.parameter_list),
        },
        _ => Scope {
            class: within,
            ..Scope::default()
        },
    }
}

/// What runs only if this condition holds.
fn behind(condition: &Expression<'_>, around: Around) -> Around {
    Around {
        on_symbol: around.on_symbol || asks_for_a_symbol(condition),
        ..around
    }
}

fn if_statement<'a>((walk, todo): Pass<'_, 'a>, statement: &'a If<'a>, around: Around) {
    let asks = asks_for_a_symbol(statement.condition);
    if asks && around.is_always_run() && refuses_unless_declared(statement) {
        walk.facts.outside_functions.refuses_to_be_first = true;
    }
    if asks && leaves_no_mark(statement) {
        walk.symbols
            .guards_alone_until(statement.right_parenthesis.start.offset);
    }
    let body = Around {
        quiet: around.quiet || never_holds(statement),
        on_symbol: around.on_symbol || asks,
        ..around
    };
    todo.push(Todo::Visit(body_of(statement), body));
    put(todo, Node::Expression(statement.condition), around);
}

const fn body_of<'a>(statement: &'a If<'a>) -> Node<'a, 'a> {
    match &statement.body {
        IfBody::Statement(body) => Node::IfStatementBody(body),
        IfBody::ColonDelimited(body) => Node::IfColonDelimitedBody(body),
    }
}

fn binary_expression<'a>((walk, todo): Pass<'_, 'a>, binary: &'a Binary<'a>, around: Around) {
    if around.is_always_run() && exits_unless_declared(binary) {
        walk.facts.outside_functions.refuses_to_be_first = true;
    }
    let right = match binary.operator {
        BinaryOperator::And(_)
        | BinaryOperator::Or(_)
        | BinaryOperator::LowAnd(_)
        | BinaryOperator::LowOr(_)
        | BinaryOperator::NullCoalesce(_) => Around {
            branch: walk.flow.new_branch(around.branch, false),
            ..behind(binary.lhs, around)
        },
        _ => around,
    };
    put(todo, Node::Expression(binary.rhs), right);
    put(todo, Node::Expression(binary.lhs), around);
}

/// Puts the children up, so that the first comes next.
pub(super) fn children<'a>((walk, todo): Pass<'_, 'a>, node: Node<'a, 'a>, around: Around) {
    let first = todo.len();
    match runs(&node) {
        Runs::Always => beneath(node, &mut |child| todo.push(Todo::Visit(child, around))),
        Runs::Perhaps { in_loop } => {
            let together = walk.flow.new_branch(around.branch, in_loop);
            // Nothing is set aside for most: they have no other branch.
            let mut clauses = Vec::new();
            let mut is_one_run = false;
            node.visit_children(|child| {
                if is_silent(&child) {
                    return;
                }
                let branch = match child {
                    Node::Statement(_) => together,
                    _ => walk.flow.new_branch(around.branch, in_loop),
                };
                is_one_run |= is_else(&child);
                clauses.extend(is_clause(&child).then_some(branch));
                let around = Around { branch, ..around };
                at(child, &mut |child| todo.push(Todo::Visit(child, around)));
            });
            if is_one_run {
                clauses.insert(0, together);
                walk.flow.one_is_run(&clauses);
            }
        }
    }
    todo[first..].reverse();
}

const fn is_clause(node: &Node<'_, '_>) -> bool {
    is_else(node)
        || matches!(
            node,
            Node::IfStatementBodyElseIfClause(_) | Node::IfColonDelimitedBodyElseIfClause(_)
        )
}

const fn is_else(node: &Node<'_, '_>) -> bool {
    matches!(
        node,
        Node::IfStatementBodyElseClause(_) | Node::IfColonDelimitedBodyElseClause(_)
    )
}

/// Puts up a node; of one that says nothing, what it holds.
pub(super) fn put<'a>(todo: &mut Vec<Todo<'a>>, node: Node<'a, 'a>, around: Around) {
    let first = todo.len();
    at(node, &mut |node| todo.push(Todo::Visit(node, around)));
    todo[first..].reverse();
}

fn runs(node: &Node<'_, '_>) -> Runs {
    match node {
        Node::IfStatementBody(_)
        | Node::IfColonDelimitedBody(_)
        | Node::SwitchExpressionCase(_)
        | Node::SwitchDefaultCase(_)
        | Node::TryCatchClause(_)
        | Node::Conditional(_)
        | Node::MatchArm(_) => Runs::Perhaps { in_loop: false },
        Node::WhileBody(_)
        | Node::WhileColonDelimitedBody(_)
        | Node::ForBody(_)
        | Node::ForColonDelimitedBody(_)
        | Node::ForeachBody(_)
        | Node::ForeachColonDelimitedBody(_)
        | Node::DoWhile(_) => Runs::Perhaps { in_loop: true },
        _ => Runs::Always,
    }
}

impl<'a> Walk<'a> {
    fn declared(&mut self, node: &Node<'a, 'a>) {
        let name = lower_segment;
        match node {
            Node::Function(function) => self.facts.functions.push(name(function.name.value)),
            Node::Class(class) => self.facts.classes.push(name(class.name.value)),
            Node::Interface(class) => self.facts.classes.push(name(class.name.value)),
            Node::Trait(class) => self.facts.classes.push(name(class.name.value)),
            Node::Enum(class) => self.facts.classes.push(name(class.name.value)),
            _ => {}
        }
    }

    fn includes(&mut self, keyword: Keyword, (expression, around): (&'a Expression<'a>, Around)) {
        let time = self.clock;
        let met = Met {
            expression,
            around,
            time,
        };
        self.includes.push((keyword, met));
        self.flow.included(around, time);
    }

    /// `JLoader::register('Name', 'path/of/its/file.php')`.
    fn registers(&mut self, call: &'a StaticMethodCall<'a>, around: Around) {
        let is_loader = matches!(call.class, Expression::Identifier(class) if last_segment(class.value()).eq_ignore_ascii_case("JLoader"));
        if !is_loader || !source_of_selector(&call.method).eq_ignore_ascii_case(b"register") {
            return;
        }
        let path = call.argument_list.arguments.get(1);
        if let Some(expression) = path.and_then(plain_argument) {
            let time = self.clock;
            let met = Met {
                expression,
                around,
                time,
            };
            self.includes.push((Keyword::Register, met));
        }
    }

    fn constant_item(&mut self, item: &'a ConstantItem<'a>, around: Around) {
        let met = Met {
            expression: item.value,
            around,
            time: self.clock,
        };
        self.constants.push((last_segment(item.name.value), met));
    }

    fn function_call(&mut self, call: &'a FunctionCall<'a>, around: Around) {
        let Some(name) = called(call) else { return };
        let mut arguments = call.argument_list.arguments.iter();
        let first = arguments.next();
        match &*name {
            b"define" => self.define(
                first.and_then(plain_argument),
                arguments.next().and_then(plain_argument),
                around,
            ),
            b"set_include_path" => self.include_path(first.and_then(plain_argument), around),
            b"chdir" => self.meanings.changes_directory = true,
            b"spl_autoload_register" => self.facts.loads_classes = true,
            b"ini_set" if names_include_path(first.and_then(plain_argument)) => {
                self.include_path(arguments.next().and_then(plain_argument), around);
            }
            _ => self.may_test(&name, first, around),
        }
        if around.is_outside_functions() && !around.on_symbol {
            let name = String::from_utf8_lossy(&name).into_owned();
            self.facts.outside_functions.calls.push(name);
        }
    }

    fn method_call(&mut self, call: &'a MethodCall<'a>, around: Around) {
        let ClassLikeMemberSelector::Identifier(method) = &call.method else {
            return;
        };
        // Of which class `$this` is, the scope tells.
        if let Expression::Variable(Variable::Direct(variable)) = bare(call.object)
            && variable.name != b"$this"
        {
            self.called.push(Called {
                variable: variable.name,
                method,
                around,
                time: self.clock,
            });
        }
    }

    /// What a closure shares with the function around it, it may write to at any time.
    fn shared_with(&mut self, closure: &'a Closure<'a>, around: Around) {
        let variables = closure
            .use_clause
            .iter()
            .flat_map(|shared| shared.variables.iter());
        for shared in variables.filter(|shared| shared.ampersand.is_some()) {
            let (given, time) = (Given::Unknown, self.clock);
            let name = VariableName::Borrowed(shared.variable.name);
            self.flow.wrote(name, Write { given, around, time });
        }
    }

    fn define(
        &mut self,
        name: Option<&'a Expression<'a>>,
        value: Option<&'a Expression<'a>>,
        around: Around,
    ) {
        let (Some(Expression::Literal(Literal::String(name))), Some(expression)) = (name, value) else {
            return;
        };
        let met = Met {
            expression,
            around,
            time: self.clock,
        };
        let name = last_segment(name.value.unwrap_or_default());
        self.constants.push((name, met));
    }

    /// A function or method whose name says that it asks whether a file is there.
    fn may_test(&mut self, name: &[u8], argument: Option<&'a Argument<'a>>, around: Around) {
        if asks_for_a_file(name)
            && let Some(expression) = argument.and_then(plain_argument)
        {
            let time = self.clock;
            self.existence_tests.push(Met {
                expression,
                around,
                time,
            });
        }
    }

    /// What happens when PHP runs the file, before anyone calls anything in it.
    fn note_effect(&mut self, node: &Node<'a, 'a>, around: Around) {
        if !around.is_outside_functions() {
            return;
        }
        let outside = &mut self.facts.outside_functions;
        match node {
            Node::Echo(_) | Node::EchoTag(_) | Node::MethodCall(_) | Node::PrintConstruct(_) => {
                outside.acts = true;
            }
            Node::StaticMethodCall(call) => outside.uses_class(call.class, around),
            Node::Instantiation(new) => outside.uses_class(new.class, around),
            Node::IncludeConstruct(_)
            | Node::IncludeOnceConstruct(_)
            | Node::RequireConstruct(_)
            | Node::RequireOnceConstruct(_) => outside.includes = true,
            Node::Inline(text) => {
                outside.acts |= matches!(text.kind, InlineKind::Text) && !text.value.trim_ascii().is_empty();
            }
            Node::FunctionCall(call) if !around.on_symbol => {
                let name = called(call);
                outside.acts |= name.is_none_or(|name| !SILENT.contains(&&*name));
            }
            Node::ConstantAccess(access) if !around.on_symbol => {
                outside.constants.push(last_segment(access.name.value()));
            }
            Node::DirectVariable(variable) if variable.name == b"$this" => outside.needs_an_object = true,
            Node::ExpressionStatement(statement) => {
                if let Expression::Assignment(assignment) = statement.expression
                    && let Expression::Variable(Variable::Direct(variable)) = assignment.lhs
                {
                    let name = String::from_utf8_lossy(variable.name).into_owned();
                    outside.variables.push(name);
                }
            }
            _ => {}
        }
    }
}

impl OutsideFunctions {
    fn uses_class(&mut self, class: &Expression<'_>, around: Around) {
        self.acts = true;
        if let Expression::Identifier(name) = class
            && !around.on_symbol
        {
            self.uses_classes.push(lower_segment(name.value()));
        }
    }
}

/// Whether a function's name says so. It is asked for every call of a tree, so each part is looked for by a letter that few
/// names have.
fn asks_for_a_file(name: &[u8]) -> bool {
    let mut letters = name.iter().enumerate();
    letters.any(|(at, letter)| match letter.to_ascii_lowercase() {
        b'x' => stands_around(name, at, (b"exist", 1)),
        b'f' => stands_around(name, at, (b"is_file", 3)) || stands_around(name, at, (b"isfile", 2)),
        b'b' => stands_around(name, at, (b"readable", 5)),
        b'v' => stands_around(name, at, (b"stream_resolve_include_path", 12)),
        _ => false,
    })
}

fn names_include_path(argument: Option<&Expression<'_>>) -> bool {
    matches!(argument, Some(Expression::Literal(Literal::String(name))) if name.value == Some(b"include_path"))
}

#[cfg(test)]
mod tests {
    use super::asks_for_a_file;

    #[test]
    fn a_function_asks_for_a_file_by_its_name() {
        let asks = |name: &str| asks_for_a_file(name.as_bytes());
        let asking = [
            "exists",
            "file_exists",
            "File_Exists",
            "fileExistsInTheme",
            "is_file",
            "IS_FILE",
            "isFile",
            "is_readable",
            "ReadAble",
            "stream_resolve_include_path",
        ];
        for name in asking {
            assert!(asks(name), "{name}");
        }
        let others = [
            "",
            "x",
            "exit",
            "xist",
            "exis",
            "file",
            "is_fil",
            "_file",
            "readabl",
            "realpath",
            "is_dir",
            "stream_resolve",
        ];
        for name in others {
            assert!(!asks(name), "{name}");
        }
    }
}
