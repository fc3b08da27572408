//! A network between the backend and the server that can be held up and cut.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Passes on what either side says, until it is told otherwise. It runs on the test's runtime.
pub struct Proxy {
    address: SocketAddr,
    traffic: watch::Sender<Traffic>,
    listening: JoinHandle<()>,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Cut {
    /// The backend hears that nothing more comes, as when the server ends.
    #[default]
    End,
    /// The backend is told that there is no such connection, as when the server's machine starts
    /// again.
    Reset,
    /// The backend hears nothing, ever, as when a cable is cut.
    Silence,
}

#[derive(Clone, Copy, Default)]
struct Traffic {
    is_held: bool,
    /// How often all connections were cut, and how the last time.
    cuts: u64,
    cut: Cut,
}

impl Proxy {
    /// A network to the server that a URL names.
    pub async fn to(url: &str) -> Self {
        let (_, rest) = url.rsplit_once('@').unwrap();
        let server = rest.split_once('/').unwrap().0.to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let traffic = watch::Sender::new(Traffic::default());
        let told = traffic.subscribe();
        let listening = tokio::spawn(async move {
            while let Ok((backend, _)) = listener.accept().await {
                tokio::spawn(connect(backend, server.clone(), told.clone()));
            }
        });
        Self { address, traffic, listening }
    }

    /// The same database, by way of this network.
    pub fn url(&self, url: &str) -> String {
        let (user, rest) = url.rsplit_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        format!("{user}@{}/{database}", self.address)
    }

    /// Passes nothing on any more, and keeps it.
    pub fn hold(&self) {
        self.traffic.send_modify(|traffic| traffic.is_held = true);
    }

    /// Passes everything on, also what was kept.
    pub fn release(&self) {
        self.traffic.send_modify(|traffic| traffic.is_held = false);
    }

    /// Cuts every connection, with what was kept. New ones are as good as any.
    pub fn cut(&self, cut: Cut) {
        self.traffic.send_modify(|traffic| {
            *traffic = Traffic { is_held: false, cuts: traffic.cuts + 1, cut };
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn connect(mut backend: TcpStream, server: String, mut told: watch::Receiver<Traffic>) {
    let cuts = told.borrow().cuts;
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let (from_backend, to_backend) = backend.split();
    let (from_server, to_server) = server.split();
    let cut = tokio::select! {
        () = pass_on(from_backend, to_server, told.clone()) => return,
        () = pass_on(from_server, to_backend, told.clone()) => return,
        traffic = told.wait_for(|traffic| traffic.cuts > cuts) => {
            let Ok(traffic) = traffic else { return };
            traffic.cut
        }
    };
    match cut {
        Cut::End => {
            let _ = backend.shutdown().await;
            // The backend may still talk, to nobody.
            let mut rest = Vec::new();
            let _ = backend.read_to_end(&mut rest).await;
        }
        // Closed without waiting, a connection is reset.
        Cut::Reset => backend.set_zero_linger().unwrap(),
        Cut::Silence => std::future::pending().await,
    }
}

/// Passes on what one side says, until it ends.
async fn pass_on(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut told: watch::Receiver<Traffic>,
) {
    let mut part = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut part).await {
        if told.wait_for(|traffic| !traffic.is_held).await.is_err()
            || to.write_all(&part[..length]).await.is_err()
        {
            return;
        }
    }
}
