//! A second stack for signals, so that libFuzzer can write down the input that used up the first one.
//!
//! Not here: anything about an input. Without this the process ends on the spot, and a recursion without end would
//! leave nothing behind to look at. Start with `be_told`, which a target calls once, before libFuzzer sets its handlers.

use std::mem;
use std::ptr;

/// Bytes of the second stack; libFuzzer's handler writes a file on it.
const SIZE: usize = 1 << 20;

/// Lets the handler of a segmentation fault run on a stack of its own.
pub(crate) fn be_told() {
    let memory = Box::leak(vec![0_u8; SIZE].into_boxed_slice());
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: SIZE };
    // SAFETY: the memory is never freed, and both structs are whole; all zero bytes are an empty action.
    let is_set = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        // libFuzzer keeps this flag when it puts its own handler in place of none.
        action.sa_flags = libc::SA_ONSTACK;
        libc::sigaltstack(&raw const stack, ptr::null_mut()) == 0
            && libc::sigaction(libc::SIGSEGV, &raw const action, ptr::null_mut()) == 0
    };
    assert!(is_set, "the second stack cannot be set: {}", std::io::Error::last_os_error());
}
