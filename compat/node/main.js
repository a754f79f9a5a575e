// kafkajs: admin, producer, consumer. Usage: main.js HOST:PORT PREFIX [slow-create]; names of topics and groups begin with
// the prefix. With slow-create a new topic is used only once its partitions answer. Apache Kafka needs it: it answers
// CreateTopics before the broker leads the partitions.
'use strict'

const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = require('kafkajs')
const { assert, check, exitStatus, make, plain, same, until, FIRST_TIMESTAMP_MS } = require('./checks')

const [address, prefix, slowCreate] = process.argv.slice(2)
const PARTITIONS = 4
const kafka = new Kafka({
  clientId: 'milena-compat',
  brokers: [address],
  logLevel: logLevel.WARN,
  logCreator: () => entry => console.error(JSON.stringify(entry)),
})
const admin = kafka.admin()

async function topicWith(suffix, numPartitions, configEntries = []) {
  const topic = `${prefix}-${suffix}`
  assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }] }), true)
  if (slowCreate === 'slow-create') {
    await until(`the partitions of ${topic} answer`, () => admin.fetchTopicOffsets(topic).then(found => found.length === numPartitions, () => false))
  }
  return topic
}

async function produce(topic, messages, settings = {}, how = {}) {
  const producer = kafka.producer({ allowAutoTopicCreation: false, ...settings })
  await producer.connect()
  try {
    return await producer.send({ topic, messages, ...how })
  } finally {
    await producer.disconnect()
  }
}

// A running consumer that adds what comes to a list. Its offsets must be in a row in each partition.
class Member {
  constructor(groupId, into = [], settings = {}) {
    this.consumer = kafka.consumer({ groupId, heartbeatInterval: 200, sessionTimeout: 10_000, maxWaitTimeInMs: 200, allowAutoTopicCreation: false, ...settings })
    this.got = into
    this.next = new Map()
    this.assigned = 0
    this.consumer.on(this.consumer.events.GROUP_JOIN, ({ payload }) => {
      this.next.clear()
      this.assigned = Object.values(payload.memberAssignment).flat().length
    })
  }

  async start(topic) {
    await this.consumer.connect()
    await this.consumer.subscribe({ topics: [topic], fromBeginning: true })
    await this.consumer.run({
      eachMessage: async ({ partition, message }) => {
        const offset = Number(message.offset)
        if (this.next.has(partition)) assert.equal(offset, this.next.get(partition), 'offset')
        this.next.set(partition, offset + 1)
        this.got.push(plain(partition, message))
      },
    })
    return this
  }

  stop() {
    return this.consumer.disconnect()
  }
}

async function readAll(topic, count) {
  const member = await new Member(`${topic}-reader`).start(topic)
  try {
    await until(`${count} records (${member.got.length} came)`, () => member.got.length >= count)
  } finally {
    await member.stop()
  }
  return member.got
}

async function topics() {
  const topic = await topicWith('admin', 2, [{ name: 'retention.ms', value: '1234567' }])
  assert.ok((await admin.listTopics()).includes(topic), 'the topic is not listed')
  assert.equal(await admin.createTopics({ topics: [{ topic }] }), false, 'created twice')
  const described = await admin.fetchTopicMetadata({ topics: [topic] })
  assert.equal(described.topics[0].partitions.length, 2)
  for (const partition of described.topics[0].partitions) {
    assert.equal(partition.partitionErrorCode, 0)
    assert.ok(partition.leader >= 0, 'no leader')
    assert.deepEqual(partition.isr, [partition.leader])
  }
  const cluster = await admin.describeCluster()
  assert.equal(cluster.brokers.length, 1)
  assert.equal(cluster.controller, cluster.brokers[0].nodeId)
  assert.equal(cluster.clusterId.length, 22)
  const configs = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }] })
  assert.equal(configs.resources[0].configEntries[0].configValue, '1234567')
  await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })
  await until('five partitions', async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length === 5)
  await admin.deleteTopics({ topics: [topic] })
  await until('the topic is gone', async () => !(await admin.listTopics()).includes(topic))
  await assert.rejects(admin.createTopics({ topics: [{ topic: `${topic}-three`, numPartitions: 1, replicationFactor: 3 }] }), 'three replicas were accepted')
}

async function autoCreate() {
  const topic = `${prefix}-auto`
  const messages = make('auto', 10, 1)
  await produce(topic, messages, { allowAutoTopicCreation: true })
  same(await readAll(topic, messages.length), messages)
}

async function codec(name, compression, acks, idempotent) {
  const topic = await topicWith(name, PARTITIONS)
  const messages = make(name, 80, PARTITIONS)
  const answers = await produce(topic, messages, idempotent ? { idempotent: true } : {}, { compression, acks })
  if (acks !== 0) {
    assert.equal(answers.length, PARTITIONS)
    for (const answer of answers) assert.deepEqual([answer.errorCode, answer.baseOffset], [0, '0'])
  }
  same(await readAll(topic, messages.length), messages)
}

async function groupResume() {
  const topic = await topicWith('resume', PARTITIONS)
  const group = `${prefix}-resume`
  const messages = make('resume', 100, PARTITIONS)
  const got = []
  for (const part of [messages.slice(0, 40), messages.slice(40)]) {
    await produce(topic, part, {}, { compression: CompressionTypes.GZIP })
    const expected = got.length + part.length
    const member = await new Member(group, got).start(topic)
    await until(`${expected} records`, () => got.length >= expected)
    await member.stop()
    const offsets = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    assert.equal(offsets[0].partitions.reduce((sum, one) => sum + Number(one.offset), 0), expected, 'sum of the committed offsets')
  }
  same(got, messages)
}

async function groupShare() {
  const topic = await topicWith('share', PARTITIONS)
  const messages = make('share', 200, PARTITIONS)
  const settings = { rebalanceTimeout: 5000 }
  const got = []
  const first = await new Member(topic, got, settings).start(topic)
  try {
    await until('the first has all partitions', () => first.assigned === 4)
    const second = await new Member(topic, got, settings).start(topic)
    try {
      await until('two partitions each', () => first.assigned === 2 && second.assigned === 2)
      await produce(topic, messages.slice(0, 100))
      await until('a hundred records', () => got.length >= 100)
      same(got, messages.slice(0, 100))
      const described = await admin.describeGroups([topic])
      assert.equal(described.groups[0].state, 'Stable')
      assert.equal(described.groups[0].members.length, 2)
    } finally {
      await second.stop()
    }
    await until('the one left has all partitions', () => first.assigned === 4)
    await produce(topic, messages.slice(100))
    await until('all records', () => got.length >= 200)
    same(got, messages)
  } finally {
    await first.stop()
  }
}

async function seek() {
  const topic = await topicWith('seek', 1)
  const messages = make('seek', 50, 1)
  await produce(topic, messages)
  const member = await new Member(`${prefix}-seek`).start(topic)
  try {
    await until('all records', () => member.got.length === 50)
    member.got.length = 0
    member.next.clear()
    member.consumer.seek({ topic, partition: 0, offset: '33' })
    await until('the last 17 records', () => member.got.length === 17)
    same(member.got, messages.slice(33))
  } finally {
    await member.stop()
  }
}

async function offsets() {
  const topic = `${prefix}-seek`
  const group = `${prefix}-offsets`
  assert.deepEqual(await admin.fetchTopicOffsets(topic), [{ partition: 0, offset: '50', high: '50', low: '0' }])
  assert.deepEqual(await admin.fetchTopicOffsetsByTimestamp(topic, FIRST_TIMESTAMP_MS + 29_500), [{ partition: 0, offset: '30' }])
  const committed = async () => (await admin.fetchOffsets({ groupId: group, topics: [topic] }))[0].partitions[0].offset
  assert.equal(await committed(), '-1')
  await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '12' }] })
  assert.equal(await committed(), '12')
  const member = await new Member(group).start(topic)
  await until('the 38 records after the offset', () => member.got.length >= 38)
  await member.stop()
  same(member.got, make('seek', 50, 1).slice(12))
  assert.equal(await committed(), '50')
  await admin.resetOffsets({ groupId: group, topic, earliest: true })
  const [reset] = await admin.fetchOffsets({ groupId: group, topics: [topic], resolveOffsets: true })
  assert.equal(reset.partitions[0].offset, '0')
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '20' }] })
  assert.deepEqual(await admin.fetchTopicOffsets(topic), [{ partition: 0, offset: '50', high: '50', low: '20' }])
}

async function groups() {
  const group = `${prefix}-resume`
  const listed = await admin.listGroups()
  assert.ok(listed.groups.some(one => one.groupId === group && one.protocolType === 'consumer'), 'the group is not listed')
  const described = await admin.describeGroups([group])
  assert.equal(described.groups[0].state, 'Empty')
  const [deleted] = await admin.deleteGroups([group])
  assert.equal(deleted.errorCode || 0, 0)
  assert.ok(!(await admin.listGroups()).groups.some(one => one.groupId === group), 'the group is still listed')
}

async function main() {
  await admin.connect()
  await check('admin: create, list, describe, configs, partitions, delete', topics)
  await check('producer to a new topic, consumer with eachMessage', autoCreate)
  for (const [name, compression] of [['none', CompressionTypes.None], ['gzip', CompressionTypes.GZIP]]) {
    for (const acks of [0, 1, -1]) {
      await check(`producer and consumer: ${name}, acks ${acks}`, () => codec(`${name}-acks${acks}`, compression, acks, false))
    }
    await check(`producer and consumer: ${name}, idempotent`, () => codec(`${name}-idempotent`, compression, -1, true))
  }
  await check('consumer group: a second run goes on where the first committed', groupResume)
  await check('consumer group: two share the partitions, one leaves', groupShare)
  await check('consumer: seek', seek)
  await check('admin: fetchTopicOffsets, fetchOffsets, setOffsets, resetOffsets, deleteTopicRecords', offsets)
  await check('admin: list, describe, delete groups', groups)
  await admin.disconnect()
}

// A program that runs out of things to wait for before its end must not look like one that passed.
process.exitCode = 1
main().then(
  () => process.exit(exitStatus()),
  error => {
    console.log(`FAIL kafkajs: ${error.message}`)
    console.error(error)
    process.exit(1)
  }
)
