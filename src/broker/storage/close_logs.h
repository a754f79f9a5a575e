// close_logs: closes the open logs of a shard in order, as the last thing that the shard does. Source: Kafka's
// LogManager.shutdown.
//
// Unsynced records are synced. A few logs are synced one by one. Many logs of a directory are written first, and then
// the file system of the directory is synced once: each sync of a file may wait for the disk, and a node with ten
// thousand partitions would take minutes to stop.
#pragma once

namespace milena {
class FileSystem;
}  // namespace milena

namespace milena::broker {

class ReplicaManager;

// Returns false if a log could not be closed in order: the clean-shutdown mark must not be written.
bool close_logs(ReplicaManager& replicas, FileSystem& files);

}  // namespace milena::broker
