% SPDX-License-Identifier: MIT
% plain.pl - calls and sorting in Prolog, for some seconds.
fib(N, F) :- N < 2, !, F = N.
fib(N, F) :- A is N - 1, B is N - 2, fib(A, X), fib(B, Y), F is X + Y.
loop(Stop) :-
	fib(16, _), numlist(1, 2000, L), sort(0, @>=, L, _), get_time(T),
	( T < Stop -> loop(Stop) ; true ).
:- initialization((current_prolog_flag(argv, Argv), last(Argv, A),
	atom_number(A, Seconds), get_time(T), Stop is T + Seconds,
	loop(Stop), halt)).
