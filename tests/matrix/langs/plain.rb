# SPDX-License-Identifier: MIT
# plain.rb - calls, sorting, a regex, a hash, for some seconds.
def fib(n)
  n < 2 ? n : fib(n - 1) + fib(n - 2)
end
stop = Time.now + ARGV[0].to_f
while Time.now < stop
  fib(16)
  a = (1..2000).to_a.shuffle.sort_by { |x| -x }
  a.join(',').scan(/(\d+),/)
  h = {}
  a.each { |x| h[x.to_s] = x }
end
