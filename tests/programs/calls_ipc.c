/* SPDX-License-Identifier: MIT */
/* calls_ipc.c - semaphores, mutexes, queues, locks of files. */
#include "calls.h"

#include <mqueue.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>

static long as_result(int err) /* of functions that return errno */
{
	errno = err;
	return err ? -1 : 0;
}

static int open_sem(struct scene *s)
{
	return sem_init(&s->sem, 0, 0);
}

static void wake_sem(struct scene *s)
{
	sem_post(&s->sem);
}

static long call_sem_wait(struct scene *s)
{
	return sem_wait(&s->sem);
}

static long call_sem_timedwait(struct scene *s)
{
	struct timespec t = timespec_end(CLOCK_REALTIME);

	return sem_timedwait(&s->sem, &t);
}

static int open_cond(struct scene *s)
{
	return pthread_mutex_init(&s->mutex, NULL) ||
	       pthread_cond_init(&s->cond, NULL) ? -1 : 0;
}

static long call_cond_timedwait(struct scene *s)
{
	struct timespec t = timespec_end(CLOCK_REALTIME);
	int err;

	pthread_mutex_lock(&s->mutex);
	err = pthread_cond_timedwait(&s->cond, &s->mutex, &t);
	pthread_mutex_unlock(&s->mutex);
	return as_result(err);
}

static void wake_cond(struct scene *s)
{
	pthread_mutex_lock(&s->mutex);
	s->word = 1;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->mutex);
}

static long call_cond_wait(struct scene *s)
{
	int err = 0;

	pthread_mutex_lock(&s->mutex);
	while (!s->word && !err)
		err = pthread_cond_wait(&s->cond, &s->mutex);
	s->word = 0;
	pthread_mutex_unlock(&s->mutex);
	return as_result(err);
}

/* A process-shared lock that inherits priority; a child holds it. */
static int open_pi_mutex(struct scene *s)
{
	pthread_mutex_t *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;

	if (mutex == MAP_FAILED || pipe(s->fd) || pipe(s->fd + 2))
		return -1;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	errno = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (errno != 0 || (errno = pthread_mutex_init(mutex, &attr)) != 0)
		return -1;
	s->memory = (char *)mutex;
	s->id = fork();
	if (s->id != 0)
		return s->id < 0 ? -1 : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) { /* 'x' in: lock, 'x' out; 'x' in: unlock */
		take_bytes(s->fd[0]);
		pthread_mutex_lock(mutex);
		put_byte(s->fd[3]);
		take_bytes(s->fd[0]);
		pthread_mutex_unlock(mutex);
	}
}

static int ready_holder(struct scene *s)
{
	put_byte(s->fd[1]);
	take_bytes(s->fd[2]);
	return 0;
}

static void wake_holder(struct scene *s)
{
	put_byte(s->fd[1]);
}

static long call_pi_mutex(struct scene *s)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)(void *)s->memory;
	int err = pthread_mutex_lock(mutex);

	if (!err)
		pthread_mutex_unlock(mutex);
	return as_result(err);
}

static int open_semop(struct scene *s)
{
	s->id = semget(IPC_PRIVATE, 1, 0600);
	return s->id;
}

/* Removed with the wake of the last round, else by the kernel's user. */
static void wake_semop(struct scene *s)
{
	struct sembuf up = { .sem_op = 1 };

	semop(s->id, &up, 1);
}

static int ready_semop(struct scene *s)
{
	if (s->id >= 0)
		semctl(s->id, 0, IPC_RMID);
	return open_semop(s) < 0 ? -1 : 0;
}

static long end_semop(struct scene *s, long result)
{
	int err = errno;

	semctl(s->id, 0, IPC_RMID);
	s->id = -1;
	errno = err;
	return result;
}

static long call_semop(struct scene *s)
{
	struct sembuf down = { .sem_op = -1 };

	return end_semop(s, semop(s->id, &down, 1));
}

static long call_semtimedop(struct scene *s)
{
	struct sembuf down = { .sem_op = -1 };
	struct timespec t = timespec_wait();

	return end_semop(s, semtimedop(s->id, &down, 1, &t));
}

struct message {
	long type;
	char text[64];
};

static int ready_queue(struct scene *s)
{
	s->id = msgget(IPC_PRIVATE, 0600);
	return s->id < 0 ? -1 : 0;
}

static long end_queue(struct scene *s, long result)
{
	int err = errno;

	msgctl(s->id, IPC_RMID, NULL);
	errno = err;
	return result;
}

static void wake_msgrcv(struct scene *s)
{
	struct message m = { 1, "hello" };

	msgsnd(s->id, &m, 6, 0);
}

static long call_msgrcv(struct scene *s)
{
	struct message m = { 0 };
	long n = msgrcv(s->id, &m, sizeof(m.text), 0, 0);

	return end_queue(s, n > 0 && strcmp(m.text, "hello") != 0 ? WRONG_DATA
								  : n);
}

static int ready_full_queue(struct scene *s)
{
	struct message m = { 1, "full" };
	struct msqid_ds ds;

	if (ready_queue(s) != 0 || msgctl(s->id, IPC_STAT, &ds) != 0)
		return -1;
	ds.msg_qbytes = sizeof(m.text);
	if (msgctl(s->id, IPC_SET, &ds) != 0)
		return -1;
	return msgsnd(s->id, &m, sizeof(m.text), 0);
}

static void wake_msgsnd(struct scene *s)
{
	struct message m;

	msgrcv(s->id, &m, sizeof(m.text), 0, 0);
}

static long call_msgsnd(struct scene *s)
{
	struct message m = { 1, "more" };

	return end_queue(s, msgsnd(s->id, &m, sizeof(m.text), 0));
}

static int open_mq(struct scene *s)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	char name[64];

	snprintf(name, sizeof(name), "/calls.%d", (int)getpid());
	s->fd[0] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	mq_unlink(name);
	return s->fd[0];
}

static void wake_mq(struct scene *s)
{
	mq_send(s->fd[0], "hello", 6, 0);
}

static long call_mq_receive(struct scene *s)
{
	char text[8];

	return mq_receive(s->fd[0], text, sizeof(text), NULL);
}

static long call_mq_timedreceive(struct scene *s)
{
	struct timespec t = timespec_end(CLOCK_REALTIME);
	char text[8];

	return mq_timedreceive(s->fd[0], text, sizeof(text), NULL, &t);
}

/* fd[2] and fd[3] are one file, opened twice. */
static int open_file_twice(struct scene *s)
{
	char path[64];

	s->fd[2] = memfd_create("lock", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd[2]);
	s->fd[3] = open(path, O_RDWR);
	return s->fd[3];
}

static int ready_flock(struct scene *s)
{
	return flock(s->fd[2], LOCK_EX);
}

static void wake_flock(struct scene *s)
{
	flock(s->fd[2], LOCK_UN);
}

static long call_flock(struct scene *s)
{
	long result = flock(s->fd[3], LOCK_EX);
	int err = errno;

	flock(s->fd[3], LOCK_UN);
	errno = err;
	return result;
}

static int lock_file(int fd, int command, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, command, &lock);
}

static int ready_ofd_lock(struct scene *s)
{
	return lock_file(s->fd[2], F_OFD_SETLK, F_WRLCK);
}

static void wake_ofd_lock(struct scene *s)
{
	lock_file(s->fd[2], F_OFD_SETLK, F_UNLCK);
}

static long lock_and_unlock(int fd, int wait_command, int command)
{
	long result = lock_file(fd, wait_command, F_WRLCK);
	int err = errno;

	lock_file(fd, command, F_UNLCK);
	errno = err;
	return result;
}

static long call_ofd_lock(struct scene *s)
{
	return lock_and_unlock(s->fd[3], F_OFD_SETLKW, F_OFD_SETLK);
}

/* Locks of processes: a child holds the other one. */
static int open_setlkw(struct scene *s)
{
	int fd = memfd_create("lock", 0);

	if (fd < 0 || pipe(s->fd) || pipe(s->fd + 2))
		return -1;
	s->bytes = (size_t)fd;
	s->id = fork();
	if (s->id != 0)
		return s->id < 0 ? -1 : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		take_bytes(s->fd[0]);
		lock_file(fd, F_SETLKW, F_WRLCK);
		put_byte(s->fd[3]);
		take_bytes(s->fd[0]);
		lock_file(fd, F_SETLK, F_UNLCK);
	}
}

static long call_setlkw(struct scene *s)
{
	return lock_and_unlock((int)s->bytes, F_SETLKW, F_SETLK);
}

const struct call_case calls_ipc[] = {
	{ "sem_wait", open_sem, NULL, call_sem_wait, .wake = wake_sem },
	{ "sem_timedwait", open_sem, NULL, call_sem_timedwait, .want = -1,
	  .want_errno = ETIMEDOUT },
	{ "cond_wait", open_cond, NULL, call_cond_wait, .wake = wake_cond },
	{ "cond_timedwait", open_cond, NULL, call_cond_timedwait, .want = -1,
	  .want_errno = ETIMEDOUT },
	{ "pi_mutex", open_pi_mutex, ready_holder, call_pi_mutex,
	  .wake = wake_holder },
	{ "semop", open_semop, ready_semop, call_semop, .wake = wake_semop },
	{ "semtimedop", open_semop, ready_semop, call_semtimedop, .want = -1,
	  .want_errno = EAGAIN },
	{ "msgrcv", open_nothing, ready_queue, call_msgrcv,
	  .wake = wake_msgrcv, .want = 6 },
	{ "msgsnd", open_nothing, ready_full_queue, call_msgsnd,
	  .wake = wake_msgsnd },
	{ "mq_receive", open_mq, NULL, call_mq_receive, .wake = wake_mq,
	  .want = 6 },
	{ "mq_timedreceive", open_mq, NULL, call_mq_timedreceive, .want = -1,
	  .want_errno = ETIMEDOUT },
	{ "flock", open_file_twice, ready_flock, call_flock,
	  .wake = wake_flock },
	{ "ofd_setlkw", open_file_twice, ready_ofd_lock, call_ofd_lock,
	  .wake = wake_ofd_lock },
	{ "setlkw", open_setlkw, ready_holder, call_setlkw,
	  .wake = wake_holder },
	{ .name = NULL },
};
