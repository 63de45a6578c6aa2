//! The names that a file declares and uses, met in the same pass as everything else.

use mago_span::HasSpan;
use mago_syntax::ast::{
    Argument, ClassConstantAccess, ClassLikeConstantSelector, ClassLikeMemberSelector, Expression,
    FunctionCall, Identifier, Literal, LocalIdentifier, Node, Variable,
};

use super::condition::{stands_around, tests_a_symbol};
use super::evaluate::{bare, plain_argument};
use super::flow::Around;
use super::names::{Names, last, text};
use super::objects::Object;
use super::{newer, shape};
use crate::hashed::{HashMap, HashSet};
use crate::lower::lower;
use crate::parse::Lines;
use crate::symbols::facts::{Certainty, Class, Construct, Function, NewerSyntax, Of, SymbolFacts, Use, Used};

/// Functions that tell whether something is there, or which PHP it is.
const ASKS: [&[u8]; 14] = [
    b"class_exists",
    b"class_implements",
    b"enum_exists",
    b"extension_loaded",
    b"function_exists",
    b"get_class_methods",
    b"interface_exists",
    b"is_a",
    b"is_callable",
    b"is_subclass_of",
    b"method_exists",
    b"phpversion",
    b"trait_exists",
    b"version_compare",
];
/// Those of them that tell what an object or a class has, or is.
const ASKS_FOR_MEMBERS: [&[u8]; 6] = [
    b"class_implements",
    b"get_class_methods",
    b"is_a",
    b"is_callable",
    b"is_subclass_of",
    b"method_exists",
];
/// Most names of classes that a list of settings may have.
const CLASS_NAMES_MAX: usize = 2_000;
/// Constants that tell which PHP it is, as they begin.
const TELLS_PHP: [&[u8]; 3] = [b"PHP_VERSION", b"PHP_MAJOR_VERSION", b"PHP_MINOR_VERSION"];

/// What is used, as written, and all else that tells what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key<'a> {
    kind: Kind,
    /// What stands before the `::`, if it is a name; else the name itself.
    name: &'a [u8],
    member: &'a [u8],
    class: u32,
    namespace: u32,
}

impl Key<'_> {
    /// Whether it is a member of the class around it, or of what that is made from.
    const fn is_of_own(&self) -> bool {
        self.class != 0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Class,
    Function,
    Constant,
    Method,
    MethodOfKin,
    OwnMethod,
    ClassConstant,
}

/// Where something is used.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u32,
    scope: u32,
    certainty: Certainty,
}

/// Something that is used, where first, and where again.
struct UsedAt {
    what: Used,
    first: Place,
    again: Vec<Place>,
}

impl UsedAt {
    fn each(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.first).chain(&self.again)
    }
}

/// What has been met of names.
pub(super) struct Symbols<'a> {
    lines: &'a Lines<'a>,
    names: Names,
    facts: SymbolFacts,
    uses: HashMap<Key<'a>, UsedAt>,
    /// In which scope a scope lies.
    within: HashMap<u32, u32>,
    /// Scopes that ask for something, each with the first place where it does.
    asking: HashMap<u32, u32>,
    /// Those of them that ask what an object or a class has.
    asking_members: HashMap<u32, u32>,
    /// Where the last condition ends whose answer matters to what it guards and to nothing else.
    guard_until: u32,
    /// What is asked for by name, lower-case.
    asked: HashSet<String>,
    /// Whether the file may end before its last line.
    may_end_early: bool,
    newer: HashMap<Construct, u32>,
    /// The `throw` that is a statement by itself.
    thrown: u32,
    /// Where the classes of the last `catch` end.
    caught_until: u32,
    /// Where the last attribute ends, which an older PHP takes for a comment.
    attribute_until: u32,
}

impl<'a> Symbols<'a> {
    pub(super) fn new(lines: &'a Lines<'a>) -> Self {
        Self {
            lines,
            names: Names::default(),
            facts: SymbolFacts::default(),
            uses: HashMap::default(),
            within: HashMap::default(),
            asking: HashMap::default(),
            asking_members: HashMap::default(),
            guard_until: 0,
            asked: HashSet::default(),
            may_end_early: false,
            newer: HashMap::default(),
            thrown: u32::MAX,
            caught_until: 0,
            attribute_until: 0,
        }
    }

    pub(super) fn meet(&mut self, node: &Node<'a, 'a>, around: Around) {
        match node {
            Node::Namespace(namespace) => self.names.enter(namespace),
            Node::Use(statement) => self.names.uses(statement),
            Node::Function(function) => self.facts.functions.push(Function {
                name: self.names.here(text(function.name.value)),
                at: self.lines.spot(function.name.span.start.offset),
                always: around.is_always_run() && !around.on_symbol,
            }),
            Node::FunctionCall(call) => self.function_call(call, around),
            Node::MethodCall(call) => {
                self.may_define(&call.method, call.argument_list.arguments.first());
                self.method(call.object, &call.method, around);
            }
            Node::StaticMethodCall(call) => {
                self.may_define(&call.method, call.argument_list.arguments.first());
                self.static_method(call.class, &call.method, around);
            }
            Node::FunctionPartialApplication(it) => self.function(it.function, around),
            Node::MethodPartialApplication(it) => self.method(it.object, &it.method, around),
            Node::StaticMethodPartialApplication(it) => self.static_method(it.class, &it.method, around),
            Node::Instantiation(new) => self.class(new.class, around),
            Node::StaticPropertyAccess(access) => self.class(access.class, around),
            Node::ClassConstantAccess(access) => self.class_constant(access, around),
            Node::ConstantAccess(access) => self.constant(&access.name, around),
            Node::ConstantItem(item) => {
                let name = self.names.here(text(item.name.value));
                self.facts.constants.push(name);
            }
            Node::Return(_) | Node::ExitConstruct(_) | Node::DieConstruct(_) => {
                let is_outside = around.is_outside_functions();
                self.facts.returns |= is_outside && matches!(node, Node::Return(_));
                self.may_end_early |= is_outside && !around.is_always_run();
            }
            _ => {}
        }
        self.note_newer(node);
    }

    /// What is asked up to this offset matters to what it guards, and to nothing behind that.
    pub(super) const fn guards_alone_until(&mut self, offset: u32) {
        self.guard_until = offset;
    }

    /// A declaration is entered as this scope; answers the class that `$this` is of in it.
    pub(super) fn enter(&mut self, node: &Node<'a, 'a>, around: Around, scope: u32) -> u32 {
        self.within.insert(scope, around.scope);
        let Some(mut class) = shape::class(node, &self.names, self.lines) else {
            return match node {
                Node::Method(_) | Node::ArrowFunction(_) | Node::PropertyHook(_) => around.class,
                // Whoever is handed a closure may bind it to another object.
                _ => 0,
            };
        };
        class.always = around.is_always_run() && !around.on_symbol;
        if !around.on_symbol {
            self.extends(&class);
        }
        self.facts.classes.push(class);
        u32::try_from(self.facts.classes.len()).unwrap_or(0)
    }

    /// What a class is made from must be there when it is declared.
    fn extends(&mut self, class: &Class) {
        let certainty = match class.always {
            true => Certainty::Always,
            false => Certainty::IfReached,
        };
        let from = class.parent.iter().chain(&class.interfaces).chain(&class.traits);
        self.facts.uses.extend(from.map(|name| Use {
            what: Used::Class(name.clone()),
            at: class.at,
            certainty,
        }));
    }

    fn note_newer(&mut self, node: &Node<'a, 'a>) {
        match node {
            Node::TryCatchClause(clause) => self.caught_until = clause.right_parenthesis.start.offset,
            Node::AttributeList(list) => self.attribute_until = list.right_bracket.start.offset,
            _ => {}
        }
        if let Some(offset) = newer::thrown(node) {
            self.thrown = offset;
        }
        let thrown = match node {
            Node::Throw(throw) => Some(throw.throw.span.start.offset).filter(|at| *at != self.thrown),
            _ => None,
        };
        let thrown = thrown.map(|at| (Construct::ThrowExpression, at));
        let construct = match thrown.or_else(|| newer::construct(node)) {
            Some((Construct::UnionType, at)) if at < self.caught_until => {
                Some((Construct::CatchOfSeveral, at))
            }
            other => other,
        };
        if let Some((construct, at)) = construct.filter(|(_, at)| *at >= self.attribute_until) {
            self.newer.entry(construct).or_insert(at);
        }
    }

    fn function_call(&mut self, call: &'a FunctionCall<'a>, around: Around) {
        let Expression::Identifier(name) = call.function else {
            return;
        };
        let called = last(name.value());
        let mut arguments = call.argument_list.arguments.iter().map(plain_argument);
        let (first, second) = (arguments.next().flatten(), arguments.next().flatten());
        let is = |word: &&[u8]| called.eq_ignore_ascii_case(word);
        if ASKS.iter().any(is) {
            let at = name.span().start.offset;
            if at >= self.guard_until || !tests_a_symbol(called) {
                self.asking.entry(around.scope).or_insert(at);
            }
            if ASKS_FOR_MEMBERS.iter().any(is) {
                self.asking_members.entry(around.scope).or_insert(at);
            }
            [first, second]
                .into_iter()
                .flatten()
                .for_each(|asked| self.asks_for(asked));
        } else if is(&b"defined".as_slice()) {
            first.into_iter().for_each(|asked| self.asks_for(asked));
        } else if is(&b"class_alias".as_slice()) {
            self.class_alias(second);
        } else if mentions_define(called) {
            self.defines(first);
        }
        self.function(call.function, around);
    }

    /// A text, `Name::class`, or an array that ends in one.
    fn asks_for(&mut self, asked: &'a Expression<'a>) {
        match asked {
            Expression::Array(array) => {
                for element in array.elements.iter() {
                    if let mago_syntax::ast::ArrayElement::Value(element) = element {
                        self.asked
                            .extend(literal(element.value).map(|name| name.to_ascii_lowercase()));
                    }
                }
            }
            other => {
                let name = literal(other).or_else(|| self.class_name(other));
                let name = name.map(|name| name.to_ascii_lowercase());
                let member = name.as_deref().and_then(|name| name.split_once("::"));
                let member = member.map(|(_, member)| member.to_owned());
                self.asked.extend(name.into_iter().chain(member));
            }
        }
    }

    /// The class of `Name::class`.
    fn class_name(&self, expression: &Expression<'a>) -> Option<String> {
        let Expression::Access(mago_syntax::ast::Access::ClassConstant(access)) = expression else {
            return None;
        };
        let Expression::Identifier(name) = access.class else {
            return None;
        };
        Some(self.names.class(name.value()))
    }

    /// `Name::class` in a list of settings hands the class to whoever reads the list.
    fn class_named(&mut self, access: &'a ClassConstantAccess<'a>, around: Around) {
        if around.is_outside_functions()
            && !around.on_symbol
            && self.facts.class_names.len() < CLASS_NAMES_MAX
            && let Expression::Identifier(name) = access.class
        {
            let at = self.lines.spot(name.span().start.offset);
            let name = self.names.class(name.value());
            self.facts.class_names.push((name, at));
        }
    }

    fn class_alias(&mut self, alias: Option<&'a Expression<'a>>) {
        let name = alias.and_then(|alias| literal(alias).or_else(|| self.class_name(alias)));
        self.facts.class_aliases.extend(name);
    }

    /// A method that may stand for `define()`.
    fn may_define(&mut self, method: &ClassLikeMemberSelector<'a>, first: Option<&'a Argument<'a>>) {
        if let ClassLikeMemberSelector::Identifier(name) = method
            && mentions_define(name.value)
        {
            self.defines(first.and_then(plain_argument));
        }
    }

    fn defines(&mut self, name: Option<&'a Expression<'a>>) {
        let Some(name) = name else { return };
        match (literal(name), name) {
            (Some(name), _) => self.facts.constants.push(name),
            (None, Expression::Binary(binary)) => {
                self.facts
                    .constants_made
                    .push(literal(binary.lhs).unwrap_or_default());
            }
            (None, _) => self.facts.constants_made.push(String::new()),
        }
    }

    fn function(&mut self, function: &'a Expression<'a>, around: Around) {
        let Expression::Identifier(name) = function else {
            return;
        };
        let key = self.key(Kind::Function, name.value(), b"");
        self.used(key, name, around, |names| {
            Some(Used::Function(names.function(name.value())))
        });
    }

    fn class(&mut self, class: &'a Expression<'a>, around: Around) {
        let Expression::Identifier(name) = class else {
            return;
        };
        let key = self.key(Kind::Class, name.value(), b"");
        self.used(key, name, around, |names| {
            Some(Used::Class(names.class(name.value())))
        });
    }

    fn constant(&mut self, name: &'a Identifier<'a>, around: Around) {
        let written = name.value();
        let bare = written.strip_prefix(b"\\").unwrap_or(written);
        if TELLS_PHP.iter().any(|begin| bare.starts_with(begin)) {
            let at = name.span().start.offset;
            self.asking.entry(around.scope).or_insert(at);
        }
        let is_word = [b"true".as_slice(), b"false", b"null", b"__compiler_halt_offset__"];
        if is_word.iter().any(|word| bare.eq_ignore_ascii_case(word)) {
            return;
        }
        let key = self.key(Kind::Constant, written, b"");
        self.used(key, name, around, |names| {
            Some(Used::Constant(names.constant(written)))
        });
    }

    fn method(
        &mut self,
        object: &'a Expression<'a>,
        method: &'a ClassLikeMemberSelector<'a>,
        around: Around,
    ) {
        let ClassLikeMemberSelector::Identifier(name) = method else {
            return;
        };
        let variable = match bare(object) {
            Expression::Variable(Variable::Direct(variable)) => variable,
            Expression::Instantiation(new) => {
                return self.object_method(Object::made(new), name, around);
            }
            _ => return,
        };
        if variable.name != b"$this" {
            return;
        }
        let Some(class) = own(around) else { return };
        let key = Key {
            class: around.class,
            ..self.key(Kind::OwnMethod, b"", name.value)
        };
        self.used_at(key, name.span.start.offset, around, |_| {
            let name = text(name.value);
            Some(Used::OwnMethod { class, name })
        });
    }

    /// A method of an object is called; `None`: it is not known of which class that is.
    pub(super) fn object_method(
        &mut self,
        object: Option<Object<'a>>,
        method: &'a LocalIdentifier<'a>,
        around: Around,
    ) {
        let Some(object) = object else { return };
        let (kind, of): (_, fn(String) -> Of) = match object.is_exact {
            true => (Kind::Method, Of::Named),
            false => (Kind::MethodOfKin, Of::Kin),
        };
        let key = self.key(kind, object.class.value(), method.value);
        self.used_at(key, method.span.start.offset, around, |names| {
            let of = of(names.class(object.class.value()));
            let name = text(method.value);
            Some(Used::Method { of, name })
        });
    }

    /// Whether names mean the same in all of the file.
    pub(super) const fn is_of_one_namespace(&self) -> bool {
        self.names.count <= 1
    }

    fn static_method(
        &mut self,
        class: &'a Expression<'a>,
        method: &'a ClassLikeMemberSelector<'a>,
        around: Around,
    ) {
        self.class(class, around);
        let ClassLikeMemberSelector::Identifier(name) = method else {
            return;
        };
        let key = self.member(Kind::Method, class, name.value, around);
        let offset = name.span.start.offset;
        let Some(key) = key else { return };
        self.used_at(key, offset, around, |names| {
            let name = text(name.value);
            of(class, around, names).map(|of| Used::Method { of, name })
        });
    }

    fn class_constant(&mut self, access: &'a ClassConstantAccess<'a>, around: Around) {
        let ClassLikeConstantSelector::Identifier(name) = &access.constant else {
            return;
        };
        // To ask for the name of a class needs no class.
        if name.value.eq_ignore_ascii_case(b"class") {
            self.class_named(access, around);
            return;
        }
        self.class(access.class, around);
        let Some(key) = self.member(Kind::ClassConstant, access.class, name.value, around) else {
            return;
        };
        self.used_at(key, name.span.start.offset, around, |names| {
            let name = text(name.value);
            of(access.class, around, names).map(|of| Used::ClassConstant { of, name })
        });
    }

    fn key(&self, kind: Kind, name: &'a [u8], member: &'a [u8]) -> Key<'a> {
        Key {
            kind,
            name,
            member,
            class: 0,
            namespace: self.names.count,
        }
    }

    fn member(
        &self,
        kind: Kind,
        class: &'a Expression<'a>,
        member: &'a [u8],
        around: Around,
    ) -> Option<Key<'a>> {
        let before: &[u8] = match class {
            Expression::Identifier(name) => return Some(self.key(kind, name.value(), member)),
            Expression::Self_(_) => b"self",
            Expression::Static(_) => b"static",
            Expression::Parent(_) => b"parent",
            _ => return None,
        };
        Some(Key {
            class: around.class,
            ..self.key(kind, before, member)
        })
    }

    fn used(
        &mut self,
        key: Key<'a>,
        name: &Identifier<'_>,
        around: Around,
        used: impl FnOnce(&Names) -> Option<Used>,
    ) {
        let offset = match name {
            Identifier::Local(name) => name.span,
            Identifier::Qualified(name) => name.span,
            Identifier::FullyQualified(name) => name.span,
        };
        self.used_at(key, offset.start.offset, around, used);
    }

    fn used_at(
        &mut self,
        key: Key<'a>,
        offset: u32,
        around: Around,
        used: impl FnOnce(&Names) -> Option<Used>,
    ) {
        // Which symbols are declared says nothing of a class's own members; who asks for those is known by its scope.
        let is_guarded = around.on_symbol && !key.is_of_own();
        if is_guarded || around.quiet {
            return;
        }
        let place = Place {
            offset,
            scope: around.scope,
            certainty: match around.is_always_run() {
                true => Certainty::Always,
                false => Certainty::IfReached,
            },
        };
        if let Some(places) = self.uses.get_mut(&key) {
            places.again.push(place);
        } else if let Some(what) = used(&self.names) {
            let (first, again) = (place, Vec::new());
            self.uses.insert(key, UsedAt { what, first, again });
        }
    }
}

fn mentions_define(name: &[u8]) -> bool {
    let mut letters = name.iter().enumerate();
    letters.any(|(at, letter)| matches!(letter, b'f' | b'F') && stands_around(name, at, (b"define", 2)))
        && !name.eq_ignore_ascii_case(b"defined")
}

fn own(around: Around) -> Option<usize> {
    usize::try_from(around.class).ok()?.checked_sub(1)
}

fn of(class: &Expression<'_>, around: Around, names: &Names) -> Option<Of> {
    match class {
        Expression::Identifier(name) => Some(Of::Named(names.class(name.value()))),
        Expression::Self_(_) => own(around).map(Of::Own),
        Expression::Static(_) => own(around).map(Of::Descendant),
        Expression::Parent(_) => own(around).map(Of::Parent),
        _ => None,
    }
}

/// A text without anything in it that is computed; as a name, without a backslash at its beginning.
fn literal(expression: &Expression<'_>) -> Option<String> {
    match expression {
        Expression::Literal(Literal::String(string)) => string.value.map(text),
        _ => None,
    }
}

impl Symbols<'_> {
    pub(super) fn finish(mut self) -> SymbolFacts {
        let uses = std::mem::take(&mut self.uses);
        let uses = uses.into_values().filter_map(|places| self.certain(places));
        let mut uses: Vec<Use> = uses.collect();
        let mut facts = self.facts;
        uses.append(&mut facts.uses);
        uses.sort_by_key(|used| used.at);
        facts.uses = uses;
        let newer = self.newer.into_iter();
        facts.newer_syntax = newer
            .map(|(construct, at)| NewerSyntax {
                construct,
                at: self.lines.spot(at),
            })
            .collect();
        facts.newer_syntax.sort_by_key(|newer| newer.at);
        facts
    }

    /// The first place at which it is most surely used, unless the code asks for it.
    fn certain(&self, places: UsedAt) -> Option<Use> {
        let what = &places.what;
        if self.is_asked_for(what) {
            return None;
        }
        // Which functions or which PHP there are says nothing of a class's own members.
        let asking = match what.is_of_own() {
            true => &self.asking_members,
            false => &self.asking,
        };
        let unguarded = places.each().filter(|place| !self.is_guarded(asking, **place));
        let place = unguarded.min_by_key(|place| (place.certainty, place.offset))?;
        let (at, certainty) = (self.lines.spot(place.offset), place.certainty);
        Some(Use {
            what: places.what,
            at,
            certainty,
        })
    }

    fn is_asked_for(&self, what: &Used) -> bool {
        // Most files ask for nothing.
        if self.asked.is_empty() {
            return false;
        }
        let names: [&str; 2] = match what {
            Used::Class(name) => [name, name],
            Used::Function(resolved) | Used::Constant(resolved) => {
                let last = resolved.name.rsplit('\\').next().unwrap_or_default();
                [&resolved.name, last]
            }
            Used::Method {
                of: Of::Named(class) | Of::Kin(class),
                name,
            }
            | Used::ClassConstant {
                of: Of::Named(class),
                name,
            } => [class, name],
            Used::Method { name, .. } | Used::ClassConstant { name, .. } | Used::OwnMethod { name, .. } => {
                [name, name]
            }
        };
        names.iter().any(|name| self.asked.contains(&*lower(name)))
    }

    /// Whether the code around asks for something first, or may have ended.
    fn is_guarded(&self, asking: &HashMap<u32, u32>, place: Place) -> bool {
        let outside_asks = asking.get(&0);
        if place.certainty == Certainty::Always {
            // It is in no loop: what is asked for behind it is asked too late.
            return outside_asks.is_some_and(|at| *at < place.offset);
        }
        if outside_asks.is_some() && (place.scope == 0 || self.may_end_early) {
            return true;
        }
        let mut scope = place.scope;
        while let Some(around) = self.within.get(&scope) {
            if asking.contains_key(&scope) {
                return true;
            }
            scope = *around;
        }
        false
    }
}
