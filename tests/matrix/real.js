// SPDX-License-Identifier: MIT
// real.js - what a service in JavaScript does: JSON, regular expressions,
// maps, sorting, hashes, compression.
const crypto = require('crypto')
const zlib = require('zlib')

function makeRecords(n) {
	const records = []
	for (let i = 0; i < n; i++)
		records.push({ id: i, name: 'name ' + (i * 7919) % n,
			tags: [i % 3, i % 5], text: 'lorem ipsum '.repeat(3) })
	return records
}

function groupRecords(records) {
	const groups = new Map()
	for (const r of records) {
		const key = r.name.replace(/[0-5]+/g, d => d.length)
		if (!groups.has(key))
			groups.set(key, [])
		groups.get(key).push(r)
	}
	return [...groups.entries()].sort((a, b) => a[0] < b[0] ? -1 : 1)
}

function workOnce() {
	const text = JSON.stringify(makeRecords(2000))
	const groups = groupRecords(JSON.parse(text))
	const hash = crypto.createHash('sha256').update(text).digest('hex')
	return zlib.deflateSync(hash + groups.length + text).length
}

const end = Date.now() + 1000 * Number(process.argv[2] || 1)
while (Date.now() < end)
	workOnce()
