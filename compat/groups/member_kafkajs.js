// A member of a group: kafkajs. See member.py for what it prints.
'use strict'
const fs = require('fs')
const { Kafka, logLevel } = require('kafkajs')

const [address, groupId, topic] = process.argv.slice(2)
const say = lines => process.stdout.write(lines.map(line => `${line}\n`).join(''))

// The login of compat/lib/client_security.py, where there is one.
function security() {
  const path = process.env.MILENA_CLIENT_SECURITY
  if (!path) return {}
  const lines = fs.readFileSync(path, 'utf8').trim().split('\n')
  const found = Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
  return { ssl: { ca: [fs.readFileSync(found['ssl.ca.location'], 'utf8')] },
    sasl: { mechanism: found['sasl.mechanism'].toLowerCase(), username: found['sasl.username'], password: found['sasl.password'] } }
}

async function main() {
  const kafka = new Kafka({ brokers: [address], ...security(), clientId: 'member', logLevel: logLevel.ERROR,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 200 } })
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10000, heartbeatInterval: 500, rebalanceTimeout: 20000,
    metadataMaxAge: 1000, maxWaitTimeInMs: 100 })
  let owned = []
  consumer.on(consumer.events.REBALANCING, () => {
    say(owned.map(one => `lost ${one}`))
    owned = []
  })
  consumer.on(consumer.events.GROUP_JOIN, event => {
    say(owned.map(one => `lost ${one}`))
    owned = event.payload.memberAssignment[topic] || []
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  process.stdin.on('data', stop)
  process.stdin.on('end', stop)
  let stopping = false
  async function stop() {
    if (stopping) return
    stopping = true
    await consumer.disconnect()
    say(['stopped'])
    process.exit(0)
  }
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
      const messages = batch.messages.slice(0, 50)
      if (messages.length === 0 || !isRunning() || isStale()) return
      const next = String(BigInt(messages[messages.length - 1].offset) + 1n)
      say(messages.map(one => `r ${batch.partition} ${one.offset}`))
      resolveOffset(messages[messages.length - 1].offset)
      try {
        await consumer.commitOffsets([{ topic, partition: batch.partition, offset: next }])
      } catch (error) {
        console.error(`commit: ${error.message}`)
        throw error
      }
      say([`c ${batch.partition} ${next}`])
      await heartbeat()
    }
  })
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
