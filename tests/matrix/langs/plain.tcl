# SPDX-License-Identifier: MIT
# plain.tcl - calls and sorting, for some seconds.
proc fib n {
	if {$n < 2} { return $n }
	expr {[fib [expr {$n - 1}]] + [fib [expr {$n - 2}]]}
}
set stop [expr {[clock milliseconds] + 1000 * [lindex $argv 0]}]
while {[clock milliseconds] < $stop} {
	fib 14
	set l {}
	for {set i 0} {$i < 2000} {incr i} { lappend l [expr {$i * 7919 % 2003}] }
	lsort -integer $l
}
