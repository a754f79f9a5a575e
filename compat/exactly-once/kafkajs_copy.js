// Copies numbers by transactions with kafkajs: ADDRESS FROM TO GROUP TRANSACTIONAL-ID SEED. Ends at anything odd. A transaction
// that was aborted on purpose is done again with the same records.
const { Kafka, logLevel } = require("kafkajs");

const [address, source, to, group, transactionalId, seed] = process.argv.slice(2);
let state = Number(seed) + 1;
function random() {
  state = (state * 48271) % 2147483647;
  return state / 2147483647;
}
function end(error) {
  console.error(error);
  process.exit(3);
}

async function main() {
  const kafka = new Kafka({ clientId: "copy", brokers: [address], logLevel: logLevel.ERROR, retry: { retries: 4 } });
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1, transactionTimeout: 20000 });
  const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6000, heartbeatInterval: 1000, readUncommitted: false,
                                    retry: { retries: 0 } });
  consumer.on(consumer.events.CRASH, (event) => end(event.payload.error));
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topics: [source], fromBeginning: true });
  console.log("ready");
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 1,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      for (let first = 0; first < batch.messages.length; first += 200) {
        const messages = batch.messages.slice(first, first + 200);
        const next = (BigInt(messages[messages.length - 1].offset) + 1n).toString();
        for (let committed = false; !committed; ) {
          const transaction = await producer.transaction();
          await transaction.send({ topic: to, messages: messages.map(({ key, value }) => ({ key, value, partition: batch.partition })) });
          await transaction.sendOffsets({ consumerGroupId: group,
                                          topics: [{ topic: source, partitions: [{ partition: batch.partition, offset: next }] }] });
          committed = random() >= 0.2;
          await (committed ? transaction.commit() : transaction.abort());
        }
        resolveOffset(messages[messages.length - 1].offset);
        await heartbeat();
      }
    },
  });
}

process.on("unhandledRejection", end);
main().catch(end);
