/* SPDX-License-Identifier: MIT */
/*
 * demo.c - a program with a known hot path, for ./dev demo: demo SECONDS.
 *
 * It renders frames: 60 % of the time goes to shade_pixel, 25 % to blur_row,
 * 10 % to sort_particles, and in a second thread 5 % to mix_audio. All work
 * is counted in steps of equal cost, so the shares depend on no machine.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HOT __attribute__((noinline, noclone)) static

/* Steps per frame and function; one takes about 1.3 ns. */
enum {
	N_TILES = 8,
	SHADE_STEPS = 600000 / N_TILES,
	BLUR_STEPS = 250000,
	SORT_STEPS = 100000,
	AUDIO_STEPS = 50000,
};

/* Dependent multiplications, which no compiler shortens. A macro, so that no
 * inlined function stands between the reader and the names that matter. */
#define STEPS(x, n)                                                           \
	for (unsigned i_ = 0; i_ < (n); i_++) {                               \
		(x) = (x) * 6364136223846793005u + 1442695040888963407u;      \
		__asm__ volatile("" : "+r"(x));                               \
	}

HOT uint64_t shade_pixel(uint64_t x)
{
	STEPS(x, SHADE_STEPS);
	return x ^ 1;
}

HOT uint64_t render_tile(uint64_t x)
{
	return shade_pixel(x) + 1;
}

HOT uint64_t blur_row(uint64_t x)
{
	STEPS(x, BLUR_STEPS);
	return x ^ 2;
}

HOT uint64_t sort_particles(uint64_t x)
{
	STEPS(x, SORT_STEPS);
	return x ^ 3;
}

HOT uint64_t render_frame(uint64_t x)
{
	for (int tile = 0; tile < N_TILES; tile++)
		x += render_tile(x);
	x += blur_row(x);
	return x + sort_particles(x);
}

HOT uint64_t mix_audio(uint64_t x)
{
	STEPS(x, AUDIO_STEPS);
	return x ^ 4;
}

/* The frames that are rendered so far; the audio thread keeps up with them. */
struct show {
	pthread_mutex_t lock;
	pthread_cond_t is_next;
	long n_frames;
	int is_over;
};

static void *play_audio(void *arg)
{
	struct show *show = arg;
	uint64_t x = 1;
	long n_mixed = 0;

	pthread_mutex_lock(&show->lock);
	for (;;) {
		while (n_mixed == show->n_frames && !show->is_over)
			pthread_cond_wait(&show->is_next, &show->lock);
		if (n_mixed == show->n_frames)
			break;
		n_mixed++;
		pthread_mutex_unlock(&show->lock);
		x = mix_audio(x);
		pthread_mutex_lock(&show->lock);
	}
	pthread_mutex_unlock(&show->lock);
	return (void *)(uintptr_t)x;
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

HOT uint64_t render_frames(struct show *show, double until)
{
	uint64_t x = 1;

	while (seconds_now() < until) {
		x = render_frame(x);
		pthread_mutex_lock(&show->lock);
		show->n_frames++;
		pthread_cond_signal(&show->is_next);
		pthread_mutex_unlock(&show->lock);
	}
	return x;
}

int main(int argc, char **argv)
{
	struct show show = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.is_next = PTHREAD_COND_INITIALIZER,
	};
	double seconds = argc > 1 ? atof(argv[1]) : 3;
	pthread_t audio;

	if (pthread_create(&audio, NULL, play_audio, &show))
		return 1;
	render_frames(&show, seconds_now() + seconds);
	pthread_mutex_lock(&show.lock);
	show.is_over = 1;
	pthread_cond_signal(&show.is_next);
	pthread_mutex_unlock(&show.lock);
	pthread_join(audio, NULL);
	fprintf(stderr, "demo: %ld frames\n", show.n_frames);
	return 0;
}
