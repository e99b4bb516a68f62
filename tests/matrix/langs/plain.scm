;; SPDX-License-Identifier: MIT
;; plain.scm - calls and sorting, for some seconds.
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(define stop
  (+ (get-internal-real-time)
     (* (string->number (cadr (command-line)))
        internal-time-units-per-second)))
(let loop ()
  (fib 20)
  (sort (iota 2000) >)
  (if (< (get-internal-real-time) stop) (loop)))
