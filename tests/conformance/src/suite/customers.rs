//! Tables that refer to each other, in each way that there is.

use storehouse::Table;

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "customers")]
pub(crate) struct Customer {
    #[table(key)]
    pub(crate) id: i64,
    #[table(unique)]
    pub(crate) email: String,
}

/// Keeps its customer from being deleted.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "orders")]
pub(crate) struct Order {
    #[table(key)]
    pub(crate) id: i64,
    #[table(references(Customer::id))]
    pub(crate) customer_id: i64,
    /// Refers to a column that is unique, but not the key.
    #[table(references(Customer::email))]
    pub(crate) contact: Option<String>,
}

/// Goes with its customer.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "notes")]
pub(crate) struct Note {
    #[table(key)]
    pub(crate) id: i64,
    #[table(references(Customer::id, on_delete = "cascade"))]
    pub(crate) customer_id: i64,
}

/// Goes with its note, and keeps its customer.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "attachments")]
pub(crate) struct Attachment {
    #[table(key)]
    pub(crate) id: i64,
    #[table(references(Note::id, on_delete = "cascade"))]
    pub(crate) note_id: i64,
    #[table(references(Customer::id, on_delete = "restrict"))]
    pub(crate) customer_id: Option<i64>,
}

/// Keeps its note.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "reminders")]
pub(crate) struct Reminder {
    #[table(key)]
    pub(crate) id: i64,
    #[table(references(Note::id))]
    pub(crate) note_id: i64,
}

/// Forgets its customer.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "visits")]
pub(crate) struct Visit {
    #[table(key, auto)]
    pub(crate) id: i64,
    #[table(references(Customer::id, on_delete = "set null"))]
    pub(crate) customer_id: Option<i64>,
}

/// A tree whose branches go with what they grow from.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "categories")]
pub(crate) struct Category {
    #[table(key, auto)]
    pub(crate) id: i64,
    #[table(references(Self::id, on_delete = "cascade"))]
    pub(crate) parent_id: Option<i64>,
}

/// A tree in which whoever leads somebody stays.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "employees")]
pub(crate) struct Employee {
    #[table(key)]
    pub(crate) id: i64,
    #[table(references(Employee::id))]
    pub(crate) manager_id: Option<i64>,
}

pub(crate) fn customer(id: i64) -> Customer {
    Customer { id, email: format!("{id}@example.org") }
}

pub(crate) const fn order(id: i64, customer_id: i64) -> Order {
    Order { id, customer_id, contact: None }
}

pub(crate) fn contact(id: i64, contact: &str) -> Order {
    Order { contact: Some(contact.into()), ..order(id, 1) }
}

pub(crate) const fn note(id: i64, customer_id: i64) -> Note {
    Note { id, customer_id }
}

pub(crate) const fn attachment(id: i64, note_id: i64, customer_id: Option<i64>) -> Attachment {
    Attachment { id, note_id, customer_id }
}

pub(crate) const fn visit(id: i64, customer_id: Option<i64>) -> Visit {
    Visit { id, customer_id }
}

pub(crate) const fn category(id: i64, parent_id: Option<i64>) -> Category {
    Category { id, parent_id }
}

pub(crate) const fn employee(id: i64, manager_id: Option<i64>) -> Employee {
    Employee { id, manager_id }
}
