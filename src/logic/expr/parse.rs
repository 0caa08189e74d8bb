//! Builds the tree of an expression from its tokens.
//!
//! Not here: tokens and which may follow which (`lex.rs`). Start at [`parse`]. Operators wait on a
//! stack until one that binds no tighter arrives, so no nesting in the text nests calls here.

use super::error::{
    ErrorKind, ExprError, SYNTAX, TOO_DEEP, TOO_LONG, UNKNOWN_CONTEXT, UNKNOWN_FUNCTION, WRONG_ARGUMENT_COUNT,
};
use super::functions::{self, Function};
use super::lex::{Lexer, Operator, Token, TokenKind};
use super::tree::{Expr, Node, NodeId, Shape};
use super::{MAX_DEPTH, MAX_LENGTH};

/// Parses one expression, without `${{` and `}}`. Blank text is an expression whose value is null.
///
/// Contexts are not checked against anything; see [`parse_known`].
///
/// # Errors
/// If the text is no expression, calls an unknown function, or is too long or nested too deeply.
pub fn parse(text: &str) -> Result<Expr, ExprError> {
    parse_known(text, &|_| true)
}

/// Parses one expression in which only the contexts may occur that `is_known` answers yes for. It
/// is asked with names in lower case.
///
/// # Errors
/// As [`parse`], and if an unknown context is named, even where it would never be evaluated.
pub fn parse_known(text: &str, is_known: &dyn Fn(&str) -> bool) -> Result<Expr, ExprError> {
    if text.len() > MAX_LENGTH && text.encode_utf16().count() > MAX_LENGTH {
        let message = format!("Exceeded max expression length {MAX_LENGTH}");
        return Err(whole(TOO_LONG, ErrorKind::Lexing, message, text));
    }
    let mut builder = Builder {
        text,
        nodes: Vec::new(),
        operands: Vec::new(),
        calls: Vec::new(),
        waiting: Vec::new(),
        last: None,
    };
    let mut lexer = Lexer::new(text);
    while let Some(token) = lexer.next_token()? {
        builder.push(token, is_known)?;
    }
    builder.finish(lexer.has_unclosed())
}

fn whole(slug: &'static str, kind: ErrorKind, message: String, text: &str) -> ExprError {
    ExprError { slug, kind, message, at: 0, len: text.len(), wanted_hash: None }
}

struct Builder<'t> {
    text: &'t str,
    nodes: Vec<Node>,
    operands: Vec<NodeId>,
    /// Functions whose arguments are not complete, with the first byte of each name.
    calls: Vec<(&'static Function, usize)>,
    /// Operators and opening brackets whose right side is not complete.
    waiting: Vec<Waiting>,
    last: Option<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    kind: TokenKind,
    at: usize,
    end: usize,
}

#[derive(Clone, Copy)]
struct Waiting {
    kind: TokenKind,
    at: usize,
}

impl Builder<'_> {
    fn push(&mut self, token: Token, is_known: &dyn Fn(&str) -> bool) -> Result<(), ExprError> {
        let place = Place { kind: token.kind, at: token.at, end: token.end };
        match token.kind {
            TokenKind::Literal | TokenKind::Member => {
                let value = token.value.expect("the lexer gives a value to literals and members");
                self.operand(Shape::Literal(value), place);
            }
            TokenKind::Star => self.operand(Shape::Star, place),
            TokenKind::Context => {
                let name = self.text[token.at..token.end].to_ascii_lowercase();
                if !is_known(&name) {
                    return Err(self.located(
                        (UNKNOWN_CONTEXT, ErrorKind::Parsing),
                        "Unrecognized named-value",
                        place,
                    ));
                }
                self.operand(Shape::Context(name.into()), place);
            }
            TokenKind::Function => {
                let Some(function) = functions::find(&self.text[token.at..token.end]) else {
                    let mut error =
                        self.located((UNKNOWN_FUNCTION, ErrorKind::Parsing), "Unrecognized function", place);
                    error.message.push_str(&format!(" (functions are {})", functions::names()));
                    return Err(error);
                };
                self.calls.push((function, token.at));
            }
            TokenKind::StartGroup | TokenKind::Operator(Operator::Not) => self.wait(place),
            TokenKind::EndGroup | TokenKind::EndIndex => {
                self.apply_tighter_than(precedence(token.kind));
                self.close(place);
            }
            TokenKind::EndArguments => {
                self.apply_tighter_than(precedence(token.kind));
                self.close_arguments(place)?;
            }
            TokenKind::StartIndex
            | TokenKind::StartArguments
            | TokenKind::Separator
            | TokenKind::Dot
            | TokenKind::Operator(_) => {
                self.apply_tighter_than(precedence(token.kind));
                self.wait(place);
            }
        }
        self.last = Some(place);
        Ok(())
    }

    fn finish(mut self, has_unclosed: bool) -> Result<Expr, ExprError> {
        if let Some(last) = self.last {
            let incomplete = matches!(
                last.kind,
                TokenKind::Function | TokenKind::Dot | TokenKind::Separator | TokenKind::Operator(_)
            ) || has_unclosed;
            if incomplete {
                return Err(self.located((SYNTAX, ErrorKind::Parsing), "Unexpected end of expression", last));
            }
        }
        while !self.waiting.is_empty() {
            self.apply_top();
        }
        let root = self.operands.pop();
        if root.is_some_and(|root| self.nodes[root as usize].depth > MAX_DEPTH) {
            let message = format!("Exceeded max expression depth {MAX_DEPTH}");
            return Err(whole(TOO_DEEP, ErrorKind::Parsing, message, self.text));
        }
        Ok(Expr { text: self.text.into(), nodes: self.nodes, root })
    }

    fn located(&self, class: (&'static str, ErrorKind), what: &str, place: Place) -> ExprError {
        ExprError::located(class, what, self.text, (place.at, place.end))
    }

    fn operand(&mut self, shape: Shape, place: Place) {
        self.add(Node { shape, at: place.at, end: place.end, depth: 1 });
    }

    fn add(&mut self, node: Node) {
        let id = NodeId::try_from(self.nodes.len()).expect("an expression of limited length has few nodes");
        self.nodes.push(node);
        self.operands.push(id);
    }

    fn wait(&mut self, place: Place) {
        self.waiting.push(Waiting { kind: place.kind, at: place.at });
    }

    fn pop_operand(&mut self) -> NodeId {
        self.operands.pop().expect("the lexer lets no operator pass without its operands")
    }

    fn pop_waiting(&mut self) -> Waiting {
        self.waiting.pop().expect("the lexer lets no bracket close that is not open")
    }

    /// Applies the waiting operators that bind at least as tightly, up to the innermost bracket.
    fn apply_tighter_than(&mut self, precedence_of_next: u8) {
        while let Some(top) = self.waiting.last() {
            let is_bracket = matches!(
                top.kind,
                TokenKind::StartGroup
                    | TokenKind::StartIndex
                    | TokenKind::StartArguments
                    | TokenKind::Separator
            );
            if is_bracket || precedence_of_next > precedence(top.kind) {
                return;
            }
            self.apply_top();
        }
    }

    fn apply_top(&mut self) {
        let top = self.pop_waiting();
        let right = self.pop_operand();
        let right_end = self.nodes[right as usize].end;
        if top.kind == TokenKind::Operator(Operator::Not) {
            let depth = self.nodes[right as usize].depth + 1;
            self.add(Node { shape: Shape::Not(right), at: top.at, end: right_end, depth });
            return;
        }
        let left = self.pop_operand();
        let at = self.nodes[left as usize].at;
        match top.kind {
            TokenKind::Operator(operator @ (Operator::And | Operator::Or)) => {
                self.join(operator, left, right)
            }
            TokenKind::Operator(operator) => {
                self.binary(Shape::Compare(operator, left, right), (left, right), at, right_end)
            }
            _ => self.binary(Shape::Index(left, right), (left, right), at, right_end),
        }
    }

    fn binary(&mut self, shape: Shape, (left, right): (NodeId, NodeId), at: usize, end: usize) {
        let depth = self.nodes[left as usize].depth.max(self.nodes[right as usize].depth) + 1;
        self.add(Node { shape, at, end, depth });
    }

    /// Adds `&&` or `||`; a chain of one operator is one node, so that a long chain is not deep.
    fn join(&mut self, operator: Operator, left: NodeId, right: NodeId) {
        let (at, end) = (self.nodes[left as usize].at, self.nodes[right as usize].end);
        let (mut parts, left_depth) = self.take_parts(operator, left);
        let (mut more, right_depth) = self.take_parts(operator, right);
        parts.append(&mut more);
        let depth = left_depth.max(right_depth) + 1;
        let shape = if operator == Operator::And { Shape::And(parts) } else { Shape::Or(parts) };
        self.add(Node { shape, at, end, depth });
    }

    /// Returns the parts that a node adds to a chain of the operator, and the depth of the deepest.
    fn take_parts(&mut self, operator: Operator, id: NodeId) -> (Vec<NodeId>, usize) {
        let node = &mut self.nodes[id as usize];
        match (operator, &mut node.shape) {
            (Operator::And, Shape::And(parts)) | (Operator::Or, Shape::Or(parts)) => {
                (std::mem::take(parts), node.depth - 1)
            }
            _ => (vec![id], node.depth),
        }
    }

    /// Closes a group or an index.
    fn close(&mut self, place: Place) {
        if self.pop_waiting().kind == TokenKind::StartIndex {
            let index = self.pop_operand();
            let base = self.pop_operand();
            let at = self.nodes[base as usize].at;
            self.binary(Shape::Index(base, index), (base, index), at, place.end);
        }
    }

    fn close_arguments(&mut self, place: Place) -> Result<(), ExprError> {
        let mut args = Vec::new();
        if self.last.is_some_and(|last| last.kind != TokenKind::StartArguments) {
            while self.waiting.last().is_some_and(|top| top.kind == TokenKind::Separator) {
                self.waiting.pop();
                args.push(self.pop_operand());
            }
            args.push(self.pop_operand());
            args.reverse();
        }
        self.pop_waiting();
        let (function, at) =
            self.calls.pop().expect("the lexer opens arguments only after a function's name");
        let name = Place { kind: TokenKind::Function, at, end: at + function.name.len() };
        self.check_count(function, args.len(), name)?;
        let depth = args.iter().map(|arg| self.nodes[*arg as usize].depth).max().unwrap_or(0) + 1;
        self.add(Node { shape: Shape::Call(function, args), at, end: place.end, depth });
        Ok(())
    }

    fn check_count(&self, function: &Function, count: usize, name: Place) -> Result<(), ExprError> {
        let what = if count < function.min {
            "Too few parameters supplied"
        } else if count > function.max {
            "Too many parameters supplied"
        } else if function.needs_odd_count() && count.is_multiple_of(2) {
            "Even number of parameters supplied, requires an odd number of parameters"
        } else {
            return Ok(());
        };
        Err(self.located((WRONG_ARGUMENT_COUNT, ErrorKind::Parsing), what, name))
    }
}

/// How tightly a token binds. A group is not listed: it never makes waiting operators apply.
fn precedence(kind: TokenKind) -> u8 {
    match kind {
        TokenKind::StartIndex | TokenKind::StartArguments | TokenKind::Dot => 19,
        TokenKind::Operator(Operator::Not) => 16,
        TokenKind::Operator(
            Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual,
        ) => 11,
        TokenKind::Operator(Operator::Equal | Operator::NotEqual) => 10,
        TokenKind::Operator(Operator::And) => 6,
        TokenKind::Operator(Operator::Or) => 5,
        TokenKind::EndGroup | TokenKind::EndIndex | TokenKind::EndArguments | TokenKind::Separator => 1,
        _ => 0,
    }
}
