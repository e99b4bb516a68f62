# SPDX-License-Identifier: MIT
# real.py - parse and compile the standard library for so many seconds.
import ast
import glob
import json
import os
import re
import sys
import time

end = time.monotonic() + float(sys.argv[1])
files = sorted(glob.glob(os.path.dirname(os.__file__) + '/*.py'))
while time.monotonic() < end:
    for name in files:
        with open(name, encoding='utf-8', errors='replace') as file:
            text = file.read()
        tree = ast.parse(text)
        compile(tree, name, 'exec')
        words = re.findall(r'[a-z_]+', text)
        json.loads(json.dumps(words))
        if time.monotonic() > end:
            break
