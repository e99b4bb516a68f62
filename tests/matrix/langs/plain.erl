% SPDX-License-Identifier: MIT
% plain.erl - calls and sorting, for some seconds.
-module(plain).
-export([main/1]).
fib(N) when N < 2 -> N;
fib(N) -> fib(N - 1) + fib(N - 2).
main(Seconds) ->
	loop(erlang:monotonic_time(millisecond) + Seconds * 1000),
	halt().
loop(Stop) ->
	fib(22),
	lists:sort([(I * 7919) rem 2003 || I <- lists:seq(1, 2000)]),
	case erlang:monotonic_time(millisecond) < Stop of
		true -> loop(Stop);
		false -> ok
	end.
