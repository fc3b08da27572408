//! Lists of `half::f16`, to the bit.

use half::{
    f16,
    vec::{HalfBitsVecExt, HalfFloatVecExt as _},
};

use super::lists::{fixed, list};
use crate::value::Value;

list!(f16, F16List,
    this => Value::F16List(this.reinterpret_into()),
    |source, column| source.read_f16_list(column).map(HalfBitsVecExt::reinterpret_into)
);
fixed!(f16, F16);
