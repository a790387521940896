//! Deserialises typed forms from [`Fields`]: a struct that derives `Deserialize` declares the
//! fields of a body, and each field is read according to its type. A number may be text, a list
//! CSV, and a file base64 (see [`Fields`]). Errors name the field.

use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use clippy_common::shorten;
use clippy_core::{Error, Result};
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer,
    MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::fields::Fields;

/// A file of a form.
#[derive(Debug, Clone)]
pub(crate) struct File(pub(crate) Bytes);

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct FileVisitor;

        impl Visitor<'_> for FileVisitor {
            type Value = File;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a file")
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> std::result::Result<File, E> {
                Ok(File(bytes.into()))
            }
        }

        deserializer.deserialize_byte_buf(FileVisitor)
    }
}

/// Reads a form. Fields without a value have their defaults.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] that names the field, and `TooLarge` for a long text.
pub(crate) fn read_form<T: DeserializeOwned>(fields: &mut Fields) -> Result<T> {
    T::deserialize(FormDeserializer { fields }).map_err(|error| error.0)
}

/// Returns the names of a form's fields.
pub(crate) fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let names = Cell::new(&[][..]);
    // It always fails after it has recorded the names.
    drop(T::deserialize(NamesDeserializer { names: &names }));
    names.get()
}

/// Carries an [`Error`] through serde.
#[derive(Debug)]
struct FormError(Error);

impl fmt::Display for FormError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl std::error::Error for FormError {}

impl de::Error for FormError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Error::invalid(message.to_string()))
    }
}

impl From<Error> for FormError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// Deserialises a struct from fields.
struct FormDeserializer<'f> {
    fields: &'f mut Fields,
}

impl<'de> Deserializer<'de> for FormDeserializer<'_> {
    type Error = FormError;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        visitor.visit_map(FormAccess {
            fields: self.fields,
            left: names,
        })
    }

    fn deserialize_any<V: Visitor<'de>>(
        self,
        _visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        Err(de::Error::custom("a form is a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Iterates over the fields that have a value.
struct FormAccess<'f> {
    fields: &'f mut Fields,
    left: &'static [&'static str],
}

impl<'de> MapAccess<'de> for FormAccess<'_> {
    type Error = FormError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> std::result::Result<Option<K::Value>, FormError> {
        while let Some((name, rest)) = self.left.split_first() {
            if self.fields.has_value(name) {
                return seed.deserialize(StrDeserializer::new(name)).map(Some);
            }
            self.left = rest;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> std::result::Result<V::Value, FormError> {
        let Some((name, rest)) = self.left.split_first() else {
            return Err(de::Error::custom("a value without a name"));
        };
        self.left = rest;
        seed.deserialize(FieldDeserializer {
            fields: self.fields,
            name,
        })
    }
}

/// Deserialises one field according to its type.
struct FieldDeserializer<'f> {
    fields: &'f mut Fields,
    name: &'static str,
}

impl FieldDeserializer<'_> {
    fn missing(&self) -> FormError {
        de::Error::custom(format_args!("{} is missing", self.name))
    }
}

/// Defines methods that read a single value with the method of [`Fields`] for its type.
macro_rules! single {
    ($($method:ident $read:ident $visit:ident),*) => {
        $(
            fn $method<V: Visitor<'de>>(
                self,
                visitor: V,
            ) -> std::result::Result<V::Value, FormError> {
                let value = self.fields.$read(self.name)?.ok_or_else(|| self.missing())?;
                visitor.$visit(value)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for FieldDeserializer<'_> {
    type Error = FormError;

    single! {
        deserialize_bool boolean visit_bool,
        deserialize_f32 number visit_f32,
        deserialize_str text visit_string,
        deserialize_string text visit_string
    }

    fn deserialize_u64<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        let count = self.fields.count(self.name)?;
        visitor.visit_u64(count.ok_or_else(|| self.missing())? as u64)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        let file = self.fields.file(self.name)?;
        visitor.visit_byte_buf(file.ok_or_else(|| self.missing())?.into())
    }

    fn deserialize_option<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        let members = self.fields.list(self.name)?;
        visitor.visit_seq(SeqDeserializer::new(members.into_iter()))
    }

    /// Reads one of several words, in upper or lower case.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        let text = self.fields.text(self.name)?.ok_or_else(|| self.missing())?;
        let word = text.trim().to_ascii_lowercase();
        if words.contains(&word.as_str()) {
            return visitor.visit_enum(word.into_deserializer());
        }
        let shown = shorten(&word, 60);
        let expected = match words {
            [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
            _ => words.join(", "),
        };
        let name = self.name;
        Err(de::Error::custom(format_args!(
            "{name} is \"{shown}\", but must be {expected}"
        )))
    }

    fn deserialize_any<V: Visitor<'de>>(
        self,
        _visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        Err(de::Error::custom(format_args!(
            "{} has a type that form fields do not support",
            self.name
        )))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u32 f64 char bytes unit unit_struct newtype_struct tuple tuple_struct
        map struct identifier ignored_any
    }
}

/// Records the names of a struct's fields, and reads nothing.
struct NamesDeserializer<'n> {
    names: &'n Cell<&'static [&'static str]>,
}

impl<'de> Deserializer<'de> for NamesDeserializer<'_> {
    type Error = FormError;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        _visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        self.names.set(names);
        Err(de::Error::custom("only the names are read"))
    }

    fn deserialize_any<V: Visitor<'de>>(
        self,
        _visitor: V,
    ) -> std::result::Result<V::Value, FormError> {
        Err(de::Error::custom("a form is a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Form {
        words: Option<String>,
        weight: Option<f32>,
        top: Option<usize>,
        exact: Option<bool>,
        tags: Vec<String>,
        mode: Mode,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        #[default]
        Any,
        All,
    }

    fn read(body: &Value) -> Result<Form> {
        let names = names_of::<Form>();
        let mut fields = Fields::from_json(body.to_string().as_bytes(), names, &[])?;
        read_form(&mut fields)
    }

    #[test]
    fn the_type_determines_the_names_and_how_each_is_read() {
        assert_eq!(
            names_of::<Form>(),
            ["words", "weight", "top", "exact", "tags", "mode"]
        );
        let read = read(&json!({
            "words": 7, "weight": "0.5", "top": "24", "exact": "on", "tags": "a, b", "mode": " ALL",
            "unknown": {}
        }));
        let expected = Form {
            words: Some("7".to_owned()),
            weight: Some(0.5),
            top: Some(24),
            exact: Some(true),
            tags: vec!["a".to_owned(), "b".to_owned()],
            mode: Mode::All,
        };
        assert_eq!(read.expect("a form"), expected);
    }

    #[test]
    fn fields_without_a_value_have_their_defaults() {
        let nothing = json!({ "words": " ", "weight": null, "top": "", "tags": [], "mode": "" });
        assert_eq!(read(&nothing).expect("nothing"), Form::default());
    }

    #[test]
    fn errors_name_the_field() {
        for (wrong, message) in [
            (
                json!({ "weight": "much" }),
                "weight is \"much\", but must be a number",
            ),
            (json!({ "exact": "maybe" }), "exact is \"maybe\""),
            (json!({ "top": -1 }), "top is \"-1\""),
            (
                json!({ "mode": "some" }),
                "mode is \"some\", but must be any or all",
            ),
            (json!({ "tags": [{}] }), "tags is"),
        ] {
            let error = read(&wrong).expect_err("it cannot work");
            assert!(error.message.starts_with(message), "{}", error.message);
        }
    }
}
