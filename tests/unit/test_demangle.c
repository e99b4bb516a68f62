/* SPDX-License-Identifier: MIT */
/* test_demangle.c - mangled names as a person reads them. */
#include "check.h"

#include "symbol/demangle.h"
#include "util/mem.h"

struct demangle_case {
	const char *mangled, *text;
};

static bool has_demangler(void)
{
	CLEANUP(free) char *text = demangle_name("_Z1fv", DEMANGLE_SIMPLE);

	return !strcmp(text, "f");
}

static void check_cases(const struct demangle_case *cases, size_t n,
			enum demangle_style style)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(free) char *text =
			demangle_name(cases[i].mangled, style);

		CHECK_STR(text, cases[i].text);
	}
}

#define CHECK_CASES(cases, style)                                             \
	do {                                                                  \
		if (!has_demangler())                                         \
			SKIP("built without libiberty");                      \
		check_cases(cases, ARRAY_SIZE(cases), style);                 \
	} while (0)

TEST(demangle_simple_drops_parameters_and_template_arguments)
{
	static const struct demangle_case cases[] = {
		{ "_Z4worki", "work" },
		{ "_ZN3geo3VecIdE3dotERKS1_", "geo::Vec::dot" },
		{ "_ZNSt6vectorIiSaIiEE9push_backEOi",
		  "std::vector::push_back" },
		{ "_ZN12_GLOBAL__N_16hiddenEi",
		  "(anonymous namespace)::hidden" },
		{ "_ZN3foo3barB5cxx11Ev", "foo::bar[abi:cxx11]" },
		{ "_ZN1AD2Ev", "A::~A" },
		{ "_ZThn16_N1D1gEv", "non-virtual thunk to D::g" },
		{ "_ZN9wikipedia7article6formatEv.isra.0",
		  "wikipedia::article::format" },
		{ "_ZN1a1bEv.llvm.123", "a::b" },
	};

	CHECK_CASES(cases, DEMANGLE_SIMPLE);
}

TEST(demangle_simple_keeps_operators)
{
	static const struct demangle_case cases[] = {
		{ "_ZlsIiERSoS0_RKN3geo3VecIT_EE", "operator<<" },
		{ "_ZN1AltERKS_", "A::operator<" },
		{ "_ZN1ArsERKS_", "A::operator>>" },
		{ "_ZN1AptEv", "A::operator->" },
		{ "_ZN1ApmEi", "A::operator->*" },
		{ "_ZN1AssERKS_", "A::operator<=>" },
		{ "_ZN1AixEm", "A::operator[]" },
		{ "_ZNK12_GLOBAL__N_13FooclEi",
		  "(anonymous namespace)::Foo::operator()" },
		{ "_ZN1AcvmEv", "A::operator unsigned long" },
		{ "_ZN1AnwEm", "A::operator new" },
		{ "_ZN1AdaEPv", "A::operator delete[]" },
	};

	CHECK_CASES(cases, DEMANGLE_SIMPLE);
}

TEST(demangle_simple_keeps_lambdas_and_enclosing_functions)
{
	static const struct demangle_case cases[] = {
		{ "_ZZ4mainENKUlvE_clEv",
		  "main::{lambda()#1}::operator()" },
		{ "_ZZ4workiENKUliiE_clEii",
		  "work()::{lambda(int, int)#1}::operator()" },
		{ "_ZZN1A1fIiEEiT_ENKUlvE_clEv",
		  "A::f()::{lambda()#1}::operator()" },
		{ "_ZZNK1A1fEvEN1B1gEv", "A::f() const::B::g" },
		{ "_ZNSt8functionIFvvEEC1IZ4mainEUlvE_vEEOT_",
		  "std::function::function" },
	};

	CHECK_CASES(cases, DEMANGLE_SIMPLE);
}

TEST(demangle_templates_keeps_template_arguments)
{
	static const struct demangle_case cases[] = {
		{ "_ZN3geo3VecIdE3dotERKS1_", "geo::Vec<double>::dot" },
		{ "_ZlsIiERSoS0_RKN3geo3VecIT_EE", "operator<< <int>" },
		{ "_ZZN1A1fIiEEiT_ENKUlvE_clEv",
		  "A::f<int>()::{lambda()#1}::operator()" },
	};

	CHECK_CASES(cases, DEMANGLE_TEMPLATES);
}

TEST(demangle_full_keeps_all_but_the_clone)
{
	static const struct demangle_case cases[] = {
		{ "_Z4worki", "work(int)" },
		{ "_Z4worki.cold", "work(int)" },
		{ "_ZZ4workiENKUliiE_clEii", "work(int)::{lambda(int, int)#1}"
					     "::operator()(int, int) const" },
	};

	CHECK_CASES(cases, DEMANGLE_FULL);
}

TEST(demangle_rust_drops_hashes_and_v0_generics)
{
	static const struct demangle_case cases[] = {
		{ "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE",
		  "core::fmt::Formatter::write_str" },
		{ "_ZN34_$LT$r..Sq$u20$as$u20$r..Shape$GT$4area17h012345678"
		  "9abcdefE", "<r::Sq as r::Shape>::area" },
		{ "_RNvC1r4main", "r::main" },
		{ "_RINvC1r4foldmEB2_", "r::fold" },
		{ "_RNvXC1rINtB2_2SqmENtB2_5Shape4area",
		  "<r::Sq as r::Shape>::area" },
		{ "_RNCNvC1r4main0B3_", "r::main::{closure#0}" },
	};

	CHECK_CASES(cases, DEMANGLE_SIMPLE);
}

TEST(demangle_d_names_lose_their_parameters)
{
	static const struct demangle_case cases[] = {
		{ "_D3std5stdio4openFAyaZv", "std.stdio.open" },
		{ "_D1a1fFiZ1gMxFZv", "a.f.g" },
		{ "_D4core4time__T12MonoTimeImplVEQBdQBb9ClockTypei0ZQBj5opC"
		  "mpMxFNaNbNiNfSQCrQCp__TQCnVQCci0ZQCxZi",
		  "core.time.MonoTimeImpl.MonoTimeImpl.opCmp" },
	};

	CHECK_CASES(cases, DEMANGLE_SIMPLE);
}

TEST(demangle_leaves_other_names_alone)
{
	static const struct demangle_case cases[] = {
		{ "main", "main" },	 { "", "" },
		{ "_start", "_start" },	 { "_Zebra", "_Zebra" },
		{ "_Debug", "_Debug" },	 { "_R", "_R" },
		{ "foo.isra.0", "foo.isra.0" },
		{ "main.(*T).Get", "main.(*T).Get" },
		{ "__libc_start_main", "__libc_start_main" },
		{ "_ZN", "_ZN" },
	};

	check_cases(cases, ARRAY_SIZE(cases), DEMANGLE_SIMPLE);
	check_cases(cases, ARRAY_SIZE(cases), DEMANGLE_FULL);
}

TEST(demangle_none_is_the_name_itself)
{
	static const struct demangle_case cases[] = {
		{ "_Z4worki", "_Z4worki" },
	};

	check_cases(cases, ARRAY_SIZE(cases), DEMANGLE_NONE);
}

TEST(demangle_survives_endless_names)
{
	char *name = malloc(100000);
	CLEANUP(free) char *text = NULL;
	CLEANUP(free) char *nested = NULL;

	memset(name, 'P', 100000);
	memcpy(name, "_Z1f", 4);
	name[99999] = '\0';
	text = demangle_name(name, DEMANGLE_SIMPLE);
	name[4000] = '\0';
	nested = demangle_name(name, DEMANGLE_FULL);
	free(name);
	CHECK(text != NULL);
	CHECK(nested != NULL);
}

TEST(simplify_returns_unbalanced_text_as_it_is)
{
	static const char *const texts[] = { "f(", "a<b", "f)", "x::y(z<",
					     "{lambda(", "operator" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(free) char *text =
			cplus_simplify_name(texts[i], true);

		CHECK(text != NULL);
		CHECK(strlen(text) <= strlen(texts[i]));
	}
}

TEST_MAIN()
