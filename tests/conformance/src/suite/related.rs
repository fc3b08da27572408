//! Loading the rows that belong to rows in hand: each list at its place, and few round trips.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use storehouse::{EventKind, Subscription, Table, Tabular};
use storehouse_runtime::{Error, Result, Store};

use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "authors")]
struct Author {
    #[table(key)]
    id: i64,
    #[table(unique)]
    pen_name: Option<String>,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "books")]
struct Book {
    #[table(key)]
    id: i64,
    #[table(references(Author::id))]
    author: i64,
    #[table(references(Author::id))]
    editor: Option<i64>,
    #[table(references(Author::pen_name))]
    signed: Option<String>,
    pages: u32,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "genres")]
struct Genre {
    #[table(key)]
    name: String,
    rank: i64,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "book_genres")]
struct BookGenre {
    #[table(key, auto)]
    id: i64,
    #[table(references(Book::id, on_delete = "cascade"))]
    book: i64,
    #[table(references(Genre::name, on_delete = "cascade"))]
    genre: Option<String>,
    is_main: bool,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "folders")]
struct Folder {
    #[table(key)]
    id: i64,
    #[table(references(Self::id))]
    within: Option<i64>,
}

fn author(id: i64) -> Author {
    Author { id, pen_name: (id % 2 == 1).then(|| format!("author {id}")) }
}

fn book(id: i64, author: i64, pages: u32) -> Book {
    Book { id, author, editor: None, signed: None, pages }
}

fn genre(name: &str, rank: i64) -> Genre {
    Genre { name: name.into(), rank }
}

fn link(id: i64, book: i64, genre: &str, is_main: bool) -> BookGenre {
    BookGenre { id, book, genre: Some(genre.into()), is_main }
}

/// Three authors, the third without a book.
async fn library(store: &Store) -> Result<(Tabular<Author>, Tabular<Book>)> {
    let authors = set_up::<Author>(store).await?;
    let books = set_up::<Book>(store).await?;
    authors.put_bulk((1..=3).map(author)).await?;
    let signed = Book { signed: Some("author 1".into()), ..book(1, 1, 300) };
    let edited = Book { editor: Some(3), ..book(4, 1, 200) };
    books.put_bulk([signed, book(2, 2, 100), book(3, 1, 100), edited]).await?;
    Ok((authors, books))
}

fn ids(lists: &[Vec<Book>]) -> Vec<Vec<i64>> {
    lists.iter().map(|books| books.iter().map(|book| book.id).collect()).collect()
}

pub(crate) async fn rows_are_those_that_are_referred_to(store: &Store) -> Outcome {
    let (authors, books) = library(store).await?;
    let page = books.get_all().await?;
    let written = authors.referenced_by(&page, Book::AUTHOR_REFERENCE).await?;
    assert_eq!(written, [1, 2, 1, 1].map(|id| Some(author(id))));
    let edited = authors.referenced_by(&page, Book::EDITOR_REFERENCE).await?;
    assert_eq!(edited, [None, None, None, Some(author(3))]);
    // By a unique column.
    let signed = authors.referenced_by(&page, Book::SIGNED_REFERENCE).await?;
    assert_eq!(signed, [Some(author(1)), None, None, None]);
    // Rows that were never stored may refer to anything.
    let made_up = [book(9, 7, 1), book(8, 2, 1), book(9, 7, 1)];
    let written = authors.referenced_by(&made_up, Book::AUTHOR_REFERENCE).await?;
    assert_eq!(written, [None, Some(author(2)), None]);
    // What was loaded is loaded from in turn.
    let first = written.iter().flatten();
    assert_eq!(ids(&books.belonging_to(first, Book::AUTHOR_REFERENCE).await?), [[2]]);
    Ok(())
}

pub(crate) async fn rows_are_those_that_refer(store: &Store) -> Outcome {
    let (authors, books) = library(store).await?;
    let page = authors.get_all().await?;
    let all = books.belonging_to(&page, Book::AUTHOR_REFERENCE).await?;
    assert_eq!(ids(&all), [vec![1, 3, 4], vec![2], vec![]]);
    let edited = books.belonging_to(&page, Book::EDITOR_REFERENCE).await?;
    assert_eq!(ids(&edited), [vec![], vec![], vec![4]]);
    // The second has no pen name, and so nothing refers to it.
    let signed = books.belonging_to(&page, Book::SIGNED_REFERENCE).await?;
    assert_eq!(ids(&signed), [vec![1], vec![], vec![]]);
    // In the order of what is given, however often.
    let again = [author(2), author(1), author(2)];
    let found = books.belonging_to(&again, Book::AUTHOR_REFERENCE).await?;
    assert_eq!(ids(&found), [vec![2], vec![1, 3, 4], vec![2]]);
    Ok(())
}

pub(crate) async fn rows_can_be_narrowed_ordered_and_limited(store: &Store) -> Outcome {
    let (authors, books) = library(store).await?;
    let page = authors.get_all().await?;
    let all = || books.belonging_to(&page, Book::AUTHOR_REFERENCE);
    let long = all().filter(Book::PAGES.ge(200)).await?;
    assert_eq!(ids(&long), [vec![1, 4], vec![], vec![]]);
    let by_pages = all().order_by(Book::PAGES.desc()).await?;
    assert_eq!(ids(&by_pages), [vec![1, 4, 3], vec![2], vec![]]);
    let shortest = all().order_by(Book::PAGES.asc()).limit_per_parent(2).await?;
    assert_eq!(ids(&shortest), [vec![3, 4], vec![2], vec![]]);
    let one = all().order_by(Book::ID.desc()).limit_per_parent(1).await?;
    assert_eq!(ids(&one), [vec![4], vec![2], vec![]]);
    // Every list is full before the end.
    let first = books.belonging_to(&page[..2], Book::AUTHOR_REFERENCE).limit_per_parent(1).await?;
    assert_eq!(ids(&first), [[1], [2]]);
    let none = all().limit_per_parent(0).await?;
    assert_eq!(ids(&none), [[0; 0]; 3]);
    Ok(())
}

pub(crate) async fn rows_are_linked_by_a_third_table(store: &Store) -> Outcome {
    let (_, books) = library(store).await?;
    let genres = set_up::<Genre>(store).await?;
    let links = set_up::<BookGenre>(store).await?;
    let (crime, poems, travel) = (genre("crime", 3), genre("poems", 1), genre("travel", 2));
    genres.put_bulk([&travel, &poems, &crime].map(Clone::clone)).await?;
    links
        .put_bulk([
            link(1, 1, "travel", true),
            link(2, 1, "crime", false),
            link(3, 1, "travel", false),
            link(4, 2, "poems", true),
            link(5, 4, "crime", true),
            link(6, 4, "poems", false),
            BookGenre { genre: None, ..link(7, 3, "", true) },
        ])
        .await?;
    let page = books.get_all().await?;
    let all =
        || genres.linked_to(&page, &links, BookGenre::BOOK_REFERENCE, BookGenre::GENRE_REFERENCE);
    let names = |lists: Vec<Vec<Genre>>| -> Vec<Vec<String>> {
        lists.into_iter().map(|list| list.into_iter().map(|genre| genre.name).collect()).collect()
    };
    let none = || Vec::<&str>::new();
    let expected = [vec!["crime", "travel"], vec!["poems"], none(), vec!["crime", "poems"]];
    assert_eq!(names(all().await?), expected);
    let by_rank = all().order_by(Genre::RANK.asc()).limit_per_parent(1).await?;
    assert_eq!(names(by_rank), [vec!["travel"], vec!["poems"], none(), vec!["poems"]]);
    let main = all().filter_links(BookGenre::IS_MAIN.eq(true)).await?;
    assert_eq!(names(main), [vec!["travel"], vec!["poems"], none(), vec!["crime"]]);
    let high = all().filter(Genre::RANK.gt(1)).await?;
    assert_eq!(names(high), [vec!["crime", "travel"], none(), none(), vec!["crime"]]);
    assert_eq!(names(all().limit_per_parent(0).await?), [none(), none(), none(), none()]);
    // And the other way round.
    let of_genres = books
        .linked_to([&poems, &travel], &links, BookGenre::GENRE_REFERENCE, BookGenre::BOOK_REFERENCE)
        .await?;
    assert_eq!(ids(&of_genres), [vec![2, 4], vec![1]]);
    Ok(())
}

pub(crate) async fn of_nothing_is_nothing(store: &Store) -> Outcome {
    let (authors, books) = library(store).await?;
    let genres = set_up::<Genre>(store).await?;
    let links = set_up::<BookGenre>(store).await?;
    assert!(authors.referenced_by(&[], Book::AUTHOR_REFERENCE).await?.is_empty());
    assert!(books.belonging_to(&[], Book::AUTHOR_REFERENCE).await?.is_empty());
    let page = books.get_all().await?;
    let linked = |rows| {
        genres.linked_to(rows, &links, BookGenre::BOOK_REFERENCE, BookGenre::GENRE_REFERENCE)
    };
    assert!(linked(&page[..0]).await?.is_empty());
    assert_eq!(linked(&page).await?, vec![Vec::new(); 4]);
    let without = [book(5, 1, 1)];
    assert_eq!(authors.referenced_by(&without, Book::EDITOR_REFERENCE).await?, [None]);
    assert_eq!(authors.referenced_by(&without, Book::SIGNED_REFERENCE).await?, [None]);
    Ok(())
}

pub(crate) async fn rows_can_be_of_the_same_table(store: &Store) -> Outcome {
    let folders = set_up::<Folder>(store).await?;
    let folder = |id, within| Folder { id, within };
    let all = [folder(1, None), folder(2, Some(1)), folder(3, Some(1)), folder(4, Some(2))];
    folders.put_bulk(all.clone()).await?;
    let around = folders.referenced_by(&all, Folder::WITHIN_REFERENCE).await?;
    let one = || Some(folder(1, None));
    assert_eq!(around, [None, one(), one(), Some(folder(2, Some(1)))]);
    let inside = folders.belonging_to(&all, Folder::WITHIN_REFERENCE).await?;
    assert_eq!(
        inside,
        [vec![all[1].clone(), all[2].clone()], vec![all[3].clone()], vec![], vec![]]
    );
    Ok(())
}

pub(crate) async fn rows_of_a_transaction_are_seen_in_it(store: &Store) -> Outcome {
    let (authors, books) = library(store).await?;
    let genres = set_up::<Genre>(store).await?;
    let links = set_up::<BookGenre>(store).await?;
    store
        .transaction(async |tx| {
            let (authors, books) = (authors.in_tx(tx), books.in_tx(tx));
            let (genres, links) = (genres.in_tx(tx), links.in_tx(tx));
            authors.put(author(4)).await?;
            books.put(book(5, 4, 1)).await?;
            genres.put(genre("crime", 1)).await?;
            links.put(link(1, 5, "crime", true)).await?;
            let page = [book(5, 4, 1)];
            let written = authors.referenced_by(&page, Book::AUTHOR_REFERENCE).await?;
            assert_eq!(written, [Some(author(4))]);
            let lists = books.belonging_to(&[author(4)], Book::AUTHOR_REFERENCE).await?;
            assert_eq!(ids(&lists), [[5]]);
            let linked = genres
                .linked_to(&page, &links, BookGenre::BOOK_REFERENCE, BookGenre::GENRE_REFERENCE)
                .await?;
            assert_eq!(linked, [[genre("crime", 1)]]);
            Err::<(), _>(Error::application("no"))
        })
        .await
        .map_or_else(|error| drop(fails::<()>("Application", Err(error))), |()| unreachable!());
    let lists = books.belonging_to(&[author(4)], Book::AUTHOR_REFERENCE).await?;
    assert_eq!(ids(&lists), [[0; 0]]);
    Ok(())
}

/// More than a statement has parameters.
pub(crate) async fn rows_of_a_very_long_page_are_found(store: &Store) -> Outcome {
    const AUTHORS: i64 = 40_000;
    let authors = set_up::<Author>(store).await?;
    let books = set_up::<Book>(store).await?;
    let page: Vec<Author> = (0..AUTHORS).map(author).collect();
    authors.put_bulk(page.clone()).await?;
    books.put_bulk([book(1, 7, 1), book(2, AUTHORS - 1, 1), book(3, 7, 1)]).await?;
    let lists = books.belonging_to(&page, Book::AUTHOR_REFERENCE).await?;
    assert_eq!(lists.len(), page.len());
    assert_eq!(ids(&lists[7..9]), [vec![1, 3], vec![]]);
    assert_eq!(ids(&lists[page.len() - 1..]), [[2]]);
    let made_up: Vec<Book> = (0..AUTHORS).map(|id| book(id, AUTHORS - 1 - id, 1)).collect();
    let written = authors.referenced_by(&made_up, Book::AUTHOR_REFERENCE).await?;
    assert!(written.iter().flatten().eq(page.iter().rev()));
    Ok(())
}

/// Counts the queries of a handle.
fn counted<T: Table>(table: &Tabular<T>, queries: &Arc<AtomicUsize>) -> Subscription {
    let queries = Arc::clone(queries);
    table.events().on(EventKind::Query, move |_| {
        queries.fetch_add(1, Ordering::Relaxed);
    })
}

/// However many parents, one query, and two where a third table links.
pub(crate) async fn rows_take_one_query_or_two(store: &Store) -> Outcome {
    let (authors, books) = library(store).await?;
    let genres = set_up::<Genre>(store).await?;
    let links = set_up::<BookGenre>(store).await?;
    genres.put(genre("crime", 1)).await?;
    links.put_bulk((1..=4).map(|id| link(id, id, "crime", true))).await?;
    let (writers, page) = (authors.get_all().await?, books.get_all().await?);
    let queries = Arc::<AtomicUsize>::default();
    let _subscriptions = [
        counted(&authors, &queries),
        counted(&books, &queries),
        counted(&genres, &queries),
        counted(&links, &queries),
    ];
    let taken = || queries.swap(0, Ordering::Relaxed);
    books.belonging_to(&writers, Book::AUTHOR_REFERENCE).limit_per_parent(2).await?;
    assert_eq!(taken(), 1);
    authors.referenced_by(&page, Book::SIGNED_REFERENCE).await?;
    assert_eq!(taken(), 1);
    let by_link =
        || genres.linked_to(&page, &links, BookGenre::BOOK_REFERENCE, BookGenre::GENRE_REFERENCE);
    assert_eq!(by_link().await?.len(), 4);
    assert_eq!(taken(), 2);
    // Each author is asked for once, by key.
    let asked = Arc::<AtomicUsize>::default();
    let noted = Arc::clone(&asked);
    let _gets = authors.events().on(EventKind::Get, move |_| {
        noted.fetch_add(1, Ordering::Relaxed);
    });
    authors.referenced_by(&page, Book::AUTHOR_REFERENCE).await?;
    assert_eq!((taken(), asked.load(Ordering::Relaxed)), (0, 2));
    Ok(())
}

pub(crate) async fn errors_say_where_they_are_from(store: &Store) -> Outcome {
    let authors = set_up::<Author>(store).await?;
    let books = store.tabular::<Book>().await?;
    let error = fails("Schema", books.belonging_to(&[author(1)], Book::AUTHOR_REFERENCE).await);
    let message = error.to_string();
    assert!(message.contains("`belonging_to`") && message.contains("`books`"), "{message}");
    authors.destroy();
    fails("Closed", authors.referenced_by(&[book(1, 1, 1)], Book::AUTHOR_REFERENCE).await);
    Ok(())
}
