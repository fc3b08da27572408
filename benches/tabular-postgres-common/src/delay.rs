//! A network that is slow: everything arrives later, by a millisecond in each direction, so a round trip takes two
//! more. What is under way meanwhile is not limited.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How much later what one side says arrives at the other.
const DELAY: Duration = Duration::from_millis(1);

/// So many bytes are read at a time at most.
const PART: usize = 1 << 16;

pub(crate) struct Delay;

impl Delay {
    /// Listens, and passes on to `server` what it hears, until the program ends. Gives its address.
    ///
    /// On threads of its own, since the timer of the runtime counts in whole milliseconds.
    pub(crate) fn to(server: &str) -> io::Result<SocketAddr> {
        let server = server
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::other(format!("{server} is no address")))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for client in listener.incoming() {
                if let Err(error) = client.and_then(|client| pass_both_ways(client, server)) {
                    eprintln!("the slow network: {error}");
                }
            }
        });
        Ok(address)
    }
}

fn pass_both_ways(client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    pass_on(client.try_clone()?, server.try_clone()?);
    pass_on(server, client);
    Ok(())
}

/// Two threads: one notes when something came, the other waits until it is due. So what follows closely is late by as
/// much, and no later.
fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let (sender, parts) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut part = vec![0; PART];
        // An error is an end too: the other side learns of it as of any.
        while let Ok(length @ 1..) = from.read(&mut part) {
            if sender.send((Instant::now() + DELAY, part[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, part) in parts {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&part).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_arrives_in_order_and_a_millisecond_later_each_way() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = echo.local_addr().expect("it is bound");
        thread::spawn(move || {
            let (mut heard, _) = echo.accept().expect("somebody comes");
            let mut said = heard.try_clone().expect("a socket can be cloned");
            io::copy(&mut heard, &mut said)
        });
        let far = Delay::to(&address.to_string()).expect("there is somebody");
        let mut stream = TcpStream::connect(far).expect("it listens");
        let start = Instant::now();
        // A delay in series would take a second for these.
        for byte in 0..250 {
            stream.write_all(&[byte]).expect("it is connected");
        }
        let mut heard = [0; 250];
        stream.read_exact(&mut heard).expect("it is connected");
        assert!(start.elapsed() >= 2 * DELAY, "{:?}", start.elapsed());
        assert!(start.elapsed() < 100 * DELAY, "{:?}", start.elapsed());
        assert!((0..250).eq(heard), "{heard:?}");
    }
}
