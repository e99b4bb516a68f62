#lang racket/base
;; SPDX-License-Identifier: MIT
;; plain.rkt - calls and sorting, for some seconds.
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(define seconds
  (string->number (vector-ref (current-command-line-arguments) 0)))
(define stop (+ (current-milliseconds) (* 1000 seconds)))
(let loop ()
  (fib 22)
  (sort (for/list ([i 2000]) (modulo (* i 7919) 2003)) <)
  (when (< (current-milliseconds) stop) (loop)))
