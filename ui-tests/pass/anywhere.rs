//! A table in a function, in a private module, made by a macro, and one of itself.

mod shop {
    pub mod goods {
        use storehouse::prelude::*;

        #[derive(Table)]
        pub(in crate::shop) struct Product {
            #[table(key)]
            pub(super) id: i64,
            pub(crate) name: String,
            #[table(default = Self::PRICE_OF_ALL)]
            price: f64,
        }

        impl Product {
            const PRICE_OF_ALL: f64 = 9.5;
        }
    }

    pub fn name() {
        let new = goods::ProductInsert { id: 1, name: "saw".into() };
        let _ = goods::Product::NAME.eq(&new.name) & goods::Product::ID.eq(new.id);
    }
}

macro_rules! table {
    ($name:ident { $($field:ident: $ty:ty),* $(,)? }) => {
        #[derive(storehouse::Table)]
        struct $name {
            #[table(key)]
            id: i64,
            $($field: $ty,)*
        }
    };
}

table!(City { name: String, mayor: Option<String> });

/// `Self` in a type means the struct, also in the structs beside it.
#[derive(storehouse::Table, serde::Serialize, serde::Deserialize, Clone, Debug, Default)]
#[table(columns = "CommentColumns")]
struct Comment {
    #[table(key)]
    id: i64,
    #[table(json)]
    answers: Vec<Self>,
    #[table(json)]
    first: Option<Box<(Self,)>>,
}

fn main() {
    let _ = CommentInsert { id: 1, answers: vec![Comment::default()] }
        .with(CommentOptional { first: Some(Box::new((Comment::default(),))) });
    let _: storehouse::Filter<Comment> = CommentColumns::FIRST.is_null();

    use storehouse::prelude::*;

    #[derive(Table, Clone)]
    struct Local {
        #[table(key)]
        id: i64,
        name: Option<String>,
    }

    shop::name();
    let _ = LocalInsert { id: 1 }.with(LocalOptional { name: None });
    let _ = CityInsert { id: 1, name: "Oslo".into() }.with(CityOptional { mayor: None });
    let _ = City::MAYOR.is_null();
    let _ = Local::NAME.eq(None::<String>);
}
