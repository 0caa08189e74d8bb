//! A keeper that another engine has left behind, found again by its lock on the job's file of exits.
//!
//! Not here: how it waits for that (`process/adrift.rs`), what it holds (the engine asks).

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream as Socket;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Keeper, exits, frame};
use crate::port::keeper::{EPOCH, Hello, SOCKET, ToKeeper};

/// How long a keeper is waited for that has not noticed yet that its engine is gone, beyond the grace: it may be ending
/// what it holds.
const ADOPTION: Duration = Duration::from_secs(15);

/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(2);

/// Finds the keeper that an earlier engine of a job left behind, and greets it; none if there is none any more. From now
/// on no keeper of an earlier engine begins anything.
///
/// # Errors
/// If the job's folder cannot be used, or the keeper does not answer.
pub fn adopt(hello: &Hello) -> io::Result<Option<Adopted>> {
    let dir = Path::new(&hello.dir);
    // The first has nobody to keep out; but a power cut may have taken later ones from the store, and not from here.
    if hello.epoch > 1 || dir.join(EPOCH).exists() {
        exits::fence(dir, hello.epoch)?;
    }
    let until = Instant::now() + ADOPTION + Duration::from_millis(hello.grace_ms);
    while exits::is_claimed(dir)? {
        match adrift(dir) {
            Ok(socket) => return Ok(Some(Adopted::greet(socket, hello)?)),
            // It notices in a moment, or ends.
            Err(_) if Instant::now() < until => std::thread::sleep(LOOK),
            Err(error) => {
                let message = format!("the keeper of the job lives and does not answer: {error}");
                return Err(io::Error::new(error.kind(), message));
            }
        }
    }
    Ok(None)
}

/// Connects to a keeper that has lost its engine.
fn adrift(dir: &Path) -> io::Result<Socket> {
    let folder = std::fs::File::open(dir)?;
    Socket::connect(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))
}

/// A keeper that another engine has left behind.
#[derive(Debug)]
pub struct Adopted {
    socket: Socket,
    greeting: Vec<u8>,
}

impl Adopted {
    fn greet(socket: Socket, hello: &Hello) -> io::Result<Self> {
        let mut greeting = Vec::new();
        frame::encode(&ToKeeper::Hello(hello.clone()), &mut greeting)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, greeting })
    }

    /// The connection to the keeper; does not wait until it answers. Needs a tokio runtime with I/O.
    ///
    /// # Errors
    /// If the connection cannot be used.
    pub fn connect(self) -> io::Result<Keeper> {
        Keeper::over(self.socket, 0, self.greeting)
    }
}
