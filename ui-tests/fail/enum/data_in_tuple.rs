use storehouse::prelude::*;

#[derive(TableEnum)]
enum Status {
    Draft,
    Retired(i32),
}

#[derive(Table)]
struct Article {
    #[table(key)]
    id: i64,
    status: Status,
}

fn main() {
    let _ = Article::STATUS.eq(Status::Draft);
}
