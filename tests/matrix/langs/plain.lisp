;; SPDX-License-Identifier: MIT
;; plain.lisp - calls and sorting, for some seconds.
(defun fib (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(let ((stop (+ (get-internal-real-time)
               (* (parse-integer (car (last *posix-argv*)))
                  internal-time-units-per-second))))
  (loop while (< (get-internal-real-time) stop) do
        (fib 20)
        (sort (loop for i below 2000 collect (mod (* i 7919) 2003)) #'<)))
