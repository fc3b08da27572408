//! A raw identifier names its column without the `r#`.

use storehouse::prelude::*;

#[derive(Table, Clone, Debug, PartialEq)]
#[table(index(r#type, r#match))]
struct r#Struct {
    #[table(key)]
    r#fn: i64,
    r#type: String,
    r#match: Option<String>,
}

fn main() {
    let definition = r#Struct::definition();
    assert_eq!(definition.name, "struct");
    assert_eq!(definition.columns[1].name, "type");
    assert_eq!(definition.indexes[0].name, "struct_type_match_idx");
    let _ = r#Struct::FN.eq(1) & r#Struct::TYPE.eq("a") & r#Struct::MATCH.is_null();
    let _ = StructInsert { r#fn: 1, r#type: "a".into() }
        .with(StructOptional { r#match: Some("b".into()) });
    let _ = StructPatch { r#type: Set("b".into()), ..Default::default() };
}
