# Stands between a test and a program as a shell does that has job control: leads the session, gives the program a process
# group of its own and the terminal, takes the terminal back when it stops or ends, and says what happens to it. Without it
# the kernel would set the terminal line back with the end of its session, and would ignore ctrl-Z.
#
# Its input says what to start (fields that end in a zero byte), then `go`, `front`, `hang-up`; its error output
# is what it says. Its output is the terminal, which it lets go of once the program has it.
use strict;
$/ = "\0";

sub field {
    my $field = <STDIN>;
    exit 3 unless defined $field;
    chomp $field;
    return $field;
}

my $TAKE_TERMINAL = 0x5410;    # TIOCSPGRP
my @ours = qw(HUP INT QUIT TSTP TTIN TTOU PIPE);
my $folder = field();
my %env = map { split /=/, $_, 2 } map { field() } 1 .. field();
my @words = map { field() } 1 .. field();
$SIG{$_} = 'IGNORE' for @ours;
$SIG{CHLD} = 'DEFAULT';

my $program = fork;
if ($program == 0) {
    setpgrp(0, 0);
    ioctl(STDOUT, $TAKE_TERMINAL, pack('i', $$)) or print STDERR "no terminal: $!\n";
    $SIG{$_} = 'DEFAULT' for @ours;
    open(STDIN, '<&', \*STDOUT);
    open(STDERR, '>&', \*STDOUT);
    chdir $folder or print "$folder: $!\r\n";
    %ENV = %env;
    exec { $words[0] } @words;
    print "$words[0]: $!\r\n";
    exit 127;
}
setpgrp($program, $program);
close STDOUT;
syswrite STDERR, "started $program\n";
field() eq 'go' or exit 3;

sub give_terminal {
    open(my $terminal, '+<', '/dev/tty') or return;
    ioctl($terminal, $TAKE_TERMINAL, pack('i', $_[0]));
    # Not left to perl: the output ends when the last one has closed it.
    close $terminal;
}

# Two processes, because one cannot wait for a child and for a word at once.
my $listener = fork;
if ($listener == 0) {
    close STDERR;
    while (defined(my $word = <STDIN>)) {
        chomp $word;
        give_terminal($program) if $word eq 'front';
        kill 'HUP', -$program if $word eq 'hang-up';
        kill 'CONT', -$program;
    }
    # Nobody tests any more.
    kill 'KILL', -$program;
    exit 0;
}
close STDIN;
# Perl does not tell a stop from an end by 0, so only one of stop and continuation is waited for at a time.
my ($STOPS, $CONTINUES) = (2, 8);
my $is_stopped = 0;
while (waitpid($program, $is_stopped ? $CONTINUES : $STOPS) == $program) {
    my $status = $?;
    give_terminal($$) unless $is_stopped;
    if ($status != 0 || !kill(0, $program)) {
        syswrite STDERR, "ended $status\n";
        last;
    }
    $is_stopped = !$is_stopped;
    syswrite STDERR, $is_stopped ? "stopped\n" : "continued\n";
}
waitpid($listener, 0);
