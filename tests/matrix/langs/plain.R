# SPDX-License-Identifier: MIT
# plain.R - calls, linear algebra, strings, for some seconds.
stop_at <- Sys.time() + as.numeric(commandArgs(TRUE)[1])
fib <- function(n) if (n < 2) n else fib(n - 1) + fib(n - 2)
while (Sys.time() < stop_at) {
  fib(14)
  y <- solve(matrix(runif(40000), 200))
  z <- sort(runif(1e4))
  g <- gsub("1", "2", paste(z, collapse = ","))
}
