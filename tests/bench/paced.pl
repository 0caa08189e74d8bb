# Prints 50 lines each millisecond for some seconds, as one that is late catches up, and writes how long that took into a file.
#     perl paced.pl NUMBER SECONDS FILE
use strict;
use Time::HiRes qw(time sleep);

my ($number, $seconds, $file) = @ARGV;
my $batch = "flood $number one line of thirty\n" x 50;
my $began = time;
for my $millisecond (1 .. $seconds * 1000) {
    my $written = 0;
    while ($written < length $batch) {
        $written += syswrite(STDOUT, $batch, length($batch) - $written, $written) || die "output: $!";
    }
    my $early = $began + $millisecond / 1000 - time;
    sleep $early if $early > 0;
}
my $took = time - $began;
open(my $out, '>', "$file.new") or die "$file: $!";
print $out $took;
close $out;
rename "$file.new", $file;
