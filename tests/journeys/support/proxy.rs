//! A TCP connection that can be cut, slow down or fall silent.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Nothing is cut.
const NEVER: u64 = u64::MAX;

/// Hands bytes on to a server and back.
#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    to: u16,
    /// Of the server's bytes, how many of each connection are handed on before it is cut.
    cut_after: AtomicU64,
    connections: AtomicUsize,
    /// Connections with a lower number are silent.
    silent_below: AtomicUsize,
    /// The pause after each piece that is handed on, in milliseconds.
    pause_ms: AtomicU64,
}

impl Proxy {
    /// Works until the process ends.
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (cut_after, connections, silent_below) = (AtomicU64::new(NEVER), AtomicUsize::new(0), AtomicUsize::new(0));
        let pause_ms = AtomicU64::new(0);
        let proxy = Self { port, state: Arc::new(State { to, cut_after, connections, silent_below, pause_ms }) };
        let accepting = proxy.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.serve(&client);
            }
        });
        proxy
    }

    /// From now on each new connection is cut after so many bytes of the server's; None = not at all.
    pub fn cut_after(&self, bytes: Option<u64>) {
        self.state.cut_after.store(bytes.unwrap_or(NEVER), Ordering::SeqCst);
    }

    /// The connections that are open now stay open, and nothing passes through them any more; later ones are good.
    pub fn silence(&self) {
        self.state.silent_below.store(self.connections(), Ordering::SeqCst);
    }

    /// From now on there is a pause after each 16 KiB, or less, that is handed on.
    pub fn slow_down(&self, pause: Duration) {
        self.state.pause_ms.store(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    fn serve(&self, client: &TcpStream) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.state.to)) else { return };
        let number = self.state.connections.fetch_add(1, Ordering::SeqCst);
        let left = self.state.cut_after.load(Ordering::SeqCst);
        for (from, to, left) in [(client, &server, NEVER), (&server, client, left)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
            let state = Arc::clone(&self.state);
            std::thread::spawn(move || hand_on(&state, number, from, to, left));
        }
    }
}

fn hand_on(state: &State, number: usize, mut from: TcpStream, mut to: TcpStream, mut left: u64) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        while number < state.silent_below.load(Ordering::SeqCst) {
            // Neither side hears of the other again, nor of an end.
            std::thread::park();
        }
        let handed = usize::try_from(left).unwrap_or(usize::MAX).min(read);
        left -= handed as u64;
        if to.write_all(&buffer[..handed]).is_err() || handed < read || read == 0 {
            // Told to both; one of them may have gone already.
            drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
            return;
        }
        std::thread::sleep(Duration::from_millis(state.pause_ms.load(Ordering::SeqCst)));
    }
}
