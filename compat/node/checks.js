// Counts checks and compares records. A check prints a line to standard output, as compat/lib reads them: "ok NAME" or
// "FAIL NAME: why"; everything else goes to standard error.
'use strict'

const assert = require('node:assert/strict')

const DEADLINE_MS = 30_000
let failed = false

async function check(name, body) {
  const start = Date.now()
  try {
    await body()
    console.log(`ok ${name}`)
  } catch (error) {
    failed = true
    console.log(`FAIL ${name}: ${String(error.message).replace(/\s+/g, ' ').slice(0, 600)}`)
    console.error(error)
  }
  console.error(`check ${name} took ${Date.now() - start} ms`)
}

// Waits for what happens in its own time.
async function until(what, condition) {
  const end = Date.now() + DEADLINE_MS
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${DEADLINE_MS} ms in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

// Records whose keys, values and headers vary, spread over the partitions in turn. They are of the last day: retention
// would delete records of long ago under our hands.
const FIRST_TIMESTAMP_MS = Date.now() - 24 * 3_600_000

function make(label, count, partitions) {
  return Array.from({ length: count }, (_, i) => ({
    partition: i % partitions,
    timestamp: String(FIRST_TIMESTAMP_MS + i * 1000),
    key: i % 5 === 0 ? null : `${label}-key-${i}`,
    value: i % 11 === 3 ? null : `${label} value ${i} ${'äbc '.repeat(i % 50)}`,
    headers: i % 6 === 4 ? { trace: [`id-${i}`, 'again'], größe: '' } : i % 3 === 1 ? { trace: `id-${i}` } : {},
  }))
}

const text = bytes => (bytes === null || bytes === undefined ? null : bytes.toString())

// A consumed message in the form of those above.
function plain(partition, message) {
  const headers = Object.fromEntries(Object.entries(message.headers || {}).map(([name, value]) => [name, Array.isArray(value) ? value.map(text) : text(value)]))
  return { partition, timestamp: message.timestamp, key: text(message.key), value: text(message.value), headers }
}

// Requires the same records in the same order in each partition; the order between partitions is free.
function same(got, expected) {
  assert.equal(got.length, expected.length, `${got.length} records, expected ${expected.length}`)
  const byPartition = list => list.reduce((map, one) => map.set(one.partition, [...(map.get(one.partition) || []), one]), new Map())
  const [left, right] = [byPartition(got), byPartition(expected)]
  for (const [partition, want] of right) {
    const have = left.get(partition) || []
    assert.equal(have.length, want.length, `${have.length} records in partition ${partition}, expected ${want.length}`)
    want.forEach((one, i) => assert.deepEqual(have[i], one, `record ${i} of partition ${partition} is ${JSON.stringify(have[i])}, expected ${JSON.stringify(one)}`))
  }
}

const exitStatus = () => (failed ? 1 : 0)

module.exports = { assert, check, exitStatus, make, plain, same, until, DEADLINE_MS, FIRST_TIMESTAMP_MS }
