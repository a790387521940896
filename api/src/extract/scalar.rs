//! JSON values with limits that apply during parsing: a text that is too long, and members beyond
//! the limit, are skipped and never stored.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Number;

/// The longest text of one field, in bytes. No field of the API needs more.
pub(crate) const LONGEST_TEXT: usize = 64 << 10;
/// How many members of a list are kept. No field of the API needs more.
pub(crate) const MOST_MEMBERS: usize = 256;

/// The value of a field, whose type is decided later: clients send numbers as text, and a single
/// value for a list of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// The length in bytes of a text that was too long to keep.
    LongText(usize),
    /// The kept members, and the number of all members.
    List(Vec<Scalar>, usize),
    Object,
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(boolean) => write!(formatter, "{boolean}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
            Self::LongText(bytes) => write!(formatter, "a text of {bytes} bytes"),
            Self::List(_, count) => write!(formatter, "a list of {count}"),
            Self::Object => formatter.write_str("an object"),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor { lists: true })
    }
}

/// A member of a list. Nested lists are skipped.
struct Member;

impl<'de> DeserializeSeed<'de> for Member {
    type Value = Scalar;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(ScalarVisitor { lists: false })
    }
}

struct ScalarVisitor {
    lists: bool,
}

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(boolean))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Number::from_f64(number).map_or(Scalar::Null, Scalar::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(if text.len() > LONGEST_TEXT {
            Scalar::LongText(text.len())
        } else {
            Scalar::Text(text.to_owned())
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Scalar, A::Error> {
        let (mut kept, mut count) = (Vec::new(), 0);
        while self.lists && kept.len() < MOST_MEMBERS {
            match members.next_element_seed(Member)? {
                Some(member) => kept.push(member),
                None => return Ok(Scalar::List(kept, count)),
            }
            count += 1;
        }
        while members.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Scalar::List(kept, count))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}

/// Deserialises a list of at most `MOST` members, or null: `#[serde(default, deserialize_with =
/// "at_most::<_, _, 64>")]`. A longer list is refused at its first member beyond the limit.
///
/// # Errors
/// Those of the format, and one for a list that is too long.
pub(crate) fn at_most<'de, D, T, const MOST: usize>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_option(ListVisitor::<T, MOST>(PhantomData))
}

struct ListVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for ListVisitor<T, MOST> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {MOST} members")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < MOST {
            match members.next_element()? {
                Some(member) => kept.push(member),
                None => return Ok(Some(kept)),
            }
        }
        match members.next_element::<IgnoredAny>()? {
            None => Ok(Some(kept)),
            Some(_) => Err(de::Error::custom(format_args!(
                "a list has more than {MOST} members"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(json: &str) -> Scalar {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn every_value_is_read_and_kept_up_to_its_limit() {
        assert_eq!(scalar("null"), Scalar::Null);
        assert_eq!(scalar("7"), Scalar::Number(7.into()));
        assert_eq!(scalar("\"a\""), Scalar::Text("a".to_owned()));
        assert_eq!(scalar("{\"a\": [1, {}]}"), Scalar::Object);
        let text = format!("\"{}\"", "x".repeat(LONGEST_TEXT + 1));
        assert_eq!(scalar(&text), Scalar::LongText(LONGEST_TEXT + 1));
        let Scalar::List(kept, count) = scalar(&format!("[{}0]", "0,".repeat(9_999))) else {
            panic!("a list")
        };
        assert_eq!((kept.len(), count), (MOST_MEMBERS, 10_000));
        let Scalar::List(kept, 2) = scalar("[[1, 2, 3], 4]") else {
            panic!("a list")
        };
        assert_eq!(
            kept,
            [Scalar::List(Vec::new(), 3), Scalar::Number(4.into())]
        );
    }

    #[test]
    fn a_list_is_refused_at_its_first_member_beyond_the_limit() {
        #[derive(Debug, Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "at_most::<_, _, 2>")]
            list: Option<Vec<u8>>,
        }
        let read = |json: &str| serde_json::from_str::<Body>(json).map(|body| body.list);
        assert_eq!(read("{}").expect("absent"), None);
        assert_eq!(read("{\"list\": null}").expect("null"), None);
        assert_eq!(read("{\"list\": [1, 2]}").expect("two"), Some(vec![1, 2]));
        let error = read("{\"list\": [1, 2, 3]}").expect_err("three");
        assert!(error.to_string().contains("more than 2"), "{error}");
    }
}
