//! A keeper that is started only when something is to run: of a job all of whose results are cached nothing runs.
//!
//! Not here: what the orders mean (`port/keeper.rs`).

use std::future::Future;
use std::io;
use std::pin::Pin;

use crate::port::keeper::{FromKeeper, Hello, OnLoss, ToKeeper};
use crate::port::{Outside, World};

/// A keeper, as soon as there is something for it to do.
pub(super) struct Lazy {
    world: World,
    hello: Hello,
    keeper: Option<Box<dyn Outside>>,
    /// Everything has ended before anything began; said once.
    is_finished: bool,
}

impl Lazy {
    /// Waits for the first order that needs a keeper, which is then told about its job.
    pub(super) fn new(world: World, hello: Hello) -> Self {
        Self { world, hello, keeper: None, is_finished: false }
    }

    /// Takes note of an order that can be carried out without one; returns whether it could.
    fn note(&mut self, order: &ToKeeper) -> bool {
        match order {
            ToKeeper::OnLoss(on_loss) => self.hello.on_loss = *on_loss,
            ToKeeper::Mask { values } => self.hello.masks.extend(values.iter().cloned()),
            ToKeeper::Finish => self.is_finished = true,
            // There is nothing yet that these could be about.
            ToKeeper::Ack { .. }
            | ToKeeper::Withdraw { .. }
            | ToKeeper::Freeze { .. }
            | ToKeeper::Thaw { .. }
            | ToKeeper::Hello(_) => {}
            ToKeeper::Run { .. }
            | ToKeeper::Submit { .. }
            | ToKeeper::Promote { .. }
            | ToKeeper::Signal { .. }
            | ToKeeper::Sweep { .. } => return false,
        }
        true
    }

    fn last_words(&mut self) -> Option<FromKeeper> {
        let is_due = std::mem::take(&mut self.is_finished);
        is_due.then(|| FromKeeper::Finished { survivors: Vec::new() })
    }
}

impl Outside for Lazy {
    fn send(&mut self, orders: &[ToKeeper]) -> io::Result<()> {
        if let Some(keeper) = &mut self.keeper {
            return keeper.send(orders);
        }
        let Some(first) = orders.iter().position(|order| !self.note(order)) else { return Ok(()) };
        // In a job that is wound up while its keeper is not there yet, nothing is ordered any more.
        let on_loss = self.hello.on_loss;
        let mut starting = (self.world.keeper)()?;
        starting.greet(&self.hello)?;
        let mut keeper = starting.connect()?;
        if on_loss == OnLoss::Keep {
            keeper.send(&[ToKeeper::OnLoss(on_loss)])?;
        }
        keeper.send(&orders[first..])?;
        self.keeper = Some(keeper);
        Ok(())
    }

    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<FromKeeper>> + '_>> {
        if self.keeper.is_none() {
            return Box::pin(async move {
                match self.last_words() {
                    Some(words) => Some(words),
                    None => std::future::pending().await,
                }
            });
        }
        match &mut self.keeper {
            Some(keeper) => keeper.next(),
            None => Box::pin(std::future::pending()),
        }
    }

    fn is_flushed(&self) -> bool {
        self.keeper.as_ref().is_none_or(|keeper| keeper.is_flushed())
    }

    fn drain(&mut self) -> Vec<FromKeeper> {
        match &mut self.keeper {
            Some(keeper) => keeper.drain(),
            None => self.last_words().into_iter().collect(),
        }
    }
}
