/* SPDX-License-Identifier: MIT */
/* main.c - which command the words mean. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/command.h"

static const struct command *const commands[] = {
	&command_record,
};

static const char usage_text[] =
	"usage: psample [record] [OPTIONS] [--] PROGRAM [ARG...]\n"
	"       psample [record] [OPTIONS] -p PID[,PID...]\n"
	"\n"
	"Profile any program, launched or already running.\n"
	"\n"
	"  psample -- ./program arg     run it, write psample.program.*.pb.gz\n"
	"  psample -p 1234 -d 30s       profile process 1234 for 30 seconds\n"
	"  psample -e wall -p 1234      where its threads spend their time\n"
	"  psample -o x.folded ./prog   folded stacks, for flame graphs\n"
	"\n"
	"psample --help lists the options, psample(1) tells it all.\n";

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, word))
			return commands[i];
	return NULL;
}

static int run_help(int argc, char **argv)
{
	const struct command *command =
		argc > 1 ? find_command(argv[1]) : &command_record;

	if (!command) {
		fprintf(stderr, "psample: no command %s\n", argv[1]);
		return EXIT_USAGE;
	}
	command_print_help(command);
	return EXIT_DONE;
}

/* "psample FILE.pb.gz": a profile, not a program. */
static bool is_profile(const char *path)
{
	unsigned char magic[2];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_gzip;

	if (fd < 0)
		return false;
	is_gzip = !fstat(fd, &st) && S_ISREG(st.st_mode) &&
		  read(fd, magic, 2) == 2 && magic[0] == 0x1f &&
		  magic[1] == 0x8b;
	close(fd);
	return is_gzip;
}

static int explain_profile(const char *path)
{
	print_error(error_hint(
		error_new("%s is a profile, and this psample has no reports "
			  "yet", path),
		"try:   go tool pprof %s", path));
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const struct command *command;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc < 2) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help"))
		return run_help(argc - 1, argv + 1);
	command = find_command(argv[1]);
	if (command)
		return command_main(command, argc - 1, argv + 1);
	if (argc == 2 && is_profile(argv[1]))
		return explain_profile(argv[1]);
	return command_main(&command_record, argc, argv);
}
