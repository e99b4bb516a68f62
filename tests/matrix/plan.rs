// SPDX-License-Identifier: MIT
// plan.rs - the plan of plan.h in Rust; with --cfg is_async run is an async
// function, with --cfg panics it catches a panic in every round.
use std::hint::black_box;
use std::io::Read;
use std::os::unix::net::UnixStream;

extern "C" {
    fn clock() -> i64;
}

// The time of the process, in seconds: as much of it on a busy machine.
fn now() -> f64 {
    (unsafe { clock() }) as f64 / 1e6
}

const MULTIPLIER: u64 = 6364136223846793005;

#[inline(always)]
fn f_inner(mut n: u64) -> u64 {
    let mut x = n;
    while n > 0 { // @f_inner
        x = x.wrapping_mul(MULTIPLIER).wrapping_add(1442695040888963407); // @f_inner
        x = black_box(x); // @f_inner
        n -= 1; // @f_inner
    }
    x
}

#[inline(always)]
fn g_inner(mut n: u64) -> u64 {
    let mut x = n;
    while n > 0 { // @g_inner
        x = x.wrapping_mul(MULTIPLIER).wrapping_add(3037000493); // @g_inner
        x = black_box(x); // @g_inner
        n -= 1; // @g_inner
    }
    x
}

#[inline(never)]
fn f(n: u64) -> u64 {
    f_inner(n) | 1 // @f
}

#[inline(never)]
fn g(n: u64) -> u64 {
    g_inner(n) | 2 // @g
}

#[cfg(not(is_async))]
#[inline(never)]
fn run(seconds: f64) -> u64 {
    let end = now() + seconds;
    let mut sum = 0u64;
    let mut round = 0u32;
    while round % 16 != 0 || now() < end {
        round += 1;
        #[cfg(panics)]
        {
            let _ = std::panic::catch_unwind(|| panic!("{}", black_box(sum)));
        }
        sum ^= f(60000); // @run:f
        sum ^= g(40000); // @run:g
    }
    sum
}

#[cfg(is_async)]
async fn run(seconds: f64) -> u64 {
    let end = now() + seconds;
    let mut sum = 0u64;
    let mut round = 0u32;
    while round % 16 != 0 || now() < end {
        round += 1;
        sum ^= f(60000); // @run:f
        Rest(false).await;
        sum ^= g(40000); // @run:g
    }
    sum
}

#[cfg(is_async)]
struct Rest(bool);

#[cfg(is_async)]
impl std::future::Future for Rest {
    type Output = ();
    fn poll(mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        if self.0 {
            return std::task::Poll::Ready(());
        }
        self.0 = true;
        std::task::Poll::Pending
    }
}

#[cfg(is_async)]
fn finish(future: impl std::future::Future<Output = u64>) -> u64 {
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = Box::pin(future);
    loop {
        if let std::task::Poll::Ready(sum) = future.as_mut().poll(&mut context) {
            return sum;
        }
    }
}

#[cfg(not(is_async))]
fn finish(sum: u64) -> u64 {
    sum
}

#[inline(never)]
fn wait_here(stream: &mut UnixStream) -> usize {
    let n = stream.read(&mut [0u8]).unwrap_or(0);
    black_box(n)
}

#[inline(never)]
fn waiter(mut stream: UnixStream) -> usize {
    black_box(wait_here(&mut stream))
}

fn main() {
    let seconds = std::env::args().nth(1).map_or(1.0, |s| s.parse().unwrap());
    let (ours, theirs) = UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || waiter(theirs));
    std::panic::set_hook(Box::new(|_| ()));
    let sum = finish(run(seconds));
    drop(ours);
    std::process::exit((thread.join().unwrap() as u64 + sum == 42) as i32);
}
