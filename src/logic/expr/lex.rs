//! Cuts an expression into tokens, each judged by the token before it.
//!
//! Not here: precedence and the tree (`parse.rs`). Start at [`Lexer::next_token`]. The language
//! decides already here whether a `.` begins a number and whether a `(` opens a call, so a token
//! that may not follow its neighbour is found in this file too.

use super::coerce;
use super::error::{ErrorKind, ExprError, SYNTAX};
use crate::logic::value::Value;

/// An operator between or before operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Not,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    StartGroup,
    StartIndex,
    StartArguments,
    EndGroup,
    EndIndex,
    EndArguments,
    Separator,
    Dot,
    Star,
    Operator(Operator),
    Literal,
    Member,
    Function,
    Context,
}

impl TokenKind {
    /// Says whether an operand is complete after this token.
    fn ends_operand(self) -> bool {
        self.ends_path() || self == Self::Literal
    }

    /// Says whether a `.` or `[` may follow.
    fn ends_path(self) -> bool {
        matches!(
            self,
            Self::EndGroup | Self::EndArguments | Self::EndIndex | Self::Star | Self::Member | Self::Context
        )
    }

    /// Says whether an operand may begin after this token.
    fn begins_operand(self) -> bool {
        matches!(
            self,
            Self::Separator | Self::StartGroup | Self::StartArguments | Self::StartIndex | Self::Operator(_)
        )
    }
}

/// A token: kind, byte range, and the value of a literal or member name.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub at: usize,
    pub end: usize,
    pub value: Option<Value>,
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    next: usize,
    last: Option<TokenKind>,
    unclosed: Vec<TokenKind>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, next: 0, last: None, unclosed: Vec::new() }
    }

    /// Says whether a bracket is still open.
    pub(super) fn has_unclosed(&self) -> bool {
        !self.unclosed.is_empty()
    }

    /// Returns the next token, or nothing at the end of the text.
    pub(super) fn next_token(&mut self) -> Result<Option<Token>, ExprError> {
        let rest = &self.text[self.next..];
        let at = self.next + (rest.len() - rest.trim_start().len());
        let Some(first) = self.text[at..].chars().next() else { return Ok(None) };
        let single = |kind| Ok((kind, at + 1, None));
        let (kind, end, value) = match first {
            '(' if self.last == Some(TokenKind::Function) => single(TokenKind::StartArguments),
            '(' => single(TokenKind::StartGroup),
            ')' if self.unclosed.last() == Some(&TokenKind::StartArguments) => {
                single(TokenKind::EndArguments)
            }
            ')' => single(TokenKind::EndGroup),
            '[' => single(TokenKind::StartIndex),
            ']' => single(TokenKind::EndIndex),
            ',' => single(TokenKind::Separator),
            '*' => single(TokenKind::Star),
            '\'' => self.string(at),
            '!' | '>' | '<' | '=' | '&' | '|' => self.operator(at),
            '.' if !self.begins_operand() => single(TokenKind::Dot),
            '.' | '-' | '+' | '0'..='9' => self.number(at),
            _ => self.word(at),
        }?;
        self.check_order(kind, at, end)?;
        self.track_brackets(kind, at, end)?;
        self.next = end;
        self.last = Some(kind);
        Ok(Some(Token { kind, at, end, value }))
    }

    fn begins_operand(&self) -> bool {
        self.last.is_none_or(TokenKind::begins_operand)
    }

    fn check_order(&self, kind: TokenKind, at: usize, end: usize) -> Result<(), ExprError> {
        let last = self.last;
        let after_operand = last.is_some_and(TokenKind::ends_operand);
        let legal = match kind {
            TokenKind::StartGroup
            | TokenKind::Operator(Operator::Not)
            | TokenKind::Literal
            | TokenKind::Function
            | TokenKind::Context => self.begins_operand(),
            TokenKind::StartIndex | TokenKind::Dot => last.is_some_and(TokenKind::ends_path),
            TokenKind::StartArguments => last == Some(TokenKind::Function),
            TokenKind::EndArguments => after_operand || last == Some(TokenKind::StartArguments),
            TokenKind::EndGroup | TokenKind::EndIndex | TokenKind::Separator | TokenKind::Operator(_) => {
                after_operand
            }
            TokenKind::Star => matches!(last, Some(TokenKind::StartIndex | TokenKind::Dot)),
            TokenKind::Member => last == Some(TokenKind::Dot),
        };
        if legal { Ok(()) } else { Err(self.unexpected(ErrorKind::Parsing, at, end)) }
    }

    fn track_brackets(&mut self, kind: TokenKind, at: usize, end: usize) -> Result<(), ExprError> {
        let needs = match kind {
            TokenKind::StartGroup | TokenKind::StartIndex | TokenKind::StartArguments => {
                self.unclosed.push(kind);
                return Ok(());
            }
            TokenKind::EndGroup => TokenKind::StartGroup,
            TokenKind::EndIndex => TokenKind::StartIndex,
            TokenKind::EndArguments | TokenKind::Separator => TokenKind::StartArguments,
            _ => return Ok(()),
        };
        if self.unclosed.last() != Some(&needs) {
            return Err(self.unexpected(ErrorKind::Parsing, at, end));
        }
        if kind != TokenKind::Separator {
            self.unclosed.pop();
        }
        Ok(())
    }

    fn unexpected(&self, kind: ErrorKind, at: usize, end: usize) -> ExprError {
        ExprError::located((SYNTAX, kind), "Unexpected symbol", self.text, (at, end))
    }

    /// Returns where the word that begins at `at` ends; its first character always belongs to it.
    fn word_end(&self, at: usize, with_dots: bool) -> usize {
        let mut chars = self.text[at..].char_indices();
        chars.next();
        chars
            .find(|&(_, c)| is_boundary(c) && !(with_dots && c == '.'))
            .map_or(self.text.len(), |(i, _)| at + i)
    }

    fn string(&self, at: usize) -> Result<(TokenKind, usize, Option<Value>), ExprError> {
        let mut text = String::new();
        let mut from = at + 1;
        while let Some(found) = self.text[from..].find('\'') {
            text.push_str(&self.text[from..from + found]);
            let after = from + found + 1;
            if !self.text[after..].starts_with('\'') {
                return Ok((TokenKind::Literal, after, Some(Value::string(text))));
            }
            text.push('\'');
            from = after + 1;
        }
        Err(self.unexpected(ErrorKind::Lexing, at, self.text.len()))
    }

    fn operator(&self, at: usize) -> Result<(TokenKind, usize, Option<Value>), ExprError> {
        let rest = &self.text.as_bytes()[at..];
        let (operator, len) = match rest {
            [b'!', b'=', ..] => (Operator::NotEqual, 2),
            [b'>', b'=', ..] => (Operator::GreaterOrEqual, 2),
            [b'<', b'=', ..] => (Operator::LessOrEqual, 2),
            [b'=', b'=', ..] => (Operator::Equal, 2),
            [b'&', b'&', ..] => (Operator::And, 2),
            [b'|', b'|', ..] => (Operator::Or, 2),
            [b'!', ..] => (Operator::Not, 1),
            [b'>', ..] => (Operator::Greater, 1),
            [b'<', ..] => (Operator::Less, 1),
            _ => return Err(self.unexpected(ErrorKind::Lexing, at, self.word_end(at, false))),
        };
        Ok((TokenKind::Operator(operator), at + len, None))
    }

    fn number(&self, at: usize) -> Result<(TokenKind, usize, Option<Value>), ExprError> {
        let end = self.word_end(at, true);
        let number = coerce::parse_number(&self.text[at..end]);
        if number.is_nan() {
            return Err(self.unexpected(ErrorKind::Lexing, at, end));
        }
        Ok((TokenKind::Literal, end, Some(Value::Number(number))))
    }

    fn word(&self, at: usize) -> Result<(TokenKind, usize, Option<Value>), ExprError> {
        let end = self.word_end(at, false);
        let word = &self.text[at..end];
        if !is_keyword(word) {
            return Err(self.unexpected(ErrorKind::Lexing, at, end));
        }
        if self.last == Some(TokenKind::Dot) {
            return Ok((TokenKind::Member, end, Some(Value::string(word))));
        }
        let literal = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => Value::Number(f64::NAN),
            "Infinity" => Value::Number(f64::INFINITY),
            _ if self.text[end..].trim_start().starts_with('(') => {
                return Ok((TokenKind::Function, end, None));
            }
            _ => return Ok((TokenKind::Context, end, None)),
        };
        Ok((TokenKind::Literal, end, Some(literal)))
    }
}

/// Says whether a word ends before this character.
fn is_boundary(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']' | ',' | '.' | '!' | '>' | '<' | '=' | '&' | '|') || c.is_whitespace()
}

/// Says whether the word may be a name: a letter or `_`, then letters, digits, `_` and `-`.
fn is_keyword(word: &str) -> bool {
    let mut bytes = word.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
