// SPDX-License-Identifier: MIT
// Plain.cs - calls, sorting, a dictionary, for some seconds.
using System;
using System.Collections.Generic;
using System.Linq;

class Plain {
	static int Fib(int n)
	{
		return n < 2 ? n : Fib(n - 1) + Fib(n - 2);
	}

	static void Main(string[] args)
	{
		var stop = DateTime.Now.AddSeconds(int.Parse(args[0]));
		while (DateTime.Now < stop) {
			Fib(22);
			var l = Enumerable.Range(0, 2000)
				.Select(i => i * 7919 % 2003)
				.OrderBy(x => x).ToList();
			var d = new Dictionary<string, int>();
			foreach (var x in l)
				d[x.ToString()] = x;
		}
	}
}
