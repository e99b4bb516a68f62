/* SPDX-License-Identifier: MIT */
/*
 * root.h - the file system as a process sees it, if not as we do.
 *
 * A container has a mount namespace of its own, a chroot another directory as
 * its root. Both are held open, since names are looked up when the process
 * may be gone: with the last process its namespace's mounts would go too.
 */
#ifndef TARGET_ROOT_H
#define TARGET_ROOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct root {
	int fd;	   /* O_PATH, of its root directory */
	int ns_fd; /* its mount namespace, or -1 */
	char *prefix; /* its path within the namespace, or "" */
	uint64_t ns_inode, dev, inode; /* what tells two of them apart */
};

/* False: the root of @pid is our own, or @pid is gone. Nothing is held. */
bool root_open(struct root *root, pid_t pid);
void root_close(struct root *root);

/*
 * The path of /proc/PID/root as maps show paths, "" if it is that of its
 * mount namespace; freed by the caller.
 */
char *root_prefix(pid_t pid);

/* Do both show the same files? */
bool root_is_same(const struct root *a, const struct root *b);

#endif
