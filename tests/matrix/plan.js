// SPDX-License-Identifier: MIT
// plan.js - the plan of plan.h in JavaScript; a worker waits.
const { Worker, isMainThread, workerData } = require('worker_threads')

function f(n) {
	let x = n
	while (n-- > 0)
		x = Math.imul(x, 1664525) + 1013904223 | 0
	return x
}

function g(n) {
	let x = n
	while (n-- > 0)
		x = Math.imul(x, 22695477) + 12345 | 0
	return x
}

function run(seconds) {
	const end = Date.now() + 1000 * seconds
	let sum = 0
	while (Date.now() < end) {
		sum += f(60000)
		sum += g(40000)
	}
	return sum
}

function waiter(words) {
	Atomics.wait(words, 0, 0)
}

if (isMainThread) {
	const words = new Int32Array(new SharedArrayBuffer(4))
	const worker = new Worker(__filename, { workerData: words })
	worker.on('online', () => {
		run(Number(process.argv[2] || 1))
		Atomics.store(words, 0, 1)
		Atomics.notify(words, 0)
	})
} else {
	waiter(workerData)
}
