//! Has the program itself read into memory at once.

use std::fs::File;
use std::num::NonZeroU64;

use rustix::fs::{Advice, fadvise};

/// Bytes that are asked for at a time: some systems read no more of what they are asked for.
const PIECE: u64 = 8 << 20;

/// Asks the system to read what it has dropped of this program. Systems that take memory back from files that are not looked at for
/// some seconds leave holes in it, and at each of the first ones that is met the program would wait.
pub(super) fn up() {
    let Ok(program) = File::open("/proc/self/exe") else { return };
    let length = program.metadata().map_or(0, |it| it.len());
    for offset in (0..length).step_by(usize::try_from(PIECE).unwrap_or(usize::MAX)) {
        // Only an optimisation.
        let _asked = fadvise(&program, offset, NonZeroU64::new(PIECE), Advice::WillNeed);
    }
}
