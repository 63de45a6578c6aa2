//! What the facts of a file say apart from where in the file it stands.
//!
//! Any value goes in that serde can write; each [`Spot`] in it is taken out, however deep it lies. So a place that some
//! later fact has is found without anything being said of it here, and one that is no `Spot` is part of what is said.

use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

use crate::facts::Spot;

/// The name under which serde meets a [`Spot`].
const SPOT: &str = "Spot";
/// What a spot comes to in bytes: two numbers of four.
const SPOT_BYTES: usize = 8;

/// What is said, and where.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Of two values of one type, equal if they say the same in other places.
    pub(crate) said: Vec<u8>,
    /// In the order in which they were met.
    pub(crate) spots: Vec<Spot>,
}

/// The outline of a value; `None`: it cannot be written down.
pub(crate) fn outline<T: Serialize>(value: &T) -> Option<Outline> {
    let mut outline = Outline::default();
    value.serialize(&mut outline).ok()?;
    Some(outline)
}

/// Why a value cannot be written down.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotOutlined(String);

impl serde::ser::Error for NotOutlined {
    fn custom<T: std::fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

type Done = Result<(), NotOutlined>;

impl Outline {
    fn number(&mut self, number: impl Into<u64>) -> Done {
        self.said.extend_from_slice(&number.into().to_le_bytes());
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Done {
        self.length(Some(text.len()))?;
        self.said.extend_from_slice(text);
        Ok(())
    }

    fn length(&mut self, length: Option<usize>) -> Done {
        let length = length.and_then(|length| u64::try_from(length).ok());
        self.number(length.ok_or_else(|| NotOutlined("a length that is not known".to_owned()))?)
    }

    /// Takes out again what was written of a spot.
    fn take_spot(&mut self) -> Done {
        let Some((before, [a, b, c, d, e, f, g, h])) = self.said.split_last_chunk::<SPOT_BYTES>() else {
            return Err(NotOutlined("a spot without its numbers".to_owned()));
        };
        let (line, column) = (
            u32::from_le_bytes([*a, *b, *c, *d]),
            u32::from_le_bytes([*e, *f, *g, *h]),
        );
        let left = before.len();
        self.said.truncate(left);
        self.spots.push(Spot { line, column });
        Ok(())
    }
}

macro_rules! numbers {
    ($($name:ident: $number:ty,)*) => {
        $(fn $name(self, number: $number) -> Done {
            self.said.extend_from_slice(&number.to_le_bytes());
            Ok(())
        })*
    };
}

impl<'o> Serializer for &'o mut Outline {
    type Ok = ();
    type Error = NotOutlined;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Fields<'o>;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_f32: f32,
        serialize_f64: f64,
    }

    fn serialize_bool(self, is: bool) -> Done {
        self.number(is)
    }

    fn serialize_char(self, letter: char) -> Done {
        self.number(u32::from(letter))
    }

    fn serialize_str(self, text: &str) -> Done {
        self.text(text.as_bytes())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Done {
        self.text(bytes)
    }

    fn serialize_none(self) -> Done {
        self.number(0_u8)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.number(1_u8)?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, variant: u32, _: &'static str) -> Done {
        self.number(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Done {
        self.number(variant)?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, NotOutlined> {
        self.length(length)?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, NotOutlined> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, NotOutlined> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NotOutlined> {
        self.number(variant)?;
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, NotOutlined> {
        self.length(length)?;
        Ok(self)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'o>, NotOutlined> {
        let is_spot = name == SPOT;
        Ok(Fields { of: self, is_spot })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NotOutlined> {
        self.number(variant)?;
        Ok(self)
    }
}

/// The fields of a struct.
pub(crate) struct Fields<'o> {
    of: &'o mut Outline,
    is_spot: bool,
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = NotOutlined;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Done {
        value.serialize(&mut *self.of)
    }

    fn end(self) -> Done {
        match self.is_spot {
            true => self.of.take_spot(),
            false => Ok(()),
        }
    }
}

/// What is made of parts is its parts, one after the other.
macro_rules! parts {
    ($($of:ident: $part:ident,)*) => {
        $(impl $of for &mut Outline {
            type Ok = ();
            type Error = NotOutlined;

            fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                value.serialize(&mut **self)
            }

            fn end(self) -> Done {
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

impl SerializeMap for &mut Outline {
    type Ok = ();
    type Error = NotOutlined;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(&mut **self)
    }

    fn end(self) -> Done {
        Ok(())
    }
}

impl SerializeStructVariant for &mut Outline {
    type Ok = ();
    type Error = NotOutlined;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Done {
        value.serialize(&mut **self)
    }

    fn end(self) -> Done {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FileFacts;
    use crate::parse::{arena, parse};

    fn of(code: &str) -> Outline {
        let facts: FileFacts = parse(&mut arena(), code.as_bytes());
        outline(&facts).expect("an outline")
    }

    #[test]
    fn what_is_said_elsewhere_is_the_same() {
        let code = "<?php function f() { g(); } class A { const B = 1; } require 'x' . C; var_dump(1);";
        let (one, other) = (of(code), of(&code.replace(' ', "\n")));
        assert_eq!(one.said, other.said);
        assert_eq!(one.spots.len(), other.spots.len());
        assert!(one.spots.len() >= 5, "{one:?}");
        assert_ne!(one.spots, other.spots);
        for (a, b) in [
            ("g()", "h()"),
            ("B = 1", "D = 1"),
            ("'x'", "'y'"),
            ("require", "include"),
        ] {
            assert_ne!(one.said, of(&code.replace(a, b)).said, "{a}");
        }
    }
}
