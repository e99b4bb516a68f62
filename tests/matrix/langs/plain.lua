-- SPDX-License-Identifier: MIT
-- plain.lua - calls, sorting, patterns, for some seconds.
local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
local stop = os.clock() + arg[1]
while os.clock() < stop do
  fib(20)
  local t = {}
  for i = 1, 2000 do t[i] = (i * 7919) % 2003 end
  table.sort(t)
  for _ in table.concat(t, ","):gmatch("%d+") do end
end
