#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare our drawing of a call graph with that of dot.

	layout.py OURS.svg [THEIRS.plain]

Both are read into boxes and polylines, and counted in the same way. Prints
"boxes edges overlaps through crossings their-crossings": boxes that overlap,
pairs of an edge and a box that is not at its ends which the edge touches,
and points where two edges cross outside of a box that both end at.
"""
import re
import sys
import xml.etree.ElementTree as tree

SVG = '{http://www.w3.org/2000/svg}'
STEPS = 12  # straight pieces of a curve


def flatten(points):
    line = [points[0]]
    for i in range(1, len(points) - 2, 3):
        p = [line[-1]] + points[i:i + 3]
        for step in range(1, STEPS + 1):
            t = step / STEPS
            weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2,
                       3 * t * t * (1 - t), t ** 3]
            line.append(tuple(sum(w * q[k] for w, q in zip(weights, p))
                              for k in (0, 1)))
    return line


def read_ours(path):
    boxes, edges = {}, []
    for g in tree.parse(path).getroot().iter(SVG + 'g'):
        kind = g.get('class')
        if kind in ('node', 'legend'):
            rect = g.find(SVG + 'rect')
            x, y, w, h = (float(rect.get(k))
                          for k in ('x', 'y', 'width', 'height'))
            boxes[g.get('data-name')] = (x, y, x + w, y + h)
        elif kind == 'edge':
            numbers = [float(n) for n in re.findall(
                r'-?[0-9.]+', g.find(SVG + 'path').get('d'))]
            points = list(zip(numbers[::2], numbers[1::2]))
            edges.append((g.get('data-ends').split('->'),
                          flatten(points)))
    return boxes, edges


def words_of(line):
    return [a or b for a, b in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line)]


def read_theirs(path):
    boxes, edges = {}, []
    text = open(path, encoding='utf-8').read().replace('\\\n', '')
    for line in text.split('\n'):
        words = words_of(line)
        if words and words[0] == 'node':
            x, y, w, h = (72 * float(v) for v in words[2:6])
            boxes[words[1]] = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        elif words and words[0] == 'edge':
            n = int(words[3])
            v = [72 * float(w) for w in words[4:4 + 2 * n]]
            edges.append((words[1:3], flatten(list(zip(v[::2], v[1::2])))))
    return boxes, edges


def count_overlaps(boxes):
    b = list(boxes.values())
    return sum(p[0] < q[2] and q[0] < p[2] and p[1] < q[3] and q[1] < p[3]
               for i, p in enumerate(b) for q in b[:i])


def touches(a, b, box):
    """Does the piece a-b have a point within the box? (Liang, Barsky)"""
    low, high = 0.0, 1.0
    for k in (0, 1):
        d = b[k] - a[k]
        for p, q in ((-d, a[k] - box[k]), (d, box[k + 2] - a[k])):
            if p == 0:
                if q <= 0:
                    return False
            elif p < 0:
                low = max(low, q / p)
            else:
                high = min(high, q / p)
    return low < high


def count_through(boxes, edges):
    n = 0
    for ends, line in edges:
        for name, box in boxes.items():
            if name not in ends:
                n += any(touches(a, b, box)
                         for a, b in zip(line, line[1:]))
    return n


def crossing(a, b, c, d):
    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
    s, t = side(c, d, a), side(c, d, b)
    if (s < 0) == (t < 0) or (side(a, b, c) < 0) == (side(a, b, d) < 0):
        return None
    f = s / (s - t)
    return a[0] + f * (b[0] - a[0]), a[1] + f * (b[1] - a[1])


def is_inside(point, box):
    return box[0] - 1 <= point[0] <= box[2] + 1 and \
        box[1] - 1 <= point[1] <= box[3] + 1


def count_crossings(boxes, edges):
    pieces = []
    for i, (_, line) in enumerate(edges):
        pieces += [(min(a[0], b[0]), max(a[0], b[0]), min(a[1], b[1]),
                    max(a[1], b[1]), a, b, i)
                   for a, b in zip(line, line[1:])]
    pieces.sort(key=lambda p: p[0])
    found = set()
    for i, p in enumerate(pieces):
        for q in pieces[i + 1:]:
            if q[0] > p[1]:
                break
            if q[6] == p[6] or q[2] > p[3] or p[2] > q[3]:
                continue
            at = crossing(p[4], p[5], q[4], q[5])
            if not at:
                continue
            shared = set(edges[p[6]][0]) & set(edges[q[6]][0])
            if not any(is_inside(at, boxes[name]) for name in shared):
                found.add((min(p[6], q[6]), max(p[6], q[6]),
                           round(at[0] / 2), round(at[1] / 2)))
    return len(found)


def main():
    boxes, edges = read_ours(sys.argv[1])
    theirs = '-'
    if len(sys.argv) > 2:
        theirs = count_crossings(*read_theirs(sys.argv[2]))
    print(len(boxes), len(edges), count_overlaps(boxes),
          count_through(boxes, edges), count_crossings(boxes, edges), theirs)


main()
