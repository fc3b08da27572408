//! A second tab of the browser, from both sides: the test tells it what to do, and it does so.
//!
//! It is a page of its own, opened without a tie to the test's, so that it may run in another process.

use std::{cell::RefCell, panic, time::Duration};

use futures::{
    StreamExt as _,
    channel::mpsc,
    future::{Either, select},
};
use futures_timer::Delay;
use js_sys::{Function, Reflect};
use storehouse::{Error, Result, Store, Transaction, kv::Kv, prelude::*};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = open)]
    fn open_page(url: &str, target: &str, features: &str) -> JsValue;

    #[wasm_bindgen(js_name = close)]
    fn close_page();

    type BroadcastChannel;

    #[wasm_bindgen(constructor)]
    fn new(name: &str) -> BroadcastChannel;

    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &BroadcastChannel, message: &str);

    #[wasm_bindgen(method, setter, js_name = onmessage)]
    fn set_onmessage(this: &BroadcastChannel, listener: &Function);
}

/// If the other tab says nothing for so long, it never will.
const SILENCE: Duration = Duration::from_mins(1);

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tickets", changes)]
pub struct Ticket {
    #[table(key, auto)]
    pub id: i64,
    #[table(unique)]
    pub seat: String,
}

/// A table of the same name with other columns.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tickets")]
pub struct OtherTicket {
    #[table(key)]
    pub seat: String,
    pub row: i32,
}

pub fn ticket(seat: impl Into<String>) -> TicketInsert {
    TicketInsert { seat: seat.into() }
}

pub async fn open(database: &str) -> Store {
    storehouse::open(&format!("memory://{database}")).await.expect("a name opens")
}

pub async fn tickets(store: &Store) -> Tabular<Ticket> {
    let tickets = store.tabular::<Ticket>().await.expect("it is the same table");
    tickets.setup_database().await.expect("it is set up");
    tickets
}

pub async fn visits(store: &Store) -> Kv<String, i64> {
    let visits = store.kv("visits").await.expect("it is the same store");
    visits.setup_database().await.expect("it is set up");
    visits
}

/// Inserts tickets until there are `count`; of those whose seat another has only the number is given.
pub async fn take_seats(
    tickets: &Tabular<Ticket>,
    prefix: &str,
    count: usize,
) -> (Vec<i64>, usize) {
    let (mut ids, mut taken) = (Vec::new(), 0);
    for number in 0..count {
        ids.push(tickets.insert(ticket(format!("{prefix}{number}"))).await.expect("it is free").id);
        match tickets.insert(ticket(format!("shared {number}"))).await {
            Ok(ticket) => ids.push(ticket.id),
            Err(Error::Conflict { .. }) => taken += 1,
            Err(error) => panic!("{error}"),
        }
        // Lets messages in, as a program does that waits for anything.
        Delay::new(Duration::ZERO).await;
    }
    (ids, taken)
}

/// What two tabs hear each other by.
struct Line {
    channel: BroadcastChannel,
    heard: RefCell<mpsc::UnboundedReceiver<String>>,
    _listener: Closure<dyn Fn(JsValue)>,
}

impl Line {
    fn new(name: &str) -> Self {
        let channel = BroadcastChannel::new(name);
        let (hear, heard) = mpsc::unbounded();
        let listener = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            let data = Reflect::get(&event, &"data".into()).expect("a message has data");
            // The test may have ended.
            let _ = hear.unbounded_send(data.as_string().expect("it is text"));
        });
        channel.set_onmessage(listener.as_ref().unchecked_ref());
        Self { channel, heard: RefCell::new(heard), _listener: listener }
    }

    fn say(&self, text: &str) {
        self.channel.post_message(text);
    }

    #[expect(clippy::await_holding_refcell_ref, reason = "one at a time listens")]
    async fn hear(&self) -> String {
        self.heard.borrow_mut().next().await.expect("the listener lives as long as the line")
    }
}

/// Another tab, as the test sees it. It is closed when this is dropped.
pub struct OtherTab(Line);

impl OtherTab {
    /// Opens one, and waits until it has loaded.
    pub async fn open() -> Self {
        let name = format!("storehouse-test/{}", uuid::Uuid::new_v4());
        let line = Line::new(&name);
        open_page(&format!("/tests/browser/tab.html?line={name}"), "_blank", "noopener");
        let tab = Self(line);
        assert_eq!(tab.answer().await, "ready");
        tab
    }

    /// Opens one with that database open in it.
    pub async fn with(database: &str) -> Self {
        let tab = Self::open().await;
        assert_eq!(tab.ask(&format!("open {database}")).await, "");
        tab
    }

    /// Tells it to do something, and waits for what comes of it.
    pub async fn ask(&self, command: &str) -> String {
        self.tell(command);
        self.answer().await
    }

    pub fn tell(&self, command: &str) {
        self.0.say(command);
    }

    pub async fn answer(&self) -> String {
        let heard = Box::pin(self.0.hear());
        let answer = match select(heard, Delay::new(SILENCE)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => panic!("the other tab says nothing"),
        };
        assert!(!answer.starts_with("failed"), "the other tab {answer}");
        answer
    }
}

impl Drop for OtherTab {
    fn drop(&mut self) {
        self.tell("close");
    }
}

/// What the other tab runs: it does what it is told, one thing after the other, and says what came of it.
#[wasm_bindgen]
pub async fn obey(line: String) {
    let name = line.clone();
    panic::set_hook(Box::new(move |panic| {
        BroadcastChannel::new(&name).post_message(&format!("failed: {panic}"));
    }));
    let line = Line::new(&line);
    line.say("ready");
    let mut tab = Obedient::default();
    loop {
        let command = line.hear().await;
        let answer = tab.obey(&command).await;
        line.say(&answer.unwrap_or_else(|error| error.name().to_owned()));
    }
}

/// What is open in the other tab.
#[derive(Default)]
struct Obedient {
    stores: Vec<Store>,
    transaction: Option<Transaction>,
}

impl Obedient {
    async fn obey(&mut self, command: &str) -> Result<String> {
        let (command, argument) = command.split_once(' ').unwrap_or((command, ""));
        if command == "open" {
            // What was opened before is used by nobody any more, soon.
            self.stores.truncate(8);
            self.stores.insert(0, open(argument).await);
            return Ok(String::new());
        }
        let number = || argument.parse().expect("it is a number");
        let store = self.stores.first().expect("a database is open");
        match command {
            "increment" => {
                let visits = visits(store).await;
                for _ in 0..number() {
                    visits.increment("home", 1).await?;
                }
            }
            "visits" => {
                let visits: Kv<String, i64> = store.kv("visits").await?;
                return Ok(format!("{:?}", visits.get("home").await?));
            }
            "take" => {
                let taken = take_seats(&tickets(store).await, "other ", number()).await;
                return Ok(serde_json::to_string(&taken).expect("they are numbers"));
            }
            "insert" => {
                tickets(store).await.insert(ticket(argument)).await?;
            }
            "delete" => {
                tickets(store).await.delete_search(Ticket::SEAT.eq(argument)).await?;
            }
            "begin" => {
                let tickets = tickets(store).await;
                let transaction = store.begin().await?;
                tickets.in_tx(&transaction).insert(ticket(argument)).await?;
                self.transaction = Some(transaction);
            }
            "commit" | "rollback" => {
                let transaction = self.transaction.take().expect("one is open");
                if command == "commit" {
                    transaction.commit().await?;
                } else {
                    drop(transaction);
                }
            }
            // Without having set anything up.
            "seats" => {
                let tickets = store.tabular::<Ticket>().await?.get_all().await?;
                let seats: Vec<String> = tickets.into_iter().map(|ticket| ticket.seat).collect();
                return Ok(seats.join(","));
            }
            "otherwise" => {
                store.tabular::<OtherTicket>().await?.setup_database().await?;
            }
            "close" => close_page(),
            _ => panic!("`{command}` is none of the commands"),
        }
        Ok(String::new())
    }
}
