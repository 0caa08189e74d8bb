//! The engine's side of the socket: a task per client inside the engine's runtime.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Answer, Request, make_folder, short_path};
use crate::engine::bus::{Bus, Held, Next, Place};
use crate::engine::handle::{AskedHere, LocalOrder, OrderError};
use crate::engine::store::History;
use crate::engine::subscription::catch_up;
use crate::engine::{JobId, Project};
use crate::logic::job::order::Asked;

/// The socket while it is served; removed when this goes.
pub(in crate::engine) struct Served {
    path: PathBuf,
    /// Number of the file, so that the socket of a later engine is left alone.
    inode: u64,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        if std::fs::metadata(&self.path).is_ok_and(|it| it.ino() != self.inode) {
            return;
        }
        // A socket that is gone already is as good as removed.
        let _outcome = std::fs::remove_file(&self.path);
    }
}

/// Listens for clients. Without a socket the job runs all the same; only other processes cannot steer it.
pub(in crate::engine) fn serve(
    dir: &Path,
    job: &JobId,
    bus: &Arc<Bus>,
    orders: &UnboundedSender<LocalOrder>,
) -> io::Result<Served> {
    make_folder(dir)?;
    let path = dir.join(super::file_name(job));
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    let (_folder, short) = short_path(dir, job)?;
    let listener = UnixListener::bind(short)?;
    let inode = std::fs::metadata(&path)?.ino();
    let shared = Shared {
        bus: Arc::clone(bus),
        orders: orders.clone(),
        job: job.clone(),
        state: dir.parent().unwrap_or(dir).to_path_buf(),
    };
    let task = tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shared = shared.clone();
            tokio::task::spawn_local(async move {
                // A client that goes away is no failure of the job.
                let _outcome = attend(stream, shared).await;
            });
        }
    });
    Ok(Served { path, inode, task })
}

#[derive(Clone)]
struct Shared {
    bus: Arc<Bus>,
    orders: UnboundedSender<LocalOrder>,
    job: JobId,
    state: PathBuf,
}

async fn attend(stream: UnixStream, shared: Shared) -> io::Result<()> {
    let actor = stream.peer_cred().ok().map(|c| user_name(c.uid()));
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line) {
            Ok(Request::Order(asked)) => {
                let answer = pass_on(asked, actor.clone(), &shared).await;
                say(&mut write, &answer).await?;
            }
            Ok(Request::Look) => {
                // An engine that ends has nothing to look for.
                let _sent = shared.orders.send(LocalOrder::Look);
            }
            Ok(Request::Subscribe { after }) => return stream_events(&mut write, after, &shared).await,
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

async fn pass_on(mut asked: Asked, actor: Option<String>, shared: &Shared) -> Answer {
    if let Some(actor) = actor {
        asked.by = actor;
    }
    let (reply, answer) = oneshot::channel();
    if shared.orders.send(LocalOrder::Asked(AskedHere { asked, reply })).is_err() {
        return Answer::End;
    }
    match answer.await {
        Ok(Ok(words)) => Answer::Done { words },
        Ok(Err(OrderError::Refused(refusal))) => Answer::Refused(refusal),
        Ok(Err(OrderError::Gone(why))) => Answer::Failed { why },
        // The engine of this process either answers or is gone.
        Ok(Err(OrderError::Unanswered { .. })) | Err(_) => Answer::End,
    }
}

async fn say(write: &mut tokio::net::unix::OwnedWriteHalf, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    write.write_all(&line).await
}

async fn stream_events(
    write: &mut tokio::net::unix::OwnedWriteHalf,
    after: u64,
    shared: &Shared,
) -> io::Result<()> {
    let project = Project::new(PathBuf::new(), shared.state.clone());
    let mut place = Place::after(after);
    let mut history: Option<History> = None;
    loop {
        // Enrolled before looking, so that what is published in between wakes us.
        let changed = shared.bus.notify.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        match shared.bus.held(&mut place) {
            Held::Next(Next::Event(event)) => say(write, &Answer::Event((*event).clone())).await?,
            Held::Next(Next::Grew(key, bytes)) => say(write, &Answer::Grew { key, bytes }).await?,
            Held::Next(Next::End) => return say(write, &Answer::End).await,
            Held::Next(Next::Timeout | Next::Owned | Next::Unowned) | Held::Nothing => changed.await,
            Held::Behind(first) => {
                let missed = catch_up(&project, &shared.job, &mut history, (place.seq, first));
                let Some(last) = missed.last() else { return Ok(()) };
                place.seq = last.seq;
                for event in missed {
                    say(write, &Answer::Event(event)).await?;
                }
            }
        }
    }
}

fn user_name(uid: u32) -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid));
    user.ok().flatten().map_or_else(|| uid.to_string(), |u| u.name)
}
