//! A program that runs a playbook with the library: it starts a job, listens, gives orders, waits, tries again, looks back.
#![expect(clippy::print_stdout, reason = "it shows what it does")]
#![expect(clippy::disallowed_methods, reason = "a file is what the playbook waits for")]

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use sortie::app;
use sortie::engine::{self, Again, Handle, History, JobFilter, Next, Project, embed};
use sortie::logic::job::order::{Asked, Order, RetryScope, Target};

fn main() -> ExitCode {
    // The processes of a job are held by this very program, started again for that.
    if let Some(code) = app::called_again() {
        return code;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let root = std::env::current_dir()?;
    let project = Project::new(root.clone(), root.join(".sortie"));

    // Start a job; its engine works on a thread of this process.
    let start = embed::prepare(&project, "demo.yml", &[("word", "hello")], "ann")?;
    let running = engine::start(&project, start, app::world())?;
    let (id, handle) = (running.id.clone(), running.handle.clone());
    println!("started #{}: {}", running.number, handle.status()?.name);

    // Listen from the first event on. Nothing is lost, however slow a listener is.
    let mut events = handle.subscribe(0);
    let listener = std::thread::spawn(move || {
        let mut seen = Vec::new();
        loop {
            match events.next(None) {
                Next::Event(event) => seen.push(event.event.type_name()),
                Next::End => return seen,
                _ => {}
            }
        }
    });

    // Give orders. One that has an id of yours may be repeated: it is carried out once.
    println!("{}", handle.ask("ann", Order::Pause)?);
    println!("{}", handle.ask("ann", Order::Resume)?);
    let order = Order::Skip { target: Target::Stage(1) };
    let skip = Asked { id: "ticket-7".to_owned(), by: "ann".to_owned(), order, expected_seq: None };
    println!("{}", handle.order(skip.clone())?);

    // The same without holding up the thread, with any executor.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    println!("{}", runtime.block_on(handle.order_async(skip))?);

    // What makes no sense now is refused in words.
    if let Err(refusal) = handle.ask("ann", Order::Resume) {
        println!("refused: {refusal}");
    }

    // Wait, for so long at most. The first stage waits for this file.
    println!("ended: {}", handle.wait(Some(Duration::from_millis(1)))?.outcome.is_some());
    std::fs::write("go", "")?;
    let row = handle.wait(None)?;
    println!("it was a {}", row.outcome.unwrap_or_default());
    running.wait()?;
    let seen = listener.join().map_err(|_| "the listener panicked")?;
    println!("{} events, the last is {}", seen.len(), seen.last().unwrap_or(&"none"));

    // Try again what failed.
    std::fs::write("mended", "")?;
    let order = Order::Retry { scope: RetryScope::Failed };
    let retry = Asked { id: "ticket-8".to_owned(), by: "ann".to_owned(), order, expected_seq: None };
    let again = Again { order: Some(retry), ..Again::default() };
    let end = engine::resume(&project, &id, again, app::world())?.wait()?;
    println!("then it was a {}", end.outcome.word());

    // Follow a job, whoever works on it, as a stream.
    let mut events = Handle::of(&project, &id)?.subscribe(0).into_events()?;
    let count = runtime.block_on(async {
        let mut count = 0;
        while let Some(next) = events.next().await {
            count += u32::from(matches!(next, Next::Event(_)));
        }
        count
    });
    println!("more events by now: {}", count as usize > seen.len());

    // Look back.
    let history = History::open(&project)?.ok_or("there is no history")?;
    let filter = JobFilter { outcomes: vec!["success".to_owned()], ..JobFilter::default() };
    for row in history.query(&filter, 10)? {
        println!("#{} {} by {}", row.number, row.name, row.actor);
    }
    Ok(())
}
