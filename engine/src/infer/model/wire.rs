//! The wire format of protocol buffers: a message is a sequence of fields, each a number, a wire type
//! and a value.
//!
//! The reader never recurses and allocates nothing but the lists that it is asked for, each with a
//! limit. It refuses what other readers understand in several ways: a singular field that occurs
//! twice (merged, or the last one wins), a field of another wire type than declared (skipped), an
//! integer that doesn't fit its type (cut off), and fields that this library doesn't know, which a
//! newer runtime may know. So that what is checked here is what a runtime sees.

use super::fault::{Quoted, Result, at_most, refuse};

/// The fields of a message.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// The field's number in the message's definition.
    pub(super) number: u32,
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Varint(u64),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<Field<'a>> {
        let tag = self.varint()?;
        let number = match u32::try_from(tag >> 3) {
            Ok(number) if number > 0 && tag <= u64::from(u32::MAX) => number,
            _ => return refuse("damaged: a field without a valid number"),
        };
        let value = match tag & 7 {
            VARINT => Value::Varint(self.varint()?),
            FIXED_32 => match self.rest.split_first_chunk() {
                Some((&bytes, rest)) => {
                    self.rest = rest;
                    Value::Fixed32(bytes)
                }
                None => return refuse(format!("damaged: field {number} is cut short")),
            },
            BYTES => {
                let length = self.varint()?;
                let split = usize::try_from(length)
                    .ok()
                    .and_then(|length| self.rest.split_at_checked(length));
                let Some((bytes, rest)) = split else {
                    return refuse(format!(
                        "damaged: field {number} has {length} bytes, {} are left",
                        self.rest.len()
                    ));
                };
                self.rest = rest;
                Value::Bytes(bytes)
            }
            FIXED_64 => return refuse(format!("field {number} has 64 fixed bits: not read")),
            kind => return refuse(format!("damaged: field {number} has wire type {kind}")),
        };
        Ok(Field { number, value })
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7F);
            if index == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        refuse("damaged: a number is cut short or has more than 64 bits")
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    /// A signed integer of 64 bits.
    pub(super) fn int(self) -> Result<i64> {
        match self.value {
            Value::Varint(value) => Ok(value.cast_signed()),
            _ => self.other_type(),
        }
    }

    /// A signed integer of 32 bits, or an enumeration.
    pub(super) fn int32(self) -> Result<i32> {
        let value = self.int()?;
        i32::try_from(value).or_else(|_| {
            refuse(format!(
                "field {} is {value}, which is no integer of 32 bits",
                self.number
            ))
        })
    }

    pub(super) fn float(self) -> Result<f32> {
        match self.value {
            Value::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => self.other_type(),
        }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => self.other_type(),
        }
    }

    pub(super) fn text(self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?)
            .or_else(|_| refuse(format!("field {} is not UTF-8", self.number)))
    }

    /// A name of at most `most` bytes.
    pub(super) fn name(self, most: usize) -> Result<&'a str> {
        let name = self.text()?;
        match at_most("bytes in a name", name.len() as u64, most as u64) {
            Ok(()) => Ok(name),
            Err(fault) => Err(fault.within(Quoted(name))),
        }
    }

    /// A message.
    pub(super) fn fields(self) -> Result<Fields<'a>> {
        self.bytes().map(Fields::new)
    }

    /// Appends the integers of a repeated field, packed or one by one, up to `most` in all.
    pub(super) fn ints(self, list: &mut Vec<i64>, most: usize) -> Result<()> {
        let mut push = |value: u64| {
            at_most("numbers in a list", list.len() as u64 + 1, most as u64)?;
            list.push(value.cast_signed());
            Ok(())
        };
        match self.value {
            Value::Varint(value) => push(value),
            Value::Bytes(bytes) => {
                let mut packed = Fields::new(bytes);
                while !packed.rest.is_empty() {
                    push(packed.varint()?)?;
                }
                Ok(())
            }
            Value::Fixed32(_) => self.other_type(),
        }
    }

    /// Refuses a field that the message's definition doesn't have.
    pub(super) fn unknown<T>(self, message: &str) -> Result<T> {
        refuse(format!("field {} of {message} is unknown", self.number))
    }

    fn other_type<T>(self) -> Result<T> {
        refuse(format!(
            "damaged: field {} is of another type than expected",
            self.number
        ))
    }
}

/// Keeps the value of a singular field, which must not occur twice.
pub(super) fn once<T>(place: &mut Option<T>, value: T, name: &str) -> Result<()> {
    if place.replace(value).is_some() {
        return refuse(format!("`{name}` occurs twice"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> String {
        let fault = Fields::new(bytes).find_map(|field| field.err());
        fault.expect("it is refused").to_string()
    }

    #[test]
    fn damaged_fields_are_refused() {
        assert!(fault(&[0x08]).contains("cut short"), "no value");
        assert!(fault(&[0x0A, 5, 1]).contains("has 5 bytes, 1 are left"));
        assert!(fault(&[0x00, 1]).contains("valid number"), "number 0");
        assert!(fault(&[0x0B]).contains("wire type 3"), "a group");
        assert!(fault(&[0x0D, 1, 2]).contains("cut short"));
        let endless = [&[0x08][..], &[0xFF; 20]].concat();
        assert!(fault(&endless).contains("more than 64 bits"));
        let huge = [
            0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,
        ];
        assert!(fault(&huge).contains("18446744073709551615 bytes"));
    }

    #[test]
    fn an_iteration_ends_at_the_first_fault() {
        let mut fields = Fields::new(&[0x0B, 0x08, 1]);
        assert!(fields.next().is_some_and(|field| field.is_err()));
        assert!(fields.next().is_none());
    }

    #[test]
    fn integers_that_do_not_fit_are_refused() {
        // 2^32 + 1, which a reader that cuts off takes for 1.
        let field = Fields::new(&[0x08, 0x81, 0x80, 0x80, 0x80, 0x10]).next();
        let field = field.expect("a field").expect("a sound one");
        assert_eq!(field.int().expect("64 bits"), (1 << 32) + 1);
        assert!(field.int32().is_err());
    }

    #[test]
    fn lists_are_read_packed_and_one_by_one_up_to_their_limit() {
        let mut list = Vec::new();
        for field in Fields::new(&[0x08, 7, 0x0A, 3, 1, 0xAC, 2]) {
            field
                .expect("sound")
                .ints(&mut list, 3)
                .expect("three numbers");
        }
        assert_eq!(list, [7, 1, 300]);
        let more = Fields::new(&[0x08, 1]).next().expect("a field");
        assert!(more.expect("sound").ints(&mut list, 3).is_err());
    }
}
