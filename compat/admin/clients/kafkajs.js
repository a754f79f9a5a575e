// kafkajs: every call of its admin client.
'use strict';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, Kafka, logLevel, ResourcePatternTypes } = require('kafkajs');

const [address] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'admin', brokers: [address], logLevel: logLevel.NOTHING, requestTimeout: 8000, retry: { retries: 2, initialRetryTime: 100 } });
const admin = kafka.admin();
const TOPIC = 't';
const GROUP = 'g';

// Keys in order, buffers as words. Lists of objects too: their order is that of Kafka's hash tables.
function plain(value) {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) {
    const order = (one) => JSON.stringify([one.partition, one.groupId, one.configName, one]);
    const made = value.map(plain);
    return made.every((one) => one && typeof one === 'object') ? made.sort((a, b) => (order(a) < order(b) ? -1 : 1)) : made;
  }
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, plain(value[key])]));
  }
  return typeof value === 'bigint' ? String(value) : value;
}

// A line for each leaf, so that a difference names its place.
function leaves(path, value) {
  const entries = value && typeof value === 'object' ? Object.entries(value) : [];
  for (const [key, one] of entries) leaves(path ? `${path}.${key}` : key, one);
  if (entries.length === 0) console.log(`${path}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
}

async function tell(name, call) {
  console.log(`@ ${name}`);
  try {
    leaves('', plain(await call()));
  } catch (error) {
    // Errors of many topics tell each in `errors`.
    const all = [error, ...(error.errors || [])];
    for (const one of all) console.log(`error ${one.name} ${one.type || ''} ${one.topic || ''}: ${one.message}`);
  }
}

async function main() {
  await tell('connect', () => admin.connect());
  await tell('describeCluster', () => admin.describeCluster());
  const topics = (more) => ({ topics: [{ topic: TOPIC, numPartitions: 2, replicationFactor: 1, ...more }] });
  await tell('createTopics', () => admin.createTopics({ ...topics({ configEntries: [{ name: 'retention.ms', value: '3600000' }] }), waitForLeaders: true }));
  await tell('createTopics: there', () => admin.createTopics(topics()));
  await tell('createTopics: validateOnly', () => admin.createTopics({ ...topics({ topic: 'v' }), validateOnly: true }));
  await tell('createTopics: bad name', () => admin.createTopics(topics({ topic: 'a/b' })));
  await tell('createTopics: bad factor', () => admin.createTopics(topics({ topic: 'f', replicationFactor: 3 })));
  await tell('createTopics: bad config', () => admin.createTopics(topics({ topic: 'c', configEntries: [{ name: 'no.such', value: '1' }] })));
  await tell('createTopics: placed', () => admin.createTopics({ topics: [{ topic: 'placed', replicaAssignment: [{ partition: 0, replicas: [1] }] }], waitForLeaders: false }));
  await tell('listTopics', async () => (await admin.listTopics()).sort());
  await tell('createPartitions', () => admin.createPartitions({ topicPartitions: [{ topic: TOPIC, count: 3 }] }));
  await tell('createPartitions: fewer', () => admin.createPartitions({ topicPartitions: [{ topic: TOPIC, count: 1 }] }));
  await tell('fetchTopicMetadata', () => admin.fetchTopicMetadata({ topics: [TOPIC] }));
  await tell('fetchTopicMetadata: nowhere', () => admin.fetchTopicMetadata({ topics: ['nowhere'] }));

  const base = (Math.floor(Date.now() / 1000) - 1800) * 1000;
  const producer = kafka.producer({ createPartitioner: () => ({ message }) => Number(message.key) % 2 });
  await producer.connect();
  for (let number = 0; number < 10; number += 1) {
    await producer.send({ topic: TOPIC, messages: [{ key: String(number), value: 'value', timestamp: String(base + number) }] });
  }
  await producer.disconnect();
  await tell('fetchTopicOffsets', () => admin.fetchTopicOffsets(TOPIC));
  await tell('fetchTopicOffsetsByTimestamp', () => admin.fetchTopicOffsetsByTimestamp(TOPIC, base + 3));
  await tell('fetchTopicOffsetsByTimestamp: none', () => admin.fetchTopicOffsetsByTimestamp(TOPIC));
  await tell('setOffsets', () => admin.setOffsets({ groupId: GROUP, topic: TOPIC, partitions: [{ partition: 0, offset: '2' }, { partition: 1, offset: '1' }] }));
  await tell('fetchOffsets', () => admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] }));
  await tell('fetchOffsets: all', () => admin.fetchOffsets({ groupId: GROUP }));
  await tell('fetchOffsets: resolved', () => admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC], resolveOffsets: true }));
  await tell('resetOffsets', () => admin.resetOffsets({ groupId: GROUP, topic: TOPIC, earliest: true }));
  await tell('fetchOffsets again', () => admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] }));
  await tell('listGroups', () => admin.listGroups());
  await tell('describeGroups', () => admin.describeGroups([GROUP, 'nobody']));
  await tell('deleteGroups', () => admin.deleteGroups([GROUP]));
  await tell('deleteGroups: nobody', () => admin.deleteGroups(['nobody']));
  const describe = (type, name, more) => admin.describeConfigs({ includeSynonyms: true, resources: [{ type, name, ...more }] });
  await tell('describeConfigs', async () => (await describe(ConfigResourceTypes.TOPIC, TOPIC)).resources[0].configEntries
    .sort((a, b) => (a.configName < b.configName ? -1 : 1)));
  await tell('describeConfigs: names', () => describe(ConfigResourceTypes.TOPIC, TOPIC, { configNames: ['retention.ms', 'no.such'] }));
  await tell('describeConfigs: broker', () => describe(ConfigResourceTypes.BROKER, '1', { configNames: ['log.retention.ms', 'node.id', 'log.dirs'] }));
  await tell('describeConfigs: nowhere', () => describe(ConfigResourceTypes.TOPIC, 'nowhere'));
  const alter = (name, value) => admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: TOPIC, configEntries: [{ name, value }] }] });
  await tell('alterConfigs', () => alter('segment.ms', '100000'));
  await tell('alterConfigs: wrong', () => alter('segment.ms', 'x'));
  // The broker of Kafka has an alteration some time after its controller has answered.
  for (let shown = ''; shown !== '100000';) {
    const { resources } = await describe(ConfigResourceTypes.TOPIC, TOPIC, { configNames: ['segment.ms'] });
    shown = resources[0].configEntries[0].configValue;
  }
  await tell('describeConfigs again', () => describe(ConfigResourceTypes.TOPIC, TOPIC, { configNames: ['retention.ms', 'segment.ms'] }));
  await tell('deleteTopicRecords', () => admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: 0, offset: '3' }, { partition: 1, offset: '-1' }] }));
  await tell('deleteTopicRecords: beyond', () => admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: 0, offset: '300' }] }));
  await tell('fetchTopicOffsets again', () => admin.fetchTopicOffsets(TOPIC));
  const acl = { resourceType: AclResourceTypes.TOPIC, resourceName: TOPIC, resourcePatternType: ResourcePatternTypes.LITERAL, principal: 'User:bob', host: '*',
    operation: AclOperationTypes.READ, permissionType: AclPermissionTypes.ALLOW };
  await tell('createAcls', () => admin.createAcls({ acl: [acl] }));
  await tell('describeAcls', () => admin.describeAcls(acl));
  await tell('deleteAcls', () => admin.deleteAcls({ filters: [acl] }));
  const reassign = (topic, replicas) => admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: [{ partition: 0, replicas }] }] });
  await tell('alterPartitionReassignments', () => reassign(TOPIC, [1]));
  await tell('alterPartitionReassignments: unknown broker', () => reassign(TOPIC, [9]));
  await tell('alterPartitionReassignments: nowhere', () => reassign('nowhere', [1]));
  await tell('listPartitionReassignments', () => admin.listPartitionReassignments({ topics: [{ topic: TOPIC, partitions: [0] }] }));
  await tell('deleteTopics', () => admin.deleteTopics({ topics: [TOPIC] }));
  await tell('deleteTopics: nowhere', () => admin.deleteTopics({ topics: ['nowhere'] }));
  await tell('disconnect', () => admin.disconnect());
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
