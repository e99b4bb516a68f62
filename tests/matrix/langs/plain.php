<?php
// SPDX-License-Identifier: MIT
// plain.php - calls, sorting, a regex, JSON, for some seconds.
function fib($n) { return $n < 2 ? $n : fib($n - 1) + fib($n - 2); }
$end = microtime(true) + $argv[1];
while (microtime(true) < $end) {
	fib(18);
	$a = range(1, 2000);
	shuffle($a);
	usort($a, fn($x, $y) => $x - $y);
	preg_match_all('/(\d+),/', implode(',', $a), $m);
	json_encode($m);
}
