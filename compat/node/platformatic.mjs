// @platformatic/kafka: admin, producer, consumers of both protocols, transactions. Usage: platformatic.mjs HOST:PORT PREFIX
// [slow-create], as main.js. It is a client of its own, which shares no code with kafkajs and speaks newer versions.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
const { assert, check, exitStatus, until, DEADLINE_MS } = require('./checks')
// An import does not look into NODE_PATH.
const { Admin, Consumer, Producer, stringDeserializers, stringSerializers } =
  await import(pathToFileURL(require.resolve('@platformatic/kafka')).href)

const [address, prefix, slowCreate] = process.argv.slice(2)
const PARTITIONS = 3
const common = { clientId: 'milena-compat', bootstrapBrokers: [address], timeout: DEADLINE_MS }
const admin = new Admin(common)

async function topicWith(suffix) {
  const topic = `${prefix}-p-${suffix}`
  const [created] = await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 })
  assert.equal(created.partitions, PARTITIONS)
  if (slowCreate === 'slow-create') await until(`the partitions of ${topic} answer`, () => ends(topic).then(() => true, () => false))
  return topic
}

// Log end offsets, or with -2n the log start offsets.
async function ends(topic, timestamp = -1n) {
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({ partitionIndex, timestamp }))
  const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
  return listed.partitions.sort((a, b) => a.partitionIndex - b.partitionIndex).map(one => Number(one.offset))
}

function make(topic, label, count) {
  return Array.from({ length: count }, (_, i) => ({
    topic, partition: i % PARTITIONS, key: `${label}-key-${i}`, value: `${label} value ${i} ${'äbc '.repeat(i % 50)}`, headers: { trace: `id-${i}` },
  }))
}

async function withProducer(settings, body) {
  const producer = new Producer({ ...common, serializers: stringSerializers, autocreateTopics: false, ...settings })
  try {
    return await body(producer)
  } finally {
    await producer.close()
  }
}

const written = message => `${message.partition} ${message.key} ${message.value} ${message.headers.trace}`
const read = message => `${message.partition} ${message.key} ${message.value} ${message.headers.get('trace')}`

function consumer(groupId, settings = {}) {
  const timers = settings.groupProtocol === 'consumer' ? {} : { sessionTimeout: 10_000, heartbeatInterval: 200 }
  return new Consumer({ ...common, groupId, deserializers: stringDeserializers, maxWaitTime: 100, ...timers, ...settings })
}

// Reads until `count` have come; `each` sees the messages.
async function consume(topic, groupId, count, settings = {}, each = async message => message.commit()) {
  const member = consumer(groupId, settings)
  const got = []
  const stream = await member.consume({ autocommit: false, topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  const late = setTimeout(() => stream.destroy(new Error(`${got.length} of ${count} messages came`)), DEADLINE_MS)
  try {
    for await (const message of stream) {
      got.push(message)
      await each(message, member)
      if (got.length >= count) break
    }
  } finally {
    clearTimeout(late)
    await member.close(true)
  }
  return got
}

function sameInEachPartition(got, expected) {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const of = list => list.filter(line => line.startsWith(`${partition} `))
    assert.deepEqual(of(got), of(expected), `partition ${partition}`)
  }
}

for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  await check(`records with ${compression}`, async () => {
    const topic = await topicWith(compression)
    const messages = make(topic, compression, 120)
    await withProducer({ compression, acks: -1 }, producer => producer.send({ messages }))
    const got = await consume(topic, topic, messages.length)
    sameInEachPartition(got.map(read), messages.map(written))
  })
}

await check('an idempotent producer', async () => {
  const topic = await topicWith('idempotent')
  const messages = make(topic, 'once', 60)
  await withProducer({ idempotent: true }, async producer => {
    for (const message of messages) await producer.send({ messages: [message] })
  })
  assert.deepEqual(await ends(topic), [20, 20, 20])
})

for (const groupProtocol of ['classic', 'consumer']) {
  await check(`a ${groupProtocol} group goes on where it had committed`, async () => {
    const topic = await topicWith(groupProtocol)
    const group = `${topic}-group`
    const messages = make(topic, groupProtocol, 90)
    await withProducer({}, producer => producer.send({ messages: messages.slice(0, 60) }))
    const first = await consume(topic, group, 60, { groupProtocol })
    await withProducer({}, producer => producer.send({ messages: messages.slice(60) }))
    const second = await consume(topic, group, 30, { groupProtocol })
    sameInEachPartition([...first, ...second].map(read), messages.map(written))
  })
  await check(`two members of a ${groupProtocol} group share a topic`, async () => {
    const topic = await topicWith(`${groupProtocol}-two`)
    const messages = make(topic, groupProtocol, 90)
    const members = [consumer(topic, { groupProtocol }), consumer(topic, { groupProtocol })]
    const got = []
    try {
      for (const member of members) {
        const stream = await member.consume({ autocommit: true, topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
        stream.on('data', message => got.push(read(message)))
      }
      await until('both have partitions', () => members.every(member => member.assignments?.[0]?.partitions.length > 0))
      await withProducer({}, producer => producer.send({ messages }))
      // With Kafka, too, this client hands out what a fetch brings for a partition that went to the other member meanwhile.
      await until('all records are read', () => new Set(got).size >= messages.length)
      sameInEachPartition([...new Set(got)], messages.map(written))
    } finally {
      for (const member of members) await member.close(true)
    }
  })
}

await check('transactions: committed records are read, aborted ones are not', async () => {
  const topic = await topicWith('transactions')
  await withProducer({ idempotent: true, transactionalId: topic }, async producer => {
    for (const end of ['commit', 'abort', 'commit']) {
      const transaction = await producer.beginTransaction()
      await transaction.send({ messages: make(topic, end, 6) })
      await transaction[end]()
    }
  })
  const got = await consume(topic, `${topic}-group`, 12)
  const committed = make(topic, 'commit', 6).map(written)
  sameInEachPartition(got.map(read), [...committed, ...committed])
})

await check('a transaction commits offsets of a group', async () => {
  const topic = await topicWith('offsets')
  const group = `${topic}-group`
  await withProducer({}, producer => producer.send({ messages: make(topic, 'first', 9).filter(message => message.partition === 0) }))
  await withProducer({ idempotent: true, transactionalId: topic }, async producer => {
    await consume(topic, group, 2, {}, async (message, member) => {
      if (message.offset !== 1n) return
      const transaction = await producer.beginTransaction()
      await transaction.addConsumer(member)
      await transaction.addOffset(message)
      await transaction.commit()
    })
  })
  const [{ topics: [{ partitions }] }] = await admin.listConsumerGroupOffsets({ groups: [group] })
  assert.deepEqual(partitions.filter(one => Number(one.committedOffset) >= 0).map(one => [one.partitionIndex, Number(one.committedOffset)]), [[0, 2]])
})

await check('the admin client', async () => {
  const topic = await topicWith('admin')
  const group = `${topic}-group`
  const messages = make(topic, 'admin', 30)
  await withProducer({}, producer => producer.send({ messages }))
  await consume(topic, group, messages.length)
  assert.ok((await admin.listTopics()).includes(topic))
  assert.equal((await admin.metadata({ topics: [topic] })).topics.get(topic).partitionsCount, PARTITIONS)
  assert.equal((await admin.listGroups({ states: ['EMPTY'] })).get(group)?.state, 'Empty')
  await admin.alterConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 5n }] }] })
  const [{ topics: [{ partitions }] }] = await admin.listConsumerGroupOffsets({ groups: [group] })
  assert.equal(Number(partitions.find(one => one.partitionIndex === 0).committedOffset), 5)
  const resource = { resourceType: 2, resourceName: topic }
  const change = { name: 'retention.ms', configOperation: 0, value: '12345678' }
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [change] }] })
  await until('the topic has its setting', async () => {
    const [{ configs }] = await admin.describeConfigs({ resources: [resource] })
    return configs.find(one => one.name === 'retention.ms').value === '12345678'
  })
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 4n }] }] })
  assert.deepEqual(await ends(topic, -2n), [4, 0, 0])
  await admin.deleteGroups({ groups: [group] })
  await admin.deleteTopics({ topics: [topic] })
  await until('the topic is gone', async () => !(await admin.listTopics()).includes(topic))
})

await admin.close()
process.exit(exitStatus())
