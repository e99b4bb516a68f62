# SPDX-License-Identifier: MIT
# plain.perl - sorting, digests, a regex, for some seconds.
use strict;
use Digest::SHA qw(sha256_hex);
use Storable qw(freeze);
use Time::HiRes qw(time);
my $stop = time + $ARGV[0];
while (time < $stop) {
	my @a = sort { $a <=> $b } map { ($_ * 7919) % 2003 } 1 .. 2000;
	my $s = join ",", @a;
	sha256_hex($s);
	my %c = map { $_ => 1 } @a;
	freeze(\%c);
	1 while $s =~ /(\d+),/g;
}
