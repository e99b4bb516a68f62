/* SPDX-License-Identifier: MIT */
/* root.c - compare and hold /proc/PID/root and /proc/PID/ns/mnt. */
#include "target/root.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/mem.h"

/* What tells the root of @who ("self" or a number) from that of others. */
static bool root_identify(struct root *root, const char *who)
{
	char path[64];
	struct stat ns, dir;

	*root = (struct root){ .fd = -1, .ns_fd = -1 };
	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", who);
	if (stat(path, &ns))
		return false;
	snprintf(path, sizeof(path), "/proc/%s/root", who);
	if (stat(path, &dir))
		return false;
	root->ns_inode = ns.st_ino;
	root->dev = dir.st_dev;
	root->inode = dir.st_ino;
	return true;
}

bool root_is_same(const struct root *a, const struct root *b)
{
	return a->ns_inode == b->ns_inode && a->dev == b->dev &&
	       a->inode == b->inode;
}

char *root_prefix(pid_t pid)
{
	char path[64], link[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	n = readlink(path, link, sizeof(link) - 1);
	return xstrndup(link, n > 1 ? (size_t)n : 0); /* "/" is none */
}

bool root_open(struct root *root, pid_t pid)
{
	struct root own;
	char who[16], path[64];

	snprintf(who, sizeof(who), "%d", (int)pid);
	if (!root_identify(root, who) || !root_identify(&own, "self") ||
	    root_is_same(root, &own))
		return false;
	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", who);
	root->ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%s/root", who);
	root->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	root->prefix = root_prefix(pid);
	if (root->fd >= 0)
		return true;
	root_close(root);
	return false;
}

void root_close(struct root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	if (root->ns_fd >= 0)
		close(root->ns_fd);
	free(root->prefix);
	root->prefix = NULL;
	root->fd = root->ns_fd = -1;
}
