#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh - how long it takes to name the addresses of a C++ program with
# more than 200 MB of debug information, beside perf script.
#
#	sh bench/symbols.sh [UNITS]	52 if not given, 4.8 MB each
#
# perf script is ended after SYMBOLS_LIMIT seconds (300) each time. With
# KEEP=FILE the program is kept there (for bench/latency.sh), and that is all.
#
# One unit is compiled, with 60 instances of a template that uses much of the
# standard library; all others are copies of it with another entry. Each
# spends its time in its own code, so that addresses are spread over all.
. "${top_srcdir:-.}/tests/run/lib.sh"
requires_program g++ objcopy ld
units=${1:-52} limit=${SYMBOLS_LIMIT:-300}
cd "$scratch" || exit 1

cat >unit.cc <<'EOS'
#include <algorithm>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>
namespace {
template <int N> struct node {
	std::map<int, std::string> names;
	std::unordered_map<std::string, std::vector<double>> table;
	std::variant<int, std::string, std::vector<int>> any;
	__attribute__((noinline)) double work(int n)
	{
		double sum = 0;
		std::vector<int> v(64);
		for (int i = 0; i < n; i++) {
			std::generate(v.begin(), v.end(), [&] {
				return (i * 7919 + N * 31) % 1009; });
			std::sort(v.begin(), v.end(), [](int a, int b) {
				return a % 13 < b % 13; });
			names[v[i % 64] % 97] = std::to_string(v[0]);
			table[names.begin()->second].push_back(v[1]);
			if (table.size() > 50)
				table.clear();
			any = v;
			sum += std::get<2>(any)[N % 64] + names.size();
		}
		return sum;
	}
};
template <int N> double all(int n)
{
	static node<N> it;
	double x = it.work(n);
	if constexpr (N > 0)
		x += all<N - 1>(n);
	return x;
}
}
extern "C" double entry(int n)
{
	if (n < 0) {
		std::regex r("a+b*[c-f]");
		std::ostringstream o;
		o << std::regex_match("aab", r);
		return o.str().size();
	}
	return all<60>(n);
}
EOS

make_units() {
	g++ -std=c++17 -g -O1 -fno-gnu-unique -c unit.cc &&
		ld -r --force-group-allocation unit.o -o flat.o || exit 1
	echo '#include <stdlib.h>' >calls.c
	i=1
	while [ "$i" -le "$units" ]; do
		objcopy --redefine-sym "entry=entry_$i" -G "entry_$i" flat.o \
			"copy$i.o"
		echo "double entry_$i(int);" >>calls.c
		calls="${calls:-} s += entry_$i(n);"
		i=$((i + 1))
	done
	printf '%s\n' "int main(int c, char **v) {" \
		"int n = atoi(v[c - 1]); double s = 0;" \
		"$calls return s == 42; }" >>calls.c
	g++ -o program -x c calls.c -x none copy*.o && rm -f copy*.o
}

seconds() { # COMMAND...
	start=$(date +%s%N)
	"$@" >out 2>seconds.err
	end=$(date +%s%N)
	echo "$start $end" | awk '{ printf "%.2f", ($2 - $1) / 1e9 }'
}

no_names() {
	"$PSAMPLE" -q -F 2000 --demangle none -o plain.pb.gz -- ./empty 250
}

echo "making $units units" >&2
make_units || exit 1
if [ -n "${KEEP:-}" ]; then
	mv program "$KEEP"
	exit
fi
cp program empty
strip empty
echo "program of $(size -A program | awk '/debug_/ { n += $2 }
	END { printf "%.0f", n / 1e6 }') MB of DWARF"
# What naming takes is the time by which a run with names is longer.
plain=$(seconds no_names)
for style in simple none; do
	named=$(seconds "$PSAMPLE" -v -F 2000 --demangle $style \
		-o named.pb.gz -- ./program 250)
	n=$(sed -n 's|.*/program: on .*; \([0-9]*\) addr.*|\1|p' seconds.err)
	echo "psample --demangle $style: $(echo "$named $plain" |
		awk '{ printf "%.2f", $1 - $2 }') s for $n addresses," \
		"with files, lines and inlined functions"
done
if command -v perf >/dev/null &&
	perf record -q -F 2000 -g -o perf.data ./program 250 >out 2>err; then
	for options in '--no-inline' '--inline'; do
		took=$(seconds timeout "$limit" perf script -i perf.data \
			$options -F ip,sym,srcline)
		echo "perf script $options with srcline: $took s" \
			"(ended after $limit s if it is that)"
	done
	took=$(seconds perf script -i perf.data --no-inline -F ip,sym)
	echo "perf script, names alone: $took s"
fi
