use storehouse::prelude::*;

#[derive(TableEnum)]
enum Status {
    Draft,
}

#[derive(Table)]
struct Article {
    #[table(key)]
    id: i64,
    status: Status,
}

fn main() {
    let _ = Article::STATUS.eq("Draft");
}
