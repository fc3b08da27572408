//! Migrations: plans that bring tables to their definitions, and rows through all of it.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use futures::future::join_all;
use storehouse::{MigrationStepKind, Plan, Table};
use storehouse_runtime::{Result, Store};
use uuid::Uuid;

use super::tables::{Product, Setting, product, setting};
use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};

/// A table as it was first.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "goods", index(kind))]
struct Good {
    #[table(key, auto)]
    id: i32,
    #[table(unique)]
    code: String,
    kind: String,
    stock: i32,
    note: Option<String>,
}

/// What became of [`Good`].
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "articles", rename_from("wares", "goods"), index(kind, stock))]
struct Article {
    #[table(key, auto)]
    id: i64,
    #[table(unique, rename_from = "code")]
    sku: String,
    kind: String,
    stock: i64,
    note: Option<String>,
    #[table(default = 1.5)]
    weight: f64,
    supplier: Option<String>,
}

fn good(code: &str, stock: i32) -> GoodInsert {
    GoodInsert { code: code.into(), kind: "tool".into(), stock }
}

async fn plan<T: Table>(store: &Store) -> Result<Plan> {
    store.migration().table::<T>().plan().await
}

async fn verify<T: Table>(store: &Store) -> Result<()> {
    store.migration().table::<T>().verify().await
}

/// Applies the plan of `T`, after which there is nothing left to do.
async fn migrate<T: Table>(store: &Store) -> Result<()> {
    plan::<T>(store).await?.allow_destructive().apply().await?;
    let rest = plan::<T>(store).await?;
    assert!(rest.is_empty(), "{rest:#}");
    verify::<T>(store).await?;
    store.tabular::<T>().await?.setup_database().await
}

fn kinds(plan: &Plan) -> Vec<&MigrationStepKind> {
    plan.steps().iter().map(|step| &step.kind).collect()
}

pub(crate) async fn create_what_is_missing(store: &Store) -> Outcome {
    let missing = fails("Schema", verify::<Product>(store).await).to_string();
    assert!(missing.contains("`products`: it is missing"), "{missing}");
    let plan = store.migration().table::<Product>().table::<Setting>().plan().await?;
    let created =
        kinds(&plan).iter().filter(|kind| ***kind == MigrationStepKind::CreateTable).count();
    assert_eq!(created, 2, "{plan}");
    assert!(!plan.is_destructive());
    plan.apply().await?;
    let products = store.tabular::<Product>().await?;
    let saved = products.put(product("A1", "tools", 9.5)).await?;
    products.setup_database().await?;
    store.migration().table::<Product>().table::<Setting>().verify().await?;
    // Once more does nothing, also by a plan that was made before.
    plan.apply().await?;
    let again = store.migration().table::<Product>().table::<Setting>().plan().await?;
    assert_eq!(again.to_string(), "nothing to do");
    again.apply().await?;
    assert_eq!(products.get_all().await?, [saved]);
    Ok(())
}

pub(crate) async fn have_nothing_to_do_after_a_set_up(store: &Store) -> Outcome {
    set_up::<Product>(store).await?.put(product("A1", "tools", 9.5)).await?;
    verify::<Product>(store).await?;
    let archive = store.tabular_as::<Product>("archive").await?;
    archive.setup_database().await?;
    store.migration().table_as::<Product>("archive").verify().await?;
    Ok(())
}

pub(crate) async fn refuse_what_makes_no_sense(store: &Store) -> Outcome {
    is_refused("has no table", store.migration().verify().await);
    let twice = store.migration().table::<Setting>().table::<Setting>();
    is_refused("twice", twice.verify().await);
    let named = store.migration().table_as::<Setting>("a b");
    is_refused("cannot be a table's name", named.verify().await);
    Ok(())
}

pub(crate) async fn rename_add_and_retype_and_keep_every_row(store: &Store) -> Outcome {
    let goods = set_up::<Good>(store).await?;
    let rows = goods.put_bulk((0..50).map(|number| good(&format!("c{number}"), number))).await?;
    let last = goods.put(good("last", 0)).await?;
    goods.delete(&last.id).await?;

    let plan = plan::<Article>(store).await?;
    let has =
        |kind: &MigrationStepKind| assert!(kinds(&plan).contains(&kind), "{kind} is not in {plan}");
    has(&MigrationStepKind::RenameTable { from: "goods".into() });
    has(&MigrationStepKind::RenameColumn { from: "code".into(), to: "sku".into() });
    has(&MigrationStepKind::AddColumn { column: "weight".into() });
    has(&MigrationStepKind::AddColumn { column: "supplier".into() });
    assert!(!plan.is_destructive(), "{plan}");
    plan.apply().await?;
    verify::<Article>(store).await?;
    assert!(self::plan::<Article>(store).await?.is_empty());

    let articles = set_up::<Article>(store).await?;
    let expected: Vec<Article> = (rows.into_iter())
        .map(|good| Article {
            id: good.id.into(),
            sku: good.code,
            kind: good.kind,
            stock: good.stock.into(),
            note: good.note,
            weight: 1.5,
            supplier: None,
        })
        .collect();
    assert_eq!(articles.get_all().await?, expected);
    // The id of the row that was deleted is not given again, and unique values stay so.
    let new = |sku: &str| ArticleInsert { sku: sku.into(), kind: "tool".into(), stock: 1 << 40 };
    assert!(articles.put(new("new")).await?.id > i64::from(last.id));
    fails("Conflict", articles.insert(new("c7")).await);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "goods")]
struct GoodWithoutNote {
    #[table(key, auto)]
    id: i32,
    code: String,
    kind: String,
    stock: i32,
}

pub(crate) async fn lose_nothing_unless_they_may(store: &Store) -> Outcome {
    let goods = set_up::<Good>(store).await?;
    let saved = goods.put(good("a", 1)).await?;
    let plan = plan::<GoodWithoutNote>(store).await?;
    assert!(plan.is_destructive());
    let error = plan.apply().await;
    is_refused("drop column `note`", error);
    is_refused("allow_destructive", plan.apply().await);
    assert_eq!(goods.get_all().await?, std::slice::from_ref(&saved));
    migrate::<GoodWithoutNote>(store).await?;
    let rest = store.tabular::<GoodWithoutNote>().await?.get_all().await?;
    let expected =
        GoodWithoutNote { id: saved.id, code: "a".into(), kind: "tool".into(), stock: 1 };
    assert_eq!(rest, [expected]);
    // The derived indexes went too: nothing is unique any more.
    let twin = GoodWithoutNoteInsert { code: "a".into(), kind: "tool".into(), stock: 2 };
    store.tabular::<GoodWithoutNote>().await?.put(twin).await?;
    // And back: what is lost stays lost.
    let back = self::plan::<Good>(store).await?;
    let blocked = fails("Schema", back.apply().await).to_string();
    assert!(blocked.contains("1 values of (code) are shared"), "{blocked}");
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "settings")]
struct DescribedSetting {
    #[table(key)]
    name: String,
    value: i64,
    description: String,
}

pub(crate) async fn say_that_a_new_column_needs_a_default(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("volume", 7)).await?;
    let plan = plan::<DescribedSetting>(store).await?;
    assert!(plan.steps()[0].blocked.is_some(), "{plan}");
    let error = fails("Schema", plan.apply().await).to_string();
    assert!(error.contains("`description`") && error.contains("default"), "{error}");
    assert_eq!(settings.get_all().await?, [setting("volume", 7)]);
    // Without rows there is nothing to fill in.
    settings.delete_all().await?;
    migrate::<DescribedSetting>(store).await?;
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "goods", index(kind))]
struct NotedGood {
    #[table(key, auto)]
    id: i32,
    #[table(unique)]
    code: String,
    kind: String,
    stock: i32,
    note: String,
}

pub(crate) async fn forbid_null_only_where_no_row_is(store: &Store) -> Outcome {
    let goods = set_up::<Good>(store).await?;
    let noted = good("a", 1).with(GoodOptional { note: Some("n".into()), ..Default::default() });
    goods.put(noted).await?;
    let rows = goods.put_bulk([good("b", 2), good("c", 3)]).await?;
    let error = fails("Schema", plan::<NotedGood>(store).await?.apply().await).to_string();
    assert!(error.contains("2 rows are NULL in column `note`"), "{error}");
    assert_eq!(goods.size().await?, 3);
    for row in rows {
        goods.delete(&row).await?;
    }
    migrate::<NotedGood>(store).await?;
    let noted = store.tabular::<NotedGood>().await?;
    assert_eq!(noted.get_all().await?[0].note, "n");
    // And back.
    migrate::<Good>(store).await?;
    goods.put(good("d", 4)).await?;
    assert_eq!(goods.size().await?, 2);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "goods", unique(kind, stock))]
struct UniqueGood {
    #[table(key, auto)]
    id: i32,
    #[table(index)]
    code: String,
    kind: String,
    stock: i32,
    note: Option<String>,
}

pub(crate) async fn change_indexes(store: &Store) -> Outcome {
    let goods = set_up::<Good>(store).await?;
    let rows = goods.put_bulk([good("a", 1), good("b", 1), good("c", 2)]).await?;
    let blocked = plan::<UniqueGood>(store).await?;
    let error = fails("Schema", blocked.apply().await).to_string();
    assert!(error.contains("1 values of (kind, stock) are shared"), "{error}");
    goods.delete(&rows[1]).await?;
    migrate::<UniqueGood>(store).await?;
    let unique = store.tabular::<UniqueGood>().await?;
    let new =
        |code: &str, stock| UniqueGoodInsert { code: code.into(), kind: "tool".into(), stock };
    fails("Conflict", unique.insert(new("z", 2)).await);
    // `code` is no longer unique.
    unique.insert(new("a", 9)).await?;
    assert_eq!(unique.size().await?, 3);
    Ok(())
}

/// [`Good`] by its code.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "goods", index(kind))]
struct GoodByCode {
    #[table(key)]
    code: String,
    id: Option<i32>,
    kind: String,
    stock: i32,
    note: Option<String>,
}

/// [`Good`] by two columns of which one is generated.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "goods", index(kind))]
struct GoodByKind {
    #[table(key)]
    kind: String,
    #[table(key, auto)]
    id: i32,
    #[table(unique)]
    code: String,
    stock: i32,
    note: Option<String>,
}

pub(crate) async fn change_the_key(store: &Store) -> Outcome {
    let goods = set_up::<Good>(store).await?;
    let rows = goods.put_bulk([good("a", 1), good("b", 2), good("c", 3)]).await?;
    goods.delete(&rows[2]).await?;

    migrate::<GoodByKind>(store).await?;
    let by_kind = store.tabular::<GoodByKind>().await?;
    assert_eq!(by_kind.size().await?, 2);
    let found = by_kind.get(&GoodByKindKey { kind: "tool".into(), id: rows[0].id }).await?;
    assert_eq!(found.map(|row| row.code), Some("a".to_owned()));
    let new = GoodByKindInsert { kind: "toy".into(), code: "d".into(), stock: 4 };
    let fourth = by_kind.put(new).await?;
    assert!(fourth.id > rows[2].id, "{} was given before", fourth.id);
    by_kind.delete(&fourth).await?;

    migrate::<Good>(store).await?;
    let fifth = goods.put(good("e", 5)).await?;
    assert!(fifth.id > fourth.id, "{} was given before", fifth.id);

    migrate::<GoodByCode>(store).await?;
    let by_code = store.tabular::<GoodByCode>().await?;
    assert_eq!(by_code.get("b").await?.and_then(|row| row.id), Some(rows[1].id));
    assert_eq!(by_code.size().await?, 3);

    // Not where rows would share it.
    migrate::<Good>(store).await?;
    goods.put(good("f", 6)).await?;
    let error = fails("Schema", plan::<GoodOfKind>(store).await?.allow_destructive().apply().await);
    assert!(error.to_string().contains("1 values of (kind) are shared"), "{error}");
    assert_eq!(goods.size().await?, 4);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "goods")]
struct GoodOfKind {
    #[table(key)]
    kind: String,
    stock: i32,
}

/// [`Setting`] with an id before it had one.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "settings")]
struct NumberedSetting {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    name: String,
    value: i64,
}

pub(crate) async fn number_rows_that_had_no_id(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk((0..5).map(|number| setting(&format!("s{number}"), number))).await?;
    migrate::<NumberedSetting>(store).await?;
    let numbered = store.tabular::<NumberedSetting>().await?;
    let mut ids: Vec<i64> = numbered.get_all().await?.iter().map(|row| row.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let new = numbered.put(NumberedSettingInsert { name: "new".into(), value: 9 }).await?;
    assert!(!ids.contains(&new.id));
    migrate::<Setting>(store).await?;
    assert_eq!(settings.get("s3").await?, Some(setting("s3", 3)));
    Ok(())
}

/// Numbers and texts.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "values_of_many_types")]
struct Before {
    #[table(key)]
    id: i32,
    small: i16,
    byte: u8,
    whole: i64,
    number: f64,
    digits: String,
    uuid: String,
    text: String,
}

/// The same as other types.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "values_of_many_types")]
struct After {
    #[table(key)]
    id: i64,
    small: i64,
    byte: i16,
    whole: String,
    number: i64,
    digits: i32,
    uuid: Uuid,
    text: Vec<u8>,
}

pub(crate) async fn convert_values_without_loss(store: &Store) -> Outcome {
    let before = set_up::<Before>(store).await?;
    let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let row = |id: i32, number, digits: &str| Before {
        id,
        small: -7,
        byte: 255,
        whole: i64::MIN + i64::from(id),
        number,
        digits: digits.into(),
        uuid: uuid.to_string(),
        text: "é'\\".into(),
    };
    before.put_bulk([row(1, -3.0, "-12"), row(2, 1e15, "0"), row(3, 0.5, "012")]).await?;
    let error = fails("Schema", plan::<After>(store).await?.apply().await).to_string();
    assert!(error.contains("1 values of column `number`"), "{error}");
    assert!(error.contains("1 values of column `digits`"), "{error}");
    assert_eq!(before.size().await?, 3);
    before.delete(&3).await?;
    let plan = plan::<After>(store).await?;
    assert!(!plan.is_destructive(), "{plan}");
    migrate::<After>(store).await?;
    let row = |id: i64, number, digits| After {
        id,
        small: -7,
        byte: 255,
        whole: (i64::MIN + id).to_string(),
        number,
        digits,
        uuid,
        text: "é'\\".into(),
    };
    let expected = [row(1, -3, -12), row(2, 1_000_000_000_000_000, 0)];
    assert_eq!(store.tabular::<After>().await?.get_all().await?, expected);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "settings")]
struct DatedSetting {
    #[table(key)]
    name: DateTime<Utc>,
    value: Vec<f32>,
}

pub(crate) async fn refuse_what_cannot_be_converted(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("volume", 7)).await?;
    let error = fails("Schema", plan::<DatedSetting>(store).await?.apply().await).to_string();
    assert!(error.contains("`name`") && error.contains("without loss"), "{error}");
    assert_eq!(settings.get("volume").await?, Some(setting("volume", 7)));
    Ok(())
}

/// A default of every type.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "settings")]
struct FullSetting {
    #[table(key)]
    name: String,
    value: i64,
    #[table(default = true)]
    truth: bool,
    #[table(default = i64::MIN)]
    least: i64,
    #[table(default = -0.0)]
    float: f64,
    #[table(default = f32::NEG_INFINITY)]
    infinite: f32,
    #[table(default = "it's \\ \"quoted\" é".to_owned())]
    text: String,
    #[table(default = vec![0, 255, 39])]
    bytes: Vec<u8>,
    #[table(default = Uuid::from_u128(7))]
    uuid: Uuid,
    #[table(default = DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap_or_default())]
    date_time: DateTime<Utc>,
    #[table(default = DateTime::from_timestamp_micros(-62_135_596_799_999_999).unwrap_or_default().naive_utc())]
    local: NaiveDateTime,
    #[table(default = NaiveDate::from_ymd_opt(1600, 2, 29).unwrap_or_default())]
    date: NaiveDate,
    #[table(default = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap_or_default())]
    time: NaiveTime,
    #[table(json, default = serde_json::json!({"a": [1, "it's", null]}))]
    document: serde_json::Value,
    #[table(default = vec!["a,b".into(), "it's {}".into(), String::new()])]
    texts: Vec<String>,
    #[table(default = vec![1.5, f32::INFINITY, -0.0])]
    floats: Vec<f32>,
    #[table(default = Some("given".to_owned()))]
    given: Option<String>,
    nothing: Option<i32>,
    #[table(default = Utc::now())]
    now: DateTime<Utc>,
}

pub(crate) async fn fill_the_defaults_into_rows(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2)]).await?;
    migrate::<FullSetting>(store).await?;
    let full = store.tabular::<FullSetting>().await?;
    let found = full.get_all().await?;
    assert_eq!(found.len(), 2);
    let new = full.put(FullSettingInsert { name: "c".into(), value: 3 }).await?;
    for row in found {
        let expected = FullSetting {
            name: row.name.clone(),
            value: row.value,
            // That of the rows that were there is when they were migrated.
            now: row.now,
            ..new.clone()
        };
        assert_eq!(row, expected);
        assert_eq!(row.float.to_bits(), (-0.0_f64).to_bits());
        assert_eq!(row.floats[2].to_bits(), (-0.0_f32).to_bits());
    }
    Ok(())
}

pub(crate) async fn notice_that_the_database_changed_meanwhile(store: &Store) -> Outcome {
    set_up::<Good>(store).await?.put(good("a", 1)).await?;
    let stale = plan::<Article>(store).await?;
    migrate::<GoodByKind>(store).await?;
    let error = fails("Schema", stale.apply().await).to_string();
    assert!(error.contains("plan again"), "{error}");
    verify::<GoodByKind>(store).await?;
    Ok(())
}

pub(crate) async fn tell_of_a_rename_that_came_too_late(store: &Store) -> Outcome {
    set_up::<Good>(store).await?.put(good("a", 1)).await?;
    // Made before the table was renamed.
    set_up::<Article>(store).await?;
    let error = fails("Schema", plan::<Article>(store).await?.apply().await).to_string();
    assert!(error.contains("`articles` is there already and empty"), "{error}");
    // Once it has rows, that is how it is meant.
    let articles = store.tabular::<Article>().await?;
    articles.put(ArticleInsert { sku: "x".into(), kind: "y".into(), stock: 1 }).await?;
    verify::<Article>(store).await?;
    Ok(())
}

pub(crate) async fn are_done_once_by_many_at_once(store: &Store) -> Outcome {
    let goods = set_up::<Good>(store).await?;
    goods.put_bulk((0..200).map(|number| good(&format!("c{number}"), number))).await?;
    let mut plans = Vec::new();
    for _ in 0..6 {
        plans.push(plan::<Article>(store).await?);
    }
    for done in join_all(plans.iter().map(Plan::apply)).await {
        done?;
    }
    verify::<Article>(store).await?;
    assert_eq!(store.tabular::<Article>().await?.size().await?, 200);
    Ok(())
}

/// As [`Good`] in a schema, under another name.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(schema = "shop", name = "wares", rename_from = "goods")]
struct Ware {
    #[table(key, auto)]
    id: i64,
    #[table(unique, rename_from("label", "code"))]
    title: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(schema = "shop", name = "goods")]
struct ShopGood {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    code: String,
}

pub(crate) async fn stay_in_their_schema(store: &Store) -> Outcome {
    // Of the same name, in no schema.
    let other = set_up::<Good>(store).await?.put(good("other", 1)).await?;
    let goods = set_up::<ShopGood>(store).await?;
    let saved = goods.put(ShopGoodInsert { code: "a".into() }).await?;
    migrate::<Ware>(store).await?;
    let wares = store.tabular::<Ware>().await?;
    assert_eq!(wares.get_all().await?, [Ware { id: saved.id, title: "a".into() }]);
    fails("Conflict", wares.insert(WareInsert { title: "a".into() }).await);
    assert_eq!(store.tabular::<Good>().await?.get_all().await?, [other]);
    verify::<Good>(store).await?;
    Ok(())
}

/// What [`Copy`] is of.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "titles")]
struct Title {
    #[table(key)]
    id: i64,
    name: String,
}

/// [`Title`] by another name.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "books", rename_from = "titles")]
struct Book {
    #[table(key, rename_from = "id")]
    number: i64,
    name: String,
}

/// A copy before anybody held it to anything.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "copies")]
struct Copy {
    #[table(key)]
    id: i64,
    title: i64,
}

/// [`Copy`] with references.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "copies")]
struct HeldCopy {
    #[table(key)]
    id: i64,
    #[table(references(Title::id, on_delete = "cascade"))]
    title: i64,
    #[table(references(Self::id))]
    original: Option<i64>,
}

/// [`Copy`] of what [`Title`] is later.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "copies")]
struct BookCopy {
    #[table(key)]
    id: i64,
    #[table(rename_from = "title", references(Book::number))]
    book: i64,
    #[table(references(Self::id))]
    original: Option<i64>,
}

pub(crate) async fn create_tables_after_those_that_they_refer_to(store: &Store) -> Outcome {
    let plan = store.migration().table::<HeldCopy>().table::<Title>().plan().await?;
    assert_eq!(plan.steps()[0].table, "titles", "{plan}");
    plan.apply().await?;
    store.migration().table::<HeldCopy>().table::<Title>().verify().await?;
    let copies = store.tabular::<HeldCopy>().await?;
    fails("Reference", copies.put(HeldCopy { id: 1, title: 1, original: None }).await);
    store.tabular::<Title>().await?.put(Title { id: 1, name: "a".into() }).await?;
    copies.put(HeldCopy { id: 1, title: 1, original: None }).await?;
    Ok(())
}

pub(crate) async fn change_references(store: &Store) -> Outcome {
    let titles = set_up::<Title>(store).await?;
    titles.put_bulk((1..=3).map(|id| Title { id, name: format!("title {id}") })).await?;
    let copies = set_up::<Copy>(store).await?;
    copies.put_bulk((1..=4).map(|id| Copy { id, title: id })).await?;

    let error = fails("Schema", plan::<HeldCopy>(store).await?.apply().await).to_string();
    assert!(error.contains("1 rows refer by `title`"), "{error}");
    copies.delete(&4).await?;
    let held_plan = plan::<HeldCopy>(store).await?;
    assert!(!held_plan.is_destructive(), "{held_plan}");
    migrate::<HeldCopy>(store).await?;
    let held = store.tabular::<HeldCopy>().await?;
    assert_eq!(held.size().await?, 3);
    held.put(HeldCopy { id: 5, title: 3, original: Some(3) }).await?;
    fails("Reference", held.put(HeldCopy { id: 6, title: 4, original: None }).await);
    fails("Reference", held.put(HeldCopy { id: 6, title: 1, original: Some(9) }).await);
    titles.delete(&2).await?;
    assert_eq!(held.size().await?, 3);

    // The table that is referred to gets another name, and rows are no longer deleted with theirs.
    let both = || store.migration().table::<BookCopy>().table::<Book>();
    let changed = both().plan().await?;
    assert!(!changed.is_destructive(), "{changed}");
    changed.apply().await?;
    both().verify().await?;
    let (books, copies) = (set_up::<Book>(store).await?, set_up::<BookCopy>(store).await?);
    assert_eq!(copies.size().await?, 3);
    fails("Reference", books.delete(&3).await);
    assert_eq!(copies.get(&5).await?.map(|copy| copy.book), Some(3));
    Ok(())
}
