//! Where a database is, in the words of OpenTelemetry's conventions.

use std::borrow::Cow;

/// Where a database is, for what watches over it: traces, metrics, logs.
///
/// The fields are those that OpenTelemetry's semantic conventions for databases name
/// `db.system.name`, `db.namespace`, `server.address` and `server.port`.
///
/// ```
/// use storehouse::Endpoint;
///
/// let endpoint = Endpoint::of("memory");
/// assert_eq!(endpoint.system, "memory");
/// assert_eq!(endpoint.address, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The product, by the name that the conventions give it, such as `postgresql`; the backend's
    /// name where they have none.
    pub system: Cow<'static, str>,
    /// The database within the server; on PostgreSQL with the schema, as `shop|public`.
    pub namespace: Option<String>,
    /// The server's host name or address, or the path of its socket.
    pub address: Option<String>,
    /// The server's port, where it is not the product's usual one.
    pub port: Option<u16>,
}

impl Endpoint {
    /// A database of which only the product is known.
    pub fn of(system: impl Into<Cow<'static, str>>) -> Self {
        Self { system: system.into(), namespace: None, address: None, port: None }
    }

    /// The same, with the name of the database within the server.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The same, with the server's address, and its port where that is not the usual one.
    #[must_use]
    pub fn with_server(mut self, address: impl Into<String>, port: Option<u16>) -> Self {
        self.address = Some(address.into());
        self.port = port;
        self
    }
}
