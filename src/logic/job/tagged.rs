//! Events as maps whose first member names them: `{"event":"JobStarted","attempt":1}`.
//!
//! That is what `serde` calls internally tagged, and does itself. It would keep all of a map aside until it knows its kind,
//! which takes longer than all else where a journal of thousands of events is read; here the kind comes first, as whoever
//! writes them puts it there. Not here: what events there are (`event.rs`).

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer, MapDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{self, Impossible, Serialize, SerializeStruct, Serializer};
use serde_json::{Map, Value};

use super::event::Event;

#[cfg(test)]
#[path = "tagged_tests.rs"]
mod tests;

/// The member that says what an event is.
const KIND: &str = "event";

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reading)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // What is derived, which writes the kind around the rest.
        Self::serialize(self, Writing { to, kind: None })
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Event;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Event, A::Error> {
        let first: Option<Name<'de>> = members.next_key()?;
        match first {
            Some(Name(name)) if name == KIND => {
                let Name(kind) = members.next_value()?;
                Event::deserialize(OfKind { kind, members })
            }
            first => {
                let mut all = Map::new();
                if let Some(Name(name)) = first {
                    all.insert(name.into_owned(), members.next_value()?);
                }
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    all.insert(name, value);
                }
                let Some(Value::String(kind)) = all.remove(KIND) else {
                    return Err(de::Error::missing_field(KIND));
                };
                let members = MapDeserializer::new(all.into_iter());
                Event::deserialize(OfKind { kind: Cow::Owned(kind), members })
                    .map_err(|error: serde_json::Error| de::Error::custom(error))
            }
        }
    }
}

/// A text that is copied only where it has to be.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Text)
    }
}

/// An event whose kind is known, and whose other members are still to be read.
struct OfKind<'a, A> {
    kind: Cow<'a, str>,
    members: A,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for OfKind<'de, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> de::EnumAccess<'de> for OfKind<'de, A> {
    type Error = A::Error;
    type Variant = Members<A>;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Members<A>), A::Error> {
        let kind = seed.deserialize(CowStrDeserializer::new(self.kind))?;
        Ok((kind, Members(self.members)))
    }
}

/// All of an event besides its kind.
struct Members<A>(A);

impl<'de, A: MapAccess<'de>> de::VariantAccess<'de> for Members<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        while self.0.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        seed.deserialize(MapAccessDeserializer::new(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }
}

/// Writes a variant with members as a struct that begins with its kind.
struct Writing<S> {
    to: S,
    /// The variant, while what is written is all of its members.
    kind: Option<&'static str>,
}

impl<S: Serializer> Writing<S> {
    fn begin(
        self,
        name: &'static str,
        kind: Option<&'static str>,
        length: usize,
    ) -> Result<Fields<S>, S::Error> {
        let Some(kind) = kind.or(self.kind) else { return Err(no_event()) };
        let mut fields = self.to.serialize_struct(name, length + 1)?;
        fields.serialize_field(KIND, kind)?;
        Ok(Fields(fields))
    }
}

fn no_event<E: ser::Error>() -> E {
    E::custom("an event has members with names, and nothing else")
}

struct Fields<S: Serializer>(S::SerializeStruct);

impl<S: Serializer> SerializeStruct for Fields<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        self.0.serialize_field(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
        self.0.skip_field(key)
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

impl<S: Serializer> ser::SerializeStructVariant for Fields<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        self.0.serialize_field(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
        self.0.skip_field(key)
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

/// What no event is.
macro_rules! refused {
    ($($name:ident($($argument:ty),*) -> $given:ty;)*) => {
        $(fn $name(self, $(_: $argument),*) -> Result<$given, S::Error> {
            Err(no_event())
        })*
    };
}

impl<S: Serializer> Serializer for Writing<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Impossible<S::Ok, S::Error>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = Fields<S>;
    type SerializeStructVariant = Fields<S>;

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Fields<S>, S::Error> {
        self.begin(name, None, length)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Fields<S>, S::Error> {
        self.begin(name, Some(variant), length)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(Self { kind: Some(variant), ..self })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        Err(no_event())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<S::Ok, S::Error> {
        Err(no_event())
    }

    refused! {
        serialize_bool(bool) -> S::Ok;
        serialize_i8(i8) -> S::Ok;
        serialize_i16(i16) -> S::Ok;
        serialize_i32(i32) -> S::Ok;
        serialize_i64(i64) -> S::Ok;
        serialize_u8(u8) -> S::Ok;
        serialize_u16(u16) -> S::Ok;
        serialize_u32(u32) -> S::Ok;
        serialize_u64(u64) -> S::Ok;
        serialize_f32(f32) -> S::Ok;
        serialize_f64(f64) -> S::Ok;
        serialize_char(char) -> S::Ok;
        serialize_str(&str) -> S::Ok;
        serialize_bytes(&[u8]) -> S::Ok;
        serialize_none() -> S::Ok;
        serialize_unit() -> S::Ok;
        serialize_unit_struct(&'static str) -> S::Ok;
        serialize_unit_variant(&'static str, u32, &'static str) -> S::Ok;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
    }
}
