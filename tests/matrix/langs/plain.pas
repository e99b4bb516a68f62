{ SPDX-License-Identifier: MIT }
{ plain.pas - calls and strings, for some seconds. }
program plain;
{$mode objfpc}{$H+}
uses sysutils;

function fib(n: longint): longint;
begin
  if n < 2 then fib := n else fib := fib(n - 1) + fib(n - 2)
end;

var
  stop: qword;
  s: string;
  i: longint;
begin
  stop := GetTickCount64 + 1000 * StrToInt(ParamStr(1));
  while GetTickCount64 < stop do begin
    fib(22);
    s := '';
    for i := 1 to 2000 do s := IntToStr(i) + copy(s, 1, 50);
  end;
end.
