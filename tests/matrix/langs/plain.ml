(* SPDX-License-Identifier: MIT *)
(* plain.ml - calls, sorting, a map, exceptions, for some seconds. *)
module M = Map.Make (Int)

let rec fib n = if n < 2 then n else fib (n - 1) + fib (n - 2)

let () =
  let stop = Sys.time () +. float_of_string Sys.argv.(1) in
  while Sys.time () < stop do
    ignore (fib 22);
    let l = List.init 2000 (fun i -> i * 7919 mod 2003) in
    ignore (List.sort compare l);
    ignore (List.fold_left (fun m x -> M.add x x m) M.empty l);
    try raise Not_found with Not_found -> ()
  done
