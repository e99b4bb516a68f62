// SPDX-License-Identifier: MIT
/*
 * allocs_new.cc - C++'s operator new and delete in every form.
 *
 *	allocs_new ROUNDS	allocates at the functions by_FORM(), all the
 *		same number of bytes, and frees all; every now and then more
 *		than there is, which throws; prints "threw N"
 */
#include <cstdio>
#include <cstdlib>
#include <new>

#define SITE extern "C" __attribute__((noinline)) void

static void *volatile sink;
static const std::align_val_t aligned{64};

SITE by_new(std::size_t n)
{
	sink = ::operator new(n);
	::operator delete(sink);
}

SITE by_array(std::size_t n)
{
	sink = ::operator new[](n);
	::operator delete[](sink);
}

SITE by_nothrow(std::size_t n)
{
	sink = ::operator new(n, std::nothrow);
	::operator delete(sink, std::nothrow);
}

SITE by_array_nothrow(std::size_t n)
{
	sink = ::operator new[](n, std::nothrow);
	::operator delete[](sink, std::nothrow);
}

SITE by_aligned(std::size_t n)
{
	sink = ::operator new(n, aligned);
	::operator delete(sink, n, aligned);
}

SITE by_array_aligned(std::size_t n)
{
	sink = ::operator new[](n, aligned);
	::operator delete[](sink, aligned);
}

SITE by_aligned_nothrow(std::size_t n)
{
	sink = ::operator new(n, aligned, std::nothrow);
	::operator delete(sink, aligned);
}

SITE by_sized(std::size_t n)
{
	sink = ::operator new(n);
	::operator delete(sink, n);
}

static int throws(std::size_t n)
{
	try {
		sink = ::operator new(n);
		::operator delete(sink);
		return 0;
	} catch (const std::bad_alloc &) {
		return 1;
	}
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? std::atoi(argv[1]) : 1;
	int threw = 0;

	for (int i = 0; i < rounds; i++) {
		std::size_t n = 64 + (std::size_t)i % 64 * 64;

		by_new(n);
		by_array(n);
		by_nothrow(n);
		by_array_nothrow(n);
		by_aligned(n);
		by_array_aligned(n);
		by_aligned_nothrow(n);
		by_sized(n);
		if (i % 100 == 0)
			threw += throws((std::size_t)1 << 62);
	}
	std::printf("threw %d\n", threw);
	return 0;
}
