/* SPDX-License-Identifier: MIT */
/* control.c - the FIFO or socket that steers a run. */
#include "cli/control.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/mem.h"
#include "util/strbuf.h"

#define LINE_BYTES 4200 /* a word and a path */

struct control {
	const char *path; /* of a FIFO that we made, or NULL */
	int fd;
	bool is_socket;
	bool has_ended;
	char line[LINE_BYTES];
	size_t len;
};

/* "fd:3" -> 3, anything else -1 */
static int parse_fd(const char *path)
{
	char *end;
	long fd;

	if (!path || strncmp(path, "fd:", 3))
		return -1;
	fd = strtol(path + 3, &end, 10);
	return end == path + 3 || *end || fd < 0 || fd > 1 << 20 ? -1
								 : (int)fd;
}

struct error *control_check(const char *path)
{
	int fd = parse_fd(path);
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st))
		return error_errno(errno, "cannot use --control %s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_new("cannot use --control %s: it is not a "
				 "socket", path);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return NULL;
}

static struct error *open_fifo(struct control *control, const char *path)
{
	struct stat st;

	if (!mkfifo(path, 0600))
		control->path = path;
	else if (errno != EEXIST)
		return error_errno(errno, "cannot make the FIFO %s", path);
	/* Read and write: then writers may come and go without an end. */
	control->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (control->fd < 0)
		return error_errno(errno, "cannot open %s", path);
	if (fstat(control->fd, &st) || !S_ISFIFO(st.st_mode))
		return error_new("cannot use %s: it is not a FIFO", path);
	return NULL;
}

struct error *control_open(const char *path, struct control **out)
{
	struct control *control = xcalloc(1, sizeof(*control));
	struct error *error = NULL;

	control->fd = parse_fd(path);
	control->is_socket = control->fd >= 0;
	if (path && !control->is_socket)
		error = open_fifo(control, path);
	if (error) {
		control_close(control);
		return error;
	}
	*out = control;
	return NULL;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	if (control->fd >= 0)
		close(control->fd);
	if (control->path)
		unlink(control->path);
	free(control);
}

int control_fd(const struct control *control)
{
	return control->has_ended ? -1 : control->fd;
}

static ssize_t read_byte(struct control *control, char *c)
{
	if (control->is_socket)
		return recv(control->fd, c, 1, MSG_DONTWAIT);
	return read(control->fd, c, 1);
}

const char *control_read(struct control *control)
{
	ssize_t n;
	char c;

	while ((n = read_byte(control, &c)) == 1) {
		if (c == '\n') {
			control->line[control->len] = '\0';
			control->len = 0;
			return control->line;
		}
		if (control->len + 1 < sizeof(control->line))
			control->line[control->len++] = c;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		control->has_ended = control->is_socket;
	return NULL;
}

bool control_has_ended(const struct control *control)
{
	return control->has_ended;
}

void control_tell(const struct control *control, const char *word,
		  const char *argument)
{
	CLEANUP(strbuf_clear) struct strbuf line = { 0 };
	ssize_t n;

	if (!control->is_socket)
		return;
	strbuf_addf(&line, argument ? "%s %s\n" : "%s\n", word, argument);
	n = send(control->fd, line.data, line.len,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)n; /* an owner that does not listen has had its chance */
}
