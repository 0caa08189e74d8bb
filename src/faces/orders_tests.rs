//! Orders stay in their order, and whoever leaves waits for them.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{Answer, Orders, Tell};
use crate::engine::OrderError;
use crate::logic::job::order::{Asked, Order, Refusal};

const LONG: Duration = Duration::from_secs(60);

fn orders() -> Orders {
    Orders::new(|| "ada".to_owned())
}

/// Tells nobody.
fn unheard() -> Tell {
    Box::new(|_, _| false)
}

/// An engine that answers when it is let.
fn slow(order: &Order, orders: &Orders, tell: Tell) -> (Receiver<Asked>, std::sync::mpsc::Sender<Answer>) {
    let (came, comes) = channel();
    let (answer, answers) = channel();
    let way = Box::new(move |asked| {
        came.send(asked).unwrap();
        answers.recv().unwrap()
    });
    orders.push(order.clone(), way, tell).unwrap();
    (comes, answer)
}

#[test]
fn an_order_is_given_only_after_the_one_before_was_answered() {
    let orders = orders();
    let (told, tells) = channel();
    let tell = || -> Tell {
        let told = told.clone();
        Box::new(move |order, answer| told.send((order.clone(), answer)).is_ok())
    };
    let (first, answer_first) = slow(&Order::Pause, &orders, tell());
    let (second, answer_second) = slow(&Order::Resume, &orders, tell());
    let asked = first.recv_timeout(LONG).unwrap();
    assert_eq!((asked.order, asked.by.as_str()), (Order::Pause, "ada"));
    assert!(second.try_recv().is_err(), "it waits for the first");
    answer_second.send(Ok("resumed".to_owned())).unwrap();
    answer_first.send(Ok("paused".to_owned())).unwrap();
    assert_eq!(tells.recv_timeout(LONG).unwrap(), (Order::Pause, Ok("paused".to_owned())));
    assert_eq!(tells.recv_timeout(LONG).unwrap(), (Order::Resume, Ok("resumed".to_owned())));
    assert_eq!(orders.settle(LONG), Vec::<String>::new());
}

#[test]
fn whoever_leaves_waits_for_the_answers_and_hears_what_nobody_heard() {
    let orders = orders();
    let (came, answer) = slow(&Order::Pause, &orders, unheard());
    came.recv_timeout(LONG).unwrap();
    let stuck = orders.settle(Duration::ZERO);
    assert_eq!(stuck, ["no engine has answered the last order in 0 seconds"]);
    let refusal = Refusal { message: "the job has ended".to_owned() };
    answer.send(Err(OrderError::Refused(refusal))).unwrap();
    assert_eq!(orders.settle(LONG), ["not carried out: the job has ended"]);
    // Each is told once, and one that somebody heard is not.
    orders
        .push(Order::Pause, Box::new(|_| Err(OrderError::Gone("gone".to_owned()))), Box::new(|_, _| true))
        .unwrap();
    assert_eq!(orders.settle(LONG), Vec::<String>::new());
}

#[test]
fn a_queue_that_was_empty_is_worked_on_again() {
    let orders = orders();
    for _ in 0..3 {
        let (told, tells) = channel();
        let tell: Tell = Box::new(move |_, answer| told.send(answer).is_ok());
        orders.push(Order::Pause, Box::new(|asked| Ok(asked.by)), tell).unwrap();
        assert_eq!(orders.settle(LONG), Vec::<String>::new());
        assert_eq!(tells.try_recv().unwrap(), Ok("ada".to_owned()));
    }
}
