//! How values travel between tabs: bytes that say themselves what they are, and give every value back to
//! the bit. JSON text would lose infinities and make half as much again of bytes; a format of this size
//! needs no crate.

use serde_json::{Map, Number, Value as Json};
use uuid::Uuid;

use crate::{decimal::DecimalValue, value::Value};

/// What was received is not what a tab of this version sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) type Read<T> = Result<T, Malformed>;

/// JSON that is nested deeper is refused rather than followed until the stack ends.
const DEEPEST: usize = 2_000;

/// Puts values one behind the other.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn truth(&mut self, truth: bool) {
        self.byte(truth.into());
    }

    /// Small numbers are most, so seven bits go into a byte, the lowest first.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn option<T>(&mut self, option: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.truth(option.is_some());
        if let Some(value) = option {
            write(self, value);
        }
    }

    pub(super) fn list<T>(
        &mut self,
        list: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        let list = list.into_iter();
        self.count(list.len());
        list.for_each(|item| write(self, item));
    }

    pub(super) fn values(&mut self, values: &[Value]) {
        self.list(values, Self::value);
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(0),
            Value::Bool(truth) => {
                self.byte(1);
                self.truth(*truth);
            }
            Value::Int(number) => self.tagged(2, *number),
            Value::Float(number) => {
                self.byte(3);
                self.0.extend_from_slice(&number.to_le_bytes());
            }
            Value::Text(text) => {
                self.byte(4);
                self.text(text);
            }
            Value::Bytes(bytes) => {
                self.byte(5);
                self.bytes(bytes);
            }
            Value::Uuid(uuid) => {
                self.byte(6);
                self.0.extend_from_slice(uuid.as_bytes());
            }
            Value::DateTime(at) => self.tagged(7, *at),
            Value::Date(date) => self.tagged(8, i64::from(*date)),
            Value::Time(time) => self.tagged(9, *time),
            Value::Json(document) => {
                self.byte(10);
                self.json(document);
            }
            Value::FloatList(list) => {
                self.byte(11);
                self.list(list, |to, number| to.0.extend_from_slice(&number.to_le_bytes()));
            }
            Value::TextList(list) => {
                self.byte(12);
                self.list(list, |to, text| to.text(text));
            }
            Value::Decimal(number) => {
                self.byte(13);
                self.bytes(&number.to_sort_key());
            }
            Value::F16List(list) => {
                self.byte(14);
                self.list(list, |to, bits| to.0.extend_from_slice(&bits.to_le_bytes()));
            }
            Value::I8List(list) => {
                self.byte(15);
                self.list(list, |to, number| to.byte(number.cast_unsigned()));
            }
        }
    }

    fn tagged(&mut self, tag: u8, number: i64) {
        self.byte(tag);
        self.signed(number);
    }

    fn json(&mut self, document: &Json) {
        match document {
            Json::Null => self.byte(0),
            Json::Bool(truth) => {
                self.byte(1);
                self.truth(*truth);
            }
            Json::Number(number) => {
                if let Some(number) = number.as_i64() {
                    self.tagged(2, number);
                } else if let Some(number) = number.as_u64() {
                    self.byte(3);
                    self.number(number);
                } else {
                    self.byte(4);
                    let number = number.as_f64().unwrap_or_default();
                    self.0.extend_from_slice(&number.to_le_bytes());
                }
            }
            Json::String(text) => {
                self.byte(5);
                self.text(text);
            }
            Json::Array(list) => {
                self.byte(6);
                self.list(list, Self::json);
            }
            Json::Object(object) => {
                self.byte(7);
                self.list(object, |to, (name, value)| {
                    to.text(name);
                    to.json(value);
                });
            }
        }
    }
}

/// Takes values off, in the order in which they were put.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Fails when something is left.
    pub(super) const fn end(&self) -> Read<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn truth(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    pub(super) fn position(&mut self) -> Read<usize> {
        usize::try_from(self.number()?).map_err(|_| Malformed)
    }

    pub(super) fn signed(&mut self) -> Read<i64> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = self.position()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Read<String> {
        let text = str::from_utf8(self.bytes()?).map_err(|_| Malformed)?;
        Ok(text.to_owned())
    }

    pub(super) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.truth()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.position()?;
        // An item takes a byte at least, so a false count cannot ask for more memory than that.
        let mut list = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    pub(super) fn values(&mut self) -> Read<Vec<Value>> {
        self.list(Self::value)
    }

    pub(super) fn value(&mut self) -> Read<Value> {
        Ok(match self.byte()? {
            0 => Value::Null,
            1 => Value::Bool(self.truth()?),
            2 => Value::Int(self.signed()?),
            3 => Value::Float(f64::from_le_bytes(self.array()?)),
            4 => Value::Text(self.text()?),
            5 => Value::Bytes(self.bytes()?.to_vec()),
            6 => Value::Uuid(Uuid::from_bytes(self.array()?)),
            7 => Value::DateTime(self.signed()?),
            8 => Value::Date(i32::try_from(self.signed()?).map_err(|_| Malformed)?),
            9 => Value::Time(self.signed()?),
            10 => Value::Json(self.json(DEEPEST)?),
            11 => Value::FloatList(self.list(|from| from.array().map(f32::from_le_bytes))?),
            12 => Value::TextList(self.list(Self::text)?),
            13 => Value::Decimal(DecimalValue::from_sort_key(self.bytes()?).ok_or(Malformed)?),
            14 => Value::F16List(self.list(|from| from.array().map(u16::from_le_bytes))?),
            15 => Value::I8List(self.list(|from| from.byte().map(u8::cast_signed))?),
            _ => return Err(Malformed),
        })
    }

    fn json(&mut self, deeper: usize) -> Read<Json> {
        let deeper = deeper.checked_sub(1).ok_or(Malformed)?;
        Ok(match self.byte()? {
            0 => Json::Null,
            1 => Json::Bool(self.truth()?),
            2 => Json::from(self.signed()?),
            3 => Json::from(self.number()?),
            4 => {
                let number = f64::from_le_bytes(self.array()?);
                Json::Number(Number::from_f64(number).ok_or(Malformed)?)
            }
            5 => Json::String(self.text()?),
            6 => Json::Array(self.list(|from| from.json(deeper))?),
            7 => {
                let members = self.list(|from| Ok((from.text()?, from.json(deeper)?)))?;
                Json::Object(members.into_iter().collect::<Map<_, _>>())
            }
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn samples() -> Vec<Value> {
        vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Int(i64::MAX),
            Value::Int(-1),
            Value::Float(-0.0),
            Value::Float(f64::INFINITY),
            Value::Float(5e-324),
            Value::Text("zwölf 🦀".into()),
            Value::Bytes((0..=255).collect()),
            Value::Uuid(Uuid::from_u128(7)),
            Value::DateTime(-1),
            Value::Date(i32::MIN),
            Value::Time(86_399_999_999),
            Value::Json(json!({ "a": [1, u64::MAX, -2.5, null, true], "b": { "c": "" } })),
            Value::FloatList(vec![f32::MIN_POSITIVE, -0.0]),
            Value::TextList(vec![String::new(), "x".into()]),
            Value::Decimal("-12.5".parse().unwrap()),
            Value::F16List(vec![0x8000, 0x7c00]),
            Value::I8List(vec![i8::MIN, 127]),
        ]
    }

    #[test]
    fn values_come_back_to_the_bit() {
        let mut writer = Writer::default();
        writer.values(&samples());
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        let back = reader.values().unwrap();
        reader.end().unwrap();
        // By their text, in which 0.0 is not -0.0.
        assert_eq!(format!("{back:?}"), format!("{:?}", samples()));
    }

    #[test]
    fn what_is_cut_off_or_broken_is_refused() {
        let mut writer = Writer::default();
        writer.values(&samples());
        let bytes = writer.finish();
        for length in 0..bytes.len() {
            assert!(Reader::new(&bytes[..length]).values().is_err(), "{length}");
        }
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let mut broken = bytes.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..broken.len());
                broken[at] = random.u8(..);
            }
            // It may happen to be something; it does not panic, and asks for no memory out of reach.
            let _ = Reader::new(&broken).values();
        }
    }
}
