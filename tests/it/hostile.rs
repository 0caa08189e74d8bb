//! Twelve children that try to outlive their job, as shell scripts; a table for every suite that ends jobs.
//!
//! Only what a Debian base system has is used: `sh`, `setsid`, `nohup`, `sleep`, `perl`. Every process a script leaves
//! behind writes its number to the file named by `HOSTILE_PIDS` first, one a line, so that a suite can tell whether
//! one is left. Each script ends by itself with success unless `lasts` says that it goes on until it is ended.

/// One hostile child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hostile {
    /// What it does, as a name for a test case.
    pub(crate) name: &'static str,
    /// Text for `sh -c`.
    pub(crate) script: &'static str,
    /// The main process itself goes on until somebody ends it.
    pub(crate) lasts: bool,
}

/// All twelve.
pub(crate) const HOSTILE: [Hostile; 12] = [
    Hostile {
        name: "new-session-in-the-background",
        script: "setsid sh -c 'echo $$ >>\"$HOSTILE_PIDS\"; exec sleep 1000' &
while [ ! -s \"$HOSTILE_PIDS\" ]; do sleep 0.01; done",
        lasts: false,
    },
    Hostile {
        name: "double-fork-into-a-new-session",
        script: "perl -MPOSIX -e 'if (fork()) { exit 0 } POSIX::setsid(); if (fork()) { exit 0 }
open F, \">>\", $ENV{HOSTILE_PIDS}; print F \"$$\\n\"; close F; sleep 1000'
while [ ! -s \"$HOSTILE_PIDS\" ]; do sleep 0.01; done",
        lasts: false,
    },
    Hostile {
        name: "ignores-signals",
        script: "trap '' TERM INT HUP; echo $$ >>\"$HOSTILE_PIDS\"
while :; do sleep 1000; done",
        lasts: true,
    },
    Hostile { name: "stops-itself", script: "echo $$ >>\"$HOSTILE_PIDS\"; kill -STOP $$; sleep 1000", lasts: true },
    Hostile {
        name: "grandchild-holds-the-pipe",
        script: "sh -c 'echo $$ >>\"$HOSTILE_PIDS\"; while :; do sleep 0.05; echo still here; done' &
while [ ! -s \"$HOSTILE_PIDS\" ]; do sleep 0.01; done; echo main ends",
        lasts: false,
    },
    Hostile {
        name: "floods-when-told-to-end",
        script: "trap 'while :; do echo flood flood flood flood flood flood flood; done' TERM INT
echo $$ >>\"$HOSTILE_PIDS\"; while :; do sleep 0.05; done",
        lasts: true,
    },
    Hostile {
        name: "closes-its-output-and-goes-on",
        script: "exec >&- 2>&-; echo $$ >>\"$HOSTILE_PIDS\"; while :; do sleep 0.05; done",
        lasts: true,
    },
    Hostile {
        name: "changes-its-process-group",
        script: "perl -e 'exit 0 if fork(); setpgrp(0, 0); open F, \">>\", $ENV{HOSTILE_PIDS}; print F \"$$\\n\"; close F;
sleep 1000'
while [ ! -s \"$HOSTILE_PIDS\" ]; do sleep 0.01; done",
        lasts: false,
    },
    Hostile {
        name: "forks-again-and-again",
        script: "perl -e '$SIG{TERM} = $SIG{INT} = $SIG{HUP} = \"IGNORE\"; exit 0 if fork();
while (1) { open F, \">>\", $ENV{HOSTILE_PIDS}; print F \"$$\\n\"; close F; select undef, undef, undef, 0.1;
if (fork()) { exit 0 } }'
while [ ! -s \"$HOSTILE_PIDS\" ]; do sleep 0.01; done",
        lasts: false,
    },
    Hostile {
        name: "no-hang-up-in-the-background",
        script: "nohup sh -c 'echo $$ >>\"$HOSTILE_PIDS\"; exec sleep 1000' >/dev/null 2>&1 &
while [ ! -s \"$HOSTILE_PIDS\" ]; do sleep 0.01; done",
        lasts: false,
    },
    Hostile {
        name: "other-name-and-empty-environment",
        script: "PIDS=$HOSTILE_PIDS setsid perl -e 'exit 0 if fork(); open F, \">>\", $ENV{PIDS}; print F \"$$\\n\"; close F;
%ENV = (); exec { \"/bin/sleep\" } \"innocent\", \"1000\"'
while [ ! -s \"$HOSTILE_PIDS\" ]; do sleep 0.01; done",
        lasts: false,
    },
    Hostile {
        name: "daemon-that-closes-everything",
        script: "perl -MPOSIX -e 'exit 0 if fork(); POSIX::setsid(); exit 0 if fork(); chdir \"/\";
open F, \">>\", $ENV{HOSTILE_PIDS}; print F \"$$\\n\"; close F; POSIX::close($_) for 0 .. 255; sleep 1000'
while [ ! -s \"$HOSTILE_PIDS\" ]; do sleep 0.01; done",
        lasts: false,
    },
];
