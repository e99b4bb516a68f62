// SPDX-License-Identifier: MIT
// gperf.cpp - a program under gperftools, for what its profilers write.
//
//	TCMALLOC_SAMPLE_PARAMETER=65536 gperf DIRECTORY
//
// Leaves gperf_cpu, gperf_heap, gperf_sampled and gperf_growth there, all with
// the ending .legacy.
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gperftools/heap-profiler.h>
#include <gperftools/malloc_extension.h>
#include <gperftools/profiler.h>

static std::vector<char *> kept;

static int __attribute__((noinline)) churn(int n)
{
	std::map<int, std::string> table;

	for (int i = 0; i < n; i++)
		table[i * 7919 % 10007] = std::string(i % 90, 'x');
	return (int)table.size();
}

static void __attribute__((noinline)) keep(int n)
{
	for (int i = 0; i < n; i++)
		kept.push_back(new char[16 + i * 31 % 5000]);
}

static void save(const std::string &path, const std::string &text)
{
	std::ofstream(path) << text;
}

int main(int, char **argv)
{
	std::string dir = argv[1], text;
	int sum = 0;

	ProfilerStart((dir + "/gperf_cpu.legacy").c_str());
	for (int i = 0; i < 400; i++)
		sum += churn(4000);
	ProfilerStop();

	HeapProfilerStart((dir + "/gperf").c_str());
	keep(3000);
	sum += churn(2000);
	HeapProfilerDump("as asked");
	char *heap = GetHeapProfile();
	save(dir + "/gperf_heap.legacy", heap);
	HeapProfilerStop();

	keep(30000);
	MallocExtension::instance()->GetHeapSample(&text);
	save(dir + "/gperf_sampled.legacy", text);
	text.clear();
	MallocExtension::instance()->GetHeapGrowthStacks(&text);
	save(dir + "/gperf_growth.legacy", text);
	return sum == 0;
}
