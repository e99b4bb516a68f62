-- SPDX-License-Identifier: MIT
-- plain.hs - calls, sorting, a map, for some seconds.
import Data.List (sort)
import qualified Data.Map as M
import System.CPUTime (getCPUTime)
import System.Environment (getArgs)

fib :: Int -> Integer
fib n = if n < 2 then toInteger n else fib (n - 1) + fib (n - 2)

main :: IO ()
main = do
  [seconds] <- getArgs
  start <- getCPUTime
  go (start + read seconds * 1000000000000)

go :: Integer -> IO ()
go stop = do
  let l = [(i * 7919) `mod` 2003 | i <- [1 .. 2000 :: Int]]
  print (fib 18 + toInteger (sum (sort l) + M.size (M.fromList (zip l l))))
  now <- getCPUTime
  if now < stop then go stop else return ()
