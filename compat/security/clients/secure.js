// kafkajs: ADDRESS MECHANISM USER SECRET TOPIC.
const { Kafka, logLevel } = require('kafkajs');

const [address, mechanism, user, secret, topic] = process.argv.slice(2);
const sasl = mechanism === 'OAUTHBEARER'
  ? { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: secret }) }
  : { mechanism: mechanism.toLowerCase(), username: user, password: secret };

async function main() {
  const kafka = new Kafka({ brokers: [address], sasl, logLevel: logLevel.NOTHING, retry: { retries: 3 } });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ value: 'hello' }] });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId: topic });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no record')), 20000).unref();
    consumer.run({ eachMessage: async ({ message }) => resolve(message) }).catch(reject);
  });
  console.log('in');
  await consumer.disconnect();
}

main().catch((error) => {
  // With OAUTHBEARER it takes the broker's refusal for an acceptance, goes on, and is closed.
  const refused = error.name === 'KafkaJSSASLAuthenticationError' || /SASL/.test(error.message) ||
    (mechanism === 'OAUTHBEARER' && error.message === 'Closed connection');
  console.log((refused ? 'refused: ' : '') + error.message.replace(/\n/g, ' '));
}).finally(() => process.exit());
