! SPDX-License-Identifier: MIT
! plain.f90 - matrices, for some seconds.
program plain
  implicit none
  real(8) :: a(200, 200), b(200, 200), c(200, 200), start, now, seconds
  character(len=32) :: text
  call get_command_argument(1, text)
  read (text, *) seconds
  call random_number(a)
  call random_number(b)
  call cpu_time(start)
  do
    c = matmul(a, b)
    call work(c)
    call cpu_time(now)
    if (now - start > seconds) exit
  end do
contains
  subroutine work(x)
    real(8), intent(inout) :: x(:, :)
    x = sqrt(abs(x)) + exp(-x / 1000)
  end subroutine
end program
