// SPDX-License-Identifier: MIT
// plan.d - the plan of plan.h in D.
import core.sys.posix.pthread;
import core.sys.posix.unistd;
import core.time;
import std.conv;

enum ulong multiplier = 6364136223846793005UL;

pragma(inline, true)
ulong f_inner(ulong n)
{
	ulong x = n;

	for (; n > 0; n--) // @f_inner
		x = x * multiplier + 1442695040888963407UL; // @f_inner
	return x;
}

pragma(inline, true)
ulong g_inner(ulong n)
{
	ulong x = n;

	for (; n > 0; n--) // @g_inner
		x = x * multiplier + 3037000493UL; // @g_inner
	return x;
}

pragma(inline, false)
ulong f(ulong n)
{
	return f_inner(n) | 1; // @f
}

pragma(inline, false)
ulong g(ulong n)
{
	return g_inner(n) | 2; // @g
}

pragma(inline, false)
ulong run(double seconds)
{
	auto end = MonoTime.currTime + dur!"usecs"(cast(long)(seconds * 1e6));
	ulong sum = 0;

	while (MonoTime.currTime < end)
	{
		sum = f(60000 | sum >> 63); // @run:f
		sum = g(40000 | sum >> 63); // @run:g
	}
	return sum;
}

pragma(inline, false)
long wait_here(int fd)
{
	char c;

	return read(fd, &c, 1) | 4;
}

extern (C) void* waiter(void* arg)
{
	return wait_here(cast(int)cast(long)arg) == 5 ? arg : null;
}

int main(string[] args)
{
	int[2] fds;
	pthread_t thread;

	if (pipe(fds) != 0)
		return 1;
	pthread_create(&thread, null, &waiter, cast(void*)cast(long)fds[0]);
	ulong sum = run(args.length > 1 ? args[1].to!double : 1);
	close(fds[1]);
	pthread_join(thread, null);
	return sum == 42;
}
