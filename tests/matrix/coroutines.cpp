// SPDX-License-Identifier: MIT
// coroutines.cpp - C++20: run resumes a coroutine, work, which calls f and g
// and is left after each round.
#define PLAN_OWN_RUN
#include <coroutine>

#include "plan.h"

struct task {
	struct promise_type {
		uint64_t value = 0;
		task get_return_object()
		{
			return {std::coroutine_handle<
				promise_type>::from_promise(*this)};
		}
		std::suspend_always initial_suspend() { return {}; }
		std::suspend_always final_suspend() noexcept { return {}; }
		std::suspend_always yield_value(uint64_t v)
		{
			value = v;
			return {};
		}
		void return_void() {}
		void unhandled_exception() { abort(); }
	};
	std::coroutine_handle<promise_type> handle;
};

static task work()
{
	for (uint64_t sum = 0;;) {
		sum += f(F_STEPS);				/* @work:f */
		sum += g(G_STEPS);				/* @work:g */
		co_yield sum;
	}
}

extern "C" KEEP uint64_t run(double seconds)
{
	double end = now() + seconds;
	task t = work();

	while (now() < end)
		t.handle.resume();
	uint64_t sum = t.handle.promise().value;
	t.handle.destroy();
	return sum;
}

int main(int argc, char **argv)
{
	return plan_main(argc, argv, run);
}
