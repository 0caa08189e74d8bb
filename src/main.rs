//! The binary: everything is in the library.

/// Results and events are made by one thread and given up by another, which the allocator of the C library answers with
/// a call to the system every few of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sortie::app::main()
}
