use storehouse::prelude::*;

#[derive(Table)]
struct Line {
    #[table(key)]
    order: i64,
    #[table(key)]
    number: i32,
}

async fn get(lines: &Tabular<Line>) -> storehouse::Result<()> {
    lines.get(&(1, 2)).await?;
    Ok(())
}

fn main() {}
