-- SPDX-License-Identifier: MIT
-- plain.adb - calls and a map, for some seconds.
with Ada.Calendar; use Ada.Calendar;
with Ada.Command_Line;
with Ada.Containers.Ordered_Maps;
procedure Plain is
   package Maps is new Ada.Containers.Ordered_Maps (Integer, Integer);
   function Fib (N : Integer) return Integer is
     (if N < 2 then N else Fib (N - 1) + Fib (N - 2));
   Stop : constant Time :=
     Clock + Duration'Value (Ada.Command_Line.Argument (1));
   X : Integer := 0;
begin
   while Clock < Stop loop
      X := Fib (22);
      declare
         A : Maps.Map;
      begin
         for I in 1 .. 2000 loop
            A.Include ((I * 7919) mod 2003, X);
         end loop;
      end;
   end loop;
end Plain;
