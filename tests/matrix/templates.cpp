// SPDX-License-Identifier: MIT
// templates.cpp - the plan by templates, methods, lambdas and exceptions: f is
// called in a try block that catches what a callee threw.
#define PLAN_OWN_LEAVES
#define PLAN_OWN_RUN
#include <functional>
#include <stdexcept>
#include <vector>

#include "plan.h"

namespace shapes {

template <typename T> struct worker {
	std::vector<T> values;
	template <int K> KEEP T f(T n);
	template <int K> KEEP T g(T n);
};

template <typename T> template <int K> KEEP T worker<T>::f(T n)
{
	return f_inner(n) + K + values[0];			/* @f */
}

template <typename T> template <int K> KEEP T worker<T>::g(T n)
{
	return g_inner(n) + K;					/* @g */
}

KEEP void thrower(uint64_t n)
{
	if (n % 2 == 0)
		throw std::runtime_error("even");
}

} // namespace shapes

static KEEP uint64_t run_all(double seconds, shapes::worker<uint64_t> &w)
{
	double end = now() + seconds;
	uint64_t sum = 0;

	while (now() < end) {
		try {
			shapes::thrower(sum);
			sum += w.f<1>(F_STEPS);			/* @run_all:f */
		} catch (const std::exception &) {
			sum += w.f<1>(F_STEPS) | 1;		/* @run_all:f */
		}
		sum += w.g<2>(G_STEPS);				/* @run_all:g */
	}
	return sum;
}

extern "C" KEEP uint64_t run(double seconds)
{
	shapes::worker<uint64_t> w{{1}};
	std::function<uint64_t()> call = [&] { return run_all(seconds, w); };
	uint64_t sum = call();

	NO_TAIL_CALL();
	return sum;
}

int main(int argc, char **argv)
{
	return plan_main(argc, argv, run);
}
