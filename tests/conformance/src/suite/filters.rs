//! Filters: every operator, SQL's logic of three values, and values that look like something
//! else.

use storehouse::{Filter, Table, Tabular};
use storehouse_runtime::{Error, Store};

use super::tables::{Setting, setting};
use crate::{behaviour::Outcome, expect::set_up};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "animals", index(legs), index(class, name))]
pub(crate) struct Animal {
    #[table(key)]
    pub(crate) name: String,
    pub(crate) class: Option<String>,
    pub(crate) legs: Option<i32>,
    pub(crate) weight: f64,
}

fn animal(name: &str, class: Option<&str>, legs: Option<i32>, weight: f64) -> Animal {
    Animal { name: name.into(), class: class.map(str::to_owned), legs, weight }
}

/// Five animals, in the order of their names.
pub(crate) async fn animals(store: &Store) -> Result<Tabular<Animal>, Error> {
    let animals = set_up::<Animal>(store).await?;
    let rows = [
        animal("ant", Some("insect"), Some(6), 0.003),
        animal("bat", Some("mammal"), Some(2), 5.0),
        animal("cat", Some("mammal"), Some(4), 4000.0),
        animal("dodo", None, Some(2), 15000.0),
        animal("eel", Some("fish"), None, 3600.0),
    ];
    animals.put_bulk(rows).await?;
    Ok(animals)
}

/// The names of the animals that match, by `query`, held against `count` and `exists`.
async fn names(animals: &Tabular<Animal>, filter: Filter<Animal>) -> Result<String, Error> {
    let rows = animals.query(filter.clone()).await?;
    let names: Vec<&str> = rows.iter().map(|animal| &*animal.name).collect();
    assert_eq!(animals.count(filter.clone()).await?, names.len() as u64, "{filter:?}");
    assert_eq!(animals.exists(filter.clone()).await?, !names.is_empty(), "{filter:?}");
    Ok(names.join(" "))
}

pub(crate) async fn every_comparison(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    for (filter, expected) in [
        (Animal::NAME.eq("cat"), "cat"),
        (Animal::NAME.eq("CAT"), ""),
        (Animal::NAME.ne("cat"), "ant bat dodo eel"),
        (Animal::NAME.lt("cat"), "ant bat"),
        (Animal::NAME.le("cat"), "ant bat cat"),
        (Animal::NAME.gt("cat"), "dodo eel"),
        (Animal::NAME.ge("cat"), "cat dodo eel"),
        (Animal::WEIGHT.lt(5.0), "ant"),
        (Animal::WEIGHT.le(5.0), "ant bat"),
        (Animal::WEIGHT.between(5.0, 4000.0), "bat cat eel"),
        (Animal::WEIGHT.between(4000.0, 5.0), ""),
        (Animal::WEIGHT.gt(f64::NEG_INFINITY), "ant bat cat dodo eel"),
        (Animal::WEIGHT.ge(f64::INFINITY), ""),
        (Animal::LEGS.eq(2), "bat dodo"),
        (Animal::LEGS.gt(-1), "ant bat cat dodo"),
        (Filter::all(), "ant bat cat dodo eel"),
        (Filter::none(), ""),
    ] {
        assert_eq!(names(&animals, filter.clone()).await?, expected, "{filter:?}");
    }
    Ok(())
}

pub(crate) async fn combine_with_and_or_not(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    let mammal = || Animal::CLASS.eq("mammal");
    let light = || Animal::WEIGHT.lt(10.0);
    for (filter, expected) in [
        (mammal() & light(), "bat"),
        (mammal() | light(), "ant bat cat"),
        (!light(), "cat dodo eel"),
        (!(mammal() & light()), "ant cat dodo eel"),
        (!(mammal() | light()), "eel"),
        (!!mammal(), "bat cat"),
        (light() & Filter::all(), "ant bat"),
        (light() | Filter::none(), "ant bat"),
        (light() & Filter::none(), ""),
        ((mammal() | Animal::NAME.eq("ant")) & (Animal::LEGS.ge(4) | light()), "ant bat cat"),
    ] {
        assert_eq!(names(&animals, filter.clone()).await?, expected, "{filter:?}");
    }
    let both = animals.query(mammal()).filter(light()).await?;
    assert_eq!(both.len(), 1);
    Ok(())
}

/// W-T9: a comparison with NULL is neither true nor false, and neither is its opposite.
pub(crate) async fn follow_sql_about_null(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    let class = Animal::CLASS;
    for (filter, expected) in [
        (class.eq("fish"), "eel"),
        (class.ne("fish"), "ant bat cat"),
        (!class.eq("fish"), "ant bat cat"),
        (!class.ne("fish"), "eel"),
        (class.lt("z"), "ant bat cat eel"),
        (!class.lt("z"), ""),
        (class.ge(""), "ant bat cat eel"),
        (class.in_list(["fish", "insect"]), "ant eel"),
        (class.not_in(["fish", "insect"]), "bat cat"),
        (!class.not_in(["fish", "insect"]), "ant eel"),
        (class.like("%"), "ant bat cat eel"),
        (!class.like("%a%"), "ant eel"),
        (!class.starts_with("m"), "ant eel"),
        (!class.contains("m"), "ant eel"),
        // Unknown and true is unknown; unknown or true is true.
        (class.eq("fish") & class.is_null(), ""),
        (!(class.eq("fish") & class.is_null()), "ant bat cat eel"),
        (class.eq("fish") | class.is_null(), "dodo eel"),
        (!(class.eq("fish") | class.is_null()), "ant bat cat"),
        (!(class.eq("fish") & Animal::LEGS.is_null()), "ant bat cat dodo"),
    ] {
        assert_eq!(names(&animals, filter.clone()).await?, expected, "{filter:?}");
    }
    Ok(())
}

/// W-T9: equality with nothing is a test for NULL, on every backend.
pub(crate) async fn find_null(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    for (filter, expected) in [
        (Animal::CLASS.is_null(), "dodo"),
        (Animal::CLASS.is_not_null(), "ant bat cat eel"),
        (!Animal::CLASS.is_null(), "ant bat cat eel"),
        (Animal::CLASS.eq(None::<String>), "dodo"),
        (Animal::CLASS.ne(None::<String>), "ant bat cat eel"),
        (Animal::LEGS.eq(None::<i32>), "eel"),
        (Animal::LEGS.eq(Some(6)), "ant"),
        (Animal::LEGS.is_null() | Animal::CLASS.is_null(), "dodo eel"),
        (Animal::LEGS.is_null() & Animal::CLASS.is_null(), ""),
    ] {
        assert_eq!(names(&animals, filter.clone()).await?, expected, "{filter:?}");
    }
    Ok(())
}

pub(crate) async fn take_lists(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    let nothing: [&str; 0] = [];
    for (filter, expected) in [
        (Animal::NAME.in_list(["eel", "ant", "eel", "fly"]), "ant eel"),
        (Animal::NAME.not_in(["eel", "ant", "eel", "fly"]), "bat cat dodo"),
        (Animal::NAME.in_list(nothing), ""),
        (Animal::NAME.not_in(nothing), "ant bat cat dodo eel"),
        (Animal::LEGS.in_list([6, 4]), "ant cat"),
        (Animal::LEGS.in_list([6, 4]) & Animal::NAME.ne("ant"), "cat"),
        (Animal::WEIGHT.in_list([5.0]), "bat"),
    ] {
        assert_eq!(names(&animals, filter.clone()).await?, expected, "{filter:?}");
    }
    Ok(())
}

/// More values than a statement takes on some databases (SQLite: 32,766).
pub(crate) async fn take_lists_of_any_length(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    let many = || (0..40_000).map(|number| format!("nobody{number}"));
    let with_cat = Animal::NAME.in_list(many().chain(["cat".to_owned()]));
    assert_eq!(names(&animals, with_cat).await?, "cat");
    assert_eq!(names(&animals, Animal::NAME.not_in(many())).await?, "ant bat cat dodo eel");
    let both = Animal::LEGS.in_list(0..40_000) & Animal::NAME.not_in(many());
    assert_eq!(names(&animals, both).await?, "ant bat cat dodo");
    assert_eq!(animals.delete_search(Animal::LEGS.in_list(3..40_000)).await?, 2);
    Ok(())
}

/// More parts, and deeper, than an expression may be on some databases (SQLite: depth 1,000).
pub(crate) async fn can_have_many_parts(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    let number = |number: i32| Animal::NAME.eq(format!("nobody{number}"));
    let any = (0..1_500).fold(Animal::NAME.eq("cat"), |any, part| any | number(part));
    assert_eq!(names(&animals, any).await?, "cat");
    let all = (0..1_500).fold(Animal::NAME.ne("cat"), |all, part| all & !number(part));
    assert_eq!(names(&animals, all).await?, "ant bat dodo eel");
    let deep = (0..100).fold(Animal::NAME.eq("cat"), |deep, part| !(deep | number(part)));
    assert_eq!(names(&animals, deep).await?, "cat");
    Ok(())
}

/// Numbers are compared as numbers, and none is rounded on the way.
pub(crate) async fn compare_numbers_exactly(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let beyond = 9_007_199_254_740_992;
    let rows = [setting("a", beyond), setting("b", beyond + 1), setting("c", i64::MAX)];
    settings.put_bulk(rows).await?;
    for (filter, expected) in [
        (Setting::VALUE.eq(beyond), 1),
        (Setting::VALUE.eq(beyond + 1), 1),
        (Setting::VALUE.eq(beyond + 2), 0),
        (Setting::VALUE.gt(beyond), 2),
        (Setting::VALUE.ge(i64::MAX), 1),
        (Setting::VALUE.ge(i64::MIN), 3),
    ] {
        assert_eq!(settings.count(filter.clone()).await?, expected, "{filter:?}");
    }
    Ok(())
}

pub(crate) async fn take_both_zeros_for_one(store: &Store) -> Outcome {
    let animals = set_up::<Animal>(store).await?;
    let rows = [animal("minus", None, None, -0.0), animal("plus", None, None, 0.0)];
    animals.put_bulk(rows).await?;
    assert_eq!(names(&animals, Animal::WEIGHT.eq(0.0)).await?, "minus plus");
    assert_eq!(names(&animals, Animal::WEIGHT.eq(-0.0)).await?, "minus plus");
    assert_eq!(names(&animals, Animal::WEIGHT.in_list([-0.0])).await?, "minus plus");
    assert_eq!(names(&animals, Animal::WEIGHT.lt(0.0)).await?, "");
    assert_eq!(names(&animals, Animal::WEIGHT.gt(-0.0)).await?, "");
    Ok(())
}

/// W-T2: no value is ever taken for SQL, in any operator.
pub(crate) async fn take_sql_for_text(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    let hostile = ["' OR '1'='1", "x'; DROP TABLE animals; --", "\" OR 1=1", "\\' OR 1=1 --", "?1"];
    for text in hostile {
        for filter in [
            Animal::CLASS.eq(text),
            Animal::CLASS.in_list([text]),
            Animal::CLASS.like(text),
            Animal::CLASS.starts_with(text),
            Animal::CLASS.contains(text),
            Animal::CLASS.between(text, text),
        ] {
            assert_eq!(names(&animals, filter.clone()).await?, "", "{filter:?}");
        }
    }
    let rows = hostile.map(|text| animal(text, Some(text), None, 1.0));
    animals.put_bulk(rows).await?;
    for text in hostile {
        for filter in [
            Animal::CLASS.eq(text),
            Animal::CLASS.in_list([text]),
            Animal::CLASS.starts_with(text),
            Animal::CLASS.contains(text),
            Animal::NAME.eq(text),
        ] {
            assert_eq!(names(&animals, filter.clone()).await?, text, "{filter:?}");
        }
    }
    assert_eq!(animals.size().await?, 10);
    Ok(())
}

pub(crate) async fn never_take_text_for_a_number(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("1", 1), setting("01", 2), setting("1.0", 3)]).await?;
    assert_eq!(settings.query(Setting::NAME.eq("1")).await?, [setting("1", 1)]);
    assert_eq!(settings.query(Setting::NAME.in_list(["01"])).await?, [setting("01", 2)]);
    assert_eq!(settings.get("1.0").await?, Some(setting("1.0", 3)));
    Ok(())
}
