// SPDX-License-Identifier: MIT
// Plan.java - the plan of plan.h in Java.
public class Plan {
	static long f(int n) {
		long x = n;
		while (n-- > 0)
			x = x * 6364136223846793005L + 1442695040888963407L;
		return x;
	}

	static long g(int n) {
		long x = n;
		while (n-- > 0)
			x = x * 6364136223846793005L + 3037000493L;
		return x;
	}

	static long run(double seconds) {
		long end = System.nanoTime() + (long)(seconds * 1e9);
		long sum = 0;
		while (System.nanoTime() < end) {
			sum += f(60000);
			sum += g(40000);
		}
		return sum;
	}

	static void waiter(Object lock) {
		synchronized (lock) {
			try {
				lock.wait();
			} catch (InterruptedException e) {
			}
		}
	}

	// In many short calls, so that run is compiled and has a name.
	static long runOften(double seconds) {
		long end = System.nanoTime() + (long)(seconds * 1e9);
		long sum = 0;
		while (System.nanoTime() < end)
			sum += run(0.001);
		return sum;
	}

	public static void main(String[] args) throws Exception {
		Object lock = new Object();
		Thread thread = new Thread(() -> waiter(lock));
		thread.start();
		long sum = runOften(args.length > 0 ?
			Double.parseDouble(args[0]) : 1);
		thread.interrupt();
		thread.join();
		System.exit(sum == 42 ? 1 : 0);
	}
}
